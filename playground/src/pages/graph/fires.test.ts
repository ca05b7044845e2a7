import { expect, it } from 'vitest';
import type { OnFireQuery } from '../../gen/documents';
import { fires, pieces, reasons } from './fires';

const state = { connector: 'pager', instance: 'default', state: 'EMPTY', code: null, hint: null, retryAt: null } as const;
const failed = { ...state, state: 'FAILED', code: 'UPSTREAM_TIMEOUT', hint: 'wait' } as const;
const incident = { number: 4, title: 't', status: 'TRIGGERED', urgency: 'HIGH', url: null, createdAt: null, stale: false } as const;

it('tells what burns from what nobody knows', () => {
  const answer: OnFireQuery = {
    entitiesByRef: [
      { ref: 'a', incidents: { nodes: [incident, null] }, live: [{ ...state, state: 'FRESH' }] },
      { ref: 'b', incidents: null, live: [failed, { ...state, state: 'NOT_CONFIGURED' }] },
      { ref: 'c', incidents: null, live: [{ ...failed, instance: 'eu' }] },
      { ref: 'd', incidents: { nodes: [] }, live: [state, { ...state, state: 'NO_ANNOTATION' }] },
      null,
    ],
  };
  const all = fires([answer]);
  expect([...all].map(([ref, { incidents, unknown }]) => [ref, incidents.length, unknown.length])).toEqual([['a', 1, 0], ['b', 0, 1], ['c', 0, 1]]);
  expect(reasons(all).map(({ why, count }) => [why.connector, why.code, count])).toEqual([['pager', 'UPSTREAM_TIMEOUT', 1], ['pager/eu', 'UPSTREAM_TIMEOUT', 1]]);
});

it('asks in pieces', () => {
  expect(pieces(Array.from({ length: 61 }, (_, index) => String(index))).map(({ length }) => length)).toEqual([30, 30, 1]);
  expect(pieces([])).toEqual([]);
});
