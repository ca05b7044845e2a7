//! JSON Schemas of two texts: what one side sends and the other has to understand.
//!
//! In a request the API must go on taking what it took; in a response it must go on giving what it gave.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Changes;
use crate::apis::pointer::{self, followed};
use crate::apis::tree::{is_true, items, scalar, text};
use crate::catalog::yaml::{Content, Node};

/// Who sends what a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    /// Those who use the API.
    Request,
    /// The API.
    Response,
}

/// How deep schemas are compared; what nests deeper is mostly a circle by other means.
const MAX_DEPTH: usize = 24;
/// How many pairs of schemas are compared.
const MOST_PAIRS: usize = 20_000;

/// Compares schemas, each pair of references once.
pub(super) struct Comparer<'c, 'a> {
    pub(super) old: &'c Node<'a>,
    pub(super) new: &'c Node<'a>,
    pub(super) changes: &'c mut Changes,
    seen: HashSet<(usize, usize, Side)>,
}

impl<'c, 'a> Comparer<'c, 'a> {
    pub(super) fn new(old: &'c Node<'a>, new: &'c Node<'a>, changes: &'c mut Changes) -> Self {
        Self {
            old,
            new,
            changes,
            seen: HashSet::new(),
        }
    }

    pub(super) fn compare(
        &mut self,
        old: &'c Node<'a>,
        new: &'c Node<'a>,
        side: Side,
        path: &str,
        depth: usize,
    ) {
        let name = pointer::reference(new).and_then(pointer::name);
        let path = match (&name, depth) {
            // What is shared has one name, wherever it is met.
            (Some(name), _) => name.to_string(),
            (None, _) => path.to_owned(),
        };
        let (Some(old), Some(new)) = (followed(self.old, old), followed(self.new, new)) else {
            return;
        };
        let pair = (
            std::ptr::from_ref(old).addr(),
            std::ptr::from_ref(new).addr(),
            side,
        );
        if depth > MAX_DEPTH || self.seen.len() > MOST_PAIRS || !self.seen.insert(pair) {
            return;
        }
        self.types(old, new, side, &path);
        self.values(old, new, side, &path);
        if side == Side::Request {
            self.bounds(old, new, &path);
        }
        self.members(old, new, side, &path, depth);
        if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
            self.compare(old, new, side, &format!("{path}[]"), depth + 1);
        }
        if let (Some(old), Some(new)) = (
            old.get("additionalProperties"),
            new.get("additionalProperties"),
        ) {
            self.compare(old, new, side, &format!("{path}.*"), depth + 1);
        }
        self.choices(old, new, side, &path, depth);
    }

    fn types(&mut self, old: &Node<'_>, new: &Node<'_>, side: Side, path: &str) {
        let (old, new) = (types(old), types(new));
        if old == new || old.is_empty() && side == Side::Response {
            return;
        }
        let holds = |wide: &BTreeSet<String>, narrow: &BTreeSet<String>| {
            let holds =
                |ty: &String| wide.contains(ty) || ty == "integer" && wide.contains("number");
            wide.is_empty() || !narrow.is_empty() && narrow.iter().all(holds)
        };
        let breaking = match side {
            Side::Request => !holds(&new, &old),
            Side::Response => !holds(&old, &new),
        };
        let shown = |types: &BTreeSet<String>| match types.is_empty() {
            true => "anything".to_owned(),
            false => {
                let types: Vec<String> = types.iter().map(|ty| format!("`{ty}`")).collect();
                types.join(" or ")
            }
        };
        let message = format!("changed from {} to {}", shown(&old), shown(&new));
        self.changes.changed(breaking, path, message);
    }

    /// Closed sets of values.
    fn values(&mut self, old: &Node<'_>, new: &Node<'_>, side: Side, path: &str) {
        let values = |node: &Node<'_>| -> Option<BTreeSet<Box<str>>> {
            let list = node.get("enum")?;
            Some(items(Some(list)).iter().filter_map(scalar).collect())
        };
        match (values(old), values(new)) {
            (Some(old), Some(new)) => {
                for value in old.difference(&new) {
                    let message = format!("the value `{value}` was removed");
                    self.changes.changed(side == Side::Request, path, message);
                }
                for value in new.difference(&old) {
                    let message = format!("the value `{value}` was added");
                    self.changes.changed(false, path, message);
                }
            }
            (None, Some(_)) => {
                let message = "only some values are left of all";
                self.changes.changed(side == Side::Request, path, message);
            }
            (Some(_), None) => {
                let message = "any value may stand here, and not only some";
                self.changes.changed(side == Side::Response, path, message);
            }
            (None, None) => {}
        }
    }

    /// What a request may hold at the least and at the most.
    fn bounds(&mut self, old: &Node<'_>, new: &Node<'_>, path: &str) {
        let number = |node: &Node<'_>, key: &str| match node.get(key).map(|node| &node.value) {
            Some(Content::Number(number)) => number.as_f64(),
            _ => None,
        };
        let most = [
            "maxLength",
            "maximum",
            "exclusiveMaximum",
            "maxItems",
            "maxProperties",
        ];
        let least = [
            "minLength",
            "minimum",
            "exclusiveMinimum",
            "minItems",
            "minProperties",
        ];
        let both = most
            .iter()
            .map(|key| (key, true))
            .chain(least.iter().map(|key| (key, false)));
        for (key, is_most) in both {
            let (before, after) = (number(old, key), number(new, key));
            let narrower = match (before, after) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(before), Some(after)) if is_most => after < before,
                (Some(before), Some(after)) => after > before,
            };
            if narrower && let Some(after) = after {
                self.changes
                    .changed(true, path, format!("`{key}` is {after} now"));
            }
        }
        for key in ["pattern", "format"] {
            let (before, after) = (text(old, key), text(new, key));
            if let Some(after) = after.filter(|after| before.as_ref() != Some(after)) {
                self.changes
                    .changed(true, path, format!("`{key}` is `{after}` now"));
            }
        }
    }

    fn members(
        &mut self,
        old: &'c Node<'a>,
        new: &'c Node<'a>,
        side: Side,
        path: &str,
        depth: usize,
    ) {
        let (mut before, mut after) = (Members::default(), Members::default());
        before.collect(self.old, old, 0);
        after.collect(self.new, new, 0);
        for (name, schema) in &before.properties {
            let path = format!("{path}.{name}");
            match after.properties.get(name) {
                Some(next) => self.compare(schema, next, side, &path, depth + 1),
                None => {
                    let closed = matches!(
                        new.get("additionalProperties").map(|node| &node.value),
                        Some(Content::Bool(false))
                    );
                    self.changes.removed(side == Side::Response || closed, path);
                }
            }
        }
        for name in after.properties.keys() {
            if !before.properties.contains_key(name) {
                let must = after.required.contains(name) && side == Side::Request;
                let message = if must { "added, and required" } else { "added" };
                self.changes.added(must, format!("{path}.{name}"), message);
            }
        }
        for name in after.required.difference(&before.required) {
            if before.properties.contains_key(name) || !after.properties.contains_key(name) {
                let message = "required now";
                self.changes
                    .changed(side == Side::Request, format!("{path}.{name}"), message);
            }
        }
        for name in before.required.difference(&after.required) {
            if after.properties.contains_key(name) {
                let message = "no longer required";
                self.changes
                    .changed(side == Side::Response, format!("{path}.{name}"), message);
            }
        }
    }

    /// Alternatives, by the names that references give them.
    fn choices(
        &mut self,
        old: &'c Node<'a>,
        new: &'c Node<'a>,
        side: Side,
        path: &str,
        depth: usize,
    ) {
        for key in ["oneOf", "anyOf"] {
            let (before, after) = (named(items(old.get(key))), named(items(new.get(key))));
            if before.is_empty() || after.is_empty() {
                continue;
            }
            for (name, schema) in &before {
                match after.get(name) {
                    Some(next) => self.compare(schema, next, side, path, depth + 1),
                    None => {
                        let message = format!("the alternative `{name}` was removed");
                        self.changes.changed(side == Side::Request, path, message);
                    }
                }
            }
            for name in after.keys().filter(|name| !before.contains_key(*name)) {
                let message = format!("the alternative `{name}` was added");
                self.changes.changed(false, path, message);
            }
        }
    }
}

fn named<'n, 'a>(choices: &'n [Node<'a>]) -> BTreeMap<String, &'n Node<'a>> {
    let choices = choices.iter().enumerate().map(|(position, choice)| {
        let name = pointer::reference(choice).and_then(pointer::name);
        let name = name.map_or_else(|| (position + 1).to_string(), String::from);
        (name, choice)
    });
    choices.collect()
}

/// The types that a schema lets through; none: all.
fn types(schema: &Node<'_>) -> BTreeSet<String> {
    let mut types: BTreeSet<String> = match schema.get("type") {
        Some(node) if node.as_str().is_some() => {
            scalar(node).into_iter().map(String::from).collect()
        }
        list => items(list)
            .iter()
            .filter_map(scalar)
            .map(String::from)
            .collect(),
    };
    if !types.is_empty() && is_true(schema, "nullable") {
        types.insert("null".to_owned());
    }
    types
}

/// The properties of a schema with those of all that it is put together from.
#[derive(Default)]
struct Members<'n, 'a> {
    properties: BTreeMap<String, &'n Node<'a>>,
    required: BTreeSet<String>,
}

impl<'n, 'a> Members<'n, 'a> {
    fn collect(&mut self, root: &'n Node<'a>, schema: &'n Node<'a>, depth: usize) {
        let Some(schema) = followed(root, schema) else {
            return;
        };
        let properties = schema.get("properties").map(Node::entries);
        for entry in properties.unwrap_or_default() {
            self.properties.insert(entry.key.to_string(), &entry.value);
        }
        let required = items(schema.get("required")).iter();
        self.required
            .extend(required.filter_map(scalar).map(String::from));
        if depth < MAX_DEPTH {
            for part in items(schema.get("allOf")) {
                self.collect(root, part, depth + 1);
            }
        }
    }
}
