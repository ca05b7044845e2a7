/** What it took to answer: a line of time of the upstream requests, and what each connector had at hand. */
import { useState, useSyncExternalStore } from 'react';
import { Icon } from '../../ui/Icon';
import { count, number, plain, span } from '../../ui/text';
import { seen, shortPath } from './trace';
import type { ConnectorTrace, Seen, Trace, UpstreamRequest } from './trace';

export function TracePane() {
  const last = useSyncExternalStore(seen.follow, seen.get);
  const [isOpen, setOpen] = useState(true);
  return (
    <section className="trace" aria-label="Trace">
      <button type="button" className="trace-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name="chevron" className={isOpen ? 'turned' : ''} />
        <strong>Trace</strong>
        <span className="soft">{last ? summary(last) : 'Run a query to see where its answer came from'}</span>
      </button>
      {isOpen && last && (
        <div className="trace-body" tabIndex={0} role="region" aria-label="What it took to answer">
          <Body seen={last} />
        </div>
      )}
    </section>
  );
}

/** Says nothing of where it went. */
const SCALARS = /^(Boolean|Float|Int|String|ID|JSON|DateTime|URL|HTML|Duration)$/;

function bytes(amount: number): string {
  return amount < 1000 ? `${number(amount)} B` : amount < 1_000_000 ? `${(amount / 1000).toFixed(1)} kB` : `${(amount / 1_000_000).toFixed(1)} MB`;
}

function summary({ ms, bytes: size, trace, status }: Seen): string {
  const parts = [`${Math.round(ms)} ms`, bytes(size)];
  if (status !== 200) parts.unshift(`status ${status}`);
  if (trace) parts.push(trace.requests.length === 0 ? 'no upstream asked' : count(trace.requests.length, 'upstream request'));
  return parts.join(' · ');
}

function Body({ seen: last }: { seen: Seen }) {
  const { trace } = last;
  if (!trace) return <p className="trace-note soft">The answer carries no trace: the query was refused before anything was asked.</p>;
  const slowest = trace.requests.reduce<UpstreamRequest | undefined>((worst, one) => (!worst || one.ms > worst.ms ? one : worst), undefined);
  return (
    <>
      <dl className="facts">
        <Fact name="In all">{Math.round(last.ms)} ms</Fact>
        <Fact name="In the server">{trace.ms} ms</Fact>
        <Fact name="Plan">
          {count(trace.fields, 'field')}, {trace.liveFields} live
        </Fact>
        {slowest && (
          <Fact name="Slowest">
            {slowest.brings && !SCALARS.test(slowest.brings) ? <code>{plain(slowest.brings, 40)}</code> : 'a request'} from {plain(slowest.connector, 40)}, {slowest.ms} ms
          </Fact>
        )}
      </dl>
      {trace.connectors.length === 0 ? (
        <p className="trace-note soft">Everything came from the catalog in memory: no upstream was asked.</p>
      ) : (
        <>
          {trace.requests.length > 0 && <p className="trace-note soft">Each bar is a request to an upstream: when it was sent, and how long it took. What came from the cache needed none.</p>}
          <Timeline trace={trace} slowest={slowest} />
          <Connectors connectors={trace.connectors} trace={trace} />
        </>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function hueOf(trace: Trace, connector: string): string {
  const index = trace.connectors.findIndex(({ name }) => name === connector);
  return `hue-${(Math.max(index, 0) % 8) + 1}`;
}

function Timeline({ trace, slowest }: { trace: Trace; slowest: UpstreamRequest | undefined }) {
  if (trace.requests.length === 0) return <p className="trace-note soft">Every live value came from the cache: no upstream was asked.</p>;
  const end = Math.max(trace.ms, 1, ...trace.requests.map(({ start, ms }) => start + ms));
  return (
    <ol className="timeline" aria-label={`Upstream requests within ${end} ms`}>
      {trace.requests.map((request, index) => (
        <li key={index} className={hueOf(trace, request.connector)}>
          <span className="timeline-name" title={`${request.method} ${request.path}`}>
            <b>{plain(request.connector, 24)}</b>
            {request.instance !== 'default' && <span className="soft"> {plain(request.instance, 24)}</span>} {request.method} {plain(shortPath(request.path), 80)}
          </span>
          <span className="timeline-track" aria-hidden="true">
            <span className="timeline-bar" style={{ left: `${(request.start / end) * 100}%`, width: `${Math.max((request.ms / end) * 100, 0.8)}%` }} />
          </span>
          <span className="timeline-end">
            {request.brings && !SCALARS.test(request.brings) && <code>{plain(request.brings, 24)}</code>}
            <span className={request.status !== null && request.status < 400 ? 'soft' : 'bad'}>{request.status ?? 'no answer'}</span>
            <span className={request === slowest ? 'timeline-ms slowest' : 'timeline-ms'}>{request.ms} ms</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

function Connectors({ connectors, trace }: { connectors: readonly ConnectorTrace[]; trace: Trace }) {
  return (
    <table className="table trace-table">
      <thead>
        <tr>
          <th scope="col">Connector</th>
          <th scope="col" className="num" title="Requests to the upstream">Requests</th>
          <th scope="col" className="num" title="Values that the cache had, and that were fresh">From cache</th>
          <th scope="col" className="num" title="Values from the cache that are asked for again behind the answer">Stale</th>
          <th scope="col" className="num" title="Values that the cache did not have">Not in cache</th>
          <th scope="col" className="num" title="Age of the oldest value from the cache">Oldest</th>
          <th scope="col" className="num" title="Requests that may still be sent before the limit of the upstream">Budget left</th>
        </tr>
      </thead>
      <tbody>
        {connectors.map((connector) => (
          <tr key={connector.name} className={hueOf(trace, connector.name)}>
            <th scope="row">
              <span className="swatch" aria-hidden="true" />
              {plain(connector.name, 40)}
            </th>
            <td className="num">{number(connector.requestCount)}</td>
            <td className="num">{number(connector.hits)}</td>
            <td className="num">{number(connector.stale)}</td>
            <td className="num">{number(connector.misses)}</td>
            <td className="num">{connector.hits + connector.stale > 0 ? span(connector.oldestAge * 1000) : '–'}</td>
            <td className="num">{connector.budgetRemaining === null ? '–' : number(connector.budgetRemaining)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
