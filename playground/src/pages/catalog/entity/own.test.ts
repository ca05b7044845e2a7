import { buildSchema, graphqlSync, parse, validate } from 'graphql';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TYPE_FIELDS, askFor, asObjects, asRefs, asText, ownOf } from './own';
import type { TypeFieldsQuery } from './own';

const sdl = readFileSync(new URL('../../../../../tests/golden/schema.graphql', import.meta.url), 'utf8');

function fieldsOf(text: string, name: string): TypeFieldsQuery {
  const answer = graphqlSync({ schema: buildSchema(text), source: TYPE_FIELDS.text, variableValues: { name } });
  expect(answer.errors).toBeUndefined();
  return answer.data as unknown as TypeFieldsQuery;
}

// As the graph makes it of a user's own SDL: a kind with values, references, and objects.
const HOUSE = `
type Mascot implements Node & Entity & Owned {
  ${/interface Entity implements Node \{([\s\S]*?)\n\}/.exec(sdl)?.[1] ?? ''}
  owner: Owner
  "What it eats."
  food: [String!]
  legs: Int
  isLoud: Boolean
  home: System
  friends(first: Int): ComponentConnection!
  rivals: [Component!]!
  passport: MascotPassport
  repositoryOfPictures: Repository
}
type MascotPassport { number: String issuedBy: String stamps(first: Int): [String!] holder: Component }
`;

it('asks for what only a kind of the house has', () => {
  const own = ownOf(fieldsOf(sdl + HOUSE, 'Mascot'));
  expect(own?.fields).toEqual([
    { name: 'food', description: 'What it eats.', shape: { is: 'value' } },
    { name: 'legs', description: undefined, shape: { is: 'value' } },
    { name: 'isLoud', description: undefined, shape: { is: 'value' } },
    { name: 'home', description: undefined, shape: { is: 'entity' } },
    { name: 'rivals', description: undefined, shape: { is: 'entity' } },
    { name: 'passport', description: undefined, shape: { is: 'object', fields: ['number', 'issuedBy'] } },
  ]);
  expect(validate(buildSchema(sdl + HOUSE), parse(own?.document.text ?? ''))).toEqual([]);
});

it('makes a right query of every kind that there is', () => {
  const schema = buildSchema(sdl);
  for (const { name } of schema.getPossibleTypes(schema.getType('Entity') as Parameters<typeof schema.getPossibleTypes>[0])) {
    const own = ownOf(fieldsOf(sdl, name));
    if (own) expect(validate(schema, parse(own.document.text)), name).toEqual([]);
  }
  expect(ownOf(fieldsOf(sdl, 'GenericEntity'))?.fields.map(({ name }) => name)).toEqual(['spec']);
  expect(ownOf({ type: null, every: null })).toBeUndefined();
});

it('asks for any live field, whatever it is made of', () => {
  const schema = buildSchema(sdl);
  const fields = fieldsOf(sdl, 'Component');
  for (const field of ['githubRepository', 'jenkinsJob', 'pagerDutyService', 'ciRuns', 'repository']) {
    const text = askFor(fields, field) ?? '';
    expect(text).toContain(field);
    expect(validate(schema, parse(text)), field).toEqual([]);
  }
  expect(askFor(fields, 'noSuchField')).toBeUndefined();
});

it('makes texts of values', () => {
  expect([asText('a'), asText(0), asText(false), asText(['a', null, 'b']), asText({ a: 1 })]).toEqual(['a', '0', 'no', 'a, b', '{"a":1}']);
  expect([asText(null), asText(''), asText([])]).toEqual([undefined, undefined, undefined]);
  expect(asRefs([{ ref: 'a:b/c', title: null }, null, { ref: 1 }, 'x'])).toEqual([{ ref: 'a:b/c', title: null }]);
  expect(asObjects([{ a: '1', b: null }, { b: '' }, null], ['a', 'b'])).toEqual([[['a', '1']]]);
});
