/** Where it was read, and the descriptor as it was read; asked for when somebody opens it. */
import { useState } from 'react';
import { useQuery } from '../../../data/useQuery';
import { EntityDescriptor } from '../../../gen/documents';
import { OutLink } from '../../../ui/Link';
import { Shown } from '../../../ui/states';
import { plain } from '../../../ui/text';
import type { Found } from './EntityPage';

/** A longer one is cut: the query behind it has it whole. */
const LONGEST = 40_000;

export function Descriptor({ of, source }: { of: string; source: Found['source'] }) {
  const [isOpen, setOpen] = useState(false);
  const query = useQuery(EntityDescriptor, { ref: of }, { skip: !isOpen });
  return (
    <div className="card-body">
      <p className="small break">
        <OutLink url={source.url}>
          <code>
            {plain(source.file, 240)}:{source.line}
          </code>
        </OutLink>{' '}
        <span className="soft">from {plain(source.name, 60)}</span>
      </p>
      {source.claims.length > 0 && (
        <p className="small break warn">
          {source.claims.length === 1 ? 'Another document claims' : `${source.claims.length} other documents claim`} the same reference:{' '}
          {source.claims.slice(0, 5).map(({ file, line }) => `${plain(file, 160)}:${line}`).join(', ')}
        </p>
      )}
      <details className="more" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>As read</summary>
        {isOpen && (
          <Shown query={query} what="the descriptor">
            {(data) => (
              <pre className="block small descriptor" tabIndex={0}>
                {plain(JSON.stringify(data.entity?.descriptor ?? null, null, 2), LONGEST)}
              </pre>
            )}
          </Shown>
        )}
      </details>
    </div>
  );
}
