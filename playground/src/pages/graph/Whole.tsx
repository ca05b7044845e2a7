/** One drawing with everything around it: what it shows, the drawing itself, what is chosen in it, and the same as a list. */
import { useMemo, useState } from 'react';
import { navigate } from '../../app/location';
import { Icon } from '../../ui/Icon';
import { Link } from '../../ui/Link';
import { Errors, FaultNotice, Loading, Notice } from '../../ui/states';
import { count, number, plain } from '../../ui/text';
import { useMedia } from '../../ui/useMedia';
import { queryLink } from '../query/share';
import { Aside } from './Aside';
import { Drawing } from './Drawing';
import { download, fileName, look, paint, pngOf, toSvg } from './export';
import { reasons } from './fires';
import type { Fire } from './fires';
import { layout } from './layout';
import { measure } from './measure';
import type { GraphNode, Model } from './model';
import { graphLink } from './place';
import type { GraphPlace } from './place';
import { labelWidth, scene } from './scene';
import type { HueOf, Marks, Scene } from './scene';
import { Toolbar } from './Toolbar';
import { useFires } from './useFires';
import type { Fires } from './useFires';
import { useModel } from './useModel';
import type { Drawn } from './useModel';

type Focused = GraphPlace & { readonly ref: string };
const widthOf = labelWidth(measure);
const NARROW = '(max-width: 720px)';

export function Whole({ place, hueOf }: { place: Focused; hueOf: HueOf }) {
  const drawn = useModel(place);
  const subject = `${place.mode} ${place.ref} ${place.mode === 'path' ? (place.to ?? '') : ''} ${place.mode === 'impact' ? place.direction : ''}`;
  const model = useKept(drawn, subject);
  const isNarrow = useMedia(NARROW);
  const refs = useMemo(() => (model?.nodes ?? []).filter(({ isMissing }) => !isMissing).map(({ ref }) => ref), [model]);
  const fires = useFires(refs, place.live);
  const [chosen, setChosen] = useState<{ subject: string; ref: string }>();
  const go = (next: Partial<GraphPlace>): void => navigate(graphLink({ ...place, ...next }));
  const focus = model?.nodes[0];

  // A long path would be a thin line across a wide window.
  const isBelow = isNarrow || (place.mode === 'path' && (model?.nodes.length ?? 0) > 4);
  const laid = useMemo(() => model && layout(model, { direction: isBelow ? 'TB' : 'LR', labelWidth: widthOf }), [model, isBelow]);
  const shapes = useMemo(() => model && laid && scene(model, laid, (ref) => marksOf(fires.of.get(ref)), hueOf, measure), [model, laid, fires.of, hueOf]);
  const selected = chosen?.subject === subject && model?.nodes.some(({ ref }) => ref === chosen.ref) ? chosen.ref : model?.focus;

  const toggle = (ref: string): void => {
    const node = model?.nodes.find((one) => one.ref === ref);
    if (node?.isMissing !== false || place.mode !== 'near' || ref === model?.focus) return;
    if (node.isOpen) go({ open: place.open.filter((one) => one !== ref), shut: place.depth > 1 ? [...place.shut, ref] : place.shut });
    else go({ open: [...place.open, ref], shut: place.shut.filter((one) => one !== ref) });
  };
  const focusOn = (ref: string): void => {
    if (model?.nodes.find((one) => one.ref === ref)?.isMissing === false) go({ ref, open: [], shut: [], ...(place.mode === 'path' ? { mode: 'near' } : {}) });
  };
  const isAlone = model?.nodes.length === 1;
  const noWay = place.mode === 'path' && place.to !== undefined && model?.edges.length === 0 && model.nodes.length > 1;

  return (
    <div className="graph-page">
      <h1 className="graph-unseen">Graph of {plain(focus?.label ?? place.ref, 120)}</h1>
      <Toolbar
        place={place}
        focus={focus}
        types={model?.types ?? []}
        hueOf={hueOf}
        go={go}
        actions={
          <>
            <Link to={queryLink(drawn.behind.document.text, drawn.behind.variables)} className="button quiet graph-tool" aria-label="The query behind this">
              <Icon name="query" />
              <span className="graph-tool-word">The query behind this</span>
            </Link>
            <Exports scene={shapes} model={model} mode={place.mode} />
          </>
        }
      />
      <div className="graph-body">
        <div className="graph-stage">
          {shapes && laid && model ? (
            <>
              <Drawing
                scene={shapes}
                layout={laid}
                focus={model.focus}
                subject={`${subject} ${isBelow} ${place.mode === 'path' ? refs.join(' ') : ''}`}
                chosen={selected}
                onChoose={(ref) => setChosen({ subject, ref })}
                onToggle={toggle}
                onFocus={focusOn}
                nameOf={(node) => nameOf(node, model.focus, fires.of.get(node.ref))}
              />
              {(isAlone || noWay || (place.mode === 'path' && place.to === undefined)) && (
                <div className="graph-over">
                  <Alone place={place} model={model} noWay={noWay} />
                </div>
              )}
            </>
          ) : (
            <div className="graph-nothing">
              <Nothing place={place} drawn={drawn} />
            </div>
          )}
          {model && <Facts place={place} drawn={drawn} model={model} fires={fires} aside={laid?.edges.filter(({ isAside }) => isAside).length ?? 0} />}
        </div>
        {model && selected !== undefined && (
          <Aside place={place} model={model} chosen={selected} fires={fires} hueOf={hueOf} onChoose={(ref) => setChosen({ subject, ref })} onToggle={toggle} />
        )}
      </div>
    </div>
  );
}

/** What was drawn last of the same stays while more of it is asked for. */
function useKept({ model, isAsking }: Drawn, subject: string): Model | undefined {
  const [kept, setKept] = useState<{ subject: string; model: Model } | undefined>();
  if (model && (kept?.model !== model || kept.subject !== subject) && !(isAsking && kept?.subject === subject && kept.model.nodes.length > model.nodes.length)) {
    setKept({ subject, model });
    return model;
  }
  return model ? (kept?.subject === subject ? kept.model : model) : kept?.subject === subject && isAsking ? kept.model : undefined;
}

function marksOf(fire: Fire | undefined): Marks {
  return { incidents: fire?.incidents.length, isUnknown: (fire?.unknown.length ?? 0) > 0 };
}

/** All that a box shows, in words. */
function nameOf(node: GraphNode, focus: string, fire: Fire | undefined): string {
  const parts = [plain(node.label, 120), node.isMissing ? 'not in the catalog' : plain([node.kind, node.type].filter(Boolean).join(' '), 60)];
  if (node.ref === focus) parts.push('in the middle');
  else if (node.isOpen) parts.push('expanded');
  if (fire && fire.incidents.length > 0) parts.push(count(fire.incidents.length, 'open incident'));
  else if (fire && fire.unknown.length > 0) parts.push('incidents unknown');
  if (node.problems.length > 0) parts.push(count(node.problems.length, 'problem'));
  return parts.join(', ');
}

/** How much is drawn, and what is not. */
function Facts({ place, drawn, model, fires, aside }: { place: Focused; drawn: Drawn; model: Model; fires: Fires; aside: number }) {
  const { nodes, edges, of } = model;
  const unknown = reasons(fires.of);
  return (
    <div className="graph-facts small" role="status">
      <p>
        {of > nodes.length ? (
          <strong>
            The nearest {number(nodes.length)} of {number(of)} entities.
          </strong>
        ) : (
          `${count(nodes.length, 'entity', 'entities')}, ${count(edges.length, 'arrow')}.`
        )}
        {of > nodes.length && ' Leave relations out, or go nearer, to see the others.'}
        {aside > 0 && ` ${count(aside, 'arrow')} among equally distant entities appear when one end is chosen.`}
        {drawn.isTruncated && ` There is more beyond ${count(place.steps, 'step')}.`}
        {drawn.isAsking && ' Asking …'}
        {fires.isAsking && ' Asking for incidents …'}
      </p>
      {unknown.map(({ why, count: of }) => (
        <p key={`${why.connector} ${why.code ?? ''}`} className="warn">
          Incidents of {count(of, 'entity', 'entities')} are unknown: {plain(why.connector, 60)}
          {why.code !== undefined && (
            <>
              {' '}
              <code>{plain(why.code, 60)}</code>
            </>
          )}
          {why.hint !== undefined && `, ${plain(why.hint, 200)}`}
        </p>
      ))}
      {fires.faults[0]?.fault && <p className="warn">Incidents could not be asked for{fires.faults[0].fault.kind === 'refused' ? `: ${plain(fires.faults[0].fault.message, 200)}` : '.'}</p>}
      {drawn.query.fault?.kind === 'refused' && <p className="warn">{plain(drawn.query.fault.message, 300)}</p>}
      <Errors errors={drawn.errors} />
    </div>
  );
}

function Alone({ place, model, noWay }: { place: Focused; model: Model; noWay: boolean }) {
  const [focus] = model.nodes;
  const name = plain(focus?.label ?? place.ref, 80);
  if (noWay) {
    return (
      <p>
        No chain of relations leads from {name} to {plain(model.nodes[1]?.label ?? '', 80)}
        {place.hide.length > 0 ? ', but for those that are left out.' : '.'}
      </p>
    );
  }
  if (place.mode === 'path') return <p>{place.to === undefined ? 'Where to? Find the other end above, or choose one here and take the path to it.' : `${name} is both ends.`}</p>;
  if (place.hide.length > 0) return <p>All relations of {name} are left out.</p>;
  if (place.mode === 'impact') return <p>{place.direction === 'DEPENDENTS' ? `Nothing depends on ${name}: nothing would break without it.` : `${name} depends on nothing.`}</p>;
  return <p>{name} has no relations.</p>;
}

function Nothing({ place, drawn }: { place: Focused; drawn: Drawn }) {
  const { query, isAsking } = drawn;
  if (query.fault) return <FaultNotice fault={query.fault} again={query.again} />;
  if (isAsking || query.answer === undefined) return <Loading what="what is drawn" />;
  return (
    <Notice title="The catalog has no such entity">
      <p>
        <code className="break">{plain(place.ref, 200)}</code> is not there, or not any more. Find another one above.
      </p>
      <Errors errors={drawn.errors} />
    </Notice>
  );
}

function Exports({ scene: shapes, model, mode }: { scene: Scene | undefined; model: Model | undefined; mode: string }) {
  const [problem, setProblem] = useState<string>();
  const isReady = shapes !== undefined && model !== undefined;
  const svg = (): void => {
    if (!isReady) return;
    const { colour, font } = look();
    const text = toSvg(shapes, `${plain(model.nodes[0]?.label ?? model.focus)} (${mode})`, font, colour);
    download(fileName(model.focus, mode, 'svg'), new Blob([text], { type: 'image/svg+xml' }));
  };
  const png = async (): Promise<void> => {
    if (!isReady) return;
    const { colour, font } = look();
    const canvas = document.createElement('canvas');
    const blob = paint(canvas, shapes, font, colour) ? await pngOf(canvas) : null;
    if (blob) download(fileName(model.focus, mode, 'png'), blob);
    setProblem(blob ? undefined : 'The browser could not paint a picture of this size; SVG will do.');
  };
  return (
    <>
      <button type="button" className="button quiet graph-tool" disabled={!isReady} onClick={svg} aria-label="Save as SVG">
        <Icon name="download" />
        SVG
      </button>
      <button type="button" className="button quiet graph-tool" disabled={!isReady} onClick={() => void png()} aria-label="Save as PNG">
        <Icon name="download" />
        PNG
      </button>
      {problem !== undefined && (
        <span role="alert" className="warn small">
          {problem}
        </span>
      )}
    </>
  );
}
