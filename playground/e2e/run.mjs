// The app in Debian's chromium against servers of its own: `npm run e2e -- ../target/debug/callboard [part of a name]`.
// Screenshots go to out/, for eyes; nothing compares them.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { checks as catalog } from './catalog.mjs';
import { checks as docs } from './docs.mjs';
import { checks as frame } from './frame.mjs';
import { checks as graph } from './graph.mjs';
import { checks as harm } from './harm.mjs';
import { checks as journey } from './journey.mjs';
import { checks as large } from './large.mjs';
import { checks as lasting } from './lasting.mjs';
import { checks as query } from './query.mjs';
import { checks as status } from './status.mjs';
import { checks as trouble } from './trouble.mjs';
import { demo } from './servers.mjs';

const [binary, part = ''] = process.argv.slice(2);
if (!binary) {
  console.error('usage: node e2e/run.mjs PROGRAM [PART OF A NAME]');
  process.exit(2);
}
const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => path && existsSync(path));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const company = await demo(binary);
const world = { binary, browser, url: company.url };

let passed = 0;
const failed = [];
for (const [name, run] of [...frame, ...catalog, ...graph, ...query, ...status, ...trouble, ...lasting, ...harm, ...large, ...docs, ...journey]) {
  if (!name.includes(part)) continue;
  const started = performance.now();
  try {
    await run(world);
    passed += 1;
    console.log(`ok      ${name} (${Math.round(performance.now() - started)} ms)`);
  } catch (error) {
    failed.push(name);
    console.log(`not ok  ${name}\n    ${error?.stack ?? error}`);
  }
}
await browser.close();
await company.stop();
console.log(`playground in chromium: ${passed} passed, ${failed.length} failed`);
process.exit(failed.length === 0 && passed > 0 ? 0 : 1);
