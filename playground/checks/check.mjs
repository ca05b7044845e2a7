// What GraphQL's own tools say of a running demo: `node check.mjs http://127.0.0.1:4000 target/debug/callboard`.
//
// The audits of graphql-http, graphql-js on our introspection and our SDL, the two compilers that front-end teams feed with the SDL, and README's pages for Apollo Client and Relay.
// The program is started once more, for those pages, with upstreams that fail.
// Ends with a line `N passed, N failed`; exit code 1 if anything failed.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codegen } from '@graphql-codegen/core';
import * as operationsPlugin from '@graphql-codegen/typescript-operations';
import * as typescriptPlugin from '@graphql-codegen/typescript';
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, parse, printSchema, validate, validateSchema } from 'graphql';
import { serverAudits } from 'graphql-http';
import relayCompiler from 'relay-compiler';
import * as pages from './pages.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [base, binary] = process.argv.slice(2);
if (!base || !binary) {
  console.error('usage: node check.mjs URL PROGRAM');
  process.exit(2);
}

let passed = 0;
let failed = 0;

async function check(name, run) {
  try {
    await run();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`not ok  ${name}\n        ${String(error?.message ?? error).replaceAll('\n', '\n        ')}`);
  }
}

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

async function audits() {
  const all = serverAudits({ url: `${base}/graphql`, fetchFn: fetch });
  assert(all.length >= 61, `only ${all.length} audits`);
  let ok = 0;
  for (const audit of all) {
    await check(`graphql-http ${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      assert(result.status === 'ok', `${result.status}: ${result.reason}`);
      ok += 1;
    });
  }
  console.log(`graphql-http: ${ok} of ${all.length} audits ok`);
}

async function introspect(options) {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: getIntrospectionQuery(options) }),
  });
  const { data, errors } = await response.json();
  assert(!errors, JSON.stringify(errors));
  return buildClientSchema(data);
}

const everything = { descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true };
const sdl = await (await fetch(`${base}/schema.graphql`)).text();

await audits();

for (const [name, options] of [['plain', {}], ['with all options', everything]]) {
  await check(`graphql-js accepts our introspection, ${name}`, async () => {
    const problems = validateSchema(await introspect(options));
    assert(problems.length === 0, problems.join('\n'));
  });
}

await check('graphql-js accepts our SDL', () => {
  const problems = validateSchema(buildSchema(sdl));
  assert(problems.length === 0, problems.join('\n'));
});

await check('SDL and introspection say the same', async () => {
  const fromSdl = printSchema(lexicographicSortSchema(buildSchema(sdl)));
  const fromIntrospection = printSchema(lexicographicSortSchema(await introspect(everything)));
  const lines = fromIntrospection.split('\n');
  const other = fromSdl.split('\n');
  const at = lines.findIndex((line, index) => line !== other[index]);
  assert(fromSdl === fromIntrospection, `line ${at + 1}: SDL has ${other[at]}, introspection has ${lines[at]}`);
});

await check('relay-compiler accepts our SDL', () => {
  const work = mkdtempSync(join(tmpdir(), 'callboard-relay-'));
  try {
    mkdirSync(join(work, 'src'));
    cpSync(join(here, 'fixtures/component.js'), join(work, 'src/component.js'));
    writeFileSync(join(work, 'schema.graphql'), sdl);
    writeFileSync(join(work, 'package.json'), '{ "name": "fixture", "private": true }');
    writeFileSync(join(work, 'relay.config.json'), JSON.stringify({ src: './src', schema: './schema.graphql', language: 'javascript' }));
    execFileSync(relayCompiler, ['relay.config.json'], { cwd: work, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw new Error(`${error.stdout ?? ''}${error.stderr ?? ''}` || error.message);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

// Each plugin writes a file that stands by itself: the types of the whole schema, and those of a team's operations.
await check('graphql-codegen accepts our SDL, and tsc what it makes of it', async () => {
  const document = parse(readFileSync(join(here, 'fixtures/component.graphql'), 'utf8'));
  const problems = validate(buildSchema(sdl), document);
  assert(problems.length === 0, problems.join('\n'));
  const generate = (filename, name, plugin, documents) =>
    codegen({ filename, schema: parse(sdl), documents, config: {}, plugins: [{ [name]: {} }], pluginMap: { [name]: plugin } });
  const schema = await generate('schema.ts', 'typescript', typescriptPlugin, []);
  const operations = await generate('operations.ts', 'operations', operationsPlugin, [{ location: 'component.graphql', document }]);
  pages.typeCheckFiles({ 'schema.ts': schema, 'operations.ts': operations, 'uses.ts': readFileSync(join(here, 'fixtures/uses.ts'), 'utf8') });
});

await check("README's pages and their queries fit our SDL", () => pages.prepare(sdl));
await check("README's pages pass the type checker", pages.typeCheck);
await check("README's pages compile", pages.compile);

async function shows(name, url, expected) {
  const text = await pages.show(name, url, 'payments-api');
  for (const [part, is] of Object.entries(expected)) assert(text.includes(part) === is, `${part} is ${is ? 'missing' : 'there'} in: ${text}`);
}

// What both pages show of the catalog, and of a provider that answers.
const answered = { 'payments-api': true, 'payments » payments-api » main #347: ': true };
const failures = { 'Who is on call is not known': true, 'Amara Oyelaran': false };
let failing;
await check('a server whose PagerDuty and CircleCI fail starts', async () => {
  failing = await pages.serveWithFailures(binary);
});
for (const [name, partial, failed] of [
  ['apollo', 'Runs of circleci are missing.', { 'Who is on call is not known: pagerduty.': true }],
  ['relay', 'Some runs are missing.', {}],
]) {
  await check(`README's page with ${name} shows what there is, and what failed`, () => shows(name, failing.url, { ...answered, ...failures, ...failed, [partial]: true }));
  await check(`README's page with ${name} shows no failure where there is none`, () => shows(name, base, { ...answered, 'Amara Oyelaran': true, 'not known': false, missing: false }));
}
failing?.stop();

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
