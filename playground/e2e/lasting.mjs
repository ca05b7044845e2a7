// What stays while everything around an open page changes: its server, its schema, its token, and the page itself when it is loaded again.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demo, serve } from './servers.mjs';
import { assert, until, visit } from './visit.mjs';

const AWAY = [/ERR_CONNECTION_REFUSED/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/, /ERR_SOCKET_NOT_CONNECTED/, /status of 50[234]/];
const REFUSED = [/status of 401/];
const FIXTURES = join(import.meta.dirname, 'fixtures');

const text = (page) => page.locator('.graphiql-query-editor .view-lines').innerText().then((all) => all.replace(/\u00a0/g, ' '));
const answer = (page) => page.locator('.result-window .view-lines').innerText().then((all) => all.replace(/\s/g, ''));
const tabs = (page) => page.locator('.graphiql-tab .graphiql-tab-button').allInnerTexts();
const run = (page) => page.getByRole('button', { name: /^Execute query/ }).click();

async function write(page, query) {
  await page.locator('.graphiql-query-editor .view-line').first().click();
  await page.keyboard.press('Control+a');
  // Pasted, since the editor closes what is opened by a key.
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), query);
  await page.keyboard.press('Control+v');
  const bare = (written) => written.replace(/\s/g, '');
  await until(async () => bare(await text(page)) === bare(query), 'what was pasted');
}

async function ready(page) {
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await until(async () => (await text(page)).trim() !== '', 'text in the editor');
}

/** Every page, and what is on it once it has its answer. */
const PAGES = [
  ['/', (page) => page.getByRole('list', { name: 'Entities by kind' })],
  ['/graph', (page) => page.getByRole('link', { name: /^payments/ }).first()],
  ['/graph/component/default/payments-api', (page) => page.locator('.graph-node[data-ref="component:default/ledger"]')],
  ['/catalog', (page) => page.getByRole('link', { name: 'accounts-db' }).first()],
  ['/catalog?q=payments', (page) => page.getByRole('link', { name: /^payments-api/ }).first()],
  ['/catalog/component/default/payments-api', (page) => page.getByRole('heading', { name: 'Payments API' })],
  ['/status', (page) => page.getByRole('heading', { name: 'Sources' })],
];

export const checks = [
  [
    'lasting: a server that goes away and returns takes nothing of an unsent query along',
    async ({ browser, binary }) => {
      let server = await demo(binary);
      const listen = new URL(server.url).host;
      try {
        const page = await visit(browser, `${server.url}/query`, { expected: AWAY });
        await ready(page);
        await write(page, '# kept\n{ callboard { version } }');
        // What the editor loads behind its text is there.
        await run(page);
        await until(async () => (await answer(page)).includes('"version"'), 'answer');
        await page.waitForLoadState('networkidle');
        await server.stop();
        await run(page);
        await until(async () => (await answer(page)).includes('doesnotanswer'), 'word about it in the answer');
        await page.locator('.strip').waitFor();
        assert((await text(page)).includes('# kept'), 'the query is still there');
        await page.axe();
        await page.shoot('away-query');
        server = await demo(binary, listen);
        await page.locator('.strip').waitFor({ state: 'detached' });
        assert((await text(page)).includes('# kept'), 'the query is there when the server is back');
        await run(page);
        await until(async () => (await answer(page)).includes('"version"'), 'answer');
        await page.reload();
        await ready(page);
        assert((await text(page)).includes('# kept'), 'and after a reload');
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'lasting: tabs are opened, named by their query, kept and closed',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/query`);
      await ready(page);
      await page.getByRole('button', { name: 'New tab' }).click();
      await write(page, 'query Second { callboard { version } }');
      await until(async () => (await tabs(page)).join() === 'WhoIsOnCall,Second', 'two tabs with their names');
      await run(page);
      await until(async () => (await answer(page)).includes('"version"'), 'answer of the second');
      await page.getByRole('button', { name: 'WhoIsOnCall', exact: true }).click();
      await until(async () => (await text(page)).includes('WhoIsOnCall'), 'the first one');
      await page.getByRole('button', { name: 'Second', exact: true }).click();
      await until(async () => (await text(page)).includes('callboard'), 'the second one');
      await page.axe();
      await page.shoot('tabs');
      // What is kept is written a moment after the last key.
      await until(() => page.evaluate(() => JSON.stringify({ ...localStorage }).includes('query Second')), 'tabs in the storage');
      await page.reload();
      await ready(page);
      assert((await tabs(page)).join() === 'WhoIsOnCall,Second', (await tabs(page)).join());
      assert((await text(page)).includes('query Second'), 'the one that was open is open');
      await page.locator('.graphiql-tab', { hasText: 'Second' }).getByRole('button', { name: 'Close Tab' }).click();
      await until(async () => (await tabs(page)).length < 2 && (await text(page)).includes('WhoIsOnCall'), 'one tab');
      await until(() => page.evaluate(() => !localStorage.getItem('graphiql:tabState').includes('query Second')), 'one tab in the storage');
      await page.reload();
      await ready(page);
      assert(!(await text(page)).includes('Second'), 'closed is closed');
      await page.done();
    },
  ],
  [
    'lasting: the keys do what the page says of them',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/query`);
      await ready(page);
      await page.getByRole('button', { name: 'Open short keys dialog' }).click();
      const rows = page.getByRole('dialog').getByRole('row');
      const said = (await rows.allInnerTexts()).map((row) => row.replace(/\s+/g, ' ').trim()).filter((row) => !/^Short/.test(row));
      await page.axe();
      await page.shoot('short-keys');
      await page.keyboard.press('Escape');
      const focusEditor = () => page.locator('.graphiql-query-editor .view-line').first().click();
      const asked = () => page.waitForRequest((request) => request.url().endsWith('/graphql') && request.method() === 'POST');
      const does = {
        'Execute query': async (keys) => {
          await write(page, '{ callboard { version } }');
          await page.keyboard.press(keys);
          await until(async () => (await answer(page)).includes('"version"'), 'answer');
        },
        'Prettify editors': async (keys) => {
          await write(page, '{callboard{version}}');
          await page.keyboard.press(keys);
          await until(async () => (await text(page)).split('\n').length >= 3, 'tidy query');
        },
        'Merge fragments': async (keys) => {
          await write(page, 'query Q { callboard { ...V } } fragment V on Callboard { version }');
          await page.keyboard.press(keys);
          await until(async () => !(await text(page)).includes('fragment'), 'query without fragments');
        },
        'Copy query': async (keys) => {
          await write(page, '# copied\n{ callboard { version } }');
          await page.evaluate(() => navigator.clipboard.writeText('nothing yet'));
          await page.keyboard.press(keys);
          await until(() => page.evaluate(() => navigator.clipboard.readText().then((copied) => copied.includes('# copied'))), 'query on the clipboard');
        },
        'Re-fetch schema': async (keys) => {
          await focusEditor();
          await Promise.all([asked(), page.keyboard.press(keys)]);
        },
        'Open the Command Palette (you must have focus in the editor)': async (keys) => {
          await focusEditor();
          await page.keyboard.press(keys);
          await page.locator('.quick-input-widget').waitFor();
          await page.keyboard.press('Escape');
        },
        'Search in editor': async (keys) => {
          await focusEditor();
          await page.keyboard.press(keys);
          await page.locator('.find-widget.visible').first().waitFor();
          await page.keyboard.press('Escape');
        },
        'Search in documentation': async (keys) => {
          await focusEditor();
          await page.keyboard.press(keys);
          await page.locator('.graphiql-doc-explorer').waitFor();
        },
      };
      for (const row of said) {
        const name = Object.keys(does).find((one) => row.toLowerCase().includes(one.toLowerCase()));
        assert(name, `nobody knows what "${row}" does`);
        const keys = row.slice(0, row.toLowerCase().indexOf(name.toLowerCase())).trim().replace(/Ctrl/, 'Control').replace(/\s*\+\s*/g, '+');
        await does[name](keys).catch(async (error) => {
          await page.shoot('short-keys-failed');
          assert(false, `"${row}" (${keys}): ${error.message}`);
        });
        delete does[name];
      }
      assert(Object.keys(does).length === 0, `not said any more: ${Object.keys(does).join()}`);
      await page.goto(`${url}/catalog`);
      const field = page.locator('[aria-keyshortcuts="/"]');
      await field.waitFor();
      await page.keyboard.press('/');
      assert(await field.evaluate((one) => one === document.activeElement), 'the search has the focus');
      await page.done();
    },
  ],
  [
    'lasting: nothing leaves the origin, on any page',
    async ({ browser, url }) => {
      const asked = new Map();
      const page = await visit(browser, `${url}/`, {
        before: (page) =>
          page.context().on('request', (request) => {
            const { origin } = new URL(request.url());
            asked.set(origin, (asked.get(origin) ?? 0) + 1);
          }),
      });
      for (const [path, isThere] of PAGES) {
        await page.goto(url + path);
        await isThere(page).waitFor();
        await page.waitForLoadState('networkidle');
      }
      await page.goto(`${url}/query`);
      await ready(page);
      await run(page);
      await page.getByText('In the server').waitFor();
      await page.goto(`${url}/docs/component/default/payments-api/`);
      await page.getByRole('heading', { name: 'Payments' }).first().waitFor();
      await page.waitForLoadState('networkidle');
      console.log(`        ${[...asked].map(([origin, count]) => `${count} requests to ${origin}`).join(', ')}`);
      assert([...asked.keys()].join() === new URL(url).origin && asked.get(new URL(url).origin) > 50, JSON.stringify([...asked]));
      await page.done();
    },
  ],
  [
    'lasting: a token that is missing or has expired, on every page',
    async ({ browser, url }) => {
      for (const [path, isThere] of PAGES) {
        let valid = 'first';
        const page = await visit(browser, `${url}/`, {
          expected: REFUSED,
          // As a proxy in front would do it.
          before: (page) => page.route('**/graphql', (route) => (route.request().headers().authorization === `Bearer ${valid}` ? route.continue() : route.fulfill({ status: 401, body: '' }))),
        });
        const give = async (token) => {
          await page.getByRole('button', { name: /^Token:/ }).click();
          await page.locator('input[type=password]').fill(token);
          await page.getByRole('button', { name: 'Use it' }).click();
        };
        await page.goto(url + path);
        await page.getByText('The server wants to know who you are').first().waitFor();
        await page.axe();
        await page.shoot(`token-missing${path.replace(/\W+/g, '-')}`);
        await give('first');
        await isThere(page).waitFor();
        assert((await page.getByText('The server wants to know who you are').count()) === 0, `${path}: still refused`);
        // It expires: another page of the app is the next thing that somebody asks for.
        valid = 'second';
        await page.getByRole('link', { name: path === '/status' ? 'Catalog' : 'Status', exact: true }).click();
        await page.getByText('The server wants to know who you are').first().waitFor();
        await page.goBack();
        await give('second');
        await isThere(page).waitFor();
        await until(async () => (await page.getByText('The server wants to know who you are').count()) === 0, `${path} without the refusal`);
        await page.done();
      }
      const page = await visit(browser, `${url}/query`, {
        expected: REFUSED,
        before: (page) => page.route('**/graphql', (route) => (route.request().headers().authorization === 'Bearer fresh' ? route.continue() : route.fulfill({ status: 401, body: '' }))),
      });
      await ready(page);
      await write(page, '# kept\n{ callboard { version } }');
      await run(page);
      await until(async () => (await answer(page)).includes('setatoken'), 'what to do');
      await page.axe();
      await page.shoot('token-missing-query');
      await page.getByRole('button', { name: /^Token:/ }).click();
      await page.locator('input[type=password]').fill('fresh');
      await page.getByRole('button', { name: 'Use it' }).click();
      assert((await text(page)).includes('# kept'), 'the query is still there');
      await run(page);
      await until(async () => (await answer(page)).includes('"version"'), 'answer');
      await page.done();
    },
  ],
  [
    'lasting: a schema that is loaded anew under open pages',
    async ({ browser, binary }) => {
      const own = readFileSync(join(FIXTURES, 'kind.graphql'), 'utf8');
      const schema = join('/tmp', `callboard-e2e-schema-${process.pid}.graphql`);
      writeFileSync(schema, own);
      const server = await serve(binary, { 'catalog-info.yaml': readFileSync(join(FIXTURES, 'kind.yaml'), 'utf8') }, { schema: [schema] });
      try {
        const open = async (path, isThere) => {
          const page = await visit(browser, server.url + path);
          await isThere(page);
          return page;
        };
        const entity = await open('/catalog/featureflag/default/instant-refunds', (page) => page.getByText('staff, friends').waitFor());
        const graph = await open('/graph/featureflag/default/instant-refunds?live=off', (page) => page.locator('.graph-node[data-ref="component:default/till"]').waitFor());
        const query = await open('/query', ready);
        await write(query, '# kept\n{ featureFlag(ref: "instant-refunds") { reach } }');
        const tag = async () => (await fetch(`${server.url}/schema.graphql`, { method: 'HEAD' })).headers.get('etag');
        const before = await tag();
        writeFileSync(schema, own.replace('  rollout: Rollout', '  rollout: Rollout\n  reach: Int @field(at: "spec.rollout.percent")'));
        await until(async () => (await tag()) !== before, 'other schema');
        for (const page of [entity, graph, query]) {
          await page.bringToFront();
          await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
          await page.getByText('The schema has changed').waitFor();
        }
        await entity.getByText('staff, friends').waitFor();
        await entity.axe();
        await entity.shoot('reloaded-entity');
        await graph.locator('.graph-node[data-ref="component:default/till"]').waitFor();
        await graph.shoot('reloaded-graph');
        assert((await text(query)).includes('# kept'), 'the query is still there');
        await run(query);
        await until(async () => (await answer(query)).includes('"reach":20'), 'answer by the new schema');
        await until(async () => (await query.locator('.graphiql-query-editor .squiggly-error').count()) === 0, 'no complaint about what the new schema has');
        await query.shoot('reloaded-query');
        for (const page of [entity, graph, query]) await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
];
