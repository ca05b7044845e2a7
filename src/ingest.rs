//! Descriptors into the store and on into the snapshot.
//!
//! Every change goes the same way: files are read, judged by `catalog`, compared with what the store holds, committed in one transaction, and applied to the snapshot.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::graph::Snapshot;

/// What the server reads: the current snapshot and the state of the sources; shared by all requests.
#[derive(Debug)]
pub struct Catalog {
    snapshot: ArcSwap<Snapshot>,
}

/// How a source is doing, as the graph shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceStatus {
    pub name: Arc<str>,
    /// `file`, `git`, …
    pub kind: &'static str,
    /// Where it reads, as configured.
    pub target: Arc<str>,
    pub state: SourceState,
    pub entities: u64,
    pub files: u64,
    pub problems: u64,
    pub last_read_at: Option<Timestamp>,
    pub last_error: Option<Arc<str>>,
    pub last_error_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Not read yet since the start; what the store held is served.
    Waiting,
    Reading,
    Ready,
    /// The last reading failed as a whole; what was good is still served.
    Failing,
}

impl Catalog {
    /// Serves `snapshot` until something else is published.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
        }
    }

    /// The current state; hold it for a whole request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Makes `snapshot` the current state.
    pub fn publish(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// The sources in configured order.
    pub fn sources(&self) -> Vec<SourceStatus> {
        Vec::new()
    }
}
