/** One row for each connector; its upstreams, if there are several, below it. */
import type { StatusQuery } from '../../gen/documents';
import { Ago } from '../../ui/Ago';
import { Badge } from '../../ui/Badge';
import type { Tone } from '../../ui/Badge';
import { Empty } from '../../ui/states';
import { count, number, plain } from '../../ui/text';

type Connector = StatusQuery['connectors'][number];
type Instance = Connector['instances'][number];

const TONES: Record<Connector['status'], Tone> = { READY: 'good', DEGRADED: 'warn', FAILING: 'bad', NOT_CONFIGURED: 'calm' };
const WORDS: Record<Connector['status'], string> = { READY: 'well', DEGRADED: 'degraded', FAILING: 'failing', NOT_CONFIGURED: 'not configured' };
const BREAKER: Record<Connector['breaker'], string> = { CLOSED: 'closed', HALF_OPEN: 'half open', OPEN: 'open' };

export function Connectors({ connectors }: { connectors: readonly Connector[] }) {
  if (connectors.length === 0) return <Empty title="No connectors are here" />;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Connectors">
      <table className="table stacks">
        <thead>
          <tr>
            <th scope="col">Connector</th>
            <th scope="col">State</th>
            <th scope="col">Budget</th>
            <th scope="col">Breaker</th>
            <th scope="col">Cache hits</th>
            <th scope="col" className="num">Requests</th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          {connectors.map((connector) => (
            <Rows key={connector.name} connector={connector} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Rows({ connector }: { connector: Connector }) {
  const { instances } = connector;
  const [only] = instances;
  const several = instances.length > 1;
  return (
    <>
      <tr className={connector.status === 'NOT_CONFIGURED' ? 'idle' : undefined}>
        <th scope="row">{plain(connector.name, 60)}</th>
        <td data-name="State">
          <Badge tone={TONES[connector.status]}>{WORDS[connector.status]}</Badge>
        </td>
        <td data-name="Budget">
          <Budget of={connector.budget} />
        </td>
        <td data-name="Breaker">{connector.status === 'NOT_CONFIGURED' ? <None /> : <span className={connector.breaker === 'CLOSED' ? '' : 'bad'}>{BREAKER[connector.breaker]}</span>}</td>
        <td data-name="Cache hits">
          <Hits of={connector.cache} />
        </td>
        <td className="num" data-name="Requests">{several ? number(instances.reduce((sum, { requests }) => sum + requests, 0)) : <Requests of={only} />}</td>
        <td className="wide" data-name="Last error">{several ? <None /> : <LastError of={only} />}</td>
      </tr>
      {!several && <Gaps of={only} />}
      {several &&
        instances.flatMap((instance) => [
          <tr key={instance.name} className="sub">
            <th scope="row">{plain(instance.name, 60)}</th>
            <td data-name="State">
              <Badge tone={TONES[instance.status]}>{WORDS[instance.status]}</Badge>
            </td>
            <td data-name="Budget">
              <Budget of={instance.budget} />
            </td>
            <td data-name="Breaker">{BREAKER[instance.breaker]}</td>
            <td data-name="Cache hits">
              <None />
            </td>
            <td className="num" data-name="Requests">
              <Requests of={instance} />
            </td>
            <td className="wide" data-name="Last error">
              <LastError of={instance} />
            </td>
          </tr>,
          <Gaps key={`${instance.name} lacks`} of={instance} />,
        ])}
    </>
  );
}

/** So many fields of a part are named; the others are counted. */
const NAMED = 12;

/** What does not work for want of a setting: opened by who wants to know. */
function Gaps({ of }: { of: Instance | undefined }) {
  if (!of || of.gaps.length === 0) return null;
  return (
    <tr className="lacks">
      <td colSpan={7}>
        <details>
          <summary>Lacks a setting for {count(of.gaps.reduce((sum, { fields }) => sum + fields.length, 0), 'field')}</summary>
          <ul>
            {of.gaps.map(({ source, fields, hint }) => (
              <li key={source}>
                <p className="break">{plain(hint, 400)}</p>
                <p className="soft break">
                  Without it these are not asked (<span>{plain(source, 60)}</span>):{' '}
                  {fields.slice(0, NAMED).map((field, index) => (
                    <span key={field}>
                      {index > 0 && ', '}
                      <code>{plain(field, 80)}</code>
                    </span>
                  ))}
                  {fields.length > NAMED && ` and ${number(fields.length - NAMED)} more`}
                </p>
              </li>
            ))}
          </ul>
        </details>
      </td>
    </tr>
  );
}

export function None() {
  return (
    <span className="soft" aria-label="none">
      –
    </span>
  );
}

export function Budget({ of }: { of: { remaining: number; limit: number; resetAt?: string | null } | null }) {
  if (!of) return <None />;
  const part = of.limit > 0 ? Math.min(1, of.remaining / of.limit) : 0;
  return (
    <span className="meter-row">
      <meter className="meter" min={0} max={1} low={0.1} high={0.3} optimum={1} value={part} aria-label={`${of.remaining} of ${of.limit} requests left`} />
      <span className="nowrap">
        {number(of.remaining)} <span className="soft">of {number(of.limit)}</span>
      </span>
    </span>
  );
}

function Hits({ of }: { of: Connector['cache'] }) {
  if (of.hitRatio === null) return <None />;
  return (
    <span title={`${of.hits} fresh from the cache, ${of.stale} stale, ${of.misses} asked for`} className="nowrap">
      {Math.round(of.hitRatio * 100)} %
    </span>
  );
}

function Requests({ of }: { of: Instance | undefined }) {
  return of && of.status !== 'NOT_CONFIGURED' ? number(of.requests) : <None />;
}

function LastError({ of }: { of: Instance | undefined }) {
  if (!of?.lastError) return of && of.mappingProblems > 0 ? <span className="small">{number(of.mappingProblems)} values of another type</span> : <None />;
  const { code, message, at } = of.lastError;
  return (
    <span className="small">
      <code>{plain(code)}</code> {plain(message, 240)}{' '}
      <span className="soft nowrap">
        <Ago at={at} />
      </span>
    </span>
  );
}
