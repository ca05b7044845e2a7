//! Pages of an ordered set.

use roaring::RoaringBitmap;
use smallvec::SmallVec;

use super::cursor::Position;
use super::index::Entry;
use super::seek::{Bound, SMALL, Side};
use super::{BadCursor, Ix, Order, Page, Snapshot, Window};

/// Steps over an index that are worth trying before a set is made.
const NEAR: usize = if cfg!(test) { 4 } else { 64 };

impl Snapshot {
    /// A page of `set` in `order`; an empty order is by name, then ref.
    pub fn page(
        &self,
        set: &RoaringBitmap,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        let ordering = self.ordering(order);
        let decode = |cursor: Option<&str>| {
            let decoded = cursor
                .map(|cursor| Position::decode(cursor, &ordering.name(), ordering.levels.len()));
            decoded.transpose()
        };
        let (after, before) = (decode(window.after)?, decode(window.before)?);
        let backward = window.first.is_none() && window.last.is_some();
        let (near, far, n) = if backward {
            (before, after, window.last)
        } else {
            (after, before, window.first)
        };
        let n = n.unwrap_or(usize::MAX);
        let side = Side {
            ordering: &ordering,
            backward,
        };
        let near = near.map(|position| Bound {
            position,
            inclusive: false,
        });
        let mut items = side.collect(set, near.as_ref(), n.saturating_add(1));
        let mut more = items.len() > n;
        items.truncate(n);
        if let Some(far) = far {
            let within = items.partition_point(|ix| side.compare_position(*ix, &far).is_lt());
            more |= within < items.len();
            items.truncate(within);
            more = more || (items.len() < n && side.beyond(set, &far, true));
        }
        let behind = match (items.first(), near) {
            (_, None) => false,
            (Some(first), Some(_)) => {
                side.reversed()
                    .beyond(set, &ordering.position(*first), false)
            }
            (None, Some(near)) => side.reversed().beyond(set, &near.position, true),
        };
        let mut items: Vec<Ix> = items.into_iter().map(Ix).collect();
        if backward {
            items.reverse();
        }
        let (has_next, has_previous) = if backward {
            (behind, more)
        } else {
            (more, behind)
        };
        Ok(Page {
            items,
            has_next,
            has_previous,
        })
    }

    /// [`Snapshot::page`] of what is in both sets, which is not put together where the page is near: few entities are met before it is full.
    pub fn page_of_both(
        &self,
        left: &RoaringBitmap,
        right: &RoaringBitmap,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        match self.near_page(left, right, order, window) {
            Some(page) => Ok(page),
            None => self.page(&(left & right), order, window),
        }
    }

    /// The first page, if it comes soon in the order.
    fn near_page(
        &self,
        left: &RoaringBitmap,
        right: &RoaringBitmap,
        order: &[Order],
        window: &Window<'_>,
    ) -> Option<Page> {
        let (Some(n), None, None) = (window.first, window.after, window.before) else {
            return None;
        };
        let ordering = self.ordering(order);
        let own = ordering.levels.first()?;
        let mut items = Vec::with_capacity(n + 1);
        let mut step = |entry: &Entry| match entry {
            Entry::One(ix) => {
                if right.contains(*ix) && left.contains(*ix) {
                    items.push(Ix(*ix));
                }
                Some(items.len() > n)
            }
            Entry::Shared(shared) => {
                let mut both: SmallVec<[u32; 16]> = shared.few()?.into();
                both.retain(|ix| right.contains(*ix) && left.contains(*ix));
                both.sort_unstable_by(|one, other| ordering.compare(1, *one, *other));
                items.extend(both.into_iter().map(Ix));
                Some(items.len() > n)
            }
        };
        let texts = self.texts();
        let steps = NEAR + 16 * n;
        // Spread evenly over all entities, so many steps lie before the page is full; a few are better put in order by themselves.
        let matching = right.len() as usize;
        if matching * steps.min(2 * matching) < (n + 1) * self.alive.len() as usize {
            return None;
        }
        let full = if own.descending {
            let entries = own.index.descending(None, texts);
            entries
                .take(steps)
                .map(&mut step)
                .find(|full| *full != Some(false))
        } else {
            let entries = own.index.ascending(None, texts);
            entries
                .take(steps)
                .map(&mut step)
                .find(|full| *full != Some(false))
        };
        // The end of the index is not the end of the order: what has no value comes behind it.
        if full != Some(Some(true)) {
            return None;
        }
        items.truncate(n);
        Some(Page {
            items,
            has_next: true,
            has_previous: false,
        })
    }

    /// [`Snapshot::page`] of entities given in any order, each once: no set is made of a few of them unless a cursor needs one.
    pub(super) fn page_of(
        &self,
        mut items: Vec<Ix>,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        if items.len() as u64 > SMALL || window.after.is_some() || window.before.is_some() {
            let set = items.iter().map(|ix| ix.0).collect();
            return self.page(&set, order, window);
        }
        if items.len() > 1 {
            let ordering = self.ordering(order);
            items.sort_unstable_by(|left, right| ordering.compare(0, left.0, right.0));
        }
        let n_all = items.len();
        let more = |n: usize| n_all > n;
        let (has_next, has_previous) = match (window.first, window.last) {
            (Some(first), _) => {
                items.truncate(first);
                (more(first), false)
            }
            (None, Some(last)) => {
                items.drain(..n_all.saturating_sub(last));
                (false, more(last))
            }
            (None, None) => (false, false),
        };
        Ok(Page {
            items,
            has_next,
            has_previous,
        })
    }
}
