/** How everything is that Callboard stands on: asked again while somebody looks. */
import { useQuery } from '../../data/useQuery';
import { Status as StatusDocument } from '../../gen/documents';
import type { StatusQuery } from '../../gen/documents';
import { Ago } from '../../ui/Ago';
import { Badge } from '../../ui/Badge';
import { Card } from '../../ui/Card';
import { Empty, Shown } from '../../ui/states';
import { count, number, plain } from '../../ui/text';
import { Connectors } from './Connectors';
import { Sources } from './Sources';

const EVERY = 5000;

export default function Status() {
  const status = useQuery(StatusDocument, {}, { every: EVERY });
  return (
    <div className="page">
      <div className="page-head">
        <h1>Status</h1>
        <p className="soft small">
          {status.answer && <>Callboard {plain(status.answer.data.callboard.version, 40)} · </>}
          {status.at === undefined ? 'Not seen yet' : <>as of <Ago at={status.at} /></>}
        </p>
      </div>
      <Shown query={status} what="the status">
        {(data) => <Parts data={data} />}
      </Shown>
    </div>
  );
}

function Parts({ data }: { data: StatusQuery }) {
  const query = { document: StatusDocument };
  const kinds = data.facets[0]?.values ?? [];
  const entities = kinds.reduce((sum, kind) => sum + kind.count, 0);
  return (
    <div className="stack">
      <Card title="Connectors" query={query} aside={<span className="soft small">{summary(data)}</span>}>
        <Connectors connectors={data.connectors} />
      </Card>
      <Card title="Sources" query={query} aside={<span className="soft small">{count(entities, 'entity', 'entities')}</span>}>
        <Sources sources={data.sources} />
      </Card>
      <Card title="Problems in descriptors" query={query} aside={<span className="soft small">{number(data.problems.totalCount)} in all</span>}>
        <Problems problems={data.problems} />
      </Card>
    </div>
  );
}

function summary({ connectors }: StatusQuery): string {
  const well = connectors.filter(({ status }) => status === 'READY').length;
  const used = connectors.filter(({ status }) => status !== 'NOT_CONFIGURED').length;
  return used === 0 ? 'none is configured' : `${well} of ${used} well`;
}

function Problems({ problems }: { problems: StatusQuery['problems'] }) {
  const { nodes } = problems;
  if (nodes.length === 0) return <Empty title="None: every descriptor is as it should be" />;
  return (
    <ul className="rows">
      {nodes.map((problem, index) => (
        <li key={index} className="problem">
          <Badge tone={problem.severity === 'ERROR' ? 'bad' : problem.severity === 'WARNING' ? 'warn' : 'calm'}>{problem.severity.toLowerCase()}</Badge>
          <div>
            <p>{plain(problem.message, 400)}</p>
            {problem.hint && <p className="soft small">{plain(problem.hint, 400)}</p>}
            <p className="soft small break">
              <code>
                {plain(problem.file)}
                {problem.line !== null && `:${problem.line}`}
                {problem.column !== null && `:${problem.column}`}
              </code>
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}
