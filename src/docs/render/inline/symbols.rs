//! Icons by name, and characters that people write as several: what they come to as text.
//!
//! The drawings of `:material-…:`, `:octicons-…:`, `:fontawesome-…:` and `:simple-…:` are not here.
//! An icon that says something, as a check mark in a table does, becomes the character that says it; any other one is an ornament and is left out.

use std::borrow::Cow;

use super::{Attributes, Found};

/// How the names of icons begin.
const SETS: &[&str] = &["material-", "octicons-", "fontawesome-", "simple-"];
/// Longest name of an icon.
const MAX_NAME: usize = 80;

/// Icons that say something, by a word of their names, and what they say.
const TELLING: &[(&str, &str, &str)] = &[
    ("check", "✓", "yes"),
    ("close", "✗", "no"),
    ("cancel", "✗", "no"),
    ("xmark", "✗", "no"),
    ("x", "✗", "no"),
    ("alert", "⚠", "warning"),
    ("warning", "⚠", "warning"),
    ("information", "ℹ", "information"),
    ("info", "ℹ", "information"),
    ("star", "★", "star"),
    ("heart", "♥", "heart"),
    ("plus", "+", "plus"),
    ("minus", "−", "minus"),
    ("left", "←", "left"),
    ("right", "→", "right"),
    ("up", "↑", "up"),
    ("down", "↓", "down"),
];

/// As `pymdownx.smartsymbols` has them.
const SYMBOLS: &[(&str, &str)] = &[
    ("(tm)", "™"),
    ("(c)", "©"),
    ("(r)", "®"),
    ("+/-", "±"),
    ("=/=", "≠"),
    ("<-->", "↔"),
    ("-->", "→"),
    ("<--", "←"),
];

/// `:material-check:{ .green }`: HTML, and how many bytes of the text it stands for.
pub(super) fn icon(rest: &str) -> Found {
    let (name, mut taken) = name(rest)?;
    taken += list(rest, taken);
    let words = || name.split('-').skip(1);
    let telling = TELLING
        .iter()
        .find(|(word, _, _)| words().any(|it| it == *word));
    Some(match telling {
        Some((_, shown, meaning)) => (
            format!("<span class=\"icon\" title=\"{meaning}\">{shown}</span>"),
            taken,
        ),
        None => (String::new(), taken + space(rest, taken)),
    })
}

/// A text for search and for titles: without ornaments.
pub(in crate::docs::render) fn plain(text: &str) -> Cow<'_, str> {
    if !SETS.iter().any(|set| text.contains(set)) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(':') {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        let taken = match name(from) {
            Some((_, taken)) => {
                let taken = taken + list(from, taken);
                taken + space(from, taken)
            }
            None => {
                plain.push(':');
                1
            }
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain.into()
}

/// The name of an icon, and how long it is with its colons.
fn name(rest: &str) -> Option<(&str, usize)> {
    let inner = rest.strip_prefix(':')?;
    if !SETS.iter().any(|set| inner.starts_with(set)) {
        return None;
    }
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))?;
    let is_name = end <= MAX_NAME && inner.get(end..)?.starts_with(':');
    Some((inner.get(..end).filter(|_| is_name)?, end + 2))
}

/// How long the attribute list at `at` is.
pub(super) fn list(rest: &str, at: usize) -> usize {
    let list = rest.get(at..).and_then(Attributes::read);
    list.map_or(0, |(_, length)| length)
}

/// What is left out takes the space behind it along.
fn space(rest: &str, at: usize) -> usize {
    let behind = rest.get(at..).unwrap_or_default();
    usize::from(behind.starts_with(' '))
}

/// `-->` and the like.
pub(super) fn symbol(rest: &str, before: char) -> Found {
    let (written, shown) = SYMBOLS
        .iter()
        .find(|(written, _)| rest.starts_with(written))?;
    // Part of a longer row of dashes, or of a word, it is something else.
    let is_part = match written.as_bytes().first() {
        Some(b'-') => matches!(before, '-' | '<' | '!'),
        Some(b'<') => before.is_alphanumeric(),
        _ => false,
    };
    (!is_part).then(|| ((*shown).to_owned(), written.len()))
}
