/** Shapes of the scene as elements. */
import type { CSSProperties } from 'react';
import { sign } from './scene';
import type { Shape } from './scene';

function colours(shape: Shape): CSSProperties {
  const of = (name: string | undefined): string => (name === undefined ? 'none' : `var(--${name})`);
  if (shape.shape === 'text') return { fill: of(shape.fill) };
  return { fill: of(shape.fill), stroke: of(shape.stroke), strokeWidth: shape.thick ?? 1, ...(shape.isDashed ? { strokeDasharray: '4 3' } : {}) };
}

export function Shapes({ shapes }: { shapes: readonly Shape[] }) {
  return shapes.map((shape, index) => <One key={index} shape={shape} />);
}

function One({ shape }: { shape: Shape }) {
  const style = colours(shape);
  switch (shape.shape) {
    case 'rect':
      return <rect x={shape.x} y={shape.y} width={shape.width} height={shape.height} rx={shape.radius} style={style} />;
    case 'path':
      return (
        <path
          d={shape.d}
          style={style}
          strokeLinecap="round"
          strokeLinejoin="round"
          transform={shape.at && `translate(${shape.at.x} ${shape.at.y}) scale(${shape.at.scale})`}
        />
      );
    case 'text':
      return (
        <text x={shape.x} y={shape.y} fontSize={shape.size} fontWeight={shape.weight} textAnchor={shape.middle ? 'middle' : 'start'} style={style}>
          {shape.text}
        </text>
      );
  }
}

/** The sign of a kind, beside its name in lists. */
export function KindSign({ kind, hue }: { kind: string; hue: string }) {
  return (
    <svg className="graph-sign" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <Shapes shapes={sign(kind, hue, 0, 0, 24)} />
    </svg>
  );
}
