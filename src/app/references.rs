//! Where references that lead to nothing stand in their files.
//!
//! That they lead to nothing is derived from each state of the catalog, which knows the line at which a document begins; line and column of the reference itself are looked up in the file, behind every change, and once per version of a descriptor.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalog::{self, EntityRef, NoSubstitutions};
use crate::graph::Snapshot;
use crate::ingest::{Ingest, Places, Spot};
use crate::tasks::Tasks;

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
    while !cancel.is_cancelled() {
        revisions.mark_unchanged();
        let own = Arc::clone(&ingest);
        // It reads files.
        let placed = tokio::task::spawn_blocking(move || look(&own)).await;
        if let Ok(Some(places)) = placed {
            ingest.catalog().set_places(places);
        }
        if revisions.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// The places of all that leads to nothing; `None` if nothing new is known.
fn look(ingest: &Ingest) -> Option<Places> {
    let snapshot = ingest.catalog().snapshot();
    let dangling = ingest.catalog().dangling(&snapshot);
    let known = ingest.catalog().places();
    let mut places = Places::new();
    let mut files: HashMap<(&str, &str), HashSet<Place<'_>>> = HashMap::new();
    for problem in dangling.iter() {
        let (Some(own), Some(field)) = (&problem.entity_ref, &problem.field) else {
            continue;
        };
        let key = (own.clone(), Arc::clone(field));
        let version = version(&snapshot, own);
        match known.get(&key).filter(|spot| Some(spot.version) == version) {
            Some(spot) => {
                places.insert(key, *spot);
            }
            None => {
                let file = (&*problem.source, &*problem.file);
                files.entry(file).or_default().insert((own, field));
            }
        }
    }
    let mut is_new = places.len() != known.len();
    for ((source, file), wanted) in files {
        let Some(text) = ingest.text_of(source, file) else {
            continue;
        };
        is_new |= in_file(&snapshot, &text, &wanted, &mut places);
    }
    is_new.then_some(places)
}

/// The entity that holds a reference, and the field.
type Place<'p> = (&'p EntityRef, &'p str);

/// Whether any was found in the text of their file.
fn in_file(
    snapshot: &Snapshot,
    text: &str,
    wanted: &HashSet<Place<'_>>,
    places: &mut Places,
) -> bool {
    let reading = catalog::read(snapshot.model(), text.as_bytes(), &NoSubstitutions);
    let entities = reading.entities.iter();
    let refs: HashMap<u32, &EntityRef> = entities
        .map(|entity| (entity.document, &entity.entity_ref))
        .collect();
    let before = places.len();
    for reference in &reading.references {
        let Some(own) = refs.get(&reference.document) else {
            continue;
        };
        let is_wanted = wanted.contains(&(*own, &*reference.field));
        let Some(version) = version(snapshot, own).filter(|_| is_wanted) else {
            continue;
        };
        let start = reference.span.start;
        let key = ((*own).clone(), Arc::from(&*reference.field));
        let spot = Spot {
            version,
            line: start.line,
            column: start.column,
        };
        places.insert(key, spot);
    }
    places.len() > before
}

fn version(snapshot: &Snapshot, entity_ref: &EntityRef) -> Option<u64> {
    let ix = snapshot.find(entity_ref.as_str())?;
    Some(snapshot.version(ix))
}
