//! Relations as arrays: what leaves an entity, what leads to it, and what its own descriptor states.
//!
//! A descriptor states edges in both directions, and two descriptors may state the same edge (`dependsOn` here, `dependencyOf` there): an edge goes when the last one that states it goes.
//!
//! What leaves an entity lies by type and then by the target's name, which is the order that pages have unless they are asked for another; what leads to it lies by type and then by the source's ref.

use std::cmp::Ordering;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::order::by_name;
use super::rows::Rows;
use super::spine::{Filling, Slabs};
use super::tree::Tree;
use super::{Edge, Ix};
use crate::sdl::{Model, RelationId};

/// Source, relation type, target.
pub(super) type Triple = (u32, u16, u32);

/// All edges.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    out: Slabs<Edge>,
    /// The same edges by target; `target` is the source there.
    back: Slabs<Edge>,
    /// What each entity states, packed by [`pack`].
    stated: Slabs<u32>,
    /// How often an edge is stated beyond once; few are.
    again: Tree<(Triple, u32)>,
    /// By relation type.
    types: Vec<OfType>,
    none: Arc<RoaringBitmap>,
}

/// What is known of all edges of a type.
#[derive(Clone, Debug, Default)]
struct OfType {
    count: u64,
    sources: Arc<RoaringBitmap>,
    targets: Arc<RoaringBitmap>,
}

const OUT: u32 = 0;
const BACK: u32 = 1 << 16;
/// Out, and the inverse type back.
const PAIR: u32 = 2 << 16;
/// Between two others.
const FOREIGN: u32 = 3 << 16;

/// Two words for an edge of `own`, or for an edge together with its inverse.
pub(super) fn pack(model: &Model, own: u32, triples: &[Triple], words: &mut Vec<u32>) {
    words.clear();
    let inverse = |relation: u16| model.relation(RelationId(relation)).inverse.map(|id| id.0);
    let mirrored = |(source, relation, target): Triple| {
        let (Some(back), true) = (inverse(relation), source != target) else {
            return false;
        };
        triples.binary_search(&(target, back, source)).is_ok()
    };
    for triple @ (source, relation, target) in triples.iter().copied() {
        let relation_word = u32::from(relation);
        if source == own && mirrored(triple) {
            words.extend([PAIR | relation_word, target]);
        } else if source == own {
            words.extend([OUT | relation_word, target]);
        } else if target == own {
            // The other half of a pair is there already, if this is its inverse.
            let paired = inverse(relation).is_some_and(|back| {
                inverse(back) == Some(relation)
                    && triples.binary_search(&(own, back, source)).is_ok()
            });
            if !paired {
                words.extend([BACK | relation_word, source]);
            }
        } else {
            words.extend([FOREIGN | relation_word, source, target]);
        }
    }
}

/// The triples behind packed words.
pub(super) fn unpack(model: &Model, own: u32, words: &[u32], triples: &mut Vec<Triple>) {
    triples.clear();
    let mut words = words.iter().copied();
    while let (Some(head), Some(other)) = (words.next(), words.next()) {
        let relation = head as u16;
        match head & (3 << 16) {
            BACK => triples.push((other, relation, own)),
            PAIR => {
                triples.push((own, relation, other));
                if let Some(back) = model.relation(RelationId(relation)).inverse {
                    triples.push((other, back.0, own));
                }
            }
            FOREIGN => triples.extend(words.next().map(|target| (other, relation, target))),
            _ => triples.push((own, relation, other)),
        }
    }
    triples.sort_unstable();
    triples.dedup();
}

/// Lets `change` see every index in packed words.
pub(super) fn each_index(words: &mut [u32], mut change: impl FnMut(&mut u32)) {
    let mut rest = words;
    while let [head, other, behind @ ..] = rest {
        change(other);
        rest = behind;
        if *head & (3 << 16) == FOREIGN
            && let [target, behind @ ..] = rest
        {
            change(target);
            rest = behind;
        }
    }
}

impl Edges {
    pub(super) fn out(&self, ix: u32) -> &[Edge] {
        self.out.get(ix as usize)
    }

    /// Edges that lead to `ix`, each with its source as `target`.
    pub(super) fn back(&self, ix: u32) -> &[Edge] {
        self.back.get(ix as usize)
    }

    pub(super) fn out_along(&self, ix: u32, relation: RelationId) -> &[Edge] {
        along(self.out(ix), relation)
    }

    pub(super) fn back_along(&self, ix: u32, relation: RelationId) -> &[Edge] {
        along(self.back(ix), relation)
    }

    pub(super) fn count(&self, relation: RelationId) -> u64 {
        self.of_type(relation).map_or(0, |own| own.count)
    }

    /// Everything that has an edge of this type, whether it exists or not.
    pub(super) fn sources(&self, relation: RelationId) -> &RoaringBitmap {
        self.of_type(relation)
            .map_or(&self.none, |own| &own.sources)
    }

    /// Everything that an edge of this type leads to, whether it exists or not.
    pub(super) fn targets(&self, relation: RelationId) -> &RoaringBitmap {
        self.of_type(relation)
            .map_or(&self.none, |own| &own.targets)
    }

    fn of_type(&self, relation: RelationId) -> Option<&OfType> {
        self.types.get(usize::from(relation.0))
    }

    fn of_type_mut(&mut self, relation: u16) -> &mut OfType {
        let at = usize::from(relation);
        if self.types.len() <= at {
            self.types.resize(at + 1, OfType::default());
        }
        &mut self.types[at]
    }

    /// What the descriptor of `ix` states, sorted.
    pub(super) fn stated(&self, model: &Model, ix: u32) -> Vec<Triple> {
        let mut triples = Vec::new();
        unpack(model, ix, self.stated.get(ix as usize), &mut triples);
        triples
    }

    /// Replaces what `ix` states by `next` (sorted, without doubles); gives back entities that may have lost their last edge.
    pub(super) fn restate(
        &mut self,
        model: &Model,
        rows: &Rows,
        ix: u32,
        next: &[Triple],
    ) -> Vec<u32> {
        let before = self.stated(model, ix);
        if before == next {
            return Vec::new();
        }
        let mut words = Vec::new();
        pack(model, ix, next, &mut words);
        self.stated.set(ix as usize, &words);
        let mut loosened = Vec::new();
        for triple in before.iter().filter(|old| next.binary_search(old).is_err()) {
            self.remove(rows, *triple);
            loosened.extend([triple.0, triple.2]);
        }
        for triple in next.iter().filter(|new| before.binary_search(new).is_err()) {
            self.add(rows, *triple);
        }
        loosened.sort_unstable();
        loosened.dedup();
        loosened
    }

    fn add(&mut self, rows: &Rows, triple: Triple) {
        let (source, relation, target) = triple;
        match position(rows, self.out(source), relation, target, by_name) {
            Ok(_) => self.again.alter(
                |other| other.0.cmp(&triple),
                |known| Some((triple, known.map_or(1, |(_, times)| times + 1))),
            ),
            Err(at) => {
                insert(&mut self.out, source, at, edge(relation, target));
                if let Err(at) = position(rows, self.back(target), relation, source, str::cmp) {
                    insert(&mut self.back, target, at, edge(relation, source));
                }
                let own = self.of_type_mut(relation);
                own.count += 1;
                enter(&mut own.sources, source);
                enter(&mut own.targets, target);
            }
        }
    }

    fn remove(&mut self, rows: &Rows, triple: Triple) {
        let (source, relation, target) = triple;
        let mut again = false;
        self.again.alter(
            |other| other.0.cmp(&triple),
            |known| {
                again = known.is_some();
                known
                    .filter(|(_, times)| *times > 1)
                    .map(|(_, times)| (triple, times - 1))
            },
        );
        if again {
            return;
        }
        if let Ok(at) = position(rows, self.out(source), relation, target, by_name) {
            remove(&mut self.out, source, at);
            let own = self.of_type_mut(relation);
            own.count = own.count.saturating_sub(1);
            if self.out_along(source, RelationId(relation)).is_empty() {
                Arc::make_mut(&mut self.of_type_mut(relation).sources).remove(source);
            }
        }
        if let Ok(at) = position(rows, self.back(target), relation, source, str::cmp) {
            remove(&mut self.back, target, at);
            if self.back_along(target, RelationId(relation)).is_empty() {
                Arc::make_mut(&mut self.of_type_mut(relation).targets).remove(target);
            }
        }
    }

    /// Takes all that is stated at once.
    pub(super) fn filled(model: &Model, stated: Slabs<u32>, ranks: &Ranks) -> Self {
        let mut edges = Self {
            stated,
            ..Self::default()
        };
        edges.fill(model, ranks);
        edges
    }

    fn fill(&mut self, model: &Model, ranks: &Ranks) {
        let n = ranks.by_ref.len() as u32;
        let mut triples = Vec::new();
        let mut out = Halves::new(n);
        for ix in 0..n {
            unpack(model, ix, self.stated.get(ix as usize), &mut triples);
            triples.iter().for_each(|triple| out.count(triple.0));
        }
        out.allot();
        for ix in 0..n {
            unpack(model, ix, self.stated.get(ix as usize), &mut triples);
            for (source, relation, target) in triples.iter().copied() {
                out.put(source, edge(relation, target));
            }
        }
        let mut back = Halves::new(n);
        let mut filling = Filling::default();
        let mut types =
            vec![(0, RoaringBitmap::new(), RoaringBitmap::new()); model.relations.len()];
        let mut kept: Vec<Edge> = Vec::new();
        for source in 0..n {
            let own = out.of(source);
            own.sort_unstable_by_key(|edge| (edge.relation, ranks.by_name[edge.target.0 as usize]));
            kept.clear();
            for edge in own.iter().copied() {
                if kept.last() == Some(&edge) {
                    let triple = (source, edge.relation.0, edge.target.0);
                    self.again.alter(
                        |other| other.0.cmp(&triple),
                        |known| Some((triple, known.map_or(1, |(_, times)| times + 1))),
                    );
                    continue;
                }
                kept.push(edge);
                back.count(edge.target.0);
                let own = &mut types[usize::from(edge.relation.0)];
                own.0 += 1;
                own.1.insert(source);
            }
            filling.push(&kept);
        }
        drop(out);
        self.out = filling.done();
        let mut filling = Filling::default();
        back.allot();
        for source in 0..n {
            for own in self.out.get(source as usize) {
                back.put(own.target.0, edge(own.relation.0, source));
            }
        }
        for target in 0..n {
            let own = back.of(target);
            own.sort_unstable_by_key(|edge| (edge.relation, ranks.by_ref[edge.target.0 as usize]));
            for edge in &*own {
                types[usize::from(edge.relation.0)].2.insert(target);
            }
            filling.push(own);
        }
        self.back = filling.done();
        let types = types.into_iter().map(|(count, sources, targets)| OfType {
            count,
            sources: Arc::new(sources),
            targets: Arc::new(targets),
        });
        self.types = types.collect();
    }
}

/// By index: its place in the order of refs, and in that of the names in them.
pub(super) struct Ranks {
    pub(super) by_ref: Vec<u32>,
    pub(super) by_name: Vec<u32>,
}

/// Edges by one end, laid out by counting first.
struct Halves {
    /// Where each entity's edges end; while counting: how many it has.
    ends: Vec<u32>,
    edges: Vec<Edge>,
}

impl Halves {
    fn new(n: u32) -> Self {
        Self {
            ends: vec![0; n as usize + 1],
            edges: Vec::new(),
        }
    }

    fn count(&mut self, ix: u32) {
        self.ends[ix as usize + 1] += 1;
    }

    /// After this `ends` says where each entity's edges start, and grows to where they end as they are put.
    fn allot(&mut self) {
        let mut sum = 0;
        for end in &mut self.ends {
            sum += *end;
            *end = sum;
        }
        self.edges = vec![edge(0, 0); sum as usize];
    }

    fn put(&mut self, ix: u32, edge: Edge) {
        let at = &mut self.ends[ix as usize];
        self.edges[*at as usize] = edge;
        *at += 1;
    }

    fn of(&mut self, ix: u32) -> &mut [Edge] {
        let ix = ix as usize;
        let start = if ix == 0 { 0 } else { self.ends[ix - 1] };
        &mut self.edges[start as usize..self.ends[ix] as usize]
    }
}

/// So many edges, and most entities have no more, are searched one by one: that is faster than to halve them.
const SHORT: usize = 16;

/// The part of sorted edges that is of one type.
fn along(edges: &[Edge], relation: RelationId) -> &[Edge] {
    if edges.len() <= SHORT {
        let before = edges.iter().take_while(|edge| edge.relation < relation);
        let rest = &edges[before.count()..];
        let own = rest.iter().take_while(|edge| edge.relation == relation);
        return &rest[..own.count()];
    }
    let start = edges.partition_point(|edge| edge.relation < relation);
    let rest = edges.get(start..).unwrap_or_default();
    &rest[..rest.partition_point(|edge| edge.relation == relation)]
}

fn enter(set: &mut Arc<RoaringBitmap>, ix: u32) {
    if !set.contains(ix) {
        Arc::make_mut(set).insert(ix);
    }
}

fn edge(relation: u16, target: u32) -> Edge {
    Edge {
        relation: RelationId(relation),
        target: Ix(target),
    }
}

/// Where an edge stands, or would stand: sorted by relation type, then by the other end's ref in `order`.
fn position(
    rows: &Rows,
    edges: &[Edge],
    relation: u16,
    other: u32,
    order: impl Fn(&str, &str) -> Ordering,
) -> Result<usize, usize> {
    let entity_ref = rows.entity_ref(other);
    edges.binary_search_by(|edge| {
        edge.relation.0.cmp(&relation).then_with(|| {
            if edge.target.0 == other {
                return Ordering::Equal;
            }
            order(rows.entity_ref(edge.target.0), entity_ref)
        })
    })
}

fn insert(slabs: &mut Slabs<Edge>, ix: u32, at: usize, edge: Edge) {
    let old = slabs.get(ix as usize);
    let mut next = Vec::with_capacity(old.len() + 1);
    next.extend_from_slice(&old[..at]);
    next.push(edge);
    next.extend_from_slice(&old[at..]);
    slabs.set(ix as usize, &next);
}

fn remove(slabs: &mut Slabs<Edge>, ix: u32, at: usize) {
    let mut next = slabs.get(ix as usize).to_vec();
    next.remove(at);
    slabs.set(ix as usize, &next);
}
