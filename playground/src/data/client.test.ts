import { expect, it, vi } from 'vitest';

const lost = vi.hoisted(() => vi.fn());
vi.mock('./connection', () => ({ connection: { lost } }));

import { AskError, understand } from './client';

function faultOf(status: number, body: string): unknown {
  try {
    return understand(status, body);
  } catch (error) {
    return error instanceof AskError ? error.fault : error;
  }
}

it('gives data and the errors beside it', () => {
  expect(understand(200, '{"data":{"a":null},"errors":[{"message":"m","path":["a"]}]}')).toEqual({
    data: { a: null },
    errors: [{ message: 'm', path: ['a'] }],
  });
});

it('tells a server that is away from one that refuses', () => {
  expect(faultOf(502, '<html>Bad Gateway</html>')).toEqual({ kind: 'gone' });
  expect(faultOf(503, 'upstream down')).toEqual({ kind: 'gone' });
  expect(faultOf(503, '{"errors":[{"message":"loading","extensions":{"code":"NOT_READY"}}]}')).toEqual({ kind: 'starting' });
  expect(lost.mock.calls).toEqual([[], [], ['starting']]);
  expect(faultOf(401, '')).toEqual({ kind: 'unauthorized' });
  expect(faultOf(403, '<html>no</html>')).toEqual({ kind: 'unauthorized' });
  expect(faultOf(400, '{"errors":[{"message":"no field `x`","extensions":{"code":"GRAPHQL_VALIDATION_FAILED","requestId":"1f"}}]}')).toEqual({
    kind: 'refused',
    status: 400,
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: 'no field `x`',
    requestId: '1f',
  });
  expect(faultOf(200, '"odd"')).toMatchObject({ kind: 'refused', code: 'HTTP_200' });
  expect(faultOf(200, '{"data":null,"errors":[{"message":"m"}]}')).toMatchObject({ kind: 'refused', message: 'm' });
});
