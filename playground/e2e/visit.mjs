// A look at a page as somebody has it: a window, colours, and an eye on everything that must not happen.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const SHOTS = join(import.meta.dirname, '../out');
mkdirSync(SHOTS, { recursive: true });

/** Widths by name: a phone, a laptop, a wide screen. */
export const WIDTHS = { narrow: 360, laptop: 1280, wide: 1920 };

/**
 * Opens a page at `url`. `page.done()` closes it, and fails if anything went wrong meanwhile: an error on the console, a breach of the policy, a request to elsewhere.
 * `expected` are patterns of console errors that belong to the test (a browser reports every failed request there).
 */
export async function visit(browser, url, { width = 'laptop', scheme = 'light', expected = [], before, motion = 'reduce' } = {}) {
  const context = await browser.newContext({
    viewport: { width: WIDTHS[width], height: width === 'narrow' ? 760 : 900 },
    colorScheme: scheme,
    reducedMotion: motion,
    hasTouch: width === 'narrow',
  });
  if (process.env.FROM_DIST) await context.route(`${new URL(url).origin}/**`, fromDist);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => undefined);
  const page = await context.newPage();
  const wrong = [];
  const origin = new URL(url).origin;
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    if (!expected.some((pattern) => pattern.test(message.text()))) wrong.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrong.push(`page error: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) wrong.push(`request to ${request.url()}`);
  });
  await page.addInitScript(() => {
    window.breaches = [];
    document.addEventListener('securitypolicyviolation', (event) => window.breaches.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
  });
  await before?.(page);
  await page.goto(url, { waitUntil: 'load' });

  return Object.assign(page, {
    wrong,
    /** For eyes: `out/<name>-<width>-<scheme>.png`. */
    shoot: (name) => page.screenshot({ path: join(SHOTS, `${name}-${width}-${scheme}.png`) }),
    /** WCAG 2.2 A and AA, and what axe calls best practice; no exceptions but those that are named. */
    async axe(exceptions = []) {
      await page.evaluate(AXE);
      const rules = Object.fromEntries(exceptions.map((rule) => [rule, { enabled: false }]));
      const violations = await page.evaluate(async (options) => (await window.axe.run(document, options)).violations, { rules, resultTypes: ['violations'] });
      const lines = violations.flatMap(({ id, nodes }) => nodes.slice(0, 4).map(({ target, failureSummary }) => `${id} at ${target.join(' ')}\n      ${failureSummary.split('\n').slice(1).join('; ')}`));
      if (lines.length > 0) throw new Error(`axe (${width}, ${scheme}):\n    ${lines.join('\n    ')}`);
    },
    /** Nothing is wider than the window. */
    async fits() {
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) throw new Error(`the page is ${over} px wider than the window (${width})`);
    },
    async done() {
      wrong.push(...(await page.evaluate(() => window.breaches).catch(() => [])).map((breach) => `policy: ${breach}`));
      await context.close();
      if (wrong.length > 0) throw new Error(wrong.join('\n    '));
    },
  });
}

const KINDS = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', ttf: 'font/ttf' };

/** With `FROM_DIST=` a folder: the files that were built there, in place of those that the program carries, which takes a build of it. */
async function fromDist(route) {
  const { pathname } = new URL(route.request().url());
  const dist = process.env.FROM_DIST;
  if (pathname.startsWith('/assets/') && existsSync(`${dist}${pathname}.gz`)) {
    const packed = readFileSync(`${dist}${pathname}.gz`);
    return route.fulfill({ body: gunzipSync(packed), headers: { 'content-type': KINDS[pathname.split('.').at(-1)], 'content-length': String(packed.length) } });
  }
  if (route.request().resourceType() !== 'document') return route.fallback();
  const carried = await route.fetch();
  const base = /<base href="[^"]*"/.exec(await carried.text())?.[0];
  if (!base) return route.fulfill({ response: carried });
  const body = readFileSync(`${dist}/index.html`, 'utf8').replace('<base href="./"', base);
  return route.fulfill({ response: carried, body, headers: { ...carried.headers() } });
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

/** Waits until `look` gives something. */
export async function until(look, what, patience = 20_000) {
  for (const end = Date.now() + patience; Date.now() < end; await new Promise((wake) => setTimeout(wake, 50))) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`in ${patience} ms there was no ${what}`);
}
