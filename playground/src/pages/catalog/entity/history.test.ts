import { expect, it } from 'vitest';
import { differences } from './history';

it('finds what differs, by its path', () => {
  const before = { kind: 'Component', metadata: { name: 'a', annotations: { 'x.io/slug': 'one' }, tags: ['go', 'pci'] }, spec: { owner: 'x', old: true } };
  const after = { kind: 'Component', metadata: { name: 'a', annotations: { 'x.io/slug': 'two' }, tags: ['pci', 'java'] }, spec: { owner: 'y', dependsOn: ['b'] } };
  expect(differences(before, after)).toEqual([
    { path: 'metadata.annotations[x.io/slug]', before: 'one', after: 'two' },
    { path: 'metadata.tags', before: 'go', after: undefined },
    { path: 'metadata.tags', before: undefined, after: 'java' },
    { path: 'spec.owner', before: 'x', after: 'y' },
    { path: 'spec.old', before: 'true', after: undefined },
    { path: 'spec.dependsOn', before: undefined, after: '["b"]' },
  ]);
});

it('takes whatever comes', () => {
  expect(differences({ a: 1 }, { a: 1 })).toEqual([]);
  expect(differences(null, { a: 1 })).toEqual([{ path: '', before: 'null', after: '{"a":1}' }]);
  expect(differences(Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`k${index}`, index])), {})).toHaveLength(50);
});
