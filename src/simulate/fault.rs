//! Faults that tests switch on: what upstreams do on bad days.

use std::time::Duration;

use serde_json::{Value, json};

/// What is wrong with every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It comes late.
    Delay(Duration),
    /// It never comes; the connection stays open.
    Silence,
    /// The connection ends in the middle of the body.
    Reset,
    /// Half of the JSON, with a length that fits.
    Truncated,
    /// What is no JSON, and says that it is.
    Garbage,
    /// A page for people, with status 200.
    Html,
    /// A status, and perhaps `Retry-After` as it stands in the header.
    Status {
        status: u16,
        retry_after: Option<String>,
    },
    /// A body without an end.
    Endless,
    /// The value at one leaf of the JSON is of another type; counted from 0 in document order.
    WrongType { leaf: usize },
    /// Somewhere else.
    Redirect { to: String },
}

/// Puts a value of another type at the leaf that is number `leaf`; false if there are fewer.
pub fn wrong_type(value: &mut Value, leaf: usize) -> bool {
    let mut left = leaf;
    visit(value, &mut left)
}

fn visit(value: &mut Value, left: &mut usize) -> bool {
    match value {
        Value::Object(members) => members.values_mut().any(|value| visit(value, left)),
        Value::Array(items) => items.iter_mut().any(|value| visit(value, left)),
        leaf if *left == 0 => {
            *leaf = match leaf {
                Value::String(_) => json!({ "unexpected": [1, 2] }),
                Value::Null | Value::Bool(_) | Value::Number(_) => json!([{ "unexpected": true }]),
                Value::Array(_) | Value::Object(_) => Value::Null,
            };
            true
        }
        _ => {
            *left -= 1;
            false
        }
    }
}
