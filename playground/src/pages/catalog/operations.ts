/** How an operation is called, whatever it is written in: by its path, its channel, its procedure, its field. */

export interface OperationParts {
  readonly name: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly channel: string | null;
  readonly action: string | null;
  readonly rpc: string | null;
  readonly field: string | null;
}

export interface OperationName {
  /** Which of the operation's fields says so. */
  readonly field: 'path' | 'channel' | 'rpc' | 'field' | 'name';
  readonly text: string;
  /** What is done there: `GET`, `SEND`. */
  readonly verb: string | undefined;
}

export function operationName({ name, method, path, channel, action, rpc, field }: OperationParts): OperationName {
  if (path !== null) return { field: 'path', text: path, verb: method ?? undefined };
  if (channel !== null) return { field: 'channel', text: channel, verb: action ?? undefined };
  if (rpc !== null) return { field: 'rpc', text: rpc, verb: 'RPC' };
  if (field !== null) return { field: 'field', text: field, verb: undefined };
  return { field: 'name', text: name ?? '(without a name)', verb: method ?? action ?? undefined };
}
