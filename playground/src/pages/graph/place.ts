/** What is drawn, as it stands in the address: `/graph/<kind>/<namespace>/<name>?…`. What is as always stands not in it. */

export type Mode = 'near' | 'impact' | 'path';
export type Direction = 'DEPENDENTS' | 'DEPENDENCIES';

export interface GraphPlace {
  /** As the address has it; the graph answers with the canonical form. */
  readonly ref: string | undefined;
  readonly mode: Mode;
  /** Rings around the entity. */
  readonly depth: number;
  /** Expanded by hand, and collapsed by hand. */
  readonly open: readonly string[];
  readonly shut: readonly string[];
  /** Relations that are not drawn. */
  readonly hide: readonly string[];
  readonly direction: Direction;
  /** How far `impact` looks. */
  readonly steps: number;
  /** Where a path leads. */
  readonly to: string | undefined;
  /** Whether upstreams are asked for incidents. */
  readonly live: boolean;
}

export const DEPTHS = [1, 2, 3] as const;
export const MOST_STEPS = 12;
const STEPS = 3;

export const NOWHERE: GraphPlace = { ref: undefined, mode: 'near', depth: 1, open: [], shut: [], hide: [], direction: 'DEPENDENTS', steps: STEPS, to: undefined, live: true };

export function placeIn(rest: readonly string[], search: string): GraphPlace {
  const fields = new URLSearchParams(search);
  const [kind, namespace, name] = rest;
  const mode = fields.get('mode');
  return {
    ref: kind === undefined ? undefined : namespace === undefined ? kind : name === undefined ? `${kind}:${namespace}` : `${kind}:${namespace}/${rest.slice(2).join('/')}`,
    mode: mode === 'impact' || mode === 'path' ? mode : 'near',
    depth: within(fields.get('depth'), 1, DEPTHS.length, 1),
    open: list(fields.get('open')),
    shut: list(fields.get('shut')),
    hide: list(fields.get('hide')),
    direction: fields.get('direction') === 'dependencies' ? 'DEPENDENCIES' : 'DEPENDENTS',
    steps: within(fields.get('steps'), 1, MOST_STEPS, STEPS),
    to: fields.get('to') ?? undefined,
    live: fields.get('live') !== 'off',
  };
}

/** The path of the page that draws this. */
export function graphLink(place: Partial<GraphPlace>): string {
  const { ref, mode, depth, open, shut, hide, direction, steps, to, live } = { ...NOWHERE, ...place };
  const fields: string[] = [];
  const set = (name: string, value: string): unknown => fields.push(`${name}=${encodeURIComponent(value).replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%2F/g, '/')}`);
  if (mode !== 'near') set('mode', mode);
  if (mode === 'near') {
    if (depth !== 1) set('depth', String(depth));
    if (open.length > 0) set('open', open.join(','));
    if (shut.length > 0) set('shut', shut.join(','));
  }
  if (mode === 'impact') {
    if (direction !== 'DEPENDENTS') set('direction', 'dependencies');
    if (steps !== STEPS) set('steps', String(steps));
  }
  if (to !== undefined && mode === 'path') set('to', to);
  if (hide.length > 0) set('hide', hide.join(','));
  if (!live) set('live', 'off');
  const at = ref === undefined ? '' : `/${partsOf(ref).map(encodeURIComponent).join('/')}`;
  return `/graph${at}${fields.length > 0 ? `?${fields.join('&')}` : ''}`;
}

/** `kind:namespace/name` in three; anything else as it is. */
function partsOf(ref: string): string[] {
  const found = /^([^:/]+):([^:/]+)\/([^:/]+)$/.exec(ref);
  return found ? found.slice(1) : [ref];
}

function within(text: string | null, least: number, most: number, otherwise: number): number {
  const value = Number(text ?? Number.NaN);
  return Number.isInteger(value) ? Math.min(most, Math.max(least, value)) : otherwise;
}

function list(text: string | null): string[] {
  return [...new Set((text ?? '').split(',').filter((part) => part !== ''))];
}
