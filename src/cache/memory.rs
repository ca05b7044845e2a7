//! The first tier: entries in this process, bounded by bytes.
//!
//! The one used longest ago goes first. An entry that is over, or was purged, is not looked for: it is found dead when it is asked for, or goes in its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;

use super::entry::Entry;
use super::key::{Key, Same};

#[derive(Debug)]
pub(super) struct Memory {
    entries: moka::sync::Cache<Key, Arc<Entry>, Same>,
    evicted: Arc<AtomicU64>,
}

impl Memory {
    pub(super) fn new(bytes: u64) -> Self {
        let evicted = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&evicted);
        let entries = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, entry: &Arc<Entry>| entry.bytes())
            // What was just paid for stays, whatever was asked for more often in the past.
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build_with_hasher(Same::default());
        Self { entries, evicted }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(super) fn put(&self, key: Key, entry: Arc<Entry>) {
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&self, key: &Key) {
        self.entries.invalidate(key);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.weighted_size()
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.entry_count()
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Does what is put off, so that counts are exact.
    pub(super) fn settle(&self) {
        self.entries.run_pending_tasks();
    }
}
