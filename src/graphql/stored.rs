//! What is in the store and not in the snapshot: large texts and the change log.
//!
//! The first sources behind the seam for live fields.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::arguments::DEFAULT_PAGE;
use super::error::{Code, FieldError};
use super::scalars;
use crate::catalog::EntityRef;
use crate::connect::{Answer, Fault, Fetched, FetchedPage, Group, Item, LiveSource, Parent};
use crate::graph::{Ix, Snapshot, marked_text};
use crate::store::{Change, ChangeQuery, Operation, Store, StoreError};

/// Texts that descriptors hold by hash.
#[derive(Clone, Debug)]
pub(crate) struct Texts(pub(crate) Store);

impl LiveSource for Texts {
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let each = groups.into_iter().map(|group| {
            let store = self.0.clone();
            async move { texts(&store, &group.parents).await }.boxed()
        });
        each.collect()
    }
}

async fn texts(store: &Store, parents: &[Parent]) -> Vec<Answer> {
    let mut hashes = Vec::new();
    for parent in parents {
        if let Parent::Texts(value) = parent {
            collect_hashes(value, &mut hashes);
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    match store.texts(&hashes).await {
        Ok(texts) => parents
            .iter()
            .map(|parent| match parent {
                Parent::Texts(value) => answer(with_texts(value, &texts).map(Fetched::Value)),
                Parent::Root
                | Parent::Entity(_)
                | Parent::Live(_)
                | Parent::Object(_)
                | Parent::Within(..) => {
                    answer(Err(FieldError::new(Code::Internal, "this holds no text")))
                }
            })
            .collect(),
        Err(error) => failed(&error, parents.len()),
    }
}

fn collect_hashes(value: &Value, hashes: &mut Vec<String>) {
    match value {
        Value::String(text) => hashes.extend(marked_text(text).map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| collect_hashes(item, hashes)),
        Value::Object(members) => members
            .values()
            .for_each(|member| collect_hashes(member, hashes)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value with its texts in place of their markers.
fn with_texts(value: &Value, texts: &HashMap<String, Arc<str>>) -> Result<Value, FieldError> {
    Ok(match value {
        Value::String(text) => match marked_text(text) {
            None => value.clone(),
            Some(hash) => match texts.get(hash) {
                Some(text) => Value::from(&**text),
                None => {
                    return Err(FieldError::new(
                        Code::Internal,
                        "the text is no longer in the store",
                    ));
                }
            },
        },
        Value::Array(items) => items
            .iter()
            .map(|item| with_texts(item, texts))
            .collect::<Result<_, _>>()?,
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| Ok((key.clone(), with_texts(member, texts)?)))
            .collect::<Result<Map<_, _>, FieldError>>()?
            .into(),
        other => other.clone(),
    })
}

/// `changes` at the root and `history` of an entity.
#[derive(Clone, Debug)]
pub(crate) struct Changes(pub(crate) Store);

impl LiveSource for Changes {
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let each = groups.into_iter().map(|group| {
            let store = self.0.clone();
            async move {
                let mut answers = Vec::with_capacity(group.parents.len());
                for parent in &group.parents {
                    answers.push(answer(changes(&store, &group, parent).await));
                }
                answers
            }
            .boxed()
        });
        each.collect()
    }
}

async fn changes(store: &Store, group: &Group, parent: &Parent) -> Result<Fetched, FieldError> {
    let arguments = &group.field.arguments;
    let mut query = match parent {
        Parent::Entity(ix) => ChangeQuery {
            entity_ref: Some(EntityRef::from_canonical(
                group.scope.snapshot.entity_ref(*ix),
            )),
            newest_first: true,
            ..ChangeQuery::default()
        },
        Parent::Root
        | Parent::Live(_)
        | Parent::Object(_)
        | Parent::Within(..)
        | Parent::Texts(_) => start(store, arguments).await?,
    };
    let total = match group.field.total {
        true => Some(
            store
                .count_changes(&query)
                .await
                .map_err(|error| internal(&error))?,
        ),
        false => None,
    };
    let size = |name: &str| {
        let size = arguments.get(name)?.as_u64()?;
        Some(u32::try_from(size).unwrap_or(u32::MAX))
    };
    let cursor = |name: &str| {
        let cursor = arguments.get(name).and_then(Value::as_str);
        cursor.map(read_cursor).transpose()
    };
    query.from_end = size("first").is_none() && size("last").is_some();
    let n = size("first")
        .or(size("last"))
        .unwrap_or(DEFAULT_PAGE as u32);
    query.limit = n.saturating_add(1);
    query.after = cursor("after")?;
    query.before = cursor("before")?;
    let mut found = store
        .changes(&query)
        .await
        .map_err(|error| internal(&error))?;
    let more = found.len() > n as usize;
    match query.from_end {
        true => drop(found.drain(..usize::from(more))),
        false => found.truncate(n as usize),
    }
    // What a cursor stands for was there, so there is something on its other side.
    let has_next = (more && !query.from_end) || query.before.is_some();
    let has_previous = (more && query.from_end) || query.after.is_some();
    Ok(Fetched::Page(FetchedPage {
        items: found
            .iter()
            .map(|(position, change)| {
                let cursor = format!("{}.{position}", change.revision).into();
                (
                    Item::Value(change_value(change, &group.scope.snapshot)),
                    cursor,
                )
            })
            .collect(),
        has_next,
        has_previous,
        total,
        complete: None,
    }))
}

/// Where `changes` begins: at a time or behind a revision, exactly one of them.
async fn start(store: &Store, arguments: &Map<String, Value>) -> Result<ChangeQuery, FieldError> {
    let given = |name: &str| arguments.get(name).filter(|value| !value.is_null());
    let oldest = store
        .oldest_revision()
        .await
        .map_err(|error| internal(&error))?;
    match (given("since"), given("sinceRevision")) {
        (Some(since), None) => {
            let since: Option<Timestamp> = since.as_str().and_then(|since| since.parse().ok());
            let gone = store.expired_until().await;
            let gone = gone.map_err(|error| internal(&error))?;
            if let (Some(since), Some(gone)) = (since, gone)
                && since <= gone
            {
                return Err(expired(oldest, &since.to_string()));
            }
            Ok(ChangeQuery {
                since,
                ..ChangeQuery::default()
            })
        }
        (None, Some(revision)) => {
            let revision = scalars::revision(revision).unwrap_or_default();
            if revision.saturating_add(1) < oldest {
                return Err(expired(oldest, &revision.to_string()));
            }
            Ok(ChangeQuery {
                after_revision: Some(revision),
                ..ChangeQuery::default()
            })
        }
        _ => Err(FieldError::input("give either `since` or `sinceRevision`")),
    }
}

pub(super) fn expired(oldest: u64, asked: &str) -> FieldError {
    let message = format!("changes are kept from revision {oldest} on; {asked} is older");
    FieldError::new(Code::HistoryExpired, message).with("oldestRevision", oldest)
}

fn read_cursor(cursor: &str) -> Result<(u64, u32), FieldError> {
    cursor
        .split_once('.')
        .and_then(|(revision, position)| Some((revision.parse().ok()?, position.parse().ok()?)))
        .ok_or_else(|| super::writer::bad_cursor(crate::graph::BadCursor))
}

/// A `Change`, as its fields read it.
fn change_value(change: &Change, snapshot: &Snapshot) -> Value {
    let operation = match change.operation {
        Operation::Created => "CREATED",
        Operation::Updated => "UPDATED",
        Operation::Renamed => "RENAMED",
        Operation::Removed => "REMOVED",
    };
    let entity: Option<Ix> = snapshot.find(change.entity_ref.as_str());
    json!({
        "revision": change.revision,
        "ref": change.entity_ref.as_str(),
        "operation": operation,
        "before": change.before,
        "after": change.after,
        "at": change.at.to_string(),
        "actor": change.actor.as_deref(),
        "source": *change.source,
        "entity": entity.map(|ix| ix.0),
    })
}

fn failed(error: &StoreError, n_answers: usize) -> Vec<Answer> {
    vec![answer(Err(internal(error))); n_answers]
}

pub(super) fn answer(result: Result<Fetched, FieldError>) -> Answer {
    match result {
        Ok(fetched) => fetched.into(),
        Err(error) => Fault::from(error).into(),
    }
}

/// The operator reads the whole of it, the client that it is our fault.
pub(super) fn internal(error: &StoreError) -> FieldError {
    tracing::error!(error = %error, "the store gave no answer to a query: {error}");
    FieldError::new(Code::Internal, "the catalog's store gave no answer")
}
