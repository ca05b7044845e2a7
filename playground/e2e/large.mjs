// A catalog of ten thousand entities, which is made here: found, counted, and drawn as far as it can be read.
import { serve } from './servers.mjs';
import { assert, until, visit } from './visit.mjs';

const SIZE = 10_000;
const TEAMS = 50;
const SYSTEMS = 200;
/** So many depend on one resource. */
const AROUND = 800;
/** From the click to what was asked for, in ms: two seconds, and as much again for a program that is not optimised on a machine that does other things. */
const QUICK = 4000;

const LANGUAGES = ['go', 'java', 'python', 'rust', 'typescript'];
const LIFECYCLES = ['production', 'production', 'production', 'experimental', 'deprecated'];

/** The same at every run. */
function catalog() {
  const all = [];
  const add = (kind, name, spec, metadata = {}) => all.push(JSON.stringify({ apiVersion: 'backstage.io/v1alpha1', kind, metadata: { name, ...metadata }, spec }));
  for (let n = 0; n < TEAMS; n += 1) add('Group', `team-${n}`, { type: 'team', children: [] }, { title: `Team ${n}` });
  for (let n = 0; n < SYSTEMS; n += 1) add('System', `system-${n}`, { owner: `team-${n % TEAMS}` });
  add('Resource', 'ledger', { type: 'database', owner: 'team-0' }, { title: 'The ledger' });
  const services = SIZE - all.length;
  for (let n = 0; n < services; n += 1) {
    const dependsOn = [...(n < AROUND ? ['resource:ledger'] : []), ...(n > 10 ? [`component:service-${Math.floor(n / 3)}`] : [])];
    add(
      'Component',
      `service-${n}`,
      { type: n % 7 === 0 ? 'website' : 'service', lifecycle: LIFECYCLES[n % LIFECYCLES.length], owner: `team-${n % TEAMS}`, system: `system-${n % SYSTEMS}`, dependsOn },
      { title: `Service number ${n}`, description: `Does the work of ${n % 97} and ${n % 89}.`, tags: [LANGUAGES[n % LANGUAGES.length]] },
    );
  }
  return { 'catalog-info.yaml': all.join('\n---\n') };
}

/** How long it takes until it is there. */
async function within(what, most, act) {
  const started = performance.now();
  await act();
  const ms = Math.round(performance.now() - started);
  console.log(`        ${what}: ${ms} ms`);
  assert(ms <= most, `${what} took ${ms} ms`);
}

export const checks = [
  [
    'large: a catalog of ten thousand is counted, found and drawn',
    async ({ browser, binary }) => {
      const server = await serve(binary, catalog());
      try {
        for (const width of ['narrow', 'laptop']) {
          const page = await visit(browser, `${server.url}/`, { width });
          await page.getByText('9,749').waitFor({ timeout: 60_000 });
          await page.fits();
          await page.shoot('many');
          await page.goto(`${server.url}/status`);
          await page.getByText('10,000 entities').waitFor();
          await page.fits();
          await page.axe();
          await page.shoot('many-status');

          await page.goto(`${server.url}/catalog`);
          const field = page.locator('[aria-keyshortcuts="/"]');
          await page.getByText('10,000 entities').waitFor();
          // The index is made behind everything else.
          await until(
            async () => {
              const body = JSON.stringify({ query: '{ search(query: "service-7777") { totalCount } }' });
              const answer = await fetch(`${server.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then((response) => response.json());
              return answer.data.search.totalCount > 0;
            },
            'index',
            120_000,
          );
          await within('a name among ten thousand', QUICK, async () => {
            await field.fill('service-7777');
            await page.getByRole('link', { name: /7777/ }).first().waitFor();
          });
          await within('a word that most have', QUICK, async () => {
            await field.fill('work');
            await page.getByText('9,749 results').waitFor();
          });
          if (width === 'narrow') await page.getByRole('button', { name: 'Filters' }).click();
          await within('a facet', QUICK, async () => {
            await page.getByRole('checkbox', { name: /rust/ }).click();
            await page.getByText(/1,9\d\d (results|entities)/).first().waitFor();
          });
          await page.fits();
          await page.axe();
          await page.shoot('many-found');
          await page.done();
        }
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'large: what has hundreds of neighbours is drawn as far as it can be read, and says so',
    async ({ browser, binary }) => {
      const server = await serve(binary, catalog());
      try {
        await until(() => fetch(`${server.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{ entity(ref: \\"resource:ledger\\") { relations(first: 0) { totalCount } } }"}' }).then((response) => response.json()).then(({ data }) => data?.entity?.relations.totalCount > AROUND), 'catalog', 60_000);
        for (const width of ['laptop', 'narrow']) {
          // What the browser has to load once is not what is measured.
          const page = await visit(browser, `${server.url}/graph`, { width });
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.waitForLoadState('networkidle');
          const draw = async (what, path) => {
            await within(`${what} (${width})`, QUICK, async () => {
              await page.evaluate((to) => {
                window.history.pushState(null, '', to);
                window.dispatchEvent(new window.PopStateEvent('popstate'));
              }, path);
              await until(async () => (await page.locator('.graph-node').count()) > 100, 'drawing');
            });
            const drawn = await page.locator('.graph-node').count();
            assert(drawn <= 150, `${drawn} entities are drawn`);
            await page.getByText(/The nearest 150 of \d/).waitFor();
            // Names stay apart from each other.
            const boxes = await page.locator('.graph-hit').evaluateAll((all) => all.map((one) => one.getBBox()).map(({ x, y, width, height }) => [x, y, x + width, y + height]));
            const overlapping = boxes.filter((a, n) => boxes.some((b, m) => m > n && a[0] < b[2] - 1 && b[0] < a[2] - 1 && a[1] < b[3] - 1 && b[1] < a[3] - 1));
            assert(boxes.length === drawn && overlapping.length === 0, `${overlapping.length} of ${boxes.length} boxes lie over each other`);
            await page.fits();
          };
          await draw('around it', '/graph/resource/default/ledger');
          await page.getByText(/of 80[0-9]/).first().waitFor();
          await page.axe();
          await page.shoot('many-around');
          await draw('three steps around it', '/graph/resource/default/ledger?depth=3');
          await page.shoot('many-deep');
          await draw('what breaks without it', '/graph/resource/default/ledger?mode=impact&steps=5');
          await page.shoot('many-impact');
          await page.done();
        }
      } finally {
        await server.stop();
      }
    },
  ],
];
