import { expect, it } from 'vitest';
import { drawn, pairsIn, said, saidBack } from './relations';
import type { Stated } from './relations';

function stated(text: string): Stated[] {
  return text.split(',').map((one) => {
    const [source = '', type = '', target = ''] = one.trim().split(' ');
    return { source, type, target };
  });
}

it('draws both ends of a relation as one arrow', () => {
  const none = new Map<string, string>();
  expect(drawn({ source: 'db', type: 'dependencyOf', target: 'shop' }, none)).toEqual({ source: 'shop', type: 'dependsOn', target: 'db' });
  expect(drawn({ source: 'shop', type: 'dependsOn', target: 'db' }, none)).toEqual({ source: 'shop', type: 'dependsOn', target: 'db' });
  // An interface stands on what provides it.
  expect(drawn({ source: 'shop', type: 'providesApi', target: 'api' }, none)).toEqual({ source: 'api', type: 'apiProvidedBy', target: 'shop' });
});

it('finds pairs that it does not know', () => {
  const all = stated('a readsFrom b, b readBy a, c readsFrom b, b readBy c, a watches c');
  const told = new Set(['a', 'b', 'c']);
  const pairs = pairsIn(all, told);
  expect([...pairs]).toEqual([['readsFrom', 'readBy']]);
  expect(drawn({ source: 'a', type: 'readsFrom', target: 'b' }, pairs)).toEqual({ source: 'b', type: 'readBy', target: 'a' });
  expect(drawn({ source: 'a', type: 'watches', target: 'c' }, pairs)).toEqual({ source: 'a', type: 'watches', target: 'c' });
});

it('takes for no pair what has no counterpart everywhere, nor what one end alone has told', () => {
  expect(pairsIn(stated('a feeds b, b eats a, a feeds c'), new Set(['a', 'b', 'c'])).size).toBe(0);
  expect(pairsIn(stated('a feeds b, b eats a'), new Set(['a'])).size).toBe(0);
  // Its own counterpart: friends of each other stay as they are.
  expect(pairsIn(stated('a nextTo b, b nextTo a'), new Set(['a', 'b'])).size).toBe(0);
});

it('says relations as people do', () => {
  expect([said('apiConsumedBy'), saidBack('apiConsumedBy')]).toEqual(['consumed by', 'consumes']);
  expect([said('dependsOn'), saidBack('dependsOn'), said('readsFrom'), saidBack('readsFrom'), said('runs_on-host')]).toEqual(['depends on', 'needed by', 'reads from', undefined, 'runs on host']);
});
