import { expect, it } from 'vitest';
import { browseVariables, changed, countChosen, filterOf, findVariables, isChosen, lookOf, pathOf, toggled } from './place';

const SEARCH = '?q=a+%26+b&in=docs&kind=Component&kind=API&tag=pci&tag=go&owner=group%3Adefault%2Fx&sort=changed&after=c1';

it('finds in an address what was put into it', () => {
  const look = lookOf(SEARCH);
  expect(look).toMatchObject({ words: 'a & b', group: 'docs', sort: 'changed', after: 'c1', before: undefined });
  expect(look.chosen).toMatchObject({ kind: ['Component', 'API'], tags: ['pci', 'go'], owner: ['group:default/x'], type: [] });
  expect(lookOf(pathOf(look).slice('/catalog'.length))).toEqual(look);
  expect(pathOf(lookOf(''))).toBe('/catalog');
});

it('leaves out what makes no sense', () => {
  expect(lookOf('?in=constructor&sort=by-luck&kind=&kind=A&kind=A')).toMatchObject({ group: undefined, sort: 'name', chosen: { kind: ['A'] } });
});

it('chooses and unchooses, whatever the case, and goes back to the first page', () => {
  const look = lookOf('?kind=component&after=c1');
  expect(isChosen(look, 'kind', 'Component')).toBe(true);
  expect(toggled(look, 'kind', 'Component')).toMatchObject({ chosen: { kind: [] }, after: undefined });
  expect(toggled(look, 'type', 'service').chosen).toMatchObject({ kind: ['component'], type: ['service'] });
  expect(changed(look, { words: 'x' })).toMatchObject({ words: 'x', after: undefined });
  expect(countChosen(lookOf(SEARCH))).toBe(5);
});

it('asks for any of the values, but for all of the tags', () => {
  const look = lookOf(SEARCH);
  expect(filterOf(look)).toEqual({ kind: { in: ['Component', 'API'] }, owner: { in: ['group:default/x'] }, and: [{ tags: { contains: 'pci' } }, { tags: { contains: 'go' } }] });
  expect(filterOf(look, 'kind')).not.toHaveProperty('kind');
  expect(filterOf(lookOf(''))).toBeNull();
});

it('counts a facet as if nothing were chosen in it', () => {
  const asked = findVariables(lookOf('?q=%20refund%20&kind=API'));
  expect(asked).toMatchObject({ words: 'refund', in: null, kind: true, butKind: null, type: false, filter: { kind: { in: ['API'] } } });
  expect(asked.by).toEqual(['type', 'lifecycle', 'owner', 'system', 'tags']);
  expect(findVariables(lookOf('?in=operations')).in).toEqual(['OPERATIONS']);
});

it('goes forwards and backwards', () => {
  expect(browseVariables(lookOf('?after=a'))).toMatchObject({ first: 30, after: 'a' });
  expect(browseVariables(lookOf('?before=b'))).toMatchObject({ last: 30, before: 'b' });
});
