/** Its relations, both ways, by what they mean; page by page where there are many. */
import { useState } from 'react';
import { useKept } from '../../../data/useKept';
import { useQuery } from '../../../data/useQuery';
import { EntityRelations } from '../../../gen/documents';
import type { EntityRelationsQuery } from '../../../gen/documents';
import { Badge } from '../../../ui/Badge';
import { Card } from '../../../ui/Card';
import { EntityLink } from '../../../ui/EntityLink';
import { Shown } from '../../../ui/states';
import { words } from '../../../ui/refs';
import { count, number, plain } from '../../../ui/text';
import { calledOf } from '../called';
import { Pager } from './Pager';

const PAGE = 60;

type Relation = NonNullable<EntityRelationsQuery['entity']>['relations']['nodes'][number];

export function Relations({ of }: { of: string }) {
  const [after, setAfter] = useState<readonly string[]>([]);
  const variables = { ref: of, first: PAGE, after: after.at(-1) ?? null };
  const query = useKept(useQuery(EntityRelations, variables));
  const total = query.answer?.data.entity?.relations.totalCount;
  return (
    <Card title="Relations" query={{ document: EntityRelations, variables }} aside={total !== undefined && <span className="soft small">{number(total)}</span>}>
      <Shown query={query} what="relations">
        {({ entity }) => {
          if (!entity || entity.relations.nodes.length === 0) return <p className="card-none">It stands alone: nothing is related to it.</p>;
          const { nodes, pageInfo } = entity.relations;
          return (
            <div aria-busy={query.isOld}>
              {byType(nodes).map(([type, relations]) => (
                <section key={type} className="relations">
                  <h3>
                    {words(type)} <span className="soft">{relations.length}</span>
                  </h3>
                  <ul>
                    {relations.map((relation) => (
                      <li key={relation.targetRef}>
                        <Target of={relation} />
                      </li>
                    ))}
                  </ul>
                </section>
              ))}
              <Pager after={after} onAfter={setAfter} next={pageInfo.hasNextPage ? pageInfo.endCursor : null} what={`${count(nodes.length, 'relation')} here`} />
            </div>
          );
        }}
      </Shown>
    </Card>
  );
}

function byType(nodes: readonly Relation[]): [string, Relation[]][] {
  const out = new Map<string, Relation[]>();
  for (const relation of nodes) {
    const known = out.get(relation.type);
    if (known) known.push(relation);
    else out.set(relation.type, [relation]);
  }
  return [...out];
}

function Target({ of: { target, targetRef } }: { of: Relation }) {
  if (!target) {
    return (
      <>
        <code className="break">{plain(targetRef, 120)}</code> <Badge tone="warn">not in the catalog</Badge>
      </>
    );
  }
  return (
    <>
      <EntityLink of={{ ref: target.ref, title: calledOf(target) }} />
      {target.description !== null && <span className="relation-about soft small break">{plain(target.description, 120)}</span>}
    </>
  );
}
