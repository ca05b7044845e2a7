//! The change log.
//!
//! A row keeps the descriptor as it was before; what it was after is what the next change of the same entity keeps, or what is served now.
//! So every version is stored once, and a first reading writes no descriptor twice.

use std::sync::Arc;

use jiff::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryResult, QuerySelect,
};
use serde_json::Value;

use super::tables::{changes, counters, entities};
use super::{Store, StoreError};
use crate::catalog::EntityRef;

/// What happened to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Created,
    Updated,
    /// The entity goes on under another ref.
    Renamed,
    Removed,
}

impl Operation {
    pub(super) fn to_sql(self) -> i16 {
        match self {
            Self::Created => 0,
            Self::Updated => 1,
            Self::Renamed => 2,
            Self::Removed => 3,
        }
    }

    fn from_sql(number: i16) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Renamed, Self::Removed]
            .into_iter()
            .find(|operation| operation.to_sql() == number)
    }
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
    /// Only behind this revision and position within it, in the order asked for.
    pub after: Option<(u64, u32)>,
    /// Only before this one.
    pub before: Option<(u64, u32)>,
    /// Of this entity, under whatever ref.
    pub entity_ref: Option<EntityRef>,
    /// Newest first (history) instead of oldest first (changes).
    pub newest_first: bool,
    pub limit: u32,
    /// The last `limit` instead of the first; the order is the same.
    pub from_end: bool,
}

/// The counter that holds [`Store::expired_until`], in microseconds.
pub(super) const EXPIRED_AT: &str = "expired_at";

/// The state after: before the next change of the same entity, or now; one entity changes at most once in a revision.
const AFTER: &str = r#"COALESCE(
    (SELECT n."before" FROM changes n WHERE n.node_id = changes.node_id AND n.revision > changes.revision ORDER BY n.revision LIMIT 1),
    (SELECT d.descriptor FROM entities e JOIN documents d ON d.id = e.document_id WHERE e.node_id = changes.node_id))"#;

impl Store {
    /// Changes with their position within the revision.
    pub async fn changes(&self, query: &ChangeQuery) -> Result<Vec<(u32, Change)>, StoreError> {
        let nodes = match &query.entity_ref {
            Some(entity_ref) => Some(
                self.nodes_of(entity_ref)
                    .await
                    .map_err(|error| self.error(error))?,
            ),
            None => None,
        };
        let rows = self
            .database
            .query_all(&select(query, nodes.as_deref()))
            .await
            .map_err(|error| self.error(error))?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            let (position, raw) = read_row(row).map_err(|error| self.error(error))?;
            changes.push((position, self.change(raw)?));
        }
        if query.from_end {
            changes.reverse();
        }
        Ok(changes)
    }

    /// How many changes `query` is about, whatever its limit.
    pub async fn count_changes(&self, query: &ChangeQuery) -> Result<u64, StoreError> {
        self.try_count_changes(query)
            .await
            .map_err(|error| self.error(error))
    }

    async fn try_count_changes(&self, query: &ChangeQuery) -> Result<u64, DbErr> {
        let nodes = match &query.entity_ref {
            Some(entity_ref) => Some(self.nodes_of(entity_ref).await?),
            None => None,
        };
        let mut select = wanted(query, nodes.as_deref());
        select.expr(Expr::cust("COUNT(*)"));
        let row = self.database.query_one(&select).await?;
        let count: i64 = match row {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The oldest revision whose changes are still kept.
    pub async fn oldest_revision(&self) -> Result<u64, StoreError> {
        let row = counters::Entity::find_by_id("expired")
            .one(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        let expired = row.map_or(0, |row| row.value);
        Ok(u64::try_from(expired + 1).unwrap_or(1))
    }

    /// The time of the latest change that is no longer kept; `None` while all are.
    pub async fn expired_until(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = counters::Entity::find_by_id(EXPIRED_AT)
            .one(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        Ok(row.and_then(|row| Timestamp::from_microsecond(row.value).ok()))
    }

    /// The last revision.
    pub async fn revision(&self) -> Result<u64, StoreError> {
        let row = counters::Entity::find_by_id("revision")
            .one(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        Ok(row.map_or(0, |row| u64::try_from(row.value).unwrap_or_default()))
    }

    /// The entity that has this ref now, or else those that had it.
    async fn nodes_of(&self, entity_ref: &EntityRef) -> Result<Vec<String>, DbErr> {
        let now = entities::Entity::find_by_id(entity_ref.as_str())
            .one(&self.database)
            .await?;
        if let Some(entity) = now {
            return Ok(vec![entity.node_id]);
        }
        changes::Entity::find()
            .select_only()
            .column(changes::Column::NodeId)
            .distinct()
            .filter(changes::Column::EntityRef.eq(entity_ref.as_str()))
            .into_tuple()
            .all(&self.database)
            .await
    }

    fn change(&self, raw: RawChange) -> Result<Change, StoreError> {
        let content = |what: &str| StoreError::Content {
            url: self.url.to_string(),
            what: format!("{what} of revision {}", raw.revision),
        };
        let json = |text: Option<String>| match text {
            Some(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|_json| content("a descriptor")),
            None => Ok(None),
        };
        let operation =
            Operation::from_sql(raw.operation).ok_or_else(|| content("an operation"))?;
        let after = (operation != Operation::Removed)
            .then_some(raw.after)
            .flatten();
        Ok(Change {
            revision: u64::try_from(raw.revision).unwrap_or_default(),
            entity_ref: EntityRef::from_canonical(raw.entity_ref),
            operation,
            before: json(raw.before)?,
            after: json(after)?,
            at: Timestamp::from_microsecond(raw.at).map_err(|_range| content("the time"))?,
            actor: raw.actor.map(Into::into),
            source: raw.source.into(),
        })
    }
}

struct RawChange {
    revision: i64,
    entity_ref: String,
    operation: i16,
    before: Option<String>,
    after: Option<String>,
    at: i64,
    actor: Option<String>,
    source: String,
}

fn select(query: &ChangeQuery, nodes: Option<&[String]>) -> SelectStatement {
    let order = match query.newest_first != query.from_end {
        true => Order::Desc,
        false => Order::Asc,
    };
    let mut select = wanted(query, nodes);
    select
        .expr(Expr::col(("changes", "revision")))
        .expr(Expr::col(("changes", "position")))
        .expr(Expr::col(("changes", "entity_ref")))
        .expr(Expr::col(("changes", "operation")))
        .expr(Expr::col(("changes", "before")))
        .expr(Expr::cust(AFTER))
        .expr(Expr::col(("commits", "at")))
        .expr(Expr::col(("commits", "actor")))
        .expr(Expr::col(("commits", "source")))
        .order_by(("changes", "revision"), order.clone())
        .order_by(("changes", "position"), order)
        .limit(u64::from(query.limit));
    select
}

/// The changes that a query is about, without columns and order.
fn wanted(query: &ChangeQuery, nodes: Option<&[String]>) -> SelectStatement {
    let revision = || Expr::col(("changes", "revision"));
    let position = || Expr::col(("changes", "position"));
    let mut select = Query::select();
    select.from("changes").inner_join(
        "commits",
        Expr::col(("commits", "revision")).equals(("changes", "revision")),
    );
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    if let Some(after) = query.after_revision {
        select.and_where(revision().gt(signed(after)));
    }
    if let Some(since) = query.since {
        select.and_where(Expr::col(("commits", "at")).gte(since.as_microsecond()));
    }
    let later = |(last, place): (u64, u32)| {
        let (last, place) = (signed(last), i64::from(place));
        revision()
            .gt(last)
            .or(revision().eq(last).and(position().gt(place)))
    };
    let earlier = |(last, place): (u64, u32)| {
        let (last, place) = (signed(last), i64::from(place));
        revision()
            .lt(last)
            .or(revision().eq(last).and(position().lt(place)))
    };
    let (from, to) = match query.newest_first {
        true => (query.before, query.after),
        false => (query.after, query.before),
    };
    if let Some(from) = from {
        select.and_where(later(from));
    }
    if let Some(to) = to {
        select.and_where(earlier(to));
    }
    if let Some(nodes) = nodes {
        select.and_where(Expr::col(("changes", "node_id")).is_in(nodes));
    }
    select
}

fn read_row(row: &QueryResult) -> Result<(u32, RawChange), DbErr> {
    let position: i32 = row.try_get_by_index(1)?;
    let raw = RawChange {
        revision: row.try_get_by_index(0)?,
        entity_ref: row.try_get_by_index(2)?,
        operation: row.try_get_by_index(3)?,
        before: row.try_get_by_index(4)?,
        after: row.try_get_by_index(5)?,
        at: row.try_get_by_index(6)?,
        actor: row.try_get_by_index(7)?,
        source: row.try_get_by_index(8)?,
    };
    Ok((u32::try_from(position).unwrap_or_default(), raw))
}
