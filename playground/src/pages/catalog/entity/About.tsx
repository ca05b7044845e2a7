/** The head of the page: what it is, who answers for it, and where one goes from here. */
import { useState } from 'react';
import { Badge } from '../../../ui/Badge';
import type { Tone } from '../../../ui/Badge';
import { EntityLink, Kind } from '../../../ui/EntityLink';
import { Icon } from '../../../ui/Icon';
import { Link, OutLink } from '../../../ui/Link';
import { partsOf } from '../../../ui/refs';
import { count, plain } from '../../../ui/text';
import { useFew } from '../../../ui/useFew';
import { calledOf } from '../called';
import { Tag } from '../Results';
import { changed, lookOf, pathOf } from '../place';
import type { FacetName } from '../place';
import type { Found } from './EntityPage';

const LIFECYCLES: Record<string, Tone> = { production: 'good', experimental: 'warn', deprecated: 'bad' };
/** A longer description is cut until somebody wants it all. */
const LONG = 600;
const FEW_TAGS = 24;

export function About({ entity }: { entity: Found }) {
  const { ref, kind, name, description, tags, runbook, previousRefs } = entity;
  const fewTags = useFew(tags, FEW_TAGS, 'tags');
  const heading = calledOf(entity) ?? name;
  const type = 'type' in entity ? entity.type : null;
  const lifecycle = 'lifecycle' in entity ? entity.lifecycle : null;
  return (
    <header className="entity-head">
      <p className="entity-kind">
        <Link to={only('kind', kind)} className="quiet-link">
          <Kind kind={kind} />
        </Link>
        {type && (
          <Link to={only('type', type)} className="quiet-link">
            {plain(type, 40)}
          </Link>
        )}
        {lifecycle && <Badge tone={LIFECYCLES[lifecycle.toLowerCase()] ?? 'calm'}>{plain(lifecycle, 40)}</Badge>}
      </p>
      <h1 className="break">{plain(heading, 160)}</h1>
      <p className="entity-ref">
        <code className="break">{plain(ref, 200)}</code>
        <CopyRef of={ref} />
        {previousRefs.length > 0 && <span className="soft small break">before: {previousRefs.slice(0, 3).map((one) => plain(one, 120)).join(', ')}</span>}
      </p>
      {description && <Description text={description} />}
      <dl className="entity-facts">
        {'owner' in entity && (
          <div>
            <dt>Owner</dt>
            <dd>{entity.owner ? <EntityLink of={{ ref: entity.owner.ref, title: calledOf(entity.owner) }} /> : <NoOwner named={entity.owners.nodes[0]?.targetRef} />}</dd>
          </div>
        )}
        {'owner' in entity && entity.owner?.contact && <Contact of={entity.owner.contact} />}
        {runbook && (
          <div>
            <dt>Runbook</dt>
            <dd>
              <OutLink url={runbook.url} className="break">{plain(runbook.title ?? runbook.url, 120)}</OutLink>
            </dd>
          </div>
        )}
        {tags.length > 0 && (
          <div>
            <dt>Tags</dt>
            <dd className="tags">
              {fewTags.shown.map((tag, index) => (
                <Tag key={index} tag={tag} />
              ))}
              {fewTags.more}
            </dd>
          </div>
        )}
      </dl>
      <p className="row">
        <Link to={graphPath(ref, 'impact')} className="button quiet">
          <Icon name="alert" />
          What breaks without it
        </Link>
        <Link to={graphPath(ref)} className="button quiet">
          <Icon name="graph" />
          Around it
        </Link>
        <span className="soft small">{entity.dependents.totalCount === 0 ? 'Nothing depends' : count(entity.dependents.totalCount, 'entity depends', 'entities depend')} on it directly</span>
      </p>
    </header>
  );
}

/** Nobody is named, or somebody whom the catalog does not know. */
function NoOwner({ named }: { named: string | undefined }) {
  if (named === undefined) return <span className="warn">nobody</span>;
  return (
    <>
      <code className="break">{plain(named, 120)}</code> <Badge tone="warn">not in the catalog</Badge>
    </>
  );
}

function only(facet: FacetName, value: string): string {
  const none = lookOf('');
  return pathOf(changed(none, { chosen: { ...none.chosen, [facet]: [value] } }));
}

/** The page Graph has the reference in its path. */
function graphPath(ref: string, mode?: 'impact'): string {
  const parts = partsOf(ref);
  const path = parts ? [parts.kind, parts.namespace, parts.name].map(encodeURIComponent).join('/') : encodeURIComponent(ref);
  return `/graph/${path}${mode === undefined ? '' : `?mode=${mode}`}`;
}

function Description({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > LONG;
  return (
    <div className="entity-description">
      <p className="break">{isLong && !isWhole ? `${plain(text.slice(0, LONG), LONG + 1)} …` : plain(text, text.length + 1)}</p>
      {isLong && (
        <button type="button" className="text-button small" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Less' : 'All of it'}
        </button>
      )}
    </div>
  );
}

function Contact({ of: { email, slack } }: { of: { readonly email: string | null; readonly slack: string | null } }) {
  if (email === null && slack === null) return null;
  return (
    <div>
      <dt>Contact</dt>
      <dd className="dots">
        {slack !== null && (
          <OutLink url={slack} className="break">
            {plain(slack.replace(/^https?:\/\//, ''), 80)}
          </OutLink>
        )}
        {email !== null && (
          <OutLink url={`mailto:${encodeURIComponent(email).replaceAll('%40', '@')}`} className="break">
            {plain(email, 80)}
          </OutLink>
        )}
      </dd>
    </div>
  );
}

function CopyRef({ of }: { of: string }) {
  const [isDone, setDone] = useState(false);
  return (
    <button
      type="button"
      className="icon-button icon-small"
      aria-label={isDone ? 'Copied' : 'Copy the reference'}
      title="Copy the reference"
      onClick={() => {
        // Without a secure context there is no clipboard; then the button says nothing happened by staying as it is.
        void (navigator.clipboard as Clipboard | undefined)?.writeText(of).then(
          () => setDone(true),
          () => setDone(false),
        );
      }}
    >
      <Icon name={isDone ? 'check' : 'copy'} />
    </button>
  );
}
