/** What could be here and is not: what to write into the descriptor, or to switch on. */
import { Card } from '../../../ui/Card';
import { words } from '../../../ui/refs';
import { plain } from '../../../ui/text';
import { additions, lacking } from './live';
import type { Match } from './live';

interface Props {
  readonly matches: readonly Match[];
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
        <p className="soft small">Not connected: {[...all.map(words), ...(hasDocs ? [] : ['docs'])].join(', ')}.</p>
        <details className="more">
          <summary>What to add</summary>
          <dl className="pairs small">
            {additions(matches, fields).map(({ connector, fields: gives, annotations, hint }) => (
              <div key={`${connector} ${annotations.join()}`}>
                <dt className="break">
                  {plain(gives.map(words).join(', '), 200)} from {plain(connector, 60)}
                </dt>
                <dd className="break">
                  {annotations.length > 0 ? (
                    <>
                      the annotation{' '}
                      {annotations.map((name, index) => (
                        <span key={name}>
                          {index > 0 && ' or '}
                          <code>{plain(name, 120)}</code>
                        </span>
                      ))}
                    </>
                  ) : (
                    plain(hint ?? 'nobody says how', 300)
                  )}
                </dd>
              </div>
            ))}
            {!hasDocs && (
              <div>
                <dt>docs</dt>
                <dd className="break">
                  the annotation <code>backstage.io/techdocs-ref: dir:.</code> takes the README and the folder <code>docs</code> beside the descriptor
                </dd>
              </div>
            )}
          </dl>
        </details>
      </div>
    </Card>
  );
}
