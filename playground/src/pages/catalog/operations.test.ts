import { expect, it } from 'vitest';
import { operationName } from './operations';
import type { OperationParts } from './operations';

const none: OperationParts = { name: null, method: null, path: null, channel: null, action: null, rpc: null, field: null };

it.each([
  [{ ...none, method: 'GET', path: '/a/{id}', name: 'getA' }, 'GET /a/{id}'],
  [{ ...none, action: 'SEND', channel: 'a/b', name: 'sendA' }, 'SEND a/b'],
  [{ ...none, rpc: 'shop.v1.Pay/Refund' }, 'RPC shop.v1.Pay/Refund'],
  [{ ...none, field: 'Mutation.refund' }, ' Mutation.refund'],
  [{ ...none, method: 'POST', name: 'onRefund' }, 'POST onRefund'],
  [none, ' (without a name)'],
])('names %j', (operation, name) => {
  const { verb, text } = operationName(operation);
  expect(`${verb ?? ''} ${text}`).toBe(name);
});
