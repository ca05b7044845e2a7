/** Which part of the drawing is seen, and how large: pure, so that a wheel, two fingers and a key do the same. */
import type { Box, Point } from './layout';

/** A point of the drawing is seen at `p * k + (x, y)`. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const SMALLEST = 0.08;
export const LARGEST = 2.5;
/** Below this nobody can read a name. */
const READABLE = 0.55;
const MARGIN = 28;

function bounded(k: number): number {
  return Math.min(LARGEST, Math.max(SMALLEST, k));
}

/** All of it, in the middle; never larger than life. */
export function whole(box: Box, size: Size): View {
  const k = bounded(Math.min(1, (size.width - 2 * MARGIN) / Math.max(1, box.width), (size.height - 2 * MARGIN) / Math.max(1, box.height)));
  return { k, x: (size.width - box.width * k) / 2 - box.x * k, y: (size.height - box.height * k) / 2 - box.y * k };
}

/** A box in the middle. */
export function around(box: Box, size: Size, k: number): View {
  return { k, x: size.width / 2 - (box.x + box.width / 2) * k, y: size.height / 2 - (box.y + box.height / 2) * k };
}

/** How a drawing is shown first: all of it, or, if it could not be read then, what it is about. */
export function first(box: Box, focus: Box | undefined, size: Size): View {
  const all = whole(box, size);
  if (all.k >= READABLE || !focus) return all;
  const { k, x, y } = around(focus, size, Math.max(READABLE + 0.1, all.k));
  return { k, x: filled(x, box.x * k, box.width * k, size.width), y: filled(y, box.y * k, box.height * k, size.height) };
}

/** No more room beside the drawing than there must be. */
function filled(shift: number, start: number, length: number, room: number): number {
  if (length + 2 * MARGIN <= room) return (room - length) / 2 - start;
  return Math.min(MARGIN - start, Math.max(room - MARGIN - start - length, shift));
}

/** Larger or smaller, while what is at `at` stays there. */
export function zoomed(view: View, factor: number, at: Point): View {
  const k = bounded(view.k * factor);
  const by = k / view.k;
  return { k, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
}

export function moved(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x + dx, y: view.y + dy };
}

/** Moves as little as is needed to see the box. */
export function revealed(view: View, box: Box, size: Size): View {
  const shift = (from: number, length: number, room: number): number => {
    if (from < MARGIN) return MARGIN - from;
    if (from + length > room - MARGIN) return Math.max(MARGIN - from, room - MARGIN - from - length);
    return 0;
  };
  const dx = shift(box.x * view.k + view.x, box.width * view.k, size.width);
  const dy = shift(box.y * view.k + view.y, box.height * view.k, size.height);
  return dx === 0 && dy === 0 ? view : moved(view, dx, dy);
}

/** After the drawing was laid out anew: what somebody looked at stays where it was. */
export function kept(view: View, before: Box, after: Box): View {
  return moved(view, (before.x - after.x) * view.k, (before.y - after.y) * view.k);
}

export type Side = 'left' | 'right' | 'up' | 'down';

/** The nearest box on one side, of those that lie rather there than aside. */
export function beside<Key>(from: Box, boxes: Iterable<readonly [Key, Box]>, side: Side): Key | undefined {
  const middle = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height / 2 });
  const here = middle(from);
  let best: { key: Key; cost: number } | undefined;
  for (const [key, box] of boxes) {
    const there = middle(box);
    const [dx, dy] = [there.x - here.x, there.y - here.y];
    const ahead = side === 'left' ? -dx : side === 'right' ? dx : side === 'up' ? -dy : dy;
    const aside = Math.abs(side === 'left' || side === 'right' ? dy : dx);
    if (ahead <= 1) continue;
    const cost = ahead + aside * 2.5;
    if (!best || cost < best.cost) best = { key, cost };
  }
  return best?.key;
}
