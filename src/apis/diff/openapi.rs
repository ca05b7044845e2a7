//! OpenAPI: paths, operations, parameters, bodies, responses, security.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::{Comparer, Side};
use super::{Change, ChangeKind, Changes};
use crate::apis::openapi::METHODS;
use crate::apis::pointer::followed;
use crate::apis::tree::{is_true, items, scalar, text};
use crate::catalog::yaml::Node;

pub(super) fn diff(old: &Node<'_>, new: &Node<'_>) -> Vec<Change> {
    let mut changes = Changes::default();
    let before = operations(old);
    let after = operations(new);
    for (key, operation) in &before {
        match after.get(key) {
            None => changes.removed(true, operation.shown.as_str()),
            Some(next) => {
                let mut pair = Pair {
                    comparer: Comparer::new(old, new, &mut changes),
                    path: &next.shown,
                };
                pair.compare(operation, next);
            }
        }
    }
    for (key, operation) in &after {
        if !before.contains_key(key) {
            changes.added(false, operation.shown.as_str(), "added");
        }
    }
    changes.0
}

struct Operation<'n, 'a> {
    /// `GET /payments/{id}`
    shown: String,
    node: &'n Node<'a>,
    path: &'n Node<'a>,
}

/// By method and path, whatever the parameters in the path are called.
fn operations<'n, 'a>(root: &'n Node<'a>) -> BTreeMap<String, Operation<'n, 'a>> {
    let mut found = BTreeMap::new();
    for entry in root.get("paths").map(Node::entries).unwrap_or_default() {
        let Some(path) = followed(root, &entry.value) else {
            continue;
        };
        for member in path.entries() {
            if METHODS.contains(&&*member.key.to_ascii_lowercase()) {
                let method = member.key.to_ascii_uppercase();
                let operation = Operation {
                    shown: format!("{method} {}", entry.key),
                    node: &member.value,
                    path,
                };
                found.insert(format!("{method} {}", nameless(&entry.key)), operation);
            }
        }
    }
    found
}

/// `/payments/{id}` as `/payments/{}`.
fn nameless(path: &str) -> String {
    let mut steps = path.split('{');
    let first = steps.next().unwrap_or_default().to_owned();
    steps.fold(first, |path, step| {
        let rest = step.split_once('}').map_or("", |(_, rest)| rest);
        format!("{path}{{}}{rest}")
    })
}

struct Pair<'p, 'c, 'a> {
    comparer: Comparer<'c, 'a>,
    path: &'p str,
}

impl<'c, 'a> Pair<'_, 'c, 'a> {
    fn compare(&mut self, old: &Operation<'c, 'a>, new: &Operation<'c, 'a>) {
        self.parameters(old, new);
        self.bodies(old.node, new.node);
        self.responses(old.node, new.node);
        self.security(old.node, new.node);
        if is_true(new.node, "deprecated") && !is_true(old.node, "deprecated") {
            self.comparer
                .changes
                .changed(false, self.path, "deprecated");
        }
    }

    fn parameters(&mut self, old: &Operation<'c, 'a>, new: &Operation<'c, 'a>) {
        let before = parameters(self.comparer.old, old);
        let after = parameters(self.comparer.new, new);
        for ((place, name), parameter) in &before {
            let path = format!("{} {place} {name}", self.path);
            let Some(next) = after.get(&(place.clone(), name.clone())) else {
                self.comparer.changes.removed(false, path);
                continue;
            };
            let is_required = |node: &Node<'_>| is_true(node, "required");
            match (is_required(parameter), is_required(next)) {
                (false, true) => self.comparer.changes.changed(true, &*path, "required now"),
                (true, false) => self
                    .comparer
                    .changes
                    .changed(false, &*path, "no longer required"),
                _ => {}
            }
            let schema = |node: &'c Node<'a>| node.get("schema").unwrap_or(node);
            let (before, after) = (schema(parameter), schema(next));
            self.comparer
                .compare(before, after, Side::Request, &path, 0);
        }
        for ((place, name), parameter) in &after {
            if !before.contains_key(&(place.clone(), name.clone())) {
                let must = is_true(parameter, "required");
                let message = if must { "added, and required" } else { "added" };
                let path = format!("{} {place} {name}", self.path);
                self.comparer.changes.added(must, path, message);
            }
        }
    }

    fn bodies(&mut self, old: &'c Node<'a>, new: &'c Node<'a>) {
        let body = |root: &'c Node<'a>, node: &'c Node<'a>| {
            node.get("requestBody")
                .and_then(|body| followed(root, body))
        };
        let before = body(self.comparer.old, old);
        let after = body(self.comparer.new, new);
        let path = format!("{} request", self.path);
        match (before, after) {
            (None, Some(after)) => {
                let must = is_true(after, "required");
                let message = if must {
                    "a body was added, and is required"
                } else {
                    "a body was added"
                };
                self.comparer.changes.added(must, path, message);
            }
            (Some(_), None) => {
                let message = "the body was removed";
                self.comparer
                    .changes
                    .add(false, ChangeKind::Removed, path, message);
            }
            (Some(before), Some(after)) => {
                if is_true(after, "required") && !is_true(before, "required") {
                    self.comparer
                        .changes
                        .changed(true, &*path, "the body is required now");
                }
                self.contents(before, after, Side::Request, &path);
            }
            (None, None) => {}
        }
    }

    fn responses(&mut self, old: &'c Node<'a>, new: &'c Node<'a>) {
        let codes = |node: &'c Node<'a>| -> BTreeMap<String, &'c Node<'a>> {
            let responses = node.get("responses").map(Node::entries).unwrap_or_default();
            let responses = responses
                .iter()
                .filter(|entry| !entry.key.starts_with("x-"));
            responses
                .map(|entry| (entry.key.to_string(), &entry.value))
                .collect()
        };
        let (before, after) = (codes(old), codes(new));
        for (code, response) in &before {
            let path = format!("{} response {code}", self.path);
            let Some(next) = after.get(code) else {
                self.comparer.changes.removed(true, path);
                continue;
            };
            let response = followed(self.comparer.old, response);
            let (Some(response), Some(next)) = (response, followed(self.comparer.new, next)) else {
                continue;
            };
            self.contents(response, next, Side::Response, &path);
            if let (Some(before), Some(after)) = (response.get("schema"), next.get("schema")) {
                self.comparer
                    .compare(before, after, Side::Response, &path, 0);
            }
        }
        for code in after.keys().filter(|code| !before.contains_key(*code)) {
            let path = format!("{} response {code}", self.path);
            self.comparer.changes.added(false, path, "added");
        }
    }

    /// Schemas by media type.
    fn contents(&mut self, old: &'c Node<'a>, new: &'c Node<'a>, side: Side, path: &str) {
        let media = |node: &'c Node<'a>| -> BTreeMap<String, &'c Node<'a>> {
            let entries = node.get("content").map(Node::entries).unwrap_or_default();
            entries
                .iter()
                .map(|entry| (entry.key.to_string(), &entry.value))
                .collect()
        };
        let (before, after) = (media(old), media(new));
        for (name, content) in &before {
            let Some(next) = after.get(name) else {
                let message = format!("`{name}` was removed");
                self.comparer
                    .changes
                    .add(true, ChangeKind::Removed, path, message);
                continue;
            };
            if let (Some(before), Some(after)) = (content.get("schema"), next.get("schema")) {
                self.comparer.compare(before, after, side, path, 0);
            }
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            self.comparer
                .changes
                .added(false, path, format!("`{name}` was added"));
        }
    }

    fn security(&mut self, old: &Node<'_>, new: &Node<'_>) {
        let before = ways_in(self.comparer.old, old);
        let after = ways_in(self.comparer.new, new);
        if before == after {
            return;
        }
        // Whoever came in must come in by one of the new ways.
        let still = |way: &Way| after.iter().any(|next| next.is_subset(way));
        let breaking = !before.iter().all(still);
        let path = format!("{} security", self.path);
        let message = format!("changed from {} to {}", shown(&before), shown(&after));
        self.comparer.changes.changed(breaking, path, message);
    }
}

/// Parameters by where they stand and what they are called; those of an operation before those of its path.
fn parameters<'n, 'a>(
    root: &'n Node<'a>,
    operation: &Operation<'n, 'a>,
) -> BTreeMap<(Box<str>, Box<str>), &'n Node<'a>> {
    let mut found = BTreeMap::new();
    let own = items(operation.node.get("parameters")).iter();
    for parameter in own.chain(items(operation.path.get("parameters"))) {
        let Some(parameter) = followed(root, parameter) else {
            continue;
        };
        let (Some(place), Some(name)) = (text(parameter, "in"), text(parameter, "name")) else {
            continue;
        };
        // What a path calls its parameters is nobody's business but its own.
        if &*place != "path" {
            found.entry((place, name)).or_insert(parameter);
        }
    }
    found
}

/// What together lets somebody in: schemes with their scopes.
type Way = BTreeSet<String>;

/// All ways in; one that asks for nothing where nothing is said.
fn ways_in(root: &Node<'_>, operation: &Node<'_>) -> Vec<Way> {
    let said = operation.get("security").or_else(|| root.get("security"));
    let mut ways: Vec<Way> = items(said)
        .iter()
        .map(|way| {
            let schemes = way.entries().iter().flat_map(|entry| {
                let scopes = items(Some(&entry.value)).iter().filter_map(scalar);
                let scopes = scopes.map(|scope| format!("{} {scope}", entry.key));
                std::iter::once(entry.key.to_string()).chain(scopes)
            });
            schemes.collect()
        })
        .collect();
    if ways.is_empty() {
        ways.push(Way::new());
    }
    ways.sort();
    ways
}

fn shown(ways: &[Way]) -> String {
    let ways: Vec<String> = ways
        .iter()
        .map(|way| match way.is_empty() {
            true => "none".to_owned(),
            false => {
                let parts: Vec<String> = way.iter().map(|part| format!("`{part}`")).collect();
                parts.join(" and ")
            }
        })
        .collect();
    ways.join(", or ")
}
