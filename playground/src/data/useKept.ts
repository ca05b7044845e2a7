/** While something else is asked for, what was there before: results do not vanish at every key. */
import { useState } from 'react';
import type { Answer } from './client';
import type { Query } from './useQuery';

export interface Kept<Data> extends Query<Data> {
  /** What is shown was asked for before, and is to be replaced. */
  readonly isOld: boolean;
}

export function useKept<Data>(query: Query<Data>): Kept<Data> {
  const [last, setLast] = useState<Answer<Data>>();
  if (query.answer !== undefined && query.answer !== last) setLast(query.answer);
  if (query.answer !== undefined || query.fault !== undefined) return { ...query, isOld: false };
  return { ...query, answer: last, isOld: last !== undefined };
}
