//! Descriptors into the store and on into the snapshot.
//!
//! Every change goes the same way: files are read, judged by `catalog`, compared with what the store holds, committed in one transaction, and applied to the snapshot.
//! At a start the stored state is served at once; then each source is read, and followed.
//!
//! What is not here: what a document means (`catalog`), who speaks for a ref (`store`), how the snapshot is built (`graph`).

mod catalog_state;
mod cycle;
mod follow;
mod guess;
mod known;
mod links;
mod place;
mod publish;
mod scan;
mod source;
mod stamp;
mod walk;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

pub use catalog_state::{Catalog, MOST_DANGLING, Places, SourceState, SourceStatus, Spot};
pub(crate) use cycle::closing;
pub(crate) use guess::Groups;
pub(crate) use links::Includes;
pub(crate) use links::unread_type;
pub(crate) use place::{EMPTY_HINT, Led, Place, Refusal, Selection, is_glob};
pub use publish::load;
pub(crate) use walk::Walk;

use crate::clock::Clock;
use crate::config::{CatalogConfig, Orphans, SourceConfig};
use crate::docs::{Library, Shelf};
use crate::sdl::Model;
use crate::store::{Store, StoreError, StoredSource};
use source::Source;

/// Every code that reading sources adds to those of `catalog`, with what it means, sorted.
pub const CODES: &[(&str, &str)] = &[
    (
        "duplicate-ref",
        "two documents describe one entity: the first seen is served",
    ),
    (
        "file-too-large",
        "the file is larger than the limit, and is not read",
    ),
    ("location-cycle", "a target leads back to its own file"),
    (
        "location-depth",
        "a target is too many steps away from the source's own files",
    ),
    ("location-target", "a target cannot be followed"),
    ("location-type", "targets of this type are not read"),
    (
        "no-file",
        "what should be a file is a folder, a pipe or a device",
    ),
    (
        "outside-root",
        "a target or a link leads out of the folder that is read",
    ),
    ("source-empty", "the source finds no descriptor"),
    ("source-path", "the path of the source cannot be read"),
    ("unreadable-file", "a file or folder cannot be read"),
];

/// How ingestion goes about its work.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// What becomes of entities whose file is gone, or whose source is no longer configured.
    pub orphans: Orphans,
    /// Watchers lose events: after this time everything is looked at again.
    pub rescan: Duration,
    /// How long changes are kept.
    pub retention: Duration,
    /// How long the audit of actions is kept.
    pub audit: Duration,
    /// Whether to look at everything twice a second in place of being told; for file systems that tell nothing.
    pub poll: bool,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            orphans: Orphans::Delete,
            rescan: Duration::from_secs(5 * 60),
            retention: Duration::from_secs(90 * 24 * 60 * 60),
            audit: Duration::from_secs(365 * 24 * 60 * 60),
            poll: false,
        }
    }
}

impl From<&CatalogConfig> for IngestOptions {
    fn from(config: &CatalogConfig) -> Self {
        Self {
            orphans: config.orphans,
            rescan: config.rescan,
            retention: config.history,
            audit: config.audit,
            poll: false,
        }
    }
}

/// How far a long reading has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub files: u64,
    /// Known so far: locations lead to more.
    pub files_total: u64,
    /// Entities read, of files that had changed.
    pub entities: u64,
}

/// What ingestion has done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files whose contents were read.
    pub files_read: u64,
    /// Files that were parsed, because their contents had changed.
    pub files_parsed: u64,
    pub commits: u64,
    /// Rows written to the database, of all tables.
    pub rows_written: u64,
    pub created: u64,
    pub updated: u64,
    pub renamed: u64,
    pub removed: u64,
}

/// The way of descriptors into the catalog; shared by all tasks that follow sources.
#[derive(Debug)]
pub struct Ingest {
    store: Store,
    catalog: Arc<Catalog>,
    model: ArcSwap<Model>,
    clock: Clock,
    options: IngestOptions,
    sources: Vec<Source>,
    /// The time of claims that the first round finds: all sources are equal in it, whichever is read first.
    started_at: Timestamp,
    /// One commit at a time reaches the snapshot, in the order of revisions.
    turn: tokio::sync::Mutex<Turn>,
    progress: tokio::sync::watch::Sender<Progress>,
    totals: Mutex<Totals>,
}

/// The paths of sources, by which docs find their files.
#[derive(Debug)]
struct Roots(Vec<(Arc<str>, PathBuf)>);

impl Shelf for Roots {
    fn root(&self, source: &str) -> Option<PathBuf> {
        let (_, path) = self.0.iter().find(|(name, _)| **name == *source)?;
        Some(place::Place::look(path, "", None).ok()?.root)
    }
}

/// What the holder of the turn needs to know.
#[derive(Debug, Default)]
struct Turn {
    /// Something large was committed that the snapshot does not have yet.
    behind: bool,
}

impl Ingest {
    /// Serves what `store` holds, and knows the sources, but reads none of them yet.
    pub async fn open(
        store: Store,
        model: Arc<Model>,
        sources: &[SourceConfig],
        options: IngestOptions,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let stored = store.sources().await?;
        let mut statuses = Vec::with_capacity(sources.len());
        let mut opened = Vec::with_capacity(sources.len());
        for (position, config) in (0..).zip(sources) {
            let earlier = stored.iter().find(|stored| stored.name == config.name);
            let source = Source::open(&store, position, config, earlier.cloned()).await?;
            let mut status = source.status();
            let counts = store.count(&config.name).await?;
            (status.files, status.entities, status.problems) =
                (counts.files, counts.entities, counts.problems);
            statuses.push(status);
            opened.push(source);
        }
        let snapshot = load(&store, Arc::clone(&model)).await?;
        let folders = opened
            .iter()
            .map(|source| (Arc::clone(source.name()), source.path().clone()));
        let roots = Roots(folders.collect());
        let catalog = Catalog::new(snapshot).with_library(Library::new(Arc::new(roots)));
        catalog.set_sources(statuses);
        let ingest = Self {
            catalog: Arc::new(catalog),
            model: ArcSwap::new(model),
            started_at: clock.now(),
            clock,
            options,
            sources: opened,
            turn: tokio::sync::Mutex::default(),
            progress: tokio::sync::watch::Sender::default(),
            totals: Mutex::default(),
            store,
        };
        ingest.forget_unconfigured(&stored).await?;
        Ok(ingest)
    }

    /// The text of a file of a source as it is now; `None` if it is gone, or too large to be a descriptor.
    pub fn text_of(&self, source: &str, file: &str) -> Option<String> {
        let source = self
            .sources
            .iter()
            .find(|known| **known.name() == *source)?;
        let place = place::Place::look(source.path(), "", None).ok()?;
        let path = place.root.join(file);
        let is_small =
            std::fs::metadata(&path).ok()?.len() <= crate::catalog::MAX_FILE_BYTES as u64;
        is_small.then(|| std::fs::read_to_string(&path).ok())?
    }

    /// What requests read.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How far the reading that is going on has come.
    pub fn progress(&self) -> tokio::sync::watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// What was done since the start.
    pub fn totals(&self) -> Totals {
        *self.totals.lock()
    }

    /// Reads every source once, in configured order.
    ///
    /// A source that cannot be read says so in its status; only the database can make this fail.
    pub async fn read_all(&self, cancel: &CancellationToken) -> Result<(), StoreError> {
        for source in &self.sources {
            self.read_source(source, &source::Look::everything(), cancel)
                .await?;
        }
        Ok(())
    }

    /// Serves the same entities by another model, and has all sources judge their files by it.
    pub async fn rebuild(&self, model: Arc<Model>) -> Result<(), StoreError> {
        {
            let mut turn = self.turn.lock().await;
            let snapshot = load(&self.store, Arc::clone(&model)).await?;
            self.model.store(model);
            self.catalog.publish(snapshot);
            turn.behind = false;
        }
        for source in &self.sources {
            source.wake.everything();
        }
        Ok(())
    }

    /// Sources that the configuration no longer has take their documents along.
    async fn forget_unconfigured(&self, stored: &[StoredSource]) -> Result<(), StoreError> {
        if self.options.orphans == Orphans::Keep {
            return Ok(());
        }
        let configured = |name: &str| self.sources.iter().any(|source| **source.name() == *name);
        for gone in stored.iter().filter(|stored| !configured(&stored.name)) {
            let set = source::farewell(&self.store, &gone.name, self.clock.now()).await?;
            self.commit(set, &mut crate::store::Carry::default())
                .await?;
            self.store.forget_source(&gone.name).await?;
        }
        Ok(())
    }

    fn count(&self, add: impl FnOnce(&mut Totals)) {
        add(&mut self.totals.lock());
    }
}
