/** No entity has this reference: what may have been meant. */
import { useQuery } from '../../../data/useQuery';
import { EntityMeant } from '../../../gen/documents';
import { EntityLink } from '../../../ui/EntityLink';
import { Link } from '../../../ui/Link';
import { plain } from '../../../ui/text';
import { ProblemRows } from './Problems';

interface Suggested {
  readonly ref: string;
  readonly kind: string;
  readonly name: string;
  readonly title: string | null;
}

export function NotFound({ address, name, why }: { address: string; name: string; why?: string }) {
  const short = name.slice(0, 120);
  const query = useQuery(EntityMeant, { name: short, prefix: short });
  const data = query.answer?.data;
  const broken = (data?.problems.nodes ?? []).filter(({ entityRef }) => entityRef !== null && entityRef.toLowerCase() === address.toLowerCase());
  const found = new Map<string, Suggested>();
  for (const one of data?.same.nodes ?? []) found.set(one.ref, one);
  for (const { node } of data?.suggest ?? []) if ('ref' in node) found.set(node.ref, node as Suggested);
  return (
    <div className="message">
      <h1>{broken.length > 0 ? 'Its descriptor cannot be used' : 'Nothing in the catalog is called that'}</h1>
      <p className="break">
        No entity has the reference <code>{plain(address, 200)}</code>
        {broken.length > 0 ? ': a descriptor has that name, and has errors.' : why === undefined ? ', or you may not see it.' : ', and none can have it.'}
      </p>
      {broken.length > 0 && (
        <div className="card message-card">
          <ProblemRows problems={broken} />
        </div>
      )}
      {why !== undefined && <p className="soft small break">{plain(why, 300)}</p>}
      {found.size > 0 && (
        <div>
          <h2>It may be one of these</h2>
          <ul className="meant">
            {[...found.values()].slice(0, 8).map((one) => (
              <li key={one.ref}>
                <EntityLink of={one} /> <code className="soft small break">{plain(one.ref, 120)}</code>
              </li>
            ))}
          </ul>
        </div>
      )}
      <p className="row">
        <Link to={`/catalog?q=${encodeURIComponent(short)}`} className="button">
          Search for it
        </Link>
        <Link to="/catalog" className="button quiet">
          See the whole catalog
        </Link>
      </p>
    </div>
  );
}
