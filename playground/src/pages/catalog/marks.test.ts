import { expect, it } from 'vitest';
import { pieces } from './marks';
import type { Piece } from './marks';

const shown = (all: readonly Piece[]): string => all.map(({ text, found }) => (found ? `[${text}]` : text)).join('');

it('marks what was found', () => {
  expect(shown(pieces('request refunds here', [{ start: 8, end: 15 }]))).toBe('request [refunds] here');
  expect(shown(pieces('refund', [{ start: 0, end: 6 }]))).toBe('[refund]');
  expect(shown(pieces('nothing', []))).toBe('nothing');
  expect(pieces('', [])).toEqual([]);
});

it('counts in UTF-16 code units', () => {
  expect(shown(pieces('🥚🥚 eggs', [{ start: 5, end: 9 }]))).toBe('🥚🥚 [eggs]');
});

it('takes ranges as they come: unordered, upon each other, beyond the end, empty', () => {
  const odd = [{ start: 6, end: 99 }, { start: 0, end: 3 }, { start: 2, end: 4 }, { start: 5, end: 5 }, { start: 50, end: 60 }, { start: -3, end: 1 }];
  expect(shown(pieces('abcdefghij', odd))).toBe('[abcd]ef[ghij]');
});

it('keeps text that looks like HTML a text', () => {
  expect(pieces('<img src=x onerror=alert(1)>', [{ start: 1, end: 4 }])).toEqual([
    { text: '<', found: false },
    { text: 'img', found: true },
    { text: ' src=x onerror=alert(1)>', found: false },
  ]);
});

it('shows of a long text the part in which most was found, by whole words', () => {
  const text = `${'lorem ipsum '.repeat(40)}here the keys and the keys again ${'dolor sit '.repeat(40)}`;
  const first = text.indexOf('keys');
  const second = text.indexOf('keys', first + 1);
  const out = shown(pieces(text, [{ start: 0, end: 5 }, { start: first, end: first + 4 }, { start: second, end: second + 4 }], 120));
  expect(out).toContain('here the [keys] and the [keys] again');
  expect(out).toMatch(/^… (lorem|ipsum) .* (dolor|sit) …$/);
  expect(out.length).toBeLessThan(140);
});

it('cuts no character in half', () => {
  for (const longest of [20, 21, 22, 23]) {
    const all = pieces('🥚'.repeat(400), [{ start: 400, end: 402 }], longest);
    expect(all.every(({ text }) => text === new TextDecoder().decode(new TextEncoder().encode(text)))).toBe(true);
  }
});
