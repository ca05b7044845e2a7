// What goes wrong around the page: upstreams that are down, a server that is away, a token that has expired, descriptors by somebody who means harm.
import { demo, serve } from './servers.mjs';
import { assert, until, visit } from './visit.mjs';

const AWAY = [/ERR_CONNECTION_REFUSED/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/, /ERR_SOCKET_NOT_CONNECTED/, /status of 50[234]/];

const EVIL = [
  { name: 'html', title: '<img src=x onerror=alert(1)><script>alert(2)</script>', description: '</title><svg/onload=alert(3)>' },
  { name: 'turned', title: 'ledger\u202Eipa-stnemyap', description: 'zero\u200Bwidth' },
  { name: 'links', title: 'links', links: [{ url: 'javascript:alert(4)', title: 'runs' }, { url: 'data:text/html,<script>alert(5)</script>' }] },
  { name: 'long', title: 'n'.repeat(10_000), description: 'd'.repeat(10_000), tags: ['t'.repeat(60)] },
];

export const evil = EVIL.map(({ name, ...metadata }) =>
  JSON.stringify({ apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name, ...metadata }, spec: { type: metadata.title.slice(0, 200), lifecycle: '<b>x</b>', owner: 'group:<i>nobody</i>' } }),
).join('\n---\n');

export const checks = [
  [
    'trouble: a catalog that is empty',
    async ({ browser, binary }) => {
      const server = await serve(binary, {});
      try {
        const page = await visit(browser, `${server.url}/`);
        await page.getByText('The catalog is empty').waitFor();
        await page.axe();
        await page.shoot('empty');
        await page.goto(`${server.url}/status`);
        await page.getByText('The configuration names no sources').waitFor();
        await page.axe();
        await page.shoot('empty-status');
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'trouble: descriptors with HTML, javascript:, turned and endless names run nothing and stay readable',
    async ({ browser, binary }) => {
      const server = await serve(binary, { 'catalog-info.yaml': evil });
      try {
        for (const width of ['narrow', 'laptop']) {
          for (const path of ['/', '/status']) {
            const page = await visit(browser, server.url + path, { width });
            await page.getByRole('list', { name: 'Entities by kind' }).or(page.getByRole('heading', { name: 'Problems in descriptors' })).waitFor();
            await page.fits();
            await page.axe();
            await page.shoot(`evil${path === '/' ? '' : '-status'}`);
            await page.done();
          }
          const query = '{ components { nodes { name title description links { url title } lifecycle } } problems { nodes { message } } }';
          const page = await visit(browser, `${server.url}/query#${new URLSearchParams({ query })}`, { width });
          await page.locator('.graphiql-query-editor .view-lines').waitFor();
          await page.getByRole('button', { name: /^Execute query/ }).click();
          await until(async () => (await page.locator('.result-window').innerText()).includes('onerror'), 'answer');
          await page.shoot('evil-query');
          await page.done();
        }
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'trouble: an upstream that is down',
    async ({ browser, binary }) => {
      const component = { apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: 'pay', annotations: { 'pagerduty.com/service-id': 'PABC123' } }, spec: { type: 'service', lifecycle: 'production', owner: 'team' } };
      // Nobody listens at port 9.
      const server = await serve(binary, { 'catalog-info.yaml': JSON.stringify(component) }, { connectors: { pagerduty: { config: { url: 'http://127.0.0.1:9', from: 'nobody@example.com' }, secrets: { token: 'none' }, limits: { timeout: '1s', retries: 0 } } } });
      try {
        const query = '{ component(ref: "pay") { name onCall { nodes { name } } } }';
        const page = await visit(browser, `${server.url}/query#${new URLSearchParams({ query })}`);
        await page.locator('.graphiql-query-editor .view-lines').waitFor();
        await page.getByRole('button', { name: /^Execute query/ }).click();
        await until(async () => (await page.locator('.result-window').innerText()).includes('UPSTREAM_'), 'error at the field');
        await page.getByText('no answer').waitFor();
        await page.shoot('down-query');
        await page.getByRole('link', { name: 'Status', exact: true }).click();
        await page.getByText('UPSTREAM_UNAVAILABLE').waitFor();
        await page.axe();
        await page.shoot('down-status');
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'trouble: a server that goes away and returns',
    async ({ browser, binary }) => {
      let server = await demo(binary);
      const listen = new URL(server.url).host;
      try {
        const page = await visit(browser, `${server.url}/status`, { expected: AWAY });
        await page.getByRole('heading', { name: 'Sources' }).waitFor();
        await server.stop();
        await page.getByText('The server does not answer').waitFor({ timeout: 20_000 });
        assert(await page.getByRole('row', { name: /pagerduty/ }).first().isVisible(), 'what was known stays');
        await page.axe();
        await page.shoot('away');
        server = await demo(binary, listen);
        await page.getByText('The server does not answer').waitFor({ state: 'detached', timeout: 20_000 });
        await page.getByRole('heading', { name: 'Sources' }).waitFor();
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'trouble: a token that has expired, and another one',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/status`, {
        expected: [/status of 401/],
        // As a proxy in front would do it.
        before: (page) => page.route('**/graphql', (route) => (route.request().headers().authorization === 'Bearer fresh' ? route.continue() : route.fulfill({ status: 401, body: '' }))),
      });
      await page.getByText('The server wants to know who you are').waitFor();
      await page.axe();
      await page.shoot('unauthorized');
      await page.getByRole('button', { name: 'Set a token' }).click();
      await page.locator('input[type=password]').fill('fresh');
      await page.getByRole('button', { name: 'Use it' }).click();
      await page.getByRole('heading', { name: 'Sources' }).waitFor();
      await page.done();
    },
  ],
  [
    'trouble: an answer that is no GraphQL, and parts of the app that are gone',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/`, {
        expected: [/status of (404|500)/, /Failed to fetch dynamically imported module/],
        before: async (page) => {
          await page.route('**/graphql', (route) => route.fulfill({ status: 500, contentType: 'text/html', body: '<h1>Oops</h1>' }));
          await page.route('**/assets/Status-*', (route) => route.fulfill({ status: 404, body: '' }));
        },
      });
      await page.getByText('The server refused the query').waitFor();
      await page.shoot('odd');
      await page.getByRole('link', { name: 'Status', exact: true }).click();
      await page.getByRole('heading', { name: 'A part of the page could not be loaded' }).waitFor();
      await page.shoot('gone-part');
      await page.done();
    },
  ],
  [
    'trouble: a schema that changes under an open page',
    async ({ browser, url }) => {
      let tag = '"one"';
      const page = await visit(browser, `${url}/status`, {
        before: (page) => page.route('**/schema.graphql', (route) => route.fulfill({ status: 200, headers: { etag: tag }, body: '' })),
      });
      await page.getByRole('heading', { name: 'Sources' }).waitFor();
      tag = '"two"';
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await page.getByText('The schema has changed').waitFor();
      await page.shoot('schema');
      await page.done();
    },
  ],
];
