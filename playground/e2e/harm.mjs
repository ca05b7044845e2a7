// Descriptors by somebody who means harm, or whose program runs wild, on every page: nothing of them runs, nothing lies over anything else, nothing is wider than the window.
import { serve } from './servers.mjs';
import { assert, until, visit } from './visit.mjs';

const descriptor = (kind, name, metadata, spec) => JSON.stringify({ apiVersion: 'backstage.io/v1alpha1', kind, metadata: { name, ...metadata }, spec });
const SERVICE = { type: 'service', lifecycle: 'production', owner: 'keepers' };
const many = (count, make) => Array.from({ length: count }, (_, index) => make(index));
/** Marks that stand above and below each other, far beyond the line. */
const TOWER = 'Tower'.replace(/./g, (letter) => letter + '\u0300\u0323\u0301\u0316\u0302\u0317\u0303\u0330'.repeat(12));

export const harm = [
  descriptor('Group', 'keepers', { title: 'Keepers\u202Egnp.exe', description: '<img src=x onerror=alert(1)>' }, { type: 'team', children: [], profile: { displayName: '<b>Keepers</b>', email: 'k'.repeat(300) + '@example.org', picture: 'javascript:alert(2)' } }),
  descriptor('Component', 'html', { title: '<img src=x onerror=alert(3)><script>alert(4)</script>', description: '</title><svg/onload=alert(5)>', tags: ['plain'], links: [{ url: 'javascript:alert(6)', title: 'Runs', type: 'runbook' }, { url: 'data:text/html,<script>alert(7)</script>' }, { url: 'https://example.org/?"><script>', title: '<i>x</i>' }] }, { ...SERVICE, type: '<b>service</b>', dependsOn: ['component:turned', 'component:endless', 'component:emoji', 'component:tower', 'component:many', 'component:blank', 'component:nobody'], providesApis: ['odd'] }),
  descriptor('Component', 'turned', { title: 'ledger\u202Eipa-stnemyap', description: 'zero\u200Bwidth, \u2066isolated\u2069, and a bell\u0007' }, { ...SERVICE, dependsOn: ['component:html'] }),
  descriptor('Component', 'endless', { title: 'n'.repeat(10_000), description: 'd'.repeat(10_000), annotations: { 'example.org/long': 'a'.repeat(10_000) }, labels: { 'example.org/long': 'l'.repeat(63) }, links: [{ url: `https://example.org/${'u'.repeat(1500)}`, title: 't'.repeat(10_000) }, { url: `https://example.org/${'v'.repeat(1500)}` }] }, { ...SERVICE, type: 'y'.repeat(3000), lifecycle: 'z'.repeat(3000) }),
  descriptor('Component', 'emoji', { title: '🐦‍⬛🦜🪶', description: '🏳️‍🌈' }, SERVICE),
  descriptor('Component', 'tower', { title: TOWER, description: TOWER }, SERVICE),
  descriptor('Component', 'blank', { title: ' \u3164\u200B\u00AD\u2060 ', description: '\u202E' }, SERVICE),
  descriptor('Component', 'many', { title: 'Much of everything', tags: many(500, (n) => `tag-number-${n}`), links: many(200, (n) => ({ url: `https://example.org/${n}`, title: `Link number ${n}` })), labels: Object.fromEntries(many(200, (n) => [`example.org/label-${n}`, `value-${n}`])) }, { ...SERVICE, dependsOn: many(60, (n) => `component:missing-${n}`) }),
  descriptor('API', 'odd', { title: 'An API of theirs' }, { type: 'openapi', lifecycle: 'production', owner: 'keepers', definition: JSON.stringify({ openapi: '3.0.3', info: { title: '<script>alert(8)</script>', version: '<b>1</b>' }, servers: [{ url: 'javascript:alert(9)' }], paths: { [`/${'p'.repeat(400)}`]: { get: { operationId: 'o'.repeat(400), summary: '<svg onload=alert(10)>', responses: { 200: { description: 'ok' } } } } } }) }),
].join('\n---\n');

const node = (page) => page.locator('.graph-node').first().waitFor();
const QUERY = '{ components { nodes { name title description tags links { url title } lifecycle } } problems { nodes { message } } }';

/** Every page that shows something of them: name, path, and what is done there. */
export const SEEN = [
  ['start', '/'],
  ['list', '/catalog'],
  ['found', '/catalog?q=service'],
  ['found-harm', '/catalog?q=nnnn%20%3Cscript%3E'],
  ...['html', 'turned', 'endless', 'emoji', 'tower', 'blank', 'many'].map((name) => [`entity-${name}`, `/catalog/component/default/${name}`, (page) => page.getByRole('heading', { name: 'Relations' }).waitFor()]),
  ['entity-keepers', '/catalog/group/default/keepers'],
  ['entity-odd', '/catalog/api/default/odd'],
  ['graph', '/graph/component/default/html?live=off', node],
  ['graph-endless', '/graph/component/default/endless?live=off', node],
  ['graph-impact', '/graph/component/default/turned?mode=impact&live=off', node],
  ['status', '/status'],
  [
    'query',
    `/query#${new URLSearchParams({ query: QUERY })}`,
    async (page) => {
      await page.locator('.graphiql-query-editor .view-line').first().waitFor();
      await page.getByRole('button', { name: /^Execute query/ }).click();
      await until(async () => (await page.locator('.result-window').innerText()).includes('"blank"'), 'answer');
    },
  ],
];

/** What stands beyond the window, or over its neighbour in the same list, as seen by the browser; parts that scroll by themselves may. */
function astray() {
  const width = document.documentElement.clientWidth;
  const own = '.scroll, .graph-drawing, .graphiql-container, pre';
  const name = (one) => `${one.tagName.toLowerCase()}.${one.className.baseVal ?? one.className}`;
  const beyond = [...document.querySelectorAll('main *')].filter((one) => !one.closest(own) && one.getBoundingClientRect().width > 0 && one.getBoundingClientRect().right > width + 1).map((one) => `${name(one)} is beyond the window`);
  const over = [...document.querySelectorAll('main :is(ul, ol, dl) > *')]
    .filter((one) => !one.closest(own) && one.nextElementSibling)
    .filter((one) => {
      const [a, b] = [one.getBoundingClientRect(), one.nextElementSibling.getBoundingClientRect()];
      return a.height > 0 && b.height > 0 && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    })
    .map((one) => `${name(one)} and its neighbour lie over each other`);
  return [...beyond, ...over].slice(0, 5);
}

export const checks = [
  [
    'harm: on every page, nothing of it runs, lies over anything or is wider than the window',
    async ({ browser, binary }) => {
      const server = await serve(binary, { 'catalog-info.yaml': harm });
      try {
        for (const width of ['narrow', 'laptop']) {
          for (const [name, path, act] of SEEN) {
            const page = await visit(browser, server.url + path, { width });
            try {
              await page.locator('main').waitFor();
              await act?.(page);
              await page.waitForLoadState('networkidle');
              await page.fits();
              const found = await page.evaluate(astray);
              assert(found.length === 0, found.join(', '));
              const runs = await page.locator('a[href]').evaluateAll((all) => all.map((one) => one.href).filter((href) => !/^(https?|mailto):/.test(href)));
              assert(runs.length === 0, `links that run something: ${runs.join(' ')}`);
              await page.shoot(`harm-${name}`);
              await page.done();
            } catch (error) {
              throw new Error(`${name} (${width}): ${error.message}`, { cause: error });
            }
          }
        }
      } finally {
        await server.stop();
      }
    },
  ],
  [
    'harm: much of everything is cut short, and all of it is there for who asks',
    async ({ browser, binary }) => {
      const server = await serve(binary, { 'catalog-info.yaml': harm });
      try {
        const page = await visit(browser, `${server.url}/catalog/component/default/many`, { width: 'narrow' });
        await page.getByRole('button', { name: 'All 500 tags' }).waitFor();
        const height = await page.evaluate(() => document.querySelector('main').scrollHeight);
        assert(height < 9000, `the page is ${height} px high`);
        assert((await page.getByRole('link', { name: /^Link number/ }).count()) === 12, 'a few links');
        await page.axe();
        await page.getByRole('button', { name: 'All 200 links' }).click();
        assert((await page.getByRole('link', { name: /^Link number/ }).count()) === 200, 'all links');
        await page.getByRole('button', { name: 'Fewer links' }).waitFor();
        await page.getByRole('button', { name: /^All \d+ problems/ }).click();
        await page.getByText('component:default/missing-59').first().waitFor();
        await page.fits();
        await page.axe();
        // Of a title that nobody could see, the name is shown.
        await page.goto(`${server.url}/catalog/component/default/blank`);
        await page.getByRole('heading', { name: 'blank', level: 1 }).waitFor();
        await page.done();
      } finally {
        await server.stop();
      }
    },
  ],
];
