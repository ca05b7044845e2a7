/** The editor: GraphiQL, with our questions, our toolbar and the trace beside the answer. */
import './workers';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '@graphiql/plugin-explorer/style.css';
import 'graphiql/graphiql.css';
import './query.css';
import { usePlace } from '../../app/location';
import { isDark, theme } from '../../app/theme';
import { connection } from '../../data/connection';
import { token } from '../../data/token';
import { fetcher } from './fetcher';
import { PlainTabs } from './PlainTabs';
import { QUESTIONS } from './Questions';
import { sharedIn } from './share';
import { storageOf } from './storage';
import { Tools } from './Tools';
import { TracePane } from './TracePane';
import { useKeys } from './useKeys';
import { useOpen } from './useOpen';

const PLUGINS = [QUESTIONS, HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

const FIRST = `# Ctrl-Enter asks, Ctrl-Space shows what can be asked.
# "Questions" has more to begin with.
query WhoIsOnCall {
  components(first: 5) {
    nodes {
      name
      owner { name }
      onCall { nodes { level name endsAt } }
    }
  }
}
`;

export default function Query() {
  const chosen = useSyncExternalStore(theme.follow, theme.get);
  const { hash } = usePlace();
  const [first] = useState(() => sharedIn(hash));
  const [side, setSide] = useState<Side>('question');
  return (
    <div className="query" data-side={side}>
      <h1 className="off-screen">Query</h1>
      <GraphiQL
        fetcher={fetcher}
        storage={storageOf(localStorage)}
        plugins={PLUGINS}
        defaultQuery={FIRST}
        {...(first && { initialQuery: first.query, initialVariables: first.variables ?? '' })}
        defaultEditorToolsVisibility
        forcedTheme={chosen === 'system' ? (isDark() ? 'dark' : 'light') : chosen}
        shouldPersistHeaders={false}
        showPersistHeadersSettings={false}
      >
        <GraphiQL.Logo>
          <span />
        </GraphiQL.Logo>
        <GraphiQL.Toolbar>
          {({ prettify, copy, merge }) => (
            <>
              {prettify}
              {merge}
              {copy}
              <Tools />
            </>
          )}
        </GraphiQL.Toolbar>
        <GraphiQL.Footer>
          <TracePane />
        </GraphiQL.Footer>
        <Following onSide={setSide} />
        <PlainTabs />
      </GraphiQL>
      <Sides side={side} onSide={setSide} />
    </div>
  );
}

type Side = 'question' | 'answer';

const SIDES: readonly (readonly [Side, string])[] = [
  ['question', 'Query'],
  ['answer', 'Answer'],
];

/** A phone has room for one of them. */
function Sides({ side, onSide }: { side: Side; onSide: (side: Side) => void }) {
  return (
    <div className="query-sides" role="group" aria-label="What is shown">
      {SIDES.map(([one, label]) => (
        <button key={one} type="button" aria-pressed={side === one} onClick={() => onSide(one)}>
          {label}
        </button>
      ))}
    </div>
  );
}

/** So narrow that a pane lies over what is asked and answered. */
const COVERED = '(max-width: 800px)';

/** Follows what happens outside of the editor: another schema, another token, another address; and turns to the answer when something is asked. */
function Following({ onSide }: { onSide: (side: Side) => void }) {
  const actions = useGraphiQLActions();
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor));
  const open = useOpen();
  useKeys();
  const { hash } = usePlace();
  const opened = useRef(hash);
  const isFetching = useGraphiQL((state) => state.isFetching);

  useEffect(() => {
    if (!isFetching) return;
    onSide('answer');
    if (matchMedia(COVERED).matches) actions.setVisiblePlugin(null);
  }, [isFetching, onSide, actions]);

  useEffect(() => {
    const again = (): void => void actions.introspect();
    const leave = [connection.epoch.follow(again), token.follow(again)];
    return () => leave.forEach((each) => each());
  }, [actions]);

  useEffect(() => {
    if (!isReady || opened.current === hash) return;
    opened.current = hash;
    const shared = sharedIn(hash);
    if (!shared) return;
    open(shared.query, shared.variables ?? '');
    onSide('question');
  }, [hash, isReady, open, onSide]);
  return null;
}
