/** Nothing is drawn yet: find something, or begin with one of these. */
import { navigate } from '../../app/location';
import type { Query } from '../../data/useQuery';
import type { GraphStartQuery } from '../../gen/documents';
import { Link } from '../../ui/Link';
import { Empty, Shown } from '../../ui/states';
import { plain } from '../../ui/text';
import { Picker } from './Picker';
import { graphLink } from './place';
import type { HueOf } from './scene';
import { KindSign } from './Shapes';

export function Start({ hueOf, start }: { hueOf: HueOf; start: Query<GraphStartQuery> }) {
  return (
    <div className="graph-start">
      <div className="hero">
        <h1>See what hangs together</h1>
        <p className="soft">Pick anything in the catalog: what is around it, what would feel it if it went away, and how it is connected with something else.</p>
        <Picker label="Find an entity" placeholder="A service, an API, a team …" value="" hueOf={hueOf} onPick={(ref) => navigate(graphLink({ ref }))} />
      </div>
      <Shown query={start} what="the catalog">
        {({ entities, anything }) => <Beginnings found={entities.nodes.length > 0 ? entities.nodes : anything.nodes} hueOf={hueOf} />}
      </Shown>
    </div>
  );
}

function Beginnings({ found, hueOf }: { found: GraphStartQuery['anything']['nodes']; hueOf: HueOf }) {
  if (found.length === 0) {
    return (
      <Empty title="The catalog is empty">
        <p>
          Name your descriptors under <code>sources</code> in <code>callboard.yaml</code>; what is read can be drawn at once.
        </p>
      </Empty>
    );
  }
  return (
    <section>
      <h2 className="section-title">To begin with</h2>
      <ul className="graph-beginnings">
        {found.map(({ ref, kind, name, title }) => (
          <li key={ref}>
            <Link to={graphLink({ ref })} className="graph-begin">
              <KindSign kind={kind} hue={hueOf(kind)} />
              <span className="break">{plain(title ?? name, 80)}</span>
              <span className="soft small">{plain(kind, 30)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
