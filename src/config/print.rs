//! The effective configuration as YAML, without what came from the environment and without passwords.

use super::tree::{Data, Key, Node, Text};

/// What stands in place of a secret.
const MASK: &str = "\"***\"";

pub(super) fn print(node: &Node) -> String {
    let mut node = node.clone();
    mask_connectors(&mut node);
    let mut out = String::new();
    write(&node, 0, &mut out);
    out
}

/// What stands in the `secrets` of connectors is masked wherever it came from; the path of a secret's file may be read.
fn mask_connectors(root: &mut Node) {
    for (_, connector) in below(root, "connectors") {
        mask_secrets(connector);
        for (_, instance) in below(connector, "instances") {
            mask_secrets(instance);
        }
    }
}

fn mask_secrets(node: &mut Node) {
    for (_, secret) in below(node, "secrets") {
        mask(secret);
    }
}

fn mask(node: &mut Node) {
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(mask),
        Data::Map(entries) => entries
            .iter_mut()
            .filter(|(key, _)| key.name != "file")
            .for_each(|(_, value)| mask(value)),
        data => {
            *data = Data::Text(Text {
                value: String::new(),
                substituted: true,
            });
        }
    }
}

/// The entries of the section `name`; none if there is no such section.
fn below<'n>(node: &'n mut Node, name: &str) -> &'n mut [(Key, Node)] {
    let Data::Map(entries) = &mut node.data else {
        return &mut [];
    };
    let found = entries.iter_mut().find(|(key, _)| key.name == name);
    match found.map(|(_, node)| &mut node.data) {
        Some(Data::Map(entries)) => entries,
        _ => &mut [],
    }
}

fn write(node: &Node, indent: usize, out: &mut String) {
    match &node.data {
        Data::Map(entries) => {
            for (key, value) in entries {
                out.push_str(&" ".repeat(indent));
                out.push_str(&key.name);
                out.push(':');
                write_value(value, indent, out);
            }
        }
        Data::List(items) => {
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push('-');
                write_item(item, indent, out);
            }
        }
        _ => {
            out.push_str(&scalar(node));
            out.push('\n');
        }
    }
}

/// Behind `key:`.
fn write_value(node: &Node, indent: usize, out: &mut String) {
    match &node.data {
        Data::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            write(node, indent + 2, out);
        }
        Data::List(items) if !items.is_empty() => {
            out.push('\n');
            write(node, indent + 2, out);
        }
        _ => {
            out.push(' ');
            out.push_str(&scalar(node));
            out.push('\n');
        }
    }
}

/// Behind `-`: a section begins on the same line.
fn write_item(node: &Node, indent: usize, out: &mut String) {
    let mut inner = String::new();
    match &node.data {
        Data::Map(entries) if !entries.is_empty() => {
            write(node, indent + 2, &mut inner);
            out.push(' ');
            out.push_str(inner.trim_start());
        }
        _ => write_value(node, indent, out),
    }
}

fn scalar(node: &Node) -> String {
    match &node.data {
        Data::Null => "null".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Integer(value) => value.to_string(),
        Data::Float(value) => value.to_string(),
        Data::Text(text) => quoted(text),
        Data::List(_) => "[]".to_owned(),
        Data::Map(_) => "{}".to_owned(),
    }
}

fn quoted(text: &Text) -> String {
    if text.substituted {
        return MASK.to_owned();
    }
    let value = without_password(&text.value);
    let plain = !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-*:,@=".contains(c))
        && value.starts_with(|c: char| c.is_ascii_alphanumeric() || "/.".contains(c))
        && !value.ends_with(':')
        && value.parse::<f64>().is_err()
        && !value.starts_with("0x")
        && !value.starts_with("0o")
        && !matches!(value.as_str(), "true" | "false" | "null");
    if plain {
        value
    } else {
        // A JSON string is a YAML string.
        serde_json::Value::String(value).to_string()
    }
}

/// `postgres://user:***@host/db`; also where there are several hosts, which no parser of URLs likes.
fn without_password(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    let (authority, path) = match rest.split_once(['/', '?']) {
        Some((authority, _)) => rest.split_at(authority.len()),
        None => (rest, ""),
    };
    match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:***@{host}{path}")
        }
        _ => value.to_owned(),
    }
}
