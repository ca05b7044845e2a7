//! The configured sources and how their last reading went.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};

use super::change_set::FileState;
use super::tables::{documents, files, problems, sources};
use super::{Store, StoreError, write};

/// A source as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSource {
    pub name: String,
    /// Position in the configuration; of two claims of one moment the earlier source's wins.
    pub position: u32,
    /// Where it reads, as configured.
    pub target: String,
    pub read_at: Option<Timestamp>,
    pub error: Option<String>,
    pub error_at: Option<Timestamp>,
}

/// How much a source has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that it speaks for.
    pub entities: u64,
    pub files: u64,
    pub problems: u64,
}

impl Store {
    /// All sources that have left something here, configured or not.
    pub async fn sources(&self) -> Result<Vec<StoredSource>, StoreError> {
        let rows = sources::Entity::find()
            .all(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        let time = |micros: Option<i64>| micros.and_then(|at| Timestamp::from_microsecond(at).ok());
        let source = |row: sources::Model| StoredSource {
            name: row.name,
            position: u32::try_from(row.position).unwrap_or_default(),
            target: row.target,
            read_at: time(row.read_at),
            error: row.error,
            error_at: time(row.error_at),
        };
        Ok(rows.into_iter().map(source).collect())
    }

    /// Writes what is known of a source; nothing is written where nothing changed.
    pub async fn put_source(&self, source: &StoredSource) -> Result<(), StoreError> {
        let _writer = self.writer.lock().await;
        let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        let row = sources::Model {
            name: source.name.clone(),
            position: write::signed(source.position),
            target: source.target.clone(),
            cursor: None,
            read_at: micros(source.read_at),
            error: source.error.clone(),
            error_at: micros(source.error_at),
        };
        write::upsert_source(&self.database, row)
            .await
            .map_err(|error| self.error(error))
    }

    /// Forgets a source that has nothing here any more.
    pub async fn forget_source(&self, name: &str) -> Result<(), StoreError> {
        let _writer = self.writer.lock().await;
        sources::Entity::delete_by_id(name)
            .exec(&self.database)
            .await
            .map(|_deleted| ())
            .map_err(|error| self.error(error))
    }

    /// How much a source has brought.
    pub async fn count(&self, source: &str) -> Result<Counts, StoreError> {
        self.try_count(source)
            .await
            .map_err(|error| self.error(error))
    }

    async fn try_count(&self, source: &str) -> Result<Counts, DbErr> {
        let database = &self.database;
        let claims = documents::Entity::find()
            .filter(documents::Column::Source.eq(source))
            .count(database)
            .await?;
        let losers = documents::Entity::find()
            .filter(documents::Column::Source.eq(source))
            .filter(Expr::cust("winner = FALSE"))
            .count(database)
            .await?;
        Ok(Counts {
            entities: claims.saturating_sub(losers),
            files: files::Entity::find()
                .filter(files::Column::Source.eq(source))
                .count(database)
                .await?,
            problems: problems::Entity::find()
                .filter(problems::Column::Source.eq(source))
                .count(database)
                .await?,
        })
    }

    /// What is known of the files of a source.
    pub async fn files(&self, source: &str) -> Result<Vec<(String, FileState)>, StoreError> {
        let rows = files::Entity::find()
            .filter(files::Column::Source.eq(source))
            .all(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        let state = |row: files::Model| {
            let state = FileState {
                size: u64::try_from(row.size).unwrap_or_default(),
                modified: row.modified,
                seen_at: Timestamp::from_microsecond(row.seen_at).unwrap_or_default(),
                hash: row.hash.into(),
                model: row.model.into(),
                links: row.links.map(Into::into),
            };
            (row.file, state)
        };
        Ok(rows.into_iter().map(state).collect())
    }
}

/// Positions of the sources by name.
pub(super) async fn orders(
    connection: &impl ConnectionTrait,
) -> Result<HashMap<String, i32>, DbErr> {
    let rows = sources::Entity::find().all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.name, row.position))
        .collect())
}

/// A source that is not known comes last.
pub(super) fn order(orders: &HashMap<String, i32>, source: &str) -> i32 {
    orders.get(source).copied().unwrap_or(i32::MAX)
}
