//! Annotations that lead nowhere become problems at their file and line.
//!
//! The runtime says what is wrong with the claims of descriptors, ingest knows their files; this brings both together, behind every change of the catalog and whenever an upstream did not know something.
//! It stands beside the snapshot and not in it: it depends on the configuration and on upstreams, and is never stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::files::Files;
use crate::catalog::{EntityRef, FileText};
use crate::connect::{Claimed, Runtime};
use crate::diagnostic::Severity;
use crate::graph::{Origin, ProblemRecord, Snapshot};
use crate::ingest::Ingest;
use crate::tasks::{self, Tasks};

/// Changes come in rows; they are looked at together.
const GATHER: Duration = Duration::from_millis(200);

/// So many are shown.
const MOST: usize = 10_000;

/// Looks at what there is, and again after each change, until the tasks end.
pub(super) fn follow(runtime: Runtime, ingest: Arc<Ingest>, tasks: &Tasks) {
    tasks.spawn("claims of annotations", |cancel| async move {
        let mut follower = Follower {
            runtime,
            ingest,
            judged: None,
            standing: BTreeMap::new(),
        };
        cancel
            .clone()
            .run_until_cancelled(follower.follow(&cancel))
            .await;
    });
}

struct Follower {
    runtime: Runtime,
    ingest: Arc<Ingest>,
    /// The revision up to which everything was looked at.
    judged: Option<u64>,
    /// What can be said without asking, by entity.
    standing: BTreeMap<Box<str>, Vec<Claimed>>,
}

impl Follower {
    async fn follow(&mut self, cancel: &CancellationToken) {
        let news = self.runtime.news();
        let mut revisions = self.ingest.catalog().revisions();
        while !cancel.is_cancelled() {
            revisions.mark_unchanged();
            let snapshot = self.ingest.catalog().snapshot();
            self.judge(&snapshot).await;
            self.show(snapshot).await;
            tokio::select! {
                changed = revisions.changed() => if changed.is_err() { return },
                () = news.notified() => {}
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    async fn judge(&mut self, snapshot: &Arc<Snapshot>) {
        if self.judged == Some(snapshot.revision()) {
            return;
        }
        let (runtime, at, since) = (self.runtime.clone(), Arc::clone(snapshot), self.judged);
        let judging = tasks::blocking("judging claims", move || runtime.claims(&at, since));
        let found = match judging.await {
            Ok(found) => found,
            Err(error) => {
                return tracing::error!(%error, "{error}; what was known of claims is still shown");
            }
        };
        self.standing.retain(|entity_ref, claims| {
            let ix = snapshot.find(entity_ref);
            let version = ix.map(|ix| snapshot.version(ix));
            claims
                .first()
                .is_some_and(|claim| Some(claim.version) == version)
        });
        for claimed in found {
            let own = self.standing.entry(claimed.entity_ref.clone()).or_default();
            own.push(claimed);
        }
        self.judged = Some(snapshot.revision());
    }

    async fn show(&self, snapshot: Arc<Snapshot>) {
        let standing = self.standing.values().flatten().cloned();
        let missing = self.runtime.missing(&snapshot);
        let all: Vec<Claimed> = standing.chain(missing).take(MOST).collect();
        let ingest = Arc::clone(&self.ingest);
        let placing = tasks::blocking("placing claims", move || placed(&ingest, &snapshot, all));
        match placing.await {
            Ok(problems) => self.ingest.catalog().set_claims(problems),
            Err(error) => {
                tracing::error!(%error, "{error}; what was known of claims is still shown")
            }
        }
    }
}

/// Each with the file and line where it stands; each file is read once.
fn placed(ingest: &Ingest, snapshot: &Snapshot, claims: Vec<Claimed>) -> Vec<ProblemRecord> {
    let mut with_origin: Vec<(Claimed, Origin)> = claims
        .into_iter()
        .filter_map(|claimed| {
            let ix = snapshot.find(&claimed.entity_ref)?;
            Some((claimed, snapshot.origin(ix)?))
        })
        .collect();
    with_origin.sort_by(|(_, one), (_, other)| {
        (&one.source, &one.file, one.line).cmp(&(&other.source, &other.file, other.line))
    });
    let mut files = Files::of(ingest);
    with_origin
        .iter()
        .map(|(claimed, origin)| problem(claimed, origin, files.text(origin)))
        .collect()
}

fn problem(claimed: &Claimed, origin: &Origin, file: &FileText) -> ProblemRecord {
    let annotation = claimed.annotation.as_deref();
    let place = annotation.and_then(|name| file.key(origin.line, name));
    ProblemRecord {
        severity: Severity::Warning,
        code: claimed.code.into(),
        message: claimed.message.as_str().into(),
        hint: Some(claimed.hint.as_str().into()),
        field: annotation.map(|name| format!("metadata.annotations.{name}").into()),
        source: Arc::clone(&origin.source),
        file: Arc::clone(&origin.file),
        line: Some(place.map_or(origin.line, |(line, _)| line)),
        column: place.map(|(_, column)| column),
        entity_ref: Some(EntityRef::from_canonical(&*claimed.entity_ref)),
        seen_at: claimed.seen_at,
    }
}
