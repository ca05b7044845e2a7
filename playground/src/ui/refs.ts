/** References of entities: `kind:namespace/name`, where their pages are, and how they are said. */

export interface RefParts {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The parts of a canonical reference; nothing if it is none. */
export function partsOf(ref: string): RefParts | undefined {
  const colon = ref.indexOf(':');
  const slash = ref.indexOf('/', colon);
  if (colon < 1 || slash < colon + 2 || slash === ref.length - 1) return undefined;
  return { kind: ref.slice(0, colon), namespace: ref.slice(colon + 1, slash), name: ref.slice(slash + 1) };
}

/** The page of an entity; what is no canonical reference is searched for. */
export function entityPath(ref: string): string {
  const parts = partsOf(ref);
  if (!parts) return `/catalog?q=${encodeURIComponent(ref)}`;
  return `/catalog/${[parts.kind, parts.namespace, parts.name].map(encodeURIComponent).join('/')}`;
}

/** `payments-api`, or `other/payments-api` in another namespace than the usual one. */
export function shortName(ref: string): string {
  const parts = partsOf(ref);
  if (!parts) return ref;
  return parts.namespace === 'default' ? parts.name : `${parts.namespace}/${parts.name}`;
}

const HUES = 7;

/**
 * The colour of a kind, 1 to 7, the same on every page; it only helps the eye, the kind's name stands beside it.
 * The two numbers are such that the kinds which most catalogs have differ.
 */
export function hueOf(kind: string): number {
  let sum = 0;
  for (const letter of kind.toLowerCase()) sum = (sum * 41 + (letter.codePointAt(0) ?? 0)) % 4093;
  return (sum % HUES) + 1;
}

const SPELLED: ReadonlyMap<string, string> = new Map([
  ['api', 'API'],
  ['apis', 'APIs'],
  ['ci', 'CI'],
  ['id', 'ID'],
  ['url', 'URL'],
]);

/** `dependsOn` as people say it: `depends on`. */
export function words(name: string): string {
  return name
    .replace(/[_-]+/g, ' ')
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(' ')
    .map((word) => SPELLED.get(word.toLowerCase()) ?? (/^[A-Z][a-z]/.test(word) ? word.toLowerCase() : word))
    .join(' ');
}
