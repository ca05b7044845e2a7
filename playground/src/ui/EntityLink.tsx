/** An entity, wherever it is named: its kind by colour and word, and a link to its page. */
import { Link } from './Link';
import { entityPath, hueOf, partsOf, shortName } from './refs';
import { plain } from './text';

/** The kind as a dot with its colour, and as a word for who sees no dots. */
export function KindDot({ kind }: { kind: string }) {
  return <span className={`kind-dot hue-${hueOf(kind)}`} aria-hidden="true" />;
}

export function Kind({ kind }: { kind: string }) {
  return (
    <span className="kind">
      <KindDot kind={kind} />
      {plain(kind, 40)}
    </span>
  );
}

interface Named {
  readonly ref: string;
  readonly title?: string | null;
}

export function EntityLink({ of, bare = false }: { of: Named; bare?: boolean }) {
  const parts = partsOf(of.ref);
  const title = of.title?.trim();
  return (
    <Link to={entityPath(of.ref)} className="entity-link break" title={of.ref.slice(0, 300)}>
      {!bare && parts && <KindDot kind={parts.kind} />}
      {plain(title === undefined || title === '' ? shortName(of.ref) : title, 120)}
    </Link>
  );
}
