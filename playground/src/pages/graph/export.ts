/** The drawing as a file. A PNG is painted shape by shape: the Content-Security-Policy lets no image be made of an SVG. */
import type { Scene, Shape } from './scene';
import { shapesOf } from './scene';

/** The value of a colour by its name in `tokens.css`. */
export type ColourOf = (name: string) => string;

const MARGIN = 24;
const DASH = [4, 3] as const;
/** Canvases have a largest size, and nobody sends a picture of 100 MB. */
const MOST_PIXELS = 32_000_000;

function escaped(text: string): string {
  // Characters that XML has no way to write are dropped; `plain` has replaced most of them.
  // eslint-disable-next-line no-control-regex
  const allowed = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '').replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '');
  return allowed.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

function attributes(values: Record<string, string | number | undefined>): string {
  return Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${typeof value === 'number' ? Math.round(value * 100) / 100 : escaped(value)}"`]))
    .join('');
}

function lineOf(shape: Exclude<Shape, { shape: 'text' }>, colour: ColourOf): Record<string, string | number | undefined> {
  return {
    fill: shape.fill === undefined ? 'none' : colour(shape.fill),
    stroke: shape.stroke === undefined ? undefined : colour(shape.stroke),
    'stroke-width': shape.stroke === undefined ? undefined : (shape.thick ?? 1),
    'stroke-dasharray': shape.isDashed ? DASH.join(' ') : undefined,
  };
}

function element(shape: Shape, colour: ColourOf): string {
  switch (shape.shape) {
    case 'rect':
      return `<rect${attributes({ x: shape.x, y: shape.y, width: shape.width, height: shape.height, rx: shape.radius, ...lineOf(shape, colour) })}/>`;
    case 'path':
      return `<path${attributes({
        d: shape.d,
        transform: shape.at && `translate(${shape.at.x} ${shape.at.y}) scale(${shape.at.scale})`,
        'stroke-linecap': 'round',
        'stroke-linejoin': 'round',
        ...lineOf(shape, colour),
      })}/>`;
    case 'text':
      return `<text${attributes({ x: shape.x, y: shape.y, 'font-size': shape.size, 'font-weight': shape.weight, fill: colour(shape.fill), 'text-anchor': shape.middle ? 'middle' : undefined })}>${escaped(shape.text)}</text>`;
  }
}

/** A file that needs nothing besides itself. */
export function toSvg(scene: Scene, title: string, font: string, colour: ColourOf): string {
  const box = [scene.x - MARGIN, scene.y - MARGIN, scene.width + 2 * MARGIN, scene.height + 2 * MARGIN].map((value) => Math.round(value));
  const [x = 0, y = 0, width = 0, height = 0] = box;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg"${attributes({ viewBox: box.join(' '), width, height, 'font-family': font })}>`,
    `<title>${escaped(title)}</title>`,
    `<rect${attributes({ x, y, width, height, fill: colour('paper') })}/>`,
    ...shapesOf(scene).map((shape) => element(shape, colour)),
    '</svg>',
    '',
  ].join('\n');
}

/** How many pixels a unit gets: two, for sharp screens, unless the picture would become too large. */
export function pixelRatio(width: number, height: number): number {
  const units = (width + 2 * MARGIN) * (height + 2 * MARGIN);
  return Math.min(2, Math.sqrt(MOST_PIXELS / units));
}

/** Paints everything onto a canvas, and sets its size. */
export function paint(canvas: HTMLCanvasElement, scene: Scene, font: string, colour: ColourOf): boolean {
  const ratio = pixelRatio(scene.width, scene.height);
  canvas.width = Math.ceil((scene.width + 2 * MARGIN) * ratio);
  canvas.height = Math.ceil((scene.height + 2 * MARGIN) * ratio);
  const brush = canvas.getContext('2d');
  if (!brush) return false;
  brush.fillStyle = colour('paper');
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.scale(ratio, ratio);
  brush.translate(MARGIN - scene.x, MARGIN - scene.y);
  brush.lineCap = 'round';
  brush.lineJoin = 'round';
  for (const shape of shapesOf(scene)) paintOne(brush, shape, font, colour);
  return true;
}

function paintOne(brush: CanvasRenderingContext2D, shape: Shape, font: string, colour: ColourOf): void {
  if (shape.shape === 'text') {
    brush.font = `${shape.weight} ${shape.size}px ${font}`;
    brush.fillStyle = colour(shape.fill);
    brush.textAlign = shape.middle ? 'center' : 'left';
    brush.fillText(shape.text, shape.x, shape.y);
    return;
  }
  const path = new Path2D();
  if (shape.shape === 'rect') path.roundRect(shape.x, shape.y, shape.width, shape.height, shape.radius);
  else path.addPath(new Path2D(shape.d), shape.at && new DOMMatrix([shape.at.scale, 0, 0, shape.at.scale, shape.at.x, shape.at.y]));
  if (shape.fill !== undefined) {
    brush.fillStyle = colour(shape.fill);
    brush.fill(path);
  }
  if (shape.stroke === undefined) return;
  brush.strokeStyle = colour(shape.stroke);
  brush.lineWidth = (shape.thick ?? 1) * (shape.shape === 'path' ? (shape.at?.scale ?? 1) : 1);
  brush.setLineDash(shape.isDashed ? [...DASH] : []);
  brush.stroke(path);
}

export function pngOf(canvas: HTMLCanvasElement): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

/** Hands a file to whoever looks at the page. */
export function download(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 30_000);
}

/** `component:default/ledger` as a part of a file's name. */
export function fileName(ref: string, mode: string, ending: string): string {
  const safe = ref.replace(/[^a-z0-9.-]+/gi, '-').replace(/^-+|-+$/g, '').slice(0, 80);
  return `${safe || 'graph'}-${mode}.${ending}`;
}

/** The page's colours and font as they are now. */
export function look(): { colour: ColourOf; font: string } {
  const probe = document.createElement('span');
  // Else a colour would be on its way from the last one when it is read.
  probe.style.transition = 'none';
  document.body.append(probe);
  const kept = new Map<string, string>();
  const colour = (name: string): string => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    probe.style.color = `var(--${name})`;
    const value = getComputedStyle(probe).color;
    kept.set(name, value);
    return value;
  };
  const font = getComputedStyle(document.body).fontFamily;
  // Everything is looked up before the probe goes.
  for (const name of COLOURS) colour(name);
  probe.remove();
  return { colour: (name) => kept.get(name) ?? '#888', font };
}

const COLOURS = ['paper', 'raised', 'sunken', 'ink', 'soft', 'line', 'line-strong', 'accent', 'good', 'good-wash', 'warn', 'warn-wash', 'bad', 'bad-wash', ...Array.from({ length: 8 }, (_, index) => `hue-${index + 1}`)];
