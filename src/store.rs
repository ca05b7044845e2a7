//! SQL, the durable truth: documents, large texts by content hash, files and sources, the change log.
//!
//! Home of `sea_orm`. One change is one transaction: a crash at any moment leaves the state before or after it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::catalog::EntityRef;

/// The database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}

/// What went wrong with the database, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// To be widened by the implementation.
    #[error("the database at `{url}` cannot be used")]
    Unusable { url: String },
}

/// What happened to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Created,
    Updated,
    /// The entity goes on under another ref.
    Renamed,
    Removed,
}

/// One line of the change log.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Monotonic; one commit is one revision, with any number of changes.
    pub revision: u64,
    pub entity_ref: EntityRef,
    pub operation: Operation,
    /// The descriptor before, large texts as markers; `None` for [`Operation::Created`].
    pub before: Option<Value>,
    /// The descriptor after; `None` for [`Operation::Removed`].
    pub after: Option<Value>,
    pub at: Timestamp,
    /// Who, where the change came through the API; `None` for a source's own reading.
    pub actor: Option<Arc<str>>,
    pub source: Arc<str>,
}

/// Which changes are wanted.
#[derive(Clone, Debug, Default)]
pub struct ChangeQuery {
    /// Only later revisions.
    pub after_revision: Option<u64>,
    /// Only changes at or after this time.
    pub since: Option<Timestamp>,
    /// Continue behind this revision and position within it.
    pub after: Option<(u64, u32)>,
    pub entity_ref: Option<EntityRef>,
    /// Newest first (history) instead of oldest first (changes).
    pub newest_first: bool,
    pub limit: u32,
}

impl Store {
    /// Large texts by hash; unknown hashes are left out.
    pub async fn texts(&self, _hashes: &[String]) -> Result<HashMap<String, Arc<str>>, StoreError> {
        Ok(HashMap::new())
    }

    /// Changes with their position within the revision.
    pub async fn changes(&self, _query: &ChangeQuery) -> Result<Vec<(u32, Change)>, StoreError> {
        Ok(Vec::new())
    }

    /// The oldest revision whose changes are still kept.
    pub async fn oldest_revision(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
