//! What is remembered of a file between two readings, in memory and in the store.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::links::Links;
use super::stamp::Stamp;
use crate::store::FileState;

/// What is known of a file since it was last read.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub stamp: Stamp,
    /// Microseconds since 1970.
    pub seen_at: i64,
    pub model: Arc<str>,
    pub links: Links,
}

/// Files that looked like no descriptors, and when (microseconds since 1970).
pub(super) type Passed = HashMap<PathBuf, (Stamp, i64)>;

/// The files of a source by name.
pub(super) type KnownFiles = HashMap<Arc<str>, Known>;

impl Known {
    /// As the store keeps it.
    pub(super) fn state(&self, seen_at: Timestamp) -> FileState {
        let links = (!self.links.is_empty())
            .then(|| serde_json::to_string(&self.links).ok())
            .flatten();
        FileState {
            size: self.stamp.size,
            modified: self.stamp.modified,
            seen_at,
            hash: self.stamp.hash.as_str().into(),
            model: Arc::clone(&self.model),
            links: links.map(Into::into),
        }
    }

    /// As the store kept it; links that cannot be read make the file look unknown.
    pub(super) fn from_state(state: FileState) -> Option<Self> {
        let links = match &state.links {
            Some(links) => serde_json::from_str(links).ok()?,
            None => Links::default(),
        };
        Some(Self {
            stamp: Stamp {
                size: state.size,
                modified: state.modified,
                hash: state.hash.to_string(),
            },
            seen_at: state.seen_at.as_microsecond(),
            model: state.model,
            links,
        })
    }
}
