// The page Catalog: its list, its search, and the page of an entity.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { looks } from './frame.mjs';
import { serve } from './servers.mjs';
import { assert, until, visit } from './visit.mjs';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const fixture = (name) => readFileSync(join(FIXTURES, name), 'utf8');

const results = (page) => page.locator('[data-result]');
const heading = (page, name) => page.getByRole('heading', { name, exact: true }).waitFor();
const card = (page, name) => page.locator('section.card', { has: page.getByRole('heading', { name, exact: true }) });

/** As many components, each owned by one group. */
function many(count) {
  const group = { apiVersion: 'backstage.io/v1alpha1', kind: 'Group', metadata: { name: 'everyone' }, spec: { type: 'team', children: [] } };
  const component = (index) => ({ apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: `part-${String(index).padStart(5, '0')}`, description: `Part number ${index}.` }, spec: { type: 'service', lifecycle: 'production', owner: 'everyone' } });
  return [group, ...Array.from({ length: count }, (_, index) => component(index))].map((one) => JSON.stringify(one)).join('\n---\n');
}

export const checks = [
  ['catalog: the list, light and dark, narrow and wide', (world) => looks(world, 'catalog', '/catalog', (page) => results(page).first().waitFor())],
  ['catalog: what words find, light and dark, narrow and wide', (world) => looks(world, 'found', '/catalog?q=refund', (page) => page.locator('mark').first().waitFor())],
  ['catalog: a component, light and dark, narrow and wide', (world) => looks(world, 'component', '/catalog/component/default/payments-api', (page) => card(page, 'Incidents').getByText('#411').first().waitFor())],
  ['catalog: an API, light and dark, narrow and wide', (world) => looks(world, 'api', '/catalog/api/default/payments-api', (page) => card(page, 'Definition').getByText('/charges', { exact: true }).waitFor())],
  [
    'catalog: search while one types, by keyboard, into the address and back',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/catalog`);
      await results(page).first().waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('refund');
      await page.locator('mark', { hasText: /^refund$/i }).first().waitFor();
      await until(() => page.url().endsWith('/catalog?q=refund'), 'words in the address');
      const first = await results(page).first().innerText();
      await page.keyboard.press('ArrowDown');
      assert((await page.evaluate(() => document.activeElement.textContent)) === first, 'the arrow goes to the first result');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      assert((await page.evaluate(() => document.activeElement.type)) === 'search', 'and back to the search');
      await page.getByLabel('Search the catalog').fill('paymnets');
      await page.getByText('Did you mean').waitFor();
      await page.shoot('did-you-mean');
      await page.getByRole('button', { name: 'payments', exact: true }).click();
      await page.locator('mark', { hasText: 'payments' }).first().waitFor();
      await page.getByRole('navigation', { name: 'What is found' }).getByRole('link', { name: /^Docs/ }).click();
      await until(async () => (await page.locator('.result .kind').allInnerTexts()).every((text) => text.trim() === 'Docs'), 'docs alone');
      await page.getByLabel('Search the catalog').fill('zzqqxxyy');
      await page.getByText('Nothing is found for').waitFor();
      await page.axe();
      await page.shoot('found-nothing');
      await page.getByLabel('Search the catalog').fill('component:default');
      await page.getByLabel('Search the catalog').fill('');
      await page.getByText(/^\d+ entities$/).waitFor();
      await page.done();
    },
  ],
  [
    'catalog: facets choose, count on, and stand in the address',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/catalog`);
      await page.getByRole('checkbox', { name: /^API/ }).check();
      await until(() => page.url().endsWith('?kind=API'), 'kind in the address');
      await until(async () => (await page.locator('.result .kind').allInnerTexts()).every((text) => text.trim() === 'API'), 'APIs alone');
      // What else could be chosen is still to be seen, with its number.
      await page.getByRole('checkbox', { name: /^Component/ }).check();
      await until(async () => new Set((await page.locator('.result .kind').allInnerTexts()).map((text) => text.trim())).size === 2, 'both kinds');
      await page.getByRole('checkbox', { name: /^Storefront/ }).waitFor();
      await page.getByRole('checkbox', { name: /^pci/ }).check();
      await until(async () => Number.parseInt(await page.locator('.list-count').innerText(), 10) < 8, 'fewer');
      await page.shoot('facets');
      await page.reload();
      assert(await page.getByRole('checkbox', { name: /^pci/ }).isChecked(), 'kept over a reload');
      await page.getByRole('link', { name: 'Take all filters away' }).click();
      await until(() => page.url().endsWith('/catalog'), 'no filters');
      await page.done();
    },
  ],
  [
    'catalog: from the start to who is on call, and to what breaks without it',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/`);
      await page.getByLabel('Search the catalog').fill('payments api');
      await page.getByRole('button', { name: 'Search', exact: true }).click();
      await page.getByRole('link', { name: 'Payments API', exact: true }).first().click();
      await card(page, 'On call').getByRole('link', { name: 'Amara Oyelaran' }).waitFor();
      await until(async () => (await page.title()).startsWith('Payments API'), 'title');
      assert((await card(page, 'On call').locator('.age').innerText()).includes('pagerduty'), 'the card says from whom, and how old');
      const impact = await page.getByRole('link', { name: 'What breaks without it' }).getAttribute('href');
      assert(impact.endsWith('/graph/component/default/payments-api?mode=impact'), impact);
      await card(page, 'On call').getByRole('link', { name: 'Amara Oyelaran' }).click();
      await heading(page, 'Amara Oyelaran');
      await page.goBack();
      await card(page, 'Relations').getByRole('link', { name: 'ledger' }).click();
      await heading(page, 'ledger');
      await page.done();
    },
  ],
  [
    'catalog: an action is asked about, done, and its refusal is said',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/catalog/component/default/payments-api`);
      const button = page.getByRole('button', { name: /^Resolve/ }).first();
      const name = await button.getAttribute('aria-label');
      await button.click();
      await page.getByRole('heading', { name: 'Say that it is over?' }).waitFor();
      await page.axe();
      await page.shoot('action');
      await page.route('**/graphql', (route) =>
        (route.request().postData() ?? '').includes('"ResolveIncident"')
          ? route.fulfill({ contentType: 'application/json', body: JSON.stringify({ data: { resolveIncident: { auditId: null, userErrors: [{ message: 'You are not of the team that owns it', field: null, code: 'FORBIDDEN' }] } } }) })
          : route.continue(),
      );
      await page.getByRole('button', { name: 'Resolve', exact: true }).click();
      await page.getByText('You are not of the team that owns it').waitFor();
      await page.shoot('action-refused');
      await page.unroute('**/graphql');
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('Done. The page shows it').waitFor();
      // The incident leaves the list; that it was done stays on the screen until it is read.
      await page.getByRole('button', { name, exact: true, includeHidden: true }).waitFor({ state: 'detached' });
      await page.getByText('Done. The page shows it').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await page.getByText('Done. The page shows it').waitFor({ state: 'detached' });
      await page.done();
    },
  ],
  [
    'catalog: an entity that is not there, and one whose descriptor is broken',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/catalog/component/default/paymets-api`, { expected: [/status of 400/] });
      await heading(page, 'Nothing in the catalog is called that');
      await page.getByRole('link', { name: 'Payments API' }).waitFor();
      await page.axe();
      await page.shoot('missing');
      await page.goto(`${url}/catalog/component/default/broken-on-purpose`);
      await page.getByText('`spec.lifecycle` is missing').waitFor();
      await page.axe();
      await page.shoot('missing-broken');
      await page.goto(`${url}/catalog/component/default/a%20b%2Fc`);
      await heading(page, 'Nothing in the catalog is called that');
      await page.goto(`${url}/catalog/component`);
      await heading(page, 'No entity has this address');
      await page.done();
    },
  ],
  [
    'catalog: a provider that is down, one that is switched off, and one that may not be asked',
    async ({ browser, binary }) => {
      const component = { apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: 'pay', annotations: { 'pagerduty.com/service-id': 'PABC123', 'github.com/project-slug': 'elsewhere/pay', 'jenkins.io/job-full-name': 'pay' } }, spec: { type: 'service', lifecycle: 'production', owner: 'team' } };
      const server = await serve(binary, { 'catalog-info.yaml': JSON.stringify(component) }, {
        connectors: {
          // Nobody listens at port 9.
          pagerduty: { config: { url: 'http://127.0.0.1:9' }, secrets: { token: 'none' }, limits: { timeout: '1s', retries: 0 } },
          github: { config: { restUrl: 'http://127.0.0.1:9', graphqlUrl: 'http://127.0.0.1:9' }, secrets: { token: 'none' }, allow: ['company/*'] },
        },
      });
      try {
        for (const width of ['narrow', 'laptop']) {
          const page = await visit(browser, `${server.url}/catalog/component/default/pay`, { width });
          await card(page, 'On call').getByText('cannot be reached').waitFor();
          await card(page, 'Repository').getByText('do not let').waitFor();
          await card(page, 'CI runs').getByText(/^Not configured: .*jenkins/).waitFor();
          await page.fits();
          await page.axe();
          await page.screenshot({ path: `${import.meta.dirname}/../out/troubled-${width}-light.png`, fullPage: true });
          await page.done();
        }
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'catalog: descriptors with HTML, javascript:, turned and endless names run nothing and stay readable',
    async ({ browser, binary }) => {
      const server = await serve(binary, { 'catalog-info.yaml': fixture('hostile.yaml') });
      try {
        for (const width of ['narrow', 'laptop']) {
          for (const path of ['/catalog', '/catalog?q=script+OR+words+OR+ledger+OR+img', '/catalog/component/default/html', '/catalog/component/default/long', '/catalog/component/default/turned', '/catalog/api/default/odd', '/catalog/group/default/keepers']) {
            const page = await visit(browser, server.url + path, { width, scheme: width === 'narrow' ? 'dark' : 'light' });
            await results(page).first().or(page.getByRole('heading', { name: 'History' })).waitFor();
            await page.waitForLoadState('networkidle');
            await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
            for (const link of await page.locator('main a').all()) assert(/^(https?:|mailto:|\/|\.)/.test((await link.getAttribute('href')) ?? ''), `a link to ${await link.getAttribute('href')}`);
            assert(!/[\u202a-\u202e\u2066-\u2069\u200b]/.test(await page.locator('main').innerText()), 'turned characters are shown');
            await page.fits();
            await page.axe();
            await page.screenshot({ path: `${import.meta.dirname}/../out/hostile${path.replace(/\W+/g, '-').slice(0, 40)}-${width}.png`, fullPage: true });
            await page.done();
          }
        }
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'catalog: kinds that nobody foresaw, declared by the house or not at all',
    async ({ browser, binary }) => {
      const server = await serve(binary, { 'catalog-info.yaml': fixture('kind.yaml') }, { schema: [join(FIXTURES, 'kind.graphql')] });
      try {
        const page = await visit(browser, `${server.url}/catalog/featureflag/default/instant-refunds`);
        const details = card(page, 'Details');
        for (const text of ['2027-01-31', 'staff, friends', 'canary', 'till']) await details.getByText(text).first().waitFor();
        await card(page, 'Relations').getByText('guards').waitFor();
        await page.axe();
        await page.shoot('own-kind');
        await page.goto(`${server.url}/catalog/mascot/default/lark`);
        await card(page, 'Details').getByText('berries').waitFor();
        await page.axe();
        await page.shoot('undeclared-kind');
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'catalog: the history says what changed, from what to what',
    async ({ browser, binary }) => {
      const descriptor = (description, lifecycle) => JSON.stringify({ apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: 'till', description }, spec: { type: 'service', lifecycle, owner: 'shop' } });
      const server = await serve(binary, { 'catalog-info.yaml': descriptor('Takes coins.', 'experimental') });
      try {
        for (const width of ['narrow', 'laptop']) {
          const page = await visit(browser, `${server.url}/catalog/component/default/till`, { width, scheme: width === 'narrow' ? 'dark' : 'light' });
          const history = card(page, 'History');
          await history.getByText('created').waitFor();
          if (width === 'narrow') writeFileSync(join(server.folder, 'catalog-info.yaml'), descriptor('Takes cards.', 'production'));
          await until(async () => {
            await page.reload();
            await history.getByText('created').waitFor();
            return (await history.getByText('updated').count()) === 1;
          }, 'second revision');
          for (const [before, after] of [['Takes coins.', 'Takes cards.'], ['experimental', 'production']]) {
            const change = history.locator('.differences li', { hasText: after });
            assert((await change.locator('del').innerText()).includes(before), `${before} is struck out`);
            assert((await change.locator('ins').innerText()).includes(after), `${after} is new`);
          }
          await page.fits();
          await page.axe();
          await history.scrollIntoViewIfNeeded();
          await page.shoot('history');
          await page.done();
        }
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'catalog: where there is one column, what matters first comes first',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/catalog/component/default/payments-api`, { width: 'narrow' });
      await card(page, 'Deployments').waitFor();
      const order = await page.locator('.entity-columns section.card h2').allInnerTexts();
      const at = (title) => order.indexOf(title);
      for (const [first, then] of [['On call', 'Incidents'], ['Incidents', 'Details'], ['Details', 'Deployments'], ['Deployments', 'Relations'], ['Repository', 'Relations'], ['Relations', 'History'], ['History', 'Descriptor']]) {
        assert(at(first) >= 0 && at(first) < at(then), `${first} before ${then}: ${order.join(', ')}`);
      }
      await page.done();
    },
  ],
  [
    'catalog: ten thousand entities, and an empty catalog',
    async ({ browser, binary }) => {
      const server = await serve(binary, { 'catalog-info.yaml': many(10_000) });
      try {
        const page = await visit(browser, `${server.url}/catalog`);
        await page.getByText('10,001 entities').waitFor({ timeout: 60_000 });
        await page.getByRole('link', { name: 'Next' }).click();
        await page.getByRole('link', { name: 'part-00029' }).waitFor();
        await page.getByRole('link', { name: 'Previous' }).click();
        await page.getByRole('link', { name: 'part-00028' }).waitFor();
        const started = Date.now();
        await page.getByLabel('Search the catalog').fill('part-07777');
        await page.locator('mark').first().waitFor({ timeout: 90_000 });
        console.log(`        found among 10,001 after ${Date.now() - started} ms`);
        await page.goto(`${server.url}/catalog/group/default/everyone`);
        await card(page, 'Relations').getByText('10,000').waitFor();
        await card(page, 'Relations').getByRole('button', { name: 'Next' }).click();
        await card(page, 'Relations').getByRole('link', { name: 'part-00060' }).waitFor();
        await page.axe();
        await page.shoot('ten-thousand');
        await page.done();
      } finally {
        await server.stop();
      }
      const empty = await serve(binary, {});
      try {
        const page = await visit(browser, `${empty.url}/catalog`);
        await page.getByText('The catalog is empty').waitFor();
        await page.axe();
        await page.shoot('catalog-empty');
        await page.done();
      } finally {
        await empty.stop();
      }
    },
  ],
  [
    'catalog: a token that is missing, and a server that goes away under an open page',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/catalog/component/default/payments-api`, {
        expected: [/status of (401|502)/],
        before: (page) => page.route('**/graphql', (route) => (route.request().headers().authorization ? route.continue() : route.fulfill({ status: 401, body: '' }))),
      });
      await page.getByText('The server wants to know who you are').waitFor();
      await page.axe();
      await page.shoot('catalog-unauthorized');
      await page.getByRole('button', { name: 'Set a token' }).click();
      await page.getByRole('textbox', { name: 'Token' }).fill('any');
      await page.unroute('**/graphql');
      // The example company takes no tokens: what it says of one is left out here.
      await page.route('**/graphql', (route) => route.continue({ headers: { ...route.request().headers(), authorization: '' } }));
      await page.getByRole('button', { name: 'Use it' }).click();
      await card(page, 'On call').getByRole('link', { name: 'Amara Oyelaran' }).waitFor();
      await page.route('**/graphql', (route) => route.fulfill({ status: 502, body: '' }));
      await page.route('**/readyz', (route) => route.fulfill({ status: 502, body: '' }));
      await card(page, 'Relations').getByRole('link', { name: 'ledger' }).click();
      await page.getByText('The server does not answer').first().waitFor();
      await page.unroute('**/graphql');
      await page.unroute('**/readyz');
      await heading(page, 'ledger');
      await page.done();
    },
  ],
];
