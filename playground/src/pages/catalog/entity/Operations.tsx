/** What can be done with an API, and with the APIs that a component provides and uses. */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { usePlace } from '../../../app/location';
import { useKept } from '../../../data/useKept';
import { useQuery } from '../../../data/useQuery';
import { EntityApi, EntityConsumes, EntityProvides } from '../../../gen/documents';
import type { EntityApiQuery, OperationPartsFragment } from '../../../gen/documents';
import { Badge } from '../../../ui/Badge';
import { Card } from '../../../ui/Card';
import { EntityLink } from '../../../ui/EntityLink';
import { OutLink } from '../../../ui/Link';
import { Shown } from '../../../ui/states';
import { count, number, plain } from '../../../ui/text';
import { operationName } from '../operations';
import { Pager } from './Pager';
import { ProblemRows } from './Problems';

const PAGE = 25;
/** From so many on, one can filter. */
const MANY = 6;

type Operation = OperationPartsFragment & { readonly api?: { readonly ref: string; readonly name: string; readonly title: string | null } };
type Definition = NonNullable<NonNullable<Extract<NonNullable<EntityApiQuery['entity']>, { readonly definition: unknown }>['definition']>>;

interface Listing {
  readonly totalCount: number;
  readonly nodes: readonly Operation[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** The words and the page that a list of operations is at. */
function useListing(initial = '') {
  const [text, setText] = useState(initial);
  const [after, setAfter] = useState<readonly string[]>([]);
  return {
    text,
    after,
    setAfter,
    onText: (next: string) => {
      setText(next);
      setAfter([]);
    },
    variables: { text: text.trim() === '' ? null : text, first: PAGE, after: after.at(-1) ?? null },
  };
}

type State = ReturnType<typeof useListing>;

export function ApiOperations({ of }: { of: string }) {
  const { search } = usePlace();
  const state = useListing(new URLSearchParams(search).get('op') ?? '');
  const variables = { ref: of, ...state.variables };
  const query = useKept(useQuery(EntityApi, variables));
  return (
    <div id="operations">
      <Card title="Definition" query={{ document: EntityApi, variables }} aside={<DefinitionFacts of={definitionOf(query.answer?.data)} />}>
        <Shown query={query} what="the definition">
          {(data) => {
            const definition = definitionOf(data);
            if (!definition) return <p className="card-none">No definition can be read: the descriptor names none, or its file is not there.</p>;
            return (
              <>
                {definition.description !== null && <p className="card-body soft break">{plain(definition.description, 600)}</p>}
                <Servers of={definition.servers} />
                <ProblemRows problems={definition.problems.map((problem) => ({ ...problem, file: null }))} />
                {definition.format === null ? <p className="card-none">What it is written in is not known here, so it has no operations.</p> : <List state={state} operations={definition.operations} />}
              </>
            );
          }}
        </Shown>
      </Card>
    </div>
  );
}

function definitionOf(data: EntityApiQuery | undefined): Definition | null | undefined {
  const entity = data?.entity;
  return entity && 'definition' in entity ? entity.definition : undefined;
}

function DefinitionFacts({ of }: { of: Definition | null | undefined }) {
  if (!of) return null;
  const format = [of.format, of.formatVersion].filter(Boolean).join(' ');
  return (
    <span className="soft small">
      {[format, of.version === null ? '' : `version ${of.version}`].filter(Boolean).map((text) => plain(text, 60)).join(', ')}
    </span>
  );
}

function Servers({ of }: { of: Definition['servers'] }) {
  if (of.length === 0) return null;
  return (
    <ul className="card-body servers">
      {of.slice(0, 6).map((server, index) => (
        <li key={index} className="break">
          <OutLink url={server.url}>
            <code>{plain(server.url ?? server.name ?? 'a server', 160)}</code>
          </OutLink>{' '}
          <span className="soft small">{[server.protocol, server.description].filter(Boolean).map((text) => plain(text ?? '', 120)).join(', ')}</span>
        </li>
      ))}
    </ul>
  );
}

export function ComponentOperations({ of }: { of: string }) {
  const provided = useListing();
  const consumed = useListing();
  const providedVariables = { ref: of, ...provided.variables };
  const consumedVariables = { ref: of, ...consumed.variables };
  const provides = useKept(useQuery(EntityProvides, providedVariables));
  const consumes = useKept(useQuery(EntityConsumes, consumedVariables));
  return (
    <>
      <Listed title="Operations that it provides" state={provided} listing={listingOf(provides.answer?.data.entity)} query={{ document: EntityProvides, variables: providedVariables }} isOld={provides.isOld} />
      <Listed title="Operations that it can use" state={consumed} listing={listingOf(consumes.answer?.data.entity)} query={{ document: EntityConsumes, variables: consumedVariables }} isOld={consumes.isOld} />
    </>
  );
}

function listingOf(entity: object | null | undefined): Listing | undefined {
  return entity && 'operations' in entity ? (entity.operations as Listing) : undefined;
}

/** Not there where a component has nothing to do with APIs. */
function Listed({ title, state, listing, query, isOld }: { title: string; state: State; listing: Listing | undefined; query: { document: { text: string }; variables: object }; isOld: boolean }) {
  if (!listing || (listing.totalCount === 0 && state.text === '')) return null;
  return (
    <Card title={title} query={query} aside={<span className="soft small">{number(listing.totalCount)}</span>}>
      <div aria-busy={isOld}>
        <List state={state} operations={listing} />
      </div>
    </Card>
  );
}

function List({ state, operations }: { state: State; operations: Listing }) {
  const { text, onText, after, setAfter } = state;
  const { nodes, pageInfo, totalCount } = operations;
  return (
    <>
      {(totalCount >= MANY || text !== '') && (
        <div className="card-filter">
          <input className="input" type="search" aria-label="Filter the operations" placeholder="Filter: a path, a name, a tag …" value={text} onChange={(event) => onText(event.target.value)} />
        </div>
      )}
      {nodes.length === 0 ? (
        <p className="card-none">{text === '' ? 'It has no operations.' : 'None has all of these words.'}</p>
      ) : (
        <ul className="rows">
          {nodes.map((operation) => (
            <Row key={operation.id} operation={operation} />
          ))}
        </ul>
      )}
      <Pager after={after} onAfter={setAfter} next={pageInfo.hasNextPage ? pageInfo.endCursor : null} what={count(totalCount, 'operation')} />
    </>
  );
}

function Row({ operation }: { operation: Operation }) {
  const { text, verb } = operationName(operation);
  const { request, response, api } = operation;
  const types: ReactNode = request.length + response.length > 0 && (
    <code className="break">
      {request.map((one) => plain(one, 60)).join(', ')}
      {response.length > 0 && ` → ${response.map((one) => plain(one, 60)).join(', ')}`}
    </code>
  );
  return (
    <li className="line-row">
      <p className="break">
        {verb !== undefined && <span className="verb">{plain(verb, 12)}</span>} <code className="strong">{plain(text, 200)}</code> {operation.deprecated && <Badge tone="warn">deprecated</Badge>}
      </p>
      <p className="soft small dots">
        {operation.summary !== null && <span className="break">{plain(operation.summary, 200)}</span>}
        {types}
        {api && <EntityLink of={api} bare />}
      </p>
    </li>
  );
}
