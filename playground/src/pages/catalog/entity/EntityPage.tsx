/** The page of an entity: what the catalog knows comes first and at once, what upstreams know comes card by card. */
import { Fragment, useEffect } from 'react';
import type { ReactNode } from 'react';
import { useQuery } from '../../../data/useQuery';
import { EntityExplain, EntityPage as EntityDocument } from '../../../gen/documents';
import type { EntityPageQuery } from '../../../gen/documents';
import { Card } from '../../../ui/Card';
import { Kind } from '../../../ui/EntityLink';
import { Shown } from '../../../ui/states';
import { plain } from '../../../ui/text';
import { useMedia } from '../../../ui/useMedia';
import { calledOf } from '../called';
import { About } from './About';
import { Actions } from './Act';
import { CiRuns, Deployments, Issues, PullRequests, Releases, Repository } from './Delivery';
import { Descriptor } from './Descriptor';
import { Details } from './Details';
import { Docs } from './Docs';
import { History } from './History';
import { Lacking } from './Lacking';
import { hasCard } from './live';
import { More } from './More';
import { NotFound } from './NotFound';
import { ApiOperations, ComponentOperations } from './Operations';
import { Problems } from './Problems';
import { Relations } from './Relations';
import { Incidents, OnCall } from './Urgent';

export type Found = NonNullable<EntityPageQuery['entity']>;

interface Props {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function EntityPage({ kind, namespace, name }: Props) {
  const ref = `${kind}:${namespace}/${name}`;
  const query = useQuery(EntityDocument, { ref });
  const found = query.answer?.data.entity;
  const title = found ? (calledOf(found) ?? found.name) : undefined;
  useEffect(() => {
    if (title === undefined) return;
    // After the frame has named the page.
    const timer = window.setTimeout(() => {
      document.title = `${plain(title, 80)} · Catalog · Callboard`;
    });
    return () => window.clearTimeout(timer);
  }, [title]);

  // A name that cannot be one is as little there as one that nobody has.
  const { fault } = query;
  if (!query.answer && fault?.kind === 'refused' && fault.message.includes('EntityRef')) return <NotFound address={ref} name={name} why={fault.message} />;
  const page = (
    <Shown query={query} what="the entity">
      {({ entity }) => (entity ? <Parts entity={entity} /> : <NotFound address={ref} name={name} />)}
    </Shown>
  );
  if (query.answer) return page;
  return (
    <div className="page">
      <header className="entity-head">
        <p className="entity-kind">
          <Kind kind={kind} />
        </p>
        <h1 className="break">{plain(name, 160)}</h1>
      </header>
      {page}
    </div>
  );
}

const LIVE = ['onCall', 'incidents', 'ciRuns', 'pullRequests', 'repository', 'deployments', 'releases', 'issues'] as const;

/** What is beside each other where there is room. */
const BESIDE = [
  ['problems', 'onCall', 'incidents', 'ciRuns', 'pullRequests', 'operations', 'relations', 'history'],
  ['details', 'docs', 'repository', 'deployments', 'releases', 'issues', 'more', 'lacking', 'descriptor'],
] as const;
type CardName = (typeof BESIDE)[number][number];

/** Below each other it goes by what somebody looks for first: what is wrong now, what it is, what runs, what it hangs together with. */
const BELOW: readonly (readonly CardName[])[] = [
  ['problems', 'onCall', 'incidents', 'details', 'docs', 'deployments', 'ciRuns', 'pullRequests', 'repository', 'operations', 'relations', 'releases', 'issues', 'more', 'lacking', 'history', 'descriptor'],
];
/** As in `catalog.css`. */
const ONE_COLUMN = '(max-width: 900px)';

function Parts({ entity }: { entity: Found }) {
  const { ref } = entity;
  const columns: readonly (readonly CardName[])[] = useMedia(ONE_COLUMN) ? BELOW : BESIDE;
  const explain = useQuery(EntityExplain, { ref });
  const matches = explain.answer?.data.explain;
  // Where the graph does not say which connectors apply, the cards find out themselves.
  const has = (field: (typeof LIVE)[number]): boolean => (matches ? hasCard(matches, field) : explain.fault !== undefined);
  const cards: Record<CardName, ReactNode> = {
    problems: <Problems entity={entity} />,
    onCall: has('onCall') && <OnCall of={ref} />,
    incidents: has('incidents') && <Incidents of={ref} />,
    ciRuns: has('ciRuns') && <CiRuns of={ref} />,
    pullRequests: has('pullRequests') && <PullRequests of={ref} />,
    operations: entity.__typename === 'API' ? <ApiOperations of={ref} /> : entity.__typename === 'Component' && <ComponentOperations of={ref} />,
    relations: <Relations of={ref} />,
    history: <History of={ref} />,
    details: <Details entity={entity} />,
    docs: <Docs docs={entity.docs} of={ref} />,
    repository: has('repository') && <Repository of={ref} />,
    deployments: has('deployments') && <Deployments of={ref} />,
    releases: has('releases') && <Releases of={ref} />,
    issues: has('issues') && <Issues of={ref} />,
    more: matches && <More of={ref} type={entity.__typename} matches={matches} cards={LIVE} />,
    lacking: matches && <Lacking matches={matches} fields={LIVE} hasDocs={entity.docs !== null} query={{ document: EntityExplain, variables: { ref } }} />,
    descriptor: (
      <Card title="Descriptor">
        <Descriptor of={ref} source={entity.source} />
      </Card>
    ),
  };
  return (
    <Actions>
      <div className="page entity">
        <About entity={entity} />
        <div className="entity-columns">
          {columns.map((names, index) => (
            <div key={index} className="stack">
              {names.map((name) => (
                <Fragment key={name}>{cards[name]}</Fragment>
              ))}
            </div>
          ))}
        </div>
      </div>
    </Actions>
  );
}
