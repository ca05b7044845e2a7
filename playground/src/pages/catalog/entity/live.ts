/** What became of a live field, in words: how old it is, what went wrong, and what to add where nothing says which upstream object is meant. */
import type { LiveStatus } from '../../../gen/documents';

export interface Line {
  readonly connector: string | null;
  readonly instance: string | null;
  readonly state: LiveStatus;
  readonly fetchedAt: string | null;
  readonly code: string | null;
  readonly retryAt: string | null;
  readonly hint: string | null;
}

export interface Verdict {
  /** Who gave something, or said that there is nothing, and when. */
  readonly given: readonly Line[];
  /** What somebody should look at. */
  readonly troubles: readonly Line[];
  /** Why others were not asked; of interest where nobody gave anything. */
  readonly missing: readonly Line[];
}

export function verdict(lines: readonly Line[]): Verdict {
  const of = (...states: LiveStatus[]): Line[] => lines.filter(({ state }) => states.includes(state));
  return { given: of('FRESH', 'STALE', 'EMPTY'), troubles: of('FAILED', 'NOT_ALLOWED', 'NOT_FOUND'), missing: of('NO_ANNOTATION', 'NOT_CONFIGURED') };
}

/** The connector, and which of its upstreams where there are several. */
export function upstream({ connector, instance }: Pick<Line, 'connector' | 'instance'>): string {
  if (connector === null) return 'no connector';
  return instance === null || instance === 'default' ? connector : `${connector} (${instance})`;
}

const CODES: Record<string, string> = {
  UPSTREAM_TIMEOUT: 'did not answer in time',
  UPSTREAM_UNAVAILABLE: 'cannot be reached, or fails',
  UPSTREAM_RATE_LIMITED: 'asks for fewer requests',
  UPSTREAM_UNAUTHORIZED: 'does not accept the credentials that Callboard has',
  UPSTREAM_NOT_FOUND: 'knows no such object',
  UPSTREAM_BAD_SHAPE: 'gave an answer that cannot be read',
  CIRCUIT_OPEN: 'failed so often that it is left alone for a while',
  BUDGET_EXHAUSTED: 'has had as many requests as it may get for now',
};

/** What is the matter, in a sentence. */
export function said(line: Line): string {
  const who = upstream(line);
  switch (line.state) {
    case 'FAILED':
      return `${who} ${CODES[line.code ?? ''] ?? 'gave no good answer'}`;
    case 'NOT_FOUND':
      return `${who} knows no such object`;
    case 'NOT_ALLOWED':
      return `The settings do not let this entity’s annotations lead to ${who}`;
    case 'NOT_CONFIGURED':
      return `${who} is not configured`;
    case 'NO_ANNOTATION':
      return `Nothing says what this is called at ${who}`;
    case 'EMPTY':
      return `${who} has nothing there`;
    case 'STALE':
      return `${who} could not be asked again yet; this is what it said before`;
    case 'FRESH':
      return `${who} gave it`;
  }
}

/** The oldest of what was given: one age for the whole card. */
export function oldest(given: readonly Line[]): string | undefined {
  const times = given.flatMap(({ fetchedAt }) => (fetchedAt === null ? [] : [fetchedAt]));
  return times.sort((a, b) => Date.parse(a) - Date.parse(b))[0];
}

export interface Match {
  readonly connector: string;
  readonly field: string;
  readonly applies: boolean;
  readonly state: LiveStatus | null;
  readonly hint: string | null;
}

/** Whether a field has a card: somebody gives it, or an annotation means to and may not. */
export function hasCard(matches: readonly Match[], field: string): boolean {
  return matches.some((match) => match.field === field && (match.applies || match.state === 'NOT_ALLOWED'));
}

/** The fields among `fields` that nobody gives, though somebody could. */
export function lacking(matches: readonly Match[], fields: readonly string[]): string[] {
  return fields.filter((field) => !hasCard(matches, field) && matches.some((match) => match.field === field));
}

export interface Addition {
  readonly connector: string;
  /** What it would give. */
  readonly fields: readonly string[];
  /** Any of these annotations; none where the connector lacks settings. */
  readonly annotations: readonly string[];
  /** In the words of the server, where they name no annotation. */
  readonly hint: string | undefined;
}

/** What would make `fields` appear, by connector: annotations to write first, settings to make last. */
export function additions(matches: readonly Match[], fields: readonly string[]): Addition[] {
  const wanted = lacking(matches, fields);
  const out = new Map<string, { connector: string; fields: string[]; annotations: Set<string>; hint: string | undefined }>();
  for (const { connector, field, state, hint } of matches) {
    if (!wanted.includes(field)) continue;
    const key = `${connector} ${state ?? ''}`;
    const known = out.get(key) ?? { connector, fields: [], annotations: new Set<string>(), hint: undefined };
    out.set(key, known);
    if (!known.fields.includes(field)) known.fields.push(field);
    const named = annotationsIn(hint);
    for (const one of named) known.annotations.add(one);
    if (named.length === 0) known.hint ??= hint ?? undefined;
  }
  return [...out.values()]
    .map(({ annotations, ...rest }) => ({ ...rest, annotations: [...annotations] }))
    .sort((a, b) => Number(a.annotations.length === 0) - Number(b.annotations.length === 0));
}

/** The annotations that a hint names, in its backticks behind the word; the rest of it is about the connector's insides. */
function annotationsIn(hint: string | null): string[] {
  const [, behind] = /\bannotations? (.*)$/s.exec(hint ?? '') ?? [];
  return [...(behind ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
}
