//! Result coercion of leaves: what is no value of the type is an error, and null.

use std::borrow::Cow;

use serde_json::Value;

use super::{Null, Origin, Writer};
use crate::connect::Parent;
use crate::graph::marked_text;
use crate::graphql::error;
use crate::graphql::hole::SourceId;
use crate::graphql::input::shorten;
use crate::graphql::place::Place;
use crate::graphql::plan::{FieldId, Shape};
use crate::sdl::{Leaf, TypeShape};

impl Writer<'_> {
    /// The short way for what is met most, a text or a number of the type itself; false where it is anything else.
    pub(super) fn plain_leaf(&mut self, value: &Value, field: FieldId) -> bool {
        match (&self.scene.plan.field(field).shape, value) {
            (Shape::String | Shape::Id, Value::String(text)) if marked_text(text).is_none() => {
                error::string(text, &mut self.out);
            }
            (Shape::Int, Value::Number(number)) => match as_int(number) {
                Some(number) => {
                    let mut buffer = itoa::Buffer::new();
                    self.out.extend_from_slice(buffer.format(number).as_bytes());
                }
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Writes a leaf that is not null; a text that is kept elsewhere leaves a hole.
    pub(super) fn leaf(
        &mut self,
        value: &Value,
        shape: &Shape,
        nullable: bool,
        field: FieldId,
        origin: Origin<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let written = match (shape, value) {
            (Shape::Any, value) if origin.connector().is_some() => {
                let leaf = self.scene.plan.field(field).ty.shape;
                upstream_scalar(value, leaf, &mut self.out)
            }
            (Shape::String | Shape::Any, Value::String(text)) if marked_text(text).is_some() => {
                let parent = Parent::Texts(value.clone().into());
                self.hole(field, SourceId::Texts, parent, nullable, place);
                return Ok(());
            }
            (Shape::Any, Value::Array(_) | Value::Object(_)) if holds_text(value) => {
                let parent = Parent::Texts(value.clone().into());
                self.hole(field, SourceId::Texts, parent, nullable, place);
                return Ok(());
            }
            (Shape::Any, _)
            | (Shape::String | Shape::Id, Value::String(_))
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::Float, Value::Number(_)) => {
                error::value(value, &mut self.out);
                true
            }
            (Shape::String | Shape::Id, Value::Number(_) | Value::Bool(_)) => {
                error::string(&value.to_string(), &mut self.out);
                true
            }
            (Shape::Int, Value::Number(number)) => match as_int(number) {
                Some(number) => {
                    let mut buffer = itoa::Buffer::new();
                    self.out.extend_from_slice(buffer.format(number).as_bytes());
                    true
                }
                None => false,
            },
            (Shape::Enum(words), Value::String(word))
                if words.iter().any(|known| **known == **word) =>
            {
                error::string(word, &mut self.out);
                true
            }
            _ => false,
        };
        match written {
            true => Ok(()),
            false => {
                let named = &self.scene.plan.field(field).ty.named;
                let message = || format!("{} is no value of `{named}`", shorten(value));
                Err(self.misfit(message, field, origin, place))
            }
        }
    }
}

/// A custom scalar of an upstream: nobody has judged it before.
fn upstream_scalar(value: &Value, shape: TypeShape, out: &mut Vec<u8>) -> bool {
    match (shape, value) {
        (TypeShape::Leaf(Leaf::DateTime), Value::String(text)) => match in_utc(text) {
            Some(text) => error::string(&text, out),
            None => return false,
        },
        (TypeShape::Leaf(Leaf::String), Value::String(_)) | (TypeShape::Leaf(Leaf::Json), _) => {
            error::value(value, out);
        }
        _ => return false,
    }
    true
}

/// RFC 3339 in UTC; most upstreams write it so.
fn in_utc(text: &str) -> Option<Cow<'_, str>> {
    let parsed: jiff::Timestamp = text.parse().ok()?;
    Some(match text.ends_with('Z') && text.contains('T') {
        true => Cow::Borrowed(text),
        false => Cow::Owned(parsed.to_string()),
    })
}

fn as_int(number: &serde_json::Number) -> Option<i32> {
    match number.as_i64() {
        Some(number) => i32::try_from(number).ok(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the fraction is zero and the range is that of the type"
        )]
        None => number
            .as_f64()
            .filter(|float| {
                float.fract() == 0.0
                    && *float >= f64::from(i32::MIN)
                    && *float <= f64::from(i32::MAX)
            })
            .map(|float| float as i32),
    }
}

/// Whether a text within the value is kept elsewhere.
pub(crate) fn holds_text(value: &Value) -> bool {
    match value {
        Value::String(text) => marked_text(text).is_some(),
        Value::Array(items) => items.iter().any(holds_text),
        Value::Object(members) => members.values().any(holds_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
