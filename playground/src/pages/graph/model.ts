/** What is drawn, made of what the graph answered: entities once each, one arrow for both ends of a relation, nothing beyond a limit. */
import type { GraphNodeFragment, NeighbourhoodQuery, ReachQuery, WayQuery } from '../../gen/documents';
import { calledOf } from '../catalog/called';
import { drawn, drawnType } from './relations';
import type { Relations, Stated } from './relations';

/** So many entities can still be read in one drawing. */
export const MOST_NODES = 150;

export interface GraphNode {
  readonly ref: string;
  /** Empty where the catalog has no such entity. */
  readonly kind: string;
  readonly label: string;
  readonly type: string | undefined;
  readonly problems: readonly GraphNodeFragment['problems'][number][];
  /** A descriptor names it, and the catalog does not have it. */
  readonly isMissing: boolean;
  /** What is next to it is drawn as well. */
  readonly isOpen: boolean;
  /** Relations that it has in all; those that are not drawn are among them. */
  readonly relations: number;
  /** Steps from where the drawing begins. */
  readonly degree: number;
}

export interface GraphEdge {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  /** As drawn; several where two are related in several ways. */
  readonly types: readonly string[];
}

export interface TypeCount {
  readonly type: string;
  readonly count: number;
  readonly isHidden: boolean;
}

export interface Model {
  /** Where it begins. */
  readonly focus: string;
  /** Nearest first. */
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Of all that was answered, hidden ones too. */
  readonly types: readonly TypeCount[];
  /** How many there would be without the limit. */
  readonly of: number;
  readonly relations: Relations;
}

type Told = NonNullable<NeighbourhoodQuery['entitiesByRef'][number]>;
type Entity = GraphNodeFragment;

interface Known {
  readonly entity: Entity | undefined;
}

export interface Bounds {
  /** Types, as they are drawn, of relations that are not. */
  readonly hide: readonly string[];
  readonly relations: Relations;
  readonly limit?: number;
}

/** Kind and name of something that nobody has described. */
function missing(ref: string): Omit<GraphNode, 'isOpen' | 'degree'> {
  return { ref, kind: '', label: ref.replace(/^([^:]+):default\//, '$1:'), type: undefined, problems: [], isMissing: true, relations: 0 };
}

function nodeOf(ref: string, known: Known | undefined, isOpen: boolean, degree: number): GraphNode {
  const entity = known?.entity;
  if (!entity) return { ...missing(ref), isOpen: false, degree };
  const type = 'type' in entity ? entity.type : null;
  return {
    ref,
    kind: entity.kind,
    label: calledOf(entity) ?? entity.name,
    type: type ?? undefined,
    problems: entity.problems,
    isMissing: false,
    isOpen,
    relations: entity.all.totalCount,
    degree,
  };
}

/** Goes from the focus along everything that is not hidden, in the order in which it was told, and keeps the nearest. */
function assemble(focus: string, known: ReadonlyMap<string, Known>, stated: readonly Stated[], open: ReadonlySet<string>, { hide, relations, limit = MOST_NODES }: Bounds, untold = 0): Model {
  const hidden = new Set(hide);
  const arrows = new Map<string, Stated>();
  for (const one of stated) {
    const arrow = drawn(one, relations);
    arrows.set(`${arrow.source} ${arrow.type} ${arrow.target}`, arrow);
  }
  const counts = new Map<string, number>();
  for (const { type } of arrows.values()) counts.set(type, (counts.get(type) ?? 0) + 1);

  const next = new Map<string, string[]>();
  const join = (a: string, b: string): unknown => next.set(a, [...(next.get(a) ?? []), b]);
  const shown = [...arrows.values()].filter(({ type }) => !hidden.has(type));
  for (const { source, target } of shown) {
    join(source, target);
    join(target, source);
  }
  const degrees = new Map([[focus, 0]]);
  const queue = [focus];
  for (const ref of queue) {
    for (const other of next.get(ref) ?? []) {
      if (degrees.has(other)) continue;
      degrees.set(other, (degrees.get(ref) ?? 0) + 1);
      queue.push(other);
    }
  }
  const kept = queue.slice(0, limit);
  const within = new Set(kept);
  const edges = new Map<string, { from: string; to: string; types: string[] }>();
  for (const { source, type, target } of shown) {
    if (!within.has(source) || !within.has(target) || source === target) continue;
    const key = `${source} ${target}`;
    const edge = edges.get(key) ?? { from: source, to: target, types: [] };
    edge.types.push(type);
    edges.set(key, edge);
  }
  return {
    focus,
    nodes: kept.map((ref) => nodeOf(ref, known.get(ref), open.has(ref), degrees.get(ref) ?? 0)),
    edges: [...edges].map(([key, edge]) => ({ key, ...edge })),
    types: [...counts].map(([type, count]) => ({ type, count, isHidden: hidden.has(type) })).sort((a, b) => b.count - a.count || a.type.localeCompare(b.type)),
    of: queue.length + untold,
    relations,
  };
}

/** Which entities are expanded: those within the rings, but for those that were collapsed, and those that were expanded by hand. */
export interface Expansion {
  readonly depth: number;
  readonly open: readonly string[];
  readonly shut: readonly string[];
}

/** The refs that are still to be asked for, given what has been told; those in the ring `ring`. */
export function ringOf(focus: string, told: readonly Told[], ring: number, { shut }: Expansion, { hide, relations, limit = MOST_NODES }: Bounds): string[] {
  const by = new Map(told.map((entity) => [entity.ref, entity]));
  const closed = new Set(shut);
  const hidden = new Set(hide);
  const seen = new Set([focus]);
  let frontier = [focus];
  for (let step = 0; step < ring; step += 1) {
    const reached: string[] = [];
    for (const ref of frontier) {
      if (closed.has(ref) && ref !== focus) continue;
      for (const { type, targetRef, target } of by.get(ref)?.relations.nodes ?? []) {
        if (!target || hidden.has(drawnType(type, relations)) || seen.has(targetRef)) continue;
        seen.add(targetRef);
        reached.push(targetRef);
      }
    }
    frontier = reached;
  }
  return frontier.filter((ref) => !closed.has(ref)).slice(0, limit);
}

export function neighbourhood(focus: string, told: readonly Told[], { shut }: Pick<Expansion, 'shut'>, bounds: Bounds): Model {
  const known = new Map<string, Known>();
  const stated: Stated[] = [];
  const open = new Set<string>();
  let untold = 0;
  for (const entity of told) {
    known.set(entity.ref, { entity });
    if (shut.includes(entity.ref) && entity.ref !== focus) continue;
    open.add(entity.ref);
    for (const { type, targetRef, target } of entity.relations.nodes) {
      if (!known.has(targetRef)) known.set(targetRef, { entity: target ?? undefined });
      stated.push({ source: entity.ref, type, target: targetRef });
    }
    untold += Math.max(0, entity.all.totalCount - entity.relations.nodes.length);
  }
  return assemble(focus, known, stated, open, bounds, untold);
}

export function reach(answer: ReachQuery, bounds: Bounds): Model | undefined {
  const { start, impact } = answer;
  if (!start) return undefined;
  const known = new Map<string, Known>([[start.ref, { entity: start }], ...impact.nodes.map(({ entity }): [string, Known] => [entity.ref, { entity }])]);
  const degrees = new Map(impact.nodes.map(({ entity, degree }) => [entity.ref, degree]));
  degrees.set(start.ref, 0);
  const near = (edge: Stated): number => Math.min(degrees.get(edge.source) ?? 0, degrees.get(edge.target) ?? 0);
  const stated = impact.edges
    .flatMap(({ type, source, targetRef }) => (source ? [{ source: source.ref, type, target: targetRef }] : []))
    .sort((a, b) => near(a) - near(b));
  const model = assemble(start.ref, known, stated, new Set(), bounds);
  return { ...model, nodes: model.nodes.map((node) => ({ ...node, degree: degrees.get(node.ref) ?? node.degree })) };
}

/** Along a path relations stay as they are stated: it is read from its begin to its end. */
export function way(answer: WayQuery, to: string, { hide, relations }: Bounds): Model | undefined {
  const { start, end } = answer;
  if (!start) return undefined;
  const nodes = [nodeOf(start.ref, { entity: start }, false, 0)];
  const edges: GraphEdge[] = [];
  for (const { type, targetRef, target } of start.path ?? []) {
    const from = nodes.at(-1)?.ref ?? start.ref;
    nodes.push(nodeOf(targetRef, { entity: target ?? undefined }, false, nodes.length));
    edges.push({ key: `${from} ${targetRef}`, from, to: targetRef, types: [type] });
  }
  // Both ends are shown also where no path leads from one to the other.
  if (start.path === null && end?.ref !== start.ref) nodes.push(nodeOf(end?.ref ?? to, end ? { entity: end } : undefined, false, 1));
  const counts = new Map<string, number>();
  for (const type of edges.flatMap(({ types }) => types)) counts.set(drawnType(type, relations), (counts.get(drawnType(type, relations)) ?? 0) + 1);
  // What is left out does not count for the path: it can be let in again.
  const types = [...counts].map(([type, count]) => ({ type, count, isHidden: false }));
  const hidden = hide.map((type) => ({ type, count: 0, isHidden: true }));
  return { focus: start.ref, nodes, edges, types: [...types, ...hidden.filter(({ type }) => !counts.has(type))], of: nodes.length, relations };
}
