//! From what is stored to what is served.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Ingest;
use crate::catalog::relations;
use crate::graph::{Batch, Delta, Record, Snapshot};
use crate::sdl::Model;
use crate::store::{
    Carry, ChangeSet, Committed, Names, Store, StoreError, StoredEntities, StoredEntity,
};
use crate::tasks;

/// How many batches may wait between two threads: enough that neither waits for the other, few enough to be nothing beside the snapshot.
const BATCHES: usize = 4;

/// The snapshot of everything that `store` holds.
///
/// Three steps side by side: rows are read, descriptors are taken apart, and the snapshot is put together; no more than a few batches are in memory between them.
pub async fn load(store: &Store, model: Arc<Model>) -> Result<Snapshot, StoreError> {
    let problems = store.problems().await?;
    let (stored, mut rows) = mpsc::channel::<StoredEntities>(BATCHES);
    let (prepared, batches) = std::sync::mpsc::sync_channel::<Batch>(BATCHES);
    let (tell, told) = tokio::sync::oneshot::channel::<u64>();
    let (mut preparer, mut builder) = Snapshot::builder(Arc::clone(&model));
    let preparing = tasks::blocking("taking descriptors apart", move || {
        let mut names = Names::default();
        while let Some(batch) = rows.blocking_recv() {
            for mut entity in batch.entities(&mut names) {
                let json = std::mem::take(&mut entity.descriptor);
                if let Some(record) = record(&model, entity, &json) {
                    preparer.add(record, Some(&json));
                }
            }
            if prepared.send(preparer.take()).is_err() {
                break;
            }
        }
    });
    let building = tasks::blocking("building a snapshot", move || {
        batches.into_iter().for_each(|batch| builder.add(batch));
        let revision = told.blocking_recv().unwrap_or_default();
        builder.finish(revision, problems)
    });
    store.load(tell, stored).await?;
    let (prepared, built) = tokio::join!(preparing, building);
    match (prepared, built) {
        (Ok(()), Ok(snapshot)) => Ok(snapshot),
        (Err(unfinished), _) | (_, Err(unfinished)) => Err(StoreError::Content {
            url: store.url().to_owned(),
            what: unfinished.to_string(),
        }),
    }
}

/// The record of a stored entity, whose descriptor is `json`; one that cannot be read is left out, and the log says so.
fn record(model: &Model, entity: StoredEntity<'_>, json: &str) -> Option<Record> {
    let descriptor = match serde_json::from_str(json) {
        Ok(descriptor) => descriptor,
        Err(error) => {
            tracing::error!(
                entity.r#ref = %entity.entity_ref,
                %error,
                "the stored descriptor of `{}` cannot be read; it is left out until its file changes",
                entity.entity_ref
            );
            return None;
        }
    };
    // The rules of a declared kind let no document through whose `apiVersion` is another's.
    let kind = model.kind(entity.entity_ref.kind());
    Some(Record {
        relations: relations(model, &entity.entity_ref, kind, &descriptor),
        id: entity.id,
        entity_ref: entity.entity_ref,
        kind,
        descriptor,
        origin: entity.origin,
        created_at: entity.created_at,
        updated_at: entity.updated_at,
        previous_refs: entity.previous_refs,
    })
}

impl Ingest {
    /// Commits, and shows queries what was committed.
    pub(super) async fn commit(&self, set: ChangeSet, carry: &mut Carry) -> Result<(), StoreError> {
        let last = set.last;
        let mut turn = self.turn.lock().await;
        let committed = self.store.commit(set, carry).await?;
        self.count(|totals| {
            totals.rows_written += committed.rows_written;
            totals.commits += u64::from(committed.revision.is_some());
            totals.created += committed.created;
            totals.updated += committed.updated;
            totals.renamed += committed.renamed;
            totals.removed += committed.removed;
        });
        turn.behind |= committed.reload;
        match committed.revision {
            _ if turn.behind && last => {
                let snapshot = load(&self.store, self.model.load_full()).await?;
                self.catalog.publish(snapshot);
                turn.behind = false;
            }
            Some(revision) if !turn.behind => self.apply(revision, committed).await,
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Catches up with what was committed when a reading ended before its last part.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let mut turn = self.turn.lock().await;
        if turn.behind {
            let snapshot = load(&self.store, self.model.load_full()).await?;
            self.catalog.publish(snapshot);
            turn.behind = false;
        }
        Ok(())
    }

    async fn apply(&self, revision: u64, committed: Committed) {
        let before = self.catalog.snapshot();
        let applied = tasks::blocking("applying a change", move || {
            let model = Arc::clone(before.model());
            let mut names = Names::default();
            let upserts = committed.upserts.entities(&mut names);
            before.apply(Delta {
                revision,
                upserts: upserts
                    .filter_map(|mut entity| {
                        let json = std::mem::take(&mut entity.descriptor);
                        record(&model, entity, &json)
                    })
                    .collect(),
                removals: committed.removals,
                problems: committed.problems,
            })
        });
        match applied.await {
            Ok(snapshot) => self.catalog.publish(snapshot),
            Err(error) => {
                tracing::error!(%error, "revision {revision} could not be applied to the snapshot");
            }
        }
    }
}
