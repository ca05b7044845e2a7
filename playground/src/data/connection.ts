/**
 * Whether the server is there, and which schema it has.
 *
 * A request that fails says `lost`; from then on `/readyz` is asked until somebody answers, and everything that is shown is asked for again.
 * While the page is looked at, the tag of the schema is compared now and then, so that an open page follows a reload.
 */
import { address } from './address';
import { signal } from './signal';

export type State = 'up' | 'starting' | 'gone';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5000;
const SCHEMA_PAUSE = 15_000;

const state = signal<State>('up');
/** Counts the returns of the server and the changes of its schema: what was asked before has to be asked again. */
const epoch = signal(0);
/** Counts the changes of the schema alone. */
const schema = signal(0);
let tag: string | undefined;
let timer: number | undefined;

async function readiness(): Promise<State> {
  try {
    const response = await fetch(address('readyz'), { cache: 'no-store' });
    if (response.ok) return 'up';
    return response.status === 503 ? 'starting' : 'gone';
  } catch {
    return 'gone';
  }
}

function lost(how: Exclude<State, 'up'> = 'gone'): void {
  state.set(how);
  if (timer === undefined) wait(FIRST_PAUSE);
}

function wait(pause: number): void {
  timer = window.setTimeout(() => {
    void look(pause);
  }, pause);
}

async function look(pause: number): Promise<void> {
  const now = await readiness();
  if (now === 'up') {
    timer = undefined;
    await compareSchema();
    state.set('up');
    epoch.set(epoch.get() + 1);
  } else {
    state.set(now);
    wait(Math.min(pause * 1.5, LONGEST_PAUSE));
  }
}

/** A changed tag means another schema; the first one is only remembered. */
async function compareSchema(): Promise<boolean> {
  try {
    const response = await fetch(address('schema.graphql'), { method: 'HEAD', cache: 'no-store' });
    const seen = response.headers.get('etag');
    if (!response.ok || !seen) return false;
    const changed = tag !== undefined && tag !== seen;
    tag = seen;
    if (changed) schema.set(schema.get() + 1);
    return changed;
  } catch {
    return false;
  }
}

/** Follows the schema for as long as the page lives. */
function followSchema(): void {
  const compare = async (): Promise<void> => {
    if (document.visibilityState !== 'visible' || state.get() !== 'up') return;
    if (await compareSchema()) epoch.set(epoch.get() + 1);
  };
  void compare();
  window.setInterval(() => void compare(), SCHEMA_PAUSE);
  document.addEventListener('visibilitychange', () => void compare());
}

export const connection = { state, epoch, schema, lost, followSchema };
