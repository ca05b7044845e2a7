//! What changed: to another API, or since an earlier revision.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Definitions;
use crate::apis::{self, Place, place};
use crate::catalog::EntityRef;
use crate::connect::{Answer, Fetched, Group, Parent};
use crate::graph::{Ix, Snapshot};
use crate::graphql::error::{Code, FieldError};
use crate::graphql::resolve::reference;
use crate::graphql::scalars;
use crate::graphql::stored::{answer, expired, internal};
use crate::store::ChangeQuery;
use crate::tasks;

/// One side of a comparison.
struct Side {
    text: Arc<str>,
    hint: Option<Box<str>>,
    version: Option<Box<str>>,
}

impl Definitions {
    pub(super) async fn diffs(&self, group: &Group) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(group.parents.len());
        for parent in &group.parents {
            let found = match parent {
                Parent::Within(ix, value) => self.diff(group, *ix, value).await,
                _ => Ok(Value::Null),
            };
            answers.push(answer(found.map(Fetched::Value)));
        }
        answers
    }

    async fn diff(&self, group: &Group, ix: Ix, value: &Value) -> Result<Value, FieldError> {
        let snapshot = &group.scope.snapshot;
        let arguments = &group.field.arguments;
        let given = |name: &str| arguments.get(name).filter(|value| !value.is_null());
        let own = place::of_entity(snapshot, ix).into_iter();
        let text = Place::of_value(value);
        let Some(own) = own
            .into_iter()
            .find(|place| Some(&place.text) == text.as_ref())
        else {
            return Ok(Value::Null);
        };
        let (old, new) = match (given("to"), given("revision")) {
            (Some(to), None) => (own, there(snapshot, to)?),
            (None, Some(revision)) => {
                let revision = scalars::revision(revision).unwrap_or_default();
                (self.before(snapshot, ix, &own, revision).await?, own)
            }
            _ => return Err(FieldError::input("give either `to` or `revision`")),
        };
        let (old, new) = (self.side(&old).await?, self.side(&new).await?);
        let versions = (old.version.clone(), new.version.clone());
        let compared = tasks::blocking("comparing definitions", move || {
            apis::diff(
                (&old.text, old.hint.as_deref()),
                (&new.text, new.hint.as_deref()),
            )
        });
        match compared.await {
            Ok(Ok(changes)) => Ok(json!({
                "breaking": changes.iter().any(|change| change.breaking),
                "fromVersion": versions.0,
                "toVersion": versions.1,
                "changes": changes.iter().map(change).collect::<Vec<_>>(),
            })),
            Ok(Err(why)) => Err(FieldError::new(Code::BadValue, why.to_string())),
            Err(error) => {
                tracing::error!(%error, "two definitions could not be compared: {error}");
                Err(FieldError::new(
                    Code::Internal,
                    "the definitions could not be compared",
                ))
            }
        }
    }

    async fn side(&self, place: &Place) -> Result<Side, FieldError> {
        let text = self.text(&place.text).await?;
        if text.len() > self.shelf.max_bytes() {
            let message = self.shelf.refusal(text.len());
            return Err(FieldError::new(Code::LimitExceeded, message));
        }
        let read = self.load(place).await?;
        Ok(Side {
            text,
            hint: place.hint.clone(),
            version: read.version.clone(),
        })
    }

    /// The definition as it was at a revision: what the next change behind it keeps.
    async fn before(
        &self,
        snapshot: &Snapshot,
        ix: Ix,
        own: &Place,
        revision: u64,
    ) -> Result<Place, FieldError> {
        let oldest = self.store.oldest_revision().await;
        let oldest = oldest.map_err(|error| internal(&error))?;
        if revision.saturating_add(1) < oldest {
            return Err(expired(oldest, &revision.to_string()));
        }
        let query = ChangeQuery {
            entity_ref: Some(EntityRef::from_canonical(snapshot.entity_ref(ix))),
            after_revision: Some(revision),
            limit: 1,
            ..ChangeQuery::default()
        };
        let changes = self.store.changes(&query).await;
        let changes = changes.map_err(|error| internal(&error))?;
        let Some((_, next)) = changes.first() else {
            // Nothing happened since.
            return Ok(own.clone());
        };
        let model = snapshot.model();
        let found = snapshot.kind(ix).zip(next.before.as_ref());
        let found = found.and_then(|(kind, descriptor)| {
            let fields = place::fields(model, kind);
            let places = place::of_descriptor(model, kind, &fields, descriptor);
            places.into_iter().find(|place| place.field == own.field)
        });
        found.ok_or_else(|| {
            FieldError::input(format!("there was no definition at revision {revision}"))
        })
    }
}

/// The definition of another entity.
fn there(snapshot: &Snapshot, to: &Value) -> Result<Place, FieldError> {
    let to = reference(Some(to), None, "to")?;
    let found = snapshot.find(to.as_str()).filter(|ix| snapshot.exists(*ix));
    let mut places = found.map_or_else(Vec::new, |ix| place::of_entity(snapshot, ix));
    match places.is_empty() {
        false => Ok(places.swap_remove(0)),
        true => Err(FieldError::input(format!(
            "`to`: there is no definition of `{to}`"
        ))),
    }
}

fn change(change: &apis::Change) -> Value {
    json!({
        "kind": change.kind.as_str(),
        "path": change.path,
        "description": change.description,
        "breaking": change.breaking,
    })
}
