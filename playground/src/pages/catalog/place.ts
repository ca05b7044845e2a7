/** What is looked for, as it stands in the address, and as the graph is asked for it. */
import type { BrowseQueryVariables, EntityFilter, FindQueryVariables, SearchIn } from '../../gen/documents';

/** The facets in their order; where several values are chosen any of them will do, but of tags all. */
export const FACETS = ['kind', 'type', 'lifecycle', 'owner', 'system', 'tags'] as const;
export type FacetName = (typeof FACETS)[number];

export const FACET_LABELS: Record<FacetName, string> = { kind: 'Kind', type: 'Type', lifecycle: 'Lifecycle', owner: 'Owner', system: 'System', tags: 'Tag' };

/** As they are called in the address. */
const PARAMETERS: Record<FacetName, string> = { kind: 'kind', type: 'type', lifecycle: 'lifecycle', owner: 'owner', system: 'system', tags: 'tag' };

/** What words can find, by its name in the address. */
const GROUPS: ReadonlyMap<string, SearchIn> = new Map([
  ['entities', 'ENTITIES'],
  ['docs', 'DOCS'],
  ['operations', 'OPERATIONS'],
]);

export type Sort = 'name' | 'changed' | 'new';
const SORTS: Record<Sort, NonNullable<BrowseQueryVariables['orderBy']>> = {
  name: [{ field: 'NAME', direction: 'ASC' }, { field: 'REF', direction: 'ASC' }],
  changed: [{ field: 'UPDATED_AT', direction: 'DESC' }, { field: 'REF', direction: 'ASC' }],
  new: [{ field: 'CREATED_AT', direction: 'DESC' }, { field: 'REF', direction: 'ASC' }],
};

/** So many on a page. */
export const PAGE = 30;

export interface Look {
  readonly words: string;
  readonly chosen: Readonly<Record<FacetName, readonly string[]>>;
  /** What is found by words; nothing means everything. */
  readonly group: string | undefined;
  readonly sort: Sort;
  readonly after: string | undefined;
  readonly before: string | undefined;
}

/** From the search part of an address; what is not understood is left out. */
export function lookOf(search: string): Look {
  const fields = new URLSearchParams(search);
  const all = (name: FacetName): string[] => [...new Set(fields.getAll(PARAMETERS[name]).filter((value) => value !== ''))];
  const group = fields.get('in') ?? '';
  const sort = fields.get('sort');
  return {
    words: fields.get('q') ?? '',
    chosen: { kind: all('kind'), type: all('type'), lifecycle: all('lifecycle'), owner: all('owner'), system: all('system'), tags: all('tags') },
    group: GROUPS.has(group) ? group : undefined,
    sort: sort === 'changed' || sort === 'new' ? sort : 'name',
    after: fields.get('after') ?? undefined,
    before: fields.get('before') ?? undefined,
  };
}

/** The address of what is looked for, below the server's root. */
export function pathOf(look: Look): string {
  const fields = new URLSearchParams();
  if (look.words !== '') fields.set('q', look.words);
  if (look.group !== undefined) fields.set('in', look.group);
  for (const name of FACETS) for (const value of look.chosen[name]) fields.append(PARAMETERS[name], value);
  if (look.sort !== 'name') fields.set('sort', look.sort);
  if (look.after !== undefined) fields.set('after', look.after);
  if (look.before !== undefined) fields.set('before', look.before);
  const text = fields.toString();
  return text === '' ? '/catalog' : `/catalog?${text}`;
}

/** Something else is looked for: from its first page on. */
export function changed(look: Look, change: Partial<Look>): Look {
  return { ...look, after: undefined, before: undefined, ...change };
}

export function toggled(look: Look, facet: FacetName, value: string): Look {
  const has = isChosen(look, facet, value);
  const values = has ? look.chosen[facet].filter((one) => !same(one, value)) : [...look.chosen[facet], value];
  return changed(look, { chosen: { ...look.chosen, [facet]: values } });
}

export function isChosen(look: Look, facet: FacetName, value: string): boolean {
  return look.chosen[facet].some((one) => same(one, value));
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

export function countChosen(look: Look): number {
  return FACETS.reduce((sum, name) => sum + look.chosen[name].length, 0);
}

/** The filter of what is chosen, but for one facet. */
export function filterOf(look: Look, without?: FacetName): EntityFilter | null {
  const filter: { -readonly [Key in keyof EntityFilter]: EntityFilter[Key] } = {};
  for (const name of FACETS) {
    const values = look.chosen[name];
    if (name === without || values.length === 0) continue;
    if (name === 'tags') filter.and = values.map((tag) => ({ tags: { contains: tag } }));
    else filter[name] = { in: values };
  }
  return Object.keys(filter).length > 0 ? filter : null;
}

type Counted = Omit<FindQueryVariables, 'words' | 'in' | 'first' | 'after'>;

function counted(look: Look): Counted {
  const has = (name: FacetName): boolean => look.chosen[name].length > 0;
  const but = (name: FacetName): EntityFilter | null => (has(name) ? filterOf(look, name) : null);
  return {
    filter: filterOf(look),
    by: FACETS.filter((name) => name === 'tags' || !has(name)),
    kind: has('kind'),
    butKind: but('kind'),
    type: has('type'),
    butType: but('type'),
    lifecycle: has('lifecycle'),
    butLifecycle: but('lifecycle'),
    owner: has('owner'),
    butOwner: but('owner'),
    system: has('system'),
    butSystem: but('system'),
  };
}

export function browseVariables(look: Look): BrowseQueryVariables {
  const page = look.before !== undefined ? { last: PAGE, before: look.before } : { first: PAGE, after: look.after ?? null };
  return { ...counted(look), ...page, orderBy: SORTS[look.sort] };
}

export function findVariables(look: Look): FindQueryVariables {
  const group = GROUPS.get(look.group ?? '');
  return { ...counted(look), words: look.words.trim(), in: group === undefined ? null : [group], first: PAGE, after: look.after ?? null };
}
