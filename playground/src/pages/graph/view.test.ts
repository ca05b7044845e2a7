import { expect, it } from 'vitest';
import { LARGEST, SMALLEST, beside, first, kept, revealed, whole, zoomed } from './view';

const size = { width: 1000, height: 600 };

it('shows all of a small drawing, in the middle and not larger than life', () => {
  const box = { x: -50, y: 20, width: 100, height: 60 };
  expect(whole(box, size)).toEqual({ k: 1, x: 500, y: 250 });
  expect(first(box, undefined, size)).toEqual(whole(box, size));
});

it('begins a large drawing where it can be read, at what it is about, without empty room', () => {
  const box = { x: 0, y: 0, width: 5000, height: 100 };
  const view = first(box, { x: 4800, y: 20, width: 200, height: 46 }, size);
  expect(view.k).toBeGreaterThan(0.5);
  // The right end of the drawing is at the right end of the window, but for a margin.
  expect(view.x + 5000 * view.k).toBeCloseTo(972);
  expect(view.y + 50 * view.k).toBeCloseTo(300);
});

it('grows and shrinks around a point, within bounds', () => {
  const view = { k: 1, x: 10, y: 20 };
  const at = { x: 300, y: 200 };
  const larger = zoomed(view, 2, at);
  expect([(at.x - larger.x) / larger.k, (at.y - larger.y) / larger.k]).toEqual([290, 180]);
  expect(zoomed(view, 100, at).k).toBe(LARGEST);
  expect(zoomed(view, 0.001, at).k).toBe(SMALLEST);
});

it('moves only as far as it must', () => {
  const view = { k: 1, x: 0, y: 0 };
  expect(revealed(view, { x: 100, y: 100, width: 100, height: 40 }, size)).toBe(view);
  expect(revealed(view, { x: 1200, y: 100, width: 100, height: 40 }, size)).toEqual({ k: 1, x: -328, y: 0 });
  expect(kept({ k: 0.5, x: 5, y: 5 }, { x: 0, y: 0, width: 1, height: 1 }, { x: 100, y: -20, width: 1, height: 1 })).toEqual({ k: 0.5, x: -45, y: 15 });
});

it('finds the neighbour on a side', () => {
  const at = (x: number, y: number) => ({ x, y, width: 10, height: 10 });
  const boxes = new Map([['me', at(0, 0)], ['right', at(100, 5)], ['far', at(300, 0)], ['below', at(10, 90)]]);
  expect([beside(at(0, 0), boxes, 'right'), beside(at(0, 0), boxes, 'down'), beside(at(0, 0), boxes, 'left')]).toEqual(['right', 'below', undefined]);
});
