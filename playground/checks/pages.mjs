// The pages of README's "When one of them fails", as they stand there: type-checked, compiled, and rendered.
//
// A server of their own asks Jenkins as its examples have it, while PagerDuty and CircleCI answer 503; the demo, where nothing fails, is the counter-check.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@babel/core';
import { codegen } from '@graphql-codegen/core';
import * as operationsPlugin from '@graphql-codegen/typescript-operations';
import { buildSync } from 'esbuild';
import { parse } from 'graphql';
import { Window } from 'happy-dom';
import relayCompiler from 'relay-compiler';
import { parse as parseYaml } from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
// Beside `node_modules`, so that the pages find what they import; always the same, so that a failure can be looked at.
const work = join(here, 'out/pages');

/** What a tool says of an error stands on its stdout as often as on its stderr. */
function tool(program, args, cwd = work) {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw new Error(`${error.stdout ?? ''}${error.stderr ?? ''}` || error.message);
  }
}

/** README's block of code that imports from `client`. */
function block(readme, client) {
  const blocks = [...readme.matchAll(/^```tsx\n(.*?)^```$/gms)].map((match) => match[1]).filter((code) => code.includes(`from "${client}"`));
  if (blocks.length !== 1) throw new Error(`README has ${blocks.length} tsx blocks with "${client}"`);
  return blocks[0];
}

/** Writes the pages and what is made from them: Relay's artifacts, and the types of Apollo's query. */
export async function prepare(sdl) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'src'), { recursive: true });
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const apollo = block(readme, '@apollo/client');
  writeFileSync(join(work, 'src/Service.tsx'), apollo);
  writeFileSync(join(work, 'src/OnCall.tsx'), block(readme, 'react-relay'));
  cpSync(join(here, 'fixtures/pages.tsx'), join(work, 'src/pages.tsx'));
  writeFileSync(join(work, 'schema.graphql'), sdl);
  writeFileSync(join(work, 'package.json'), '{ "name": "pages", "private": true, "type": "commonjs" }');
  writeFileSync(join(work, 'relay.config.json'), JSON.stringify({ src: './src', schema: './schema.graphql', language: 'typescript', eagerEsModules: true }));
  tool(relayCompiler, ['relay.config.json']);

  const document = parse(/gql`(.*?)`/s.exec(apollo)[1]);
  const types = await codegen({
    filename: 'graph.ts',
    schema: parse(sdl),
    documents: [{ location: 'Service.tsx', document }],
    config: {},
    plugins: [{ operations: {} }],
    pluginMap: { operations: operationsPlugin },
  });
  writeFileSync(join(work, 'src/graph.ts'), types);
}

const strict = { strict: true, noEmit: true, module: 'preserve', moduleResolution: 'bundler', target: 'es2022', lib: ['es2022', 'dom'], types: [], skipLibCheck: true };

export function typeCheck() {
  tsc(work, ['src'], { ...strict, jsx: 'react-jsx' });
}

/** Whether files, by their names, are right by themselves. */
export function typeCheckFiles(files) {
  const folder = mkdtempSync(join(tmpdir(), 'callboard-types-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    tsc(folder, Object.keys(files), strict);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tsc(folder, include, compilerOptions) {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }));
  tool(join(here, 'node_modules/.bin/tsc'), ['--project', '.'], folder);
}

/** Compiles as an application would: Relay's plugin for Babel, then a bundler. */
export function compile() {
  for (const file of ['OnCall.tsx', 'pages.tsx']) {
    const path = join(work, 'src', file);
    const plugins = [['relay', { eagerEsModules: true, artifactDirectory: join(work, 'src/__generated__') }]];
    const { code } = transformSync(readFileSync(path, 'utf8'), { cwd: here, filename: path, configFile: false, babelrc: false, plugins, parserOpts: { plugins: ['typescript', 'jsx'] } });
    writeFileSync(path, code);
  }
  buildSync({ entryPoints: [join(work, 'src/pages.tsx')], outfile: join(work, 'pages.js'), bundle: true, packages: 'external', platform: 'node', format: 'cjs', jsx: 'automatic', logLevel: 'silent', tsconfigRaw: {} });
}

let pages;

/** The text of the page `name` for an entity, once there is more than "Loading…"; what React and the clients complain of fails. */
export async function show(name, base, entity) {
  if (!pages) {
    const window = new Window({ url: 'http://localhost/' });
    Object.assign(globalThis, { window, document: window.document });
    // Newer versions of Node have one of their own.
    globalThis.navigator ??= window.navigator;
    pages = createRequire(import.meta.url)(join(work, 'pages.js'));
  }
  const complaints = [];
  const kept = { error: console.error, warn: console.warn };
  console.error = console.warn = (...words) => complaints.push(words.join(' '));
  const place = document.createElement('div');
  const unmount = pages[name](place, `${base}/graphql`, entity);
  try {
    for (const until = Date.now() + 15_000; Date.now() < until; await new Promise((wake) => setTimeout(wake, 20))) {
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
      if (place.textContent && place.textContent !== 'Loading…') return place.textContent;
    }
    throw new Error(`the page still shows ${JSON.stringify(place.textContent)}`);
  } finally {
    unmount();
    Object.assign(console, kept);
  }
}

/** `callboard serve` on the examples, with upstreams of which only Jenkins answers; gives its address, and what ends it. */
export async function serveWithFailures(binary) {
  const example = parseYaml(readFileSync(join(root, 'connectors/jenkins/examples/multibranch.yaml'), 'utf8'));
  const upstream = createServer((request, response) => {
    const path = new URL(request.url, 'http://upstream').pathname;
    const answer = path.startsWith('/jenkins/') && example.upstream.find((one) => one.get === path.slice('/jenkins'.length));
    response.writeHead(answer ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ? answer.body : { error: 'down' }));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const at = `http://127.0.0.1:${upstream.address().port}`;
  const settings = {
    server: { listen: '127.0.0.1:0' },
    database: { url: `sqlite:${join(work, 'failures.db')}` },
    sources: [{ type: 'file', path: join(root, 'examples/catalog') }],
    connectors: {
      jenkins: { config: { url: `${at}/jenkins` }, secrets: example.settings.secrets },
      pagerduty: { config: { url: `${at}/pagerduty` }, secrets: { token: 'not-a-real-token' } },
      circleci: { config: { url: `${at}/circleci` }, secrets: { token: 'not-a-real-token' } },
    },
  };
  const config = join(work, 'callboard.yaml');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(settings));
  const server = spawn(binary, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = () => (server.kill(), upstream.close());
  const log = [];
  const url = await new Promise((found, failed) => {
    createInterface({ input: server.stderr }).on('line', (line) => {
      log.push(line);
      const address = /listening on (http:\S+)/.exec(line)?.[1];
      if (address) found(address);
    });
    server.on('error', failed).on('close', () => failed(new Error(log.join('\n'))));
  });
  for (const until = Date.now() + 30_000; Date.now() < until; await new Promise((wake) => setTimeout(wake, 50))) {
    if ((await fetch(`${url}/readyz`)).ok) return { url, stop };
  }
  stop();
  throw new Error(`not ready:\n${log.join('\n')}`);
}
