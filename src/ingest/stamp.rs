//! What tells whether a file has changed without reading it.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// Writes within this time after a reading may leave size and time as they were: file systems count in steps.
const RACY_MICROS: i64 = 2_000_000;

/// Size, time and hash of a file as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub size: u64,
    /// Microseconds since 1970.
    pub modified: i64,
    pub hash: String,
}

impl Stamp {
    pub(super) fn new(metadata: &Metadata, hash: String) -> Self {
        Self {
            size: metadata.len(),
            modified: modified(metadata),
            hash,
        }
    }

    /// Whether a file that now looks like `metadata` is the one that was read at `seen_at` (microseconds).
    pub(super) fn is_of(&self, metadata: &Metadata, seen_at: i64) -> bool {
        self.size == metadata.len()
            && self.modified == modified(metadata)
            && self.modified.saturating_add(RACY_MICROS) < seen_at
    }
}

fn modified(metadata: &Metadata) -> i64 {
    let since = metadata
        .modified()
        .ok()
        .and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}
