//! Which tags were purged when: read with every entry, so that a purge costs nothing for entries that nobody asks for.
//!
//! Purges are counted. An entry remembers the count when its request was sent, and is gone as soon as one of its tags was purged later than that; so what a slow flight brings in does not survive a purge that it never heard of.
//! An entry also remembers the last count that it was judged by: while nothing is purged, a read compares two numbers.
//! The same again by places in the log that all replicas share, for entries that another replica left.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use parking_lot::RwLock;

use super::entry::{Entry, Mark};
use super::key::{Same, Tag};

/// How many tags are remembered. Beyond it the older half is forgotten, and with it everything that was fetched before.
const TAGS: usize = 65_536;

/// A place in the log of purges that all replicas share; zero before its first entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Milliseconds of the Redis server's clock.
    pub(super) time: u64,
    /// Within the millisecond.
    pub(super) number: u64,
}

/// The purges that this process knows of.
#[derive(Debug, Default)]
pub(super) struct Purges {
    epoch: AtomicU64,
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    tags: HashMap<Tag, Purged, Same>,
    /// Up to here nothing is valid, whatever its tags.
    floor: Purged,
    /// The last entry of the common log that was taken in.
    position: Position,
}

/// The last purge: its count in this process, and its place in the common log.
#[derive(Clone, Copy, Debug, Default)]
struct Purged {
    epoch: u64,
    position: Position,
}

impl Purges {
    /// For a request that is sent now.
    pub(super) fn mark(&self) -> Mark {
        let table = self.table.read();
        Mark {
            epoch: self.epoch.load(Ordering::Acquire),
            position: table.position,
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
        if table.any(entry.tags(), |purged| purged.epoch > since) {
            return false;
        }
        entry.checked.store(epoch, Ordering::Relaxed);
        true
    }

    /// The same for what another replica left.
    pub(super) fn spare_shared(&self, tags: &[Tag], since: Position) -> bool {
        let table = self.table.read();
        !table.any(tags, |purged| purged.position > since)
    }

    /// From now on nothing that was asked for before is valid if it carries one of these.
    pub(super) fn purge(&self, tags: &[Tag]) {
        self.count(|table, epoch| {
            for tag in tags {
                table.tags.entry(*tag).or_default().epoch = epoch;
            }
        });
    }

    /// Nothing that was asked for before is valid.
    pub(super) fn purge_all(&self) {
        self.count(|table, epoch| table.floor.epoch = epoch);
    }

    /// An entry of the common log, without tags one of everything. What is `counted` was a purge of this process.
    pub(super) fn take_in(&self, tags: &[Tag], position: Position, counted: bool) {
        let place = |table: &mut Table, epoch: Option<u64>| {
            table.position = table.position.max(position);
            let purged = |purged: &mut Purged| {
                purged.position = purged.position.max(position);
                purged.epoch = epoch.unwrap_or(purged.epoch);
            };
            if tags.is_empty() {
                purged(&mut table.floor);
            }
            for tag in tags {
                purged(table.tags.entry(*tag).or_default());
            }
        };
        if counted {
            place(&mut self.table.write(), None);
        } else {
            self.count(|table, epoch| place(table, Some(epoch)));
        }
    }

    /// The common log begins here: what is older than that cannot be judged.
    pub(super) fn begin(&self, position: Position) {
        let mut table = self.table.write();
        table.floor.position = table.floor.position.max(position);
        table.position = position;
    }

    /// The last entry of the common log that was taken in.
    pub(super) fn position(&self) -> Position {
        self.table.read().position
    }

    fn count(&self, change: impl FnOnce(&mut Table, u64)) {
        let mut table = self.table.write();
        let epoch = self.epoch.load(Ordering::Acquire) + 1;
        change(&mut table, epoch);
        table.shrink();
        self.epoch.store(epoch, Ordering::Release);
    }
}

impl Table {
    fn any(&self, tags: &[Tag], dead: impl Fn(&Purged) -> bool) -> bool {
        dead(&self.floor) || tags.iter().filter_map(|tag| self.tags.get(tag)).any(dead)
    }

    fn shrink(&mut self) {
        if self.tags.len() <= TAGS {
            return;
        }
        let mut epochs: Vec<u64> = self.tags.values().map(|purged| purged.epoch).collect();
        let middle = epochs.len() / 2;
        let (_, median, _) = epochs.select_nth_unstable(middle);
        let limit = *median;
        let mut floor = self.floor;
        self.tags.retain(|_, purged| {
            let kept = purged.epoch > limit;
            if !kept {
                floor.epoch = floor.epoch.max(purged.epoch);
                floor.position = floor.position.max(purged.position);
            }
            kept
        });
        self.floor = floor;
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.time, self.number)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (time, number) = text.split_once('-').unwrap_or((text, "0"));
        Ok(Self {
            time: time.parse()?,
            number: number.parse()?,
        })
    }
}
