/** What a change changed: the values that differ between two descriptors, by their path. */

export interface Difference {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** So many differences are worked out; a page shows fewer. */
const MOST = 50;

export function differences(before: unknown, after: unknown): Difference[] {
  const out: Difference[] = [];
  compare('', before, after, out);
  return out.slice(0, MOST);
}

function compare(path: string, before: unknown, after: unknown, out: Difference[]): void {
  if (out.length >= MOST || Object.is(before, after)) return;
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) compare(join(path, key), before[key], after[key], out);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    lists(path, before, after, out);
    return;
  }
  const [one, other] = [text(before), text(after)];
  if (one !== other) out.push({ path, before: one, after: other });
}

/** What was taken out of a list and what came into it; the order alone is no difference that anybody asks for. */
function lists(path: string, before: readonly unknown[], after: readonly unknown[], out: Difference[]): void {
  const was = before.map(text);
  const is = after.map(text);
  for (const gone of was.filter((one) => !is.includes(one))) out.push({ path, before: gone, after: undefined });
  for (const come of is.filter((one) => !was.includes(one))) out.push({ path, before: undefined, after: come });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys with dots, as annotations have them, stand in brackets. */
function join(path: string, key: string): string {
  if (/[.[\]]/.test(key)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

function text(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
