//! Attribute lists: `{ #id .class key=value }` behind an element, with or without the `:` of Python-Markdown.

use super::blocks::escape;

/// Attributes that may be given to an element; any other one is left out.
const SAFE: &[&str] = &[
    "title", "width", "height", "alt", "lang", "dir", "align", "loading",
];

/// Most characters of a list.
const MAX_LENGTH: usize = 500;

/// What a list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) id: Option<String>,
    pub(super) classes: Vec<String>,
    pub(super) pairs: Vec<(String, String)>,
}

impl Attributes {
    /// The list at the beginning of a text, and how many bytes it has.
    pub(super) fn read(text: &str) -> Option<(Self, usize)> {
        let inner = text.strip_prefix('{')?;
        let end = inner
            .char_indices()
            .take(MAX_LENGTH)
            .find(|(_, c)| matches!(c, '}' | '\n'));
        let (end, _) = end.filter(|(_, c)| *c == '}')?;
        let inner = inner.get(..end)?;
        let inner = inner.strip_prefix(':').unwrap_or(inner);
        let attributes = Self::parse(inner)?;
        Some((attributes, end + 2))
    }

    /// What stands between the braces; `None` if that is no list of attributes.
    pub(super) fn parse(inner: &str) -> Option<Self> {
        let mut attributes = Self::default();
        let mut rest = inner.trim_start();
        let mut any = false;
        while !rest.is_empty() {
            any = true;
            let word_end = rest.find([' ', '\t', '=']).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(word_end)?;
            if let Some(value) = after.strip_prefix('=') {
                let (value, after) = value_of(value)?;
                if !is_name(word) {
                    return None;
                }
                match word {
                    "id" => attributes.id = Some(value.to_owned()),
                    "class" => attributes
                        .classes
                        .extend(value.split_ascii_whitespace().map(str::to_owned)),
                    _ => attributes
                        .pairs
                        .push((word.to_lowercase(), value.to_owned())),
                }
                rest = after.trim_start();
                continue;
            }
            match word.chars().next() {
                Some('#') => attributes.id = word.strip_prefix('#').map(str::to_owned),
                Some('.') => attributes
                    .classes
                    .extend(word.strip_prefix('.').map(str::to_owned)),
                _ if is_name(word) => attributes.pairs.push((word.to_lowercase(), String::new())),
                _ => return None,
            }
            rest = after.trim_start();
        }
        any.then_some(attributes)
    }

    /// The value of a pair.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// As it stands in a tag, with a space before each.
    pub(super) fn html(&self) -> String {
        let mut html = String::new();
        if let Some(id) = &self.id {
            html.push_str(&format!(" id=\"{}\"", escape(id)));
        }
        if !self.classes.is_empty() {
            html.push_str(&format!(" class=\"{}\"", escape(&self.classes.join(" "))));
        }
        for (key, value) in &self.pairs {
            if SAFE.contains(&key.as_str()) {
                html.push_str(&format!(" {key}=\"{}\"", escape(value)));
            }
        }
        html
    }
}

/// A value, quoted or not, and what is behind it.
fn value_of(text: &str) -> Option<(&str, &str)> {
    for mark in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(mark) {
            return rest.split_once(mark);
        }
    }
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    text.split_at_checked(end)
}

fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'))
}
