//! The search index follows the catalog: what changed is searchable within a second, and nothing is made twice.
//!
//! What the index has is compared with the catalog by versions, so it does not matter how it came to lack something: a first start, a killed process, a restored backup.
//! It is made behind everything else, while queries answer from what is there.

mod operations;
mod sections;
mod weight;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::graph::{Ix, Snapshot};
use crate::ingest::Catalog;
use crate::sdl::{ColumnId, ColumnSource, EngineValue, Model};
use crate::search::{Bundle, Document, Group, Search, SearchError, State, Text, Writing};
use crate::tasks::{Tasks, blocking};
pub use operations::Definitions;
use sections::Sections;

/// Changes come in rows; they become searchable together.
const GATHER: Duration = Duration::from_millis(100);
/// After the index could not be written.
const RETRY: Duration = Duration::from_secs(5);
/// Without anything to do for so long, what is left to put together is.
const IDLE: Duration = Duration::from_secs(2);
/// Documents after which what was made can be found, while much is made.
const FIRST_PART: u64 = 2_000;
const PART: u64 = 50_000;
/// Documents between two looks at whether the server ends.
const LOOK: u64 = 256;
/// What counts less, counts so much.
const DEMOTED: f32 = 0.5;

/// The index of a server, and the right to write it.
#[derive(Clone, Debug)]
pub(super) struct Indexing {
    pub(super) search: Search,
    /// One writer at a time: after a reload the next one waits for the one before.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Cancelled once the catalog serves.
    started: CancellationToken,
}

impl Indexing {
    pub(super) fn new(search: Search) -> Self {
        Self {
            search,
            turn: Arc::default(),
            started: CancellationToken::new(),
        }
    }

    /// The catalog serves: from now on there is time for the index.
    pub(super) fn start(&self) {
        self.started.cancel();
    }

    /// Follows `catalog` until the tasks end.
    pub(super) fn follow(&self, catalog: Arc<Catalog>, definitions: Definitions, tasks: &Tasks) {
        let own = self.clone();
        tasks.spawn("search index", |cancel| async move {
            let started = own.started.cancelled();
            if cancel.run_until_cancelled(started).await.is_none() {
                return;
            }
            let turn = own.turn.lock();
            if let Some(_turn) = cancel.run_until_cancelled(turn).await {
                own.keep_up(&catalog, &definitions, &cancel).await;
            }
        });
    }

    async fn keep_up(
        &self,
        catalog: &Catalog,
        definitions: &Definitions,
        cancel: &CancellationToken,
    ) {
        let mut revisions = catalog.revisions();
        let mut follower: Option<Follower> = None;
        let mut trouble = None;
        while !cancel.is_cancelled() {
            revisions.mark_unchanged();
            let (search, snapshot) = (self.search.clone(), catalog.snapshot());
            let (before, ends) = (follower.take(), cancel.clone());
            let definitions = definitions.clone();
            let sections = Sections(Arc::clone(catalog.library()));
            // It reads and writes files.
            let step = blocking("the search index", move || {
                let mut follower = match before {
                    Some(follower) => follower,
                    None => Follower::open(&search, snapshot.model(), definitions, sections)?,
                };
                follower.catch_up(&search, snapshot, &ends)?;
                Ok::<_, SearchError>(follower)
            });
            let pause = match step.await {
                Ok(Ok(done)) => {
                    follower = Some(done);
                    trouble = None;
                    GATHER
                }
                Ok(Err(error)) => {
                    self.fail(&error, &mut trouble);
                    RETRY
                }
                Err(panic) => {
                    tracing::error!(error = %panic, "the search index came to an early end, and is looked at again");
                    RETRY
                }
            };
            let wait = async {
                tokio::time::sleep(pause).await;
                if follower.is_none() {
                    return;
                }
                let idle = tokio::time::timeout(IDLE, async {
                    // Whoever publishes is gone: nothing will change.
                    if revisions.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                });
                let suspected = self.search.suspected();
                tokio::select! {
                    changed = idle => if changed.is_err() {
                        follower = settle(follower.take()).await;
                        tokio::select! {
                            changed = revisions.changed() => if changed.is_err() {
                                std::future::pending::<()>().await;
                            },
                            () = self.search.suspected() => follower = None,
                        }
                    },
                    () = suspected => follower = None,
                }
            };
            if cancel.run_until_cancelled(wait).await.is_none() {
                return;
            }
        }
    }

    /// Says it once for as long as it is the same `trouble`.
    fn fail(&self, error: &SearchError, trouble: &mut Option<String>) {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        if trouble.as_ref() != Some(&text) {
            tracing::error!(
                error = %text,
                "the search index cannot be written, and queries answer from what is there; it is tried again: {text}"
            );
            *trouble = Some(text);
        }
        self.search.tell(|progress| {
            progress.state = State::Failed;
            progress.trouble = Some(error.to_string().into());
        });
    }
}

/// Makes the index of `catalog` once and as a whole; on a thread that may wait.
pub fn index_once(
    search: &Search,
    catalog: &Catalog,
    definitions: Definitions,
) -> Result<(), SearchError> {
    let snapshot = catalog.snapshot();
    let sections = Sections(Arc::clone(catalog.library()));
    let mut follower = Follower::open(search, snapshot.model(), definitions, sections)?;
    follower.catch_up(search, snapshot, &CancellationToken::new())
}

/// Puts the parts of the index together while nothing happens.
async fn settle(follower: Option<Follower>) -> Option<Follower> {
    let mut follower = follower?;
    let settled = blocking("putting the search index together", move || {
        follower.writing.settle()?;
        Ok::<_, SearchError>(follower)
    });
    match settled.await {
        Ok(Ok(follower)) => Some(follower),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the parts of the search index could not be put together: {error}");
            None
        }
        Err(panic) => {
            tracing::warn!(error = %panic, "the parts of the search index could not be put together");
            None
        }
    }
}

/// What the index knows of the catalog.
struct Follower {
    writing: Writing,
    texts: Texts,
    definitions: Definitions,
    sections: Sections,
    /// The state that is in the index; `None` before the first.
    before: Option<Arc<Snapshot>>,
}

impl Follower {
    fn open(
        search: &Search,
        model: &Model,
        definitions: Definitions,
        sections: Sections,
    ) -> Result<Self, SearchError> {
        let texts = Texts::of(model);
        Ok(Self {
            writing: Writing::open(search, &texts.signature, &texts.weights)?,
            texts,
            definitions,
            sections,
            before: None,
        })
    }

    /// Brings everything of `snapshot` into the index that is not in it.
    fn catch_up(
        &mut self,
        search: &Search,
        snapshot: Arc<Snapshot>,
        ends: &CancellationToken,
    ) -> Result<(), SearchError> {
        let before = self.before.take();
        let same = before.filter(|before| before.lineage() == snapshot.lineage());
        let (changed, gone): (Vec<Ix>, Vec<String>) = match &same {
            Some(before) => {
                let changed = snapshot.changed_since(before);
                let gone = changed.iter().filter(|ix| before.exists(**ix));
                let gone = gone.map(|ix| before.id(*ix));
                let gone = gone.filter(|id| snapshot.find_id(id).is_none());
                let gone = gone.map(str::to_owned).collect();
                (
                    changed
                        .into_iter()
                        .filter(|ix| snapshot.exists(*ix))
                        .collect(),
                    gone,
                )
            }
            None => {
                self.writing.begin_lineage(snapshot.lineage());
                (snapshot.all().iter().map(Ix).collect(), Vec::new())
            }
        };
        for id in gone {
            self.writing.remove(&id)?;
        }
        let with_definitions = match &same {
            Some(_) => changed.clone(),
            None => Definitions::all(&snapshot),
        };
        let mut missing = Vec::new();
        let all = changed.clone();
        for ix in changed {
            let id = snapshot.id(ix);
            let version = self.texts.version(&snapshot, ix);
            self.writing.place(id, ix.0);
            if !self.writing.holds(id, Group::Entities, version) {
                missing.push((ix, version));
            }
        }
        self.make(search, &snapshot, &missing, same.is_none(), ends)?;
        if ends.is_cancelled() {
            return Ok(());
        }
        if same.is_none() {
            self.writing.remove_others()?;
        }
        self.make_operations(&snapshot, &with_definitions, ends)?;
        if ends.is_cancelled() {
            return Ok(());
        }
        self.make_sections(&snapshot, &all, ends)?;
        if ends.is_cancelled() {
            return Ok(());
        }
        self.writing.commit(Some(snapshot.revision()))?;
        search.tell(|progress| {
            progress.state = State::Ready;
            progress.trouble = None;
            progress.done = progress.expected;
            progress.revision = snapshot.revision();
        });
        self.before = Some(snapshot);
        Ok(())
    }

    /// What is in the definitions of entities; these can be found before it.
    fn make_operations(
        &mut self,
        snapshot: &Snapshot,
        entities: &[Ix],
        ends: &CancellationToken,
    ) -> Result<(), SearchError> {
        let handle = Handle::current();
        let mut first = true;
        for ix in entities {
            let id = snapshot.id(*ix);
            let version = self.texts.version(snapshot, *ix);
            if ends.is_cancelled() || self.writing.holds(id, Group::Operations, version) {
                continue;
            }
            // Entities of other kinds are among them, and have had some if they were of this one before.
            let (version, documents) = if Definitions::may_have(snapshot, *ix) {
                match self.definitions.documents(snapshot, *ix, &handle) {
                    Some(documents) => (version, documents),
                    None => continue,
                }
            } else if self.writing.has(id, Group::Operations) {
                (0, Vec::new())
            } else {
                continue;
            };
            if std::mem::take(&mut first) {
                self.writing.commit(None)?;
            }
            self.writing.put(&Bundle {
                entity: id.into(),
                group: Group::Operations,
                version,
                documents,
            })?;
        }
        self.definitions.settle(&handle);
        Ok(())
    }

    /// What is in docs: of all that have some, because their files change without the catalog; `changed` may have had some.
    fn make_sections(
        &mut self,
        snapshot: &Snapshot,
        changed: &[Ix],
        ends: &CancellationToken,
    ) -> Result<(), SearchError> {
        let named = self.sections.named(snapshot);
        let had = changed.iter().copied();
        let had = had.filter(|ix| self.writing.has(snapshot.id(*ix), Group::Docs));
        let mut all: Vec<Ix> = named.into_iter().chain(had).collect();
        all.sort_unstable_by_key(|ix| ix.0);
        all.dedup();
        let mut first = true;
        for ix in &all {
            let id = snapshot.id(*ix);
            let version = self.sections.version(snapshot, *ix);
            let is_there = match version {
                Some(version) => self.writing.holds(id, Group::Docs, version),
                None => !self.writing.has(id, Group::Docs),
            };
            if ends.is_cancelled() || is_there {
                continue;
            }
            if std::mem::take(&mut first) {
                self.writing.commit(None)?;
            }
            self.writing.put(&Bundle {
                entity: id.into(),
                group: Group::Docs,
                version: version.unwrap_or_default(),
                documents: version
                    .map_or_else(Vec::new, |_| self.sections.documents(snapshot, *ix)),
            })?;
        }
        Ok(())
    }

    fn make(
        &mut self,
        search: &Search,
        snapshot: &Snapshot,
        missing: &[(Ix, u64)],
        first: bool,
        ends: &CancellationToken,
    ) -> Result<(), SearchError> {
        self.writing.expect(missing.len());
        let many = missing.len() as u64 > FIRST_PART;
        if many {
            tracing::info!("the search index is being made: {} entities", missing.len());
        }
        if first || many {
            search.tell(|progress| {
                progress.state = State::Building;
                progress.done = 0;
                progress.expected = missing.len() as u64;
            });
        }
        let mut next = FIRST_PART;
        for (done, (ix, version)) in (1_u64..).zip(missing) {
            if done.is_multiple_of(LOOK) {
                if ends.is_cancelled() {
                    return Ok(());
                }
                search.tell(|progress| progress.done = done);
            }
            self.writing.put(&Bundle {
                entity: snapshot.id(*ix).into(),
                group: Group::Entities,
                version: *version,
                documents: vec![self.texts.document(snapshot, *ix)],
            })?;
            if done == next {
                // Until all of it is there, it counts as of no revision.
                self.writing.commit(None)?;
                next += PART;
            }
        }
        if many {
            tracing::info!("the search index is made");
        }
        Ok(())
    }
}

/// What of entities can be found, by their Model.
struct Texts {
    /// By kind, the last those of undeclared kinds: columns with their weights.
    columns: Vec<Vec<(ColumnId, f32)>>,
    updated: Vec<Option<ColumnId>>,
    weights: Vec<f32>,
    signature: String,
}

impl Texts {
    fn of(model: &Model) -> Self {
        let mut texts = Self {
            columns: Vec::new(),
            updated: Vec::new(),
            weights: Vec::new(),
            signature: String::new(),
        };
        let kinds = model.kinds.iter().map(|kind| (&*kind.kind, &kind.columns));
        for (kind, columns) in kinds.chain([("", &model.generic_columns)]) {
            texts.signature.push_str(kind);
            let mut own = Vec::new();
            for (id, source) in columns {
                let column = model.column(*id);
                if let Some(search) = &column.search {
                    own.push((*id, search.weight));
                    texts.weights.push(search.weight);
                    let at = match source {
                        ColumnSource::Value(binding) => format!("{binding:?}"),
                        ColumnSource::Engine(value) => format!("{value:?}"),
                    };
                    let rule = format!(
                        "|{} {} {:?} {at}",
                        column.name, search.weight, search.demote
                    );
                    texts.signature.push_str(&rule);
                }
            }
            let updated = columns
                .iter()
                .find(|(_, source)| matches!(source, ColumnSource::Engine(EngineValue::UpdatedAt)));
            texts.updated.push(updated.map(|(id, _)| *id));
            texts.columns.push(own);
        }
        texts.weights.extend(weight::ALL);
        texts.signature = crate::search::fingerprint(&texts.signature);
        texts
    }

    fn kind(&self, snapshot: &Snapshot, ix: Ix) -> usize {
        let last = self.columns.len().saturating_sub(1);
        snapshot.kind(ix).map_or(last, |kind| usize::from(kind.0))
    }

    /// Another one means another descriptor: revisions alone begin again with another database.
    fn version(&self, snapshot: &Snapshot, ix: Ix) -> u64 {
        let mut updated = Vec::new();
        if let Some(column) = self.updated[self.kind(snapshot, ix)] {
            snapshot.write_column(ix, column, &mut updated);
        }
        let text = String::from_utf8_lossy(&updated);
        crate::search::version_of(&text, snapshot.version(ix))
    }

    fn document(&self, snapshot: &Snapshot, ix: Ix) -> Document {
        let model = snapshot.model();
        let entity_ref = snapshot.entity_ref(ix);
        let name = entity_ref
            .rsplit_once('/')
            .map_or(entity_ref, |(_, name)| name);
        let mut document = Document {
            id: snapshot.id(ix).into(),
            name: name.into(),
            title: None,
            texts: Vec::new(),
            rank: 1.0,
            node: None,
        };
        let label = snapshot.label(ix);
        if !label.eq_ignore_ascii_case(name) {
            document.title = Some(label.into());
        }
        for (id, weight) in &self.columns[self.kind(snapshot, ix)] {
            let column = model.column(*id);
            let mut add = |text: &str| {
                // A text that is kept elsewhere is too large to be what something is called.
                if text.is_empty() || crate::graph::marked_text(text).is_some() {
                    return;
                }
                let demote = column.search.iter().flat_map(|search| &search.demote);
                if demote.clone().any(|word| word.eq_ignore_ascii_case(text)) {
                    document.rank = DEMOTED;
                }
                document.texts.push(Text {
                    field: Arc::clone(&column.name),
                    weight: *weight,
                    text: text.to_owned(),
                });
            };
            match snapshot.column(ix, *id) {
                Value::String(text) => add(&text),
                Value::Array(items) => items.iter().filter_map(Value::as_str).for_each(add),
                _ => {}
            }
        }
        document
    }
}
