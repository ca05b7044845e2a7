/** What can be chosen: each value with how often it occurs. */
import { useId, useState } from 'react';
import { navigate } from '../../app/location';
import { useKept } from '../../data/useKept';
import { useQuery } from '../../data/useQuery';
import { OwnerNames } from '../../gen/documents';
import type { FacetPartsFragment } from '../../gen/documents';
import { Icon } from '../../ui/Icon';
import { Link } from '../../ui/Link';
import { shortName } from '../../ui/refs';
import { number, plain } from '../../ui/text';
import { calledOf } from './called';
import { FACETS, FACET_LABELS, changed, countChosen, isChosen, lookOf, pathOf, toggled } from './place';
import type { FacetName, Look } from './place';

type Values = FacetPartsFragment['values'];
export type FacetValues = Partial<Record<FacetName, Values>>;

/** So many values are shown before somebody asks for all. */
const FEW = 7;
const NONE: Values = [];
/** One that could not be a reference would cost the names of all. */
const NAMED = /^[\w.-]+:[\w.-]+\/[\w.-]+$/;

/** Those that were asked for together, and each that was asked for by itself because something is chosen in it. */
export function facetsOf(together: readonly FacetPartsFragment[], alone: Partial<Record<FacetName, readonly FacetPartsFragment[] | undefined>>): FacetValues {
  return Object.fromEntries(FACETS.map((name) => [name, (alone[name]?.[0] ?? together.find((facet) => facet.name === name))?.values ?? []]));
}

export function Facets({ look, facets }: { look: Look; facets: FacetValues }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const chosen = countChosen(look);
  const named = useOwners(facets.owner ?? NONE);
  return (
    <aside className="facets" aria-label="Filters">
      <button type="button" className="button quiet facets-toggle" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        <Icon name="list" />
        Filters{chosen > 0 && ` (${chosen})`}
      </button>
      <div id={id} className={isOpen ? 'facets-body' : 'facets-body facets-closed'}>
        {chosen > 0 && (
          <Link to={pathOf(changed(look, { chosen: lookOf('').chosen }))} className="subtle-link small">
            <Icon name="close" />
            Take all filters away
          </Link>
        )}
        {FACETS.map((name) => (
          <Facet key={name} name={name} look={look} values={(name === 'owner' ? named : facets[name]) ?? NONE} />
        ))}
      </div>
    </aside>
  );
}

/** People and teams may have a name in their profile, which the list and the pages show; a facet counts references. */
function useOwners(values: Values): Values {
  const refs = values.map(({ value }) => value).filter((ref) => NAMED.test(ref));
  const query = useKept(useQuery(OwnerNames, { refs }, { skip: refs.length === 0 }));
  const names = new Map(query.answer?.data.entitiesByRef.flatMap((entity) => (entity ? [[entity.ref, calledOf(entity)] as const] : [])));
  return values.map((value) => ({ ...value, label: names.get(value.value) ?? value.label }));
}

function Facet({ name, look, values }: { name: FacetName; look: Look; values: Values }) {
  const [isLong, setLong] = useState(false);
  // What is chosen stays in sight, also where nothing has it.
  const missing = look.chosen[name].filter((value) => !values.some((known) => known.value.toLowerCase() === value.toLowerCase()));
  const all = [...missing.map((value) => ({ value, label: shortName(value), count: 0 })), ...values];
  if (all.length === 0) return null;
  const shown = isLong ? all : all.filter(({ value }, index) => index < FEW || isChosen(look, name, value));
  return (
    <fieldset className="facet">
      <legend>{FACET_LABELS[name]}</legend>
      <ul>
        {shown.map(({ value, label, count }) => (
          <li key={value}>
            <label className="facet-value">
              <input type="checkbox" checked={isChosen(look, name, value)} onChange={() => navigate(pathOf(toggled(look, name, value)), { replace: true })} />
              <span className="facet-label" title={value.slice(0, 300)}>
                {plain(label, 60)}
              </span>
              <span className="facet-count">{number(count)}</span>
            </label>
          </li>
        ))}
      </ul>
      {all.length > shown.length && (
        <button type="button" className="text-button small" onClick={() => setLong(true)}>
          {all.length - shown.length} more
        </button>
      )}
    </fieldset>
  );
}
