import { expect, it, vi } from 'vitest';

vi.hoisted(() => {
  const url = 'http://localhost/catalog/x?q=1#h';
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('location', { href: url });
  vi.stubGlobal('addEventListener', () => undefined);
});

import { placeOf, segments } from './location';

it('reads the path below the root', () => {
  const at = (path: string, root: string): string => placeOf(new URL(path, 'http://h'), root).path;
  expect(at('/', '/')).toBe('/');
  expect(at('/status/', '/')).toBe('/status');
  expect(at('/tools/board/catalog/a%2Fb', '/tools/board/')).toBe('/catalog/a%2Fb');
  expect(at('/tools/board/', '/tools/board/')).toBe('/');
  expect(at('/elsewhere', '/tools/')).toBe('/');
});

it('decodes what can be decoded', () => {
  expect(segments('/catalog/component/a%2Fb/%E0%A4')).toEqual(['catalog', 'component', 'a/b', '%E0%A4']);
});
