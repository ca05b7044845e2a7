/** Finds an entity while somebody types: a combobox over what the graph suggests and finds. */
import { useEffect, useId, useState } from 'react';
import type { KeyboardEvent } from 'react';
import { useQuery } from '../../data/useQuery';
import { Meant } from '../../gen/documents';
import type { MeantQuery } from '../../gen/documents';
import { Icon } from '../../ui/Icon';
import { plain } from '../../ui/text';
import { calledOf } from '../catalog/called';
import type { HueOf } from './scene';
import { KindSign } from './Shapes';

interface Found {
  readonly ref: string;
  readonly kind: string;
  readonly name: string;
  readonly title: string | null;
}

interface Props {
  readonly label: string;
  readonly placeholder: string;
  /** What is chosen now. */
  readonly value: string;
  readonly hueOf: HueOf;
  readonly onPick: (ref: string) => void;
  readonly autoFocus?: boolean;
}

const PAUSE = 120;

export function Picker({ label, placeholder, value, hueOf, onPick, autoFocus = false }: Props) {
  const id = useId();
  const [text, setText] = useState<string>();
  const [at, setAt] = useState(0);
  const asked = useSettled((text ?? '').trim());
  const isOpen = text !== undefined && text.trim() !== '';
  const query = useQuery(Meant, { text: asked }, { skip: asked === '' || !isOpen });
  const found = isOpen && query.answer ? entitiesIn(query.answer.data) : [];
  const isSettled = isOpen && asked === text.trim() && query.answer !== undefined;

  const pick = (ref: string): void => {
    setText(undefined);
    setAt(0);
    onPick(ref);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!isOpen) return;
    const last = found.length - 1;
    if (event.key === 'ArrowDown') setAt(at >= last ? 0 : at + 1);
    else if (event.key === 'ArrowUp') setAt(at <= 0 ? last : at - 1);
    else if (event.key === 'Enter' && found[at]) pick(found[at].ref);
    else if (event.key === 'Escape') setText(undefined);
    else return;
    event.preventDefault();
  };

  return (
    <div className="graph-picker">
      <Icon name="search" />
      <input
        id={id}
        className="input"
        role="combobox"
        type="text"
        autoComplete="off"
        spellCheck={false}
        autoFocus={autoFocus}
        aria-label={label}
        aria-expanded={found.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={found[at] ? `${id}-${at}` : undefined}
        placeholder={placeholder}
        value={text ?? value}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onFocus={(event) => event.target.select()}
        onBlur={() => setText(undefined)}
        onKeyDown={onKeyDown}
      />
      <div className="graph-found" hidden={!isOpen}>
        <ul id={`${id}-list`} role="listbox" aria-label="Entities found">
          {found.map((one, index) => (
            <li
              key={one.ref}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              // Before the field loses the focus and the list goes.
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => pick(one.ref)}
            >
              <KindSign kind={one.kind} hue={hueOf(one.kind)} />
              <span className="graph-found-name">{plain(calledOf(one) ?? one.name, 80)}</span>
              <span className="soft small graph-found-ref">{plain(one.ref, 90)}</span>
            </li>
          ))}
        </ul>
        {found.length === 0 && (
          <p className="soft small graph-found-none" role="status">
            {query.fault ? 'The server does not answer this.' : isSettled ? 'Nothing is called so.' : 'Looking …'}
          </p>
        )}
      </div>
    </div>
  );
}

function entitiesIn({ suggest, search }: MeantQuery): Found[] {
  const all = new Map<string, Found>();
  for (const node of [...suggest.map((one) => one.node), ...search.nodes]) {
    if (isEntity(node) && !all.has(node.ref)) all.set(node.ref, node);
  }
  return [...all.values()].slice(0, 10);
}

function isEntity(node: Found | Readonly<Record<PropertyKey, unknown>>): node is Found {
  return typeof node.ref === 'string';
}

/** The text, once nobody has typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), PAUSE);
    return () => window.clearTimeout(timer);
  }, [text]);
  return settled;
}
