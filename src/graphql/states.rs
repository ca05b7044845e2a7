//! `Entity.live`: what became of the live fields of an entity in this request.
//!
//! Its holes wait until nothing else is under way, and then tell what the sources recorded in the request's [`Scope`].
//! Live fields that the request did not ask for are asked for now, with their default arguments.

use std::collections::HashSet;
use std::sync::Arc;

use apollo_compiler::schema::ExtendedType;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Map, Value, json};

use super::error::FieldError;
use super::input;
use crate::connect::{
    Answer, Fault, Fetched, Group, LiveField, LiveSource, Outcome, Parent, Scope, State,
};
use crate::diagnostic::closest;
use crate::graph::Ix;
use crate::sdl::{FieldSource, GENERIC_ENTITY, LiveBinding, Model, TypeDef};

/// Answers the holes of `group`, which are `live` fields of entities.
pub(crate) fn answer(
    group: Group,
    live: Option<&dyn LiveSource>,
) -> BoxFuture<'static, Vec<Answer>> {
    let model = Arc::clone(group.scope.snapshot.model());
    let parents: Vec<Result<Vec<Arc<str>>, FieldError>> = group
        .parents
        .iter()
        .map(|parent| wanted(&model, &group.scope, &group.field, parent))
        .collect();
    let missing = missing(&model, &group, &parents);
    let asked = live.map(|live| live.fetch(missing)).unwrap_or_default();
    let configured = live.is_some();
    async move {
        // What they bring is in the outcomes.
        join_all(asked).await;
        let outcomes = group.scope.outcomes();
        let rows = group.parents.iter().zip(parents).map(|(parent, wanted)| {
            let states = wanted.map(|fields| match parent {
                Parent::Entity(ix) => {
                    let ty = type_of(&model, &group.scope, *ix);
                    let rows = fields
                        .iter()
                        .flat_map(|field| states(ty, *ix, field, &outcomes, configured));
                    rows.collect()
                }
                Parent::Root
                | Parent::Live(_)
                | Parent::Object(_)
                | Parent::Within(..)
                | Parent::Texts(_) => Value::Array(Vec::new()),
            });
            match states {
                Ok(states) => Answer::from(Fetched::Value(states)),
                Err(error) => Fault::from(error).into(),
            }
        });
        rows.collect()
    }
    .boxed()
}

fn type_of<'m>(model: &'m Model, scope: &Scope, ix: Ix) -> Option<&'m TypeDef> {
    let name = match scope.snapshot.kind(ix) {
        Some(kind) => &*model.kind_of(kind).type_name,
        None => GENERIC_ENTITY,
    };
    model.types.get(name)
}

fn live_fields(ty: Option<&TypeDef>) -> impl Iterator<Item = (&Arc<str>, &LiveBinding)> {
    let fields = ty.into_iter().flat_map(|ty| &ty.fields);
    fields.filter_map(|(name, field)| match &field.source {
        FieldSource::Live(binding) => Some((name, binding)),
        _ => None,
    })
}

/// The live fields that are reported on: all of the entity's type, or those that the argument names.
fn wanted(
    model: &Model,
    scope: &Scope,
    field: &LiveField,
    parent: &Parent,
) -> Result<Vec<Arc<str>>, FieldError> {
    let Parent::Entity(ix) = parent else {
        return Ok(Vec::new());
    };
    let ty = type_of(model, scope, *ix);
    let Some(named) = field.arguments.get("fields").and_then(Value::as_array) else {
        return Ok(live_fields(ty).map(|(name, _)| Arc::clone(name)).collect());
    };
    let mut found = Vec::with_capacity(named.len());
    for name in named.iter().filter_map(Value::as_str) {
        match live_fields(ty).find(|(known, _)| ***known == *name) {
            Some((known, _)) => found.push(Arc::clone(known)),
            None => return Err(unknown(ty, name)),
        }
    }
    Ok(found)
}

fn unknown(ty: Option<&TypeDef>, name: &str) -> FieldError {
    let known: Vec<&str> = live_fields(ty).map(|(name, _)| &**name).collect();
    let type_name = ty.map_or(GENERIC_ENTITY, |ty| &*ty.name);
    let hint = match closest(name, known.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("it has {}", known.join(", ")),
    };
    let name = input::shorten(&name.into());
    FieldError::input(format!(
        "`fields`: `{type_name}` has no live field {name}; {hint}"
    ))
}

/// What this request did not ask for yet, field by field.
fn missing(
    model: &Model,
    group: &Group,
    parents: &[Result<Vec<Arc<str>>, FieldError>],
) -> Vec<Group> {
    let scope = &group.scope;
    let outcomes = scope.outcomes();
    let mut known: HashSet<(Ix, &str)> = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.entity?, &*outcome.field)))
        .collect();
    let mut groups: Vec<Group> = Vec::new();
    for (parent, fields) in group.parents.iter().zip(parents) {
        let (Parent::Entity(ix), Ok(fields)) = (parent, fields) else {
            continue;
        };
        let ty = type_of(model, scope, *ix);
        for (name, binding) in live_fields(ty).filter(|(name, _)| fields.contains(name)) {
            if !known.insert((*ix, &**name)) {
                continue;
            }
            let same = |group: &&mut Group| {
                group.field.name == *name && ty.is_some_and(|ty| ty.name == group.field.type_name)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.parents.push(parent.clone()),
                None => groups.extend(ty.map(|ty| Group {
                    field: Arc::new(default_field(model, ty, name, binding)),
                    parents: vec![parent.clone()],
                    scope: Arc::clone(scope),
                })),
            }
        }
    }
    groups
}

/// A live field as if it were selected without arguments.
fn default_field(model: &Model, ty: &TypeDef, name: &Arc<str>, binding: &LiveBinding) -> LiveField {
    LiveField {
        type_name: Arc::clone(&ty.name),
        name: Arc::clone(name),
        arguments: Arc::new(defaults(model, &ty.name, name)),
        binding: Some(Arc::new(binding.clone())),
        ..LiveField::default()
    }
}

fn defaults(model: &Model, type_name: &str, field: &str) -> Map<String, Value> {
    let Some(ExtendedType::Object(ty)) = model.schema.types.get(type_name) else {
        return Map::new();
    };
    let Some(field) = ty.fields.get(field) else {
        return Map::new();
    };
    // A live field with an argument that must be given is not asked for here: its requests would be incomplete.
    input::arguments(&model.schema, &field.arguments, &[], &|_| None).unwrap_or_default()
}

/// The rows of one field, by connector and instance.
fn states(
    ty: Option<&TypeDef>,
    ix: Ix,
    field: &str,
    outcomes: &[Outcome],
    configured: bool,
) -> Vec<Value> {
    let of_field = outcomes
        .iter()
        .filter(|outcome| outcome.entity == Some(ix) && *outcome.field == *field);
    let mut found: Vec<&Outcome> = of_field.collect();
    if !found.is_empty() {
        found.sort_by(|one, other| {
            (&one.connector, &one.instance).cmp(&(&other.connector, &other.instance))
        });
        // A field may be selected more than once; the last word on it counts.
        let last = found.iter().enumerate().filter(|(position, outcome)| {
            let next = found.get(position + 1);
            next.is_none_or(|next| {
                (&next.connector, &next.instance) != (&outcome.connector, &outcome.instance)
            })
        });
        return last.map(|(_, outcome)| state_of(outcome)).collect();
    }
    let binding = live_fields(ty).find(|(name, _)| ***name == *field);
    let connectors = binding.map_or_else(Vec::new, |(_, binding)| providers(binding));
    let hint = match (connectors.is_empty(), configured) {
        (true, _) => "no connector that is here gives this field",
        (false, true) => "nothing was asked",
        (false, false) => "connectors are not run here",
    };
    let row = |connector: Option<&str>| {
        json!({
            "field": field,
            "connector": connector,
            "state": State::NotConfigured.as_str(),
            "hint": hint,
        })
    };
    match connectors.is_empty() {
        true => vec![row(None)],
        false => connectors.iter().map(|name| row(Some(name))).collect(),
    }
}

/// The connectors that give a field.
fn providers(binding: &LiveBinding) -> Vec<Arc<str>> {
    let own = binding.connect.iter().map(|connect| &connect.connector);
    let suppliers = binding.suppliers.iter();
    let suppliers = suppliers.map(|supplier| &supplier.connector);
    let mut found: Vec<Arc<str>> = own.chain(suppliers).cloned().collect();
    found.sort();
    found.dedup();
    found
}

fn state_of(outcome: &Outcome) -> Value {
    json!({
        "field": *outcome.field,
        "connector": *outcome.connector,
        "instance": (!outcome.instance.is_empty()).then_some(&*outcome.instance),
        "state": outcome.state.as_str(),
        "fetchedAt": outcome.fetched_at.map(|at| at.to_string()),
        "code": outcome.code,
        "retryAt": outcome.retry_at.map(|at| at.to_string()),
        "hint": outcome.hint.as_deref(),
    })
}
