// The page Status.
import { looks } from './frame.mjs';
import { serve } from './servers.mjs';
import { assert, until, visit } from './visit.mjs';

export const checks = [
  ['status: light and dark, narrow and wide', (world) => looks(world, 'status', '/status', (page) => page.getByRole('heading', { name: 'Sources' }).waitFor())],
  [
    'status: it is asked again while somebody looks',
    async ({ browser, url }) => {
      let asked = 0;
      const page = await visit(browser, `${url}/status`, {
        before: (page) => page.on('request', (request) => (asked += Number(request.url().endsWith('/graphql')))),
      });
      await page.getByRole('heading', { name: 'Sources' }).waitFor();
      await until(() => asked >= 3, 'third look at the status');
      assert((await page.getByRole('row', { name: /pagerduty/ }).count()) > 0, 'connectors are listed');
      await page.done();
    },
  ],
  [
    'status: what a connector lacks a setting for',
    async ({ browser, binary }) => {
      const component = { apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: 'pay' }, spec: { type: 'service', lifecycle: 'production', owner: 'team' } };
      // Nobody listens at port 9. Actions there need the address in whose name they are done.
      const pagerduty = { config: { url: 'http://127.0.0.1:9' }, secrets: { token: 'none' } };
      const server = await serve(binary, { 'catalog-info.yaml': JSON.stringify(component) }, { connectors: { pagerduty } });
      try {
        for (const [width, scheme] of [['laptop', 'light'], ['narrow', 'dark']]) {
          const page = await visit(browser, `${server.url}/status`, { width, scheme });
          const summary = page.locator('summary', { hasText: 'Lacks a setting' });
          await summary.waitFor();
          assert(!(await page.getByText('Mutation.').first().isVisible()), 'only who wants to know sees more');
          await summary.focus();
          await page.keyboard.press('Enter');
          await page.getByText('Mutation.').first().waitFor();
          await page.fits();
          await page.axe();
          await page.shoot('status-lacks');
          // It stays open while the status is asked again.
          await page.waitForResponse((response) => response.url().endsWith('/graphql'));
          assert(await page.getByText('Mutation.').first().isVisible(), 'stays open');
          await page.done();
        }
      } finally {
        await server.stop();
      }
    },
  ],
];
