/** A part of a page with a heading; at its end, if it is asked of the graph, the query behind it. */
import type { ReactNode } from 'react';
import { queryLink } from '../pages/query/share';
import { Icon } from './Icon';
import { Link } from './Link';

interface Props {
  readonly title: string;
  /** What stands at the right of the heading. */
  readonly aside?: ReactNode;
  readonly query?: { readonly document: { readonly text: string }; readonly variables?: object };
  readonly className?: string;
  readonly children: ReactNode;
}

export function Card({ title, aside, query, className, children }: Props) {
  return (
    <section className={className ? `card ${className}` : 'card'}>
      <header className="card-head">
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
      {query && (
        <footer className="card-foot">
          <Link to={queryLink(query.document.text, query.variables)} className="subtle-link">
            <Icon name="query" />
            The query behind this
          </Link>
        </footer>
      )}
    </section>
  );
}
