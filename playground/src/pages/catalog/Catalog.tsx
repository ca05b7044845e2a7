/** The catalog: what is in it, and the page of each entity. */
import type { PageProps } from '../../app/pages';
import { Link } from '../../ui/Link';
import { Browse } from './Browse';
import { EntityPage } from './entity/EntityPage';
import './catalog.css';

export default function Catalog({ rest }: PageProps) {
  const [kind, namespace, name, ...more] = rest;
  if (kind === undefined) return <Browse />;
  if (namespace !== undefined && name !== undefined && more.length === 0) {
    const ref = `${kind}:${namespace}/${name}`;
    return <EntityPage key={ref} kind={kind} namespace={namespace} name={name} />;
  }
  return (
    <div className="message">
      <h1>No entity has this address</h1>
      <p>
        Pages of entities are at <code>catalog/kind/namespace/name</code>, for example <code>catalog/component/default/payments-api</code>.
      </p>
      <p>
        <Link to={`/catalog?q=${encodeURIComponent(rest.join(' '))}`}>Search for it</Link>
      </p>
    </div>
  );
}
