/**
 * The drawing as shapes: what the page shows, what an SVG file holds, and what a canvas is painted with, are the same list.
 * Colours are names of `tokens.css`, so that a file has those of the theme that it was made in.
 */
import { plain } from '../../ui/text';
import type { Box, Layout, PlacedEdge } from './layout';
import { curve } from './layout';
import type { GraphNode, Model } from './model';
import { said } from './relations';

export type Shape =
  | { readonly shape: 'rect'; readonly x: number; readonly y: number; readonly width: number; readonly height: number; readonly radius: number; readonly fill?: string; readonly stroke?: string; readonly thick?: number; readonly isDashed?: boolean }
  | { readonly shape: 'path'; readonly d: string; readonly at?: { readonly x: number; readonly y: number; readonly scale: number }; readonly fill?: string; readonly stroke?: string; readonly thick?: number; readonly isDashed?: boolean }
  | { readonly shape: 'text'; readonly x: number; readonly y: number; readonly text: string; readonly size: number; readonly weight: number; readonly fill: string; readonly middle?: boolean };

export interface DrawnNode {
  readonly node: GraphNode;
  readonly box: Box;
  readonly shapes: readonly Shape[];
}

export interface DrawnEdge {
  readonly edge: PlacedEdge;
  readonly line: readonly Shape[];
  readonly label: readonly Shape[];
}

export interface Scene extends Box {
  readonly blocks: readonly Shape[];
  readonly edges: readonly DrawnEdge[];
  readonly nodes: readonly DrawnNode[];
}

/** How wide a text is in the page's font. */
export type Measure = (text: string, size: number, weight: number) => number;

/** What is laid over an entity. */
export interface Marks {
  /** Open incidents; nothing where they were not asked for. */
  readonly incidents: number | undefined;
  /** They were asked for, and are not known. */
  readonly isUnknown: boolean;
}

/** The entity's hue: that of its kind. */
export type HueOf = (kind: string) => string;

const LABEL = { size: 11, weight: 500 };

export function wordsOf(types: readonly string[]): string {
  const words = types.map(said);
  return words.length > 2 ? `${words.slice(0, 2).join(', ')} +${words.length - 2}` : words.join(', ');
}

export function labelWidth(measure: Measure): (types: readonly string[]) => number {
  return (types) => measure(wordsOf(types), LABEL.size, LABEL.weight) + 14;
}

/** As much of a text as fits, with an ellipsis where it does not. */
export function fit(text: string, width: number, size: number, weight: number, measure: Measure): string {
  const clean = plain(text, 120);
  if (measure(clean, size, weight) <= width) return clean;
  const letters = Array.from(clean);
  let [low, high] = [0, letters.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (measure(`${letters.slice(0, middle).join('')}…`, size, weight) <= width) low = middle;
    else high = middle - 1;
  }
  return `${letters.slice(0, low).join('').trimEnd()}…`;
}

/** In a square of 20, one for each kind that has one of its own; the others have their first letters. */
const GLYPHS: Record<string, string> = {
  component: 'M10 2.5l6.5 3.7v7.6L10 17.5l-6.5-3.7V6.2zM3.5 6.2L10 10l6.5-3.8M10 10v7.5',
  api: 'M7 4.5C4.5 4.5 5.5 9 3.5 10c2 1 1 5.5 3.5 5.5M13 4.5c2.5 0 1.5 4.5 3.5 5.5-2 1-1 5.5-3.5 5.5M8.5 10h0M11.5 10h0',
  resource: 'M4 5.5c0-3.3 12-3.3 12 0s-12 3.3-12 0v9c0 3.3 12 3.3 12 0v-9M4 10c0 3.3 12 3.3 12 0',
  system: 'M3.5 3.5h5v5h-5zM11.5 11.5h5v5h-5zM11.5 3.5h5v5h-5zM6 8.5v5.5h5.5M14 8.5v3',
  domain: 'M10 3a7 7 0 1 0 0 14 7 7 0 1 0 0-14M3 10h14M10 3c-4.5 4.5-4.5 9.5 0 14M10 3c4.5 4.5 4.5 9.5 0 14',
  group: 'M7 4.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 1 0 0-5M2.5 16c0-5.5 9-5.5 9 0M13 5a2.2 2.2 0 1 1 0 4.4M14.2 12c2.3.4 3.3 1.9 3.3 4',
  user: 'M10 3.5a3 3 0 1 0 0 6 3 3 0 1 0 0-6M4 16.5c0-6.5 12-6.5 12 0',
  location: 'M10 17.5c-4-4.5-5.5-7-5.5-9.2a5.5 5.5 0 0 1 11 0c0 2.2-1.5 4.7-5.5 9.2zM8.3 8.3a1.7 1.7 0 1 0 3.4 0 1.7 1.7 0 1 0-3.4 0',
  template: 'M4 3.5h12v4H4zM4 10.5h5v6H4zM12 10.5h4v6h-4z',
};

export function glyph(kind: string): string | undefined {
  return GLYPHS[kind.toLowerCase()];
}

/** The kind's sign: a filled square with a glyph or letters, at the top left of a box of `size`. */
export function sign(kind: string, hue: string, x: number, y: number, size: number): Shape[] {
  const square: Shape = { shape: 'rect', x, y, width: size, height: size, radius: size / 4, ...(kind === '' ? { stroke: 'line-strong', isDashed: true } : { fill: hue }) };
  const known = glyph(kind);
  if (known !== undefined) {
    const inner = size * 0.68;
    const offset = (size - inner) / 2;
    return [square, { shape: 'path', d: known, at: { x: x + offset, y: y + offset, scale: inner / 20 }, stroke: 'raised', thick: 1.7 }];
  }
  const letters = kind === '' ? '?' : kind.slice(0, 2);
  return [square, { shape: 'text', x: x + size / 2, y: y + size / 2 + 4, text: letters, size: 11, weight: 650, fill: kind === '' ? 'soft' : 'raised', middle: true }];
}

function badge(text: string, right: number, y: number, tone: string, measure: Measure): { shapes: Shape[]; width: number } {
  const width = measure(text, 10.5, 650) + 12;
  return {
    shapes: [
      { shape: 'rect', x: right - width, y, width, height: 17, radius: 8.5, fill: `${tone}-wash`, stroke: tone },
      { shape: 'text', x: right - width / 2, y: y + 12.3, text, size: 10.5, weight: 650, fill: tone, middle: true },
    ],
    width,
  };
}

/** What is wrong, in two signs: incidents with a flash, problems with an exclamation mark; a question mark where nobody knows. */
function badges(node: GraphNode, { incidents, isUnknown }: Marks, right: number, y: number, measure: Measure): Shape[] {
  const shapes: Shape[] = [];
  const isError = node.problems.some(({ severity }) => severity === 'ERROR');
  const wanted: [string, string][] = [];
  if (incidents !== undefined && incidents > 0) wanted.push([`ϟ ${incidents}`, 'bad']);
  else if (isUnknown) wanted.push(['ϟ ?', 'warn']);
  if (node.problems.length > 0) wanted.push([`! ${node.problems.length}`, isError ? 'bad' : 'warn']);
  let end = right;
  for (const [text, tone] of wanted) {
    const one = badge(text, end, y, tone, measure);
    shapes.push(...one.shapes);
    end -= one.width + 4;
  }
  return shapes;
}

function drawNode(node: GraphNode, box: Box, isFocus: boolean, marks: Marks, hue: string, measure: Measure): Shape[] {
  const { x, y, width, height } = box;
  const text = width - 52;
  const caption = node.isMissing ? 'not in the catalog' : [node.kind, node.type].filter(Boolean).join(' · ');
  return [
    {
      shape: 'rect', x, y, width, height, radius: 9, fill: 'raised',
      stroke: isFocus ? 'accent' : 'line-strong',
      thick: isFocus ? 2.5 : 1,
      isDashed: node.isMissing,
    },
    ...sign(node.kind, hue, x + 9, y + 9, 28),
    { shape: 'text', x: x + 45, y: y + 20, text: fit(node.label, text, 13, 600, measure), size: 13, weight: 600, fill: 'ink' },
    { shape: 'text', x: x + 45, y: y + 36, text: fit(caption, text, 11, 400, measure), size: 11, weight: 400, fill: 'soft' },
    ...badges(node, marks, x + width - 4, y - 9, measure),
  ];
}

/** A filled arrow head at the end of a line, which reaches it along the layers. */
function head({ points }: PlacedEdge, direction: Layout['direction']): string {
  const end = points.at(-1);
  const before = points.at(-2);
  if (!end || !before) return '';
  const [dx, dy] = direction === 'LR' ? [Math.sign(end.x - before.x) || 1, 0] : [0, Math.sign(end.y - before.y) || 1];
  const [bx, by] = [end.x - dx * 9, end.y - dy * 9];
  const n = (value: number): string => String(Math.round(value * 10) / 10);
  return `M${n(end.x)} ${n(end.y)}L${n(bx - dy * 4)} ${n(by + dx * 4)}L${n(bx + dy * 4)} ${n(by - dx * 4)}Z`;
}

function drawEdge(edge: PlacedEdge, direction: Layout['direction'], measure: Measure): DrawnEdge {
  const line: Shape[] = [
    { shape: 'path', d: curve(edge.points, direction), stroke: 'line-strong', thick: 1.3 },
    { shape: 'path', d: head(edge, direction), fill: 'line-strong' },
  ];
  const at = edge.label ?? edge.points[Math.floor(edge.points.length / 2)];
  if (!at) return { edge, line, label: [] };
  const many = Math.max(edge.sources.length, edge.targets.length);
  const text = many > 1 ? `${wordsOf(edge.types)} × ${many}` : wordsOf(edge.types);
  const width = measure(text, LABEL.size, LABEL.weight) + 10;
  return {
    edge,
    line,
    label: [
      { shape: 'rect', x: at.x - width / 2, y: at.y - 9, width, height: 18, radius: 5, fill: 'paper' },
      { shape: 'text', x: at.x, y: at.y + 4, text, size: LABEL.size, weight: LABEL.weight, fill: 'soft', middle: true },
    ],
  };
}

export function scene(model: Model, layout: Layout, marksOf: (ref: string) => Marks, hueOf: HueOf, measure: Measure): Scene {
  const { x, y, width, height } = layout;
  return {
    x, y, width, height,
    blocks: layout.blocks.map((block): Shape => ({ shape: 'rect', x: block.x, y: block.y, width: block.width, height: block.height, radius: 14, fill: 'sunken', stroke: 'line' })),
    edges: layout.edges.map((edge) => drawEdge(edge, layout.direction, measure)),
    nodes: model.nodes.flatMap((node) => {
      const box = layout.nodes.get(node.ref);
      return box ? [{ node, box, shapes: drawNode(node, box, node.ref === model.focus, marksOf(node.ref), hueOf(node.kind), measure) }] : [];
    }),
  };
}

/** Everything, from the back to the front. */
export function shapesOf(scene: Scene): Shape[] {
  return [
    ...scene.blocks,
    ...scene.edges.flatMap(({ edge, line }) => (edge.isAside ? [] : line)),
    ...scene.edges.flatMap(({ edge, label }) => (edge.label ? label : [])),
    ...scene.nodes.flatMap(({ shapes }) => shapes),
  ];
}
