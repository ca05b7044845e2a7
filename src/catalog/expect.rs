//! Whether a value is what its place expects, said in one way everywhere.

use super::problem::{Findings, Problem, member, shown};
use super::yaml::{Content, Node};
use crate::diagnostic::{Span, closest};

/// Whether `value` is a string that is not empty; else says so.
pub(super) fn non_empty(value: &Node<'_>, path: &str, findings: &mut Findings) -> bool {
    let is_string = expect_string(value, path, findings);
    let is_empty = value.as_str() == Some("");
    if is_empty {
        empty(value.span, path, findings);
    }
    is_string && !is_empty
}

/// Says that a string is empty.
pub(super) fn empty(span: Span, path: &str, findings: &mut Findings) {
    findings.add(
        Problem::error("empty-string", span, format!("`{path}` is empty"))
            .field(path)
            .hint("write a text, or leave the field out"),
    );
}

/// Whether `value` is a string; else says so.
pub(super) fn expect_string(value: &Node<'_>, path: &str, findings: &mut Findings) -> bool {
    let hint = match &value.value {
        Content::String(_) => return true,
        Content::Bool(value) => format!("put it in quotes: `\"{value}\"`"),
        Content::Number(value) => format!("put it in quotes: `\"{value}\"`"),
        Content::Null => "write a text, or leave the field out".to_owned(),
        Content::Map(entries) if entries.iter().any(|entry| entry.key.starts_with('$')) => {
            "only `$text`, `$json`, `$yaml`, `$openapi` and `$asyncapi` are filled in, each alone in its object".to_owned()
        }
        Content::List(_) | Content::Map(_) => "write a text; one that begins with `{` or `[` needs quotes".to_owned(),
    };
    wrong_type(value, path, "a string", &hint, findings);
    false
}

/// Whether `value` is an object; else says so.
pub(super) fn expect_object(value: &Node<'_>, path: &str, findings: &mut Findings) -> bool {
    let is_object = matches!(value.value, Content::Map(_));
    if !is_object {
        let hint = "write `key: value` lines below it, or leave it out";
        wrong_type(value, path, "an object", hint, findings);
    }
    is_object
}

/// The items of a list; none, and a problem, if it is none.
pub(super) fn list<'n, 'a>(
    value: &'n Node<'a>,
    path: &str,
    findings: &mut Findings,
) -> &'n [Node<'a>] {
    if let Content::List(items) = &value.value {
        return items;
    }
    let hint = match value.as_str() {
        Some(text) => format!("put it into brackets: `[{}]`", shown(text)),
        None => "write `- item` lines below it, or leave it out".to_owned(),
    };
    wrong_type(value, path, "a list", &hint, findings);
    &[]
}

/// Says that `value` is not `expected`.
pub(super) fn wrong_type(
    value: &Node<'_>,
    path: &str,
    expected: &str,
    hint: &str,
    findings: &mut Findings,
) {
    let message = format!("`{path}` must be {expected}, and is {}", value.type_name());
    findings.add(
        Problem::error("wrong-type", value.span, message)
            .field(path)
            .hint(hint),
    );
}

/// Says that a required field is not there.
pub(super) fn missing(path: &str, parent: Span, hint: &str, findings: &mut Findings) {
    findings.add(
        Problem::error("missing-field", parent, format!("`{path}` is missing"))
            .field(path)
            .hint(hint),
    );
}

/// Warns of keys that are no field but close to one that is not there.
pub(super) fn check_spelling<'d>(
    object: &Node<'_>,
    path: &str,
    declared: &(impl Iterator<Item = &'d str> + Clone),
    findings: &mut Findings,
) {
    for entry in object.entries() {
        let key = entry.key.as_ref();
        if declared.clone().any(|name| name == key) {
            continue;
        }
        let absent = declared.clone().filter(|name| object.get(name).is_none());
        if let Some(near) = closest(key, absent) {
            findings.add(
                Problem::warning(
                    "unknown-field",
                    entry.key_span,
                    format!("`{}` is no field that is read", member(path, key)),
                )
                .field(member(path, key))
                .hint(format!("did you mean `{near}`?")),
            );
        }
    }
}
