/**
 * What only this kind has: found out from the graph itself, so that a kind that nobody foresaw has a page as good as any.
 *
 * The fields of its type beyond those of every entity become a query: values, references to other entities, and objects of a few values.
 * Lists of entities are left to the relations, live values to their cards.
 */
import type { Document } from '../../../data/document';

interface TypeRef {
  readonly kind: string;
  readonly name: string | null;
  readonly ofType?: TypeRef | null;
}

interface Named extends TypeRef {
  readonly interfaces?: readonly { readonly name: string }[] | null;
  readonly fields?: readonly Field<TypeRef>[] | null;
  readonly ofType?: Named | null;
}

interface Field<Type> {
  readonly name: string;
  readonly description?: string | null;
  readonly args: readonly { readonly name: string }[];
  readonly type: Type;
}

export interface TypeFieldsQuery {
  readonly type: { readonly name: string; readonly fields: readonly Field<Named>[] | null } | null;
  readonly every: { readonly fields: readonly { readonly name: string }[] | null } | null;
}

const PLAIN = 'kind name ofType { kind name ofType { kind name ofType { kind name } } }';

export const TYPE_FIELDS: Document<TypeFieldsQuery, { name: string }> = {
  name: 'TypeFields',
  text: `query TypeFields($name: String!) {
  type: __type(name: $name) {
    name
    fields { name description args { name } type { ...Named ofType { ...Named ofType { ...Named ofType { ...Named } } } } }
  }
  every: __type(name: "Entity") { fields { name } }
}

fragment Named on __Type {
  kind
  name
  interfaces { name }
  fields { name args { name } type { ${PLAIN} } }
}`,
};

/** What the head of the page says already, or a card of its own does. */
const SAID: ReadonlySet<string> = new Set(['owner', 'type', 'lifecycle', 'definition']);
/** So many values of an object are shown. */
const MOST = 8;

export type Shape =
  | { readonly is: 'value' }
  | { readonly is: 'entity' }
  | { readonly is: 'object'; readonly fields: readonly string[] };

export interface OwnField {
  readonly name: string;
  readonly description: string | undefined;
  readonly shape: Shape;
}

export interface Own {
  readonly fields: readonly OwnField[];
  readonly document: Document<OwnQuery, { ref: string }>;
}

export interface OwnQuery {
  readonly entity: Readonly<Record<string, unknown>> | null;
}

/** Nothing where the type has nothing of its own, or the graph says nothing about itself. */
export function ownOf({ type, every }: TypeFieldsQuery): Own | undefined {
  const common = new Set(every?.fields?.map(({ name }) => name));
  if (!type || common.size === 0) return undefined;
  const fields = (type.fields ?? []).filter(({ name, args }) => !common.has(name) && !SAID.has(name) && args.length === 0);
  const own = fields.flatMap(({ name, description, type: of }): OwnField[] => {
    const shape = shapeOf(bare(of));
    return shape ? [{ name, description: description ?? undefined, shape }] : [];
  });
  if (own.length === 0) return undefined;
  const text = own.map(({ name, shape }) => (shape.is === 'value' ? name : `${name} { ${shape.is === 'entity' ? 'ref title' : shape.fields.join(' ')} }`)).join('\n      ');
  const name = `Own_${type.name}_${text.length}`;
  return {
    fields: own,
    document: { name, text: `query ${name}($ref: EntityRef!) {\n  entity(ref: $ref) {\n    ... on ${type.name} {\n      ${text}\n    }\n  }\n}\n` },
  };
}

function bare<Type extends TypeRef>(type: Type): Type {
  let at = type;
  while (at.kind === 'NON_NULL' || at.kind === 'LIST') {
    if (!at.ofType) break;
    at = at.ofType as Type;
  }
  return at;
}

function shapeOf(type: Named): Shape | undefined {
  if (isValue(type)) return { is: 'value' };
  const interfaces = type.interfaces?.map(({ name }) => name) ?? [];
  if (type.name === 'Entity' || interfaces.includes('Entity')) return { is: 'entity' };
  if (type.kind !== 'OBJECT' || interfaces.includes('Live')) return undefined;
  const fields = (type.fields ?? []).filter((field) => field.args.length === 0 && isValue(bare(field.type))).map(({ name }) => name);
  const isConnection = (type.fields ?? []).some(({ name }) => name === 'pageInfo');
  return isConnection || fields.length === 0 ? undefined : { is: 'object', fields: fields.slice(0, MOST) };
}

function isValue({ kind }: TypeRef): boolean {
  return kind === 'SCALAR' || kind === 'ENUM';
}

/** A value as text; nothing where there is none. */
export function asText(value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) {
    const parts = value.map(asText).filter((part) => part !== undefined);
    return parts.length > 0 ? parts.join(', ') : undefined;
  }
  return JSON.stringify(value);
}

export interface RefLike {
  readonly ref: string;
  readonly title: string | null;
}

/** One entity or several, as the answer has them. */
export function asRefs(value: unknown): RefLike[] {
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((one): one is RefLike => typeof one === 'object' && one !== null && 'ref' in one && typeof one.ref === 'string');
}

/** One object or several, each as the texts that it has. */
export function asObjects(value: unknown, fields: readonly string[]): (readonly [string, string])[][] {
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all
    .filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
    .map((one) => fields.flatMap((field) => {
      const text = asText(one[field]);
      return text === undefined ? [] : [[field, text] as const];
    }))
    .filter((entries) => entries.length > 0);
}

/** A query for one live field of the entity, with the values that its type has; for connectors that this page has no card for. */
export function askFor({ type }: TypeFieldsQuery, field: string): string | undefined {
  const found = type?.fields?.find(({ name }) => name === field);
  if (!type || !found) return undefined;
  const of = bare(found.type);
  const values = (of.fields ?? []).filter(({ args, type: each }) => args.length === 0 && isValue(bare(each))).map(({ name }) => name);
  const inner = of.fields?.some(({ name }) => name === 'nodes') === true ? [...values, 'nodes { __typename }'] : values;
  const selection = isValue(of) ? '' : ` {\n      ${(inner.length > 0 ? inner : ['__typename']).join('\n      ')}\n    }`;
  return `query LiveValue($ref: EntityRef!) {\n  entity(ref: $ref) {\n    ... on ${type.name} {\n    ${field}${selection}\n    live(fields: ["${field}"]) { connector state fetchedAt code hint }\n    }\n  }\n}\n`;
}
