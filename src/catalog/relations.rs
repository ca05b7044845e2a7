//! The relations that a descriptor states, both directions of each.
//!
//! Which fields hold references, under which types and with which default kind, is said by the Model's `@relation`s; that a bare name is in the namespace of the entity that writes it is Backstage's rule for all of them.

use serde_json::Value;

use super::problem::{item, member};
use super::{EntityRef, Relation};
use crate::sdl::expr::Scope;
use crate::sdl::{Emit, KindId, Model, RelationId};

/// The relations that `descriptor` emits, both directions of each; what it says twice comes twice.
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
    let namespace = entity_ref.namespace();
    for emit in &model.kind_of(kind).emits {
        each_reference(emit, descriptor, |text| {
            let Ok(target) = EntityRef::parse(text, emit.default_kind.as_deref(), namespace) else {
                return;
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
        });
    }
    relations
}

/// One reference of a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The path in the document (`spec.dependsOn[0]`), as [`Reference::field`](super::Reference::field).
    pub field: String,
    /// From the entity that states it.
    pub relation: RelationId,
    pub target: EntityRef,
}

/// What a descriptor states of others, reference by reference.
pub fn stated(
    model: &Model,
    entity_ref: &EntityRef,
    kind: KindId,
    descriptor: &Value,
) -> Vec<Stated> {
    let mut all = Vec::new();
    for emit in &model.kind_of(kind).emits {
        let mut index = 0;
        each_reference(emit, descriptor, |text| {
            let default_kind = emit.default_kind.as_deref();
            if let Ok(target) = EntityRef::parse(text, default_kind, entity_ref.namespace()) {
                all.push(Stated {
                    field: place(emit, index, descriptor),
                    relation: emit.relation,
                    target,
                });
            }
            index += 1;
        });
    }
    all
}

/// Where the reference number `index` of a field stands; the nearest place that can be told.
fn place(emit: &Emit, index: usize, descriptor: &Value) -> String {
    let reads = emit.from.reads();
    let path = match (emit.from.as_plain_path(), reads.first()) {
        (Some(path), _) => path,
        (None, Some(read)) => read.path.iter().map(AsRef::as_ref).collect(),
        (None, None) => Vec::new(),
    };
    let mut value = descriptor;
    let mut written = String::new();
    for step in path {
        let Some(inner) = value.get(step) else { break };
        value = inner;
        written = member(&written, step);
    }
    match value {
        Value::Array(items) if index < items.len() => item(&written, index),
        _ => written,
    }
}

/// Calls `take` with the texts that the field of `emit` holds, in the order written.
pub(super) fn each_reference(emit: &Emit, descriptor: &Value, mut take: impl FnMut(&str)) {
    let scope = Scope {
        this: Some(descriptor),
        ..Scope::default()
    };
    match emit.from.eval(&scope).as_ref() {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).for_each(take),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}
