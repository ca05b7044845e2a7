//! Templates of paths and queries to encoded text: a value is encoded by where it stands, so it never changes where a request goes.
//!
//! | place | rule |
//! | --- | --- |
//! | path segment | everything but `A-Za-z0-9-_~.` is percent-encoded; empty, `.`, `..` and control characters are refused |
//! | `segments` | split on `/`, each part by the rule above, joined by `/` or `/word/` |
//! | query value | the same set; a list repeats the parameter; `{?x}` drops the parameter when null |
//!
//! What it is not: it knows no base URL; that the joined one stays below its base is checked where it is sent.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::sdl::expr::{Hole, Part, Scope, Segments, Template};

/// A template, taken apart once.
#[derive(Debug, Default)]
pub(super) struct Address {
    path: Vec<Piece>,
    params: Vec<Param>,
}

/// One `name=value` of a query, with the holes in it.
#[derive(Debug, Default)]
struct Param {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    Hole {
        hole: Hole,
        /// Whether it reads the keys of a batch.
        keys: bool,
    },
}

/// What to make of the holes that read the keys of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// They are filled in.
    Given,
    /// They are left out: the same text for all keys that one request can carry.
    LeftOut,
}

/// Why a template cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// A hole that must have a value has none.
    Missing { hole: Box<str> },
    /// A hole has a value that must not stand there.
    Bad { hole: Box<str>, why: &'static str },
}

impl Address {
    pub(super) fn new(template: &Template) -> Self {
        let mut path = Vec::new();
        let mut params: Vec<Param> = Vec::new();
        for part in template.parts() {
            let text = match part {
                Part::Hole(hole) => {
                    let pieces = params
                        .last_mut()
                        .map_or(&mut path, |param| &mut param.pieces);
                    pieces.push(Piece::Hole {
                        hole: hole.clone(),
                        keys: hole.expr.reads().iter().any(|read| &*read.root == "batch"),
                    });
                    continue;
                }
                Part::Text(text) => &**text,
            };
            let (before, query) = match (params.is_empty(), text.split_once('?')) {
                (true, None) => (text, None),
                (true, Some((before, query))) => (before, Some(query)),
                (false, _) => ("", Some(text)),
            };
            if !before.is_empty() {
                path.push(Piece::Text(before.into()));
            }
            let Some(query) = query else {
                continue;
            };
            for (position, text) in query.split('&').enumerate() {
                if position > 0 || params.is_empty() {
                    params.push(Param::default());
                }
                if let (Some(param), false) = (params.last_mut(), text.is_empty()) {
                    param.pieces.push(Piece::Text(text.into()));
                }
            }
        }
        Self { path, params }
    }

    /// Path and query, ready to be sent.
    pub(super) fn fill(&self, scope: &Scope<'_, '_>, keys: Keys) -> Result<String, Unfit> {
        let mut out = String::with_capacity(96);
        for piece in &self.path {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Hole { keys: true, .. } if keys == Keys::LeftOut => out.push_str("{}"),
                Piece::Hole { hole, .. } => path_hole(hole, scope, &mut out)?,
            }
        }
        let mut separator = '?';
        for param in &self.params {
            param.fill(scope, keys, &mut separator, &mut out)?;
        }
        Ok(out)
    }
}

impl Param {
    fn fill(
        &self,
        scope: &Scope<'_, '_>,
        keys: Keys,
        separator: &mut char,
        out: &mut String,
    ) -> Result<(), Unfit> {
        let mut texts: Vec<Cow<'_, str>> = Vec::with_capacity(self.pieces.len());
        // A hole that is the whole value may repeat the parameter.
        let mut repeated: Vec<String> = Vec::new();
        for (position, piece) in self.pieces.iter().enumerate() {
            let hole = match piece {
                Piece::Text(text) => {
                    texts.push(Cow::Borrowed(text));
                    continue;
                }
                Piece::Hole { keys: true, .. } if keys == Keys::LeftOut => {
                    texts.push(Cow::Borrowed("{}"));
                    continue;
                }
                Piece::Hole { hole, .. } => hole,
            };
            let value = hole.expr.eval(scope);
            let last = position + 1 == self.pieces.len();
            match &*value {
                Value::Array(items) if last && self.stands_alone(position) => {
                    for item in items {
                        repeated.push(encoded(&scalar(item, hole)?));
                    }
                    if repeated.is_empty() {
                        return absent(hole);
                    }
                }
                Value::Null => return absent(hole),
                value => {
                    let text = scalar(value, hole)?;
                    if text.is_empty() {
                        return absent(hole);
                    }
                    texts.push(Cow::Owned(encoded(&text)));
                }
            }
        }
        let before = texts.concat();
        match repeated.is_empty() {
            true => push(&before, "", separator, out),
            false => {
                for value in &repeated {
                    push(&before, value, separator, out);
                }
            }
        }
        Ok(())
    }

    /// Whether only `name=` stands before the hole.
    fn stands_alone(&self, position: usize) -> bool {
        match (position, self.pieces.first()) {
            (1, Some(Piece::Text(text))) => text.ends_with('=') && text.matches('=').count() == 1,
            _ => false,
        }
    }
}

fn push(before: &str, value: &str, separator: &mut char, out: &mut String) {
    out.push(std::mem::replace(separator, '&'));
    out.push_str(before);
    out.push_str(value);
}

/// Nothing is there: it drops an optional parameter. An empty value would ask for everything.
fn absent(hole: &Hole) -> Result<(), Unfit> {
    match hole.optional {
        true => Ok(()),
        false => Err(missing(hole)),
    }
}

fn missing(hole: &Hole) -> Unfit {
    Unfit::Missing {
        hole: hole.expr.source().into(),
    }
}

fn bad(hole: &Hole, why: &'static str) -> Unfit {
    Unfit::Bad {
        hole: hole.expr.source().into(),
        why,
    }
}

fn path_hole(hole: &Hole, scope: &Scope<'_, '_>, out: &mut String) -> Result<(), Unfit> {
    let value = hole.expr.eval(scope);
    if value.is_null() {
        return Err(missing(hole));
    }
    let text = scalar(&value, hole)?;
    match &hole.segments {
        None => segment(&text, hole, out),
        Some(Segments { between }) => {
            for (position, part) in text.split('/').enumerate() {
                if position > 0 {
                    out.push('/');
                    if let Some(word) = between {
                        out.push_str(word);
                        out.push('/');
                    }
                }
                segment(part, hole, out)?;
            }
            Ok(())
        }
    }
}

fn segment(text: &str, hole: &Hole, out: &mut String) -> Result<(), Unfit> {
    let why = match text {
        "" => "an empty part of a path",
        "." | ".." => "a part of a path that leads elsewhere",
        text if text.contains(char::is_control) => "a control character",
        text => {
            out.push_str(&encoded(text));
            return Ok(());
        }
    };
    Err(bad(hole, why))
}

fn scalar<'v>(value: &'v Value, hole: &Hole) -> Result<Cow<'v, str>, Unfit> {
    match value {
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Number(number) => Ok(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Ok(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(bad(hole, "a list or an object, where one value stands"))
        }
    }
}

/// What is never encoded (RFC 3986, 2.3); everything else is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b'.');

/// Percent-encoded but for `A-Za-z0-9-_~.`.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Whether a query has a parameter.
pub(super) fn has_param(path_and_query: &str, name: &str) -> bool {
    let (_, query) = path_and_query.split_once('?').unwrap_or_default();
    let own = |param: &str| param.split_once('=').map_or(param, |(own, _)| own) == name;
    query.split('&').any(own)
}

/// `path?query` with a parameter set: replaced where it stands, added where not.
pub(super) fn with_param(path_and_query: &str, name: &str, value: &str) -> String {
    let (path, query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    let kept = query.split('&').filter(|param| {
        let own = param.split_once('=').map_or(*param, |(own, _)| own);
        !param.is_empty() && own != name
    });
    let mut out = path.to_owned();
    let mut separator = '?';
    for param in kept {
        push(param, "", &mut separator, &mut out);
    }
    push(
        &format!("{name}="),
        &encoded(value),
        &mut separator,
        &mut out,
    );
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Address, Keys, Unfit, with_param};
    use crate::sdl::expr::{Scope, Template};

    fn filled(template: &str, x: &Value) -> String {
        let template = Template::parse(template).unwrap();
        let address = Address::new(&template);
        let batch = json!({ "key": x });
        let scope = Scope {
            names: &[("x", x), ("batch", &batch)],
            ..Scope::default()
        };
        match address.fill(&scope, Keys::Given) {
            Ok(text) => text,
            Err(Unfit::Missing { hole }) => format!("missing {hole}"),
            Err(Unfit::Bad { why, .. }) => format!("bad: {why}"),
        }
    }

    #[test]
    fn values_are_encoded_by_where_they_stand() {
        let rows = [
            ("/a/{$x}", json!("b"), "/a/b"),
            ("/a/{$x}", json!("b-_~.c"), "/a/b-_~.c"),
            ("/a/{$x}", json!(7), "/a/7"),
            ("/a/{$x}", json!(true), "/a/true"),
            ("/a/{$x}", json!("../../admin"), "/a/..%2F..%2Fadmin"),
            ("/a/{$x}", json!("a?x=1&y=2#z"), "/a/a%3Fx%3D1%26y%3D2%23z"),
            ("/a/{$x}", json!("a%2f..%2fb"), "/a/a%252f..%252fb"),
            ("/a/{$x}", json!("a\\b"), "/a/a%5Cb"),
            ("/a/{$x}", json!("ä €"), "/a/%C3%A4%20%E2%82%AC"),
            (
                "/a/{$x}",
                json!(".."),
                "bad: a part of a path that leads elsewhere",
            ),
            (
                "/a/{$x}",
                json!("."),
                "bad: a part of a path that leads elsewhere",
            ),
            ("/a/{$x}", json!(""), "bad: an empty part of a path"),
            ("/a/{$x}", json!("a\r\nb"), "bad: a control character"),
            ("/a/{$x}", json!("a\u{0}b"), "bad: a control character"),
            (
                "/a/{$x}",
                json!(["b"]),
                "bad: a list or an object, where one value stands",
            ),
            ("/a/{$x}", Value::Null, "missing $x"),
            ("/{$x | segments}/z", json!("a/b c"), "/a/b%20c/z"),
            (
                "/{$x | segments}",
                json!("a/../b"),
                "bad: a part of a path that leads elsewhere",
            ),
            (
                "/{$x | segments}",
                json!("/a"),
                "bad: an empty part of a path",
            ),
            (
                "/job/{$x | segments('job')}/api",
                json!("a/b"),
                "/job/a/job/b/api",
            ),
            ("/a?q={$x}", json!("b&c=d"), "/a?q=b%26c%3Dd"),
            ("/a?q={$x}", json!("a\r\nb"), "/a?q=a%0D%0Ab"),
            ("/a?q={$x}", json!(""), "missing $x"),
            ("/a?q={$x}", Value::Null, "missing $x"),
            ("/a?q={?$x}&r=1", Value::Null, "/a?r=1"),
            ("/a?r=1&q={?$x}", json!("b"), "/a?r=1&q=b"),
            ("/a?q={?$x}", json!([]), "/a"),
            (
                "/a?ids[]={$x}&r=1",
                json!(["b", "c/d"]),
                "/a?ids[]=b&ids[]=c%2Fd&r=1",
            ),
            ("/a?ids={$x}", json!([1, 2]), "/a?ids=1&ids=2"),
            ("/a?ids={$x}", json!([]), "missing $x"),
            ("/a?ids={$x | join(',')}", json!(["b", "c"]), "/a?ids=b%2Cc"),
            (
                "/a?tree=b[n]%7B0,{$x}%7D",
                json!(10),
                "/a?tree=b[n]%7B0,10%7D",
            ),
            (
                "/a?q=x:{$x}",
                json!(["b"]),
                "bad: a list or an object, where one value stands",
            ),
            ("/a?ids={$batch.key}", json!(["b", "c"]), "/a?ids=b&ids=c"),
        ];
        for (template, x, expected) in rows {
            assert_eq!(filled(template, &x), expected, "{template} with {x}");
        }
    }

    #[test]
    fn keys_are_left_out_of_what_a_batch_has_in_common() {
        let template = Template::parse("/a/{$x}?ids[]={$batch.key}&r=1").unwrap();
        let address = Address::new(&template);
        let x = json!("b");
        let scope = Scope {
            names: &[("x", &x)],
            ..Scope::default()
        };
        assert_eq!(
            address.fill(&scope, Keys::LeftOut).unwrap(),
            "/a/b?ids[]={}&r=1"
        );
    }

    #[test]
    fn parameters_are_replaced_or_added() {
        assert_eq!(with_param("/a", "limit", "5"), "/a?limit=5");
        assert_eq!(with_param("/a?limit=1&x=2", "limit", "5"), "/a?x=2&limit=5");
        assert_eq!(
            with_param("/a?x=2", "page-token", "a b&c"),
            "/a?x=2&page-token=a%20b%26c"
        );
    }
}
