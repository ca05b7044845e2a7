//! What was done at upstreams: written before a request is sent, and again when it has ended.
//!
//! So a crash in between leaves a row that says `pending`: whether the upstream did it is then not known, and nobody does it again by the same key.

use jiff::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, SqlErr};
use serde_json::Value;

use super::tables::audit;
use super::{Store, StoreError};

/// An action that is about to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAction {
    pub at: Timestamp,
    /// Who asked; empty for somebody who is not known.
    pub viewer: String,
    /// As clients call it: `Mutation.rerunCiRun`.
    pub action: String,
    /// Without secrets.
    pub arguments: Value,
    pub connector: String,
    pub instance: String,
    /// The id of the object that it is done to.
    pub subject: Option<String>,
    pub entity_ref: Option<String>,
    pub idempotency_key: Option<String>,
}

/// How an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionOutcome {
    /// Its request may have been sent.
    Pending,
    Done,
    /// Of several requests some did what they should.
    Partial,
    /// The upstream did not do it.
    Failed,
    /// The upstream gave no answer that says whether it did it.
    Unknown,
}

/// An action that was carried out before, or is being.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAction {
    pub id: i64,
    pub arguments: Value,
    pub outcome: ActionOutcome,
    /// What it brought, as whoever ended it wrote it.
    pub payload: Option<Value>,
}

/// What became of beginning an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// Its number; now it may be carried out.
    New(i64),
    /// Its key was used before.
    Known(StoredAction),
}

impl ActionOutcome {
    /// As the table has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    fn of(text: &str) -> Self {
        let all = [Self::Done, Self::Partial, Self::Failed, Self::Unknown];
        let found = all.into_iter().find(|outcome| outcome.as_str() == text);
        found.unwrap_or(Self::Pending)
    }
}

impl Store {
    /// Writes that an action is about to be carried out, unless its key was used before.
    pub async fn begin_action(&self, new: &NewAction) -> Result<Begun, StoreError> {
        if let Some(known) = self.action_by_key(new).await? {
            return Ok(Begun::Known(known));
        }
        let row = audit::ActiveModel {
            at: Set(new.at.as_microsecond()),
            viewer: Set(new.viewer.clone()),
            action: Set(new.action.clone()),
            arguments: Set(new.arguments.to_string()),
            connector: Set(new.connector.clone()),
            instance: Set(new.instance.clone()),
            subject: Set(new.subject.clone()),
            entity_ref: Set(new.entity_ref.clone()),
            idempotency_key: Set(new.idempotency_key.clone()),
            outcome: Set(ActionOutcome::Pending.as_str().to_owned()),
            ..Default::default()
        };
        let inserted = {
            let _writer = self.writer.lock().await;
            audit::Entity::insert(row).exec(&self.database).await
        };
        let error = match inserted {
            Ok(inserted) => return Ok(Begun::New(inserted.last_insert_id)),
            Err(error) => error,
        };
        // Somebody else was faster with the same key.
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
            && let Some(known) = self.action_by_key(new).await?
        {
            return Ok(Begun::Known(known));
        }
        Err(self.error(error))
    }

    /// The action of the same caller, of the same name, with the same key.
    pub async fn action_by_key(
        &self,
        like: &NewAction,
    ) -> Result<Option<StoredAction>, StoreError> {
        let Some(key) = &like.idempotency_key else {
            return Ok(None);
        };
        let found = audit::Entity::find()
            .filter(audit::Column::Viewer.eq(&like.viewer))
            .filter(audit::Column::Action.eq(&like.action))
            .filter(audit::Column::IdempotencyKey.eq(key))
            .one(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        Ok(found.map(|row| StoredAction {
            id: row.id,
            arguments: serde_json::from_str(&row.arguments).unwrap_or_default(),
            outcome: ActionOutcome::of(&row.outcome),
            payload: row
                .payload
                .and_then(|text| serde_json::from_str(&text).ok()),
        }))
    }

    /// Forgets actions that were begun before a moment, and with them their keys; how many.
    pub async fn expire_actions(&self, before: Timestamp) -> Result<u64, StoreError> {
        let _writer = self.writer.lock().await;
        let old = audit::Column::At.lt(before.as_microsecond());
        audit::Entity::delete_many()
            .filter(old)
            .exec(&self.database)
            .await
            .map(|deleted| deleted.rows_affected)
            .map_err(|error| self.error(error))
    }

    /// Writes what became of an action, and what it brought for those who ask with the same key.
    pub async fn end_action(
        &self,
        id: i64,
        at: Timestamp,
        outcome: ActionOutcome,
        code: Option<&str>,
        payload: &Value,
    ) -> Result<(), StoreError> {
        let _writer = self.writer.lock().await;
        audit::Entity::update_many()
            .col_expr(audit::Column::Outcome, Expr::value(outcome.as_str()))
            .col_expr(audit::Column::Code, Expr::value(code.map(str::to_owned)))
            .col_expr(audit::Column::EndedAt, Expr::value(at.as_microsecond()))
            .col_expr(audit::Column::Payload, Expr::value(payload.to_string()))
            .filter(audit::Column::Id.eq(id))
            .exec(&self.database)
            .await
            .map(|_updated| ())
            .map_err(|error| self.error(error))
    }
}
