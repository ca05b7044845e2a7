/** A word with a colour that says how good it is; the word alone says it as well. */
import type { ReactNode } from 'react';

export type Tone = 'good' | 'warn' | 'bad' | 'calm';

export function Badge({ tone = 'calm', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge badge-${tone}`}>{children}</span>;
}
