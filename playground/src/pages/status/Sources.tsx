/** One row for each place that the catalog is read from. */
import type { StatusQuery } from '../../gen/documents';
import { Ago } from '../../ui/Ago';
import { Badge } from '../../ui/Badge';
import type { Tone } from '../../ui/Badge';
import { Empty } from '../../ui/states';
import { number, plain } from '../../ui/text';
import { None } from './Connectors';

type Source = StatusQuery['sources'][number];

const TONES: Record<Source['state'], Tone> = { WAITING: 'calm', READING: 'calm', READY: 'good', FAILING: 'bad' };
const WORDS: Record<Source['state'], string> = { WAITING: 'not read yet', READING: 'being read', READY: 'read', FAILING: 'failing' };

export function Sources({ sources }: { sources: readonly Source[] }) {
  if (sources.length === 0) {
    return (
      <Empty title="The configuration names no sources">
        <p>
          Name your descriptors under <code>sources</code> in <code>callboard.yaml</code>.
        </p>
      </Empty>
    );
  }
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Sources">
      <table className="table stacks">
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">State</th>
            <th scope="col">Last run</th>
            <th scope="col" className="num">Entities</th>
            <th scope="col" className="num">Files</th>
            <th scope="col" className="num">Problems</th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          {sources.map((source) => (
            <tr key={source.name}>
              <th scope="row">
                {plain(source.name, 60)}
                <span className="soft small break block-line">{plain(source.target, 120)}</span>
              </th>
              <td data-name="State">
                <Badge tone={TONES[source.state]}>{WORDS[source.state]}</Badge>
              </td>
              <td className="nowrap" data-name="Last run">
                <Ago at={source.lastReadAt} />
              </td>
              <td className="num" data-name="Entities">{number(source.entities)}</td>
              <td className="num" data-name="Files">{number(source.files)}</td>
              <td className="num" data-name="Problems">{source.problems === 0 ? '0' : <span className="warn">{number(source.problems)}</span>}</td>
              <td className="wide small" data-name="Last error">
                {source.lastError ? (
                  <>
                    {plain(source.lastError, 240)} <Ago at={source.lastErrorAt} />
                  </>
                ) : (
                  <None />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
