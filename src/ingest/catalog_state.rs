//! What the server reads: the current snapshot and the state of the sources.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::catalog::EntityRef;
use crate::docs::Library;
use crate::graph::{Ix, ProblemRecord, Snapshot};

/// What the server reads: the current snapshot and the state of the sources; shared by all requests.
#[derive(Debug)]
pub struct Catalog {
    snapshot: ArcSwap<Snapshot>,
    revision: watch::Sender<u64>,
    sources: RwLock<Vec<SourceStatus>>,
    /// Problems of what descriptors claim of upstreams, by the entity's ref.
    claims: ArcSwap<Vec<ProblemRecord>>,
    /// Problems in API definitions, by file and line.
    definitions: ArcSwap<Vec<ProblemRecord>>,
    /// Where in their files references that lead to nothing were found.
    places: ArcSwap<Places>,
    /// The docs of its entities.
    library: Arc<Library>,
    /// Problems of docs, by the entity's ref.
    docs: ArcSwap<Vec<ProblemRecord>>,
    /// What leads to nothing, for the last state and places that somebody asked of.
    dangling: Mutex<Option<Dangling>>,
}

/// Line and column of references, by the entity that holds them and the field.
pub type Places = HashMap<(EntityRef, Arc<str>), Spot>;

/// Where a reference stands in the version of the descriptor that a change brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub version: u64,
    pub line: u32,
    pub column: u32,
}

#[derive(Debug)]
struct Dangling {
    revision: u64,
    places: Arc<Places>,
    problems: Arc<Vec<ProblemRecord>>,
}

/// So many references that lead to nothing are shown.
pub const MOST_DANGLING: usize = 10_000;

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
            definitions: ArcSwap::default(),
            places: ArcSwap::default(),
            library: Arc::default(),
            docs: ArcSwap::default(),
            dangling: Mutex::default(),
        }
    }

    /// With docs that are read below the folders of sources.
    #[must_use]
    pub(super) fn with_library(self, library: Library) -> Self {
        Self {
            library: Arc::new(library),
            ..self
        }
    }

    /// The docs of its entities; asking it reads files.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Problems of docs: known beside the snapshot, as they depend on files that are no descriptors.
    pub fn docs_problems(&self) -> Arc<Vec<ProblemRecord>> {
        self.docs.load_full()
    }

    /// Files of docs have changed: whoever follows the catalog looks again.
    pub fn docs_changed(&self) {
        self.revision.send_modify(|_| {});
    }

    /// In place of those before.
    pub fn set_docs_problems(&self, problems: Vec<ProblemRecord>) {
        self.docs.store(Arc::new(problems));
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

    /// What is wrong in API definitions: known a little after the snapshot, as they are read behind it.
    pub fn definitions(&self) -> Arc<Vec<ProblemRecord>> {
        self.definitions.load_full()
    }

    /// In place of those before.
    pub fn set_definitions(&self, problems: Vec<ProblemRecord>) {
        self.definitions.store(Arc::new(problems));
    }

    /// References that lead to nothing in `snapshot`, made at the first look at a state.
    pub fn dangling(&self, snapshot: &Snapshot) -> Arc<Vec<ProblemRecord>> {
        let (revision, places) = (snapshot.revision(), self.places.load_full());
        if let Some(known) = &*self.dangling.lock()
            && known.revision == revision
            && Arc::ptr_eq(&known.places, &places)
        {
            return Arc::clone(&known.problems);
        }
        let mut problems = snapshot.dangling(MOST_DANGLING);
        place(&mut problems, snapshot, &places);
        let problems = Arc::new(problems);
        *self.dangling.lock() = Some(Dangling {
            revision,
            places,
            problems: Arc::clone(&problems),
        });
        problems
    }

    /// The same of one entity.
    pub fn dangling_of(&self, snapshot: &Snapshot, ix: Ix) -> Vec<ProblemRecord> {
        let mut problems = snapshot.dangling_of(ix);
        if !problems.is_empty() {
            place(&mut problems, snapshot, &self.places.load());
        }
        problems
    }

    /// Where references that lead to nothing stand, as far as it is known.
    pub fn places(&self) -> Arc<Places> {
        self.places.load_full()
    }

    /// In place of those before.
    pub fn set_places(&self, places: Places) {
        self.places.store(Arc::new(places));
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

/// Says where each stands, if somebody found out for this version of its descriptor.
fn place(problems: &mut [ProblemRecord], snapshot: &Snapshot, places: &Places) {
    if places.is_empty() {
        return;
    }
    for problem in problems {
        let (Some(own), Some(field)) = (&problem.entity_ref, &problem.field) else {
            continue;
        };
        let version = snapshot.find(own.as_str()).map(|ix| snapshot.version(ix));
        let spot = places.get(&(own.clone(), Arc::clone(field)));
        if let Some(spot) = spot.filter(|spot| Some(spot.version) == version) {
            problem.line = Some(spot.line);
            problem.column = Some(spot.column);
        }
    }
}
