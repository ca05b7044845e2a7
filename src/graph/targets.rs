//! Pages of what a relation leads to.
//!
//! Edges stand by the names of their targets, which is the order that pages have unless they are asked for another; so a page is a stretch of the edges, and ends when it is full.
//! Any other order is sorted.

use std::cmp::Ordering;

use roaring::RoaringBitmap;

use super::layout::{ABSENT, GENERIC};
use super::order::name_in;
use super::value::{Key, compare_folded};
use super::{BadCursor, Edge, Ix, Order, Page, Snapshot, Window};
use crate::sdl::{KindId, RelationId, Targets};

/// Which targets of a relation are meant; only existing ones ever are.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub relation: RelationId,
    pub kinds: &'a Targets,
    /// Only those of this set.
    pub within: Option<&'a RoaringBitmap>,
}

/// What a cursor of the order by name stands for.
struct NamePlace {
    /// Folded.
    name: String,
    entity_ref: String,
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
        match self.is_by_name(order) {
            true => self.page_by_name(edges, wanted, order, window),
            false => self.page_of(self.targets_of(edges, wanted).collect(), order, window),
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
        let targets = self.targets_of(edges, &wanted);
        targets.min_by(|left, right| self.entity_ref(*left).cmp(self.entity_ref(*right)))
    }

    fn targets_of<'a>(
        &'a self,
        edges: &'a [Edge],
        wanted: &'a Wanted<'a>,
    ) -> impl DoubleEndedIterator<Item = Ix> + 'a {
        let targets = edges.iter().map(|edge| edge.target);
        targets.filter(|ix| self.is_wanted(*ix, wanted))
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

    fn page_by_name(
        &self,
        edges: &[Edge],
        wanted: &Wanted<'_>,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        let after = self.name_place(window.after, order)?;
        let before = self.name_place(window.before, order)?;
        let start = after.map_or(0, |place| {
            edges.partition_point(|edge| self.compare_place(edge, &place).is_le())
        });
        let end = before.map_or(edges.len(), |place| {
            edges.partition_point(|edge| self.compare_place(edge, &place).is_lt())
        });
        let (behind, ahead) = (&edges[..start], &edges[end..]);
        // Empty where the one cursor is behind the other.
        let edges = edges.get(start..end).unwrap_or_default();
        let backward = window.first.is_none() && window.last.is_some();
        let n = if backward { window.last } else { window.first };
        let n = n.unwrap_or(usize::MAX);
        let mut items = Vec::with_capacity(edges.len().min(n.saturating_add(1)));
        let targets = self.targets_of(edges, wanted);
        match backward {
            true => items.extend(targets.rev().take(n.saturating_add(1))),
            false => items.extend(targets.take(n.saturating_add(1))),
        }
        let more = items.len() > n;
        items.truncate(n);
        if backward {
            items.reverse();
        }
        let any = |edges| self.targets_of(edges, wanted).next().is_some();
        Ok(Page {
            items,
            has_next: (more && !backward) || any(ahead),
            has_previous: (more && backward) || any(behind),
        })
    }

    fn name_place(
        &self,
        cursor: Option<&str>,
        order: &[Order],
    ) -> Result<Option<NamePlace>, BadCursor> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let position = self.position_of(cursor, order)?;
        match position.keys.into_iter().next() {
            Some(Some(Key::Text(name))) => Ok(Some(NamePlace {
                name,
                entity_ref: position.entity_ref,
            })),
            _ => Err(BadCursor),
        }
    }

    fn compare_place(&self, edge: &Edge, place: &NamePlace) -> Ordering {
        let entity_ref = self.entity_ref(edge.target);
        let names = compare_folded(name_in(entity_ref), &place.name);
        names.then_with(|| entity_ref.cmp(&place.entity_ref))
    }
}
