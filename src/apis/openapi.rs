//! OpenAPI 2 (Swagger), 3.0 and 3.1.

use std::collections::HashMap;

use super::definition::{Definition, Operation, OperationKind, Problem, Server, TypeNames};
use super::pointer::{self, followed};
use super::schema;
use super::tree::{expect_map, is_map, is_true, items, missing, scalar, shape, text};
use crate::catalog::yaml::{Entry, Node};
use crate::diagnostic::Position;

/// Members of a path that are operations.
pub(super) const METHODS: &[&str] = &[
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];
/// Its other members.
const BESIDE: &[&str] = &[
    "summary",
    "description",
    "servers",
    "parameters",
    "$ref",
    "additionalOperations",
];

/// Reads a definition whose `openapi` or `swagger` stands at `version_at`.
pub(super) fn read(root: &Node<'_>, version_at: Position, into: &mut Definition) {
    let version = into.format_version.clone().unwrap_or_default();
    let is_2 = version.starts_with("2.") || &*version == "2";
    if !is_2 && !version.starts_with("3.") && &*version != "3" {
        let message =
            format!("OpenAPI `{version}` is not known here; it is read as far as it is like 3.1");
        let problem = Problem::warning("definition-format", message).at(version_at);
        into.problems
            .push(problem.hint("known are 2.0, 3.0 and 3.1"));
    }
    info(root, into);
    match is_2 {
        true => {
            into.servers = servers_of_2(root);
            into.schemas = schema::list(root.get("definitions"));
        }
        false => {
            into.servers = servers(root.get("servers"));
            let components = root.get("components");
            into.schemas = schema::list(components.and_then(|node| node.get("schemas")));
        }
    }
    let mut reader = Reader {
        root,
        is_2,
        names: HashMap::new(),
        into,
    };
    reader.section("paths", OperationKind::Http);
    reader.section("webhooks", OperationKind::Webhook);
    let has = |key: &str| root.get(key).is_some();
    let optional = !is_2 && !version.starts_with("3.0");
    if !has("paths") && !(optional && (has("webhooks") || has("components"))) {
        let problem = missing(version_at, "`paths` is missing".to_owned());
        into.problems
            .push(problem.hint("`paths: {}` says that there are none"));
    }
    pointer::check(root, &mut into.problems);
}

/// Title, version and description, which AsyncAPI has at the same place.
pub(super) fn info(root: &Node<'_>, into: &mut Definition) {
    let Some(info) = root.get("info") else {
        let at = root.span.start;
        into.problems
            .push(missing(at, "`info` is missing".to_owned()));
        return;
    };
    if !expect_map(info, "`info`", &mut into.problems) {
        return;
    }
    for key in ["title", "version"] {
        if info.get(key).and_then(scalar).is_none() {
            let message = format!("`info.{key}` is missing");
            into.problems.push(missing(info.span.start, message));
        }
    }
    into.title = text(info, "title");
    into.version = text(info, "version");
    into.description = text(info, "description");
}

fn servers(list: Option<&Node<'_>>) -> Vec<Server> {
    items(list)
        .iter()
        .map(|server| Server {
            url: text(server, "url"),
            name: text(server, "name"),
            description: text(server, "description"),
            protocol: text(server, "url").and_then(|url| {
                let (protocol, _) = url.split_once("://")?;
                Some(protocol.into())
            }),
        })
        .collect()
}

/// `schemes`, `host` and `basePath`.
fn servers_of_2(root: &Node<'_>) -> Vec<Server> {
    let host = text(root, "host").unwrap_or_default();
    let base = text(root, "basePath").unwrap_or_default();
    if host.is_empty() && base.is_empty() {
        return Vec::new();
    }
    let schemes: Vec<Box<str>> = items(root.get("schemes"))
        .iter()
        .filter_map(scalar)
        .collect();
    if host.is_empty() || schemes.is_empty() {
        let url = match host.is_empty() {
            true => base.clone(),
            false => format!("//{host}{base}").into(),
        };
        return vec![Server {
            url: Some(url),
            ..Server::default()
        }];
    }
    let servers = schemes.into_iter().map(|scheme| Server {
        url: Some(format!("{scheme}://{host}{base}").into()),
        protocol: Some(scheme),
        ..Server::default()
    });
    servers.collect()
}

struct Reader<'r, 'a> {
    root: &'r Node<'a>,
    is_2: bool,
    /// Where each `operationId` stands first.
    names: HashMap<Box<str>, Position>,
    into: &'r mut Definition,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn section(&mut self, key: &str, kind: OperationKind) {
        let Some(section) = self.root.get(key) else {
            return;
        };
        if !expect_map(section, &format!("`{key}`"), &mut self.into.problems) {
            return;
        }
        for entry in section.entries() {
            if entry.key.starts_with("x-") {
                continue;
            }
            if kind == OperationKind::Http && !entry.key.starts_with('/') {
                let message = format!("the path `{}` does not begin with `/`", entry.key);
                let at = entry.key_span.start;
                self.into.problems.push(missing(at, message));
            }
            self.path(entry, kind);
        }
    }

    fn path(&mut self, entry: &'r Entry<'a>, kind: OperationKind) {
        let what = format!("`{}`", entry.key);
        if !expect_map(&entry.value, &what, &mut self.into.problems) {
            return;
        }
        let Some(path) = followed(self.root, &entry.value) else {
            return;
        };
        for member in path.entries() {
            let method = member.key.to_ascii_lowercase();
            if METHODS.contains(&method.as_str()) {
                self.operation(entry, member, kind);
            } else if !BESIDE.contains(&&*member.key) && !member.key.starts_with("x-") {
                let message = format!("`{}` is no method", member.key);
                let problem = missing(member.key_span.start, message);
                self.into.problems.push(problem);
            }
        }
        let more = path.get("additionalOperations").map(Node::entries);
        for member in more.unwrap_or_default() {
            self.operation(entry, member, kind);
        }
    }

    fn operation(&mut self, path: &Entry<'a>, member: &'r Entry<'a>, kind: OperationKind) {
        let method = member.key.to_ascii_uppercase();
        let what = format!("`{method} {}`", path.key);
        if !is_map(&member.value) {
            let message = format!("{what} must be an object");
            self.into.problems.push(shape(member.value.span, message));
        }
        let node = &member.value;
        let name = text(node, "operationId");
        if let Some(name) = &name {
            self.named(name, node);
        }
        if node.get("responses").is_none() && is_map(node) && self.demands_responses() {
            let problem = missing(member.key_span.start, format!("{what} has no `responses`"));
            self.into.problems.push(problem);
        }
        let key = match kind {
            OperationKind::Webhook => format!("webhook {method} {}", path.key),
            _ => format!("{method} {}", path.key),
        };
        let operation = Operation {
            key: key.into(),
            kind,
            method: Some(method.into()),
            path: Some((&*path.key).into()),
            name,
            summary: text(node, "summary").or_else(|| text(&path.value, "summary")),
            description: text(node, "description").or_else(|| text(&path.value, "description")),
            tags: items(node.get("tags")).iter().filter_map(scalar).collect(),
            deprecated: is_true(node, "deprecated"),
            request: self.request(node, &path.value),
            response: self.response(node),
            ..Operation::default()
        };
        self.into.operations.push(operation);
    }

    fn demands_responses(&self) -> bool {
        let version = self.into.format_version.as_deref().unwrap_or_default();
        self.is_2 || version.starts_with("3.0")
    }

    fn named(&mut self, name: &str, node: &Node<'_>) {
        let at = node
            .get("operationId")
            .map_or(node.span.start, |id| id.span.start);
        let Some(first) = self.names.get(name) else {
            self.names.insert(name.into(), at);
            return;
        };
        let message = format!(
            "the `operationId` `{name}` is already there, on line {}",
            first.line
        );
        self.into.problems.push(missing(at, message));
    }

    fn request(&self, node: &'r Node<'a>, path: &'r Node<'a>) -> TypeNames {
        let mut names = TypeNames::new();
        if let Some(body) = node
            .get("requestBody")
            .and_then(|body| followed(self.root, body))
        {
            contents(body, &mut names);
        }
        if self.is_2 {
            let own = items(node.get("parameters")).iter();
            for parameter in own.chain(items(path.get("parameters"))) {
                let parameter = followed(self.root, parameter);
                let body = parameter.filter(|node| text(node, "in").as_deref() == Some("body"));
                if let Some(body) = body.and_then(|node| node.get("schema")) {
                    schema::names(body, &mut names);
                }
            }
        }
        names
    }

    /// What comes when it goes well: of the codes from 200 to 299, else by default.
    fn response(&self, node: &'r Node<'a>) -> TypeNames {
        let responses = node.get("responses").map(Node::entries).unwrap_or_default();
        let is_good = |entry: &&Entry<'_>| entry.key.starts_with('2') && entry.key.len() == 3;
        let mut chosen: Vec<&Entry<'_>> = responses.iter().filter(is_good).collect();
        if chosen.is_empty() {
            chosen.extend(responses.iter().filter(|entry| entry.key == "default"));
        }
        let mut names = TypeNames::new();
        for entry in chosen {
            let Some(response) = followed(self.root, &entry.value) else {
                continue;
            };
            contents(response, &mut names);
            if let Some(schema) = response.get("schema").filter(|_| self.is_2) {
                schema::names(schema, &mut names);
            }
        }
        names
    }
}

/// The types of each media type.
fn contents(node: &Node<'_>, names: &mut TypeNames) {
    let contents = node.get("content").map(Node::entries);
    for media in contents.unwrap_or_default() {
        if let Some(schema) = media.value.get("schema") {
            schema::names(schema, names);
        }
    }
}
