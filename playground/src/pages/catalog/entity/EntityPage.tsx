/** The page of an entity: what the catalog knows comes first and at once, what upstreams know comes card by card. */
import { useEffect } from 'react';
import { useQuery } from '../../../data/useQuery';
import { EntityExplain, EntityPage as EntityDocument } from '../../../gen/documents';
import type { EntityPageQuery } from '../../../gen/documents';
import { Card } from '../../../ui/Card';
import { Kind } from '../../../ui/EntityLink';
import { Shown } from '../../../ui/states';
import { plain } from '../../../ui/text';
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

function Parts({ entity }: { entity: Found }) {
  const { ref } = entity;
  const explain = useQuery(EntityExplain, { ref });
  const matches = explain.answer?.data.explain;
  // Where the graph does not say which connectors apply, the cards find out themselves.
  const has = (field: (typeof LIVE)[number]): boolean => (matches ? hasCard(matches, field) : explain.fault !== undefined);
  return (
    <Actions>
      <div className="page entity">
        <About entity={entity} />
        <div className="entity-columns">
          <div className="stack">
            <Problems entity={entity} />
            {has('onCall') && <OnCall of={ref} />}
            {has('incidents') && <Incidents of={ref} />}
            {has('ciRuns') && <CiRuns of={ref} />}
            {has('pullRequests') && <PullRequests of={ref} />}
            {entity.__typename === 'API' && <ApiOperations of={ref} />}
            {entity.__typename === 'Component' && <ComponentOperations of={ref} />}
            <Relations of={ref} />
            <History of={ref} />
          </div>
          <div className="stack">
            <Details entity={entity} />
            <Docs docs={entity.docs} of={ref} />
            {has('repository') && <Repository of={ref} />}
            {has('deployments') && <Deployments of={ref} />}
            {has('releases') && <Releases of={ref} />}
            {has('issues') && <Issues of={ref} />}
            {matches && <More of={ref} type={entity.__typename} matches={matches} cards={LIVE} />}
            {matches && <Lacking matches={matches} fields={LIVE} hasDocs={entity.docs !== null} query={{ document: EntityExplain, variables: { ref } }} />}
            <Card title="Descriptor">
              <Descriptor of={ref} source={entity.source} />
            </Card>
          </div>
        </div>
      </div>
    </Actions>
  );
}
