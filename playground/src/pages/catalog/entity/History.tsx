/** Its changes, newest first, each with the values that differ. */
import { useState } from 'react';
import { useKept } from '../../../data/useKept';
import { useQuery } from '../../../data/useQuery';
import { EntityHistory } from '../../../gen/documents';
import type { ChangeOperation, EntityHistoryQuery } from '../../../gen/documents';
import { Ago } from '../../../ui/Ago';
import { Badge } from '../../../ui/Badge';
import type { Tone } from '../../../ui/Badge';
import { Card } from '../../../ui/Card';
import { Shown } from '../../../ui/states';
import { count, plain } from '../../../ui/text';
import { differences } from './history';
import type { Difference } from './history';
import { Pager } from './Pager';

const PAGE = 8;
const FEW = 8;
const TONES: Record<ChangeOperation, Tone> = { CREATED: 'good', UPDATED: 'calm', RENAMED: 'warn', REMOVED: 'bad' };

type Change = NonNullable<EntityHistoryQuery['entity']>['history']['nodes'][number];

export function History({ of }: { of: string }) {
  const [after, setAfter] = useState<readonly string[]>([]);
  const variables = { ref: of, first: PAGE, after: after.at(-1) ?? null };
  const query = useKept(useQuery(EntityHistory, variables));
  return (
    <Card title="History" query={{ document: EntityHistory, variables }}>
      <Shown query={query} what="its changes">
        {({ entity }) => {
          if (!entity || entity.history.nodes.length === 0) return <p className="card-none">Nothing is kept of its changes.</p>;
          const { nodes, pageInfo, totalCount } = entity.history;
          return (
            <div aria-busy={query.isOld}>
              <ol className="rows">
                {nodes.map((change) => (
                  <Row key={change.revision} change={change} />
                ))}
              </ol>
              <Pager after={after} onAfter={setAfter} next={pageInfo.hasNextPage ? pageInfo.endCursor : null} what={count(totalCount, 'change')} />
            </div>
          );
        }}
      </Shown>
    </Card>
  );
}

function Row({ change }: { change: Change }) {
  const all = change.operation === 'UPDATED' || change.operation === 'RENAMED' ? differences(change.before, change.after) : [];
  return (
    <li className="live-row">
      <Badge tone={TONES[change.operation]}>{change.operation.toLowerCase()}</Badge>
      <div>
        <p className="small dots">
          <span>
            <Ago at={change.at} />
          </span>
          <span>revision {change.revision}</span>
          <span className="break">
            {change.actor === null ? `from ${plain(change.source, 60)}` : `by ${plain(change.actor, 80)}`}
          </span>
        </p>
        {all.length > 0 && (
          <ul className="differences">
            {all.slice(0, FEW).map((one, index) => (
              <li key={index} className="break">
                <Changed of={one} />
              </li>
            ))}
            {all.length > FEW && <li className="soft small">and {all.length - FEW} more</li>}
          </ul>
        )}
      </div>
    </li>
  );
}

function Changed({ of: { path, before, after } }: { of: Difference }) {
  return (
    <>
      <code className="soft">{plain(path, 120)}</code>{' '}
      {before !== undefined && (
        <del>
          <span className="hidden">before: </span>
          {plain(before, 160)}
        </del>
      )}{' '}
      {after !== undefined && (
        <ins>
          <span className="hidden">after: </span>
          {plain(after, 160)}
        </ins>
      )}
    </>
  );
}
