/** How wide texts are in the page's font, by a canvas that nobody sees. */
import type { Measure } from './scene';

let brush: CanvasRenderingContext2D | null | undefined;
let font = '';
const kept = new Map<string, number>();

export const measure: Measure = (text, size, weight) => {
  if (brush === undefined) {
    brush = document.createElement('canvas').getContext('2d');
    font = getComputedStyle(document.body).fontFamily;
  }
  if (!brush) return text.length * size * 0.6;
  const key = `${weight} ${size}px ${text}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  brush.font = `${weight} ${size}px ${font}`;
  const { width } = brush.measureText(text);
  if (kept.size > 20_000) kept.clear();
  kept.set(key, width);
  return width;
};
