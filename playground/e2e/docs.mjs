// Pages of docs: a page with everything that one can have.
import { join } from 'node:path';
import { serve } from './servers.mjs';
import { SHOTS, WIDTHS, assert, until, visit } from './visit.mjs';

const TREE = join(import.meta.dirname, 'fixtures/docs');
const BASE = '/docs/component/default/manual';

/** What is wrong with the fixture on purpose: an image that is not there is no request, a link to nothing no link. */
async function manual(binary) {
  const server = await serve(binary, {}, { sources: [{ type: 'file', path: TREE }] });
  const there = async () => (await fetch(`${server.url}${BASE}/everything/`)).ok;
  await until(there, 'page of docs');
  return server;
}

export const checks = [
  [
    'docs: light and dark, narrow and wide',
    async ({ binary, browser }) => {
      const server = await manual(binary);
      try {
        for (const [name, path] of Object.entries({ everything: '/everything/', first: '/', untitled: '/guide/second/', nothing: '/gone/' })) {
          for (const width of Object.keys(WIDTHS)) {
            for (const scheme of ['light', 'dark']) {
              const page = await visit(browser, `${server.url}${BASE}${path}`, { width, scheme, expected: [/status of 404/] });
              await page.getByRole('heading', { level: 1 }).waitFor();
              await page.fits();
              await page.axe();
              await page.screenshot({ path: join(SHOTS, `docs-${name}-${width}-${scheme}.png`), fullPage: true });
              assert((await page.title()) !== 'ran', 'nothing runs');
              await page.done();
            }
          }
        }
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'docs: without scripts, and on paper',
    async ({ binary, browser }) => {
      const server = await manual(binary);
      const context = await browser.newContext({ javaScriptEnabled: false });
      try {
        const page = await context.newPage();
        const elsewhere = [];
        page.on('request', (request) => request.url().startsWith(server.url) || elsewhere.push(request.url()));
        await page.goto(`${server.url}${BASE}/everything/`);
        await page.getByRole('link', { name: 'First steps', exact: true }).waitFor();
        const windows = page.getByText('press.exe --heat 180');
        assert(!(await windows.isVisible()), 'the first tab is shown, and no other');
        await page.getByText('Windows', { exact: true }).click();
        assert(await windows.isVisible(), 'a tab is shown that is clicked');
        const hidden = page.getByText('What was hidden.');
        assert(!(await hidden.isVisible()), 'what unfolds is folded');

        await page.emulateMedia({ media: 'print' });
        assert(await hidden.isVisible(), 'on paper everything is unfolded');
        assert(await page.getByText('Turn the wheel.').isVisible(), 'and every tab is there');
        assert(!(await page.getByRole('navigation').first().isVisible()), 'paper needs no navigation');
        await page.screenshot({ path: join(SHOTS, 'docs-everything-print.png'), fullPage: true });
        assert(elsewhere.length === 0, `requests to ${elsewhere}`);
      } finally {
        await context.close();
        await server.stop();
      }
    },
  ],
];
