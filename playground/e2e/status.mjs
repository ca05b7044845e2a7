// The page Status.
import { looks } from './frame.mjs';
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
];
