//! Where references that lead to nothing stand in their files.
//!
//! That they lead to nothing is derived from each state of the catalog, which knows the line at which a document begins; line and column of the reference itself are looked up in the file, behind every change, and once per version of a descriptor.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalog::{self, EntityRef, NoSubstitutions};
use crate::graph::{Edge, Ix, Snapshot};
use crate::ingest::{Ingest, MOST_DANGLING, Places, Spot};
use crate::tasks::{self, Tasks};

/// Changes come in rows; they are looked at together.
const GATHER: Duration = Duration::from_millis(200);

/// Looks up what is there, and again after each change, until the tasks end.
pub(super) fn follow(ingest: Arc<Ingest>, tasks: &Tasks) {
    tasks.spawn("places of references", |cancel| async move {
        let following = keep_up(ingest, &cancel);
        cancel.clone().run_until_cancelled(following).await;
    });
}

async fn keep_up(ingest: Arc<Ingest>, cancel: &CancellationToken) {
    let mut revisions = ingest.catalog().revisions();
    let mut looked = Looked::new();
    while !cancel.is_cancelled() {
        revisions.mark_unchanged();
        let (own, before) = (Arc::clone(&ingest), std::mem::take(&mut looked));
        let looking = tasks::blocking("looking up references", move || look(&own, &before));
        match looking.await {
            Ok((now, places)) => {
                looked = now;
                if let Some(places) = places {
                    ingest.catalog().set_places(places);
                }
            }
            // With the next change all is looked up again.
            Err(error) => {
                tracing::error!(%error, "{error}; problems of references name the line of their document")
            }
        }
        if revisions.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// What was looked up, by the ref of the entity that holds the references: as long as it is the same, its file is not read again.
type Looked = HashMap<Box<str>, State>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// Of the descriptor.
    version: u64,
    /// Which of its references lead to nothing.
    targets: u64,
}

/// What is looked up now, and the places if they are others than before.
///
/// What did not change costs neither a descriptor nor a file.
fn look(ingest: &Ingest, before: &Looked) -> (Looked, Option<Places>) {
    let snapshot = ingest.catalog().snapshot();
    let mut now = Looked::with_capacity(before.len());
    let mut files: HashMap<(Arc<str>, Arc<str>), HashSet<&str>> = HashMap::new();
    let edges = snapshot.dangling_edges(MOST_DANGLING);
    for own in edges.chunk_by(|one, other| one.0 == other.0) {
        let ix = own[0].0;
        let entity_ref = snapshot.entity_ref(ix);
        let state = State {
            version: snapshot.version(ix),
            targets: targets(&snapshot, own),
        };
        now.insert(entity_ref.into(), state);
        if before.get(entity_ref) != Some(&state)
            && let Some(origin) = snapshot.origin(ix)
        {
            let file = (origin.source, origin.file);
            files.entry(file).or_default().insert(entity_ref);
        }
    }
    if files.is_empty() && now.len() == before.len() {
        return (now, None);
    }
    let mut places = Places::clone(&ingest.catalog().places());
    places.retain(|(own, _), spot| {
        let state = now.get(own.as_str());
        state.is_some_and(|state| state.version == spot.version)
    });
    for ((source, file), wanted) in files {
        match ingest.text_of(&source, &file) {
            Some(text) => in_file(&snapshot, &text, &wanted, &mut places),
            // Next time it may be there.
            None => now.retain(|entity_ref, _| !wanted.contains(&**entity_ref)),
        }
    }
    (now, Some(places))
}

fn targets(snapshot: &Snapshot, edges: &[(Ix, Edge)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (_, edge) in edges {
        (edge.relation, snapshot.entity_ref(edge.target)).hash(&mut hasher);
    }
    hasher.finish()
}

/// The places of what leads to nothing, in the text of a file, of these entities.
fn in_file(snapshot: &Snapshot, text: &str, wanted: &HashSet<&str>, places: &mut Places) {
    let reading = catalog::read(snapshot.model(), text.as_bytes(), &NoSubstitutions);
    let entities = reading.entities.iter();
    let refs: HashMap<u32, &EntityRef> = entities
        .filter(|entity| wanted.contains(entity.entity_ref.as_str()))
        .map(|entity| (entity.document, &entity.entity_ref))
        .collect();
    for reference in &reading.references {
        let Some(own) = refs.get(&reference.document) else {
            continue;
        };
        let target = snapshot.lookup_ref(reference.target.as_str());
        let is_there = target.is_some_and(|target| snapshot.exists(target));
        let Some(ix) = snapshot.find(own.as_str()).filter(|_| !is_there) else {
            continue;
        };
        let start = reference.span.start;
        let key = ((*own).clone(), Arc::from(&*reference.field));
        let spot = Spot {
            version: snapshot.version(ix),
            line: start.line,
            column: start.column,
        };
        places.insert(key, spot);
    }
}
