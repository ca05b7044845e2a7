/** The start: what is here, and questions to begin with. */
import { useState } from 'react';
import type { ReactNode } from 'react';
import { navigate } from '../../app/location';
import { pages } from '../../app/pages';
import { useQuery } from '../../data/useQuery';
import { Overview } from '../../gen/documents';
import type { OverviewQuery } from '../../gen/documents';
import { Icon } from '../../ui/Icon';
import { Link } from '../../ui/Link';
import { Empty, Shown } from '../../ui/states';
import { count, number, plain } from '../../ui/text';
import { questions } from '../query/gallery';
import { queryLink } from '../query/share';

function has(segment: string): boolean {
  return pages.some((page) => page.segment === segment);
}

export function Start() {
  const overview = useQuery(Overview, {}, { every: 15_000 });
  return (
    <div className="page">
      <div className="hero">
        <h1>What runs, who answers for it, and what depends on what</h1>
        <p className="soft">One graph over your software catalog and the tools around it. Look something up, or ask it anything.</p>
        {has('catalog') && <Search />}
      </div>
      <Shown query={overview} what="the catalog">
        {(data) => <Facts data={data} />}
      </Shown>
      {has('query') && (
        <section>
          <h2 className="section-title">Questions to begin with</h2>
          <ul className="questions">
            {questions.map((question) => (
              <li key={question.name}>
                <Link to={queryLink(question.query)} className="question">
                  <span>{question.title}</span>
                  <Icon name="arrow" />
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      <footer className="page-foot soft small">
        <a href={new URL('docs/', document.baseURI).href}>Docs of the catalog</a>
        <a href={new URL('schema.graphql', document.baseURI).href}>The schema (SDL)</a>
        <a href={new URL('metrics', document.baseURI).href}>Metrics</a>
      </footer>
    </div>
  );
}

function Search() {
  const [text, setText] = useState('');
  return (
    <form
      role="search"
      className="search"
      onSubmit={(event) => {
        event.preventDefault();
        navigate(`/catalog?q=${encodeURIComponent(text)}`);
      }}
    >
      <Icon name="search" />
      <input
        className="input"
        type="search"
        aria-label="Search the catalog"
        placeholder="Search the catalog: a name, a team, an operation …"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className="button">
        Search
      </button>
    </form>
  );
}

function Facts({ data }: { data: OverviewQuery }) {
  const kinds = data.facets[0]?.values ?? [];
  if (kinds.length === 0) {
    return (
      <Empty title="The catalog is empty">
        <p>
          Name your descriptors under <code>sources</code> in <code>callboard.yaml</code>; what is read appears here by itself.
        </p>
      </Empty>
    );
  }
  const problems = data.errors.totalCount + data.warnings.totalCount;
  const isUsed = data.connectors.some(({ status }) => status !== 'NOT_CONFIGURED');
  const ailing = data.connectors.filter(({ status }) => status === 'DEGRADED' || status === 'FAILING');
  return (
    <>
      <ul className="tiles" aria-label="Entities by kind">
        {kinds.map(({ value, label, count: of }) => (
          <li key={value}>
            <Tile to={has('catalog') ? `/catalog?kind=${encodeURIComponent(value)}` : undefined}>
              <span className="tile-number">{number(of)}</span>
              <span className="tile-label">{plain(label, 40)}</span>
            </Tile>
          </li>
        ))}
      </ul>
      <p className="glance">
        <Link to="/status">
          {problems === 0 ? 'No problems in descriptors' : `${count(problems, 'problem')} in descriptors`}
          {ailing.length === 0 ? (isUsed ? ', all connectors are well' : ', no connector is configured') : `, ${count(ailing.length, 'connector')} in trouble: ${ailing.map(({ name }) => plain(name, 40)).join(', ')}`}
        </Link>
      </p>
    </>
  );
}

function Tile({ to, children }: { to: string | undefined; children: ReactNode }) {
  return to === undefined ? (
    <div className="tile">{children}</div>
  ) : (
    <Link to={to} className="tile tile-link">
      {children}
    </Link>
  );
}
