//! The relations that a descriptor states, both directions of each.
//!
//! Which fields hold references, under which types and with which default kind, is said by the Model's `@relation`s; that a bare name is in the namespace of the entity that writes it is Backstage's rule for all of them.

use serde_json::Value;

use super::{EntityRef, Relation};
use crate::sdl::expr::Scope;
use crate::sdl::{Emit, KindId, Model};

/// The relations that `descriptor` emits, both directions of each, sorted and without doubles.
///
/// References that cannot be parsed are left out: [`read`](super::read) lets no entity with one through.
pub fn relations(
    model: &Model,
    entity_ref: &EntityRef,
    kind: Option<KindId>,
    descriptor: &Value,
) -> Vec<Relation> {
    let Some(kind) = kind else {
        return Vec::new();
    };
    let mut relations = Vec::new();
    for emit in &model.kind_of(kind).emits {
        for text in references(emit, descriptor) {
            let namespace = entity_ref.namespace();
            let Ok(target) = EntityRef::parse(&text, emit.default_kind.as_deref(), namespace)
            else {
                continue;
            };
            if let Some(inverse) = emit.inverse {
                relations.push(Relation {
                    source: target.clone(),
                    relation: inverse,
                    target: entity_ref.clone(),
                });
            }
            relations.push(Relation {
                source: entity_ref.clone(),
                relation: emit.relation,
                target,
            });
        }
    }
    relations.sort_unstable();
    relations.dedup();
    relations
}

/// The texts that the field of `emit` holds, in the order written.
pub(super) fn references(emit: &Emit, descriptor: &Value) -> Vec<String> {
    let scope = Scope {
        this: Some(descriptor),
        ..Scope::default()
    };
    match emit.from.eval(&scope).as_ref() {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
