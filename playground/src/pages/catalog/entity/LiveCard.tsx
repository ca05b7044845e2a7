/** A card of what an upstream says: its age, and what is the matter where there is nothing. */
import type { ReactNode } from 'react';
import type { Document } from '../../../data/document';
import { useQuery } from '../../../data/useQuery';
import { Ago } from '../../../ui/Ago';
import { Badge } from '../../../ui/Badge';
import { Card } from '../../../ui/Card';
import { Icon } from '../../../ui/Icon';
import { Errors, FaultNotice, Loading } from '../../../ui/states';
import { plain } from '../../../ui/text';
import { oldest, said, upstream, verdict } from './live';
import type { Line } from './live';

/** The server keeps what upstreams said, so asking it again costs them little. */
const EVERY = 20_000;

interface Props<Data, Entity extends Asked> {
  readonly title: string;
  readonly document: Document<Data, { ref: string }>;
  readonly of: string;
  readonly entity: (data: Data) => Entity | null;
  /** What is shown of it; nothing where there is none. */
  readonly children: (entity: Entity, again: () => void) => ReactNode;
  /** What stands there where every upstream says that there is nothing. */
  readonly none: string;
}

interface Asked {
  readonly live: readonly Line[];
}

export function LiveCard<Data, Entity extends Asked>({ title, document, of, entity: pick, children, none }: Props<Data, Entity>) {
  const variables = { ref: of };
  const query = useQuery(document, variables, { every: EVERY });
  const entity = query.answer ? pick(query.answer.data) : null;
  const state = entity ? verdict(entity.live) : undefined;
  return (
    <Card title={title} query={{ document, variables }} aside={state && <Age lines={state.given} />}>
      {query.answer === undefined ? (
        query.fault ? (
          <div className="card-body">
            <FaultNotice fault={query.fault} again={query.again} />
          </div>
        ) : (
          <Loading what={/^[A-Z][a-z]/.test(title) ? title.toLowerCase() : title} />
        )
      ) : (
        <>
          {state?.troubles.map((line, index) => (
            <Trouble key={index} line={line} />
          ))}
          {state?.given.length === 0 && state.troubles.length > 0 && <NotAsked lines={state.missing} />}
          {entity && (children(entity, query.again) ?? (state?.troubles.length === 0 && <p className="card-none">{state.given.length > 0 ? none : missing(state.missing)}</p>))}
          {/* What an upstream could not give is said above already. */}
          <Errors errors={query.answer.errors.filter(({ extensions }) => extensions?.connector === undefined)} />
        </>
      )}
    </Card>
  );
}

function missing(lines: readonly Line[]): string {
  const [first] = lines;
  return first ? `${said(first)}.` : 'Nothing is here.';
}

/** Who might have given it and was not asked; said where nobody gave anything. */
function NotAsked({ lines }: { lines: readonly Line[] }) {
  const names = lines.filter(({ state }) => state === 'NOT_CONFIGURED').map(upstream);
  if (names.length === 0) return null;
  return <p className="card-none small break">Not configured: {plain(names.join(', '), 200)}</p>;
}

/** From whom, and how long ago. */
function Age({ lines }: { lines: readonly Line[] }) {
  const at = oldest(lines);
  if (at === undefined) return null;
  const isStale = lines.some(({ state }) => state === 'STALE');
  return (
    <span className="age">
      {isStale && <Badge tone="warn">stale</Badge>}
      <span>
        {plain(lines.map(upstream).join(', '), 80)}, <Ago at={at} />
      </span>
    </span>
  );
}

function Trouble({ line }: { line: Line }) {
  return (
    <div className="trouble">
      <Icon name="alert" />
      <div>
        <p className="trouble-title">{plain(said(line), 200)}</p>
        {line.hint !== null && <p className="soft small break">{plain(line.hint, 400)}</p>}
        <p className="soft small">
          {line.code !== null && <code>{plain(line.code, 60)}</code>}
          {line.retryAt !== null && (
            <>
              {' '}
              asked again <Ago at={line.retryAt} />
            </>
          )}
        </p>
      </div>
    </div>
  );
}
