/** What others wrote, made fit to be shown. React escapes; this is about what is harmful or misleading without being HTML. */

/** Characters that turn the direction of what follows, and those that nobody sees. */
// eslint-disable-next-line no-control-regex
const MISLEADING = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\u3164\ufeff\uffa0]/g;

/** More marks on one letter than any script has: they would stand on the lines above and below. */
const PILED = /(\p{M}{4})\p{M}+/gu;

/** Halves of a character that was cut. */
const HALVES = /[\ud800-\udbff]$|^[\udc00-\udfff]/g;

/** Longer names are cut in the middle: nobody reads them, and laying them out takes time. */
const LONGEST = 300;

export function plain(text: string, longest = LONGEST): string {
  const clean = text.replace(MISLEADING, '\ufffd').replace(PILED, '$1');
  if (clean.length <= longest) return clean;
  const half = Math.floor((longest - 1) / 2);
  return `${clean.slice(0, half).replace(HALVES, '')}…${clean.slice(-half).replace(HALVES, '')}`;
}

/** Whether anything of it can be seen. */
export function isSeen(text: string): boolean {
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(text.replace(MISLEADING, ''));
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
