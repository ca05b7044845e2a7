/** How long ago something was; the exact time is in its title. It goes on counting while it is looked at. */
import { useSyncExternalStore } from 'react';
import { span } from './text';

const EVERY = 5000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: number | undefined;

function follow(listener: () => void): () => void {
  listeners.add(listener);
  now = Date.now();
  timer ??= window.setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, EVERY);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

export function Ago({ at }: { at: string | number | null | undefined }) {
  const last = useSyncExternalStore(follow, () => now);
  const time = at === null || at === undefined ? undefined : new Date(at);
  if (time === undefined || Number.isNaN(time.getTime())) return <>never</>;
  const age = last - time.getTime();
  // What has just come may be ahead of the last tick.
  const text = age < -2 * EVERY ? `in ${span(-age)}` : age < EVERY ? 'just now' : `${span(age)} ago`;
  return (
    <time dateTime={time.toISOString()} title={time.toLocaleString()}>
      {text}
    </time>
  );
}
