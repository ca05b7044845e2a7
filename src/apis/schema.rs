//! Types of JSON Schema by name: `Payment`, `[Payment!]`.

use super::definition::{Schema, TypeNames};
use super::pointer;
use super::tree::{items, text};
use crate::catalog::yaml::{Content, Node};

/// How deep lists of lists, and choices within choices, are looked into.
const MAX_DEPTH: usize = 8;
/// So many names are told of one place.
const MOST_NAMES: usize = 16;

/// Adds the names of what a schema stands for; types without a name add nothing.
pub(super) fn names(schema: &Node<'_>, found: &mut TypeNames) {
    for name in of(schema, 0) {
        if found.len() < MOST_NAMES && !found.contains(&name) {
            found.push(name);
        }
    }
}

fn of(schema: &Node<'_>, depth: usize) -> TypeNames {
    if depth > MAX_DEPTH {
        return TypeNames::new();
    }
    if let Some(target) = pointer::reference(schema) {
        return pointer::name(target).into_iter().collect();
    }
    let choices: TypeNames = ["oneOf", "anyOf", "allOf"]
        .iter()
        .flat_map(|key| items(schema.get(key)))
        .take(MOST_NAMES)
        .flat_map(|choice| of(choice, depth + 1))
        .collect();
    if !choices.is_empty() {
        return choices;
    }
    match kind(schema).as_deref() {
        Some("array") => match schema.get("items") {
            Some(item) => {
                let each = of(item, depth + 1).into_iter();
                each.map(|name| format!("[{name}!]").into()).collect()
            }
            None => TypeNames::new(),
        },
        Some("object") | None => TypeNames::new(),
        Some(plain) => vec![plain.into()],
    }
}

/// The type that a schema states; of several the first that is not `null`.
fn kind(schema: &Node<'_>) -> Option<Box<str>> {
    match schema.get("type").map(|node| &node.value) {
        Some(Content::List(types)) => {
            let mut types = types.iter().filter_map(Node::as_str);
            types.find(|name| *name != "null").map(Into::into)
        }
        _ => text(schema, "type"),
    }
}

/// The schemas that a section names.
pub(super) fn list(section: Option<&Node<'_>>) -> Vec<Schema> {
    let entries = section.map(Node::entries).unwrap_or_default();
    entries
        .iter()
        .map(|entry| Schema {
            name: (&*entry.key).into(),
            kind: kind(&entry.value),
            description: text(&entry.value, "description").or_else(|| text(&entry.value, "title")),
        })
        .collect()
}
