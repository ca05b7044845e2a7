//! What the audit is told of an action.

use serde_json::Value;

use super::deeds::Deed;
use super::refused::Refused;
use crate::connect::scope::Scope;
use crate::connect::seam::LiveField;
use crate::store::{NewAction, StoreError};

/// The row of an action that is about to be carried out.
pub(super) fn new_action(
    field: &LiveField,
    input: &Value,
    scope: &Scope,
    deeds: &[Deed],
    at: jiff::Timestamp,
) -> NewAction {
    let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut arguments = match input {
        Value::Object(members) => members.clone(),
        _ => (*field.arguments).clone(),
    };
    arguments.remove("idempotencyKey");
    let mut arguments = Value::Object(arguments);
    mask(&mut arguments);
    // All are of one connector, and to one object.
    let deed = deeds.first();
    let subject = deed.and_then(|deed| deed.subject.as_ref());
    let entity = subject.and_then(|subject| subject.entity);
    let viewer = scope.viewer.as_deref();
    NewAction {
        at,
        viewer: viewer.map(Value::to_string).unwrap_or_default(),
        action: format!("{}.{}", field.type_name, field.name),
        arguments,
        connector: deed.map_or_else(String::new, |deed| deed.connect.connector.to_string()),
        instance: String::new(),
        subject: subject.and(text("id")),
        entity_ref: entity.map(|entity| scope.snapshot.entity_ref(entity).to_owned()),
        idempotency_key: text("idempotencyKey").filter(|key| !key.is_empty()),
    }
}

/// Nothing that is called like a secret stands in the audit.
fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.to_lowercase();
                let secret = ["secret", "password", "token"];
                match secret.iter().any(|word| name.contains(word)) && !member.is_null() {
                    true => *member = "***".into(),
                    false => mask(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Nothing was asked of the upstream, as nobody would know of it.
pub(super) fn not_written(error: &StoreError) -> Refused {
    tracing::error!(%error, "an action was refused, as the audit cannot be written: {error}");
    let message = "the audit cannot be written, so nothing was done";
    Refused::new("INTERNAL_SERVER_ERROR", message)
}
