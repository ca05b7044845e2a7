//! Everything that is served, row by row, for a start or a new model.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use sea_orm::sea_query::{Expr, ExprTrait, Order};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IsolationLevel, StreamTrait,
    TransactionTrait,
};
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

use super::claims::{self, rank};
use super::stored::{Losers, StoredEntities, select};
use super::tables::{counters, documents};
use super::{ROWS, Store, StoreError, sources, write};
use crate::catalog::EntityRef;

/// How many entities travel together.
const BATCH: usize = 256;

impl Store {
    /// Sends the revision first, and then every entity that it serves, in batches.
    ///
    /// Ends early, without an error, when nobody receives any more.
    pub async fn load(
        &self,
        revision: oneshot::Sender<u64>,
        to: Sender<StoredEntities>,
    ) -> Result<(), StoreError> {
        self.try_load(revision, to)
            .await
            .map_err(|error| self.error(error))
    }

    async fn try_load(
        &self,
        tell: oneshot::Sender<u64>,
        to: Sender<StoredEntities>,
    ) -> Result<(), DbErr> {
        // One state of the database, whatever is committed meanwhile; SQLite's transactions are so by themselves.
        let backend = self.database.get_database_backend();
        let isolation = (backend == DbBackend::Postgres).then_some(IsolationLevel::RepeatableRead);
        let transaction = self.database.begin_with_config(isolation, None).await?;
        let revision = counters::Entity::find_by_id("revision")
            .one(&transaction)
            .await?
            .map_or(0, |row| row.value);
        if tell
            .send(u64::try_from(revision).unwrap_or_default())
            .is_err()
        {
            return Ok(());
        }
        let orders = sources::orders(&transaction).await?;
        // The literal lets the partial index answer.
        let condition = |_: &[()]| Expr::cust("winner = FALSE");
        let losers = write::claims(&transaction, &orders, &[()], condition).await?;
        let mut losers = by_ref(losers);
        let mut select = select();
        if backend == DbBackend::Sqlite {
            // Neighbours in the snapshot are then neighbours by name, as queries want them; PostgreSQL would sort all descriptors for it.
            select.order_by(("entities", "entity_ref"), Order::Asc);
        }
        let mut batch = StoredEntities::default();
        let mut rows = transaction.stream(&select).await?;
        while let Some(row) = rows.try_next().await? {
            batch.push(&row, &mut losers)?;
            if batch.len() == BATCH {
                let next = StoredEntities::like(&batch);
                if to.send(std::mem::replace(&mut batch, next)).await.is_err() {
                    break;
                }
            }
        }
        drop(rows);
        if !batch.is_empty() && to.send(batch).await.is_err() {
            tracing::debug!("the catalog is no longer wanted while it is loaded");
        }
        transaction.commit().await
    }
}

/// The entities with these refs, for a delta.
pub(super) async fn entities_by_ref(
    connection: &impl ConnectionTrait,
    orders: &HashMap<String, i32>,
    refs: &[EntityRef],
) -> Result<StoredEntities, DbErr> {
    let mut stored = StoredEntities::default();
    for chunk in refs.chunks(ROWS) {
        let refs: Vec<&str> = chunk.iter().map(EntityRef::as_str).collect();
        let condition = |refs: &[&str]| {
            documents::Column::EntityRef
                .is_in(refs.iter().copied())
                .and(Expr::cust("winner = FALSE"))
        };
        let mut losers = by_ref(write::claims(connection, orders, &refs, condition).await?);
        let mut query = select();
        query.and_where(Expr::col(("entities", "entity_ref")).is_in(refs));
        for row in connection.query_all(&query).await? {
            stored.push(&row, &mut losers)?;
        }
    }
    Ok(stored)
}

fn by_ref(losers: Vec<claims::Claim>) -> Losers {
    let mut by_ref = Losers::new();
    for loser in losers {
        by_ref
            .entry(loser.entity_ref.clone())
            .or_default()
            .push(loser);
    }
    for losers in by_ref.values_mut() {
        rank(losers);
    }
    by_ref
}
