// The pictures in the README: `npm run pictures -- ../target/debug/callboard`. Small, and all of one size.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { demo } from './servers.mjs';

const [binary] = process.argv.slice(2);
if (!binary) {
  console.error('usage: node e2e/pictures.mjs PROGRAM');
  process.exit(2);
}
const folder = join(import.meta.dirname, '../pictures');
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const company = await demo(binary);

async function picture(name, path, scheme, show) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 720 }, colorScheme: scheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(company.url + path);
  await show(page);
  await page.mouse.move(0, 0);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
}

await picture('query', '/query', 'dark', async (page) => {
  await page.locator('.graphiql-query-editor .view-line').nth(8).waitFor();
  await page.getByRole('button', { name: /^Execute query/ }).click();
  await page.getByRole('list', { name: /^Upstream requests/ }).waitFor();
});
await picture('graph', '/graph/component/default/payments-api', 'light', (page) => page.getByText(/entities, \d+ arrows/).first().waitFor());
await browser.close();
await company.stop();
