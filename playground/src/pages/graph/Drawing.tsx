/** The drawing: moved and enlarged by mouse, fingers and keys; every entity in it can be reached by arrow keys. */
import { useEffect, useRef, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import { Icon } from '../../ui/Icon';
import type { Box, Layout, Point } from './layout';
import type { DrawnEdge, DrawnNode, Scene } from './scene';
import { Shapes } from './Shapes';
import { around, beside, first, kept, moved, revealed, whole, zoomed } from './view';
import type { Side, Size, View } from './view';

interface Props {
  readonly scene: Scene;
  readonly layout: Layout;
  readonly focus: string;
  /** Another one begins a new drawing; the same goes on with the one that is there. */
  readonly subject: string;
  readonly chosen: string | undefined;
  readonly onChoose: (ref: string) => void;
  readonly onToggle: (ref: string) => void;
  readonly onFocus: (ref: string) => void;
  /** What is said of an entity. */
  readonly nameOf: (node: DrawnNode['node']) => string;
}

interface Shown {
  readonly view: View;
  readonly layout: Layout;
  readonly subject: string;
}

const STEP = 60;
const ZOOM = 1.25;
const SIDES: Record<string, Side> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };

export function Drawing({ scene, layout, focus, subject, chosen, onChoose, onToggle, onFocus, nameOf }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const drawing = useRef<SVGSVGElement>(null);
  const size = useSize(frame);
  const [shown, setShown] = useState<Shown>();
  const [at, setAt] = useState<string>();
  const current = at !== undefined && layout.nodes.has(at) ? at : chosen !== undefined && layout.nodes.has(chosen) ? chosen : focus;

  // A new drawing is shown from its beginning; one that has grown stays where it was under what was last touched.
  let now = shown;
  if (size && (shown?.subject !== subject || shown.layout !== layout)) {
    const before = shown?.subject === subject ? shown.layout.nodes.get(current) : undefined;
    const after = layout.nodes.get(current);
    const view = shown && before && after ? kept(shown.view, before, after) : first(layout, layout.nodes.get(focus), size);
    now = { view, layout, subject };
    setShown(now);
  }
  const view = now?.view;
  const change = (how: (view: View) => View): void => setShown((last) => last && { ...last, view: how(last.view) });
  const gestures = useGestures(drawing, change);

  const goTo = (ref: string): void => {
    const box = layout.nodes.get(ref);
    setAt(ref);
    if (box && size) change((last) => revealed(last, box, size));
    drawing.current?.querySelector<SVGGElement>(`[data-ref="${CSS.escape(ref)}"]`)?.focus({ preventScroll: true });
  };

  const middle = (): Point => ({ x: (size?.width ?? 0) / 2, y: (size?.height ?? 0) / 2 });
  const fitAll = (): void => {
    if (size) change(() => whole(layout, size));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const side = SIDES[event.key];
    if (side && event.shiftKey) change((last) => moved(last, side === 'left' ? STEP : side === 'right' ? -STEP : 0, side === 'up' ? STEP : side === 'down' ? -STEP : 0));
    else if (side) {
      const here = layout.nodes.get(current);
      const next = here && beside(here, layout.nodes, side);
      if (next !== undefined) goTo(next);
    } else if (event.key === '+' || event.key === '=') change((last) => zoomed(last, ZOOM, middle()));
    else if (event.key === '-') change((last) => zoomed(last, 1 / ZOOM, middle()));
    else if (event.key === '0') fitAll();
    else if (event.key === 'Home') goTo(focus);
    else if (event.key === 'Enter' || event.key === ' ') onChoose(current);
    else if (event.key === 'e') onToggle(current);
    else if (event.key === 'f') onFocus(current);
    else return;
    event.preventDefault();
  };

  return (
    <div className="graph-drawing" ref={frame}>
      <svg
        ref={drawing}
        className="graph-svg"
        role="group"
        aria-label="Drawing. Arrow keys go from one to the next, Enter chooses, e expands or collapses, f makes it the middle; plus, minus and 0 change the size, Shift with arrow keys moves everything."
        onKeyDown={onKeyDown}
        {...gestures}
      >
        {view && (
          <g transform={`translate(${view.x} ${view.y}) scale(${view.k})`}>
            <g aria-hidden="true">
              <Shapes shapes={scene.blocks} />
              <Edges edges={scene.edges} chosen={chosen === focus ? undefined : chosen} />
              {scene.nodes.map(({ node, shapes }) => (
                <Shapes key={node.ref} shapes={shapes} />
              ))}
            </g>
            {/* Over the boxes: their names say all that the boxes show, and say it whole. */}
            {scene.nodes.map((drawn) => (
              <Node
                key={drawn.node.ref}
                drawn={drawn}
                isChosen={drawn.node.ref === chosen}
                isFocus={drawn.node.ref === focus}
                isCurrent={drawn.node.ref === current}
                name={nameOf(drawn.node)}
                onChoose={() => {
                  setAt(drawn.node.ref);
                  onChoose(drawn.node.ref);
                }}
                onToggle={() => onToggle(drawn.node.ref)}
                onReach={() => {
                  setAt(drawn.node.ref);
                }}
              />
            ))}
          </g>
        )}
      </svg>
      <div className="graph-zoom" role="group" aria-label="Size of the drawing">
        <button type="button" className="icon-button" aria-label="Larger" title="Larger (+)" onClick={() => change((last) => zoomed(last, ZOOM, middle()))}>
          <Icon name="plus" />
        </button>
        <button type="button" className="icon-button" aria-label="Smaller" title="Smaller (−)" onClick={() => change((last) => zoomed(last, 1 / ZOOM, middle()))}>
          <Icon name="minus" />
        </button>
        <button type="button" className="icon-button" aria-label="All of it" title="All of it (0)" onClick={fitAll}>
          <Icon name="fit" />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label="To the middle"
          title="To what it is about (Home)"
          onClick={() => {
            const box = layout.nodes.get(focus);
            if (box && size) change((last) => around(box, size, Math.max(last.k, 0.8)));
          }}
        >
          <Icon name="target" />
        </button>
      </div>
    </div>
  );
}

function Edges({ edges, chosen }: { edges: readonly DrawnEdge[]; chosen: string | undefined }) {
  const isHot = ({ edge }: DrawnEdge): boolean => chosen !== undefined && (edge.sources.includes(chosen) || edge.targets.includes(chosen));
  const classOf = (drawn: DrawnEdge): string => (chosen === undefined ? 'graph-edge' : isHot(drawn) ? 'graph-edge hot' : 'graph-edge cold');
  const shown = edges.filter((drawn) => !drawn.edge.isAside || isHot(drawn));
  return (
    <>
      {shown.map((drawn) => (
        <g key={drawn.edge.key} className={classOf(drawn)}>
          <Shapes shapes={drawn.line} />
        </g>
      ))}
      {shown.map((drawn) =>
        drawn.edge.label || isHot(drawn) ? (
          <g key={drawn.edge.key} className={classOf(drawn)}>
            <Shapes shapes={drawn.label} />
          </g>
        ) : null,
      )}
    </>
  );
}

interface NodeProps {
  readonly drawn: DrawnNode;
  readonly isChosen: boolean;
  readonly isFocus: boolean;
  readonly isCurrent: boolean;
  readonly name: string;
  readonly onChoose: () => void;
  readonly onToggle: () => void;
  readonly onReach: () => void;
}

function Node({ drawn: { node, box }, isChosen, isFocus, isCurrent, name, onChoose, onToggle, onReach }: NodeProps) {
  return (
    <g
      className="graph-node"
      role="button"
      tabIndex={isCurrent ? 0 : -1}
      aria-pressed={isChosen}
      aria-label={name}
      data-ref={node.ref}
      onClick={onChoose}
      onDoubleClick={onToggle}
      onFocus={onReach}
    >
      <title>{name}</title>
      <rect className="graph-hit" x={box.x} y={box.y} width={box.width} height={box.height} rx={9} />
      {/* The middle has a frame of its own. */}
      <Ring box={box} isChosen={isChosen && !isFocus} />
    </g>
  );
}

function Ring({ box, isChosen }: { box: Box; isChosen: boolean }) {
  return <rect className={isChosen ? 'graph-ring chosen' : 'graph-ring'} x={box.x - 4} y={box.y - 4} width={box.width + 8} height={box.height + 8} rx={12} />;
}

function useSize(frame: { readonly current: HTMLElement | null }): Size | undefined {
  const [size, setSize] = useState<Size>();
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      if (width > 0 && height > 0) setSize({ width, height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);
  return size;
}

/** Fingers and mouse: one moves, two or the wheel change the size. A drag is no click. */
function useGestures(drawing: { readonly current: SVGSVGElement | null }, change: (how: (view: View) => View) => void) {
  const down = useRef(new Map<number, Point>());
  const hasMoved = useRef(false);
  const apply = useRef(change);
  useEffect(() => {
    apply.current = change;
  });

  useEffect(() => {
    const element = drawing.current;
    if (!element) return;
    // Not by React, whose listeners may not keep the page from scrolling.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const at = { x: event.clientX - box.left, y: event.clientY - box.top };
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
      if (event.shiftKey) apply.current((last) => moved(last, -(event.deltaX || pixels), 0));
      else apply.current((last) => zoomed(last, Math.exp(-Math.max(-120, Math.min(120, pixels)) * 0.002), at));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [drawing]);

  const spread = (): { middle: Point; distance: number } | undefined => {
    const [a, b] = [...down.current.values()];
    return a && b && { middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, distance: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  const end = (event: PointerEvent): void => {
    down.current.delete(event.pointerId);
  };
  return {
    onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
      if (event.button !== 0) return;
      if (down.current.size === 0) hasMoved.current = false;
      down.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
      const last = down.current.get(event.pointerId);
      if (!last) return;
      const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
      if (!hasMoved.current && Math.hypot(dx, dy) < 5) return;
      if (!hasMoved.current) event.currentTarget.setPointerCapture(event.pointerId);
      hasMoved.current = true;
      const before = spread();
      down.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const after = spread();
      if (!before || !after) {
        change((view) => moved(view, dx, dy));
        return;
      }
      const box = event.currentTarget.getBoundingClientRect();
      const middle = { x: after.middle.x - box.left, y: after.middle.y - box.top };
      change((view) => moved(zoomed(view, after.distance / Math.max(1, before.distance), middle), after.middle.x - before.middle.x, after.middle.y - before.middle.y));
    },
    onPointerUp: end,
    onPointerCancel: end,
    onClickCapture: (event: { stopPropagation: () => void; preventDefault: () => void }) => {
      if (!hasMoved.current) return;
      hasMoved.current = false;
      event.stopPropagation();
      event.preventDefault();
    },
  };
}
