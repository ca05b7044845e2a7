/** What is chosen, with all that is known of it here; and everything that is drawn as a list, for those who read rather than look. */
import { pages } from '../../app/pages';
import { Badge } from '../../ui/Badge';
import { Ago } from '../../ui/Ago';
import { Icon } from '../../ui/Icon';
import { Link, OutLink } from '../../ui/Link';
import { count, plain } from '../../ui/text';
import type { Fire } from './fires';
import type { GraphNode, Model } from './model';
import { graphLink } from './place';
import type { GraphPlace } from './place';
import { said, saidBack } from './relations';
import type { HueOf } from './scene';
import { KindSign } from './Shapes';
import type { Fires } from './useFires';

interface Props {
  readonly place: GraphPlace & { readonly ref: string };
  readonly model: Model;
  readonly chosen: string;
  readonly fires: Fires;
  readonly hueOf: HueOf;
  readonly onChoose: (ref: string) => void;
  readonly onToggle: (ref: string) => void;
}

export function Aside(props: Props) {
  const { model, chosen, fires } = props;
  const node = model.nodes.find(({ ref }) => ref === chosen);
  return (
    <div className="graph-aside">
      {node && <Chosen {...props} node={node} fire={fires.of.get(node.ref)} />}
      <List {...props} />
    </div>
  );
}

function Chosen({ place, model, node, fire, hueOf, onToggle }: Props & { node: GraphNode; fire: Fire | undefined }) {
  const isFocus = node.ref === model.focus;
  const drawnHere = model.edges.filter(({ from, to }) => from === node.ref || to === node.ref).reduce((sum, { types }) => sum + types.length, 0);
  const more = Math.max(0, node.relations - drawnHere);
  return (
    <section className="graph-chosen" aria-label="What is chosen">
      <div className="graph-title">
        <KindSign kind={node.kind} hue={hueOf(node.kind)} />
        <div>
          <h2 className="break">{plain(node.label, 160)}</h2>
          <p className="soft small break">{plain(node.ref, 200)}</p>
        </div>
      </div>
      {node.isMissing ? (
        <p className="small">A descriptor names it, and the catalog does not have it.</p>
      ) : (
        <p className="soft small">
          {plain([node.kind, node.type].filter(Boolean).join(' · '), 80)}
          {place.mode === 'impact' && !isFocus && ` · ${count(node.degree, 'step')} away`}
          {more > 0 && !node.isOpen && ` · ${count(more, 'more relation')}`}
        </p>
      )}
      {!node.isMissing && (
        <div className="row">
          {place.mode === 'near' && !isFocus && (
            <button type="button" className="button quiet graph-tool" onClick={() => onToggle(node.ref)}>
              <Icon name={node.isOpen ? 'minus' : 'plus'} />
              {node.isOpen ? 'Collapse' : 'Expand'}
            </button>
          )}
          {!isFocus && (
            <Link to={graphLink({ ...place, mode: place.mode === 'impact' ? 'impact' : 'near', ref: node.ref, open: [], shut: [] })} className="button quiet graph-tool">
              <Icon name="target" />
              Focus
            </Link>
          )}
          {place.mode !== 'impact' && (
            <Link to={graphLink({ ref: node.ref, mode: 'impact', live: place.live })} className="button quiet graph-tool">
              <Icon name="ripple" />
              What breaks without it
            </Link>
          )}
          {(place.mode !== 'path' || place.to === undefined) && !isFocus && (
            <Link to={graphLink({ ref: model.focus, mode: 'path', to: node.ref, hide: place.hide, live: place.live })} className="button quiet graph-tool">
              <Icon name="path" />
              Path to it
            </Link>
          )}
          {pages.some(({ segment }) => segment === 'catalog') && (
            <Link to={catalogLink(node.ref)} className="button quiet graph-tool">
              <Icon name="catalog" />
              In the catalog
            </Link>
          )}
        </div>
      )}
      {fire && <Incidents fire={fire} />}
      {node.problems.length > 0 && <Problems problems={node.problems} />}
    </section>
  );
}

function catalogLink(ref: string): string {
  return `/catalog/${ref.split(/[:/]/).map(encodeURIComponent).join('/')}`;
}

function Incidents({ fire }: { fire: Fire }) {
  return (
    <div>
      <h3 className="graph-sub">Incidents</h3>
      <ul className="graph-notes">
        {fire.incidents.map((incident, index) => (
          <li key={index}>
            <Badge tone="bad">{(incident.status ?? 'open').toLowerCase()}</Badge>{' '}
            <OutLink url={incident.url}>{plain([incident.number === null ? '' : `#${incident.number}`, incident.title ?? ''].filter(Boolean).join(' ') || 'An incident', 200)}</OutLink>
            <span className="soft small block-line">
              {incident.urgency !== null && `${incident.urgency.toLowerCase()} urgency, `}
              {incident.createdAt !== null && (
                <>
                  opened <Ago at={incident.createdAt} />
                </>
              )}
              {incident.stale && ', not asked again since'}
            </span>
          </li>
        ))}
        {fire.unknown.map((why, index) => (
          <li key={`why ${index}`}>
            <Badge tone="warn">unknown</Badge> {plain(why.connector, 60)}
            {why.code !== undefined && (
              <>
                {' '}
                <code className="break">{plain(why.code, 60)}</code>
              </>
            )}
            {(why.hint !== undefined || why.retryAt !== undefined) && (
              <span className="soft small block-line">
                {why.hint !== undefined && plain(why.hint, 200)}
                {why.retryAt !== undefined && (
                  <>
                    {' '}
                    Not worth asking again before <Ago at={why.retryAt} />.
                  </>
                )}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Problems({ problems }: { problems: GraphNode['problems'] }) {
  return (
    <div>
      <h3 className="graph-sub">Problems</h3>
      <ul className="graph-notes">
        {problems.slice(0, 6).map((problem, index) => (
          <li key={index}>
            <Badge tone={problem.severity === 'ERROR' ? 'bad' : problem.severity === 'WARNING' ? 'warn' : 'calm'}>{problem.severity.toLowerCase()}</Badge> {plain(problem.message, 300)}
            {problem.hint !== null && <span className="soft small block-line">{plain(problem.hint, 300)}</span>}
            <span className="soft small block-line break">
              <code>
                {plain(problem.file)}
                {problem.line !== null && `:${problem.line}`}
              </code>
            </span>
          </li>
        ))}
        {problems.length > 6 && <li className="soft small">and {problems.length - 6} more</li>}
      </ul>
    </div>
  );
}

/** A longer list of relations is opened by hand. */
const LONG = 12;

function List({ model, chosen, fires, hueOf, onChoose }: Props) {
  const labels = new Map(model.nodes.map(({ ref, label }) => [ref, label]));
  const ties = new Map<string, { key: string; words: string; other: string }[]>(model.nodes.map(({ ref }) => [ref, []]));
  for (const { key, from, to, types } of model.edges) {
    for (const type of types) {
      ties.get(from)?.push({ key: `${key} ${type}`, words: said(type), other: to });
      ties.get(to)?.push({ key: `${key} ${type} back`, words: saidBack(type, model.relations) ?? `${said(type)} ←`, other: from });
    }
  }
  return (
    <section className="graph-list" aria-label="Everything that is drawn">
      <h2>Everything that is drawn</h2>
      <ul>
        {model.nodes.map((node) => {
          const own = ties.get(node.ref) ?? [];
          const fire = fires.of.get(node.ref);
          return (
            <li key={node.ref} className="graph-item">
              <div className="graph-item-head">
                <button type="button" className="graph-item-name" aria-pressed={node.ref === chosen} onClick={() => onChoose(node.ref)}>
                  <KindSign kind={node.kind} hue={hueOf(node.kind)} />
                  <span className="break">{plain(node.label, 120)}</span>
                </button>
                <span className="soft small">{node.isMissing ? 'not in the catalog' : plain(node.kind, 30)}</span>
                {fire && fire.incidents.length > 0 && <Badge tone="bad">{count(fire.incidents.length, 'incident')}</Badge>}
                {fire?.incidents.length === 0 && <Badge tone="warn">incidents unknown</Badge>}
                {node.problems.length > 0 && <Badge tone={node.problems.some(({ severity }) => severity === 'ERROR') ? 'bad' : 'warn'}>{count(node.problems.length, 'problem')}</Badge>}
              </div>
              {own.length > 0 && (
                <details open={node.ref === chosen && own.length <= LONG}>
                  <summary className="soft small">{count(own.length, 'relation')}</summary>
                  <ul className="graph-ties small">
                    {own.map(({ key, words, other }) => (
                      <li key={key}>
                        <span className="soft">{plain(words, 40)}</span>{' '}
                        <button type="button" className="graph-tie" onClick={() => onChoose(other)}>
                          {plain(labels.get(other) ?? other, 120)}
                        </button>
                      </li>
                    ))}
                  </ul>
                </details>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
