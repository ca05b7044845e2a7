//! What is wrong in docs becomes problems of their entities, at the files and lines where it stands.
//!
//! Docs are files that no source reads, so they are looked at behind: after every change of the catalog, and from time to time because nobody tells of a page that was saved.
//! It stands beside the snapshot and not in it, and is never stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::files::{self, Files};
use crate::catalog::EntityRef;
use crate::clock::Clock;
use crate::diagnostic::{Diagnostic, Severity};
use crate::docs::{self, Docs, Trouble};
use crate::graph::{Ix, Origin, ProblemRecord, Snapshot};
use crate::ingest::{Catalog, Ingest};
use crate::tasks::Tasks;

/// Changes come in rows; they are looked at together.
const GATHER: Duration = Duration::from_millis(200);
/// How soon a saved page is looked at for problems.
const AGAIN: Duration = Duration::from_secs(5);
/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;
/// So many are shown.
const MOST: usize = 10_000;

/// Looks at all docs, and again, until the tasks end.
pub(super) fn follow(ingest: Arc<Ingest>, clock: Clock, tasks: &Tasks) {
    tasks.spawn("problems of docs", |cancel| async move {
        let following = keep_up(ingest, clock, &cancel);
        cancel.clone().run_until_cancelled(following).await;
    });
}

/// What was found in the docs of an entity, in one state of them.
#[derive(Debug)]
struct Looked {
    state: State,
    problems: Vec<ProblemRecord>,
}

/// What the problems of docs depend on.
#[derive(Debug, PartialEq, Eq)]
struct State {
    /// Version of the descriptor, and the line where it begins.
    descriptor: (u64, Option<u32>),
    /// Version of the docs, or what stands in the way.
    docs: Result<Option<u64>, Trouble>,
}

/// By the entity's ref.
type Known = HashMap<Box<str>, Looked>;

async fn keep_up(ingest: Arc<Ingest>, clock: Clock, cancel: &CancellationToken) {
    let mut revisions = ingest.catalog().revisions();
    let mut known = Known::new();
    while !cancel.is_cancelled() {
        revisions.mark_unchanged();
        let started = Instant::now();
        let (own, clock) = (Arc::clone(&ingest), clock.clone());
        // It reads files.
        let looking = crate::tasks::blocking("looking at docs", move || {
            let is_other = look(&own, &clock, &mut known);
            (known, is_other)
        });
        match looking.await {
            Ok((looked, is_other)) => {
                known = looked;
                if is_other {
                    ingest.catalog().docs_changed();
                }
            }
            Err(error) => {
                tracing::error!(%error, "docs were not looked at for problems, and are looked at again: {error}");
                known = Known::new();
            }
        }
        let pause = AGAIN.max(started.elapsed() * SHARE);
        tokio::select! {
            changed = revisions.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Returns whether files of docs have changed.
fn look(ingest: &Ingest, clock: &Clock, known: &mut Known) -> bool {
    let catalog = ingest.catalog();
    let snapshot = catalog.snapshot();
    let mut next = Known::new();
    let mut files = Files::of(ingest);
    let (mut is_new, mut is_other) = (false, false);
    let named = catalog.library().named(&snapshot).into_iter();
    let mut named: Vec<(Ix, Option<Origin>)> = named.map(|ix| (ix, snapshot.origin(ix))).collect();
    named.sort_by_cached_key(|(_, origin)| origin.as_ref().map(files::name));
    for (ix, origin) in named {
        let entity_ref = snapshot.entity_ref(ix);
        let found = catalog.library().of_now(&snapshot, ix);
        let version = |docs: &Option<Docs>| docs.as_ref().map(|docs| docs.site.version());
        let state = State {
            descriptor: (snapshot.version(ix), origin.map(|origin| origin.line)),
            docs: found.as_ref().map(version).map_err(Trouble::clone),
        };
        let looked = match known.remove(entity_ref) {
            Some(looked) if looked.state == state => looked,
            before => {
                let other = |before: &Looked| before.state.docs != state.docs;
                is_other |= before.as_ref().is_none_or(other);
                let problems = problems(catalog, &mut files, &snapshot, ix, found, clock);
                is_new |= before.is_none_or(|before| !same(&before.problems, &problems));
                Looked { state, problems }
            }
        };
        next.insert(entity_ref.into(), looked);
    }
    let had_docs = |gone: &Looked| matches!(gone.state.docs, Ok(Some(_)));
    is_other |= known.values().any(had_docs);
    is_new |= known.values().any(|gone| !gone.problems.is_empty());
    *known = next;
    if is_new {
        let mut all: Vec<ProblemRecord> = known
            .values()
            .flat_map(|looked| looked.problems.iter().cloned())
            .collect();
        all.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        all.truncate(MOST);
        catalog.set_docs_problems(all);
    }
    is_other
}

/// Whether they say the same; when each was seen is no matter.
fn same(before: &[ProblemRecord], now: &[ProblemRecord]) -> bool {
    let key = |one: &ProblemRecord| (one.message.clone(), one.file.clone(), one.line);
    before.iter().map(key).eq(now.iter().map(key))
}

fn problems(
    catalog: &Catalog,
    files: &mut Files<'_>,
    snapshot: &Snapshot,
    ix: Ix,
    found: Result<Option<Docs>, Trouble>,
    clock: &Clock,
) -> Vec<ProblemRecord> {
    let docs = match found {
        // Told of the entity whose docs they are.
        Ok(Some(docs)) if docs.owner != ix => return Vec::new(),
        Ok(Some(docs)) => docs,
        Ok(None) => return Vec::new(),
        Err(trouble) => {
            let mut told: Vec<ProblemRecord> = trouble
                .files
                .iter()
                .filter_map(|problem| in_file(snapshot, ix, problem, clock))
                .collect();
            told.extend(in_descriptor(files, snapshot, ix, &trouble, clock));
            return told;
        }
    };
    let library = catalog.library();
    let problems = library.inspect(&docs, |_, _| {});
    let problems = problems.iter();
    problems
        .filter_map(|problem| in_file(snapshot, ix, problem, clock))
        .collect()
}

fn in_file(
    snapshot: &Snapshot,
    ix: Ix,
    problem: &Diagnostic,
    clock: &Clock,
) -> Option<ProblemRecord> {
    let origin = snapshot.origin(ix)?;
    let start = problem.span.map(|span| span.start);
    Some(ProblemRecord {
        severity: problem.severity,
        code: problem.code.into(),
        message: problem.message.as_str().into(),
        hint: problem.hint.as_deref().map(Into::into),
        field: None,
        source: origin.source,
        file: Arc::clone(&problem.file),
        line: start.map(|start| start.line),
        column: start.map(|start| start.column),
        entity_ref: Some(EntityRef::from_canonical(snapshot.entity_ref(ix))),
        seen_at: clock.now(),
    })
}

fn in_descriptor(
    files: &mut Files<'_>,
    snapshot: &Snapshot,
    ix: Ix,
    trouble: &Trouble,
    clock: &Clock,
) -> Option<ProblemRecord> {
    let origin = snapshot.origin(ix)?;
    let descriptor = snapshot.descriptor(ix);
    let path = docs::key_of(snapshot.model(), &descriptor, &trouble.subject);
    let key = path.as_ref().and_then(|path| path.last());
    let found = key.and_then(|key| files.text(&origin).key(origin.line, key));
    Some(ProblemRecord {
        severity: Severity::Warning,
        code: trouble.code.into(),
        message: trouble.message.as_str().into(),
        hint: Some(trouble.hint.as_str().into()),
        field: path.map(|path| path.join(".").into()),
        source: origin.source,
        file: origin.file,
        line: Some(found.map_or(origin.line, |(line, _)| line)),
        column: found.map(|(_, column)| column),
        entity_ref: Some(EntityRef::from_canonical(snapshot.entity_ref(ix))),
        seen_at: clock.now(),
    })
}
