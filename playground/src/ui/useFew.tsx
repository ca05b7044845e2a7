/** The first of many, and a button that shows the others: nothing is left out for good, and nothing is as long as somebody else made it. */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { number } from './text';

export interface Few<One> {
  readonly shown: readonly One[];
  /** Nothing where all are shown from the beginning. */
  readonly more: ReactNode;
}

/** `what`: as in `All 200 links`. */
export function useFew<One>(all: readonly One[], few: number, what: string): Few<One> {
  const [isAll, setAll] = useState(false);
  if (all.length <= few) return { shown: all, more: null };
  return {
    shown: isAll ? all : all.slice(0, few),
    more: (
      <button type="button" className="text-button small" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
        {isAll ? `Fewer ${what}` : `All ${number(all.length)} ${what}`}
      </button>
    ),
  };
}
