//! Column values out of a descriptor, once per entity.
//!
//! A value of the wrong type is no value: the descriptor's author reads of it in the problems, the graph stays well-typed.

use jiff::Timestamp;
use serde_json::Value;

use super::Record;
use super::layout::{Layout, kind_code};
use super::rows::NewRow;
use super::value::push_json_string;
use crate::sdl::expr::Scope;
use crate::sdl::{Column, ColumnSource, EngineValue, Leaf, Model, ValueBinding};

/// Room for one value after the other.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    json: Vec<u8>,
    /// The time that was written last: what came together has the same.
    moment: Option<(Timestamp, String)>,
}

/// Fills `row` with what the snapshot keeps of `record`.
pub(super) fn extract(
    model: &Model,
    layout: &Layout,
    record: &Record,
    scratch: &mut Scratch,
    row: &mut NewRow,
) {
    let kind = kind_code(record.kind);
    row.start(kind, record.entity_ref.as_str());
    row.push(&record.id);
    for (id, source) in layout.kept(kind) {
        scratch.json.clear();
        match source {
            ColumnSource::Engine(value) => scratch.write_engine(record, *value),
            ColumnSource::Value(binding) => {
                let column = model.column(*id);
                write_value(column, binding, &record.descriptor, &mut scratch.json);
            }
        }
        // What was written is JSON, and JSON is UTF-8.
        row.push(std::str::from_utf8(&scratch.json).unwrap_or_default());
    }
}

impl Scratch {
    fn write_engine(&mut self, record: &Record, value: EngineValue) {
        match value {
            EngineValue::Id => push_json_string(&mut self.json, &record.id),
            EngineValue::Ref => push_json_string(&mut self.json, record.entity_ref.as_str()),
            EngineValue::CreatedAt => self.write_moment(record.created_at),
            EngineValue::UpdatedAt => self.write_moment(record.updated_at),
        }
    }

    fn write_moment(&mut self, at: Timestamp) {
        let same = self.moment.take().filter(|(last, _)| *last == at);
        let (_, text) = self
            .moment
            .insert(same.unwrap_or_else(|| (at, at.to_string())));
        push_json_string(&mut self.json, text);
    }
}

/// The value of a JSON column, which no row keeps.
pub(super) fn json_value(binding: &ValueBinding, descriptor: &Value) -> Value {
    let scope = scope(descriptor);
    let value = binding.at.eval(&scope);
    match &binding.default {
        Some(default) if value.is_null() => default.eval(&scope).into_owned(),
        _ => value.into_owned(),
    }
}

fn scope(descriptor: &Value) -> Scope<'_, '_> {
    Scope {
        this: Some(descriptor),
        entity: Some(descriptor),
        ..Scope::default()
    }
}

/// Nothing is written where there is no value.
fn write_value(column: &Column, binding: &ValueBinding, descriptor: &Value, json: &mut Vec<u8>) {
    let scope = scope(descriptor);
    write_coerced(column, binding, &binding.at.eval(&scope), json);
    if json.is_empty()
        && let Some(default) = &binding.default
    {
        write_coerced(column, binding, &default.eval(&scope), json);
    }
}

fn write_coerced(column: &Column, binding: &ValueBinding, value: &Value, json: &mut Vec<u8>) {
    if !column.list {
        write_leaf(column.leaf, binding, value, json);
        return;
    }
    let Value::Array(items) = value else { return };
    json.push(b'[');
    for item in items {
        let end = json.len();
        if end > 1 {
            json.push(b',');
        }
        let start = json.len();
        write_leaf(column.leaf, binding, item, json);
        if json.len() == start {
            json.truncate(end);
        }
    }
    json.push(b']');
}

fn write_leaf(leaf: Leaf, binding: &ValueBinding, value: &Value, json: &mut Vec<u8>) {
    match (leaf, value) {
        (Leaf::String, Value::String(text)) => push_json_string(json, text),
        (Leaf::Enum, Value::String(word)) => {
            if let Some(word) = enum_value(binding, word) {
                push_json_string(json, word);
            }
        }
        (Leaf::DateTime, Value::String(text)) => {
            if let Ok(instant) = text.parse::<Timestamp>() {
                push_json_string(json, &instant.to_string());
            }
        }
        (Leaf::Boolean, Value::Bool(truth)) => {
            json.extend_from_slice(if *truth { b"true" } else { b"false" });
        }
        (Leaf::Int, Value::Number(number)) => {
            let whole = number.as_i64().or_else(|| {
                let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
                Some(float as i64)
            });
            if let Some(int) = whole.and_then(|whole| i32::try_from(whole).ok()) {
                json.extend_from_slice(itoa::Buffer::new().format(int).as_bytes());
            }
        }
        (Leaf::Float, Value::Number(number)) => {
            json.extend_from_slice(number.to_string().as_bytes());
        }
        _ => {}
    }
}

/// The GraphQL enum value for a descriptor's word.
fn enum_value<'a>(binding: &'a ValueBinding, word: &'a str) -> Option<&'a str> {
    if binding.cases.is_empty() {
        return Some(word);
    }
    let case = binding.cases.iter().find(|(from, _)| **from == *word);
    case.map(|(_, to)| to)
        .or(binding.otherwise.as_ref())
        .map(|to| &**to)
}
