//! The members of one object of an example: every key that is asked for is known, every other one is a problem with a suggestion.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalog::yaml::{Content, Entry, Node};
use crate::config::units;
use crate::diagnostic::{Diagnostic, Span, closest};

/// Where problems go.
pub(super) struct Sink {
    pub(super) file: Arc<str>,
    pub(super) problems: RefCell<Vec<Diagnostic>>,
}

impl Sink {
    pub(super) fn report(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut problem = Diagnostic::error(code, Arc::clone(&self.file), message).at(span);
        problem.hint = hint;
        self.problems.borrow_mut().push(problem);
    }
}

/// One object.
pub(super) struct Fields<'a> {
    node: &'a Node<'a>,
    entries: &'a [Entry<'a>],
    /// What it is, for messages: `upstream[0]`.
    what: String,
    asked: Vec<&'static str>,
    sink: &'a Sink,
}

impl<'a> Fields<'a> {
    pub(super) fn of(node: &'a Node<'a>, what: impl Into<String>, sink: &'a Sink) -> Self {
        let what = what.into();
        if !matches!(node.value, Content::Map(_) | Content::Null) {
            let message = format!("{what} must be an object, not {}", node.type_name());
            sink.report("example-type", node.span, message, None);
        }
        Self {
            node,
            entries: node.entries(),
            what,
            asked: Vec::new(),
            sink,
        }
    }

    /// Another object, whose problems go to the same place.
    pub(super) fn inner(&self, node: &'a Node<'a>, what: String) -> Self {
        Self::of(node, what, self.sink)
    }

    pub(super) fn span(&self) -> Span {
        self.node.span
    }

    /// The value of a key, null taken for nothing.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Node<'a>> {
        self.asked.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.value).filter(|value| !matches!(value.value, Content::Null))
    }

    /// The same with the place of the key.
    pub(super) fn entry(&mut self, key: &'static str) -> Option<&'a Entry<'a>> {
        self.asked.push(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str, hint: &str) -> Option<&'a Node<'a>> {
        let found = self.take(key);
        if found.is_none() {
            let message = format!("{} lacks `{key}`", self.what);
            self.sink.report(
                "example-missing",
                self.span(),
                message,
                Some(hint.to_owned()),
            );
        }
        found
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let node = self.take(key)?;
        if node.as_str().is_none() {
            self.wrong(key, node, "text");
        }
        node.as_str()
    }

    pub(super) fn list(&mut self, key: &'static str) -> &'a [Node<'a>] {
        match self.take(key).map(|node| (node, &node.value)) {
            None => &[],
            Some((_, Content::List(items))) => items,
            Some((node, _)) => {
                self.wrong(key, node, "a list");
                &[]
            }
        }
    }

    /// The members of an object whose keys are free.
    pub(super) fn members(&mut self, key: &'static str) -> &'a [Entry<'a>] {
        let Some(node) = self.take(key) else {
            return &[];
        };
        if !matches!(node.value, Content::Map(_)) {
            self.wrong(key, node, "an object");
        }
        node.entries()
    }

    pub(super) fn object(&mut self, key: &'static str) -> Map<String, Value> {
        let members = self.members(key).iter();
        members
            .map(|entry| (entry.key.clone().into_owned(), entry.value.to_json()))
            .collect()
    }

    pub(super) fn number(&mut self, key: &'static str, range: std::ops::Range<u64>) -> Option<u64> {
        let node = self.take(key)?;
        let number = match &node.value {
            Content::Number(number) => number.as_u64(),
            Content::Null
            | Content::Bool(_)
            | Content::String(_)
            | Content::List(_)
            | Content::Map(_) => None,
        };
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            let wanted = format!("a number from {} to {}", range.start, range.end - 1);
            self.wrong(key, node, &wanted);
        }
        fits
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Option<std::time::Duration> {
        let node = self.take(key)?;
        let duration = node.as_str().and_then(units::duration);
        if duration.is_none() {
            self.wrong(key, node, "a duration such as `20s`");
        }
        duration
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self) {
        for entry in self.entries {
            if self.asked.contains(&&*entry.key) {
                continue;
            }
            let hint = match closest(&entry.key, self.asked.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            let message = format!("{} has no `{}`", self.what, entry.key);
            self.sink
                .report("example-key", entry.key_span, message, Some(hint));
        }
    }

    fn wrong(&self, key: &str, node: &Node<'_>, wanted: &str) {
        let written = match &node.value {
            Content::Number(number) => format!("`{number}`"),
            Content::String(text) => format!("`{text}`"),
            Content::Null | Content::Bool(_) | Content::List(_) | Content::Map(_) => {
                node.type_name().to_owned()
            }
        };
        let message = format!("`{key}` of {} must be {wanted}, not {written}", self.what);
        self.sink.report("example-type", node.span, message, None);
    }
}
