// The page Query.
import { assert, until, visit } from './visit.mjs';

const EDITOR = 1_600_000;
// A refused query is a failed request for a browser.
const REFUSED = /status of 400/;

async function editor(page) {
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
  await until(() => page.evaluate(() => document.querySelectorAll('.graphiql-query-editor .view-line').length > 3), 'text in the editor');
}

/** An editor with what an address carries; variables come into theirs a moment later. */
async function carried(page) {
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await page.locator('.graphiql-editor-tool .view-line').first().waitFor();
}

const run = (page) => page.getByRole('button', { name: /^Execute query/ }).click();
const answer = (page) => page.locator('.result-window .view-lines').innerText();

export const checks = [
  [
    'query: ask, and see where the answer came from; light and dark, narrow and wide',
    async ({ browser, url }) => {
      for (const [width, scheme] of [
        ['laptop', 'light'],
        ['wide', 'dark'],
        ['narrow', 'light'],
        ['narrow', 'dark'],
      ]) {
        const page = await visit(browser, `${url}/query`, { width, scheme });
        await editor(page);
        await run(page);
        await page.getByRole('list', { name: /^Upstream requests/ }).or(page.getByText('Every live value came from the cache')).waitFor();
        assert((await page.locator('.trace').innerText()).includes('pagerduty'), 'the trace names the connector');
        await page.fits();
        await page.axe();
        await page.shoot('query');
        await page.done();
      }
    },
  ],
  [
    'query: on a phone the question and its answer take turns',
    async ({ browser, url }) => {
      for (const scheme of ['light', 'dark']) {
        const page = await visit(browser, `${url}/query`, { width: 'narrow', scheme });
        await editor(page);
        const { width, height } = await page.locator('.graphiql-query-editor .monaco-editor').first().boundingBox();
        assert(width >= 300 && height >= 250, `the editor is ${width} × ${height} px`);
        await page.fits();
        await page.axe();
        await page.shoot('query-phone');
        await page.getByRole('button', { name: /^Copy as curl/ }).click();
        const list = await page.locator('.copy-as-list').boundingBox();
        assert(list.x >= 0 && list.x + list.width <= 360, `the list is at ${list.x} px, ${list.width} px wide`);
        await page.shoot('query-phone-copy');
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Show Questions' }).click();
        await page.axe();
        await page.shoot('query-phone-questions');
        await page.getByRole('button', { name: /^Who owns a component/ }).click();
        await until(async () => (await answer(page)).includes('payments'), 'answer');
        await page.axe();
        await page.shoot('query-phone-answer');
        await page.getByRole('button', { name: 'Query', exact: true }).click();
        await until(() => page.locator('.graphiql-query-editor .view-lines').innerText().then((text) => text.includes('component')), 'the question again');
        await page.done();
      }
    },
  ],
  [
    'query: the editor is small enough, and its workers run under the policy',
    async ({ browser, url }) => {
      const sizes = new Map();
      const first = new Set();
      const start = await visit(browser, `${url}/`, { before: (page) => page.on('response', (response) => first.add(response.url())) });
      await start.waitForLoadState('networkidle');
      await start.done();
      const workers = [];
      const page = await visit(browser, `${url}/query`, {
        before: (page) => {
          page.on('worker', (worker) => workers.push(new URL(worker.url()).pathname));
          page.context().on('response', (response) => {
            if (response.url().includes('/assets/')) sizes.set(response.url(), Number(response.headers()['content-length'] ?? 0));
          });
        },
      });
      await editor(page);
      await until(() => workers.length >= 2, 'workers');
      assert(workers.every((path) => path.startsWith('/assets/')), workers.join(' '));
      // Workers fetch their files by themselves.
      for (const path of workers) sizes.set(url + path, Number((await fetch(url + path, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })).headers.get('content-length')));
      await page.waitForLoadState('networkidle');
      const sum = [...sizes].filter(([file]) => !first.has(file)).reduce((all, [, size]) => all + size, 0);
      console.log(`        ${sum} bytes of compressed files besides those of the first view, ${workers.length} workers`);
      assert(sum <= EDITOR, `${sum} bytes for the editor and its workers`);
      await page.done();
    },
  ],
  [
    'query: a ready question opens in a tab, is asked, and its variables can be changed',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/query`);
      await editor(page);
      await page.getByRole('button', { name: 'Show Questions' }).click();
      await page.getByRole('button', { name: /^Who owns a component/ }).click();
      await until(async () => (await answer(page)).includes('payments'), 'answer');
      await page.axe();
      await page.shoot('questions');
      await page.getByRole('textbox', { name: 'Variables' }).or(page.locator('.graphiql-editor-tool .monaco-editor').first()).first().click();
      await page.keyboard.type('{"component": "basket"');
      await page.keyboard.press('Control+Enter');
      await until(async () => (await answer(page)).includes('basket'), 'answer for other variables');
      await page.done();
    },
  ],
  [
    'query: an address carries a query and its variables, and is made of them',
    async ({ browser, url }) => {
      const query = 'query Q($of: EntityRef!) { entity(ref: $of) { name } }';
      const fields = new URLSearchParams({ query, variables: '{ "of": "component:payments-api" }' });
      const page = await visit(browser, `${url}/query#${fields}`);
      await carried(page);
      await run(page);
      await until(async () => (await answer(page)).replace(/\s/g, '').includes('"name":"payments-api"'), 'answer');
      await page.getByRole('button', { name: /^Share/ }).click();
      await page.getByText('Link copied').waitFor();
      const shared = new URLSearchParams(new URL(page.url()).hash.slice(1));
      assert(shared.get('query').includes('entity(ref: $of)') && JSON.parse(shared.get('variables')).of === 'component:payments-api', page.url());
      await page.getByRole('button', { name: /^Copy as curl/ }).click();
      await page.axe();
      await page.shoot('copy-as');
      await page.getByRole('button', { name: 'Copy as curl', exact: true }).click();
      const copied = await until(() => page.evaluate(() => navigator.clipboard.readText().then((text) => text.startsWith('curl') && text)), 'command on the clipboard');
      assert(copied.includes(`'${url}/graphql'`), copied);
      await page.done();
    },
  ],
  [
    'query: docs, explorer and history',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/query`);
      await editor(page);
      await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
      await page.getByRole('link', { name: 'Query', exact: true }).or(page.locator('.graphiql-doc-explorer-type-name', { hasText: 'Query' })).first().waitFor();
      await page.axe();
      await page.shoot('query-docs');
      await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
      await page.locator('.graphiql-explorer-root').waitFor();
      await page.axe();
      await page.locator('.graphiql-explorer-root [data-field-name="changes"]').focus();
      await page.keyboard.press('Enter');
      await until(() => page.locator('.graphiql-query-editor .view-lines').innerText().then((text) => text.includes('changes')), 'field in the editor, by keyboard');
      await page.shoot('query-explorer');
      await page.locator('.graphiql-explorer-root [data-field-name="changes"]').press('Enter');
      await until(() => page.locator('.graphiql-query-editor .view-lines').innerText().then((text) => !text.includes('changes')), 'field gone again');
      await run(page);
      await page.getByRole('button', { name: 'Show History' }).click();
      await page.locator('.graphiql-history-item').first().waitFor();
      await page.axe();
      await page.shoot('query-history');
      await page.done();
    },
  ],
  [
    'query: headers are never kept',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/query`);
      await editor(page);
      await page.getByRole('button', { name: 'Headers', exact: true }).click();
      await page.locator('.graphiql-editor-tool .monaco-editor').last().click();
      await page.keyboard.type('{"x-probe": "s3cret"');
      const [request] = await Promise.all([page.waitForRequest((request) => Boolean(request.headers()['x-probe'])), run(page)]);
      assert(request.headers()['x-probe'] === 's3cret', 'sent');
      await until(async () => (await answer(page)).length > 20, 'answer');
      const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
      assert(!kept.includes('s3cret'), kept);
      await page.done();
    },
  ],
  [
    'query: a query that is wrong',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/query#${new URLSearchParams({ query: '{ nonsense }' })}`, { expected: [REFUSED] });
      await page.locator('.graphiql-query-editor .view-lines').waitFor();
      await run(page);
      await until(async () => (await answer(page)).includes('nonsense'), 'refusal');
      await page.getByText('The answer carries no trace').waitFor();
      await page.shoot('query-wrong');
      await page.done();
    },
  ],
];
