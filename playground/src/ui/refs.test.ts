import { expect, it } from 'vitest';
import { entityPath, hueOf, partsOf, shortName, words } from './refs';

it('takes a reference apart', () => {
  expect(partsOf('component:default/payments-api')).toEqual({ kind: 'component', namespace: 'default', name: 'payments-api' });
  for (const odd of ['', 'x', 'x:', ':a/b', 'x:/b', 'x:a/', 'x/y']) expect(partsOf(odd), odd).toBeUndefined();
});

it('leads to the page, or to the search', () => {
  expect(entityPath('api:default/a b?#')).toBe('/catalog/api/default/a%20b%3F%23');
  expect(entityPath('what & ever')).toBe('/catalog?q=what%20%26%20ever');
});

it('is short where the namespace says nothing', () => {
  expect([shortName('group:default/a'), shortName('group:acme/a'), shortName('odd')]).toEqual(['a', 'acme/a', 'odd']);
});

it('says names as people do', () => {
  expect(['dependsOn', 'providesApi', 'hasPart', 'APIConsumedBy', 'owned_by', 'ciRuns'].map(words)).toEqual(['depends on', 'provides API', 'has part', 'API consumed by', 'owned by', 'CI runs']);
});

it('gives a kind one colour, however it is written', () => {
  expect(new Set(['Component', 'API', 'Resource', 'System', 'Domain', 'Group', 'User'].map(hueOf)).size).toBe(7);
  expect(hueOf('Component')).toBe(hueOf('component'));
  for (const kind of ['Component', 'API', '', '東京']) expect(hueOf(kind)).toBeGreaterThan(0);
  for (const kind of ['Component', 'API', '', '東京']) expect(hueOf(kind)).toBeLessThan(8);
});
