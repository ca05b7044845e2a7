/** What `extensions.callboard` of an answer says: which upstreams were asked, when, and what was at hand. */
import { signal } from '../../data/signal';

export interface UpstreamRequest {
  readonly connector: string;
  readonly instance: string;
  readonly method: string;
  readonly path: string;
  readonly brings: string | undefined;
  readonly status: number | null;
  /** When it was sent, in ms from the beginning. */
  readonly start: number;
  readonly ms: number;
  readonly bytes: number;
}

export interface ConnectorTrace {
  readonly name: string;
  readonly requestCount: number;
  readonly hits: number;
  readonly stale: number;
  readonly misses: number;
  /** In seconds. */
  readonly oldestAge: number;
  readonly budgetRemaining: number | null;
}

export interface Trace {
  /** In the server, in ms. */
  readonly ms: number;
  readonly fields: number;
  readonly liveFields: number;
  readonly connectors: readonly ConnectorTrace[];
  /** By when they were sent. */
  readonly requests: readonly UpstreamRequest[];
}

/** The last answer, as the page that asked saw it. */
export interface Seen {
  readonly status: number;
  /** From sending to the last byte, in ms. */
  readonly ms: number;
  readonly bytes: number;
  readonly trace: Trace | undefined;
}

export const seen = signal<Seen | undefined>(undefined);

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

function amount(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Reads the extension; what is not there counts as nothing. */
export function traceIn(extension: unknown): Trace | undefined {
  if (typeof extension !== 'object' || extension === null) return undefined;
  const { ms, plan, connectors } = fields(extension);
  const all = list(connectors);
  const requests = all.flatMap((connector) =>
    list(connector.requests).map((request) => ({
      connector: text(connector.name),
      instance: text(request.instance),
      method: text(request.method),
      path: text(request.path),
      brings: text(request.brings) || undefined,
      status: typeof request.status === 'number' ? request.status : null,
      start: amount(request.start),
      ms: amount(request.ms),
      bytes: amount(request.bytes),
    })),
  );
  return {
    ms: amount(ms),
    fields: amount(fields(plan).fields),
    liveFields: amount(fields(plan).liveFields),
    connectors: all.map((connector) => {
      const { hits, stale, misses } = fields(connector.cache);
      return {
        name: text(connector.name),
        requestCount: amount(connector.requestCount),
        hits: amount(hits),
        stale: amount(stale),
        misses: amount(misses),
        oldestAge: amount(connector.oldestAge),
        budgetRemaining: typeof connector.budgetRemaining === 'number' ? connector.budgetRemaining : null,
      };
    }),
    requests: requests.sort((a, b) => a.start - b.start || b.ms - a.ms),
  };
}

/** A template as people read it: `/repos/{slug}/runs` for `/repos/{$slug | segments}/runs?branch={?$args.branch}`. */
export function shortPath(template: string): string {
  const [path = ''] = template.split('?', 1)[0] === '' ? [template] : template.split(/\?(?![^{]*\})/, 1);
  return path.replace(/\{\??\$?([A-Za-z_.]*)[^{}]*\}/g, (_whole, name: string) => `{${name.split('.').at(-1) ?? ''}}`);
}
