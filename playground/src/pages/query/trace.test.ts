import { expect, it } from 'vitest';
import { shortPath, traceIn } from './trace';

it('puts the requests of all connectors on one line of time', () => {
  const request = { instance: 'default', method: 'GET', path: '/a', status: 200, ms: 5, bytes: 9 };
  const trace = traceIn({
    ms: 40,
    plan: { fields: 12, liveFields: 2 },
    connectors: [
      { name: 'b', requestCount: 2, requests: [{ ...request, start: 30 }, { ...request, start: 1, ms: 20, brings: 'CiRun' }], cache: { hits: 1, stale: 0, misses: 2 }, oldestAge: 7, budgetRemaining: 40 },
      { name: 'a', requestCount: 1, requests: [{ ...request, start: 2, status: null }], cache: {}, budgetRemaining: null },
    ],
  });
  expect(trace?.requests.map(({ connector, start, status }) => [connector, start, status])).toEqual([
    ['b', 1, 200],
    ['a', 2, null],
    ['b', 30, 200],
  ]);
  expect(trace?.requests[0]?.brings).toBe('CiRun');
  expect(trace?.connectors[1]).toEqual({ name: 'a', requestCount: 1, hits: 0, stale: 0, misses: 0, oldestAge: 0, budgetRemaining: null });
});

it('takes odd extensions for what they are', () => {
  expect(traceIn(undefined)).toBeUndefined();
  expect(traceIn('x')).toBeUndefined();
  expect(traceIn({ connectors: [null, 3, { requests: 'x' }] })?.requests).toEqual([]);
});

it('shortens templates', () => {
  expect(shortPath("/repos/{$slug | segments}/actions/runs?branch={?$args.branch}&status={?$status}")).toBe('/repos/{slug}/actions/runs');
  expect(shortPath("/job/{$job | after(':') | segments('job')}/api/json?tree=builds[number]")).toBe('/job/{job}/api/json');
  expect(shortPath('/{$path | segments}?query={?$key.key}')).toBe('/{path}');
  expect(shortPath('repository')).toBe('repository');
});
