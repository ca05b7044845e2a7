import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { copyAs } from './copyAs';

const asked = {
  url: 'http://localhost:4000/graphql',
  query: '{ entity(ref: "it\'s `$HOME` \\"x\\"") {\n  name } } # ünï',
  variables: '{"a": [true, null, 1.5, "d\'e"], "b": {"c": false}}',
  hasToken: false,
};
const body = { query: asked.query, variables: { a: [true, null, 1.5, "d'e"], b: { c: false } } };

it('survives the shell', () => {
  const command = copyAs('curl', asked).replace(/^curl /, "printf '%s\\n' ");
  const words = execFileSync('sh', ['-c', command], { encoding: 'utf8' }).split('\n');
  expect(words[0]).toBe(asked.url);
  expect(JSON.parse(words.slice(4).join('\n'))).toEqual(body);
});

it('is JavaScript', () => {
  const expression = /JSON\.stringify\((.*)\),\n\}\);/s.exec(copyAs('JavaScript', asked))?.[1] ?? '';
  expect(JSON.parse(expression)).toEqual(body);
});

it('is Python', () => {
  expect(copyAs('Python', asked)).toContain(`"variables": {"a": [True, None, 1.5, "d'e"], "b": {"c": False}}}`);
});

it('says which operation is meant, and sends what was typed as headers but for the token', () => {
  const more = { ...asked, operationName: 'Two', headers: JSON.stringify({ 'x-team': "it's", Authorization: 'Bearer s3cret' }) };
  for (const language of ['curl', 'JavaScript', 'Python'] as const) {
    const text = copyAs(language, more);
    expect(text).toContain('"Two"');
    expect(text).toContain('x-team');
    expect(text).toContain('CALLBOARD_TOKEN');
    expect(text).not.toContain('s3cret');
  }
});

it('names the token and never writes it', () => {
  for (const language of ['curl', 'JavaScript', 'Python'] as const) {
    expect(copyAs(language, { ...asked, hasToken: true })).toContain('CALLBOARD_TOKEN');
    expect(copyAs(language, { ...asked, variables: '' })).not.toContain('variables');
  }
});
