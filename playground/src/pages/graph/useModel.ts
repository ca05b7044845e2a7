/** Asks for what is drawn. Rings around an entity are asked for one after the other; what has been drawn stays until there is more. */
import { useMemo } from 'react';
import type { GraphError } from '../../data/client';
import { useQuery } from '../../data/useQuery';
import type { Query } from '../../data/useQuery';
import { Neighbourhood, Reach, RelationTypes, Way } from '../../gen/documents';
import type { NeighbourhoodQuery } from '../../gen/documents';
import { neighbourhood, reach, ringOf, way } from './model';
import type { Model } from './model';
import type { GraphPlace } from './place';
import { relationsOf, without } from './relations';
import type { Relations } from './relations';

export interface Drawn {
  /** The request whose states are shown: the one that failed, else the first. */
  readonly query: Query<unknown>;
  /** Not there while nothing has come, and where the entity is not. */
  readonly model: Model | undefined;
  readonly isAsking: boolean;
  readonly errors: readonly GraphError[];
  /** One query that gives all that is drawn. */
  readonly behind: { readonly document: { readonly text: string }; readonly variables: object };
  /** How far `impact` was asked to look, and whether there is more. */
  readonly isTruncated: boolean;
}

type Focused = GraphPlace & { readonly ref: string };

/** What relations there are is the same for every drawing; until it is known, nothing is drawn. */
interface Known {
  readonly query: Query<unknown>;
  readonly relations: Relations | undefined;
}

export function useModel(place: Focused): Drawn {
  const known = useRelations();
  // A path whose other end is not chosen yet begins with what is around its begin.
  const near = useNeighbourhood(place, known, place.mode === 'impact' || (place.mode === 'path' && place.to !== undefined));
  const impact = useReach(place, known, place.mode !== 'impact');
  const path = useWay(place, known, place.mode !== 'path' || place.to === undefined);
  if (place.mode === 'impact') return impact;
  if (place.mode === 'path' && place.to !== undefined) return path;
  return near;
}

function useRelations(): Known {
  const query = useQuery(RelationTypes, {});
  const { answer } = query;
  const relations = useMemo(() => answer && relationsOf(answer.data.relationTypes), [answer]);
  return { query, relations };
}

/** The one that failed, else the one that is about the drawing. */
function shown(asked: readonly Query<unknown>[], main: Query<unknown>): Query<unknown> {
  return asked.find(({ fault }) => fault) ?? main;
}

const FIRST = 300;

function useNeighbourhood(place: Focused, { query: types, relations }: Known, skip: boolean): Drawn {
  const { ref, depth, open, shut, hide } = place;
  const inner = useQuery(Neighbourhood, { refs: [ref, ...open], first: FIRST }, { skip });
  const told = useMemo(() => toldIn(inner.answer?.data), [inner.answer]);
  // The first is what the drawing is about; without it there is nothing to draw.
  const focus = inner.answer?.data.entitiesByRef[0]?.ref;
  const expansion = { depth, open, shut };
  const bounds = relations && { hide, relations };

  const second = focus === undefined || !bounds || depth < 2 ? [] : fresh(ringOf(focus, told, 1, expansion, bounds), told);
  const outer = useQuery(Neighbourhood, { refs: second, first: FIRST }, { skip: skip || second.length === 0 });
  const toldOuter = second.length === 0 ? [] : toldIn(outer.answer?.data);

  const third = focus === undefined || !bounds || depth < 3 || (second.length > 0 && !outer.answer) ? [] : fresh(ringOf(focus, [...told, ...toldOuter], 2, expansion, bounds), [...told, ...toldOuter]);
  const outermost = useQuery(Neighbourhood, { refs: third, first: FIRST }, { skip: skip || third.length === 0 });
  const toldOutermost = third.length === 0 ? [] : toldIn(outermost.answer?.data);

  const all = [...told, ...toldOuter, ...toldOutermost];
  // The answers are kept by `useQuery`, so they stand for what they hold.
  const key = JSON.stringify([ref, depth, open, shut, hide, second, third, inner.at, outer.at, outermost.at, types.at]);
  const model = useMemo(() => (focus === undefined || !bounds ? undefined : neighbourhood(focus, all, { shut }, bounds)), [key]); // eslint-disable-line react-hooks/exhaustive-deps
  const asked = [inner, ...(second.length > 0 ? [outer] : []), ...(third.length > 0 ? [outermost] : [])];
  return {
    query: shown([...asked, types], inner),
    model,
    isAsking: [...asked, types].some(({ isAsking }) => isAsking),
    errors: asked.flatMap(({ answer }) => answer?.errors ?? []),
    behind: { document: Neighbourhood, variables: { refs: [ref, ...open, ...second, ...third], first: FIRST } },
    isTruncated: false,
  };
}

type Told = NonNullable<NeighbourhoodQuery['entitiesByRef'][number]>;

/** Some may have gone since the address was made. */
function toldIn(data: NeighbourhoodQuery | undefined): Told[] {
  return (data?.entitiesByRef ?? []).filter((entity) => entity !== null);
}

function fresh(refs: readonly string[], told: readonly Told[]): string[] {
  const known = new Set(told.map(({ ref }) => ref));
  return refs.filter((ref) => !known.has(ref));
}

function useReach({ ref, direction, steps, hide }: Focused, { query: types, relations }: Known, skip: boolean): Drawn {
  const variables = { of: ref, direction, steps };
  const query = useQuery(Reach, variables, { skip });
  const { answer } = query;
  const key = hide.join(',');
  const model = useMemo(() => (answer && relations ? reach(answer.data, { hide: key === '' ? [] : key.split(','), relations }) : undefined), [answer, key, relations]);
  return {
    query: shown([query, types], query),
    model,
    isAsking: query.isAsking || types.isAsking,
    errors: answer?.errors ?? [],
    behind: { document: Reach, variables },
    isTruncated: answer?.data.impact.truncated ?? false,
  };
}

function useWay({ ref, to, hide }: Focused, { query: types, relations }: Known, skip: boolean): Drawn {
  // Which types are left over is known only when all are.
  const left = relations && without(hide, relations);
  const variables = { from: ref, to: to ?? ref, types: left ?? null };
  const query = useQuery(Way, variables, { skip: skip || left === undefined });
  const { answer } = query;
  const key = hide.join(',');
  const model = useMemo(() => (answer && relations ? way(answer.data, to ?? ref, { hide: key === '' ? [] : key.split(','), relations }) : undefined), [answer, to, ref, key, relations]);
  return { query: shown([query, types], query), model, isAsking: query.isAsking || types.isAsking, errors: answer?.errors ?? [], behind: { document: Way, variables }, isTruncated: false };
}
