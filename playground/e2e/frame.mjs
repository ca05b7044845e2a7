// The start, the frame around all pages, and how fast the first view is there.
import { below } from './servers.mjs';
import { WIDTHS, assert, visit } from './visit.mjs';

const FIRST_VIEW = 200_000;

async function looks(world, name, path, isThere) {
  for (const width of Object.keys(WIDTHS)) {
    for (const scheme of ['light', 'dark']) {
      const page = await visit(world.browser, world.url + path, { width, scheme });
      await isThere(page);
      await page.fits();
      await page.axe();
      await page.shoot(name);
      await page.done();
    }
  }
}

export const checks = [
  ['start: light and dark, narrow and wide', (world) => looks(world, 'start', '/', (page) => page.getByRole('list', { name: 'Entities by kind' }).waitFor())],
  [
    'start: the first view is small and quick',
    async ({ browser, url }) => {
      const sizes = [];
      const page = await visit(browser, `${url}/`, {
        before: (page) =>
          page.on('response', (response) => {
            if (/\.js$/.test(response.url())) sizes.push(Number(response.headers()['content-length'] ?? 0));
          }),
      });
      await page.getByRole('list', { name: 'Entities by kind' }).waitFor();
      const sum = sizes.reduce((a, b) => a + b, 0);
      assert(sum > 0 && sum <= FIRST_VIEW, `${sum} bytes of JavaScript before anything is asked for`);
      const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
      assert(paint < 1000, `first paint after ${paint} ms`);
      console.log(`        ${sum} bytes of compressed JavaScript, first paint after ${Math.round(paint)} ms`);
      await page.done();
    },
  ],
  [
    'frame: everything by keyboard',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/status`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.keyboard.press('Tab');
      const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
      assert((await focused()) === 'Skip to the page', `first: ${await focused()}`);
      await page.keyboard.press('Enter');
      assert((await page.evaluate(() => document.activeElement?.id)) === 'main', 'the skip link leads to the page');
      await page.getByRole('link', { name: 'Callboard, start' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('list', { name: 'Entities by kind' }).waitFor();
      assert((await page.evaluate(() => document.activeElement?.id)) === 'main', 'a new page has the focus');
      await page.goBack();
      await page.getByRole('heading', { name: 'Status', level: 1 }).waitFor();
      assert((await page.title()) === 'Status · Callboard', await page.title());
      await page.done();
    },
  ],
  [
    'frame: colours as the system has them, or as chosen, also after a reload',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/`, { scheme: 'dark' });
      const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const dark = await paper();
      await page.getByRole('button', { name: /^Colours: system/ }).click();
      const light = await paper();
      assert(light !== dark, 'light is not dark');
      await page.reload();
      assert((await paper()) === light, 'the choice is kept');
      await page.getByRole('button', { name: /^Colours: light/ }).click();
      await page.getByRole('button', { name: /^Colours: dark/ }).click();
      assert((await paper()) === dark, 'back to the system');
      await page.done();
    },
  ],
  [
    'frame: below a path of a proxy',
    async ({ browser, url }) => {
      const proxy = await below(url, '/tools/board');
      try {
        const page = await visit(browser, `${proxy.url}/status`);
        await page.getByRole('heading', { name: 'Sources' }).waitFor();
        await page.getByRole('link', { name: 'Callboard, start' }).click();
        await page.getByRole('list', { name: 'Entities by kind' }).waitFor();
        assert(page.url() === `${proxy.url}/`, page.url());
        await page.getByRole('link', { name: 'Query', exact: true }).click();
        await page.locator('.graphiql-query-editor .view-line').first().waitFor();
        await page.getByRole('button', { name: /^Execute query/ }).click();
        await page.getByText('In the server').waitFor();
        await page.reload();
        await page.locator('.graphiql-query-editor .view-line').first().waitFor();
        assert(page.url() === `${proxy.url}/query`, page.url());
        await page.done();
      } finally {
        proxy.stop();
      }
    },
  ],
  [
    'frame: an address where nothing is',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/no/such%20page`, { expected: [/status of 404/] });
      await page.getByRole('heading', { name: 'Nothing is here' }).waitFor();
      await page.axe();
      await page.shoot('nowhere');
      await page.getByRole('link', { name: 'Go to the start' }).click();
      await page.getByRole('list', { name: 'Entities by kind' }).waitFor();
      await page.done();
    },
  ],
  [
    'frame: the token is sent, kept for the tab alone, and in no address',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/status`);
      await page.getByRole('button', { name: 'Token: none. Set one.' }).click();
      await page.axe();
      await page.shoot('token');
      const [request] = await Promise.all([
        page.waitForRequest((request) => request.url().endsWith('/graphql') && Boolean(request.headers().authorization)),
        page.locator('input[type=password]').fill('s3cret').then(() => page.getByRole('button', { name: 'Use it' }).click()),
      ]);
      assert(request.headers().authorization === 'Bearer s3cret', 'sent');
      const kept = await page.evaluate(() => [JSON.stringify({ ...localStorage }), location.href, sessionStorage.getItem('callboard.token')]);
      assert(!kept[0].includes('s3cret') && !kept[1].includes('s3cret') && kept[2] === 's3cret', kept.join(' '));
      await page.getByRole('button', { name: 'Token: set. Change it.' }).click();
      await page.getByRole('button', { name: 'Forget it' }).click();
      assert((await page.evaluate(() => sessionStorage.getItem('callboard.token'))) === null, 'forgotten');
      await page.done();
    },
  ],
];

export { looks };
