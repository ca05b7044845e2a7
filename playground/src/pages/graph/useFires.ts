/** Asks for the incidents of what is drawn, in pieces, and again now and then. */
import { useMemo } from 'react';
import type { Query } from '../../data/useQuery';
import { useQuery } from '../../data/useQuery';
import { OnFire } from '../../gen/documents';
import type { OnFireQuery } from '../../gen/documents';
import { MOST_NODES } from './model';
import { AT_ONCE, fires, pieces } from './fires';
import type { Fire } from './fires';

const EVERY = 60_000;
const PIECES = Math.ceil(MOST_NODES / AT_ONCE);

export interface Fires {
  readonly of: ReadonlyMap<string, Fire>;
  readonly isAsking: boolean;
  readonly faults: readonly Query<OnFireQuery>[];
}

export function useFires(refs: readonly string[], isWanted: boolean): Fires {
  const parts = pieces(refs);
  const one = usePiece(parts[0], isWanted);
  const two = usePiece(parts[1], isWanted);
  const three = usePiece(parts[2], isWanted);
  const four = usePiece(parts[3], isWanted);
  const five = usePiece(parts[4], isWanted);
  const asked = [one, two, three, four, five].slice(0, Math.min(parts.length, PIECES));
  const key = asked.map(({ at }) => at ?? '').join(' ') + refs.join(' ');
  const of = useMemo(() => (isWanted ? fires(asked.flatMap(({ answer }) => (answer ? [answer.data] : []))) : new Map<string, Fire>()), [key, isWanted]); // eslint-disable-line react-hooks/exhaustive-deps
  return { of, isAsking: isWanted && asked.some(({ isAsking }) => isAsking), faults: isWanted ? asked.filter(({ fault }) => fault !== undefined) : [] };
}

function usePiece(refs: readonly string[] | undefined, isWanted: boolean): Query<OnFireQuery> {
  return useQuery(OnFire, { refs: refs ?? [] }, { skip: !isWanted || refs === undefined, every: EVERY });
}
