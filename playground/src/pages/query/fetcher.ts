/** How the editor asks: as our pages do, and with a trace, which goes to its own pane and not into the shown answer. */
import type { Fetcher } from '@graphiql/toolkit';
import { address } from '../../data/address';
import { headers } from '../../data/client';
import { connection } from '../../data/connection';
import { seen, traceIn } from './trace';

type Result = Record<string, unknown>;

const INTROSPECTION = 'IntrospectionQuery';

function failed(message: string): Result {
  return { errors: [{ message }] };
}

export const fetcher: Fetcher = async (params, options) => {
  const isIntrospection = params.operationName === INTROSPECTION;
  const body = { ...params, operationName: operationIn(params.query, params.operationName) };
  const started = performance.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(address('graphql'), {
      method: 'POST',
      headers: { ...headers(), ...(isIntrospection ? {} : { 'callboard-trace': '1' }), ...options?.headers },
      body: JSON.stringify(body),
      cache: 'no-store',
    });
    text = await response.text();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    connection.lost();
    return failed('the server does not answer; your query stays here, to be asked again when the server is back') as never;
  }
  const result = understood(text);
  if (!isIntrospection) {
    const { extensions, ...shown } = result ?? {};
    const { callboard, ...others } = (extensions ?? {}) as Record<string, unknown>;
    seen.set({ status: response.status, ms: performance.now() - started, bytes: new TextEncoder().encode(text).length, trace: traceIn(callboard) });
    if (result) return (Object.keys(others).length > 0 ? { ...shown, extensions: others } : shown) as never;
  }
  if (response.status === 401) return failed('the server wants to know who you are: set a token with the key at the top right') as never;
  return (result ?? failed(`the server answered with status ${response.status} and no GraphQL response`)) as never;
};

/** The editor looks for names now and then only: one that is not in the document any more was that of the last document. */
export function operationIn(query: string, name: string | null | undefined): string | undefined {
  return name && new RegExp(`\\b(query|mutation|subscription)\\s+${name}\\b`).test(query) ? name : undefined;
}

function understood(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
