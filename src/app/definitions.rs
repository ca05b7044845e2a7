//! What is wrong in API definitions becomes problems of the catalog, at their files and lines.
//!
//! It stands beside the snapshot and is never stored: definitions are looked at behind the change that brought them, one after the other, so neither a reading of sources nor a start waits for it or needs memory for it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::apis::{self, Definition, Place, PlacedText, Shelf, Unread, place};
use crate::catalog::{self, EntityRef};
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
        for kind in place::kinds(snapshot.model()) {
            for ix in snapshot.of_kind(Some(kind)).iter().map(Ix) {
                let entity_ref = snapshot.entity_ref(ix);
                there.insert(entity_ref);
                let version = snapshot.version(ix);
                let known = self.known.get(entity_ref);
                if known.is_some_and(|(known, _)| *known == version) {
                    continue;
                }
                let mut problems = Some(Vec::new());
                for place in place::of_entity(snapshot, ix) {
                    if matches!(place.text, PlacedText::Here(_)) {
                        used.insert(place.key().hash);
                    }
                    let own = self.read(snapshot, ix, place).await;
                    problems = problems.zip(own).map(|(all, own)| [all, own].concat());
                }
                // What could not be looked at is looked at again with the next change.
                if let Some(problems) = problems {
                    self.known.insert(entity_ref.into(), (version, problems));
                }
            }
        }
        self.known
            .retain(|entity_ref, _| there.contains(&**entity_ref));
        used
    }

    /// What is wrong in one definition; `None` where it cannot be had.
    async fn read(
        &self,
        snapshot: &Arc<Snapshot>,
        ix: Ix,
        place: Place,
    ) -> Option<Vec<ProblemRecord>> {
        let definition = match self.shelf.look(&place).await {
            Ok(definition) => definition,
            // The next change is there already.
            Err(Unread::Gone | Unread::Ends) => return None,
            Err(Unread::Store(error)) => {
                tracing::warn!(%error, "a definition was not looked at: {error}");
                return None;
            }
        };
        let is_told = |problem: &apis::Problem| problem.severity != Severity::Info;
        if !definition.problems.iter().any(is_told) {
            return Some(Vec::new());
        }
        let (snapshot, ingest) = (Arc::clone(snapshot), Arc::clone(&self.ingest));
        // The file that the descriptor is in is read for its lines.
        let reading = tasks::blocking("looking at a definition", move || {
            problems(&ingest, &snapshot, ix, &place, &definition)
        });
        Some(reading.await.unwrap_or_else(|error| {
            tracing::error!(%error, "{error}; its problems are not shown");
            Vec::new()
        }))
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

fn problems(
    ingest: &Ingest,
    snapshot: &Snapshot,
    ix: Ix,
    place: &Place,
    definition: &Definition,
) -> Vec<ProblemRecord> {
    let found = apis::told(definition).filter(|problem| problem.severity != Severity::Info);
    let Some(origin) = snapshot.origin(ix) else {
        return Vec::new();
    };
    let file = ingest.text_of(&origin.source, &origin.file);
    let stands = file.zip(place.path.as_deref());
    let stands = stands.and_then(|(file, path)| catalog::text_place(&file, origin.line, path));
    let entity_ref = EntityRef::from_canonical(snapshot.entity_ref(ix));
    let records = found.map(|problem| {
        let (file, at) = apis::placed(&problem, &origin.file, origin.line, stands.as_ref());
        ProblemRecord {
            severity: problem.severity,
            code: problem.code.into(),
            message: problem.message.as_str().into(),
            hint: problem.hint.as_deref().map(Into::into),
            field: place.path.as_deref().map(Into::into),
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
