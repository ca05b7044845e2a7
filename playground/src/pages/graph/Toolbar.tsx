/** What is drawn and how: of which entity, how far, by which relations. */
import { useId, useState } from 'react';
import type { ReactNode } from 'react';
import { Icon } from '../../ui/Icon';
import type { IconName } from '../../ui/Icon';
import { plain } from '../../ui/text';
import type { GraphNode, TypeCount } from './model';
import { Picker } from './Picker';
import { DEPTHS, MOST_STEPS } from './place';
import type { GraphPlace, Mode } from './place';
import { said } from './relations';
import type { HueOf } from './scene';

interface Props {
  readonly place: GraphPlace & { readonly ref: string };
  readonly focus: GraphNode | undefined;
  readonly types: readonly TypeCount[];
  readonly hueOf: HueOf;
  readonly go: (next: Partial<GraphPlace>) => void;
  readonly actions: ReactNode;
}

const MODES: readonly (readonly [Mode, string, IconName])[] = [
  ['near', 'Around it', 'graph'],
  ['impact', 'What breaks', 'ripple'],
  ['path', 'Path', 'path'],
];

export function Toolbar({ place, focus, types, hueOf, go, actions }: Props) {
  // On a phone the drawing has the room; what is needed now and then is opened.
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <div className={isOpen ? 'graph-bar open' : 'graph-bar'}>
      <div className="graph-row">
        <Picker label="Entity" placeholder="Find an entity" value={plain(focus?.label ?? place.ref, 80)} hueOf={hueOf} onPick={(ref) => go({ ref, open: [], shut: [] })} />
        <button
          type="button"
          className="button quiet graph-unfold"
          aria-expanded={isOpen}
          aria-controls={`${id}how ${id}which`}
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="choices" />
          <span className="graph-unseen">Choices </span>
          {place.hide.length > 0 && (
            <span className="graph-left-out">
              {place.hide.length}
              <span className="graph-unseen"> left out</span>
            </span>
          )}
        </button>
        <div className="graph-choice graph-modes" role="group" aria-label="What is drawn">
          {MODES.map(([mode, label, icon]) => (
            <button key={mode} type="button" aria-pressed={place.mode === mode} onClick={() => go({ mode })}>
              <Icon name={icon} />
              {label}
            </button>
          ))}
        </div>
        {place.mode === 'path' && (
          <Picker key={place.to ?? ''} label="The other end" placeholder="To which entity?" value={plain(place.to ?? '', 80)} hueOf={hueOf} onPick={(to) => go({ to })} />
        )}
        <div className="graph-folds" id={`${id}how`}>
          {place.mode === 'near' && <Depth depth={place.depth} go={go} />}
          {place.mode === 'impact' && <Reach place={place} go={go} />}
          <div className="graph-actions">{actions}</div>
        </div>
      </div>
      <div className="graph-row graph-folds" id={`${id}which`}>
        {types.length > 0 && <Relations types={types} hide={place.hide} go={go} />}
        <label className="graph-check">
          <input type="checkbox" checked={place.live} onChange={(event) => go({ live: event.target.checked })} />
          Live incidents
        </label>
      </div>
    </div>
  );
}

function Depth({ depth, go }: { depth: number; go: Props['go'] }) {
  return (
    <div className="graph-choice" role="group" aria-label="How many steps around it">
      {DEPTHS.map((one) => (
        <button key={one} type="button" aria-pressed={depth === one} onClick={() => go({ depth: one, shut: [] })}>
          {one === 1 ? '1 step' : one}
        </button>
      ))}
    </div>
  );
}

function Reach({ place, go }: { place: GraphPlace; go: Props['go'] }) {
  return (
    <>
      <div className="graph-choice" role="group" aria-label="Direction">
        <button type="button" aria-pressed={place.direction === 'DEPENDENTS'} onClick={() => go({ direction: 'DEPENDENTS' })}>
          Who needs it
        </button>
        <button type="button" aria-pressed={place.direction === 'DEPENDENCIES'} onClick={() => go({ direction: 'DEPENDENCIES' })}>
          What it needs
        </button>
      </div>
      <label className="graph-steps">
        Steps
        <input className="input" type="number" min={1} max={MOST_STEPS} value={place.steps} onChange={(event) => go({ steps: Math.min(MOST_STEPS, Math.max(1, event.target.valueAsNumber || 1)) })} />
      </label>
    </>
  );
}

function Relations({ types, hide, go }: { types: readonly TypeCount[]; hide: readonly string[]; go: Props['go'] }) {
  return (
    <div className="graph-chips" role="group" aria-label="Relations that are drawn">
      {types.map(({ type, count, isHidden }) => (
        <button
          key={type}
          type="button"
          className="graph-chip"
          aria-pressed={!isHidden}
          onClick={() => go({ hide: isHidden ? hide.filter((one) => one !== type) : [...hide, type] })}
        >
          <Icon name={isHidden ? 'close' : 'check'} />
          {plain(said(type), 40)}
          {count > 0 && <span className="graph-chip-count">{count}</span>}
        </button>
      ))}
    </div>
  );
}
