import { describe, expect, it } from 'vitest';
import { NOWHERE, graphLink, placeIn } from './place';
import type { GraphPlace } from './place';

function read(link: string): GraphPlace {
  const url = new URL(link, 'http://localhost');
  return placeIn(url.pathname.split('/').slice(2).map(decodeURIComponent), url.search);
}

describe('an address', () => {
  it('says what is drawn, and nothing that is as always', () => {
    expect(graphLink({ ref: 'component:default/ledger' })).toBe('/graph/component/default/ledger');
    expect(graphLink({ ref: 'component:default/ledger', depth: 2, open: ['api:default/a', 'api:default/b'], hide: ['ownedBy'] })).toBe(
      '/graph/component/default/ledger?depth=2&open=api:default/a,api:default/b&hide=ownedBy',
    );
    expect(graphLink({})).toBe('/graph');
  });

  it('gives back what was put into it', () => {
    const places: Partial<GraphPlace>[] = [
      { ref: 'component:default/ledger', depth: 3, open: ['api:x/y'], shut: ['api:x/z', 'user:default/a&b=c'], live: false },
      { ref: 'system:shop/a b', mode: 'impact', direction: 'DEPENDENCIES', steps: 7, hide: ['ownedBy', 'partOf'] },
      { ref: 'system:shop/a', mode: 'path', to: 'user:default/änne' },
      { ref: 'not a ref' },
    ];
    for (const place of places) expect(read(graphLink(place))).toEqual({ ...NOWHERE, ...place });
  });

  it('is understood as far as it makes sense', () => {
    expect(read('/graph/component:default%2Fledger').ref).toBe('component:default/ledger');
    expect(read('/graph/component/ledger').ref).toBe('component:ledger');
    expect(read('/graph/a/b/c?depth=99&steps=-1&mode=odd&open=,,&direction=up')).toEqual({ ...NOWHERE, ref: 'a:b/c', depth: 3, steps: 1 });
    expect(read('/graph/a/b/c?depth=1.5&steps=x')).toMatchObject({ depth: 1, steps: 3 });
  });
});
