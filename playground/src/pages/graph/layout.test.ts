import { describe, expect, it } from 'vitest';
import { blocks, curve, gridOf, layout } from './layout';
import type { Model } from './model';
import { relationsOf } from './relations';

const relations = relationsOf([]);

/** `a>b` is an arrow of the type `t`; `a>b:u` one of the type `u`. The first is the focus. */
function model(...arrows: string[]): Model {
  const edges = arrows.map((text) => {
    const [ends = '', type = 't'] = text.split(':');
    const [from = '', to = ''] = ends.split('>');
    return { key: `${from} ${to}`, from, to, types: [type] };
  });
  const refs = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const focus = refs[0] ?? '';
  const nodes = refs.map((ref) => ({ ref, kind: 'k', label: ref, type: undefined, problems: [], isMissing: false, isOpen: false, relations: 0, degree: ref === focus ? 0 : 1 }));
  return { focus, nodes, edges, types: [], of: nodes.length, relations };
}

const way = { direction: 'LR', labelWidth: () => 60 } as const;
const team = (size: number): Model => model(...Array.from({ length: size }, (_, index) => `f>n${String(index).padStart(3, '0')}`));

describe('blocks', () => {
  it('hold what is related to the same in the same way', () => {
    const grouped = blocks(model('f>a', 'f>b', 'f>c', 'f>d', 'f>e:other', 'f>g', 'g>h'), 'LR').map(({ members }) => members.join(''));
    expect(grouped.sort()).toEqual(['abcd', 'e', 'f', 'g', 'h']);
  });
  it('are not made of a few, unless there is no room beside', () => {
    expect(blocks(model('f>a', 'f>b', 'f>c'), 'LR')).toHaveLength(4);
    expect(blocks(model('f>a', 'f>b', 'f>c'), 'TB')).toHaveLength(2);
  });
  it('are about as wide as high, and narrow on a narrow window', () => {
    expect(gridOf(145, 'LR')).toEqual({ columns: 7, rows: 21 });
    expect(gridOf(145, 'TB').columns).toBe(2);
  });
});

describe('a layout', () => {
  it('has a layer for each step, and nothing covers anything', () => {
    const laid = layout(model('f>a', 'a>b', 'f>c', 'd>f'), way);
    const x = (ref: string): number => laid.nodes.get(ref)?.x ?? Number.NaN;
    expect(x('d') < x('f') && x('f') < x('a') && x('a') < x('b')).toBe(true);
    const boxes = [...laid.nodes.values()];
    for (const [index, one] of boxes.entries()) {
      for (const other of boxes.slice(index + 1)) {
        const isApart = one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
        expect(isApart).toBe(true);
      }
    }
  });
  it('of a large team is one block with one arrow, and no line of boxes', () => {
    const laid = layout(team(149), way);
    expect([laid.nodes.size, laid.blocks.length, laid.edges.length]).toEqual([150, 1, 1]);
    expect(laid.edges[0]?.targets).toHaveLength(149);
    expect(laid.width / laid.height).toBeGreaterThan(0.8);
    expect(laid.width / laid.height).toBeLessThan(3);
  });
  it('keeps arrows among equals aside where there are too many', () => {
    const { nodes, edges } = team(149);
    const ring = nodes.slice(1).map(({ ref }, index) => ({ key: `r${index}`, from: ref, to: nodes[((index + 1) % 149) + 1]?.ref ?? '', types: ['t'] }));
    const laid = layout({ ...team(149), edges: [...edges, ...ring] }, way);
    expect([laid.blocks.length, laid.edges.filter(({ isAside }) => isAside).length]).toEqual([1, 149]);
  });
  it('ends arrows at the sides that face each other, also in a circle', () => {
    const laid = layout(model('f>a', 'a>b', 'b>f'), way);
    for (const { from, to, points } of laid.edges) {
      const [start, end] = [laid.nodes.get(from), laid.nodes.get(to)];
      const isForward = (start?.x ?? 0) < (end?.x ?? 0);
      expect(points[0]?.x).toBeCloseTo((start?.x ?? 0) + (isForward ? (start?.width ?? 0) : 0));
      expect(points.at(-1)?.x).toBeCloseTo((end?.x ?? 0) + (isForward ? 0 : (end?.width ?? 0)));
    }
  });
  it('of nothing is nothing', () => {
    expect(layout({ focus: '', nodes: [], edges: [], types: [], of: 0, relations }, way)).toMatchObject({ width: 0, height: 0 });
  });
});

it('draws lines that leave and arrive along the layers', () => {
  const points = [{ x: 0, y: 0 }, { x: 10, y: 20 }];
  expect(curve(points, 'LR')).toBe('M0 0C5 0 5 20 10 20');
  expect(curve(points, 'TB')).toBe('M0 0C0 10 10 10 10 20');
});
