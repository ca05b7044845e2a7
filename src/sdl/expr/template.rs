//! Texts with `{expr}` holes: URL paths and queries, and cache tags.

use serde_json::Value;

use super::function::Function;
use super::tree::Node;
use super::{Expr, ExprError, Read, Scope, parse};

/// How many tags one template can make: two holes with long lists would make their product.
const MAX_TAGS: usize = 10_000;

/// A text with `{expr}` holes, compiled.
#[derive(Clone, Debug)]
pub struct Template {
    source: Box<str>,
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub enum Part {
    Text(Box<str>),
    Hole(Hole),
}

/// `{expr}`.
#[derive(Clone, Debug)]
pub struct Hole {
    /// Evaluates without the trailing `segments`.
    pub expr: Expr,
    /// `{?x}`: the query parameter is dropped when null.
    pub optional: bool,
    /// Whether a `?` stands in the text before it: a query value, not a path segment.
    pub in_query: bool,
    pub segments: Option<Segments>,
    /// Character offset of the expression in the template.
    pub offset: usize,
}

/// `{x | segments}`: split on `/`, each encoded as one path segment, joined by `/`, or by `/word/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    pub between: Option<Box<str>>,
}

impl Template {
    /// Compiles `source`.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let chars: Vec<char> = source.chars().collect();
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut in_query = false;
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            match c {
                '{' => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text).into()));
                    }
                    let (hole, end) = hole(&chars, at + 1, in_query)?;
                    parts.push(Part::Hole(hole));
                    at = end + 1;
                    continue;
                }
                '}' => {
                    return Err(ExprError {
                        offset: at,
                        message: "`}` closes no hole".to_owned(),
                        hint: Some("write `%7D` where the brace itself is meant".to_owned()),
                    });
                }
                c => {
                    in_query |= c == '?';
                    text.push(c);
                    at += 1;
                }
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.into()));
        }
        Ok(Self {
            source: source.into(),
            parts,
        })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Texts and holes in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What stands between the holes.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(&**text),
            Part::Hole(_) => None,
        })
    }

    /// The holes in order.
    pub fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(hole) => Some(hole),
            Part::Text(_) => None,
        })
    }

    /// Everything that the holes read, sorted and without doubles.
    pub fn reads(&self) -> Vec<Read> {
        let mut reads: Vec<Read> = self.holes().flat_map(|hole| hole.expr.reads()).collect();
        reads.sort();
        reads.dedup();
        reads
    }

    /// The texts of a cache tag: one, or one per item where a hole yields a list; none where a hole is null.
    pub fn tags(&self, scope: &Scope<'_, '_>) -> Vec<String> {
        let mut tags = vec![String::new()];
        for part in &self.parts {
            let words = match part {
                Part::Text(text) => vec![text.to_string()],
                Part::Hole(hole) => tag_words(&hole.expr.eval(scope)),
            };
            tags = tags
                .iter()
                .flat_map(|tag| words.iter().map(move |word| format!("{tag}{word}")))
                .take(MAX_TAGS)
                .collect();
        }
        tags
    }
}

fn tag_words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(items) => items
            .iter()
            .filter(|item| !item.is_array())
            .flat_map(tag_words)
            .collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// The hole whose expression begins at `start`, and the position of its closing brace.
fn hole(chars: &[char], start: usize, in_query: bool) -> Result<(Hole, usize), ExprError> {
    let optional = chars.get(start) == Some(&'?');
    let offset = start + usize::from(optional);
    let (node, end) = parse::hole(chars, offset)?;
    if optional && !in_query {
        return Err(ExprError {
            offset: start,
            message: "an optional hole stands outside the query".to_owned(),
            hint: Some("`{?x}` drops a query parameter; it cannot drop anything else".to_owned()),
        });
    }
    let (node, segments) = split_segments(node);
    if segments.is_some() && in_query {
        return Err(ExprError {
            offset,
            message: "`segments` stands in the query".to_owned(),
            hint: Some(
                "it splits path segments; in the query a value is encoded as it is".to_owned(),
            ),
        });
    }
    let source: String = chars.get(offset..end).unwrap_or_default().iter().collect();
    let expr = Expr {
        source: source.trim().into(),
        node,
    };
    let hole = Hole {
        expr,
        optional,
        in_query,
        segments,
        offset,
    };
    Ok((hole, end))
}

fn split_segments(node: Node) -> (Node, Option<Segments>) {
    let Node::Pipe(input, mut calls) = node else {
        return (node, None);
    };
    let Some(call) = calls.pop_if(|call| call.function == Function::Segments) else {
        return (Node::Pipe(input, calls), None);
    };
    let between = match call.args.as_slice() {
        [Node::Literal(Value::String(word))] => Some(word.as_str().into()),
        _ => None,
    };
    let rest = if calls.is_empty() {
        *input
    } else {
        Node::Pipe(input, calls)
    };
    (rest, Some(Segments { between }))
}
