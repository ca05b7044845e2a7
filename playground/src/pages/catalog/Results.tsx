/** A line of the list: an entity, a section of docs, or an operation of an API, with what was found in it. */
import type { ReactNode } from 'react';
import { address } from '../../data/address';
import type { FindQuery } from '../../gen/documents';
import { Badge } from '../../ui/Badge';
import { EntityLink, Kind } from '../../ui/EntityLink';
import { Icon } from '../../ui/Icon';
import { Link } from '../../ui/Link';
import { entityPath } from '../../ui/refs';
import { plain } from '../../ui/text';
import { calledOf } from './called';
import { pieces } from './marks';
import type { Span } from './marks';
import { operationName } from './operations';
import { FACETS, changed, lookOf, pathOf } from './place';

interface Named {
  readonly ref: string;
  readonly name: string;
  readonly title: string | null;
}

export interface Row {
  readonly ref: string;
  readonly kind: string;
  readonly name: string;
  readonly heading: string | null;
  readonly about: string | null;
  readonly tags: readonly string[];
  readonly type?: string | null;
  readonly lifecycle?: string | null;
  readonly owner?: Named | null;
}

type Edge = FindQuery['search']['edges'][number];
type Marks = ReadonlyMap<string, readonly Span[]>;

/** A text with what was found in it; pieces are text, whatever is in them. */
function Marked({ text, ranges, longest }: { text: string; ranges: readonly Span[] | undefined; longest?: number }) {
  return pieces(text, ranges ?? [], longest).map((piece, index) => (piece.found ? <mark key={index}>{plain(piece.text, 1000)}</mark> : <span key={index}>{plain(piece.text, 1000)}</span>));
}

export function HitRow({ edge }: { edge: Edge }) {
  const { node } = edge;
  // A field with several texts, such as tags, has its ranges in a text that is not known here.
  const marks = new Map(edge.highlights.map(({ field, ranges }) => [field, ranges]));
  if ('section' in node) return <SectionRow node={node} marks={marks} />;
  if ('operation' in node) return <OperationRow node={node} marks={marks} />;
  if ('ref' in node) return <EntityRow row={node} marks={marks} found={edge.matchedFields} />;
  return null;
}

const SHOWN: ReadonlySet<string> = new Set(['name', 'title', 'description', 'tags', 'ref']);

export function EntityRow({ row, marks, found = [] }: { row: Row; marks: Marks; found?: readonly string[] }) {
  const title = calledOf(row);
  const isTitle = title !== null && title === row.heading?.trim();
  const others = found.filter((field) => !SHOWN.has(field));
  return (
    <li className="result">
      <div className="result-head">
        <Kind kind={row.kind} />
        <Link to={entityPath(row.ref)} className="result-title break" data-result>
          {title !== null ? <Marked text={title} ranges={isTitle ? marks.get('title') : undefined} longest={160} /> : <Marked text={row.name} ranges={marks.get('name')} longest={160} />}
        </Link>
        {title !== null && title !== row.name && (
          <code className="result-ref break">
            <Marked text={row.name} ranges={marks.get('name')} longest={80} />
          </code>
        )}
      </div>
      {row.about && (
        <p className="result-text break">
          <Marked text={row.about} ranges={marks.get('description')} />
        </p>
      )}
      <p className="result-meta">
        {row.owner && (
          <span>
            owned by <EntityLink of={{ ref: row.owner.ref, title: calledOf(row.owner) }} bare />
          </span>
        )}
        {[row.type, row.lifecycle].filter(Boolean).map((text) => (
          <span key={text}>{plain(text ?? '', 40)}</span>
        ))}
        {row.tags.slice(0, 6).map((tag, index) => (
          <Tag key={index} tag={tag} />
        ))}
        {others.length > 0 && <span>found in {others.map((field) => plain(field, 40)).join(', ')}</span>}
      </p>
    </li>
  );
}

export function Tag({ tag }: { tag: string }) {
  const none = lookOf('');
  return (
    <Link to={pathOf(changed(none, { chosen: { ...none.chosen, [FACETS[5]]: [tag] } }))} className="tag">
      {plain(tag, 40)}
    </Link>
  );
}

type Section = Extract<Edge['node'], { readonly section: string }>;

function SectionRow({ node, marks }: { node: Section; marks: Marks }) {
  const trail = [...node.page.breadcrumbs, ...(node.page.title === node.section ? [] : [node.page.title])];
  return (
    <li className="result">
      <div className="result-head">
        <Group icon="list">Docs</Group>
        <a href={address(node.url.replace(/^\//, '')).href} className="result-title break" data-result>
          <Marked text={node.section === '' ? node.page.title : node.section} ranges={marks.get('title')} longest={160} />
        </a>
      </div>
      <p className="result-text break">
        <Marked text={node.text} ranges={marks.get('text')} />
      </p>
      <p className="result-meta">
        <span>
          in the docs of <EntityLink of={node.entity} bare />
        </span>
        {trail.length > 0 && <span>{trail.map((one) => plain(one, 60)).join(' › ')}</span>}
      </p>
    </li>
  );
}

type Operation = Extract<Edge['node'], { readonly operation: string | null }>;

function OperationRow({ node, marks }: { node: Operation; marks: Marks }) {
  const { field, text, verb } = operationName({ ...node, name: node.operation });
  const about = node.summary ?? node.details;
  return (
    <li className="result">
      <div className="result-head">
        <Group icon="query">Operation</Group>
        {verb !== undefined && <span className="verb">{plain(verb, 12)}</span>}
        <Link to={`${entityPath(node.api.ref)}?op=${encodeURIComponent(text)}#operations`} className="result-title break" data-result>
          <Marked text={text} ranges={marks.get(field)} longest={160} />
        </Link>
        {node.deprecated && <Badge tone="warn">deprecated</Badge>}
      </div>
      {about && (
        <p className="result-text break">
          <Marked text={about} ranges={marks.get(node.summary === null ? 'description' : 'summary')} />
        </p>
      )}
      <p className="result-meta">
        <span>
          of the API <EntityLink of={node.api} bare />
        </span>
        {node.operation !== null && node.operation !== text && (
          <code className="break">
            <Marked text={node.operation} ranges={marks.get('name')} longest={80} />
          </code>
        )}
      </p>
    </li>
  );
}

function Group({ icon, children }: { icon: 'list' | 'query'; children: ReactNode }) {
  return (
    <span className="kind">
      <Icon name={icon} />
      {children}
    </span>
  );
}

