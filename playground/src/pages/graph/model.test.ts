import { describe, expect, it } from 'vitest';
import type { NeighbourhoodQuery, ReachQuery, WayQuery } from '../../gen/documents';
import { neighbourhood, reach, ringOf, way } from './model';
import { relationsOf } from './relations';

type Told = NonNullable<NeighbourhoodQuery['entitiesByRef'][number]>;

function entity(ref: string, total = 0) {
  return { ref, kind: ref.split(':')[0] ?? '', name: ref.split('/')[1] ?? '', title: null, problems: [], all: { totalCount: total } };
}

/** `told('component:default/a', 'dependsOn component:default/b', '!partOf system:default/gone')`, where `!` is dangling. */
function told(ref: string, ...relations: string[]): Told {
  const nodes = relations.map((text) => {
    const [type = '', targetRef = ''] = text.replace('!', '').split(' ');
    return { type, targetRef, target: text.startsWith('!') ? null : entity(targetRef) };
  });
  return { ...entity(ref, relations.length), relations: { nodes } };
}

const [A, B, C, D] = ['component:default/a', 'component:default/b', 'component:default/c', 'component:default/d'] as const;
const relations = relationsOf([]);
const none = { hide: [], relations };

describe('what is around something', () => {
  it('has each entity once and one arrow for both ends', () => {
    const model = neighbourhood(A, [told(A, `dependsOn ${B}`, `consumesApi ${B}`, `dependencyOf ${C}`), told(B, `dependencyOf ${A}`)], { shut: [] }, none);
    expect(model.nodes.map(({ ref, isOpen, degree }) => [ref, isOpen, degree])).toEqual([[A, true, 0], [B, true, 1], [C, false, 1]]);
    expect(model.edges.map(({ from, to, types }) => [from, to, types])).toEqual([[A, B, ['dependsOn', 'consumesApi']], [C, A, ['dependsOn']]]);
    expect(model.types).toEqual([{ type: 'dependsOn', count: 2, isHidden: false }, { type: 'consumesApi', count: 1, isHidden: false }]);
  });

  it('leaves out what is hidden and what only that leads to, but still counts it', () => {
    const model = neighbourhood(A, [told(A, `dependsOn ${B}`, `ownedBy ${C}`), told(C, `ownerOf ${D}`)], { shut: [] }, { ...none, hide: ['ownedBy'] });
    expect(model.nodes.map(({ ref }) => ref)).toEqual([A, B]);
    expect(model.types).toContainEqual({ type: 'ownedBy', count: 2, isHidden: true });
  });

  it('shows what a descriptor names and nobody has described', () => {
    const model = neighbourhood(A, [told(A, '!partOf system:default/gone', '!partOf system:shop/gone')], { shut: [] }, none);
    expect(model.nodes.slice(1).map(({ label, isMissing, isOpen }) => [label, isMissing, isOpen])).toEqual([['system:gone', true, false], ['system:shop/gone', true, false]]);
  });

  it('keeps the nearest, and says how many there are', () => {
    const many = Array.from({ length: 9 }, (_, index) => `dependsOn component:default/n${index}`);
    const all = neighbourhood(A, [told(A, ...many)], { shut: [] }, { ...none, limit: 4 });
    expect([all.nodes.length, all.of, all.edges.length]).toEqual([4, 10, 3]);
    // Relations beyond the page that was asked for count as well.
    const cut = { ...told(A, ...many), all: { totalCount: 500 } };
    expect(neighbourhood(A, [cut], { shut: [] }, none).of).toBe(501);
  });

  it('draws nothing of what was collapsed', () => {
    const all = [told(A, `dependsOn ${B}`), told(B, `dependsOn ${C}`)];
    expect(neighbourhood(A, all, { shut: [B] }, none).nodes.map(({ ref, isOpen }) => [ref, isOpen])).toEqual([[A, true], [B, false]]);
  });

  it('asks for the rings one after the other, without what is collapsed, hidden or not there', () => {
    const all = [told(A, `dependsOn ${B}`, `ownedBy ${C}`, '!partOf system:default/gone'), told(B, `dependsOn ${D}`, `dependencyOf ${A}`)];
    const expansion = { depth: 3, open: [], shut: [] };
    expect(ringOf(A, all, 1, expansion, none)).toEqual([B, C]);
    expect(ringOf(A, all, 1, { ...expansion, shut: [B] }, { ...none, hide: ['ownedBy'] })).toEqual([]);
    expect(ringOf(A, all, 2, expansion, none)).toEqual([D]);
    expect(ringOf(A, all, 1, expansion, { ...none, limit: 1 })).toEqual([B]);
  });
});

describe('an impact', () => {
  const answer: ReachQuery = {
    start: entity(A),
    impact: {
      truncated: true,
      nodes: [{ degree: 1, entity: entity(B) }, { degree: 2, entity: entity(C) }],
      edges: [
        { type: 'dependsOn', source: { ref: C }, targetRef: B },
        { type: 'dependsOn', source: { ref: B }, targetRef: A },
      ],
    },
  };
  it('has the steps of the graph, nearest first', () => {
    const model = reach(answer, none);
    expect(model?.nodes.map(({ ref, degree }) => [ref, degree])).toEqual([[A, 0], [B, 1], [C, 2]]);
    expect(model?.edges.map(({ from, to }) => [from, to])).toEqual([[B, A], [C, B]]);
    expect(reach(answer, { ...none, limit: 2 })).toMatchObject({ of: 3, nodes: [{ ref: A }, { ref: B }] });
  });
  it('is none of what is not there', () => {
    expect(reach({ ...answer, start: null }, none)).toBeUndefined();
  });
});

describe('a path', () => {
  const path: NonNullable<NonNullable<WayQuery['start']>['path']> = [
    { type: 'consumesApi', source: entity(A), targetRef: B, target: entity(B) },
    { type: 'apiConsumedBy', source: entity(B), targetRef: C, target: entity(C) },
  ];
  it('goes from its begin to its end as the relations are stated', () => {
    const model = way({ start: { ...entity(A), path }, end: entity(C) }, C, none);
    expect(model?.edges.map(({ from, to, types }) => [from, to, types[0]])).toEqual([[A, B, 'consumesApi'], [B, C, 'apiConsumedBy']]);
  });
  it('says which relations it is made of, and which were left out', () => {
    const model = way({ start: { ...entity(A), path: [...path, { type: 'ownedBy', source: entity(C), targetRef: D, target: entity(D) }] }, end: entity(D) }, D, { ...none, hide: ['dependsOn'] });
    expect(model?.types).toEqual([
      { type: 'consumesApi', count: 2, isHidden: false },
      { type: 'ownedBy', count: 1, isHidden: false },
      { type: 'dependsOn', count: 0, isHidden: true },
    ]);
  });
  it('shows both ends where there is none', () => {
    const model = way({ start: { ...entity(A), path: null }, end: entity(C) }, C, none);
    expect([model?.nodes.map(({ ref }) => ref), model?.edges]).toEqual([[A, C], []]);
    expect(way({ start: { ...entity(A), path: null }, end: null }, 'user:default/nobody', none)?.nodes.map(({ isMissing }) => isMissing)).toEqual([false, true]);
    expect(way({ start: { ...entity(A), path: [] }, end: entity(A) }, A, none)?.nodes).toHaveLength(1);
  });
});
