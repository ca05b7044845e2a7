import { describe, expect, it } from 'vitest';
import { drawn, drawnType, relationsOf, said, saidBack, without } from './relations';

const relations = relationsOf([
  { type: 'dependsOn', inverse: 'dependencyOf' },
  { type: 'dependencyOf', inverse: 'dependsOn' },
  { type: 'providesApi', inverse: 'apiProvidedBy' },
  { type: 'apiProvidedBy', inverse: 'providesApi' },
  { type: 'readsFrom', inverse: 'readBy' },
  { type: 'readBy', inverse: 'readsFrom' },
  { type: 'besides', inverse: 'besides' },
  { type: 'watches', inverse: null },
]);

describe('both ends of a relation are one arrow', () => {
  it('leads to what something stands on, of those that everybody has', () => {
    expect(drawn({ source: 'db', type: 'dependencyOf', target: 'shop' }, relations)).toEqual({ source: 'shop', type: 'dependsOn', target: 'db' });
    expect(drawn({ source: 'shop', type: 'dependsOn', target: 'db' }, relations)).toEqual({ source: 'shop', type: 'dependsOn', target: 'db' });
    // An interface stands on what provides it, whichever the schema declares first.
    expect(drawn({ source: 'shop', type: 'providesApi', target: 'api' }, relations)).toEqual({ source: 'api', type: 'apiProvidedBy', target: 'shop' });
  });

  it('leads the way of the type that the schema declares first, of all others', () => {
    expect(drawn({ source: 'shelf', type: 'readBy', target: 'shop' }, relations)).toEqual({ source: 'shop', type: 'readsFrom', target: 'shelf' });
    expect(drawn({ source: 'shop', type: 'readsFrom', target: 'shelf' }, relations)).toEqual({ source: 'shop', type: 'readsFrom', target: 'shelf' });
    const turned = relationsOf([{ type: 'readBy', inverse: 'readsFrom' }, { type: 'readsFrom', inverse: 'readBy' }]);
    expect(drawnType('readsFrom', turned)).toBe('readBy');
  });

  it('stays as it is where there is no other end, and where both ends say the same', () => {
    expect([drawnType('watches', relations), drawnType('besides', relations), drawnType('neverDeclared', relations)]).toEqual(['watches', 'besides', 'neverDeclared']);
  });
});

it('leaves both ends of what is hidden out', () => {
  expect(without([], relations)).toBeNull();
  expect(without(['readsFrom', 'apiProvidedBy'], relations)).toEqual(['dependsOn', 'dependencyOf', 'besides', 'watches']);
});

it('says relations as people do', () => {
  expect([said('apiConsumedBy'), saidBack('apiConsumedBy', relations)]).toEqual(['consumed by', 'consumes']);
  expect([said('dependsOn'), saidBack('dependsOn', relations)]).toEqual(['depends on', 'needed by']);
  expect([said('readsFrom'), saidBack('readsFrom', relations), saidBack('watches', relations), said('runs_on-host')]).toEqual(['reads from', 'read by', undefined, 'runs on host']);
});
