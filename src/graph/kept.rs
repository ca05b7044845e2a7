//! First pages of sets that a snapshot holds: worked out when first asked for, known until something changes.
//!
//! Who polls asks for the same kind, the same value and the same order again and again; the walk through the order is the dearest part of such a page.
//! What is kept is which entities come first, and nothing of what is shown of them.
//! Small sets are not worth it: there are many of them, and they are put in order by themselves.

use std::collections::HashMap;
use std::ptr;
use std::sync::Arc;

use parking_lot::RwLock;
use roaring::RoaringBitmap;
use smallvec::SmallVec;

use super::seek::SMALL;
use super::{BadCursor, Order, Page, Snapshot, Window};

/// So many are kept; then it begins anew.
const MOST: usize = 256;

/// Shared by the copies of a snapshot until one of them changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<RwLock<HashMap<Key, Page>>>);

/// Sets are told apart by where they lie, which is the same as long as the snapshot is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    set: usize,
    filter: usize,
    order: SmallVec<[Order; 2]>,
    first: usize,
}

impl Snapshot {
    /// [`Snapshot::page_of_both`], or [`Snapshot::page`] without a `filter`, of sets that this snapshot itself holds: see [`Snapshot::of_kind`] and [`Snapshot::matching`].
    pub fn page_of_held(
        &self,
        set: &RoaringBitmap,
        filter: Option<&RoaringBitmap>,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        let make = || match filter {
            Some(filter) => self.page_of_both(set, filter, order, window),
            None => self.page(set, order, window),
        };
        let (Some(first), None, None) = (window.first, window.after, window.before) else {
            return make();
        };
        if filter.unwrap_or(set).len() <= SMALL {
            return make();
        }
        let key = Key {
            set: ptr::from_ref(set).addr(),
            filter: filter.map_or(0, |filter| ptr::from_ref(filter).addr()),
            order: order.into(),
            first,
        };
        if let Some(page) = self.kept.0.read().get(&key) {
            return Ok(page.clone());
        }
        let page = make()?;
        let mut kept = self.kept.0.write();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(key, page.clone());
        Ok(page)
    }
}
