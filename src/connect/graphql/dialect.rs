//! How an upstream gives the items of its connections: needs and what is kept know `nodes` and `totalCount`, whatever it calls them.
//!
//! Aliases do most of it: `nodes: edges { node { … } }`, `totalCount: count`. What stands around each item is taken off again when the answer is there.

use std::fmt::Write as _;

use serde_json::Value;

use super::need::{Field, Need};
use crate::sdl::expr;
use crate::sdl::{ConnectionItems, Connections};

/// Around an item, in `edges`.
const ITEM: &str = "node";

/// Writes a field of a connection; true where its selection has an object around it, which is to be closed.
pub(super) fn open(field: &str, connections: &Connections, out: &mut String) -> Option<Opened> {
    match (field, connections.items) {
        ("nodes", ConnectionItems::Edges) => {
            let _infallible = write!(out, "nodes: edges {{ {ITEM}");
            Some(Opened::Items)
        }
        ("totalCount", _) if *connections.total != *field => {
            let _infallible = write!(out, "{field}: {}", connections.total);
            Some(Opened::Total)
        }
        _ => None,
    }
}

/// What was written in other words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// An object more is open.
    Items,
    Total,
}

/// Takes off what stands around items, in the value of `field`.
pub(super) fn unwrap(field: &Field, connections: &Connections, value: &mut Value) {
    if connections.items == ConnectionItems::Edges {
        unwrap_field(field, value);
    }
}

fn unwrap_field(field: &Field, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| unwrap_field(field, item)),
        Value::Object(_) => {
            if field.is_connection()
                && let Some(Value::Array(items)) = value.get_mut("nodes")
            {
                items.iter_mut().for_each(unwrap_item);
            }
            unwrap_members(&field.below, value);
        }
        _ => {}
    }
}

fn unwrap_members(need: &Need, value: &mut Value) {
    for (key, field) in &need.fields {
        if let Some(value) = value.get_mut(&**key).filter(|_| !field.is_leaf()) {
            unwrap_field(field, value);
        }
    }
}

/// Why one is null stays said.
fn unwrap_item(item: &mut Value) {
    if expr::fault_of(item).is_none()
        && let Some(inner) = item.get_mut(ITEM)
    {
        *item = inner.take();
    }
}
