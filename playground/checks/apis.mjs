// How many operations other people's parsers find in API definitions: `node apis.mjs target/debug/callboard`.
//
// The definitions are those of the demo company and of tests/apis, and of `corpus/apis` in the folder that CALLBOARD_SHARED names, where there is one.
// Those that no parser can read, because they are broken on purpose, are left out.
// Ends with a line `N passed, N failed`; exit code 1 if anything failed.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { parse as parseOpenApi } from '@readme/openapi-parser';
import { parse as parseGraphql } from 'graphql';
import protobuf from 'protobufjs';
import { parse as parseYaml } from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const binary = process.argv[2] && resolve(process.argv[2]);
if (!binary) {
  console.error('usage: node apis.mjs PROGRAM');
  process.exit(2);
}

// Broken on purpose, or of versions that do not exist: there is nobody to compare with.
const broken = /^(broken|references|half|unfinished|bomb|other|openapi-four|asyncapi-four)|^asyncapi-three/;

function files() {
  const folders = [join(root, 'tests/apis')];
  const found = [
    join(root, 'examples/catalog/payments/openapi.yaml'),
    join(root, 'examples/catalog/payments/payment-events.asyncapi.yaml'),
    join(root, 'examples/catalog/orders/openapi.yaml'),
    join(root, 'examples/catalog/storefront/schema.graphql'),
    join(root, 'examples/catalog/warehouse/stock.proto'),
  ];
  const corpus = join(process.env.CALLBOARD_SHARED ?? join(root, '../shared'), 'corpus/apis');
  if (existsSync(corpus)) {
    const inner = readdirSync(corpus, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    folders.push(...inner.map((entry) => join(corpus, entry.name)));
  }
  for (const folder of folders) {
    const inner = readdirSync(folder).filter((name) => !broken.test(name) && extname(name) !== '.snap');
    found.push(...inner.map((name) => join(folder, name)));
  }
  return found;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

async function openapi(path) {
  const document = await parseOpenApi(path);
  const follow = (item) => {
    const steps = typeof item?.$ref === 'string' && item.$ref.startsWith('#/') ? item.$ref.slice(2).split('/') : null;
    return steps ? steps.reduce((at, step) => at?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], document) : item;
  };
  const items = [...Object.values(document.paths ?? {}), ...Object.values(document.webhooks ?? {})].map(follow);
  return items.flatMap((item) => Object.keys(item ?? {})).filter((key) => methods.includes(key)).length;
}

async function asyncapi(text) {
  const { document, diagnostics } = await new Parser().parse(text);
  if (!document) throw new Error(`@asyncapi/parser: ${diagnostics.find((problem) => problem.severity === 0)?.message}`);
  return document.operations().all().length;
}

function graphql(text) {
  const { definitions } = parseGraphql(text);
  const roots = definitions.flatMap((definition) => (definition.kind.startsWith('Schema') ? (definition.operationTypes ?? []) : []));
  const names = roots.length ? roots.map((root) => root.type.name.value) : ['Query', 'Mutation', 'Subscription'];
  const types = definitions.filter((definition) => /^ObjectType/.test(definition.kind) && names.includes(definition.name.value));
  return types.reduce((count, type) => count + (type.fields?.length ?? 0), 0);
}

function proto(text) {
  const count = (space) =>
    (space instanceof protobuf.Service ? space.methodsArray.length : 0) +
    (space.nestedArray ?? []).reduce((sum, inner) => sum + count(inner), 0);
  return count(protobuf.parse(text).root);
}

async function theirs(path) {
  const text = readFileSync(path, 'utf8');
  switch (extname(path)) {
    case '.proto':
      return proto(text);
    case '.graphql':
      return graphql(text);
    default:
      return parseYaml(text, { maxAliasCount: -1 }).asyncapi ? asyncapi(text) : openapi(path);
  }
}

// What Callboard finds, by the name of the API that is made for each file.
function ours(all) {
  const folder = mkdtempSync(join(tmpdir(), 'callboard-apis-'));
  try {
    mkdirSync(join(folder, 'catalog'));
    const documents = all.map((path, position) => {
      const name = `d${position}${extname(path)}`;
      copyFileSync(path, join(folder, 'catalog', name));
      return JSON.stringify({
        apiVersion: 'backstage.io/v1alpha1',
        kind: 'API',
        metadata: { name: `d${position}` },
        spec: { type: 'other', lifecycle: 'production', owner: 'nobody', definition: { $text: `./${name}` } },
      });
    });
    writeFileSync(join(folder, 'catalog/catalog-info.yaml'), documents.join('\n---\n'));
    const config = join(folder, 'callboard.yaml');
    writeFileSync(config, JSON.stringify({ sources: [{ type: 'file', path: './catalog' }] }));
    const query = '{ apis(first: 1000) { nodes { name definition { operations { totalCount } } } } }';
    const answer = execFileSync(binary, ['query', query, '--config', config], { cwd: folder, encoding: 'utf8' });
    const { nodes } = JSON.parse(answer).data.apis;
    return new Map(nodes.map((node) => [node.name, node.definition.operations.totalCount]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

let passed = 0;
let failed = 0;
const all = files();
const found = ours(all);
for (const [position, path] of all.entries()) {
  const own = found.get(`d${position}`);
  try {
    const other = await theirs(path);
    if (own !== other) throw new Error(`Callboard finds ${own} operations, the reference parser ${other}`);
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`not ok  ${path}\n        ${String(error?.message ?? error).replaceAll('\n', '\n        ')}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
