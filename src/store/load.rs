//! Everything that is served, row by row, for a start or a new model.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IsolationLevel, QueryResult,
    StreamTrait, TransactionTrait,
};
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

use super::change_set::StoredEntity;
use super::claims::{self, rank};
use super::tables::{counters, documents};
use super::{ROWS, Store, StoreError, sources, write};
use crate::catalog::EntityRef;
use crate::graph::{Claim, Origin};

/// How many entities travel together.
const BATCH: usize = 256;

impl Store {
    /// Sends the revision first, and then every entity that it serves, in batches.
    ///
    /// Ends early, without an error, when nobody receives any more.
    pub async fn load(
        &self,
        revision: oneshot::Sender<u64>,
        to: Sender<Vec<StoredEntity>>,
    ) -> Result<(), StoreError> {
        self.try_load(revision, to)
            .await
            .map_err(|error| self.error(error))
    }

    async fn try_load(
        &self,
        tell: oneshot::Sender<u64>,
        to: Sender<Vec<StoredEntity>>,
    ) -> Result<(), DbErr> {
        // One state of the database, whatever is committed meanwhile; SQLite's transactions are so by themselves.
        let isolation = match self.database.get_database_backend() {
            DbBackend::Postgres => Some(IsolationLevel::RepeatableRead),
            _ => None,
        };
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
        let mut batch = Vec::with_capacity(BATCH);
        let mut names = Names::default();
        let mut rows = transaction.stream(&select()).await?;
        while let Some(row) = rows.try_next().await? {
            batch.push(read_row(&row, &mut names, &mut losers)?);
            if batch.len() == BATCH
                && to
                    .send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
                    .await
                    .is_err()
            {
                break;
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
) -> Result<Vec<StoredEntity>, DbErr> {
    let mut stored = Vec::with_capacity(refs.len());
    let mut names = Names::default();
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
            stored.push(read_row(&row, &mut names, &mut losers)?);
        }
    }
    Ok(stored)
}

fn select() -> SelectStatement {
    let mut select = Query::select();
    let entity = [
        "entity_ref",
        "node_id",
        "created_at",
        "updated_at",
        "revision",
        "previous_refs",
    ];
    for column in entity {
        select.expr(Expr::col(("entities", column)));
    }
    for column in ["source", "file", "line", "descriptor"] {
        select.expr(Expr::col(("documents", column)));
    }
    select.from("entities").inner_join(
        "documents",
        Expr::col(("documents", "id")).equals(("entities", "document_id")),
    );
    select
}

fn by_ref(losers: Vec<claims::Claim>) -> HashMap<EntityRef, Vec<claims::Claim>> {
    let mut by_ref: HashMap<EntityRef, Vec<_>> = HashMap::new();
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

/// Entities of one file follow each other: they share its name.
#[derive(Default)]
struct Names {
    source: Option<Arc<str>>,
    file: Option<Arc<str>>,
}

fn shared(known: &mut Option<Arc<str>>, name: String) -> Arc<str> {
    match known {
        Some(known) if **known == *name => Arc::clone(known),
        _ => {
            let name: Arc<str> = name.into();
            *known = Some(Arc::clone(&name));
            name
        }
    }
}

fn read_row(
    row: &QueryResult,
    names: &mut Names,
    losers: &mut HashMap<EntityRef, Vec<claims::Claim>>,
) -> Result<StoredEntity, DbErr> {
    let entity_ref = EntityRef::from_canonical(row.try_get_by_index::<String>(0)?);
    let time = |index| {
        let micros: i64 = row.try_get_by_index(index)?;
        Ok::<_, DbErr>(Timestamp::from_microsecond(micros).unwrap_or_default())
    };
    let revision: i64 = row.try_get_by_index(4)?;
    let previous: Option<String> = row.try_get_by_index(5)?;
    let line: i32 = row.try_get_by_index(8)?;
    let claims = losers.remove(&entity_ref).unwrap_or_default();
    Ok(StoredEntity {
        id: row.try_get_by_index::<String>(1)?.into(),
        created_at: time(2)?,
        updated_at: time(3)?,
        previous_refs: previous
            .iter()
            .flat_map(|refs| refs.lines())
            .map(EntityRef::from_canonical)
            .collect(),
        origin: Origin {
            source: shared(&mut names.source, row.try_get_by_index(6)?),
            file: shared(&mut names.file, row.try_get_by_index(7)?),
            line: u32::try_from(line).unwrap_or_default(),
            revision: u64::try_from(revision).unwrap_or_default(),
            url: None,
            claims: claims.into_iter().map(origin_claim).collect(),
        },
        descriptor: row.try_get_by_index(9)?,
        entity_ref,
    })
}

fn origin_claim(claim: claims::Claim) -> Claim {
    Claim {
        source: claim.source,
        file: claim.file,
        line: u32::try_from(claim.line).unwrap_or_default(),
    }
}
