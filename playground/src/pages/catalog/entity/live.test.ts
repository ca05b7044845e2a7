import { expect, it } from 'vitest';
import { additions, hasCard, lacking, oldest, said, upstream, verdict } from './live';
import type { Line, Match } from './live';

const line = (state: Line['state'], more: Partial<Line> = {}): Line => ({ connector: 'pager', instance: 'default', state, fetchedAt: null, code: null, retryAt: null, hint: null, ...more });

it('sorts what came from what did not', () => {
  const states: Line['state'][] = ['FRESH', 'STALE', 'EMPTY', 'NO_ANNOTATION', 'NOT_FOUND', 'NOT_CONFIGURED', 'NOT_ALLOWED', 'FAILED'];
  const { given, troubles, missing } = verdict(states.map((state) => line(state)));
  expect(given.map(({ state }) => state)).toEqual(['FRESH', 'STALE', 'EMPTY']);
  expect(troubles.map(({ state }) => state)).toEqual(['NOT_FOUND', 'NOT_ALLOWED', 'FAILED']);
  expect(missing.map(({ state }) => state)).toEqual(['NO_ANNOTATION', 'NOT_CONFIGURED']);
  for (const state of states) expect(said(line(state))).toContain('pager');
});

it('says why it failed, also where the code is new', () => {
  expect(said(line('FAILED', { code: 'UPSTREAM_TIMEOUT' }))).toBe('pager did not answer in time');
  expect(said(line('FAILED', { code: 'SOMETHING_NEW', instance: 'eu' }))).toBe('pager (eu) gave no good answer');
  expect(upstream({ connector: null, instance: null })).toBe('no connector');
});

it('is as old as the oldest part', () => {
  expect(oldest([line('FRESH', { fetchedAt: '2026-01-02T00:00:00Z' }), line('STALE', { fetchedAt: '2026-01-01T23:00:00.5Z' }), line('EMPTY')])).toBe('2026-01-01T23:00:00.5Z');
  expect(oldest([line('EMPTY')])).toBeUndefined();
});

it('knows which fields have something to say', () => {
  const match = (field: string, connector: string, applies: boolean, state: Match['state']): Match => ({ field, connector, applies, state, hint: null });
  const matches = [match('onCall', 'a', true, null), match('ciRuns', 'a', false, 'NO_ANNOTATION'), match('ciRuns', 'b', false, 'NOT_CONFIGURED'), match('issues', 'a', false, 'NOT_ALLOWED')];
  expect(['onCall', 'ciRuns', 'issues', 'releases'].map((field) => hasCard(matches, field))).toEqual([true, false, true, false]);
  expect(lacking(matches, ['onCall', 'ciRuns', 'issues', 'releases'])).toEqual(['ciRuns']);
});

it('says what to add, by connector, annotations first', () => {
  const hint = '`$slug | split("/")` has no value; it comes from one of the annotations `a.com/slug`, `a.com/id`';
  const matches: Match[] = [
    { field: 'ciRuns', connector: 'b', applies: false, state: 'NOT_CONFIGURED', hint: 'add `connectors.b` to the configuration' },
    { field: 'ciRuns', connector: 'a', applies: false, state: 'NO_ANNOTATION', hint },
    { field: 'issues', connector: 'a', applies: false, state: 'NO_ANNOTATION', hint },
    { field: 'elsewhere', connector: 'a', applies: false, state: 'NO_ANNOTATION', hint },
  ];
  expect(additions(matches, ['ciRuns', 'issues'])).toEqual([
    { connector: 'a', fields: ['ciRuns', 'issues'], annotations: ['a.com/slug', 'a.com/id'], hint: undefined },
    { connector: 'b', fields: ['ciRuns'], annotations: [], hint: 'add `connectors.b` to the configuration' },
  ]);
});
