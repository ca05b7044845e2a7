//! Which tags were purged when: read with every entry, so that a purge costs nothing for entries that nobody asks for.
//!
//! Purges are counted. An entry remembers the count when its request was sent, and is gone as soon as one of its tags was purged later than that; so what a slow flight brings in does not survive a purge that it never heard of.
//! An entry also remembers the last count that it was judged by: while nothing is purged, a read compares two numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use parking_lot::RwLock;

use super::entry::{Entry, Mark};
use super::key::{Same, Tag};

/// How many tags are remembered. Beyond it the older half is forgotten, and with it everything that was fetched before.
const TAGS: usize = 65_536;

/// The purges that this process knows of.
#[derive(Debug, Default)]
pub(super) struct Purges {
    epoch: AtomicU64,
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    tags: HashMap<Tag, u64, Same>,
    /// Up to here nothing is valid, whatever its tags.
    floor: u64,
}

impl Purges {
    /// For a request that is sent now.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            epoch: self.epoch.load(Ordering::Acquire),
        }
    }

    /// Whether no tag of the entry was purged since its request was sent.
    pub(super) fn spare(&self, entry: &Entry) -> bool {
        let epoch = self.epoch.load(Ordering::Acquire);
        if entry.checked.load(Ordering::Relaxed) == epoch {
            return true;
        }
        let table = self.table.read();
        let epoch = self.epoch.load(Ordering::Acquire);
        let since = entry.mark.epoch;
        let dead = |purged: &u64| *purged > since;
        if dead(&table.floor)
            || entry
                .tags()
                .iter()
                .filter_map(|t| table.tags.get(t))
                .any(dead)
        {
            return false;
        }
        entry.checked.store(epoch, Ordering::Relaxed);
        true
    }

    /// From now on nothing that was asked for before is valid if it carries one of these.
    pub(super) fn purge(&self, tags: &[Tag]) {
        let mut table = self.table.write();
        let epoch = self.epoch.load(Ordering::Acquire) + 1;
        for tag in tags {
            table.tags.insert(*tag, epoch);
        }
        table.shrink();
        self.epoch.store(epoch, Ordering::Release);
    }

    /// Nothing that was asked for before is valid.
    pub(super) fn purge_all(&self) {
        let mut table = self.table.write();
        let epoch = self.epoch.load(Ordering::Acquire) + 1;
        table.floor = epoch;
        self.epoch.store(epoch, Ordering::Release);
    }
}

impl Table {
    fn shrink(&mut self) {
        if self.tags.len() <= TAGS {
            return;
        }
        let mut epochs: Vec<u64> = self.tags.values().copied().collect();
        let middle = epochs.len() / 2;
        let (_, median, _) = epochs.select_nth_unstable(middle);
        let limit = *median;
        let mut floor = self.floor;
        self.tags.retain(|_, purged| {
            let kept = *purged > limit;
            if !kept {
                floor = floor.max(*purged);
            }
            kept
        });
        self.floor = floor;
    }
}
