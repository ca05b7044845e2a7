/** The list: everything, page by page, or what is found while one types; what is chosen stands in the address. */
import { useEffect, useRef, useState } from 'react';
import type { KeyboardEvent, RefObject } from 'react';
import { navigate, usePlace } from '../../app/location';
import { useKept } from '../../data/useKept';
import { useQuery } from '../../data/useQuery';
import { Browse as BrowseDocument, Find } from '../../gen/documents';
import type { BrowseQuery, FindQuery } from '../../gen/documents';
import { Icon } from '../../ui/Icon';
import { Link } from '../../ui/Link';
import { Empty, Shown } from '../../ui/states';
import { count, number, plain } from '../../ui/text';
import { queryLink } from '../query/share';
import { Facets, facetsOf } from './Facets';
import { browseVariables, changed, countChosen, findVariables, lookOf, pathOf } from './place';
import type { Look, Sort } from './place';
import { EntityRow, HitRow } from './Results';
import type { Row } from './Results';

/** What is typed comes into the address after a moment, so that going back does not go key by key. */
const SETTLED = 400;

export function Browse() {
  const { search } = usePlace();
  const place = lookOf(search);
  const [text, setText] = useState(place.words);
  const [known, setKnown] = useState(place.words);
  // Somebody went back, or came by a link.
  if (place.words !== known) {
    setKnown(place.words);
    setText(place.words);
  }
  const look = text === place.words ? place : changed(place, { words: text });
  const isFinding = text.trim() !== '';
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLOListElement>(null);
  useSlash(field);

  const address = pathOf(look);
  useEffect(() => {
    if (text === place.words) return;
    const timer = window.setTimeout(() => navigate(address, { replace: true }), SETTLED);
    return () => window.clearTimeout(timer);
  }, [text, place.words, address]);

  return (
    <div className="page" onKeyDown={(event) => walk(event, field, list)}>
      <div className="page-head">
        <h1>Catalog</h1>
      </div>
      <form
        role="search"
        className="search catalog-search"
        onSubmit={(event) => {
          event.preventDefault();
          navigate(address);
        }}
      >
        <Icon name="search" />
        <input
          ref={field}
          className="input"
          type="search"
          aria-label="Search the catalog"
          aria-keyshortcuts="/"
          placeholder="Search: a name, a team, an operation, a word from the docs …"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <kbd className="key-hint" aria-hidden="true">
          /
        </kbd>
      </form>
      {isFinding ? <Found look={look} list={list} onWords={setText} /> : <All look={look} list={list} />}
    </div>
  );
}

interface ListProps {
  readonly look: Look;
  readonly list: RefObject<HTMLOListElement | null>;
}

function All({ look, list }: ListProps) {
  const variables = browseVariables(look);
  const query = useKept(useQuery(BrowseDocument, variables));
  return (
    <Shown query={query} what="the catalog">
      {(data) => (
        <div className="catalog">
          <Facets look={look} facets={facetsOf(data.facets, data)} />
          <div className="catalog-list" aria-busy={query.isOld}>
            <Summary text={count(data.entities.totalCount, 'entity', 'entities')} link={queryLink(BrowseDocument.text, variables)}>
              <Sorting look={look} />
            </Summary>
            <BrowseRows data={data} look={look} list={list} />
          </div>
        </div>
      )}
    </Shown>
  );
}

function BrowseRows({ data, look, list }: ListProps & { data: BrowseQuery }) {
  const { nodes, pageInfo } = data.entities;
  if (nodes.length === 0) return <Nothing look={look} />;
  return (
    <>
      <ol className="results" ref={list}>
        {nodes.map((node) => (
          <EntityRow key={node.ref} row={node satisfies Row} marks={new Map()} />
        ))}
      </ol>
      <Pages
        previous={pageInfo.hasPreviousPage && pageInfo.startCursor !== null ? pathOf(changed(look, { before: pageInfo.startCursor })) : undefined}
        next={pageInfo.hasNextPage && pageInfo.endCursor !== null ? pathOf(changed(look, { after: pageInfo.endCursor })) : undefined}
      />
    </>
  );
}

function Found({ look, list, onWords }: ListProps & { onWords: (words: string) => void }) {
  const variables = findVariables(look);
  const query = useKept(useQuery(Find, variables));
  return (
    <Shown query={query} what="results">
      {(data) => (
        <div className="catalog">
          <Facets look={look} facets={facetsOf(data.search.facets, { kind: data.kind?.facets, type: data.type?.facets, lifecycle: data.lifecycle?.facets, owner: data.owner?.facets, system: data.system?.facets })} />
          <div className="catalog-list" aria-busy={query.isOld}>
            <Summary text={count(data.search.totalCount, 'result')} link={queryLink(Find.text, variables)}>
              <Groups look={look} data={data} />
            </Summary>
            <IndexNote state={data.search.indexState} again={query.again} />
            {data.search.didYouMean !== null && (
              <p className="did-you-mean">
                Did you mean{' '}
                <button type="button" className="text-button" onClick={() => onWords(data.search.didYouMean ?? '')}>
                  {plain(data.search.didYouMean, 120)}
                </button>
                ?
              </p>
            )}
            <FoundRows data={data} look={look} list={list} />
          </div>
        </div>
      )}
    </Shown>
  );
}

function FoundRows({ data, look, list }: ListProps & { data: FindQuery }) {
  const { edges, pageInfo } = data.search;
  if (edges.length === 0) return <Nothing look={look} />;
  return (
    <>
      <ol className="results" ref={list}>
        {edges.map((edge) => (
          <HitRow key={edge.node.id} edge={edge} />
        ))}
      </ol>
      <Pages
        previous={look.after === undefined ? undefined : pathOf(changed(look, {}))}
        previousLabel="First page"
        next={pageInfo.hasNextPage && pageInfo.endCursor !== null ? pathOf(changed(look, { after: pageInfo.endCursor })) : undefined}
      />
    </>
  );
}

function Summary({ text, link, children }: { text: string; link: string; children: React.ReactNode }) {
  return (
    <div className="list-head">
      <p className="list-count" role="status">
        {text}
      </p>
      {children}
      <Link to={link} className="subtle-link small">
        <Icon name="query" />
        The query behind this
      </Link>
    </div>
  );
}

const SORTINGS: readonly (readonly [Sort, string])[] = [
  ['name', 'by name'],
  ['changed', 'last changed'],
  ['new', 'newest'],
];

function Sorting({ look }: { look: Look }) {
  return (
    <select className="select" aria-label="Order" value={look.sort} onChange={(event) => navigate(pathOf(changed(look, { sort: SORTINGS.find(([sort]) => sort === event.target.value)?.[0] ?? 'name' })))}>
      {SORTINGS.map(([sort, label]) => (
        <option key={sort} value={sort}>
          {label}
        </option>
      ))}
    </select>
  );
}

function Groups({ look, data }: { look: Look; data: FindQuery }) {
  // Not the sum of the others: a group by itself is searched more loosely where nothing in it has all the words.
  const all = look.group === undefined ? data.search.totalCount : undefined;
  const groups: readonly (readonly [string | undefined, string, number | undefined])[] = [
    [undefined, 'All', all],
    ['entities', 'Entities', data.entities.totalCount],
    ['docs', 'Docs', data.docs.totalCount],
    ['operations', 'Operations', data.operations.totalCount],
  ];
  return (
    <nav className="segments" aria-label="What is found">
      {groups.map(([group, label, found]) => (
        <Link key={label} to={pathOf(changed(look, { group }))} aria-current={look.group === group ? 'true' : undefined}>
          {label} {found !== undefined && <span className="segment-count">{number(found)}</span>}
        </Link>
      ))}
    </nav>
  );
}

/** While the index is made, what it has found by then comes in by itself. */
const INDEXING = 1500;

function IndexNote({ state, again }: { state: FindQuery['search']['indexState']; again: () => void }) {
  const isBuilding = state.state === 'BUILDING';
  useEffect(() => {
    if (!isBuilding) return;
    const timer = window.setInterval(again, INDEXING);
    return () => window.clearInterval(timer);
  }, [isBuilding, again]);
  if (state.state === 'READY') return null;
  return (
    <p className="index-note">
      {isBuilding ? `The index is being made (${Math.floor(state.progress * 100)} %): more may be found in a moment.` : 'The index cannot be written: what changed since is not found.'}
      {state.message !== null && ` ${plain(state.message, 240)}`}
    </p>
  );
}

function Pages({ previous, previousLabel = 'Previous', next }: { previous: string | undefined; previousLabel?: string; next: string | undefined }) {
  if (previous === undefined && next === undefined) return null;
  return (
    <nav className="pager" aria-label="Pages of results">
      {previous === undefined ? <span /> : <Link to={previous} className="button quiet" rel="prev">{previousLabel}</Link>}
      {next !== undefined && <Link to={next} className="button quiet" rel="next">Next</Link>}
    </nav>
  );
}

function Nothing({ look }: { look: Look }) {
  const chosen = countChosen(look) > 0 || look.group !== undefined;
  const hasWords = look.words.trim() !== '';
  return (
    <Empty title={hasWords ? `Nothing is found for “${plain(look.words, 80)}”` : 'Nothing is here'}>
      {chosen ? (
        <p>
          <Link to={pathOf({ ...lookOf(''), words: look.words })}>Take the filters away</Link>
        </p>
      ) : hasWords ? (
        <p>Fewer words find more. Words in quotes stand together, <code>-word</code> leaves out, and <code>kind:component</code> or <code>tag:java</code> look into one field.</p>
      ) : (
        <p>
          The catalog is empty: name your descriptors under <code>sources</code> in <code>callboard.yaml</code>.
        </p>
      )}
    </Empty>
  );
}

/** `/` goes to the search, from wherever nothing is typed. */
function useSlash(field: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent): void => {
      const { target } = event;
      const isTyping = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, [field]);
}

/** Arrow keys go from the search through the results and back; Enter is the link's own. */
function walk(event: KeyboardEvent, field: RefObject<HTMLInputElement | null>, list: RefObject<HTMLOListElement | null>): void {
  const { target } = event;
  if (event.altKey || event.ctrlKey || event.metaKey || !(target instanceof HTMLElement)) return;
  const links = [...(list.current?.querySelectorAll<HTMLElement>('[data-result]') ?? [])];
  const at = links.indexOf(target);
  if (at < 0 && target !== field.current) return;
  const last = links.length - 1;
  const to =
    event.key === 'ArrowDown' ? Math.min(at + 1, last)
    : event.key === 'ArrowUp' ? at - 1
    : event.key === 'Home' && at >= 0 ? 0
    : event.key === 'End' && at >= 0 ? last
    : undefined;
  if (to === undefined || (at < 0 && event.key === 'ArrowUp')) return;
  event.preventDefault();
  if (to < 0) field.current?.focus();
  else links[to]?.focus();
}
