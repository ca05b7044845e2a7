//! From the parser's events to a tree, without recursion.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, ScalarStyle, Span as RawSpan, Tag};

use super::{
    Content, Entry, MAX_ALIAS_BYTES, MAX_ALIAS_NODES, MAX_DEPTH, Node, Parsed, Place, YamlProblem,
};
use crate::catalog::problem::shown;
use crate::catalog::scalar::{self, Scalar};
use crate::diagnostic::{Severity, Span};

/// How many errors, and how many warnings, of one document are told.
const MAX_NOTES: usize = 100;

/// Mappings up to this size are searched for doubles one key after the other.
const SMALL: usize = 12;

pub(super) struct Builder<'a> {
    place: Place,
    frames: Vec<Frame<'a>>,
    root: Option<Node<'a>>,
    /// `None`: too large to be repeated.
    anchors: HashMap<usize, Option<Anchored<'a>>>,
    anchored: Budget,
    repeated: Budget,
    n_nodes: usize,
    max_nodes: usize,
    complete: bool,
    notes: Notes,
}

/// Problems, as long as there are not too many; an error is never lost for warnings.
#[derive(Default)]
struct Notes {
    problems: Vec<YamlProblem>,
    n_errors: usize,
    n_warnings: usize,
}

impl Notes {
    fn add(&mut self, problem: YamlProblem) {
        let n_alike = match problem.severity {
            Severity::Error => &mut self.n_errors,
            Severity::Warning | Severity::Info => &mut self.n_warnings,
        };
        *n_alike += 1;
        if *n_alike <= MAX_NOTES {
            self.problems.push(problem);
        }
    }
}

/// A list or mapping that is not closed yet.
struct Frame<'a> {
    anchor: usize,
    span: Span,
    inside: Inside<'a>,
}

enum Inside<'a> {
    List(Vec<Node<'a>>),
    Map {
        entries: Vec<Entry<'a>>,
        key: Option<(Cow<'a, str>, Span)>,
        /// Filled once the mapping is no longer small.
        seen: HashSet<Cow<'a, str>>,
    },
}

/// A node that aliases may repeat, with what a repetition costs.
struct Anchored<'a> {
    node: Node<'a>,
    cost: Budget,
}

/// Values and bytes of text that may still be copied.
#[derive(Clone, Copy)]
struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    const FULL: Self = Self {
        nodes: MAX_ALIAS_NODES,
        bytes: MAX_ALIAS_BYTES,
    };

    /// Takes `cost` off; `None` and unchanged if there is not enough.
    fn spend(&mut self, cost: Self) -> Option<()> {
        let nodes = self.nodes.checked_sub(cost.nodes)?;
        let bytes = self.bytes.checked_sub(cost.bytes)?;
        *self = Self { nodes, bytes };
        Some(())
    }

    /// What copying `node` costs, if there is enough for it; looks no further than the budget reaches.
    fn weigh(mut self, node: &Node<'_>) -> Option<Self> {
        let full = self;
        self.take(node)?;
        Some(Self {
            nodes: full.nodes - self.nodes,
            bytes: full.bytes - self.bytes,
        })
    }

    fn take(&mut self, node: &Node<'_>) -> Option<()> {
        let text = |bytes: usize| Self { nodes: 0, bytes };
        self.spend(Self { nodes: 1, bytes: 0 })?;
        match &node.value {
            Content::Null | Content::Bool(_) | Content::Number(_) => Some(()),
            Content::String(value) => self.spend(text(value.len())),
            Content::List(items) => items.iter().try_for_each(|item| self.take(item)),
            Content::Map(entries) => entries.iter().try_for_each(|entry| {
                self.spend(text(entry.key.len()))?;
                self.take(&entry.value)
            }),
        }
    }
}

impl<'a> Builder<'a> {
    pub(super) fn new(place: Place, max_nodes: usize) -> Self {
        Self {
            place,
            frames: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            anchored: Budget::FULL,
            repeated: Budget::FULL,
            n_nodes: 0,
            max_nodes,
            complete: true,
            notes: Notes::default(),
        }
    }

    /// Takes one event; an error ends the document.
    pub(super) fn accept(&mut self, event: Event<'a>, span: RawSpan) -> Result<(), YamlProblem> {
        let span = self.place.span(span);
        self.n_nodes += 1;
        if self.n_nodes > self.max_nodes {
            return Err(error(
                "yaml-limit",
                span,
                format!("the document has more than {} values", self.max_nodes),
                "split it into several documents or files",
            ));
        }
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
            Event::SequenceStart(anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), span);
                self.open(anchor, span, Inside::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), span);
                let inside = Inside::Map {
                    entries: Vec::new(),
                    key: None,
                    seen: HashSet::new(),
                };
                self.open(anchor, span, inside)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(text, style, tag.as_deref(), span);
                self.insert(Node { span, value }, anchor);
            }
            Event::Alias(anchor) => {
                let node = self.repeat(anchor, span)?;
                self.insert(node, 0);
            }
        }
        Ok(())
    }

    /// Notes an error that ends the document.
    pub(super) fn refuse(&mut self, problem: YamlProblem) {
        self.notes.problems.push(problem);
        self.complete = false;
    }

    /// The tree; what an error left open is closed where it stands.
    pub(super) fn finish(mut self) -> Parsed<'a> {
        while let Some(frame) = self.frames.last() {
            let span = frame.span;
            self.close(span);
        }
        Parsed {
            root: self.root,
            complete: self.complete,
            problems: self.notes.problems,
        }
    }

    fn open(&mut self, anchor: usize, span: Span, inside: Inside<'a>) -> Result<(), YamlProblem> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(error(
                "yaml-limit",
                span,
                format!("lists and objects are nested deeper than {MAX_DEPTH} levels"),
                "put the inner part into a file of its own, or write it as text",
            ));
        }
        self.frames.push(Frame {
            anchor,
            span,
            inside,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        let value = match frame.inside {
            Inside::List(items) => Content::List(items),
            Inside::Map { entries, .. } => Content::Map(entries),
        };
        let span = Span {
            start: frame.span.start,
            end: end.start.max(frame.span.start),
        };
        self.insert(Node { span, value }, frame.anchor);
    }

    /// Puts a finished node where it belongs.
    fn insert(&mut self, node: Node<'a>, anchor: usize) {
        if anchor > 0 {
            let anchored = self.anchored.weigh(&node).and_then(|cost| {
                self.anchored.spend(cost)?;
                let node = node.clone();
                Some(Anchored { node, cost })
            });
            self.anchors.insert(anchor, anchored);
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        let (entries, key, seen) = match &mut frame.inside {
            Inside::List(items) => return items.push(node),
            Inside::Map { entries, key, seen } => (entries, key, seen),
        };
        match key.take() {
            None => *key = Some(key_text(node, &mut self.notes)),
            Some((key, key_span)) => {
                if let Some(problem) = duplicate(entries, seen, &key, key_span) {
                    self.notes.add(problem);
                    return;
                }
                if !seen.is_empty() {
                    seen.insert(key.clone());
                }
                entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                });
            }
        }
    }

    fn repeat(&mut self, anchor: usize, span: Span) -> Result<Node<'a>, YamlProblem> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(error(
                "yaml-alias",
                span,
                "the alias stands inside of what it names".to_owned(),
                "write the value out",
            ));
        };
        let affordable = anchored
            .as_ref()
            .filter(|anchored| self.repeated.spend(anchored.cost).is_some());
        let Some(anchored) = affordable else {
            return Err(error(
                "yaml-alias",
                span,
                format!(
                    "anchors and aliases copy more than {MAX_ALIAS_NODES} values or {MAX_ALIAS_BYTES} bytes within the document"
                ),
                "write the values out, or use fewer aliases within aliases",
            ));
        };
        Ok(Node {
            span,
            value: anchored.node.value.clone(),
        })
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Content<'a> {
        let Some(tag) = tag else {
            return match style {
                ScalarStyle::Plain => typed(text),
                ScalarStyle::SingleQuoted
                | ScalarStyle::DoubleQuoted
                | ScalarStyle::Literal
                | ScalarStyle::Folded => Content::String(text),
            };
        };
        match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => Content::String(text),
            (true, "null" | "bool" | "int" | "float") => self.tagged(text, &tag.suffix, span),
            (false, "!") if tag.handle.is_empty() => Content::String(text),
            _ => {
                self.notes.add(unknown_tag(tag, span));
                Content::String(text)
            }
        }
    }

    /// A scalar whose tag says what it is.
    fn tagged(&mut self, text: Cow<'a, str>, suffix: &str, span: Span) -> Content<'a> {
        let value = typed(text);
        let fits = match (&value, suffix) {
            (Content::Null, "null") | (Content::Bool(_), "bool") => true,
            (Content::Number(number), "int") => !number.is_f64(),
            (Content::Number(_), "float") => true,
            _ => false,
        };
        if !fits {
            let message = format!("the value is no `!!{suffix}`");
            self.notes
                .add(error("yaml-tag", span, message, "leave the tag out"));
        }
        value
    }

    fn check_collection_tag(&mut self, tag: Option<&Tag>, span: Span) {
        match tag {
            None => {}
            Some(tag) if tag.is_yaml_core_schema() && matches!(&*tag.suffix, "map" | "seq") => {}
            Some(tag) => self.notes.add(unknown_tag(tag, span)),
        }
    }
}

fn typed(text: Cow<'_, str>) -> Content<'_> {
    match scalar::plain(&text) {
        Scalar::Null => Content::Null,
        Scalar::Bool(value) => Content::Bool(value),
        Scalar::Number(value) => Content::Number(value),
        Scalar::String => Content::String(text),
    }
}

/// JSON has string keys only: other scalars become their text, as JavaScript has it, and lists and objects a text that shows them.
fn key_text<'a>(node: Node<'a>, notes: &mut Notes) -> (Cow<'a, str>, Span) {
    let span = node.span;
    let (text, hint): (Cow<'a, str>, String) = match node.value {
        Content::String(text) => {
            if text == "<<" {
                notes.add(YamlProblem {
                    code: "yaml-merge-key",
                    severity: Severity::Warning,
                    message: "`<<` merges nothing, it is a key like any other".to_owned(),
                    hint: Some("write the values out; `key: *anchor` repeats one value".to_owned()),
                    span,
                });
            }
            return (text, span);
        }
        Content::Null => (Cow::Borrowed(""), "write the key: `name: …`".to_owned()),
        Content::Bool(value) => quoted(value.to_string()),
        Content::Number(value) => quoted(value.to_string()),
        Content::List(_) | Content::Map(_) => (
            Cow::Owned(node.to_json().to_string()),
            "a text with `{` or `[` at its beginning needs quotes: `name: \"{{ value }}\"`"
                .to_owned(),
        ),
    };
    notes.add(YamlProblem {
        code: "yaml-key",
        severity: Severity::Warning,
        message: format!("the key is no string, and is read as `{}`", shown(&text)),
        hint: Some(hint),
        span,
    });
    (text, span)
}

fn quoted(text: String) -> (Cow<'static, str>, String) {
    let hint = format!("put it in quotes: `\"{text}\": …`");
    (Cow::Owned(text), hint)
}

fn duplicate<'a>(
    entries: &[Entry<'a>],
    seen: &mut HashSet<Cow<'a, str>>,
    key: &str,
    span: Span,
) -> Option<YamlProblem> {
    let is_double = if entries.len() <= SMALL {
        entries.iter().any(|entry| entry.key == key)
    } else {
        if seen.is_empty() {
            seen.extend(entries.iter().map(|entry| entry.key.clone()));
        }
        seen.contains(key)
    };
    let first = entries.iter().find(|entry| is_double && entry.key == key)?;
    let line = first.key_span.start.line;
    Some(error(
        "yaml-duplicate-key",
        span,
        format!("the key `{}` is already there, on line {line}", shown(key)),
        "keep one of the two",
    ))
}

fn unknown_tag(tag: &Tag, span: Span) -> YamlProblem {
    YamlProblem {
        code: "yaml-tag",
        severity: Severity::Warning,
        message: format!(
            "the tag `{}` means nothing here and is left out",
            shown(&tag.to_string())
        ),
        hint: Some("a text that begins with `!` needs quotes".to_owned()),
        span,
    }
}

fn error(code: &'static str, span: Span, message: String, hint: &str) -> YamlProblem {
    YamlProblem {
        code,
        severity: Severity::Error,
        message,
        hint: Some(hint.to_owned()),
        span,
    }
}
