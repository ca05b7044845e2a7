/** How it is built and brought out: runs, changes, deployments, versions, and the repository. */
import type { ReactNode } from 'react';
import { LiveCiRuns, LiveDeployments, LiveIssues, LivePullRequests, LiveReleases, LiveRepository, RerunCiRun } from '../../../gen/documents';
import { Ago } from '../../../ui/Ago';
import { Badge } from '../../../ui/Badge';
import type { Tone } from '../../../ui/Badge';
import { OutLink } from '../../../ui/Link';
import { number, plain } from '../../../ui/text';
import { Act } from './Act';
import { LiveCard } from './LiveCard';
import { Person } from './Person';
import { CI, DEPLOYMENT, PULL_REQUEST, REVIEW, word } from './tones';

interface Listed {
  readonly totalCount: number | null;
}

/** A list of which only the first are here says how many there are. */
function Rows({ of, shown, children }: { of: Listed; shown: number; children: ReactNode }) {
  return (
    <>
      <ul className="rows">{children}</ul>
      {of.totalCount !== null && of.totalCount > shown && (
        <p className="card-none small">
          The first {shown} of {number(of.totalCount)}
        </p>
      )}
    </>
  );
}

interface LineProps {
  readonly badge: { readonly tone: Tone; readonly text: string } | null;
  readonly url: string | null;
  readonly title: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

function Line({ badge, url, title, children, actions }: LineProps) {
  return (
    <li className={badge ? 'live-row' : 'line-row'}>
      {badge && <Badge tone={badge.tone}>{badge.text}</Badge>}
      <div>
        <p className="strong break">
          <OutLink url={url}>{plain(title, 160)}</OutLink>
        </p>
        <p className="soft small dots">{children}</p>
        {actions}
      </div>
    </li>
  );
}

export function CiRuns({ of }: { of: string }) {
  return (
    <LiveCard title="CI runs" document={LiveCiRuns} of={of} entity={(data) => data.entity} none="No pipeline has run.">
      {({ ciRuns }, again) => {
        const nodes = (ciRuns?.nodes ?? []).filter((one) => one !== null);
        if (!ciRuns || nodes.length === 0) return undefined;
        return (
          <Rows of={ciRuns} shown={nodes.length}>
            {nodes.map((run) => {
              const name = run.commitMessage ?? run.name ?? run.workflow ?? 'A run';
              const isOver = run.status === 'PASSED' || run.status === 'FAILED' || run.status === 'CANCELLED';
              return (
                <Line
                  key={run.id}
                  badge={run.status === null ? null : { tone: CI[run.status], text: word(run.status) }}
                  url={run.url}
                  title={name}
                  actions={
                    isOver && (
                      <p className="row row-actions">
                        <Act label="Re-run" action="rerunCiRun" what={`${run.workflow ?? run.provider}${run.number === null ? '' : ` #${run.number}`}: ${name}`} title="Run it again?" text={`${run.provider} is asked to run it again.`} document={RerunCiRun} input={{ id: run.id }} payload={(data) => data.rerunCiRun} done={again} />
                      </p>
                    )
                  }
                >
                  <span>{plain(run.provider, 40)}</span>
                  {run.workflow !== null && <span className="break">{plain(run.workflow, 80)}{run.number !== null && ` #${run.number}`}</span>}
                  {run.branch !== null && <code className="break">{plain(run.branch, 60)}</code>}
                  <Person of={run.author} />
                  <span>
                    <Ago at={run.finishedAt ?? run.startedAt ?? run.createdAt} />
                  </span>
                  {run.progress !== null && run.status === 'RUNNING' && <Progress of={run.progress} />}
                  {run.coverage !== null && <span>{Math.round(run.coverage)} % covered</span>}
                </Line>
              );
            })}
          </Rows>
        );
      }}
    </LiveCard>
  );
}

function Progress({ of: { done, total } }: { of: { readonly done: number | null; readonly total: number | null } }) {
  if (done === null || total === null || total <= 0) return null;
  return (
    <span className="meter-row">
      <progress className="progress" max={total} value={done} aria-label="Progress" /> {total === 100 ? `${done} %` : `${done} of ${total}`}
    </span>
  );
}

export function PullRequests({ of }: { of: string }) {
  return (
    <LiveCard title="Pull requests" document={LivePullRequests} of={of} entity={(data) => data.entity} none="There is none.">
      {({ pullRequests }) => {
        const nodes = (pullRequests?.nodes ?? []).filter((one) => one !== null);
        if (!pullRequests || nodes.length === 0) return undefined;
        return (
          <Rows of={pullRequests} shown={nodes.length}>
            {nodes.map((change) => (
              <Line key={change.id} badge={change.state === null ? null : { tone: change.draft === true ? 'calm' : PULL_REQUEST[change.state], text: change.draft === true ? 'draft' : word(change.state) }} url={change.url} title={change.title ?? 'Without a title'}>
                {change.number !== null && <span>#{change.number}</span>}
                <Person of={change.author} />
                {change.reviewDecision !== null && change.state === 'OPEN' && <span>{REVIEW[change.reviewDecision]}</span>}
                <span>
                  <Ago at={change.updatedAt} />
                </span>
              </Line>
            ))}
          </Rows>
        );
      }}
    </LiveCard>
  );
}

export function Issues({ of }: { of: string }) {
  return (
    <LiveCard title="Open issues" document={LiveIssues} of={of} entity={(data) => data.entity} none="There is none.">
      {({ issues }) => {
        const nodes = (issues?.nodes ?? []).filter((one) => one !== null);
        if (!issues || nodes.length === 0) return undefined;
        return (
          <Rows of={issues} shown={nodes.length}>
            {nodes.map((issue) => (
              <Line key={issue.id} badge={null} url={issue.url} title={issue.title ?? 'Without a title'}>
                {issue.number !== null && <span>#{issue.number}</span>}
                <Person of={issue.author} />
                {issue.labels?.map((label) => label !== null && <span key={label}>{plain(label, 40)}</span>)}
                <span>
                  <Ago at={issue.updatedAt} />
                </span>
              </Line>
            ))}
          </Rows>
        );
      }}
    </LiveCard>
  );
}

export function Deployments({ of }: { of: string }) {
  return (
    <LiveCard title="Deployments" document={LiveDeployments} of={of} entity={(data) => data.entity} none="Nothing was deployed.">
      {({ deployments }) => {
        const nodes = (deployments?.nodes ?? []).filter((one) => one !== null);
        if (!deployments || nodes.length === 0) return undefined;
        return (
          <Rows of={deployments} shown={nodes.length}>
            {nodes.map((one) => (
              <Line key={one.id} badge={one.status === null ? null : { tone: DEPLOYMENT[one.status], text: word(one.status) }} url={one.environmentUrl ?? one.url} title={one.environment ?? 'Somewhere'}>
                {one.branch !== null && <code className="break">{plain(one.branch, 60)}</code>}
                {one.commit !== null && <code>{plain(one.commit.slice(0, 7))}</code>}
                <Person of={one.author} />
                <span>
                  <Ago at={one.createdAt} />
                </span>
              </Line>
            ))}
          </Rows>
        );
      }}
    </LiveCard>
  );
}

export function Releases({ of }: { of: string }) {
  return (
    <LiveCard title="Releases" document={LiveReleases} of={of} entity={(data) => data.entity} none="No version was published.">
      {({ releases }) => {
        const nodes = (releases?.nodes ?? []).filter((one) => one !== null);
        if (!releases || nodes.length === 0) return undefined;
        return (
          <Rows of={releases} shown={nodes.length}>
            {nodes.map((one) => (
              <li key={one.id} className="line-row">
                <p className="strong break">
                  <OutLink url={one.url}>{plain(one.tag ?? one.name ?? 'A version', 80)}</OutLink> {one.draft === true ? <Badge>draft</Badge> : one.prerelease === true && <Badge tone="warn">pre-release</Badge>}
                </p>
                <p className="soft small dots">
                  {one.name !== null && one.name !== one.tag && <span className="break">{plain(one.name, 120)}</span>}
                  <span>
                    <Ago at={one.publishedAt ?? one.createdAt} />
                  </span>
                </p>
              </li>
            ))}
          </Rows>
        );
      }}
    </LiveCard>
  );
}

export function Repository({ of }: { of: string }) {
  return (
    <LiveCard title="Repository" document={LiveRepository} of={of} entity={(data) => data.entity} none="There is none.">
      {({ repository }) => {
        if (!repository) return undefined;
        const facts: readonly (readonly [string, ReactNode])[] = [
          ['Branch', repository.defaultBranch !== null && <code className="break">{plain(repository.defaultBranch, 60)}</code>],
          ['Language', repository.primaryLanguage !== null && plain(repository.primaryLanguage, 40)],
          ['Licence', repository.license !== null && plain(repository.license, 40)],
          ['Seen by', repository.visibility !== null && word(repository.visibility)],
          ['Open issues', repository.openIssues !== null && number(repository.openIssues)],
          ['Stars', repository.stars !== null && number(repository.stars)],
          ['Last push', repository.pushedAt !== null && <Ago at={repository.pushedAt} />],
        ];
        return (
          <div className="card-body">
            <p className="strong break">
              <OutLink url={repository.url}>{plain(repository.fullName ?? 'The repository', 160)}</OutLink> {repository.archived === true && <Badge tone="warn">archived</Badge>}
            </p>
            {repository.description !== null && <p className="soft break">{plain(repository.description, 400)}</p>}
            <dl className="facts">
              {facts.map(([label, value]) => value !== false && (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </div>
        );
      }}
    </LiveCard>
  );
}
