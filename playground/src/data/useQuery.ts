/** What a page shows of the graph: asked for once, shared by all that show it, and asked for again when the server or its schema returns. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { AskError, ask } from './client';
import type { Answer, Fault } from './client';
import { connection } from './connection';
import type { Document } from './document';
import { token } from './token';

/** Answers that nobody shows any more are kept for the way back. */
const KEPT = 60;

export interface Shown<Data> {
  /** The last good answer, also while a newer one fails. */
  readonly answer: Answer<Data> | undefined;
  /** Why there is no newer one. */
  readonly fault: Fault | undefined;
  readonly isAsking: boolean;
  /** When `answer` came, in ms. */
  readonly at: number | undefined;
}

interface Entry {
  shown: Shown<unknown>;
  readonly listeners: Set<() => void>;
  readonly send: (signal: AbortSignal) => Promise<Answer<unknown>>;
  running: AbortController | undefined;
}

const NOTHING: Shown<never> = { answer: undefined, fault: undefined, isAsking: true, at: undefined };
const entries = new Map<string, Entry>();

export interface Options {
  /** Ask again so often, in ms, while the page is looked at. */
  readonly every?: number;
  /** Nothing is asked while this is true. */
  readonly skip?: boolean;
}

export interface Query<Data> extends Shown<Data> {
  readonly again: () => void;
}

export function useQuery<Data, Variables>(document: Document<Data, Variables>, variables: Variables, options: Options = {}): Query<Data> {
  const { every, skip = false } = options;
  const key = `${document.name} ${JSON.stringify(variables)}`;
  const follow = useMemo(
    () => (listener: () => void) => {
      if (skip) return () => undefined;
      const entry = find(key, (signal) => ask(document, variables, signal));
      entry.listeners.add(listener);
      if (!entry.running) void refresh(entry);
      return () => leave(entry, listener);
    },
    // The key stands for document and variables, whose objects differ from one rendering to the next.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key, skip],
  );
  const shown = useSyncExternalStore(follow, () => entries.get(key)?.shown ?? NOTHING) as Shown<Data>;

  useEffect(() => {
    if (every === undefined || skip) return;
    const timer = window.setInterval(() => {
      const entry = entries.get(key);
      if (entry && !entry.running && globalThis.document.visibilityState === 'visible' && connection.state.get() === 'up') void refresh(entry);
    }, every);
    return () => window.clearInterval(timer);
  }, [key, every, skip]);

  const again = useMemo(
    () => () => {
      const entry = entries.get(key);
      if (entry) void refresh(entry);
    },
    [key],
  );
  return { ...shown, again };
}

function find(key: string, send: Entry['send']): Entry {
  const known = entries.get(key);
  if (known) {
    // To the end: the oldest are dropped first.
    entries.delete(key);
    entries.set(key, known);
    return known;
  }
  const entry: Entry = { shown: NOTHING, listeners: new Set(), send, running: undefined };
  entries.set(key, entry);
  for (const [old, { listeners }] of entries) {
    if (entries.size <= KEPT) break;
    if (listeners.size === 0 && old !== key) entries.delete(old);
  }
  return entry;
}

function leave(entry: Entry, listener: () => void): void {
  entry.listeners.delete(listener);
  // Not at once: React leaves and comes back when it renders anew.
  queueMicrotask(() => {
    if (entry.listeners.size > 0) return;
    entry.running?.abort();
    entry.running = undefined;
  });
}

async function refresh(entry: Entry): Promise<void> {
  entry.running?.abort();
  const running = new AbortController();
  entry.running = running;
  show(entry, { ...entry.shown, isAsking: true });
  let next: Shown<unknown>;
  try {
    const answer = await entry.send(running.signal);
    next = { answer, fault: undefined, isAsking: false, at: Date.now() };
  } catch (error) {
    if (running.signal.aborted) return;
    const fault: Fault =
      error instanceof AskError ? error.fault : { kind: 'refused', status: 0, code: 'PAGE_ERROR', message: String(error), requestId: undefined };
    next = { ...entry.shown, fault, isAsking: false };
  }
  if (entry.running !== running) return;
  entry.running = undefined;
  show(entry, next);
}

function show(entry: Entry, shown: Shown<unknown>): void {
  entry.shown = shown;
  for (const listener of entry.listeners) listener();
}

function everythingAgain(): void {
  for (const [key, entry] of [...entries]) {
    if (entry.listeners.size > 0) void refresh(entry);
    else entries.delete(key);
  }
}

connection.epoch.follow(everythingAgain);
token.follow(everythingAgain);
