//! One YAML document as a tree with a position at every node.
//!
//! Built from the parser's events, not from saphyr's own tree: so every problem of a document is seen in one run, a document that ends in a syntax error still tells which entity it describes, and depth and aliases are bounded before anything is built.
//! Merge keys are off, as Backstage has them: `<<` is a key like any other.

mod build;
mod tabs;
mod write;

use std::borrow::Cow;

use saphyr_parser::{Parser, ScanError, Span as RawSpan};
use serde_json::{Map, Number, Value};

use super::text::{number, point};
use crate::diagnostic::{Position, Severity, Span};
pub use write::to_text;

/// How deep lists and objects may be nested: below what `serde_json` reads back.
pub(super) const MAX_DEPTH: usize = 100;
/// How many values a document may have: large texts are one value each.
const MAX_NODES: usize = 250_000;
/// How many nodes aliases may bring into one document.
const MAX_ALIAS_NODES: usize = 50_000;
/// How many bytes of text aliases may bring into one document.
const MAX_ALIAS_BYTES: usize = 1024 * 1024;

/// A value with its position.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    pub span: Span,
    pub value: Content<'a>,
}

#[derive(Clone, Debug)]
pub enum Content<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<Entry<'a>>),
}

/// A member of a mapping.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub key: Cow<'a, str>,
    pub key_span: Span,
    pub value: Node<'a>,
}

/// Something wrong with the YAML itself.
#[derive(Debug, PartialEq, Eq)]
pub struct YamlProblem {
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    pub hint: Option<String>,
    pub span: Span,
}

/// What a document holds.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// `None` for a document without any node. When [`Parsed::complete`] is false: what was read before the error.
    pub root: Option<Node<'a>>,
    pub complete: bool,
    pub problems: Vec<YamlProblem>,
}

/// The text of a document as the parser can read it.
pub fn readable(text: &str) -> Cow<'_, str> {
    tabs::mend(text)
}

/// Parses one [`readable`] document that stands behind `lines_before` lines of its file.
pub fn parse(text: &str, lines_before: usize) -> Parsed<'_> {
    parse_within(text, lines_before, MAX_NODES)
}

/// The same, for a document of at most `max_values` values.
pub fn parse_within(text: &str, lines_before: usize, max_values: usize) -> Parsed<'_> {
    let place = Place { lines_before };
    let mut builder = build::Builder::new(place, max_values);
    if let Some(nul) = memchr::memchr(0, text.as_bytes()) {
        builder.refuse(nul_problem(text, nul, place));
        return builder.finish();
    }
    for event in Parser::new_from_str(text) {
        let outcome = match event {
            Ok((event, span)) => builder.accept(event, span),
            Err(error) => Err(syntax_problem(&error, place)),
        };
        if let Err(problem) = outcome {
            builder.refuse(problem);
            break;
        }
    }
    builder.finish()
}

/// From positions within a document to positions within its file.
#[derive(Clone, Copy, Debug)]
struct Place {
    lines_before: usize,
}

impl Place {
    fn position(self, marker: saphyr_parser::Marker) -> Position {
        Position {
            line: number(marker.line() + self.lines_before),
            column: number(marker.col() + 1),
        }
    }

    fn span(self, span: RawSpan) -> Span {
        Span {
            start: self.position(span.start),
            end: self.position(span.end),
        }
    }
}

/// The parser takes a NUL for the end of the text, and what stands behind it would be lost without a word.
fn nul_problem(text: &str, at: usize, place: Place) -> YamlProblem {
    let mut start = super::text::end_of(text.get(..at).unwrap_or_default());
    start.line = start.line.saturating_add(number(place.lines_before));
    YamlProblem {
        code: "yaml-syntax",
        severity: Severity::Error,
        message: "a NUL character cannot stand in YAML".to_owned(),
        hint: Some("remove it; most editors show it as `^@`".to_owned()),
        span: point(start),
    }
}

fn syntax_problem(error: &ScanError, place: Place) -> YamlProblem {
    let info = error.info();
    let hint = if info.contains("tab") {
        "indent with spaces"
    } else if info.contains("mapping values are not allowed") {
        "a value with `: ` in it needs quotes: `description: \"one: two\"`"
    } else if info.contains("unknown anchor") {
        "an alias `*name` needs an anchor `&name` before it in the same document; a text that begins with `*` needs quotes"
    } else if info.contains("recursion limit") {
        "brackets and indentation nest too deep: write it flatter, or as text"
    } else if info.contains("unexpected character") {
        "a value that begins with `%`, `@` or a backtick needs quotes; what stands in `{% … %}` is filled in before it is a descriptor"
    } else {
        "look at the indentation and the quotes here and on the line above"
    };
    YamlProblem {
        code: match info {
            "recursion limit exceeded" => "yaml-limit",
            _ => "yaml-syntax",
        },
        severity: Severity::Error,
        message: format!("the YAML cannot be read: {}", info.replace("`%'", "`%`")),
        hint: Some(hint.to_owned()),
        span: point(place.position(*error.marker())),
    }
}

impl<'a> Node<'a> {
    /// The member `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The member `key` of a mapping, with its key.
    pub fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The members of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry<'a>] {
        match &self.value {
            Content::Map(entries) => entries,
            Content::Null
            | Content::Bool(_)
            | Content::Number(_)
            | Content::String(_)
            | Content::List(_) => &[],
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Content::String(text) => Some(text),
            Content::Null
            | Content::Bool(_)
            | Content::Number(_)
            | Content::List(_)
            | Content::Map(_) => None,
        }
    }

    /// What it is, in words for messages.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Content::Null => "null",
            Content::Bool(_) => "a Boolean",
            Content::Number(_) => "a number",
            Content::String(_) => "a string",
            Content::List(_) => "a list",
            Content::Map(_) => "an object",
        }
    }

    /// As JSON, keys in the order written.
    pub fn to_json(&self) -> Value {
        match &self.value {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value.clone()),
            Content::String(text) => Value::String(text.clone().into_owned()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone().into_owned(), entry.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The same value as if all of it stood at `span`, for texts that come from another file.
    pub fn from_json(value: Value, span: Span) -> Node<'static> {
        let value = match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(value),
            Value::Number(value) => Content::Number(value),
            Value::String(text) => Content::String(Cow::Owned(text)),
            Value::Array(items) => Content::List(
                items
                    .into_iter()
                    .map(|item| Node::from_json(item, span))
                    .collect(),
            ),
            Value::Object(members) => Content::Map(
                members
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key: Cow::Owned(key),
                        key_span: span,
                        value: Node::from_json(value, span),
                    })
                    .collect(),
            ),
        };
        Node { span, value }
    }

    /// How deep it is nested: 0 for a scalar.
    pub fn depth(&self) -> usize {
        match &self.value {
            Content::List(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Content::Map(entries) => {
                1 + entries
                    .iter()
                    .map(|entry| entry.value.depth())
                    .max()
                    .unwrap_or(0)
            }
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::String(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests;
