/** A hue for each kind: the more frequent ones first, so that they differ; the signs say the kind as well. */
import type { HueOf } from './scene';

const HUES = 8;

export function hues(kinds: readonly string[]): HueOf {
  const known = new Map(kinds.map((kind, index) => [kind, `hue-${(index % HUES) + 1}`]));
  return (kind) => known.get(kind) ?? `hue-${HUES}`;
}
