//! How values compare: strings ignoring case, numbers as numbers, times as instants.
//!
//! Values are kept as the JSON that is written to clients, so nothing is rendered when they are read; a comparison takes the JSON apart.
//! Lower-casing is Unicode's, character by character, so that a prefix of a text folds to a prefix of the folded text.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use crate::sdl::Leaf;

/// What the values of an index are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Text without quotes: refs and ids.
    Raw,
    /// JSON strings.
    Text,
    Number,
    Boolean,
    Instant,
}

/// A value in a form that compares; texts are folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Text(String),
    Ordinal(i128),
}

impl Sort {
    /// `None` for JSON, which is neither compared nor kept.
    pub(super) fn of(leaf: Leaf) -> Option<Self> {
        match leaf {
            Leaf::String | Leaf::Enum => Some(Self::Text),
            Leaf::Boolean => Some(Self::Boolean),
            Leaf::Int | Leaf::Float => Some(Self::Number),
            Leaf::DateTime => Some(Self::Instant),
            Leaf::Json => None,
        }
    }

    /// Whether values are compared as texts.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Raw | Self::Text)
    }

    /// The text of a stored value, as it was written.
    #[inline]
    pub(super) fn text(self, stored: &str) -> Cow<'_, str> {
        match self {
            Self::Text | Self::Instant => unquote(stored),
            Self::Raw | Self::Number | Self::Boolean => Cow::Borrowed(stored),
        }
    }

    pub(super) fn key(self, stored: &str) -> Key {
        if self.is_text() {
            Key::Text(fold(&self.text(stored)))
        } else {
            Key::Ordinal(self.ordinal(stored))
        }
    }

    /// The key of what a query compares with; `None` if no stored value can equal it.
    pub(super) fn operand(self, value: &Value) -> Option<Key> {
        let text = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Number(_) | Value::Bool(_) => Cow::Owned(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(match self {
            Self::Raw | Self::Text => Key::Text(fold(&text)),
            Self::Boolean => Key::Ordinal(i128::from(text.parse::<bool>().ok()?)),
            Self::Number => Key::Ordinal(number_ordinal(text.parse().ok()?)),
            Self::Instant => Key::Ordinal(text.parse::<Timestamp>().ok()?.as_nanosecond()),
        })
    }

    /// The order of two stored values.
    pub(super) fn compare(self, left: &str, right: &str) -> Ordering {
        if self.is_text() {
            compare_folded(&self.text(left), &self.text(right))
        } else {
            self.ordinal(left).cmp(&self.ordinal(right))
        }
    }

    /// The order of a stored value and a key.
    #[inline]
    pub(super) fn compare_key(self, stored: &str, key: &Key) -> Ordering {
        match key {
            Key::Text(text) => compare_folded(&self.text(stored), text),
            Key::Ordinal(ordinal) => self.ordinal(stored).cmp(ordinal),
        }
    }

    /// Stored values are well-formed; what could not be read would come first.
    pub(super) fn ordinal(self, stored: &str) -> i128 {
        match self {
            Self::Boolean => i128::from(stored == "true"),
            Self::Instant => unquote(stored)
                .parse::<Timestamp>()
                .map_or(i128::MIN, Timestamp::as_nanosecond),
            Self::Number => stored.parse().map_or(i128::MIN, number_ordinal),
            Self::Raw | Self::Text => i128::MIN,
        }
    }
}

/// An integer in the order of the numbers.
fn number_ordinal(number: f64) -> i128 {
    // Adding zero makes one of the two zeros.
    let bits = (number + 0.0).to_bits() as i64;
    i128::from(bits ^ (((bits >> 63) as u64) >> 1) as i64)
}

/// The text of a JSON string.
#[inline]
pub(super) fn unquote(json: &str) -> Cow<'_, str> {
    match json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => Cow::Borrowed(plain),
        Some(_) => serde_json::from_str(json).map_or(Cow::Borrowed(""), Cow::Owned),
        None => Cow::Borrowed(json),
    }
}

/// The items of a stored list of scalars, each as JSON.
pub(super) fn list_items(json: &str) -> Vec<Box<str>> {
    serde_json::from_str::<Vec<Box<serde_json::value::RawValue>>>(json)
        .unwrap_or_default()
        .into_iter()
        .map(Into::into)
        .collect()
}

/// Appends `text` as a JSON string.
pub(super) fn push_json_string(out: &mut Vec<u8>, text: &str) {
    if text
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
    {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(Value::from(text).to_string().as_bytes());
    }
}

/// Lower case, character by character.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        folded_chars(text).collect()
    }
}

fn folded_chars(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

/// The order of two texts, ignoring case.
#[inline]
pub(super) fn compare_folded(left: &str, right: &str) -> Ordering {
    let (a, b) = (left.as_bytes(), right.as_bytes());
    for (at, (x, y)) in a.iter().zip(b).enumerate() {
        if !x.is_ascii() || !y.is_ascii() {
            // Both sides are alike and ASCII up to here, so this is a character boundary in both.
            let (left, right) = (left.get(at..), right.get(at..));
            return folded_chars(left.unwrap_or_default())
                .cmp(folded_chars(right.unwrap_or_default()));
        }
        match x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()) {
            Ordering::Equal => {}
            different => return different,
        }
    }
    a.len().cmp(&b.len())
}

/// Whether `text` begins with `prefix`, which is folded.
pub(super) fn starts_with_folded(text: &str, prefix: &str) -> bool {
    if text.is_ascii() {
        text.len() >= prefix.len()
            && text.as_bytes()[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
    } else {
        fold(text).starts_with(prefix)
    }
}

/// Finds a text in others, ignoring case.
pub(super) struct Finder {
    needle: String,
    first: Option<(u8, u8)>,
}

impl Finder {
    pub(super) fn new(needle: &str) -> Self {
        let needle = fold(needle);
        let first = needle
            .bytes()
            .next()
            .map(|byte| (byte, byte.to_ascii_uppercase()));
        Self { needle, first }
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        let Some((lower, upper)) = self.first else {
            return true;
        };
        if !text.is_ascii() {
            return fold(text).contains(&self.needle);
        }
        let (text, needle) = (text.as_bytes(), self.needle.as_bytes());
        memchr::memchr2_iter(lower, upper, text).any(|at| {
            text.get(at..at + needle.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(needle))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_compare_as_their_lower_case_does() {
        let texts = [
            "",
            "a",
            "A",
            "ab",
            "Äb",
            "äB",
            "z",
            "É",
            "aé",
            "AÉ",
            "a\u{10ffff}",
            "ΑΣ",
            "ας",
            "İ",
            "i̇",
        ];
        for left in texts {
            for right in texts {
                assert_eq!(
                    compare_folded(left, right),
                    fold(left).cmp(&fold(right)),
                    "{left} {right}"
                );
                assert_eq!(
                    starts_with_folded(left, &fold(right)),
                    fold(left).starts_with(&fold(right)),
                    "{left} {right}"
                );
                assert_eq!(
                    Finder::new(right).is_in(left),
                    fold(left).contains(&fold(right)),
                    "{left} {right}"
                );
            }
        }
    }

    #[test]
    fn numbers_keep_their_order() {
        let numbers = [
            f64::MIN,
            -2.5,
            -1.0,
            -0.5,
            0.0,
            1e-9,
            1.0,
            10.0,
            9e15,
            f64::MAX,
        ];
        for pair in numbers.windows(2) {
            assert!(
                number_ordinal(pair[0]) < number_ordinal(pair[1]),
                "{pair:?}"
            );
        }
        assert_eq!(number_ordinal(-0.0), number_ordinal(0.0));
    }

    #[test]
    fn json_strings_are_taken_apart() {
        assert_eq!(unquote(r#""plain""#), "plain");
        assert_eq!(unquote(r#""a\"b\u00e9""#), "a\"bé");
        assert_eq!(list_items(r#"["a","b\"c",5]"#).join("|"), r#""a"|"b\"c"|5"#);
        let mut out = Vec::new();
        push_json_string(&mut out, "a");
        push_json_string(&mut out, "a\"\n");
        assert_eq!(out, br#""a""a\"\n""#);
    }
}
