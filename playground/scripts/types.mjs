// Makes src/gen/documents.ts: every operation of src/**/*.graphql with the types of its variables and its answer.
// The schema is the golden copy of what `callboard schema print` says (a test keeps it so), or the file in CALLBOARD_SCHEMA.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import { Kind, buildSchema, concatAST, parse, print, validate, visit } from 'graphql';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sdl = readFileSync(process.env.CALLBOARD_SCHEMA ?? join(root, '../tests/golden/schema.graphql'), 'utf8');

const documents = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.graphql'))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
  .map((path) => ({ location: relative(root, path), document: parse(readFileSync(path, 'utf8')) }));

const whole = concatAST(documents.map(({ document }) => document));
const problems = validate(buildSchema(sdl), whole);
if (problems.length > 0) {
  for (const problem of problems) console.error(String(problem));
  process.exit(1);
}

const scalars = { EntityRef: 'string', DateTime: 'string', JSON: 'unknown', URL: 'string', HTML: 'string', Duration: 'string', Revision: 'number', ID: 'string' };
const types = await codegen({
  filename: 'documents.ts',
  schema: parse(sdl),
  documents,
  config: {},
  plugins: [{ operations: { scalars, strictScalars: true, enumsAsTypes: true, enumType: 'string-literal', avoidOptionals: { field: true, inputValue: false }, immutableTypes: true, skipTypename: true } }],
  pluginMap: { operations },
});

const fragments = new Map(whole.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]));

/** The operation and the fragments that it uses, however deep. */
function text(operation) {
  const used = new Set();
  const look = (node) => visit(node, {
    FragmentSpread({ name }) {
      if (used.has(name.value)) return;
      used.add(name.value);
      look(fragments.get(name.value));
    },
  });
  look(operation);
  return [operation, ...[...used].sort().map((name) => fragments.get(name))].map(print).join('\n\n');
}

let out = `import type { Document } from '../data/document';\n\n${types}\n`;
for (const definition of whole.definitions) {
  if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
  const name = definition.name.value;
  const suffix = definition.operation === 'query' ? 'Query' : 'Mutation';
  out += `\nexport const ${name}: Document<${name}${suffix}, ${name}${suffix}Variables> = {\n  name: '${name}',\n  text: ${JSON.stringify(text(definition))},\n};\n`;
}
mkdirSync(join(root, 'src/gen'), { recursive: true });
writeFileSync(join(root, 'src/gen/documents.ts'), out);
