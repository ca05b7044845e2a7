// The page Graph.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve } from './servers.mjs';
import { SHOTS, WIDTHS, assert, until, visit } from './visit.mjs';

const PAYMENTS = '/graph/component/default/payments-api';

/** The drawing's own. */
const node = (page, ref) => page.locator(`.graph-node[data-ref="${ref}"]`);
const refs = (page) => page.locator('.graph-node').evaluateAll((all) => all.map((one) => one.dataset.ref).sort());
const has = (page, ref, what) => until(async () => (await refs(page)).includes(ref), what ?? `${ref} in the drawing`);
const hasNot = (page, ref) => until(async () => !(await refs(page)).includes(ref), `drawing without ${ref}`);

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

/** A catalog with one team that owns `size` components, in pairs that depend on each other. */
function company(size) {
  const entity = (kind, name, spec) => `apiVersion: backstage.io/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${JSON.stringify(spec)}\n`;
  const all = [entity('Group', 'everyone', { type: 'team', children: [] })];
  for (let index = 0; index < size; index += 1) {
    const dependsOn = index % 2 === 1 ? [`component:service-${index - 1}`] : [];
    all.push(entity('Component', `service-${index}`, { type: 'service', lifecycle: 'production', owner: 'group:everyone', dependsOn }));
  }
  return { 'catalog.yaml': all.join('---\n') };
}

export const checks = [
  ['graph: the start, light and dark, narrow and wide', (world) => looks(world, 'graph-start', '/graph', (page) => page.getByRole('link', { name: /^payments/ }).waitFor())],
  ['graph: what is around something, light and dark, narrow and wide', (world) => looks(world, 'graph-near', PAYMENTS, (page) => node(page, 'component:default/ledger').waitFor())],
  [
    'graph: on a phone the drawing has the room, and the choices unfold',
    async ({ browser, url }) => {
      for (const scheme of ['light', 'dark']) {
        const page = await visit(browser, url + PAYMENTS, { width: 'narrow', scheme });
        await has(page, 'component:default/ledger');
        const { height } = await page.locator('.graph-bar').boundingBox();
        assert(height <= 110, `the toolbar is ${height} px high`);
        const more = page.getByRole('button', { name: /^Choices/ });
        const relation = page.getByRole('button', { name: /^owned by/ });
        assert(!(await relation.isVisible()), 'relations are folded');
        await more.focus();
        await page.keyboard.press('Enter');
        await relation.click();
        await hasNot(page, 'group:default/payments-team');
        await page.fits();
        await page.axe();
        await page.shoot('graph-choices');
        await more.click();
        await page.getByRole('button', { name: 'Choices 1 left out' }).waitFor();
        await page.axe();
        await page.done();
      }
    },
  ],
  [
    'graph: found while typing, by keyboard',
    async ({ browser, url }) => {
      const page = await visit(browser, `${url}/graph`);
      const field = page.getByRole('combobox', { name: 'Find an entity' });
      await field.fill('payments-a');
      await page.getByRole('option', { name: /component:default\/payments-api/ }).waitFor();
      for (let step = 0; step < 12; step += 1) {
        const active = await field.getAttribute('aria-activedescendant');
        if (/component:default\/payments-api/.test((await page.locator(`[id="${active}"]`).textContent()) ?? '')) break;
        await field.press('ArrowDown');
      }
      await page.axe();
      await page.shoot('graph-find');
      await field.press('Enter');
      await has(page, 'component:default/payments-api');
      assert(page.url().endsWith(PAYMENTS), page.url());
      await page.getByRole('combobox', { name: 'Entity', exact: true }).fill('zzzz');
      await page.getByText('Nothing is called so.').waitFor();
      await page.done();
    },
  ],
  [
    'graph: expand, collapse, leave out and focus, each in the address',
    async ({ browser, url }) => {
      const page = await visit(browser, url + PAYMENTS);
      await node(page, 'component:default/ledger').click();
      await page.getByRole('button', { name: 'Expand' }).click();
      await has(page, 'resource:default/ledger-db');
      assert(/open=component:default\/ledger/.test(page.url()), page.url());
      await page.axe();
      await page.shoot('graph-expanded');
      await page.reload();
      await has(page, 'resource:default/ledger-db', 'ledger-db after a reload');
      await node(page, 'component:default/ledger').click();
      await page.getByRole('button', { name: 'Collapse' }).click();
      await hasNot(page, 'resource:default/ledger-db');

      await page.getByRole('button', { name: /^owned by/ }).click();
      await hasNot(page, 'group:default/payments-team');
      assert((await page.getByRole('button', { name: /^owned by/ }).getAttribute('aria-pressed')) === 'false', 'a relation that is left out is not pressed');
      await page.getByRole('button', { name: /^owned by/ }).click();
      await has(page, 'group:default/payments-team');

      await node(page, 'component:default/ledger').click();
      await page.getByRole('link', { name: 'Focus' }).click();
      await has(page, 'resource:default/ledger-db');
      assert(page.url().endsWith('/graph/component/default/ledger'), page.url());
      await page.goBack();
      await has(page, 'api:default/identity-api');
      await page.done();
    },
  ],
  [
    'graph: all of it by keyboard',
    async ({ browser, url }) => {
      const page = await visit(browser, url + PAYMENTS);
      const focus = node(page, 'component:default/payments-api');
      await focus.waitFor();
      assert((await page.locator('.graph-node[tabindex="0"]').count()) === 1, 'the drawing is one stop for Tab');
      await focus.focus();
      const at = () => page.evaluate(() => document.activeElement?.getAttribute('data-ref'));
      const seen = new Set();
      for (const key of ['ArrowRight', ...Array(8).fill('ArrowUp'), ...Array(8).fill('ArrowDown'), 'Home', 'ArrowLeft', 'ArrowUp', 'ArrowDown']) {
        await page.keyboard.press(key);
        seen.add(await at());
      }
      const all = await refs(page);
      assert(all.every((ref) => seen.has(ref)), `arrows reach all: ${[...seen]} of ${all}`);
      await page.keyboard.press('Home');
      assert((await at()) === 'component:default/payments-api', 'Home leads to the middle');
      const where = () => page.locator('.graph-svg > g').getAttribute('transform');
      for (const key of ['+', '-', 'Shift+ArrowLeft', '0']) {
        const before = await where();
        await page.keyboard.press(key === '0' ? '+' : key);
        if (key === '0') await page.keyboard.press('0');
        assert(key === '0' || (await where()) !== before, `${key} changes the view`);
      }
      await page.keyboard.press('ArrowRight');
      const next = await at();
      await page.keyboard.press('Enter');
      assert((await node(page, next).getAttribute('aria-pressed')) === 'true', 'Enter chooses');
      await page.keyboard.press('e');
      await until(() => page.url().includes('open='), 'expanded entity in the address');
      // The list says the same, and leads through the drawing as well.
      const list = page.getByRole('region', { name: 'Everything that is drawn' });
      assert((await list.locator('.graph-item').count()) >= all.length, 'the list has all that is drawn');
      await list.getByRole('button', { name: 'ledger', exact: true }).first().press('Enter');
      assert((await node(page, 'component:default/ledger').getAttribute('aria-pressed')) === 'true', 'the list chooses');
      await page.done();
    },
  ],
  [
    'graph: moved and enlarged by mouse and fingers',
    async ({ browser, url }) => {
      const page = await visit(browser, url + PAYMENTS);
      await node(page, 'component:default/ledger').waitFor();
      const where = () => page.locator('.graph-svg > g').getAttribute('transform');
      const box = await page.locator('.graph-svg').boundingBox();
      const before = await where();
      await page.mouse.move(box.x + 60, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(box.x + 160, box.y + 110, { steps: 4 });
      await page.mouse.up();
      const moved = await where();
      assert(moved !== before, 'a drag moves');
      await page.mouse.wheel(0, -240);
      await until(async () => (await where()) !== moved, 'wheel that enlarges');
      // A drag that begins on an entity does not choose it.
      const ledger = node(page, 'component:default/ledger');
      const at = await ledger.boundingBox();
      await page.mouse.move(at.x + 20, at.y + 10);
      await page.mouse.down();
      await page.mouse.move(at.x - 60, at.y + 60, { steps: 4 });
      await page.mouse.up();
      assert((await ledger.getAttribute('aria-pressed')) === 'false', 'a drag is no click');
      await page.done();
    },
  ],
  [
    'graph: what would feel it, step by step, both ways',
    async (world) => {
      await looks(world, 'graph-impact', '/graph/api/default/orders-api?mode=impact', (page) => node(page, 'component:default/storefront-web').waitFor());
      const page = await visit(world.browser, `${world.url}/graph/resource/default/main-cluster?mode=impact&steps=1`);
      await has(page, 'resource:default/ledger-db');
      await page.getByText('There is more beyond 1 step.').waitFor();
      await page.getByLabel('Steps').fill('2');
      await has(page, 'component:default/ledger');
      await page.getByRole('button', { name: 'What it needs' }).click();
      await hasNot(page, 'component:default/ledger');
      await page.goto(`${world.url}/graph/user/default/lena?mode=impact`);
      await page.getByText('nothing would break without it').waitFor();
      await page.done();
    },
  ],
  [
    'graph: a path between two, and where there is none',
    async (world) => {
      await looks(world, 'graph-path', `${PAYMENTS}?mode=path&to=user:default/lena`, (page) => node(page, 'user:default/lena').waitFor());
      const page = await visit(world.browser, `${world.url}${PAYMENTS}`);
      await page.getByRole('button', { name: 'Path' }).click();
      await page.getByText('Where to?').waitFor();
      const end = page.getByRole('combobox', { name: 'The other end' });
      await end.fill('ruth');
      await page.getByRole('option', { name: /user:default\/ruth/ }).waitFor();
      await end.press('Enter');
      await has(page, 'user:default/ruth');
      await page.goto(`${world.url}${PAYMENTS}?mode=path&to=location:default/larkspur-market`);
      await page.getByText('No chain of relations leads').waitFor();
      await page.goto(`${world.url}${PAYMENTS}?mode=path&to=user:default/nobody`);
      await page.getByText('nobody').first().waitFor();
      await page.done();
    },
  ],
  [
    'graph: relations of the house lead as its schema declares them, and what is left out counts for no path',
    async ({ browser, binary }) => {
      const fixture = (name) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
      const server = await serve(binary, { 'catalog-info.yaml': fixture('kind.yaml') }, { schema: [join(import.meta.dirname, 'fixtures/kind.graphql')] });
      try {
        const page = await visit(browser, `${server.url}/graph/featureflag/default/instant-refunds?live=off`);
        await has(page, 'component:default/till');
        const chips = page.getByRole('group', { name: 'Relations that are drawn' });
        const types = (await chips.getByRole('button').allInnerTexts()).map((text) => text.replace(/\s*\d*\s*$/, '')).sort();
        assert(types.join() === 'guards,owned by,switched by', types.join());
        await page.getByRole('button', { name: 'till', exact: true }).first().click();
        await page.locator('.graph-ties').getByText('guarded by').waitFor();
        await page.shoot('graph-own-relations');

        await page.goto(`${server.url}/graph/featureflag/default/instant-refunds?mode=path&to=component:default/till&live=off`);
        for (const name of [/^guards/, /^switched by/]) await chips.getByRole('button', { name }).click();
        // By the owner of both.
        await has(page, 'group:default/crew');
        await page.shoot('graph-path-hidden');
        await chips.getByRole('button', { name: /^owned by/ }).click();
        await page.getByText('but for those that are left out').waitFor();
        await page.axe();
        await page.shoot('graph-path-none');
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'graph: open incidents and problems lie over it, and where they are unknown it says so',
    async ({ browser, url }) => {
      const page = await visit(browser, url + PAYMENTS);
      await until(async () => /open incident/.test((await node(page, 'component:default/payments-api').getAttribute('aria-label')) ?? ''), 'incident over payments-api');
      await page.getByRole('link', { name: /#\d+ / }).first().waitFor();
      await page.getByLabel('Live incidents').click();
      await until(async () => !/incident/.test((await node(page, 'component:default/payments-api').getAttribute('aria-label')) ?? ''), 'drawing without incidents');
      assert(page.url().includes('live=off'), page.url());
      await page.done();

      const failing = await visit(browser, url + PAYMENTS, {
        before: (page) =>
          page.route('**/graphql', async (route) => {
            if (!route.request().postData()?.includes('OnFire')) return route.fallback();
            const response = await route.fetch();
            const body = await response.json();
            for (const entity of body.data.entitiesByRef) {
              entity.incidents = null;
              entity.live = [{ connector: 'pagerduty', instance: 'default', state: 'FAILED', code: 'UPSTREAM_UNAVAILABLE', hint: 'it is asked again by itself', retryAt: null }];
            }
            return route.fulfill({ response, json: body });
          }),
      });
      await failing.getByText(/Incidents of \d+ entities are unknown: pagerduty/).waitFor();
      await failing.axe();
      await failing.shoot('graph-incidents-unknown');
      await failing.done();
    },
  ],
  [
    'graph: saved as SVG and PNG, and the query behind it',
    async ({ browser, url }) => {
      const page = await visit(browser, url + PAYMENTS);
      await node(page, 'component:default/ledger').waitFor();
      const save = async (kind) => {
        const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: `Save as ${kind}` }).click()]);
        assert(download.suggestedFilename() === `component-default-payments-api-near.${kind.toLowerCase()}`, download.suggestedFilename());
        const path = join(SHOTS, `graph-saved.${kind.toLowerCase()}`);
        await download.saveAs(path);
        return readFileSync(path);
      };
      const svg = (await save('SVG')).toString();
      assert(svg.includes('>ledger</text>') && svg.includes('>depends on</text>') && !svg.includes('var('), 'the SVG has names, labels and colours of its own');
      const colours = new Set(svg.match(/(?:fill|stroke)="rgb[^"]+"/g));
      assert(colours.size >= 8, `the SVG has the colours of the page: ${[...colours]}`);
      const isWell = await page.evaluate((text) => new window.DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror') === null, svg);
      assert(isWell, 'the SVG is well-formed');
      const png = await save('PNG');
      assert(png.subarray(1, 4).toString() === 'PNG' && png.readUInt32BE(16) > 1000 && png.length > 20_000, `the PNG is a picture: ${png.length} bytes`);

      const href = await page.getByRole('link', { name: 'The query behind this' }).getAttribute('href');
      const fields = new URL(`http://localhost/?${href.split('#')[1]}`).searchParams;
      const answer = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: fields.get('query'), variables: JSON.parse(fields.get('variables')) }) });
      const { data } = await answer.json();
      assert(data?.entitiesByRef?.[0]?.relations?.nodes?.length >= 8, 'the query gives what is drawn');
      await page.done();
    },
  ],
  [
    'graph: more than can be drawn, and 150 that can be read',
    async ({ binary, browser }) => {
      const server = await serve(binary, company(400));
      try {
        for (const width of ['narrow', 'laptop', 'wide']) {
          const page = await visit(browser, `${server.url}/graph/group/default/everyone`, { width });
          await page.getByText('The nearest 150 of 401 entities.').waitFor();
          assert((await refs(page)).length === 150, 'so many are drawn');
          await page.axe();
          await page.fits();
          await page.shoot('graph-many');
          await page.getByRole('button', { name: 'All of it' }).click();
          await page.shoot('graph-many-all');
          await page.done();
        }
        const page = await visit(browser, `${server.url}/graph/group/default/everyone?depth=2`);
        await page.getByText(/The nearest 150 of/).waitFor();
        await page.shoot('graph-many-deep');
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'graph: nothing there, and names that mean harm',
    async ({ binary, browser }) => {
      const empty = await serve(binary, { 'catalog.yaml': '' });
      const nothing = await visit(browser, `${empty.url}/graph`);
      await nothing.getByText('The catalog is empty').waitFor();
      await nothing.goto(`${empty.url}/graph/component/default/none`);
      await nothing.getByText('The catalog has no such entity').waitFor();
      await nothing.axe();
      await nothing.shoot('graph-none');
      await nothing.done();
      await empty.stop();

      const title = (text) => JSON.stringify(text);
      const bad = (name, text, more = '') => `apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: ${name}, title: ${title(text)} }\nspec: { type: ${title(text.slice(0, 60))}, lifecycle: production, owner: 'group:nobody'${more} }\n`;
      const files = {
        'catalog.yaml': [
          bad('markup', '<img src=x onerror=alert(1)><script>alert(2)</script>', ", dependsOn: ['component:turned', 'component:long', 'component:gone']"),
          bad('turned', 'invoice\u202egpj.exe'),
          bad('long', 'x'.repeat(10_000)),
        ].join('---\n'),
      };
      const server = await serve(binary, files);
      const page = await visit(browser, `${server.url}/graph/component/default/markup`);
      await has(page, 'component:default/long');
      await has(page, 'component:default/gone', 'entity that is only named');
      assert((await page.locator('img, main script').count()) === 0, 'markup is text');
      await page.fits();
      await page.axe();
      await page.shoot('graph-harm');
      await page.done();
      await server.stop();
    },
  ],
];
