/** What is written about it; the pages themselves are read where the server renders them. */
import { address } from '../../../data/address';
import { EntityPage as EntityDocument } from '../../../gen/documents';
import { Card } from '../../../ui/Card';
import { EntityLink } from '../../../ui/EntityLink';
import { OutLink } from '../../../ui/Link';
import { plain } from '../../../ui/text';
import type { Found } from './EntityPage';

const MOST = 40;

export function Docs({ docs, of }: { docs: Found['docs']; of: string }) {
  if (!docs) return null;
  const pages = docs.pages.filter(({ inNav }, _, all) => inNav || !all.some((page) => page.inNav));
  return (
    <Card title="Docs" query={{ document: EntityDocument, variables: { ref: of } }} aside={<a href={fileOf(docs.url)}>{plain(docs.title, 80)}</a>}>
      {pages.length === 0 ? (
        <p className="card-none">There are no pages yet.</p>
      ) : (
        <ul className="doc-pages">
          {pages.slice(0, MOST).map((page) => (
            <li key={page.path} className="break">
              {page.breadcrumbs.length > 0 && <span className="soft small">{page.breadcrumbs.map((one) => plain(one, 60)).join(' › ')} › </span>}
              <a href={fileOf(page.url)}>{plain(page.title, 120)}</a>
            </li>
          ))}
          {pages.length > MOST && <li className="soft small">and {pages.length - MOST} more</li>}
        </ul>
      )}
      {docs.entity && docs.entity.ref !== of && (
        <p className="card-none small">
          These are the docs of <EntityLink of={docs.entity} bare />.
        </p>
      )}
      {docs.openIssues !== null && (
        <p className="card-none small">
          <OutLink url={docs.openIssues}>Say what is wrong with them</OutLink>
        </p>
      )}
    </Card>
  );
}

/** Paths of the server, wherever its root is. */
function fileOf(url: string): string {
  return address(url.replace(/^\/+/, '')).href;
}
