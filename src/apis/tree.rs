//! Definitions in YAML and JSON: one reader for both, since JSON is YAML to it.

use super::asyncapi;
use super::definition::{Definition, Format, Problem};
use super::openapi;
use super::sniff::{Sniffed, sniff};
use crate::catalog::yaml::{self, Content, Node};
use crate::diagnostic::{Position, Severity, Span};

/// How many values a definition may have: the largest that are published have about half as many.
pub(super) const MAX_VALUES: usize = 1_000_000;

/// Reads OpenAPI or AsyncAPI.
pub(super) fn read(text: &str, hint: Option<&str>) -> Definition {
    let text = yaml::readable(text);
    let parsed = yaml::parse_within(&text, 0, MAX_VALUES);
    let mut definition = Definition {
        problems: parsed.problems.into_iter().filter_map(problem).collect(),
        ..Definition::default()
    };
    match &parsed.root {
        Some(root) => of_root(root, parsed.complete, hint, &mut definition),
        None if parsed.complete => return Definition::unknown(hint),
        None => {}
    }
    definition.settled()
}

/// All of a text that is a YAML or JSON object or list, without anything broken in it.
pub(super) fn value(text: &str) -> Option<serde_json::Value> {
    if sniff(text, None) != Sniffed::Tree {
        return None;
    }
    let text = yaml::readable(text);
    let parsed = yaml::parse_within(&text, 0, MAX_VALUES);
    let root = parsed.root.filter(|_| parsed.complete)?;
    let fits = matches!(root.value, Content::Map(_) | Content::List(_));
    fits.then(|| root.to_json())
}

fn of_root(root: &Node<'_>, complete: bool, hint: Option<&str>, definition: &mut Definition) {
    let said = |key: &str| root.get(key).map(|node| (scalar(node), node.span.start));
    if let Some((version, at)) = said("openapi").or_else(|| said("swagger")) {
        definition.format = Some(Format::OpenApi);
        definition.format_version = version;
        openapi::read(root, at, definition);
    } else if let Some((version, at)) = said("asyncapi") {
        definition.format = Some(Format::AsyncApi);
        definition.format_version = version;
        asyncapi::read(root, at, definition);
    } else if complete {
        definition
            .problems
            .extend(Definition::unknown(hint).problems);
    }
}

/// Which format a tree is of.
pub(super) fn format(root: &Node<'_>) -> Option<Format> {
    let has = |key: &str| root.get(key).is_some();
    match (has("openapi") || has("swagger"), has("asyncapi")) {
        (true, _) => Some(Format::OpenApi),
        (false, true) => Some(Format::AsyncApi),
        (false, false) => None,
    }
}

/// What the YAML reader found, as a problem of the definition.
fn problem(found: yaml::YamlProblem) -> Option<Problem> {
    // Response codes are written as numbers by everybody.
    if found.code == "yaml-key" {
        return None;
    }
    let code = match found.code {
        "yaml-limit" | "yaml-alias" => "definition-limit",
        _ => "definition-syntax",
    };
    Some(Problem {
        code,
        severity: found.severity,
        message: found.message,
        hint: found.hint,
        at: Some(found.span.start),
    })
}

/// The text of a scalar.
pub(super) fn scalar(node: &Node<'_>) -> Option<Box<str>> {
    match &node.value {
        Content::String(text) => Some((&**text).into()),
        Content::Number(number) => Some(number.to_string().into()),
        Content::Bool(value) => Some(value.to_string().into()),
        Content::Null | Content::List(_) | Content::Map(_) => None,
    }
}

/// The text of a member.
pub(super) fn text(node: &Node<'_>, key: &str) -> Option<Box<str>> {
    node.get(key).and_then(scalar)
}

/// Whether a member is true.
pub(super) fn is_true(node: &Node<'_>, key: &str) -> bool {
    matches!(
        node.get(key).map(|node| &node.value),
        Some(Content::Bool(true))
    )
}

/// The items of a list; none of anything else.
pub(super) fn items<'n, 'a>(node: Option<&'n Node<'a>>) -> &'n [Node<'a>] {
    match node.map(|node| &node.value) {
        Some(Content::List(items)) => items,
        _ => &[],
    }
}

/// Whether it has members, written or not.
pub(super) fn is_map(node: &Node<'_>) -> bool {
    matches!(node.value, Content::Map(_))
}

/// Says what should stand somewhere, if something else does; nothing is what `null` says.
pub(super) fn expect_map(node: &Node<'_>, what: &str, problems: &mut Vec<Problem>) -> bool {
    let fits = is_map(node);
    if !fits && !matches!(node.value, Content::Null) {
        problems.push(shape(node.span, format!("{what} must be an object")));
    }
    fits
}

pub(super) fn shape(span: Span, message: String) -> Problem {
    Problem::error("definition-shape", message).at(span.start)
}

pub(super) fn missing(at: Position, message: String) -> Problem {
    Problem::new("definition-shape", Severity::Warning, message).at(at)
}
