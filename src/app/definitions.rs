//! What is wrong in API definitions becomes problems of the catalog, at their files and lines.
//!
//! It stands beside the snapshot and is never stored: a definition is read behind the change that brought it, one after the other and kept nowhere, so neither a reading of sources nor a start waits for it or needs memory for it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::apis::{self, Place, PlacedText, Shelf, place};
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
        while !cancel.is_cancelled() {
            revisions.mark_unchanged();
            let snapshot = self.ingest.catalog().snapshot();
            self.look(&snapshot).await;
            self.show();
            if revisions.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Reads the definitions of what changed.
    async fn look(&mut self, snapshot: &Arc<Snapshot>) {
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
                let mut problems = Vec::new();
                for place in place::of_entity(snapshot, ix) {
                    problems.extend(self.read(snapshot, ix, place).await);
                }
                self.known.insert(entity_ref.into(), (version, problems));
            }
        }
        self.known
            .retain(|entity_ref, _| there.contains(&**entity_ref));
    }

    /// What is wrong in one definition.
    async fn read(&self, snapshot: &Arc<Snapshot>, ix: Ix, place: Place) -> Vec<ProblemRecord> {
        let text: Arc<str> = match &place.text {
            PlacedText::Here(text) => Arc::from(&**text),
            PlacedText::Stored(hash) => {
                let hash = hash.to_string();
                match self.ingest.store().texts(std::slice::from_ref(&hash)).await {
                    Ok(mut texts) => match texts.remove(&hash) {
                        Some(text) => text,
                        None => return Vec::new(),
                    },
                    Err(error) => {
                        tracing::warn!(%error, "a definition was not looked at: {error}");
                        return Vec::new();
                    }
                }
            }
        };
        let (shelf, snapshot, ingest) = (
            self.shelf.clone(),
            Arc::clone(snapshot),
            Arc::clone(&self.ingest),
        );
        let reading = tasks::blocking("looking at a definition", move || {
            let definition = shelf.read_now(&text, place.hint.as_deref());
            let told = definition.problems.iter();
            let told: Vec<_> = told.map(|problem| apis::told(problem, &text)).collect();
            problems(&ingest, &snapshot, ix, &place, &told)
        });
        reading.await.unwrap_or_else(|error| {
            tracing::error!(%error, "{error}; its problems are not shown");
            Vec::new()
        })
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
    found: &[Cow<'_, apis::Problem>],
) -> Vec<ProblemRecord> {
    let found = found
        .iter()
        .filter(|problem| problem.severity != Severity::Info);
    let found: Vec<&apis::Problem> = found.map(|problem| &**problem).collect();
    let Some(origin) = snapshot.origin(ix).filter(|_| !found.is_empty()) else {
        return Vec::new();
    };
    let file = ingest.text_of(&origin.source, &origin.file);
    let stands = file.zip(place.path.as_deref());
    let stands = stands.and_then(|(file, path)| catalog::text_place(&file, origin.line, path));
    let entity_ref = EntityRef::from_canonical(snapshot.entity_ref(ix));
    let records = found.into_iter().map(|problem| {
        let (file, at) = apis::placed(problem, &origin.file, origin.line, stands.as_ref());
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
