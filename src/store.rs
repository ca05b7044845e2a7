//! SQL, the durable truth: documents, large texts by content hash, what was read of API definitions, files and sources, the change log, the audit.
//!
//! Home of `sea_orm`. One change is one transaction: a crash at any moment leaves the state before or after it.
//! The same code runs on SQLite and on PostgreSQL; relations are derived from documents and never stored.
//!
//! What is not here: which file is read when, and what a descriptor means; the store compares documents by their hash, and refs as text.

mod audit;
mod change_set;
mod changes;
mod claims;
mod commit;
mod definitions;
mod error;
mod load;
mod lock;
mod open;
mod problems;
mod retention;
mod sources;
mod stored;
mod tables;
mod texts;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};

pub use audit::{ActionOutcome, Begun, NewAction, StoredAction};
pub use change_set::{
    Carry, ChangeSet, Committed, Document, FileChange, FileState, Packed, ProblemsByFile,
    ProblemsOfFile,
};
pub use changes::{Change, ChangeQuery, Operation};
pub use definitions::StoredDefinition;
pub use error::StoreError;
pub use lock::{ServerLock, beside};
pub use open::StoreOptions;
pub use retention::Expired;
pub use sources::{Counts, StoredSource};
pub use stored::{Names, StoredEntities, StoredEntity};

use tables::texts as texts_table;

/// How many rows one statement carries; databases bound the number of parameters.
const ROWS: usize = 500;

/// The database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    database: DatabaseConnection,
    /// Without password.
    url: Arc<str>,
    /// One commit at a time: SQLite has one writer, and revisions are counted in the order of commits.
    writer: Arc<tokio::sync::Mutex<()>>,
}

impl Store {
    /// As the operator wrote it, without password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Large texts by hash; unknown hashes are left out.
    pub async fn texts(&self, hashes: &[String]) -> Result<HashMap<String, Arc<str>>, StoreError> {
        let mut texts = HashMap::with_capacity(hashes.len());
        for chunk in hashes.chunks(ROWS) {
            let rows = texts_table::Entity::find()
                .filter(texts_table::Column::Hash.is_in(chunk))
                .all(&self.database)
                .await
                .map_err(|error| self.error(error))?;
            for row in rows {
                let text =
                    String::from_utf8(row.content).map_err(|_bytes| StoreError::Content {
                        url: self.url.to_string(),
                        what: format!("text {}", row.hash),
                    })?;
                texts.insert(row.hash, text.into());
            }
        }
        Ok(texts)
    }

    fn error(&self, error: DbErr) -> StoreError {
        StoreError::of(&self.url, error)
    }
}
