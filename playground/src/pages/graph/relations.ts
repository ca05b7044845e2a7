/** Relations come in pairs that say the same from either end; a drawing shows one arrow for both. */

/** One end, the other end, and how each is said. The first of a pair is drawn: all arrows then lead to what something stands on or belongs to. */
const PAIRS: readonly (readonly [string, string, string, string])[] = [
  ['dependsOn', 'dependencyOf', 'depends on', 'needed by'],
  ['consumesApi', 'apiConsumedBy', 'consumes', 'consumed by'],
  ['apiProvidedBy', 'providesApi', 'provided by', 'provides'],
  ['partOf', 'hasPart', 'part of', 'has part'],
  ['ownedBy', 'ownerOf', 'owned by', 'owns'],
  ['childOf', 'parentOf', 'child of', 'parent of'],
  ['memberOf', 'hasMember', 'member of', 'has member'],
];

export interface Stated {
  readonly source: string;
  readonly type: string;
  readonly target: string;
}

const INVERSE = new Map(PAIRS.map(([drawn, other]) => [other, drawn]));
const FORWARD = new Map(PAIRS.map(([drawn, , said]) => [drawn, said]));
const BACKWARD = new Map(PAIRS.map(([drawn, , , said]) => [drawn, said]));

/** `readsFrom` as `reads from`. */
function spaced(type: string): string {
  return type
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_-]+/g, ' ')
    .toLowerCase();
}

/** How a relation is said along its arrow. */
export function said(type: string): string {
  return FORWARD.get(type) ?? BACKWARD.get(INVERSE.get(type) ?? '') ?? spaced(type);
}

/** How it is said from where the arrow ends; nothing if its schema's word for that is not known. */
export function saidBack(type: string): string | undefined {
  return BACKWARD.get(type) ?? FORWARD.get(INVERSE.get(type) ?? '');
}

/**
 * Pairs that the relations themselves show: each of the one type has a counterpart of the other type, and the other way round.
 * Only entities in `told` say all of theirs, so only relations between two of them count.
 */
export function pairsIn(stated: readonly Stated[], told: ReadonlySet<string>): ReadonlyMap<string, string> {
  const both = stated.filter(({ source, type, target }) => told.has(source) && told.has(target) && !FORWARD.has(type) && !INVERSE.has(type));
  const between = new Map<string, Set<string>>();
  for (const { source, type, target } of both) {
    const key = `${source} ${target}`;
    between.set(key, (between.get(key) ?? new Set()).add(type));
  }
  const candidates = new Map<string, Set<string>>();
  for (const { source, type, target } of both) {
    const back = between.get(`${target} ${source}`) ?? new Set();
    const so = candidates.get(type);
    candidates.set(type, new Set(so === undefined ? back : [...so].filter((one) => back.has(one))));
  }
  const pairs = new Map<string, string>();
  for (const [type, others] of [...candidates].sort(([a], [b]) => a.localeCompare(b))) {
    if (pairs.has(type)) continue;
    const other = [...others].sort().find((one) => one !== type && !pairs.has(one) && candidates.get(one)?.has(type) === true);
    if (other !== undefined && type < other) pairs.set(other, type);
  }
  return pairs;
}

/** The relation as it is drawn. */
export function drawn({ source, type, target }: Stated, pairs: ReadonlyMap<string, string>): Stated {
  const other = INVERSE.get(type) ?? pairs.get(type);
  return other === undefined ? { source, type, target } : { source: target, type: other, target: source };
}
