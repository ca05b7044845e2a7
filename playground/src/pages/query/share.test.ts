import { expect, it } from 'vitest';
import { queryLink, sharedIn } from './share';

it('finds in an address what was put into it', () => {
  const query = '{ entity(ref: "a#b&c=d") { name } } # ünï + %20';
  const [path, hash] = queryLink(query, { of: ['x & y'] }).split(/#(.*)/s);
  expect(path).toBe('/query');
  expect(sharedIn(hash ?? '')).toEqual({ query, variables: '{\n  "of": [\n    "x & y"\n  ]\n}' });
});

it('carries no empty variables, and takes no address for a query that is none', () => {
  expect(queryLink('{ a }', {})).toBe(queryLink('{ a }', ' '));
  expect(sharedIn('')).toBeUndefined();
  expect(sharedIn('section-2')).toBeUndefined();
});
