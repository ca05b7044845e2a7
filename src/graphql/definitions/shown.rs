//! Definitions as their fields in the graph read them.

use serde_json::{Map, Value, json};

use crate::apis::notation;
use crate::apis::{self, Definition, Operation, Problem, Schema, Server};
use crate::graph::{Ix, Part, PartId, ProblemRecord, Snapshot};
use crate::graphql::resolve::severity;

/// A member by its name.
pub(super) fn member(definition: &Definition, name: &str) -> Value {
    let text = |text: &Option<Box<str>>| Value::from(text.as_deref());
    match name {
        "format" => definition.format.map(apis::Format::as_str).into(),
        "formatVersion" => text(&definition.format_version),
        "version" => text(&definition.version),
        "title" => text(&definition.title),
        "description" => text(&definition.description),
        "servers" => definition.servers.iter().map(server).collect(),
        "schemas" => definition.schemas.iter().map(schema).collect(),
        "problems" => problems(definition, "", &[]),
        _ => Value::Null,
    }
}

fn server(server: &Server) -> Value {
    json!({
        "url": server.url,
        "name": server.name,
        "description": server.description,
        "protocol": server.protocol,
    })
}

fn schema(schema: &Schema) -> Value {
    json!({ "name": schema.name, "kind": schema.kind, "description": schema.description })
}

/// What is wrong in the definition of an entity, at the files where `placed` has it.
pub(super) fn problems(
    definition: &Definition,
    entity_ref: &str,
    placed: &[ProblemRecord],
) -> Value {
    let mut own: Vec<&ProblemRecord> = placed
        .iter()
        .filter(|known| {
            let of = known.entity_ref.as_ref();
            of.is_some_and(|of| of.as_str() == entity_ref)
        })
        .collect();
    let all = definition.problems.iter().map(|found| {
        // Both are in the order of their places, so the first that says the same is it.
        let at = own.iter().position(|known| {
            *known.code == *found.code && known.message.starts_with(found.message.as_str())
        });
        problem(found, at.map(|at| own.remove(at)))
    });
    all.collect()
}

fn problem(problem: &Problem, placed: Option<&ProblemRecord>) -> Value {
    json!({
        "file": placed.map(|placed| &*placed.file),
        "fileLine": placed.and_then(|placed| placed.line),
        "severity": severity(problem.severity),
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "line": problem.at.map(|at| at.line),
        "column": problem.at.map(|at| at.column),
    })
}

/// An `APIOperation` of an entity.
pub(super) fn operation(operation: &Operation, snapshot: &Snapshot, entity: Ix) -> Value {
    json!({
        "__typename": "APIOperation",
        "id": PartId::of(Part::Operation, snapshot.id(entity), &operation.key),
        "api": entity.0,
        "kind": operation.kind.as_str(),
        "method": operation.method,
        "path": operation.path,
        "channel": operation.channel,
        "action": operation.action.map(apis::Action::as_str),
        "rpc": operation.rpc,
        "field": operation.field,
        "name": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "tags": operation.tags,
        "deprecated": operation.deprecated,
        "request": operation.request,
        "response": operation.response,
    })
}

/// How a text is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    AsWritten,
    Json,
    Yaml,
}

impl Notation {
    pub(super) fn of(arguments: &Map<String, Value>) -> Self {
        match arguments.get("as").and_then(Value::as_str) {
            Some("JSON") => Self::Json,
            Some("YAML") => Self::Yaml,
            _ => Self::AsWritten,
        }
    }

    /// The text; as it is written where it has no other notation.
    pub(super) fn show(self, text: &str) -> Value {
        let shown = match self {
            Self::AsWritten => None,
            Self::Json => notation::as_json(text),
            Self::Yaml => notation::as_yaml(text),
        };
        shown.map_or_else(|| text.into(), Value::String)
    }
}
