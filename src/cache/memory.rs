//! The first tier: entries in this process, bounded by bytes.
//!
//! A read is a look into a hash table and one bit that is set, and takes some tens of nanoseconds: queries do hundreds of them.
//! Caches that keep an order of use by queues (`moka`) take four times as long; here the order is that of a clock's hand, near enough.
//! An entry that is over, or was purged, is not looked for: it is found dead when it is asked for, or goes in its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::{Cache, EntryAction};
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use super::entry::Entry;
use super::key::{Key, Same};
use crate::telemetry::metrics::CacheMetrics;

/// What a part of the cache with a lock of its own should at least hold; no entry is larger than a part.
const PART: u64 = 8 << 20;

/// More parts than these do not get into each other's way less.
const MOST_PARTS: u64 = 64;

/// Bytes of an entry as they mostly are, from which the size of tables is guessed.
const USUAL: u64 = 2_048;

pub(super) struct Memory {
    entries: Cache<Key, Arc<Entry>, Bytes, Same, Evicted>,
    evicted: Arc<AtomicU64>,
    metrics: CacheMetrics,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Entry>> for Bytes {
    fn weight(&self, _: &Key, entry: &Arc<Entry>) -> u64 {
        u64::from(entry.bytes())
    }
}

#[derive(Clone)]
struct Evicted(Arc<AtomicU64>, CacheMetrics);

impl Lifecycle<Key, Arc<Entry>> for Evicted {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Key, _: Arc<Entry>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.evicted();
    }
}

impl Memory {
    pub(super) fn new(bytes: u64, metrics: CacheMetrics) -> Self {
        let evicted = Arc::new(AtomicU64::new(0));
        let parts = (bytes / PART).clamp(1, MOST_PARTS).next_power_of_two();
        let items = usize::try_from(bytes / USUAL).unwrap_or(usize::MAX);
        let counting = Evicted(Arc::clone(&evicted), metrics.clone());
        let options = OptionsBuilder::new()
            .shards(usize::try_from(parts).unwrap_or(1))
            .weight_capacity(bytes)
            .estimated_items_capacity(items)
            .hot_allocation(0.8)
            .build();
        let entries = match options {
            Ok(options) => Cache::with_options(options, Bytes, Same::default(), counting),
            // Every option is given, so this is not come by; it differs in the size of its parts only.
            Err(_incomplete) => Cache::with(items, bytes, Bytes, Same::default(), counting),
        };
        Self {
            entries,
            evicted,
            metrics,
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(super) fn put(&self, key: Key, entry: Arc<Entry>) {
        self.entries.insert(key, entry);
        self.metrics.memory(self.len(), self.bytes());
    }

    /// What was made of an entry is in the bound from now on, if it is still there; the next that is put makes room for it.
    pub(super) fn count(&self, key: &Key, entry: &Arc<Entry>) {
        // Under the lock of its part: the weight changes while nobody looks.
        self.entries.entry(key, Some(Duration::ZERO), |_, held| {
            if Arc::ptr_eq(held, entry) {
                held.count();
            }
            EntryAction::Retain(())
        });
    }

    pub(super) fn remove(&self, key: &Key) {
        self.entries.remove(key);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Memory")
            .field("entries", &self.len())
            .field("bytes", &self.bytes())
            .finish()
    }
}
