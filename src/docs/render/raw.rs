//! HTML that stands in the Markdown: its addresses are followed like those of links, and how deep it nests is bounded.
//!
//! It is no parser: what is taken for a tag here and is none is made harmless by `sanitize` behind.

use std::collections::BTreeSet;

/// Most elements within each other: what sanitises builds a tree.
pub(super) const MAX_OPEN: usize = 100;

/// Elements that have no end tag.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Elements that run or load something, or look like a part of the page around.
const ACTIVE: &[&str] = &[
    "audio", "base", "embed", "form", "frame", "frameset", "iframe", "link", "math", "meta",
    "object", "script", "style", "svg", "video",
];

/// How many elements of raw HTML are open.
#[derive(Debug, Default)]
pub(super) struct Depth(usize);

impl Depth {
    /// Counts the tags of a piece of HTML; false if they nest too deep.
    pub(super) fn admits(&mut self, html: &str) -> bool {
        let mut depth = self.0;
        for tag in tags(html) {
            if tag.closes {
                depth = depth.saturating_sub(1);
            } else if !tag.is_void {
                depth += 1;
            }
            if depth > MAX_OPEN {
                return false;
            }
        }
        self.0 = depth;
        true
    }
}

struct Tag<'h> {
    name: String,
    closes: bool,
    is_void: bool,
    /// From behind the name up to `>`.
    inner: &'h str,
    /// Where `inner` begins in the HTML.
    at: usize,
}

fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    html.match_indices('<').filter_map(move |(at, _)| {
        let rest = html.get(at + 1..)?;
        let (closes, named) = match rest.strip_prefix('/') {
            Some(named) => (true, named),
            None => (false, rest),
        };
        let length = named
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .unwrap_or(named.len());
        let (name, behind) = named.split_at_checked(length)?;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = behind
            .char_indices()
            .take(4_000)
            .find(|(_, c)| matches!(c, '>' | '<'))
            .map_or(0, |(end, _)| end);
        let inner = behind.get(..end)?;
        let name = name.to_ascii_lowercase();
        Some(Tag {
            closes,
            is_void: VOID.contains(&name.as_str()) || inner.ends_with('/'),
            name,
            inner,
            at: html.len() - behind.len(),
        })
    })
}

/// The HTML with each `src` and `href` as `follow` says, and no image without a text.
pub(super) fn followed(html: &str, mut follow: impl FnMut(&str, bool) -> Option<String>) -> String {
    let mut followed = String::with_capacity(html.len() + 16);
    let mut done = 0;
    for tag in tags(html).filter(|tag| !tag.closes) {
        // What says nothing of an image has none: else its address would be read aloud.
        if tag.name == "img" && !tag.inner.to_ascii_lowercase().contains("alt") {
            followed.push_str(html.get(done..tag.at).unwrap_or_default());
            followed.push_str(" alt=\"\"");
            done = tag.at;
        }
        for (name, is_image) in [("src", true), ("href", false)] {
            let Some((from, to)) = value(tag.inner, name) else {
                continue;
            };
            let (from, to) = (tag.at + from, tag.at + to);
            let (Some(before), Some(written)) = (html.get(done..from), html.get(from..to)) else {
                continue;
            };
            if let Some(url) = follow(written, is_image) {
                followed.push_str(before);
                followed.push_str(&super::escape(&url));
                done = to;
            }
        }
    }
    followed.push_str(html.get(done..).unwrap_or_default());
    followed
}

/// What of a piece of HTML runs or loads something, each once: `sanitize` takes it away.
pub(super) fn left_out(html: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for tag in tags(html).filter(|tag| !tag.closes) {
        let name = &tag.name;
        if ACTIVE.contains(&name.as_str()) {
            found.insert(format!("`<{name}>`"));
        }
        let handlers = names(tag.inner).filter(|name| name.starts_with("on") && name.len() > 2);
        found.extend(handlers.map(|handler| format!("`{handler}` of `<{name}>`")));
    }
    found
}

/// The names of a tag's attributes that have a value, in lower case.
fn names(inner: &str) -> impl Iterator<Item = String> {
    let mut mark = None;
    let mut outside = String::with_capacity(inner.len());
    for c in inner.chars() {
        match (mark, c) {
            (None, '"' | '\'') => {
                mark = Some(c);
                outside.push(' ');
            }
            (Some(open), _) if open == c => mark = None,
            (Some(_), _) => {}
            (None, c) => outside.push(c.to_ascii_lowercase()),
        }
    }
    let parts: Vec<&str> = outside.split('=').collect();
    let before = parts.iter().take(parts.len().saturating_sub(1));
    let names: Vec<String> = before
        .filter_map(|part| {
            part.split(|c: char| c.is_whitespace() || c == '/')
                .rfind(|word| !word.is_empty())
        })
        .filter(|name| name.chars().all(|c| c.is_ascii_alphabetic()) && name.len() < 40)
        .map(str::to_owned)
        .collect();
    names.into_iter()
}

/// The anchors that a piece of HTML brings.
pub(super) fn anchors(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in tags(html).filter(|tag| !tag.closes) {
        for name in ["id", "name"] {
            let anchor = value(tag.inner, name).and_then(|(from, to)| tag.inner.get(from..to));
            found.extend(anchor.map(str::to_owned));
        }
    }
    found
}

/// Where the value of an attribute stands.
fn value(inner: &str, name: &str) -> Option<(usize, usize)> {
    let lower = inner.to_ascii_lowercase();
    let mut found = lower.match_indices(name);
    found.find_map(|(at, _)| {
        let before = lower.get(..at)?.chars().next_back()?;
        let rest = lower.get(at + name.len()..)?;
        let behind = rest.trim_start().strip_prefix('=')?.trim_start();
        if !before.is_whitespace() && !matches!(before, '"' | '\'') {
            return None;
        }
        let mark = behind
            .chars()
            .next()
            .filter(|mark| matches!(mark, '"' | '\''))?;
        let value = behind.strip_prefix(mark)?;
        let from = lower.len() - value.len();
        Some((from, from + value.find(mark)?))
    })
}
