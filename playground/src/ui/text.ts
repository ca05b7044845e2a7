/** What others wrote, made fit to be shown. React escapes; this is about what is harmful or misleading without being HTML. */

/** Characters that turn the direction of what follows, and those that nobody sees. */
// eslint-disable-next-line no-control-regex
const MISLEADING = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Longer names are cut in the middle: nobody reads them, and laying them out takes time. */
const LONGEST = 300;

export function plain(text: string, longest = LONGEST): string {
  const clean = text.replace(MISLEADING, '\ufffd');
  if (clean.length <= longest) return clean;
  const half = Math.floor((longest - 1) / 2);
  return `${clean.slice(0, half)}…${clean.slice(-half)}`;
}

const SCHEMES = new Set(['http:', 'https:', 'mailto:']);

/** The address if a link may lead there: no `javascript:`, no `data:`, nothing relative. */
export function safeHref(url: string | null | undefined): string | undefined {
  if (!url) return undefined;
  try {
    const parsed = new URL(url);
    return SCHEMES.has(parsed.protocol) ? parsed.href : undefined;
  } catch {
    return undefined;
  }
}

const NUMBER = new Intl.NumberFormat('en');

export function number(value: number): string {
  return NUMBER.format(value);
}

/** `1 entity`, `2 entities`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

const STEPS: readonly [number, string][] = [
  [60, 's'],
  [60, 'min'],
  [24, 'h'],
  [Number.POSITIVE_INFINITY, 'd'],
];

/** How long: `12 s`, `3 min`, `5 h`, `8 d`. */
export function span(ms: number): string {
  let left = Math.max(0, ms / 1000);
  for (const [size, unit] of STEPS) {
    if (left < size) return `${Math.floor(left)} ${unit}`;
    left /= size;
  }
  return '';
}
