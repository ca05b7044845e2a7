//! What the server reads: the current snapshot and the state of the sources.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::graph::{ProblemRecord, Snapshot};

/// What the server reads: the current snapshot and the state of the sources; shared by all requests.
#[derive(Debug)]
pub struct Catalog {
    snapshot: ArcSwap<Snapshot>,
    revision: watch::Sender<u64>,
    sources: RwLock<Vec<SourceStatus>>,
    /// Problems of what descriptors claim of upstreams, by the entity's ref.
    claims: ArcSwap<Vec<ProblemRecord>>,
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
            revision: watch::Sender::new(snapshot.revision()),
            snapshot: ArcSwap::from_pointee(snapshot),
            sources: RwLock::default(),
            claims: ArcSwap::default(),
        }
    }

    /// The current state; hold it for a whole request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Makes `snapshot` the current state.
    pub fn publish(&self, snapshot: Snapshot) {
        let revision = snapshot.revision();
        self.snapshot.store(Arc::new(snapshot));
        self.revision.send_replace(revision);
    }

    /// Tells of every state that is published, by its revision.
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Problems of what descriptors claim of upstreams: known beside the snapshot, as they depend on more than descriptors.
    pub fn claims(&self) -> Arc<Vec<ProblemRecord>> {
        self.claims.load_full()
    }

    /// In place of those before.
    pub fn set_claims(&self, problems: Vec<ProblemRecord>) {
        self.claims.store(Arc::new(problems));
    }

    /// The sources in configured order.
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.sources.read().clone()
    }

    pub(super) fn set_sources(&self, sources: Vec<SourceStatus>) {
        *self.sources.write() = sources;
    }

    pub(super) fn update_source(&self, name: &str, update: impl FnOnce(&mut SourceStatus)) {
        let mut sources = self.sources.write();
        if let Some(source) = sources.iter_mut().find(|source| *source.name == *name) {
            update(source);
        }
    }
}
