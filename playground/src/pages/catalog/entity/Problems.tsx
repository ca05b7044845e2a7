/** What is wrong with its descriptor: where, and what to do. */
import { EntityPage as EntityDocument } from '../../../gen/documents';
import type { ProblemSeverity } from '../../../gen/documents';
import { Badge } from '../../../ui/Badge';
import type { Tone } from '../../../ui/Badge';
import { Card } from '../../../ui/Card';
import { count, plain } from '../../../ui/text';
import { useFew } from '../../../ui/useFew';
import type { Found } from './EntityPage';

interface Problem {
  readonly severity: ProblemSeverity;
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly field?: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
}

const TONES: Record<ProblemSeverity, Tone> = { ERROR: 'bad', WARNING: 'warn', INFO: 'calm' };
const FEW = 6;

export function Problems({ entity }: { entity: Found }) {
  const { problems, ref } = entity;
  if (problems.length === 0) return null;
  return (
    <Card title="Problems" query={{ document: EntityDocument, variables: { ref } }} aside={<span className="soft small">{count(problems.length, 'problem')}</span>}>
      <ProblemRows problems={problems} />
    </Card>
  );
}

export function ProblemRows({ problems }: { problems: readonly Problem[] }) {
  const { shown, more } = useFew(problems, FEW, 'problems');
  if (problems.length === 0) return null;
  return (
    <ul className="rows">
      {shown.map((problem, index) => (
        <li key={index} className="problem">
          <Badge tone={TONES[problem.severity]}>{problem.severity.toLowerCase()}</Badge>
          <div>
            <p className="break">{plain(problem.message, 400)}</p>
            {problem.hint !== null && <p className="soft small break">{plain(problem.hint, 400)}</p>}
            <p className="soft small break">
              <code>
                {problem.file === null ? 'definition' : plain(problem.file)}
                {problem.line !== null && `:${problem.line}`}
                {problem.column !== null && `:${problem.column}`}
              </code>{' '}
              <code>{plain(problem.code, 60)}</code>
            </p>
          </div>
        </li>
      ))}
      {more !== null && <li>{more}</li>}
    </ul>
  );
}
