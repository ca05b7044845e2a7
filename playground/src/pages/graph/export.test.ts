import { describe, expect, it } from 'vitest';
import { fileName, pixelRatio, toSvg } from './export';
import { layout } from './layout';
import type { Model } from './model';
import { relationsOf } from './relations';
import { fit, scene } from './scene';
import type { Measure } from './scene';

const measure: Measure = (text, size) => text.length * size * 0.6;

function svg(label: string): string {
  const node = { ref: 'component:default/a', kind: 'Component', label, type: '<b>', problems: [], isMissing: false, isOpen: true, relations: 1, degree: 0 };
  const problem = { severity: 'ERROR' as const, message: 'm', hint: null, file: 'f', line: 1 };
  const other = { ...node, ref: 'widget:default/b', kind: 'Widget', label: 'b', problems: [problem], isOpen: false, degree: 1 };
  const model: Model = { focus: node.ref, nodes: [node, other], edges: [{ key: 'e', from: node.ref, to: other.ref, types: ['dependsOn'] }], types: [], of: 2, relations: relationsOf([]) };
  const laid = layout(model, { direction: 'LR', labelWidth: () => 60 });
  const drawn = scene(model, laid, (ref) => ({ incidents: ref === other.ref ? 2 : undefined, isUnknown: false }), () => 'hue-1', measure);
  return toSvg(drawn, label, 'Sans "UI", sans-serif', (name) => `rgb(${name})`);
}

describe('an SVG', () => {
  it('holds everything that is seen, and needs nothing besides itself', () => {
    const text = svg('A');
    for (const part of ['>A</text>', '>b</text>', '>depends on</text>', '>! 1</text>', '>ϟ 2</text>', '>Wi</text>', 'rgb(paper)']) expect(text).toContain(part);
    expect(text).not.toMatch(/var\(|href|<style|<script|undefined|NaN/);
  });
  it('stays one whatever names are made of', () => {
    const text = svg('</text><script>"\u0000\ud800&');
    expect(text).toContain('&lt;/text&gt;&lt;script');
    expect(text).not.toContain('<script');
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000\ud800]/);
    expect(text).toContain('font-family="Sans &quot;UI&quot;, sans-serif"');
  });
});

it('cuts names that are too long, before they are measured letter by letter', () => {
  expect(fit('short', 100, 10, 400, measure)).toBe('short');
  expect(fit('a long name', 42, 10, 400, measure)).toBe('a long…');
  expect(fit('x'.repeat(10_000), 60, 10, 400, measure)).toHaveLength(10);
});

it('calls files after what they show, and keeps pictures small enough for a browser', () => {
  expect(fileName('component:default/a', 'near', 'svg')).toBe('component-default-a-near.svg');
  expect(fileName('../../..', 'path', 'png')).toBe('..-..-..-path.png');
  expect(pixelRatio(500, 500)).toBe(2);
  const [width, height] = [20_000, 8000];
  expect((width + 48) * (height + 48) * pixelRatio(width, height) ** 2).toBeLessThanOrEqual(32_000_001);
});
