/**
 * Where everything stands: layers, by dagre, which is loaded with the page alone.
 *
 * Entities that are related to the very same others in the same ways are put together into one block, a grid, with one arrow for all of them.
 * Without that a team of a hundred services is one layer of a hundred boxes, and no window shows it.
 */
import { Graph, layout as dagre } from '@dagrejs/dagre';
import type { GraphEdge, GraphNode, Model } from './model';

export const NODE = { width: 196, height: 46, gap: 10, blockPad: 12 } as const;
/** Fewer than this are drawn one by one. */
const LEAST_OF_BLOCK = { LR: 4, TB: 2 } as const;
/** Labels take room between layers; with more arrows than this they are shown for what is chosen only. */
const MOST_LABELS = 90;
/** With more arrows than this, those among entities that are equally far away are shown for what is chosen only. */
const MOST_EDGES = 120;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Top left and size. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface PlacedEdge {
  readonly key: string;
  /** An entity, or the first of a block. */
  readonly from: string;
  readonly to: string;
  /** All that it stands for, at either end. */
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  readonly types: readonly string[];
  readonly points: readonly Point[];
  readonly label: Point | undefined;
  /** Shown only while one of its ends is chosen: there are too many. */
  readonly isAside: boolean;
}

export interface Layout extends Box {
  readonly direction: Way['direction'];
  readonly nodes: ReadonlyMap<string, Box>;
  readonly blocks: readonly (Box & { readonly members: readonly string[] })[];
  readonly edges: readonly PlacedEdge[];
}

export interface Way {
  /** Layers beside each other, or below each other where there is no room beside. */
  readonly direction: 'LR' | 'TB';
  /** How wide a label is. */
  readonly labelWidth: (types: readonly string[]) => number;
}

export interface Block {
  /** The first member's ref. */
  readonly key: string;
  readonly members: readonly string[];
}

/** Who is drawn with whom. */
export function blocks({ focus, nodes, edges }: Pick<Model, 'focus' | 'nodes' | 'edges'>, direction: Way['direction']): Block[] {
  const ties = new Map<string, string[]>(nodes.map(({ ref }) => [ref, []]));
  for (const { from, to, types } of edges) {
    const how = [...types].sort().join('+');
    ties.get(from)?.push(`> ${how} ${to}`);
    ties.get(to)?.push(`< ${how} ${from}`);
  }
  const alike = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    // What the drawing is about stays a thing of its own.
    const own = node.ref === focus;
    const tie = own ? node.ref : (ties.get(node.ref) ?? []).sort().join('|') + ` ${node.degree}`;
    alike.set(tie, [...(alike.get(tie) ?? []), node]);
  }
  return [...alike.values()].flatMap((group) => {
    const sorted = [...group].sort((a, b) => a.kind.localeCompare(b.kind) || a.label.localeCompare(b.label));
    const refs = sorted.map(({ ref }) => ref);
    return refs.length < LEAST_OF_BLOCK[direction] ? refs.map((ref) => ({ key: ref, members: [ref] })) : [{ key: refs[0] ?? '', members: refs }];
  });
}

/** Rows and columns of a block: about as wide as it is high, and narrow where layers are below each other. */
export function gridOf(count: number, direction: Way['direction']): { columns: number; rows: number } {
  const square = Math.sqrt((count * (NODE.height + NODE.gap)) / (NODE.width + NODE.gap));
  const columns = Math.max(1, direction === 'TB' ? Math.min(2, Math.round(square * 1.4)) : Math.round(square * 1.1));
  return { columns, rows: Math.ceil(count / columns) };
}

function sizeOf(count: number, direction: Way['direction']): { width: number; height: number } {
  if (count === 1) return { width: NODE.width, height: NODE.height };
  const { columns, rows } = gridOf(count, direction);
  return {
    width: columns * (NODE.width + NODE.gap) - NODE.gap + 2 * NODE.blockPad,
    height: rows * (NODE.height + NODE.gap) - NODE.gap + 2 * NODE.blockPad,
  };
}

interface Bundle {
  readonly from: string;
  readonly to: string;
  readonly types: readonly string[];
  readonly sources: Set<string>;
  readonly targets: Set<string>;
}

/** One arrow for all between two blocks; within a block there are none, for whoever is in it has no tie to another in it. */
function bundles(edges: readonly GraphEdge[], blockOf: ReadonlyMap<string, string>): Bundle[] {
  const all = new Map<string, Bundle>();
  for (const { from, to, types } of edges) {
    const ends = [blockOf.get(from) ?? from, blockOf.get(to) ?? to] as const;
    const key = `${ends[0]} ${ends[1]}`;
    const bundle = all.get(key) ?? { from: ends[0], to: ends[1], types, sources: new Set(), targets: new Set() };
    bundle.sources.add(from);
    bundle.targets.add(to);
    all.set(key, bundle);
  }
  return [...all.values()];
}

/** What gives the drawing its order, and what would only cover it. */
function sorted({ nodes, edges }: Model): [GraphEdge[], GraphEdge[]] {
  if (edges.length <= MOST_EDGES) return [[...edges], []];
  const degrees = new Map(nodes.map(({ ref, degree }) => [ref, degree]));
  const isAcross = ({ from, to }: GraphEdge): boolean => degrees.get(from) === degrees.get(to);
  return [edges.filter((edge) => !isAcross(edge)), edges.filter(isAcross)];
}

/** From the side of one box to the same side of another. */
function around(from: Box | undefined, to: Box | undefined, direction: Way['direction']): Point[] {
  if (!from || !to) return [];
  const side = ({ x, y, width, height }: Box): Point => (direction === 'LR' ? { x: x + width, y: y + height / 2 } : { x: x + width / 2, y: y + height });
  const [a, b] = [side(from), side(to)];
  const far = 30;
  const bend = direction === 'LR' ? { x: Math.max(a.x, b.x) + far, y: (a.y + b.y) / 2 } : { x: (a.x + b.x) / 2, y: Math.max(a.y, b.y) + far };
  return [a, bend, b];
}

export function layout(model: Model, { direction, labelWidth }: Way): Layout {
  const [sound, across] = sorted(model);
  const grouped = blocks({ ...model, edges: sound }, direction);
  const blockOf = new Map(grouped.flatMap(({ key, members }) => members.map((ref) => [ref, key] as const)));
  const joined = bundles(sound, blockOf);
  const hasLabels = joined.length <= MOST_LABELS;

  const graph = new Graph({ multigraph: false });
  graph.setGraph({ rankdir: direction, nodesep: direction === 'LR' ? 18 : 26, edgesep: 14, ranksep: hasLabels ? 44 : 70, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { key, members } of grouped) graph.setNode(key, sizeOf(members.length, direction));
  for (const { from, to, types, sources, targets } of joined) {
    const size = hasLabels ? { width: labelWidth(types) + (sources.size + targets.size > 2 ? 34 : 0), height: 18, labelpos: 'c' } : {};
    graph.setEdge(from, to, { weight: from === model.focus || to === model.focus ? 3 : 1, ...size });
  }
  dagre(graph);
  const placed = (key: string): Box => graph.node(key) as Box;

  const nodes = new Map<string, Box>();
  const framed: (Box & { members: readonly string[] })[] = [];
  for (const { key, members } of grouped) {
    const { x, y, width, height } = placed(key);
    const corner = { x: x - width / 2, y: y - height / 2 };
    if (members.length === 1) {
      nodes.set(key, { ...corner, width, height });
      continue;
    }
    framed.push({ ...corner, width, height, members });
    const { rows } = gridOf(members.length, direction);
    members.forEach((ref, index) => {
      nodes.set(ref, {
        x: corner.x + NODE.blockPad + Math.floor(index / rows) * (NODE.width + NODE.gap),
        y: corner.y + NODE.blockPad + (index % rows) * (NODE.height + NODE.gap),
        width: NODE.width,
        height: NODE.height,
      });
    });
  }
  const edges = joined.map(({ from, to, types, sources, targets }): PlacedEdge => {
    const { points, x, y } = graph.edge(from, to) as { points: Point[]; x?: number; y?: number };
    return {
      key: `${from} ${to}`,
      from,
      to,
      sources: [...sources],
      targets: [...targets],
      types,
      points: fromSideToSide(points, placed(from), placed(to), direction),
      label: hasLabels && x !== undefined && y !== undefined ? { x, y } : undefined,
      isAside: false,
    };
  });
  const aside = across.map(({ key, from, to, types }): PlacedEdge => ({ key, from, to, sources: [from], targets: [to], types, points: around(nodes.get(from), nodes.get(to), direction), label: undefined, isAside: true }));
  return { ...boundsOf([...nodes.values(), ...framed], edges), direction, nodes, blocks: framed, edges: [...edges, ...aside] };
}

function boundsOf(boxes: readonly Box[], edges: readonly PlacedEdge[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (x: number, y: number): void => {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  };
  for (const { x, y, width, height } of boxes) {
    take(x, y);
    take(x + width, y + height);
  }
  for (const { x, y } of edges.flatMap(({ points }) => points)) take(x, y);
  return left === Infinity ? { x: 0, y: 0, width: 0, height: 0 } : { x: left, y: top, width: right - left, height: bottom - top };
}

/** Begins and ends in the middle of the sides that face each other; `from` and `to` are given by their middles. */
function fromSideToSide(points: readonly Point[], from: Box, to: Box, direction: Way['direction']): Point[] {
  const inner = points.slice(1, -1);
  const side = (box: Box, towards: Point): Point =>
    direction === 'LR'
      ? { x: box.x + (Math.sign(towards.x - box.x) || 1) * (box.width / 2), y: box.y }
      : { x: box.x, y: box.y + (Math.sign(towards.y - box.y) || 1) * (box.height / 2) };
  return [side(from, inner[0] ?? to), ...inner, side(to, inner.at(-1) ?? from)];
}

/** A line through the points that leaves and reaches each of them along the layers. */
export function curve(points: readonly Point[], direction: Way['direction']): string {
  const n = (value: number): string => String(Math.round(value * 10) / 10);
  return points
    .map(({ x, y }, index) => {
      const before = points[index - 1];
      if (!before) return `M${n(x)} ${n(y)}`;
      const [mx, my] = [(before.x + x) / 2, (before.y + y) / 2];
      return direction === 'LR' ? `C${n(mx)} ${n(before.y)} ${n(mx)} ${n(y)} ${n(x)} ${n(y)}` : `C${n(before.x)} ${n(my)} ${n(x)} ${n(my)} ${n(x)} ${n(y)}`;
    })
    .join('');
}
