//! AsyncAPI 2 and 3.
//!
//! The versions say the same from opposite sides: what a client may `publish` in version 2, the application `receive`s in version 3.
//! Here an operation is what the application does: what it receives is its request, what it sends its response.

use super::definition::{
    Action, Definition, Operation, OperationKind, Problem, Schema, Server, TypeNames,
};
use super::openapi::info;
use super::pointer::{self, followed};
use super::schema;
use super::tree::{expect_map, is_true, items, missing, scalar, shape, text};
use crate::catalog::yaml::{Entry, Node};
use crate::diagnostic::Position;

/// Reads a definition whose `asyncapi` stands at `version_at`.
pub(super) fn read(root: &Node<'_>, version_at: Position, into: &mut Definition) {
    let version = into.format_version.clone().unwrap_or_default();
    let is_2 = version.starts_with("2.");
    if !is_2 && !version.starts_with("3.") {
        let message = format!(
            "AsyncAPI `{version}` is not known here; it is read as far as it is like 2 or 3"
        );
        let problem = Problem::warning("definition-format", message).at(version_at);
        into.problems.push(problem.hint("known are 2.x and 3.x"));
    }
    info(root, into);
    into.servers = servers(root);
    let components = root.get("components");
    into.schemas = schema::list(components.and_then(|node| node.get("schemas")));
    into.schemas.extend(messages(components));
    // Version 3 has operations of their own, version 2 has them in its channels.
    match root.get("operations") {
        Some(operations) if !is_2 => operations_of_3(root, operations, into),
        _ => operations_of_2(root, is_2, version_at, into),
    }
    pointer::check(root, &mut into.problems);
}

fn servers(root: &Node<'_>) -> Vec<Server> {
    let servers = root.get("servers").map(Node::entries).unwrap_or_default();
    let servers = servers.iter().map(|entry| {
        let server = followed(root, &entry.value).unwrap_or(&entry.value);
        let protocol = text(server, "protocol");
        let host = text(server, "host").map(|host| {
            let path = text(server, "pathname").unwrap_or_default();
            match &protocol {
                Some(protocol) => format!("{protocol}://{host}{path}").into(),
                None => format!("{host}{path}").into(),
            }
        });
        Server {
            url: text(server, "url").or(host),
            name: Some((&*entry.key).into()),
            description: text(server, "description"),
            protocol,
        }
    });
    servers.collect()
}

fn messages(components: Option<&Node<'_>>) -> Vec<Schema> {
    let messages = components.and_then(|node| node.get("messages"));
    let messages = messages.map(Node::entries).unwrap_or_default().iter();
    let schemas = messages.map(|entry| Schema {
        name: (&*entry.key).into(),
        kind: Some("message".into()),
        description: text(&entry.value, "summary").or_else(|| text(&entry.value, "description")),
    });
    schemas.collect()
}

fn tags(node: &Node<'_>) -> Vec<Box<str>> {
    let tags = items(node.get("tags")).iter();
    tags.filter_map(|tag| text(tag, "name").or_else(|| scalar(tag)))
        .collect()
}

fn operations_of_2(root: &Node<'_>, is_2: bool, version_at: Position, into: &mut Definition) {
    let Some(channels) = root.get("channels") else {
        let is_needed = is_2.then(|| missing(version_at, "`channels` is missing".to_owned()));
        into.problems.extend(is_needed);
        return;
    };
    if !expect_map(channels, "`channels`", &mut into.problems) {
        return;
    }
    for channel in channels.entries() {
        let what = format!("the channel `{}`", channel.key);
        if !expect_map(&channel.value, &what, &mut into.problems) {
            continue;
        }
        let Some(node) = followed(root, &channel.value) else {
            continue;
        };
        for (key, action) in [("publish", Action::Receive), ("subscribe", Action::Send)] {
            let Some(operation) = node.get(key) else {
                continue;
            };
            if expect_map(operation, &format!("`{key}` of {what}"), &mut into.problems) {
                let operation = operation_of_2(root, channel, operation, action);
                into.operations.push(operation);
            }
        }
    }
}

fn operation_of_2(
    root: &Node<'_>,
    channel: &Entry<'_>,
    node: &Node<'_>,
    action: Action,
) -> Operation {
    let mut names = TypeNames::new();
    if let Some(message) = node.get("message") {
        message_names(root, message, None, &mut names);
    }
    let (request, response) = sides(action, names, TypeNames::new());
    Operation {
        key: format!("{} {}", action.as_str(), channel.key).into(),
        kind: OperationKind::Message,
        channel: Some((&*channel.key).into()),
        action: Some(action),
        name: text(node, "operationId"),
        summary: text(node, "summary"),
        description: text(node, "description").or_else(|| text(&channel.value, "description")),
        tags: tags(node),
        deprecated: is_true(node, "deprecated"),
        request,
        response,
        ..Operation::default()
    }
}

/// What the application takes and what it gives, of the messages of an operation and those of the reply.
fn sides(action: Action, messages: TypeNames, reply: TypeNames) -> (TypeNames, TypeNames) {
    match action {
        Action::Receive => (messages, reply),
        Action::Send => (reply, messages),
    }
}

fn operations_of_3(root: &Node<'_>, operations: &Node<'_>, into: &mut Definition) {
    if !expect_map(operations, "`operations`", &mut into.problems) {
        return;
    }
    for entry in operations.entries() {
        let what = format!("the operation `{}`", entry.key);
        if !expect_map(&entry.value, &what, &mut into.problems) {
            continue;
        }
        let Some(node) = followed(root, &entry.value) else {
            continue;
        };
        let action = match node.get("action").and_then(Node::as_str) {
            Some("send") => Some(Action::Send),
            Some("receive") => Some(Action::Receive),
            _ => None,
        };
        let Some(action) = action else {
            let at = node.get("action").unwrap_or(node).span;
            let message = format!("`action` of {what} must be `send` or `receive`");
            into.problems.push(shape(at, message));
            continue;
        };
        if node.get("channel").is_none() {
            let message = format!("{what} has no `channel`");
            into.problems.push(missing(entry.key_span.start, message));
        }
        into.operations
            .push(operation_of_3(root, entry, node, action));
    }
}

fn operation_of_3(
    root: &Node<'_>,
    entry: &Entry<'_>,
    node: &Node<'_>,
    action: Action,
) -> Operation {
    let channel = node.get("channel");
    let reply = node.get("reply").and_then(|reply| followed(root, reply));
    let replied = match reply {
        Some(reply) => messages_of_3(root, reply, reply.get("channel")),
        None => TypeNames::new(),
    };
    let (request, response) = sides(action, messages_of_3(root, node, channel), replied);
    let address = channel.and_then(|channel| {
        let found = followed(root, channel)?;
        let name = pointer::reference(channel).and_then(pointer::name);
        text(found, "address").or(name)
    });
    Operation {
        key: format!("{} {}", action.as_str(), entry.key).into(),
        kind: OperationKind::Message,
        channel: address,
        action: Some(action),
        name: Some((&*entry.key).into()),
        summary: text(node, "summary").or_else(|| text(node, "title")),
        description: text(node, "description"),
        tags: tags(node),
        deprecated: is_true(node, "deprecated"),
        request,
        response,
        ..Operation::default()
    }
}

/// Those that are named, else all of the channel.
fn messages_of_3(root: &Node<'_>, node: &Node<'_>, channel: Option<&Node<'_>>) -> TypeNames {
    let mut names = TypeNames::new();
    match node.get("messages") {
        Some(messages) => {
            for message in items(Some(messages)) {
                message_names(root, message, None, &mut names);
            }
        }
        None => {
            let channel = channel.and_then(|channel| followed(root, channel));
            let messages = channel.and_then(|channel| channel.get("messages"));
            for message in messages.map(Node::entries).unwrap_or_default() {
                message_names(root, &message.value, Some(&message.key), &mut names);
            }
        }
    }
    names
}

/// What messages are called: by the reference, else as they call themselves.
fn message_names(root: &Node<'_>, message: &Node<'_>, key: Option<&str>, names: &mut TypeNames) {
    let choices = items(message.get("oneOf"));
    if !choices.is_empty() {
        for choice in choices {
            message_names(root, choice, None, names);
        }
        return;
    }
    let by_reference = pointer::last(root, message).and_then(pointer::name);
    let own = || text(message, "name").or_else(|| text(message, "messageId"));
    let name = by_reference.or_else(own).or_else(|| key.map(Into::into));
    match name {
        Some(name) if !names.contains(&name) => names.push(name),
        Some(_) => {}
        None => {
            if let Some(payload) = message.get("payload") {
                schema::names(payload, names);
            }
        }
    }
}
