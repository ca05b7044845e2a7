import { expect, it } from 'vitest';
import { storageOf, withoutHeaders } from './storage';

it('keeps no headers, wherever they stand', () => {
  const kept = withoutHeaders('{"queries":[{"query":"{ headers }","headers":"{\\"authorization\\":\\"s3cret\\"}","favorite":true}]}');
  expect(kept).toBe('{"queries":[{"query":"{ headers }","favorite":true}]}');
  expect(withoutHeaders('authorization: s3cret')).toBe('');
});

it('leaves what holds none as it is', () => {
  const kept = new Map<string, string>();
  const storage = storageOf({
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
    clear: () => kept.clear(),
    key: () => null,
    length: 0,
  });
  storage.setItem('graphiql:query', '{ a } # headers');
  storage.setItem('graphiql:headers', '{"authorization":"s3cret"}');
  storage.setItem('graphiql:tabState', '{"tabs":[{"headers":"s3cret"}]}');
  expect([...kept]).toEqual([
    ['graphiql:query', '{ a } # headers'],
    ['graphiql:headers', '{"authorization":"s3cret"}'],
    ['graphiql:tabState', '{"tabs":[{"headers":null}]}'],
  ]);
});
