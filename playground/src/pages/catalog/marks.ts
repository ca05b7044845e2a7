/** Texts with what was found in them, as pieces: each is drawn as text, those that were found within `<mark>`. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Piece {
  readonly text: string;
  readonly found: boolean;
}

/**
 * The pieces of `text`, whose `ranges` count in UTF-16 code units, as the graph's do.
 * Of a text longer than `longest`, the part around the first place where most was found.
 * Ranges that do not fit the text are cut, never trusted: the text may be newer than they are.
 */
export function pieces(text: string, ranges: readonly Span[], longest = 240): Piece[] {
  const spans = tidy(ranges, text.length);
  const [from, to] = part(text, spans, longest);
  const out: Piece[] = [];
  const push = (start: number, end: number, found: boolean): void => {
    if (end > start) out.push({ text: text.slice(start, end), found });
  };
  if (from > 0) out.push({ text: '… ', found: false });
  let at = from;
  for (const { start, end } of spans) {
    if (end <= from || start >= to) continue;
    push(at, Math.max(start, from), false);
    push(Math.max(start, from), Math.min(end, to), true);
    at = Math.min(end, to);
  }
  push(at, to, false);
  if (to < text.length) out.push({ text: ' …', found: false });
  return out;
}

/** In order, within the text, and none upon another. */
function tidy(ranges: readonly Span[], length: number): Span[] {
  const out: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const span = { start: Math.max(0, start), end: Math.min(length, end) };
    const last = out.at(-1);
    if (span.end <= span.start) continue;
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else out.push(span);
  }
  return out;
}

/** From where to where: whole words, and no half of a character. */
function part(text: string, spans: readonly Span[], longest: number): [number, number] {
  if (text.length <= longest) return [0, text.length];
  let best = 0;
  let most = 0;
  for (const { start } of spans) {
    const many = spans.filter((other) => other.start >= start && other.end <= start + longest * 0.75).length;
    if (many > most) [best, most] = [start, many];
  }
  const lead = Math.floor(longest / 4);
  let from = Math.max(0, Math.min(best - lead, text.length - longest));
  let to = Math.min(text.length, from + longest);
  if (from > 0) {
    const space = text.slice(from, from + lead).search(/\s/);
    if (space >= 0 && from + space < best) from += space + 1;
    if (isSecondHalf(text, from)) from += 1;
  }
  if (to < text.length) {
    const space = text.lastIndexOf(' ', to);
    if (space > to - lead && !spans.some(({ start, end }) => start < space && space < end)) to = space;
    if (isSecondHalf(text, to)) to -= 1;
  }
  return [from, to];
}

function isSecondHalf(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
