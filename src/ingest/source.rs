//! One configured source: what is known of its files, and one reading of it from scan to commit.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::catalog_state::{SourceState, SourceStatus};
use super::known::{Known, KnownFiles, Passed};
use super::place::Place;
use super::scan::{Outcome, Part, Scan, Scope};
use super::watch::Wake;
use super::{Ingest, Progress};
use crate::config::{Orphans, SourceConfig, SourceKind};
use crate::store::{Carry, ChangeSet, FileChange, Store, StoreError, StoredSource};
use crate::tasks;

/// A source and what is known of it.
#[derive(Debug)]
pub(super) struct Source {
    name: Arc<str>,
    path: PathBuf,
    written: Arc<str>,
    /// What its follower is told to look at.
    pub wake: Arc<Wake>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    known: Arc<KnownFiles>,
    /// Files of the folder that were no descriptors by the model of this fingerprint.
    passed: (Arc<str>, Arc<Passed>),
    /// Files with problems of the kind that every full reading finds anew.
    reported: HashSet<Arc<str>>,
    stored: StoredSource,
    /// Since the start, to the end.
    was_read: bool,
    /// Whether the log has the error in `stored`.
    was_said: bool,
    /// Whether `stored` is in the database as it is here.
    is_stored: bool,
}

/// What a reading looks at.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub scope: Scope,
    /// Paths that a watcher has named.
    pub touched: HashSet<PathBuf>,
}

/// What the follower needs to know after a reading.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub place: Option<Place>,
    /// Nothing could be read: look again soon.
    pub failing: bool,
    /// Files that would matter if they came.
    pub missing: Vec<PathBuf>,
}

impl Look {
    pub(super) fn everything() -> Self {
        Self {
            scope: Scope::All,
            touched: HashSet::new(),
        }
    }
}

impl Source {
    /// What the store knows of the source.
    pub(super) async fn open(
        store: &Store,
        position: u32,
        config: &SourceConfig,
        earlier: Option<StoredSource>,
    ) -> Result<Self, StoreError> {
        let SourceKind::File { path, written } = &config.kind;
        let mut known = KnownFiles::new();
        for (name, state) in store.files(&config.name).await? {
            if let Some(file) = Known::from_state(state) {
                known.insert(name.into(), file);
            }
        }
        let reported = store.link_files(&config.name).await?;
        let (before, is_stored) = match earlier {
            Some(stored) => {
                let same = stored.position == position && stored.target == *written;
                (Some(stored), same)
            }
            None => (None, false),
        };
        let stored = StoredSource {
            name: config.name.clone(),
            position,
            target: written.clone(),
            read_at: before.as_ref().and_then(|stored| stored.read_at),
            error: before.as_ref().and_then(|stored| stored.error.clone()),
            error_at: before.as_ref().and_then(|stored| stored.error_at),
        };
        // Its position decides between claims, so it is known before the first of them.
        if !is_stored {
            store.put_source(&stored).await?;
        }
        Ok(Self {
            name: config.name.as_str().into(),
            path: path.clone(),
            written: written.as_str().into(),
            wake: Arc::default(),
            state: Mutex::new(State {
                known: Arc::new(known),
                passed: (Arc::default(), Arc::default()),
                reported: reported.into_iter().map(Into::into).collect(),
                stored,
                was_read: false,
                was_said: false,
                is_stored: true,
            }),
        })
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// What is known of its files.
    pub(super) async fn known(&self) -> Arc<KnownFiles> {
        Arc::clone(&self.state.lock().await.known)
    }

    /// Before the first reading.
    pub(super) fn status(&self) -> SourceStatus {
        let stored = self.state.try_lock().ok();
        let stored = stored.as_ref().map(|state| &state.stored);
        SourceStatus {
            name: Arc::clone(&self.name),
            kind: "file",
            target: Arc::clone(&self.written),
            state: SourceState::Waiting,
            entities: 0,
            files: 0,
            problems: 0,
            last_read_at: stored.and_then(|stored| stored.read_at),
            last_error: stored.and_then(|stored| stored.error.as_deref().map(Into::into)),
            last_error_at: stored.and_then(|stored| stored.error_at),
        }
    }
}

impl Ingest {
    /// Reads a source, commits what changed, and shows it to queries.
    pub(super) async fn read_source(
        &self,
        source: &Source,
        look: &Look,
        cancel: &CancellationToken,
    ) -> Result<Seen, StoreError> {
        let mut state = source.state.lock().await;
        self.catalog
            .update_source(&source.name, |status| status.state = SourceState::Reading);
        let rows_before = self.totals().rows_written;
        let read = self.scan_and_commit(source, &mut state, look, cancel).await;
        let caught_up = self.catch_up().await;
        let error = match &read {
            Ok(outcome) => outcome.error.clone(),
            Err(error) => Some(error.to_string()),
        };
        let changed = self.totals().rows_written != rows_before;
        self.note(source, &mut state, error, changed).await;
        let outcome = read?;
        caught_up?;
        Ok(Seen {
            place: outcome.place,
            failing: outcome.error.is_some(),
            missing: outcome.missing,
        })
    }

    async fn scan_and_commit(
        &self,
        source: &Source,
        state: &mut State,
        look: &Look,
        cancel: &CancellationToken,
    ) -> Result<Outcome, StoreError> {
        self.progress.send_replace(Progress::default());
        let outcome = self.scan_once(source, state, look, cancel).await?;
        let in_part = matches!(look.scope, Scope::Files(_));
        if outcome.incomplete && in_part && !cancel.is_cancelled() {
            let look = Look {
                scope: Scope::All,
                touched: look.touched.clone(),
            };
            return self.scan_once(source, state, &look, cancel).await;
        }
        Ok(outcome)
    }

    async fn scan_once(
        &self,
        source: &Source,
        state: &mut State,
        look: &Look,
        cancel: &CancellationToken,
    ) -> Result<Outcome, StoreError> {
        let now = self.clock.now();
        // In the first round all sources are equal, whichever is read first.
        let first_seen = if state.was_read { now } else { self.started_at };
        let model = self.model.load_full();
        let passed = match state.passed.0 == model.fingerprint {
            true => Arc::clone(&state.passed.1),
            false => Arc::default(),
        };
        let fingerprint = Arc::clone(&model.fingerprint);
        let full = matches!(look.scope, Scope::All);
        let scan = Scan {
            passed,
            source: Arc::clone(&source.name),
            path: source.path.clone(),
            written: Arc::clone(&source.written),
            // The rules are those of the schema and of the program.
            fingerprint: format!("{} {}", env!("CARGO_PKG_VERSION"), model.fingerprint).into(),
            model,
            known: Arc::clone(&state.known),
            reported: state.reported.clone(),
            touched: look.touched.clone(),
            scope: look.scope.clone(),
            keep_orphans: self.options.orphans == Orphans::Keep,
            now,
            progress: self.progress.clone(),
            cancel: cancel.clone(),
        };
        let (send, mut parts) = mpsc::channel::<Part>(1);
        let scanning = tasks::blocking("reading a source", move || scan.run(&send));
        let mut carry = Carry::default();
        while let Some(part) = parts.recv().await {
            let links: Vec<_> = part
                .links
                .iter()
                .map(|(file, problems)| (Arc::clone(file), problems.is_empty()))
                .collect();
            let set = ChangeSet {
                source: Arc::clone(&source.name),
                actor: None,
                at: now,
                first_seen,
                files: part.files,
                links: part.links,
                last: part.last,
            };
            self.commit(set, &mut carry).await?;
            for (file, mended) in links {
                match mended {
                    true => state.reported.remove(&file),
                    false => state.reported.insert(file),
                };
            }
        }
        let mut outcome = match scanning.await {
            Ok(outcome) => outcome,
            Err(unfinished) => Outcome {
                error: Some(unfinished.to_string()),
                ..Outcome::default()
            },
        };
        if full && !outcome.incomplete {
            state.passed = (fingerprint, Arc::new(std::mem::take(&mut outcome.passed)));
        }
        self.count(|totals| {
            totals.files_read += outcome.files_read;
            totals.files_parsed += outcome.files_parsed;
        });
        if !outcome.incomplete {
            state.was_read = true;
            let known = Arc::make_mut(&mut state.known);
            for (name, file) in outcome.learned.drain(..) {
                match file {
                    Some(file) => known.insert(name, file),
                    None => known.remove(&name),
                };
            }
        }
        Ok(outcome)
    }

    /// Keeps how the reading went; what nobody needs to know after a restart is not written.
    async fn note(&self, source: &Source, state: &mut State, error: Option<String>, changed: bool) {
        let now = self.clock.now();
        // A source that cannot be watched is tried twice a second: what is known already is not said again.
        let known = state.was_said && error == state.stored.error;
        if let Some(error) = error.as_ref().filter(|_| !known) {
            tracing::warn!(source.name = %source.name, "source `{}` cannot be read: {error}", source.name);
        }
        if error.is_none() && state.was_said {
            tracing::info!(source.name = %source.name, "source `{}` is read again", source.name);
        }
        state.was_said = error.is_some();
        let is_news = changed || error != state.stored.error;
        state.stored.read_at = Some(now);
        if error.is_some() {
            state.stored.error_at = Some(now);
        }
        state.stored.error.clone_from(&error);
        state.is_stored &= !is_news;
        if !state.is_stored {
            match self.store.put_source(&state.stored).await {
                Ok(()) => state.is_stored = true,
                Err(error) => {
                    tracing::warn!(%error, hint = error.hint(), "the state of source `{}` cannot be kept", source.name);
                }
            }
        }
        let counts = match is_news {
            true => self.store.count(&source.name).await.ok(),
            false => None,
        };
        self.catalog.update_source(&source.name, |status| {
            status.state = match error {
                Some(_) => SourceState::Failing,
                None => SourceState::Ready,
            };
            status.last_read_at = Some(now);
            if let Some(error) = error {
                status.last_error = Some(error.into());
                status.last_error_at = Some(now);
            }
            if let Some(counts) = counts {
                status.files = counts.files;
                status.entities = counts.entities;
                status.problems = counts.problems;
            }
        });
    }
}

/// The change that takes away all that a source has brought.
pub(super) async fn farewell(
    store: &Store,
    name: &str,
    at: Timestamp,
) -> Result<ChangeSet, StoreError> {
    let gone = |file: String| FileChange {
        file: file.into(),
        state: None,
        documents: Vec::new(),
        failed: Vec::new(),
        problems: Vec::new(),
    };
    let files = store.files(name).await?;
    let links = store.link_files(name).await?;
    Ok(ChangeSet {
        source: name.into(),
        actor: None,
        at,
        first_seen: at,
        files: files.into_iter().map(|(file, _)| gone(file)).collect(),
        links: links
            .into_iter()
            .map(|file| (file.into(), Vec::new()))
            .collect(),
        last: true,
    })
}
