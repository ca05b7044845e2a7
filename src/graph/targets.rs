//! Pages of what a relation leads to.
//!
//! Edges stand in the order of their targets' refs: kind, namespace, name.
//! Within one kind and namespace that is the order by name as well, which pages have unless they are asked for another; so a page is read off the edges, a few runs side by side, and ends when it is full.
//! Few edges are sorted by name without looking for runs, which costs one look at each ref.
//! Any other order is sorted.

use std::cmp::Ordering;

use roaring::RoaringBitmap;
use smallvec::SmallVec;

use super::cursor::Position;
use super::layout::{ABSENT, GENERIC};
use super::value::{Key, compare_folded};
use super::{BadCursor, Edge, Ix, Order, Page, Snapshot, Window};
use crate::sdl::{KindId, RelationId, Targets};

/// Targets of more kinds and namespaces than this are sorted.
const RUNS: usize = 8;
/// So many edges are sorted by name rather than split into runs: most connections are small.
const FEW: usize = if cfg!(test) { 3 } else { 16 };

/// Which targets of a relation are meant; only existing ones ever are.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub relation: RelationId,
    pub kinds: &'a Targets,
    /// Only those of this set.
    pub within: Option<&'a RoaringBitmap>,
}

/// Edges to targets of one kind and namespace.
struct Run<'a> {
    edges: &'a [Edge],
    /// Where the name begins in their refs.
    prefix: usize,
    /// The next one that is wanted.
    head: Option<(Ix, &'a str)>,
}

impl Snapshot {
    /// A page of what `ix` has a relation to.
    pub fn target_page(
        &self,
        ix: Ix,
        wanted: &Wanted<'_>,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        let edges = self.edges.out_along(ix.0, wanted.relation);
        let by_name = self.is_by_name(order);
        let is_near = window.after.is_none() && window.before.is_none();
        if by_name && is_near && edges.len() <= FEW {
            return Ok(self.page_of_few(edges, wanted, window));
        }
        let runs = match by_name {
            true => self.runs(edges, wanted),
            false => None,
        };
        match runs {
            Some(runs) => self.page_of_runs(runs, wanted, order, window),
            None => self.page_of(self.targets_of(edges, wanted).collect(), order, window),
        }
    }

    /// How many of those there are.
    pub fn target_count(&self, ix: Ix, wanted: &Wanted<'_>) -> u64 {
        let edges = self.edges.out_along(ix.0, wanted.relation);
        self.targets_of(edges, wanted).count() as u64
    }

    /// The first of those, by ref.
    #[inline]
    pub fn first_target(&self, ix: Ix, relation: RelationId, kinds: &Targets) -> Option<Ix> {
        let edges = self.edges.out_along(ix.0, relation);
        let wanted = Wanted {
            relation,
            kinds,
            within: None,
        };
        self.targets_of(edges, &wanted).next()
    }

    fn targets_of<'a>(
        &'a self,
        edges: &'a [Edge],
        wanted: &'a Wanted<'a>,
    ) -> impl Iterator<Item = Ix> + 'a {
        let targets = edges.iter().map(|edge| edge.target);
        targets.filter(|ix| self.is_wanted(*ix, wanted))
    }

    /// Whether targets of a run may be wanted at all: they are of one kind, so the first that exists tells.
    fn may_have(&self, edges: &[Edge], wanted: &Wanted<'_>) -> bool {
        let Targets::Kinds(_) = wanted.kinds else {
            return true;
        };
        let mut targets = edges.iter().map(|edge| edge.target);
        let first = targets.find(|ix| self.exists(*ix));
        first.is_some_and(|ix| wanted.kinds.allows(self.kind(ix)))
    }

    #[inline]
    fn is_wanted(&self, ix: Ix, wanted: &Wanted<'_>) -> bool {
        let kind = match self.rows.kind(ix.0) {
            ABSENT => return false,
            GENERIC => None,
            kind => Some(KindId(kind)),
        };
        wanted.kinds.allows(kind) && wanted.within.is_none_or(|set| set.contains(ix.0))
    }

    /// Whether the order is that of the names in refs.
    fn is_by_name(&self, order: &[Order]) -> bool {
        match order {
            [] => self.layout.name.is_some(),
            [only] => Some(only.column) == self.layout.name && !only.descending,
            _ => false,
        }
    }

    /// A page by name, without cursors.
    fn page_of_few(&self, edges: &[Edge], wanted: &Wanted<'_>, window: &Window<'_>) -> Page {
        let mut targets: SmallVec<[Ix; FEW]> = self.targets_of(edges, wanted).collect();
        if targets.len() > 1 {
            self.sort_by_name(&mut targets);
        }
        let backward = window.first.is_none() && window.last.is_some();
        let n = if backward { window.last } else { window.first };
        let over = targets.len().saturating_sub(n.unwrap_or(usize::MAX));
        let page = match backward {
            true => over..targets.len(),
            false => 0..targets.len() - over,
        };
        Page {
            items: targets.get(page).unwrap_or_default().to_vec(),
            has_next: over > 0 && !backward,
            has_previous: over > 0 && backward,
        }
    }

    /// By name, then ref, like [`Run::compare`]; each ref is looked up once.
    fn sort_by_name(&self, targets: &mut [Ix]) {
        let mut named: SmallVec<[(&str, &str, Ix); FEW]> = targets
            .iter()
            .map(|ix| {
                let entity_ref = self.entity_ref(*ix);
                let name = entity_ref
                    .split_once('/')
                    .map_or(entity_ref, |parts| parts.1);
                (name, entity_ref, *ix)
            })
            .collect();
        named.sort_unstable();
        for (target, (.., ix)) in targets.iter_mut().zip(named) {
            *target = ix;
        }
    }

    /// The edges that may be wanted, by kind and namespace; `None` if there are too many of these.
    fn runs<'a>(
        &'a self,
        edges: &'a [Edge],
        wanted: &Wanted<'_>,
    ) -> Option<SmallVec<[Run<'a>; 4]>> {
        let entity_ref = |edge: &Edge| self.rows.entity_ref(edge.target.0);
        let mut runs = SmallVec::new();
        let mut rest = edges;
        while let [first, .., last] | [first @ last] = rest {
            if runs.len() == RUNS {
                return None;
            }
            let first = entity_ref(first);
            let prefix = first.find('/').map_or(0, |slash| slash + 1);
            let begin = first.as_bytes().get(..prefix).unwrap_or_default();
            let alike = |edge: &Edge| entity_ref(edge).as_bytes().starts_with(begin);
            let end = match alike(last) {
                true => rest.len(),
                false => rest.partition_point(alike),
            };
            let (edges, behind) = rest.split_at(end);
            if self.may_have(edges, wanted) {
                runs.push(Run {
                    edges,
                    prefix,
                    head: None,
                });
            }
            rest = behind;
        }
        Some(runs)
    }

    fn page_of_runs<'a>(
        &'a self,
        mut runs: SmallVec<[Run<'a>; 4]>,
        wanted: &Wanted<'_>,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        let after = self.name_place(window.after, order)?;
        let before = self.name_place(window.before, order)?;
        let any = |edges: &[Edge]| edges.iter().any(|edge| self.is_wanted(edge.target, wanted));
        let (mut is_behind, mut is_ahead) = (false, false);
        for run in &mut runs {
            let edges = run.edges;
            let start = after.as_ref().map_or(0, |place| {
                edges.partition_point(|edge| self.compare_place(run, edge, place).is_le())
            });
            let end = before.as_ref().map_or(edges.len(), |place| {
                edges.partition_point(|edge| self.compare_place(run, edge, place).is_lt())
            });
            is_behind = is_behind || any(&edges[..start]);
            is_ahead = is_ahead || any(&edges[end..]);
            run.edges = edges.get(start..end).unwrap_or_default();
        }
        let backward = window.first.is_none() && window.last.is_some();
        let n = if backward { window.last } else { window.first };
        let n = n.unwrap_or(usize::MAX);
        let mut items = self.merge(&mut runs, wanted, backward, n.saturating_add(1));
        let more = items.len() > n;
        items.truncate(n);
        if backward {
            items.reverse();
        }
        Ok(Page {
            items,
            has_next: is_ahead || (more && !backward),
            has_previous: is_behind || (more && backward),
        })
    }

    /// The name and the ref that a cursor stands for.
    fn name_place(
        &self,
        cursor: Option<&str>,
        order: &[Order],
    ) -> Result<Option<(String, String)>, BadCursor> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let position: Position = self.position_of(cursor, order)?;
        match position.keys.as_slice() {
            [Some(Key::Text(name))] => Ok(Some((name.clone(), position.entity_ref))),
            _ => Err(BadCursor),
        }
    }

    fn compare_place(&self, run: &Run<'_>, edge: &Edge, place: &(String, String)) -> Ordering {
        let entity_ref = self.rows.entity_ref(edge.target.0);
        let name = entity_ref.get(run.prefix..).unwrap_or_default();
        compare_folded(name, &place.0).then_with(|| entity_ref.cmp(&place.1))
    }

    /// The first `n` that are wanted, or the last, which come first then.
    fn merge<'a>(
        &'a self,
        runs: &mut [Run<'a>],
        wanted: &Wanted<'_>,
        backward: bool,
        n: usize,
    ) -> Vec<Ix> {
        let mut items = Vec::new();
        if let [run] = runs {
            let targets = run.edges.iter().map(|edge| edge.target);
            let is_wanted = |ix: &Ix| self.is_wanted(*ix, wanted);
            items.reserve(run.edges.len().min(n));
            if backward {
                items.extend(targets.rev().filter(is_wanted).take(n));
            } else {
                items.extend(targets.filter(is_wanted).take(n));
            }
            return items;
        }
        for run in &mut *runs {
            run.advance(self, wanted, backward);
        }
        while items.len() < n {
            let heads = runs.iter_mut().filter(|run| run.head.is_some());
            let next = if backward {
                heads.max_by(|left, right| left.compare(right))
            } else {
                heads.min_by(|left, right| left.compare(right))
            };
            let Some(next) = next else { break };
            items.extend(next.head.map(|(ix, _)| ix));
            next.advance(self, wanted, backward);
        }
        items
    }
}

impl<'a> Run<'a> {
    fn advance(&mut self, snapshot: &'a Snapshot, wanted: &Wanted<'_>, backward: bool) {
        self.head = loop {
            let next = if backward {
                self.edges.split_last()
            } else {
                self.edges.split_first()
            };
            let Some((edge, rest)) = next else {
                break None;
            };
            self.edges = rest;
            if snapshot.is_wanted(edge.target, wanted) {
                break Some((edge.target, snapshot.entity_ref(edge.target)));
            }
        };
    }

    /// By name, then ref.
    fn compare(&self, other: &Self) -> Ordering {
        let text = |run: &Self| run.head.map_or("", |(_, entity_ref)| entity_ref);
        let (own, others) = (text(self), text(other));
        let name = own.get(self.prefix..).unwrap_or_default();
        let others_name = others.get(other.prefix..).unwrap_or_default();
        name.cmp(others_name).then_with(|| own.cmp(others))
    }
}
