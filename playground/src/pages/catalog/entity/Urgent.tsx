/** Who answers now, and what is on fire. */
import { AcknowledgeIncident, LiveIncidents, LiveOnCall, ResolveIncident } from '../../../gen/documents';
import type { LiveIncidentsQuery } from '../../../gen/documents';
import { Ago } from '../../../ui/Ago';
import { Badge } from '../../../ui/Badge';
import { OutLink } from '../../../ui/Link';
import { plain } from '../../../ui/text';
import { Act } from './Act';
import { LiveCard } from './LiveCard';
import { Person } from './Person';
import { INCIDENT, word } from './tones';

export function OnCall({ of }: { of: string }) {
  return (
    <LiveCard title="On call" document={LiveOnCall} of={of} entity={(data) => data.entity} none="Nobody is on call.">
      {({ onCall }) => {
        const nodes = (onCall?.nodes ?? []).filter((one) => one !== null);
        if (nodes.length === 0) return undefined;
        return (
          <ol className="rows">
            {nodes.map((one, index) => (
              <li key={`${one.id} ${index}`} className="on-call">
                <span className="level" title="Who is called first has level 1">
                  <span className="hidden">Level </span>
                  {one.level ?? '–'}
                </span>
                <div>
                  <p className="strong">
                    <Person of={one} />
                    {one.name === null && one.user === null && 'Somebody'}
                  </p>
                  <p className="soft small break">
                    {one.schedule !== null ? <OutLink url={one.url}>{plain(one.schedule, 80)}</OutLink> : 'always'}
                    {one.endsAt !== null && (
                      <>
                        , ends <Ago at={one.endsAt} />
                      </>
                    )}
                  </p>
                </div>
                {one.email !== null && (
                  <OutLink url={`mailto:${encodeURIComponent(one.email).replaceAll('%40', '@')}`} className="small break end-cell">
                    {plain(one.email, 80)}
                  </OutLink>
                )}
              </li>
            ))}
          </ol>
        );
      }}
    </LiveCard>
  );
}

type Incident = NonNullable<NonNullable<NonNullable<LiveIncidentsQuery['entity']>['incidents']>['nodes'][number]>;

export function Incidents({ of }: { of: string }) {
  return (
    <LiveCard title="Incidents" document={LiveIncidents} of={of} entity={(data) => data.entity} none="None is known: nothing is on fire.">
      {({ incidents }, again) => {
        const nodes = (incidents?.nodes ?? []).filter((one) => one !== null);
        if (nodes.length === 0) return undefined;
        return (
          <ul className="rows">
            {nodes.map((incident) => (
              <IncidentRow key={incident.id} incident={incident} again={again} />
            ))}
          </ul>
        );
      }}
    </LiveCard>
  );
}

function IncidentRow({ incident, again }: { incident: Incident; again: () => void }) {
  const { id, number, title, status, open } = incident;
  const what = `${number === null ? '' : `#${number} `}${title ?? ''}`.trim();
  return (
    <li className="live-row">
      {status !== null && <Badge tone={INCIDENT[status]}>{word(status)}</Badge>}
      <div>
        <p className="strong break">
          <OutLink url={incident.url}>{plain(what === '' ? 'An incident' : what, 200)}</OutLink>
        </p>
        <p className="soft small dots">
          {[incident.priority, incident.urgency !== null ? `${word(incident.urgency)} urgency` : null, incident.service].filter(Boolean).map((text) => (
            <span key={text}>{plain(text ?? '', 60)}</span>
          ))}
          {incident.resolvedAt !== null ? <span>resolved <Ago at={incident.resolvedAt} /></span> : incident.createdAt !== null && <span>since <Ago at={incident.createdAt} /></span>}
          {incident.assignees?.map((person, index) => person && (
            <span key={index}>
              <Person of={person} />
            </span>
          ))}
        </p>
        {open === true && (
          <p className="row row-actions">
            {status === 'TRIGGERED' && (
              <Act label="Acknowledge" action="acknowledgeIncident" what={what} title="Say that you are on it?" text="Everybody who is called for it is told, and the calls stop." document={AcknowledgeIncident} input={{ id }} payload={(data) => data.acknowledgeIncident} done={again} />
            )}
            <Act label="Resolve" action="resolveIncident" what={what} title="Say that it is over?" text="The incident is closed for everybody." document={ResolveIncident} input={{ id }} payload={(data) => data.resolveIncident} done={again} />
          </p>
        )}
      </div>
    </li>
  );
}
