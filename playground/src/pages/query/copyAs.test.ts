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

it('names the token and never writes it', () => {
  for (const language of ['curl', 'JavaScript', 'Python'] as const) {
    expect(copyAs(language, { ...asked, hasToken: true })).toContain('CALLBOARD_TOKEN');
    expect(copyAs(language, { ...asked, variables: '' })).not.toContain('variables');
  }
});
