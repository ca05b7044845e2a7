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

/** How it is said from where the arrow ends; nothing if it has no name there. */
export function saidBack(type: string, { inverse }: Relations): string | undefined {
  const known = BACKWARD.get(type) ?? FORWARD.get(INVERSE.get(type) ?? '');
  if (known !== undefined) return known;
  const other = inverse.get(type);
  return other === undefined ? undefined : spaced(other);
}

/** Types as the schema declares them. */
export type Declared = readonly { readonly type: string; readonly inverse: string | null }[];

/** What relations there are, and how they pair. */
export interface Relations {
  /** Every type that the schema declares. */
  readonly types: readonly string[];
  /** The type of the other end. */
  readonly inverse: ReadonlyMap<string, string>;
  /** Which type is drawn in place of this one; itself where it is not in here. */
  readonly drawnAs: ReadonlyMap<string, string>;
}

/** Of a pair that has no place in the list above, the type is drawn that the schema declares first. */
export function relationsOf(declared: Declared): Relations {
  const inverse = new Map(declared.flatMap(({ type, inverse }) => (inverse === null ? [] : [[type, inverse] as const])));
  const drawnAs = new Map(INVERSE);
  for (const [type, other] of inverse) {
    if (type !== other && !FORWARD.has(type) && !drawnAs.has(type) && !drawnAs.has(other)) drawnAs.set(other, type);
  }
  return { types: declared.map(({ type }) => type), inverse, drawnAs };
}

/** The type that is drawn. */
export function drawnType(type: string, { drawnAs }: Relations): string {
  return drawnAs.get(type) ?? type;
}

/** Every type but those whose drawn one is hidden; nothing where none is. */
export function without(hide: readonly string[], relations: Relations): string[] | null {
  if (hide.length === 0) return null;
  const hidden = new Set(hide);
  return relations.types.filter((type) => !hidden.has(drawnType(type, relations)));
}

/** The relation as it is drawn. */
export function drawn({ source, type, target }: Stated, relations: Relations): Stated {
  const drawn = drawnType(type, relations);
  return drawn === type ? { source, type, target } : { source: target, type: drawn, target: source };
}
