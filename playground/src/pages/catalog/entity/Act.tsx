/** Something that can be done at an upstream: asked about first, and what became of it is said. */
import { createContext, useContext, useEffect, useId, useRef, useState, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import { AskError, ask } from '../../../data/client';
import { connection } from '../../../data/connection';
import type { Document } from '../../../data/document';
import { useQuery } from '../../../data/useQuery';
import { Icon } from '../../../ui/Icon';
import { plain } from '../../../ui/text';

interface Payload {
  readonly auditId: string | null;
  readonly userErrors: readonly { readonly message: string; readonly code: string }[];
}

interface Props<Data, Input> {
  /** What the button says, for example `Re-run`. */
  readonly label: string;
  /** What it is done to, for who hears the button alone. */
  readonly what: string;
  readonly title: string;
  readonly text: string;
  /** The field of the mutation: the button is there only where the graph has it. */
  readonly action: string;
  readonly document: Document<Data, { input: Input }>;
  readonly input: Input;
  readonly payload: (data: Data) => Payload | null;
  readonly done: () => void;
}

/** Which actions the graph offers; asked once for all buttons. */
const ACTIONS: Document<{ __schema: { mutationType: { fields: { name: string }[] | null } | null } }, Record<string, never>> = {
  name: 'Actions',
  text: 'query Actions { __schema { mutationType { fields { name } } } }',
};

type State = { readonly kind: 'asking' } | { readonly kind: 'doing' } | { readonly kind: 'done' } | { readonly kind: 'failed'; readonly messages: readonly string[] };

interface Task {
  readonly label: string;
  readonly what: string;
  readonly title: string;
  readonly text: string;
  /** Gives what went wrong; nothing if nothing did. */
  readonly act: () => Promise<readonly string[]>;
}

const Ask = createContext<(task: Task) => void>(() => undefined);

/** Asks about the actions below it. The question outlives the row it came from: what is done often takes its row away. */
export function Actions({ children }: { children: ReactNode }) {
  const [task, setTask] = useState<Task>();
  return (
    <Ask value={setTask}>
      {children}
      {task && <Question task={task} closed={() => setTask(undefined)} />}
    </Ask>
  );
}

export function Act<Data, Input>(props: Props<Data, Input>) {
  const actions = useQuery(ACTIONS, {});
  const isThere = actions.answer?.data.__schema.mutationType?.fields?.some(({ name }) => name === props.action);
  return isThere === true ? <Button {...props} /> : null;
}

function Button<Data, Input>({ label, what, title, text, document, input, payload, done }: Props<Data, Input>) {
  const open = useContext(Ask);
  const isUp = useSyncExternalStore(connection.state.follow, connection.state.get) === 'up';

  const act = async (): Promise<readonly string[]> => {
    try {
      const { data, errors } = await ask(document, { input });
      done();
      return [...(payload(data)?.userErrors ?? []), ...errors].map(({ message }) => message);
    } catch (error) {
      return [error instanceof AskError ? fault(error) : String(error)];
    }
  };

  return (
    <button type="button" className="button quiet button-small" disabled={!isUp} aria-label={`${label}: ${plain(what, 120)}`} onClick={() => open({ label, what, title, text, act })}>
      {label}
    </button>
  );
}

function Question({ task, closed }: { task: Task; closed: () => void }) {
  const { label, what, title, text } = task;
  const dialog = useRef<HTMLDialogElement>(null);
  const [state, setState] = useState<State>({ kind: 'asking' });
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);

  const act = async (): Promise<void> => {
    setState({ kind: 'doing' });
    const messages = await task.act();
    setState(messages.length > 0 ? { kind: 'failed', messages } : { kind: 'done' });
  };

  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onClose={closed}>
      <form method="dialog" onSubmit={(event) => event.preventDefault()}>
        <h2 id={id}>{title}</h2>
        <p className="break">{plain(what, 240)}</p>
        <div role="status" className="dialog-said">
          {state.kind === 'asking' && <p className="soft">{text}</p>}
          {state.kind === 'doing' && <p className="soft">It is being done …</p>}
          {state.kind === 'done' && (
            <p className="good row">
              <Icon name="check" /> Done. The page shows it as soon as the upstream does.
            </p>
          )}
          {state.kind === 'failed' && (
            <ul className="errors">
              {state.messages.map((message, index) => (
                <li key={index}>{plain(message, 400)}</li>
              ))}
            </ul>
          )}
        </div>
        <div className="row end">
          <button type="button" className="button quiet" onClick={() => dialog.current?.close()}>
            {state.kind === 'asking' ? 'Leave it' : 'Close'}
          </button>
          {state.kind !== 'done' && (
            <button type="button" className="button" disabled={state.kind === 'doing'} onClick={() => void act()}>
              {state.kind === 'failed' ? 'Try again' : label}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}

function fault({ fault }: AskError): string {
  switch (fault.kind) {
    case 'gone':
      return 'The server does not answer: nobody knows whether it was done.';
    case 'starting':
      return 'The server is not ready yet.';
    case 'unauthorized':
      return 'Your token is missing, has expired, or does not allow this.';
    case 'refused':
      return fault.message;
  }
}
