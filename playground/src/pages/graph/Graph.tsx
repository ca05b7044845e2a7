/** The page Graph: an entity, what is around it, what would feel it, and the ways to others. */
import { useMemo } from 'react';
import { usePlace } from '../../app/location';
import type { PageProps } from '../../app/pages';
import { useQuery } from '../../data/useQuery';
import { GraphStart } from '../../gen/documents';
import './graph.css';
import { hues } from './hues';
import { placeIn } from './place';
import { Start } from './Start';
import { Whole } from './Whole';

export default function Graph({ rest }: PageProps) {
  const { search } = usePlace();
  // Parts may hold slashes.
  const path = JSON.stringify(rest);
  const place = useMemo(() => placeIn(JSON.parse(path) as string[], search), [path, search]);
  const start = useQuery(GraphStart, {});
  const kinds = start.answer?.data.facets[0]?.values;
  const hueOf = useMemo(() => hues((kinds ?? []).map(({ value }) => value)), [kinds]);
  const { ref } = place;
  return ref === undefined ? <Start hueOf={hueOf} start={start} /> : <Whole place={{ ...place, ref }} hueOf={hueOf} />;
}
