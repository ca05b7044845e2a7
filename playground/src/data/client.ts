/** One request to the graph, and the ways in which it can fail. What a page shows goes through `useQuery`. */
import { address } from './address';
import { connection } from './connection';
import type { Document } from './document';
import { token } from './token';

/** Why there is no answer at all; errors within an answer stand in `Answer.errors`. */
export type Fault =
  /** Nobody answers, or a proxy says that nobody does. */
  | { kind: 'gone' }
  /** It answers, but not yet or not now. */
  | { kind: 'starting' }
  | { kind: 'unauthorized' }
  | { kind: 'refused'; status: number; code: string; message: string; requestId: string | undefined };

export interface GraphError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export interface Answer<Data> {
  readonly data: Data;
  readonly errors: readonly GraphError[];
}

export class AskError extends Error {
  constructor(readonly fault: Fault) {
    super(fault.kind === 'refused' ? fault.message : fault.kind);
  }
}

export function headers(): Record<string, string> {
  const held = token.get();
  return {
    accept: 'application/graphql-response+json, application/json',
    'content-type': 'application/json',
    ...(held ? { authorization: `Bearer ${held}` } : {}),
  };
}

interface Body {
  data?: unknown;
  errors?: GraphError[];
}

/** Asks once. Throws an `AskError`, or what `signal` was aborted with. */
export async function ask<Data, Variables>(
  document: Document<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Answer<Data>> {
  const body = JSON.stringify({ query: document.text, operationName: document.name, variables });
  let response: Response;
  let text: string;
  try {
    response = await fetch(address('graphql'), { method: 'POST', headers: headers(), body, signal: signal ?? null, cache: 'no-store' });
    text = await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof TypeError)) throw error;
    connection.lost();
    throw new AskError({ kind: 'gone' });
  }
  return understand<Data>(response.status, text);
}

/** Exported for the tests. */
export function understand<Data>(status: number, text: string): Answer<Data> {
  const body = json(text);
  if (status === 401 || (status === 403 && !body)) throw new AskError({ kind: 'unauthorized' });
  const [first] = body?.errors ?? [];
  const code = word(first?.extensions?.code);
  if (status === 502 || status === 504 || (status === 503 && !body)) {
    connection.lost();
    throw new AskError({ kind: 'gone' });
  }
  if (status === 503) {
    connection.lost('starting');
    throw new AskError({ kind: 'starting' });
  }
  if (body?.data === undefined || body.data === null) {
    throw new AskError({
      kind: 'refused',
      status,
      code: code ?? `HTTP_${status}`,
      message: first?.message ?? 'the server gave an answer that is no GraphQL response',
      requestId: word(first?.extensions?.requestId),
    });
  }
  return { data: body.data as Data, errors: body.errors ?? [] };
}

function json(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
