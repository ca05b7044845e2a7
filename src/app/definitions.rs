//! What is wrong in API definitions becomes problems of the catalog, at their files and lines.
//!
//! It stands beside the snapshot and is never stored: definitions are looked at behind the change that brought them, one after the other, so neither a reading of sources nor a start waits for it or needs memory for it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::files::{self, Files};
use crate::apis::{self, PlacedText, Problem, Shelf, Unread, place};
use crate::catalog::EntityRef;
use crate::diagnostic::Severity;
use crate::graph::{Ix, ProblemRecord, Snapshot};
use crate::ingest::Ingest;
use crate::tasks::{self, Tasks};

/// Changes come in rows; they are looked at together.
const GATHER: Duration = Duration::from_millis(200);

/// So many are shown.
const MOST: usize = 10_000;

/// Looks at what there is, and again after each change, until the tasks end.
pub(super) fn follow(ingest: Arc<Ingest>, shelf: Shelf, tasks: &Tasks) {
    tasks.spawn("problems of definitions", |cancel| async move {
        let mut follower = Follower {
            ingest,
            shelf,
            known: HashMap::new(),
        };
        let following = follower.follow(&cancel);
        cancel.clone().run_until_cancelled(following).await;
    });
}

/// What is wrong in one definition.
struct Wrong {
    /// Where the definition stands in the descriptor.
    path: Option<Box<str>>,
    problems: Vec<Problem>,
}

struct Follower {
    ingest: Arc<Ingest>,
    shelf: Shelf,
    /// By entity: the version of its descriptor, and what is wrong in its definitions.
    known: HashMap<Box<str>, (u64, Vec<ProblemRecord>)>,
}

impl Follower {
    async fn follow(&mut self, cancel: &CancellationToken) {
        let mut revisions = self.ingest.catalog().revisions();
        let mut first = true;
        while !cancel.is_cancelled() {
            revisions.mark_unchanged();
            let snapshot = self.ingest.catalog().snapshot();
            let used = self.look(&snapshot).await;
            self.show();
            self.shelf.settle().await;
            if std::mem::take(&mut first) {
                self.shelf.forget(&used).await;
            }
            if revisions.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Reads the definitions of what changed; the keys of those that are in descriptors themselves.
    async fn look(&mut self, snapshot: &Arc<Snapshot>) -> HashSet<Box<str>> {
        let mut used = HashSet::new();
        let mut there: HashSet<&str> = HashSet::new();
        let mut read = Vec::new();
        for kind in place::kinds(snapshot.model()) {
            for ix in snapshot.of_kind(Some(kind)).iter().map(Ix) {
                let entity_ref = snapshot.entity_ref(ix);
                there.insert(entity_ref);
                let version = snapshot.version(ix);
                let known = self.known.get(entity_ref);
                if known.is_some_and(|(known, _)| *known == version) {
                    continue;
                }
                if let Some(wrong) = self.read(snapshot, ix, &mut used).await {
                    self.known.remove(entity_ref);
                    read.push((ix, wrong));
                }
                // What could not be looked at is looked at again with the next change.
            }
        }
        let (at, ingest) = (Arc::clone(snapshot), Arc::clone(&self.ingest));
        // The files that the descriptors are in are read for their lines.
        let placing = tasks::blocking("placing problems of definitions", move || {
            placed(&ingest, &at, read)
        });
        match placing.await {
            Ok(placed) => self.known.extend(placed),
            Err(error) => tracing::error!(%error, "{error}; problems of definitions are not shown"),
        }
        self.known
            .retain(|entity_ref, _| there.contains(&**entity_ref));
        used
    }

    /// What is wrong in the definitions of an entity; `None` where one cannot be had.
    async fn read(
        &self,
        snapshot: &Arc<Snapshot>,
        ix: Ix,
        used: &mut HashSet<Box<str>>,
    ) -> Option<Vec<Wrong>> {
        let mut wrong = Vec::new();
        for place in place::of_entity(snapshot, ix) {
            if matches!(place.text, PlacedText::Here(_)) {
                used.insert(place.key().hash);
            }
            let definition = match self.shelf.look(&place).await {
                Ok(definition) => definition,
                // The next change is there already.
                Err(Unread::Gone | Unread::Ends) => return None,
                Err(Unread::Store(error)) => {
                    tracing::warn!(%error, "a definition was not looked at: {error}");
                    return None;
                }
            };
            let told = apis::told(&definition);
            let told = told.filter(|problem| problem.severity != Severity::Info);
            let problems: Vec<Problem> = told.map(Cow::into_owned).collect();
            if !problems.is_empty() {
                wrong.push(Wrong {
                    path: place.path,
                    problems,
                });
            }
        }
        Some(wrong)
    }

    fn show(&self) {
        let mut all: Vec<ProblemRecord> = self
            .known
            .values()
            .flat_map(|(_, problems)| problems.iter().cloned())
            .collect();
        all.sort_by(|one, other| {
            (&one.source, &one.file, one.line).cmp(&(&other.source, &other.file, other.line))
        });
        all.truncate(MOST);
        self.ingest.catalog().set_definitions(all);
    }
}

/// By entity, the version of its descriptor and what is wrong, at the lines where it stands.
fn placed(
    ingest: &Ingest,
    snapshot: &Snapshot,
    mut read: Vec<(Ix, Vec<Wrong>)>,
) -> HashMap<Box<str>, (u64, Vec<ProblemRecord>)> {
    read.sort_by_cached_key(|(ix, _)| snapshot.origin(*ix).map(|origin| files::name(&origin)));
    let mut files = Files::of(ingest);
    let placed = read.into_iter().map(|(ix, wrong)| {
        let records = wrong
            .iter()
            .flat_map(|wrong| records(&mut files, snapshot, ix, wrong));
        let own = (snapshot.version(ix), records.collect());
        (snapshot.entity_ref(ix).into(), own)
    });
    placed.collect()
}

fn records(
    files: &mut Files<'_>,
    snapshot: &Snapshot,
    ix: Ix,
    wrong: &Wrong,
) -> Vec<ProblemRecord> {
    let Some(origin) = snapshot.origin(ix) else {
        return Vec::new();
    };
    let path = wrong.path.as_deref();
    let stands = path.and_then(|path| files.text(&origin).place(origin.line, path));
    let entity_ref = EntityRef::from_canonical(snapshot.entity_ref(ix));
    let records = wrong.problems.iter().map(|problem| {
        let (file, at) = apis::placed(problem, &origin.file, origin.line, stands.as_ref());
        ProblemRecord {
            severity: problem.severity,
            code: problem.code.into(),
            message: problem.message.as_str().into(),
            hint: problem.hint.as_deref().map(Into::into),
            field: path.map(Into::into),
            source: Arc::clone(&origin.source),
            file: file.into(),
            line: Some(at.line),
            column: Some(at.column),
            entity_ref: Some(entity_ref.clone()),
            seen_at: snapshot.updated_at(ix),
        }
    });
    records.collect()
}
