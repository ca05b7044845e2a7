//! What was read of API definitions, by the hash of their texts, so that a text is read once and not at each start.
//!
//! It follows from the texts: a row may go at any time, and whoever misses it reads the text again.
//! What stands in a row is the business of whoever reads definitions; here it is bytes.

use std::collections::HashSet;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, IntoActiveModel, Iterable as _, QueryFilter, QuerySelect,
    QueryTrait as _,
};

use super::tables::{definitions, texts};
use super::{ROWS, Store, StoreError};

/// Definitions are large beside other rows: fewer in one statement.
const AT_ONCE: usize = 32;

/// What was read of one text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredDefinition {
    /// Of the text.
    pub hash: String,
    /// What its author calls the format; empty where that says nothing.
    pub hint: String,
    /// The version of whoever read it.
    pub reader: i32,
    /// Of the text, in bytes.
    pub size: u64,
    /// What was read, as its reader writes it.
    pub content: Vec<u8>,
}

impl Store {
    /// What was read of a text, by whichever version of the reader.
    pub async fn definition(
        &self,
        hash: &str,
        hint: &str,
    ) -> Result<Option<StoredDefinition>, StoreError> {
        let key = (hash.to_owned(), hint.to_owned());
        let row = definitions::Entity::find_by_id(key)
            .one(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        Ok(row.map(|row| StoredDefinition {
            hash: row.hash,
            hint: row.hint,
            reader: row.reader,
            size: u64::try_from(row.size).unwrap_or_default(),
            content: row.content,
        }))
    }

    /// Keeps what was read, all of it or nothing; what was kept of the same texts is replaced.
    pub async fn keep_definitions(&self, read: Vec<StoredDefinition>) -> Result<(), StoreError> {
        let _writer = self.writer.lock().await;
        self.try_keep(read).await.map_err(|error| self.error(error))
    }

    async fn try_keep(&self, mut read: Vec<StoredDefinition>) -> Result<(), DbErr> {
        // In one order everywhere, so that replicas never wait for each other in a circle.
        read.sort_unstable();
        let mut rows = read.into_iter().map(row).peekable();
        let replace = OnConflict::columns([definitions::Column::Hash, definitions::Column::Hint])
            .update_columns(definitions::Column::iter())
            .to_owned();
        let transaction = self.begin().await?;
        while rows.peek().is_some() {
            definitions::Entity::insert_many(rows.by_ref().take(AT_ONCE))
                .on_conflict(replace.clone())
                .exec_without_returning(&transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Forgets what was read of texts that are neither here nor `used` elsewhere, by their hashes; how many.
    pub async fn forget_definitions(&self, used: &HashSet<Box<str>>) -> Result<u64, StoreError> {
        let _writer = self.writer.lock().await;
        self.try_forget(used)
            .await
            .map_err(|error| self.error(error))
    }

    async fn try_forget(&self, used: &HashSet<Box<str>>) -> Result<u64, DbErr> {
        let there = texts::Entity::find().select_only();
        let there = there.column(texts::Column::Hash).into_query();
        let mut unused: Vec<String> = definitions::Entity::find()
            .select_only()
            .column(definitions::Column::Hash)
            .filter(definitions::Column::Hash.not_in_subquery(there))
            .into_tuple()
            .all(&self.database)
            .await?;
        unused.retain(|hash| !used.contains(hash.as_str()));
        let mut gone = 0;
        for chunk in unused.chunks(ROWS) {
            gone += definitions::Entity::delete_many()
                .filter(definitions::Column::Hash.is_in(chunk))
                .exec(&self.database)
                .await?
                .rows_affected;
        }
        Ok(gone)
    }
}

fn row(read: StoredDefinition) -> definitions::ActiveModel {
    definitions::Model {
        hash: read.hash,
        hint: read.hint,
        reader: read.reader,
        size: i64::try_from(read.size).unwrap_or(i64::MAX),
        content: read.content,
    }
    .into_active_model()
}
