/** Says that the server is away, or that the schema has changed; says nothing while all is well. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { connection } from '../data/connection';

const SHOWN_FOR = 6000;

export function Connection() {
  const state = useSyncExternalStore(connection.state.follow, connection.state.get);
  const schema = useSyncExternalStore(connection.schema.follow, connection.schema.get);
  const [seen, setSeen] = useState(0);

  useEffect(() => {
    if (schema === seen) return;
    const timer = window.setTimeout(() => setSeen(schema), SHOWN_FOR);
    return () => window.clearTimeout(timer);
  }, [schema, seen]);

  const text =
    state === 'gone'
      ? 'The server does not answer. What you see is what it said last; the page goes on by itself when it is back.'
      : state === 'starting'
        ? 'The server is starting and still loads the catalog.'
        : schema !== seen
          ? 'The schema has changed; this page goes by the new one.'
          : undefined;
  return (
    <div role="status" aria-live="polite">
      {text !== undefined && <p className={state === 'up' ? 'strip' : 'strip strip-warn'}>{text}</p>}
    </div>
  );
}
