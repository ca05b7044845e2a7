//! Which deliveries came before: here, and on every replica where there is a Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache as Memory;
use sha2::{Digest as _, Sha256};

use crate::cache::{Cache, NothingShared};

/// So many are remembered by this process; what is beyond was long ago.
const REMEMBERED: usize = 65_536;
/// So long replicas remember: upstreams send again for two days at most.
const SHARED_FOR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// The deliveries that were processed; they outlive a reload. Clones share them.
#[derive(Clone)]
pub struct Deliveries(Arc<Memory<Box<str>, ()>>);

impl Default for Deliveries {
    fn default() -> Self {
        Self(Arc::new(Memory::new(REMEMBERED)))
    }
}

/// What a delivery is remembered by: bounded, whatever the upstream calls it.
pub(super) fn name(from: [&str; 2], id: &str) -> Box<str> {
    let mut hash = Sha256::new();
    for part in [from[0], from[1], id] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_at(16);
    format!("delivery:{}", hex::encode(first)).into()
}

impl Deliveries {
    pub(super) async fn has(&self, cache: &Cache, name: &str) -> bool {
        if self.0.get(name).is_some() {
            return true;
        }
        // While Redis is away, a delivery may be processed once by each replica: that purges twice, and harms nobody.
        matches!(cache.noted(name).await, Ok(Some(_)))
    }

    pub(super) async fn add(&self, cache: &Cache, name: &str) {
        self.0.insert(name.into(), ());
        match cache.note(name, "1", SHARED_FOR).await {
            Ok(()) | Err(NothingShared) => {}
        }
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}
