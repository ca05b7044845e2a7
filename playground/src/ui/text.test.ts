import { describe, expect, it } from 'vitest';
import { count, plain, safeHref, span } from './text';

describe('plain', () => {
  it('makes characters visible that turn or hide what follows', () => {
    expect(plain('invoice\u202Egpj.exe')).toBe('invoice\uFFFDgpj.exe');
    expect(plain('a\u200Bb\u0000c\u2066d')).toBe('a\uFFFDb\uFFFDc\uFFFDd');
    expect(plain('Zürich – 東京 – القاهرة')).toBe('Zürich – 東京 – القاهرة');
  });
  it('lets no marks pile up, and no script lose its own', () => {
    expect(plain(`a${'\u0301'.repeat(50)}b`)).toBe(`a${'\u0301'.repeat(4)}b`);
    for (const own of ['หน้าที่', 'क्षत्रिय', 'שָׁלוֹם', '🏳️‍🌈']) expect(plain(own)).toBe(own);
  });
  it('cuts no character in halves', () => {
    expect(plain('🐦'.repeat(40), 12)).toBe('🐦🐦…🐦🐦');
  });
  it('cuts long names in the middle', () => {
    const cut = plain(`${'a'.repeat(9000)}end`, 21);
    expect(cut).toBe('aaaaaaaaaa…aaaaaaaend');
  });
});

describe('safeHref', () => {
  it.each(['javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,<script>1</script>', 'vbscript:x', 'file:///etc/passwd', '/relative', '//host/x', '', 'http://'])('refuses %j', (url) => {
    expect(safeHref(url)).toBeUndefined();
  });
  it.each(['https://example.com/a?b#c', 'http://localhost:3000/', 'mailto:team@example.com'])('lets %j through', (url) => {
    expect(safeHref(url)).toBe(url);
  });
});

it('says how much and how long', () => {
  expect([count(1, 'entity', 'entities'), count(12345, 'entity', 'entities')]).toEqual(['1 entity', '12,345 entities']);
  expect([span(999), span(59_999), span(60_000), span(3 * 3_600_000), span(50 * 86_400_000)]).toEqual(['0 s', '59 s', '1 min', '3 h', '50 d']);
});
