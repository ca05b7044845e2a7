/** Open incidents of what is drawn: asked of upstreams, so some may be unknown, and then why. */
import type { OnFireQuery } from '../../gen/documents';

type Entity = NonNullable<OnFireQuery['entitiesByRef'][number]>;
export type Incident = NonNullable<NonNullable<Entity['incidents']>['nodes'][number]>;

export interface Fire {
  readonly incidents: readonly Incident[];
  /** Why there may be more; a connector that is not set up, or does not apply, is no reason. */
  readonly unknown: readonly Why[];
}

export interface Why {
  readonly connector: string;
  readonly code: string | undefined;
  readonly hint: string | undefined;
  readonly retryAt: string | undefined;
}

/** One request asks for so many; more would wait for the slowest upstream of all. */
export const AT_ONCE = 30;

export function fires(answers: readonly OnFireQuery[]): ReadonlyMap<string, Fire> {
  const all = new Map<string, Fire>();
  for (const entity of answers.flatMap(({ entitiesByRef }) => entitiesByRef)) {
    if (!entity) continue;
    const unknown = entity.live
      .filter(({ state }) => state === 'FAILED' || state === 'NOT_ALLOWED')
      .map(({ connector, instance, code, hint, retryAt }) => ({
        connector: [connector ?? 'a connector', ...(instance !== null && instance !== 'default' ? [instance] : [])].join('/'),
        code: code ?? undefined,
        hint: hint ?? undefined,
        retryAt: retryAt ?? undefined,
      }));
    const incidents = (entity.incidents?.nodes ?? []).filter((incident) => incident !== null);
    if (incidents.length > 0 || unknown.length > 0) all.set(entity.ref, { incidents, unknown });
  }
  return all;
}

/** In pieces of `AT_ONCE`. */
export function pieces(refs: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(refs.length / AT_ONCE) }, (_, index) => refs.slice(index * AT_ONCE, (index + 1) * AT_ONCE));
}

/** What is unknown, once for each connector and reason, with how many entities it concerns. */
export function reasons(all: ReadonlyMap<string, Fire>): { why: Why; count: number }[] {
  const found = new Map<string, { why: Why; count: number }>();
  for (const { unknown } of all.values()) {
    for (const why of unknown) {
      const key = `${why.connector} ${why.code ?? ''}`;
      found.set(key, { why, count: (found.get(key)?.count ?? 0) + 1 });
    }
  }
  return [...found.values()];
}
