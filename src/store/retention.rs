//! What is no longer kept: old changes, and texts that nothing refers to.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::changes::EXPIRED_AT;
use super::tables::{changes, commits, counters, definitions, documents, texts};
use super::{ROWS, Store, StoreError};

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub revisions: u64,
    pub changes: u64,
    pub texts: u64,
}

impl Store {
    /// Forgets changes from before `before`, and texts that neither a document nor a kept change refers to.
    pub async fn expire(&self, before: Timestamp) -> Result<Expired, StoreError> {
        let _writer = self.writer.lock().await;
        self.try_expire(before)
            .await
            .map_err(|error| self.error(error))
    }

    async fn try_expire(&self, before: Timestamp) -> Result<Expired, DbErr> {
        let transaction = self.begin().await?;
        // Revisions are forgotten in order, so that there is one oldest; a clock that went back only keeps some longer.
        let oldest_kept: Option<i64> = commits::Entity::find()
            .select_only()
            .column(commits::Column::Revision)
            .filter(commits::Column::At.gte(before.as_microsecond()))
            .order_by_asc(commits::Column::Revision)
            .limit(1)
            .into_tuple()
            .one(&transaction)
            .await?;
        let last: Option<i64> = commits::Entity::find()
            .select_only()
            .column(commits::Column::Revision)
            .order_by_desc(commits::Column::Revision)
            .limit(1)
            .into_tuple()
            .one(&transaction)
            .await?;
        let mut expired = Expired::default();
        if let Some(up_to) = oldest_kept.map(|oldest| oldest - 1).or(last) {
            let latest: Option<i64> = commits::Entity::find()
                .select_only()
                .column(commits::Column::At)
                .filter(commits::Column::Revision.lte(up_to))
                .order_by_desc(commits::Column::At)
                .limit(1)
                .into_tuple()
                .one(&transaction)
                .await?;
            expired.changes = changes::Entity::delete_many()
                .filter(changes::Column::Revision.lte(up_to))
                .exec(&transaction)
                .await?
                .rows_affected;
            expired.revisions = commits::Entity::delete_many()
                .filter(commits::Column::Revision.lte(up_to))
                .exec(&transaction)
                .await?
                .rows_affected;
            if expired.revisions > 0 {
                counters::Entity::update_many()
                    .col_expr(counters::Column::Value, Expr::value(up_to))
                    .filter(counters::Column::Name.eq("expired"))
                    .exec(&transaction)
                    .await?;
                keep_time(&transaction, latest).await?;
            }
        }
        expired.texts = expire_texts(&transaction, before).await?;
        transaction.commit().await?;
        Ok(expired)
    }
}

/// Keeps until when changes are gone, so that a time can be told from one that is still covered.
async fn keep_time(
    transaction: &sea_orm::DatabaseTransaction,
    latest: Option<i64>,
) -> Result<(), DbErr> {
    let Some(latest) = latest else { return Ok(()) };
    let row = counters::ActiveModel {
        name: Set(EXPIRED_AT.to_owned()),
        value: Set(latest),
    };
    let again = OnConflict::column(counters::Column::Name)
        .update_column(counters::Column::Value)
        .to_owned();
    counters::Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// Texts that nothing refers to, with what was read of them, unless they are young: a query may be about to load them.
async fn expire_texts(
    transaction: &sea_orm::DatabaseTransaction,
    before: Timestamp,
) -> Result<u64, DbErr> {
    let old: Vec<String> = texts::Entity::find()
        .select_only()
        .column(texts::Column::Hash)
        .filter(texts::Column::CreatedAt.lt(before.as_microsecond()))
        .into_tuple()
        .all(transaction)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut used: HashSet<String> = HashSet::new();
    let lists = documents::Entity::find()
        .select_only()
        .column(documents::Column::Texts)
        .filter(documents::Column::Texts.is_not_null())
        .into_tuple::<String>();
    let mut rows = lists.stream(transaction).await?;
    while let Some(list) = rows.try_next().await? {
        used.extend(list.split(' ').map(str::to_owned));
    }
    drop(rows);
    let lists = changes::Entity::find()
        .select_only()
        .column(changes::Column::Texts)
        .filter(changes::Column::Texts.is_not_null())
        .into_tuple::<String>();
    let mut rows = lists.stream(transaction).await?;
    while let Some(list) = rows.try_next().await? {
        used.extend(list.split(' ').map(str::to_owned));
    }
    drop(rows);
    let unused: Vec<_> = old
        .into_iter()
        .filter(|hash| !used.contains(hash))
        .collect();
    let mut gone = 0;
    for chunk in unused.chunks(ROWS) {
        gone += texts::Entity::delete_many()
            .filter(texts::Column::Hash.is_in(chunk))
            .exec(transaction)
            .await?
            .rows_affected;
        // Whoever reads such a text again has it from somewhere else.
        definitions::Entity::delete_many()
            .filter(definitions::Column::Hash.is_in(chunk))
            .exec(transaction)
            .await?;
    }
    Ok(gone)
}
