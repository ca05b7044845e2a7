/** What could be here and is not: what to write into the descriptor, or to switch on. */
import { Card } from '../../../ui/Card';
import { words } from '../../../ui/refs';
import { plain } from '../../../ui/text';
import { lacking, said } from './live';
import type { Match } from './live';

interface Props {
  readonly matches: readonly (Match & { readonly instance: string | null })[];
  readonly fields: readonly string[];
  readonly hasDocs: boolean;
  readonly query: { readonly document: { readonly text: string }; readonly variables: object };
}

export function Lacking({ matches, fields, hasDocs, query }: Props) {
  const all = lacking(matches, fields);
  if (all.length === 0 && hasDocs) return null;
  return (
    <Card title="What could be here" query={query}>
      <div className="card-body">
        <p className="soft small">
          Not connected: {[...all.map(({ field }) => words(field)), ...(hasDocs ? [] : ['docs'])].join(', ')}.
        </p>
        <details className="more">
          <summary>What to add</summary>
          <dl className="pairs">
            {all.map(({ field, reasons }) => (
              <div key={field}>
                <dt>{words(field)}</dt>
                <dd>
                  <ul className="reasons">
                    {reasons.map((reason, index) => (
                      <li key={index} className="break">
                        {plain(said({ ...reason, instance: null, state: reason.state ?? 'NO_ANNOTATION', fetchedAt: null, code: null, retryAt: null }), 200)}
                        {reason.hint !== null && <span className="soft"> – {plain(reason.hint, 300)}</span>}
                      </li>
                    ))}
                  </ul>
                </dd>
              </div>
            ))}
            {!hasDocs && (
              <div>
                <dt>docs</dt>
                <dd className="break">
                  The annotation <code>backstage.io/techdocs-ref: dir:.</code> takes the README and the folder <code>docs</code> beside the descriptor.
                </dd>
              </div>
            )}
          </dl>
        </details>
      </div>
    </Card>
  );
}
