//! AsyncAPI: operations and the messages that go through them.

use std::collections::BTreeMap;

use super::schema::{Comparer, Side};
use super::{Change, Changes};
use crate::apis::definition::{Action, Definition, Operation};
use crate::apis::pointer::{self, followed};
use crate::apis::{asyncapi, tree};
use crate::catalog::yaml::Node;
use crate::diagnostic::Position;

pub(super) fn diff(old: &Node<'_>, new: &Node<'_>) -> Vec<Change> {
    let mut changes = Changes::default();
    let (before, after) = (operations(old), operations(new));
    for (key, operation) in &before {
        let Some(next) = after.get(key) else {
            changes.removed(true, key.as_str());
            continue;
        };
        let sides = [
            (Side::Request, &operation.request, &next.request),
            (Side::Response, &operation.response, &next.response),
        ];
        for (side, before, after) in sides {
            messages(old, new, (before, after), side, key, &mut changes);
        }
        if operation.channel != next.channel {
            let channel =
                |operation: &Operation| operation.channel.as_deref().unwrap_or_default().to_owned();
            let message = format!(
                "the channel changed from `{}` to `{}`",
                channel(operation),
                channel(next)
            );
            changes.changed(true, key.as_str(), message);
        }
        if next.deprecated && !operation.deprecated {
            changes.changed(false, key.as_str(), "deprecated");
        }
    }
    for key in after.keys().filter(|key| !before.contains_key(*key)) {
        changes.added(false, key.as_str(), "added");
    }
    changes.0
}

fn operations(root: &Node<'_>) -> BTreeMap<String, Operation> {
    let mut definition = Definition {
        format_version: tree::text(root, "asyncapi"),
        ..Definition::default()
    };
    asyncapi::read(root, Position::default(), &mut definition);
    let operations = definition.operations.into_iter();
    operations
        .map(|operation| (operation.key.to_string(), operation))
        .collect()
}

/// Messages by name, and what they carry.
fn messages<'c, 'a>(
    old: &'c Node<'a>,
    new: &'c Node<'a>,
    (before, after): (&[Box<str>], &[Box<str>]),
    side: Side,
    key: &str,
    changes: &mut Changes,
) {
    for name in before {
        let path = format!("{key} message {name}");
        if !after.contains(name) {
            changes.removed(true, path);
            continue;
        }
        let payload = |root: &'c Node<'a>| message(root, name).and_then(|node| node.get("payload"));
        if let (Some(before), Some(after)) = (payload(old), payload(new)) {
            Comparer::new(old, new, changes).compare(before, after, side, &path, 0);
        }
    }
    for name in after.iter().filter(|name| !before.contains(name)) {
        changes.added(false, format!("{key} message {name}"), "added");
    }
}

/// The message of a name: among the components, else in any channel.
fn message<'n, 'a>(root: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    let shared = format!(
        "#/components/messages/{}",
        name.replace('~', "~0").replace('/', "~1")
    );
    if let Some(found) = pointer::find(root, &shared) {
        return followed(root, found);
    }
    let channels = root.get("channels").map(Node::entries).unwrap_or_default();
    let mut messages = channels.iter().flat_map(|channel| {
        let named = channel
            .value
            .get("messages")
            .and_then(|messages| messages.get(name));
        let inline = [Action::Receive, Action::Send]
            .into_iter()
            .filter_map(|action| {
                let key = match action {
                    Action::Receive => "publish",
                    Action::Send => "subscribe",
                };
                let message = channel.value.get(key)?.get("message")?;
                (tree::text(message, "name").as_deref() == Some(name)).then_some(message)
            });
        named.into_iter().chain(inline)
    });
    followed(root, messages.next()?)
}
