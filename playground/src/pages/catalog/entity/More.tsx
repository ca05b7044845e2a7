/** Live values that have no card here, above all those of connectors of the house: a query for each is one click away. */
import { useQuery } from '../../../data/useQuery';
import { EntityExplain } from '../../../gen/documents';
import { Card } from '../../../ui/Card';
import { Link } from '../../../ui/Link';
import { words } from '../../../ui/refs';
import { plain } from '../../../ui/text';
import { queryLink } from '../../query/share';
import type { Match } from './live';
import { TYPE_FIELDS, askFor } from './own';

interface Props {
  readonly of: string;
  readonly type: string;
  readonly matches: readonly Match[];
  /** Those that have a card. */
  readonly cards: readonly string[];
}

export function More({ of, type, matches, cards }: Props) {
  const fields = useQuery(TYPE_FIELDS, { name: type });
  const types = fields.answer?.data;
  const others = matches.filter(({ field, applies }) => applies && !cards.includes(field));
  if (others.length === 0) return null;
  return (
    <Card title="More live values" query={{ document: EntityExplain, variables: { ref: of } }}>
      <ul className="more-live">
        {others.map(({ field, connector }) => {
          const text = types && askFor(types, field);
          const name = plain(words(field), 80);
          return (
            <li key={`${connector} ${field}`} className="break">
              {text === undefined ? name : <Link to={queryLink(text, { ref: of })}>{name}</Link>} <span className="soft small">from {plain(connector, 60)}</span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
