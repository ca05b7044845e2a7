//! Where entities keep their definitions: what the schema says, read off the Model.
//!
//! A field is one if its type has a field that asks for [`RESOLVER`]: so a kind of somebody's own may have definitions as well, under any name.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::shelf::Key;
use super::sniff;
use crate::graph::{Ix, Snapshot, marked_text};
use crate::sdl::expr::{Expr, Scope};
use crate::sdl::{ColumnSource, FieldSource, KindId, Leaf, Model};

/// What a definition's type asks for.
pub const RESOLVER: &str = "operations";

/// The definition of an entity, not loaded yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The name of the field in the graph.
    pub field: Box<str>,
    /// The path in the descriptor, where it is a plain one.
    pub path: Option<Box<str>>,
    pub text: PlacedText,
    /// What the entity calls the format.
    pub hint: Option<Box<str>>,
}

/// A text of a descriptor.
#[derive(Clone, Debug, PartialEq)]
pub enum PlacedText {
    /// Large, and kept by this hash.
    Stored(Box<str>),
    Here(Box<str>),
}

impl Place {
    /// What a reading of it depends on.
    pub fn key(&self) -> Key {
        Key {
            hash: match &self.text {
                PlacedText::Stored(hash) => hash.clone(),
                PlacedText::Here(text) => hex::encode(Sha256::digest(text.as_bytes())).into(),
            },
            hint: self.hint.clone(),
        }
    }

    /// The text in JSON, a large one by its marker.
    pub fn of_value(value: &Value) -> Option<PlacedText> {
        let text = value.as_str()?;
        Some(match marked_text(text) {
            Some(hash) => PlacedText::Stored(hash.into()),
            None => PlacedText::Here(text.into()),
        })
    }
}

/// The fields of a kind that hold definitions, and where.
pub fn fields(model: &Model, kind: KindId) -> Vec<(&str, &Expr)> {
    let Some(ty) = model.types.get(&model.kind_of(kind).type_name) else {
        return Vec::new();
    };
    let fields = ty.fields.values().filter_map(|field| {
        let FieldSource::Value(binding) = &field.source else {
            return None;
        };
        let mut members = model.types.get(&field.ty.named)?.fields.values();
        let holds = members.any(|member| match &member.source {
            FieldSource::Resolver(binding) => &*binding.name == RESOLVER,
            _ => false,
        });
        (holds && field.ty.list.is_none()).then_some((&*field.name, &binding.at))
    });
    fields.collect()
}

/// The kinds that have definitions.
pub fn kinds(model: &Model) -> Vec<KindId> {
    let all = (0_u16..)
        .zip(&model.kinds)
        .map(|(position, _)| KindId(position));
    all.filter(|kind| !fields(model, *kind).is_empty())
        .collect()
}

/// The definitions of an entity.
pub fn of_entity(snapshot: &Snapshot, ix: Ix) -> Vec<Place> {
    let model = snapshot.model();
    let Some(kind) = snapshot.kind(ix) else {
        return Vec::new();
    };
    let fields = fields(model, kind);
    if fields.is_empty() {
        return Vec::new();
    }
    of_descriptor(model, kind, &fields, &snapshot.descriptor(ix))
}

/// The same of a descriptor that is in no snapshot.
pub fn of_descriptor(
    model: &Model,
    kind: KindId,
    fields: &[(&str, &Expr)],
    descriptor: &Value,
) -> Vec<Place> {
    let hint = hint(model, kind, descriptor);
    let places = fields.iter().filter_map(|(field, at)| {
        let text = Place::of_value(&evaluate(at, descriptor))?;
        Some(Place {
            field: (*field).into(),
            path: at.as_plain_path().map(|path| path.join(".").into()),
            text,
            hint: hint.clone(),
        })
    });
    places.collect()
}

/// The first word of a descriptor's fields that names a format: `type: openapi`.
pub fn hint(model: &Model, kind: KindId, descriptor: &Value) -> Option<Box<str>> {
    let columns = model.kind_of(kind).columns.iter();
    let mut words = columns.filter_map(|(id, source)| match source {
        ColumnSource::Value(binding) if model.column(*id).leaf == Leaf::String => {
            let value = evaluate(&binding.at, descriptor);
            let word = value.as_str().filter(|word| sniff::is_known(word))?;
            Some(word.to_ascii_lowercase().into())
        }
        _ => None,
    });
    words.next()
}

fn evaluate(expr: &Expr, descriptor: &Value) -> Value {
    let scope = Scope {
        this: Some(descriptor),
        ..Scope::default()
    };
    expr.eval(&scope).into_owned()
}
