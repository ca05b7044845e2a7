//! What writes have changed in what is read.
//!
//! An example may be of any object: `{name}` in a path stands for whatever is asked, and its effects are of that one.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::request::contains;
use super::route::path_segments;
use crate::connect::example::{Asked, Effect, Place};
use crate::sdl::Method;

/// What the holes of a path stood for.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<(String, String)>);

/// An effect that was carried out, or will be.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// Since the upstream was started.
    pub(super) at: Duration,
    pub(super) effect: Effect,
}

impl Words {
    /// What makes `pattern` this path; `None`: nothing does.
    pub(super) fn of(pattern: &[String], path: &[String]) -> Option<Self> {
        if pattern.len() != path.len() {
            return None;
        }
        let mut words = Vec::new();
        for (wanted, segment) in pattern.iter().zip(path) {
            match hole(wanted) {
                Some(name) => words.push((name.to_owned(), segment.clone())),
                None if wanted == segment => {}
                None => return None,
            }
        }
        Some(Self(words))
    }

    /// The same of the arguments of a root field; `None`: they are others.
    pub(super) fn of_arguments(
        wanted: &Map<String, Value>,
        given: &Map<String, Value>,
    ) -> Option<Self> {
        let mut words = Vec::new();
        for (name, wanted) in wanted {
            let given = given.get(name)?;
            match (wanted, given) {
                (Value::Object(wanted), Value::Object(given)) => {
                    words.extend(Self::of_arguments(wanted, given)?.0);
                }
                (Value::String(text), given) if hole(text).is_some() => {
                    let name = hole(text).unwrap_or_default().to_owned();
                    words.push((name, given.as_str()?.to_owned()));
                }
                (wanted, given) if contains(given, wanted) => {}
                _ => return None,
            }
        }
        Some(Self(words))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The same, and what `{new}` stands for.
    pub(super) fn with_new(mut self, new: String) -> Self {
        self.0.push(("new".to_owned(), new));
        self
    }

    /// The same, and what `{now}` stands for.
    pub(super) fn at(&self, now: Timestamp) -> Self {
        let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let now = ("now".to_owned(), now);
        Self(self.0.iter().cloned().chain([now]).collect())
    }

    /// A text with its holes filled; those that nothing is known of stay.
    pub(super) fn fill(&self, text: &str) -> String {
        let fill = |text: String, (name, word): &(String, String)| {
            text.replace(&format!("{{{name}}}"), word)
        };
        self.0.iter().fold(text.to_owned(), fill)
    }

    pub(super) fn place(&self, place: &Place) -> Place {
        place.with_words(|text| self.fill(text))
    }

    /// A path, segment by segment, so that no word becomes two of them.
    pub(super) fn path(&self, path: &str) -> Vec<String> {
        let segments = path_segments(path);
        segments.iter().map(|segment| self.fill(segment)).collect()
    }

    pub(super) fn effect(&self, effect: &Effect) -> Effect {
        let mut effect = effect.clone();
        for (place, value) in &mut effect.set {
            *place = self.place(place);
            self.value(value);
        }
        effect.copy = effect.copy.map(|place| self.place(&place));
        for value in effect.arguments.iter_mut().flat_map(Map::values_mut) {
            self.value(value);
        }
        if let Asked::Rest { path, .. } = &mut effect.on {
            let encoded = |segment: String| segment.replace('%', "%25").replace('/', "%2F");
            let segments = self.path(path).into_iter().map(encoded);
            *path = segments
                .map(|segment| format!("/{segment}"))
                .collect::<String>()
                .into();
        }
        effect
    }

    /// Fills the texts of a value.
    pub(super) fn value(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::String(text) => *text = self.fill(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => members.values_mut().for_each(|value| self.value(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl Written {
    /// Whether it changes what is read here.
    pub(super) fn is_on(&self, method: Method, path: &[String]) -> bool {
        matches!(&self.effect.on, Asked::Rest { method: own, path: pattern }
            if *own == method && Words::of(&path_segments(pattern), path).is_some())
    }
}

/// `{name}`
pub(super) fn hole(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}
