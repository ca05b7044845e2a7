//! What is wrong, or worth knowing, in a descriptor; and the list of all codes that `catalog` gives.

use std::borrow::Cow;

use super::EntityRef;
use crate::diagnostic::{Severity, Span};

/// Something wrong, or worth knowing, in a descriptor file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable, kebab-case: the rule. One of [`CODES`] where it comes from `catalog`.
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    /// An example of a right value.
    pub hint: Option<String>,
    pub span: Option<Span>,
    /// Counts from 0 within the file, empty documents too; `None` where the whole file is meant.
    /// An error without a document means that nothing of the file was read.
    pub document: Option<u32>,
    /// The path in the document (`spec.type`).
    pub field: Option<String>,
    /// The entity that the document describes, as far as it can be told.
    pub entity_ref: Option<EntityRef>,
}

/// Every code with what it means, sorted.
pub const CODES: &[(&str, &str)] = &[
    (
        "annotation-key-format",
        "an annotation's key is no `[prefix/]name`",
    ),
    (
        "api-version-format",
        "`apiVersion` is no `[prefix/]version`",
    ),
    ("empty-string", "a string must not be empty or blank here"),
    ("encoding", "the file is not UTF-8"),
    (
        "file-too-large",
        "the file is larger than the limit, and is not read",
    ),
    (
        "foreign-field",
        "a field that no descriptor has beside `apiVersion`, `kind`, `metadata`, `spec`",
    ),
    ("key-case", "two keys of one object differ only in case"),
    (
        "kind-case",
        "the kind is written in another case than it is declared",
    ),
    ("kind-format", "`kind` is no name of a kind"),
    ("label-key-format", "a label's key is no `[prefix/]name`"),
    ("label-value-format", "a label's value is no name"),
    ("link-url", "a link's `url` is no absolute URL"),
    ("missing-field", "a required field is missing"),
    ("name-format", "`metadata.name` is no name"),
    ("namespace-format", "`metadata.namespace` is no DNS label"),
    ("not-an-object", "a document is no object"),
    ("reference-format", "a text is no entity reference"),
    (
        "reference-kind",
        "a reference names no kind where none is the default",
    ),
    (
        "reference-target",
        "a reference leads to a kind that its field cannot show",
    ),
    (
        "substitution",
        "a `$text`, `$json` or `$yaml` could not be filled in",
    ),
    (
        "substitution-reference",
        "a definition that a `$openapi` or `$asyncapi` fills in refers to a file that cannot be had",
    ),
    (
        "tag-format",
        "a tag is not in lower case, or has other characters than a tag may have",
    ),
    (
        "too-many",
        "a file has more documents or problems than are read or told",
    ),
    (
        "undeclared-kind",
        "no schema file declares the kind: it is served as `GenericEntity`",
    ),
    (
        "unknown-api-version",
        "the kind is not declared for this `apiVersion`",
    ),
    (
        "unknown-field",
        "a field that nothing reads, with a name close to one that is read",
    ),
    (
        "unknown-value",
        "a word that is not in the closed set of the field",
    ),
    ("wrong-type", "a value of another type than the field has"),
    (
        "yaml-alias",
        "an alias that cannot be followed, or aliases that copy too much",
    ),
    ("yaml-duplicate-key", "a key stands twice in one object"),
    ("yaml-key", "a key is no string"),
    ("yaml-limit", "a document is too deep or too large"),
    (
        "yaml-merge-key",
        "a `<<`, which merges nothing in descriptors",
    ),
    ("yaml-syntax", "the YAML cannot be read"),
    (
        "yaml-tag",
        "a YAML tag that does not fit, or means nothing here",
    ),
];

impl Problem {
    pub(super) fn new(
        severity: Severity,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            hint: None,
            span: Some(span),
            document: None,
            field: None,
            entity_ref: None,
        }
    }

    pub(super) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    pub(super) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The problems of one document.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) document: u32,
    pub(super) entity_ref: Option<EntityRef>,
    pub(super) problems: Vec<Problem>,
    /// Fields whose value could not be had: nothing more is said about them.
    pub(super) unknown: Vec<String>,
}

impl Findings {
    /// Adds `problem`, unless the same was said of the same field before.
    pub(super) fn add(&mut self, mut problem: Problem) {
        if let Some(field) = &problem.field
            && self.unknown.iter().any(|unknown| is_within(field, unknown))
        {
            return;
        }
        let said = self.problems.iter().any(|earlier| {
            earlier.code == problem.code
                && earlier.field == problem.field
                && earlier.span == problem.span
        });
        let alike = |known: &&Problem| known.severity == problem.severity;
        if said || self.problems.iter().filter(alike).count() >= MAX_PROBLEMS {
            return;
        }
        problem.document = Some(self.document);
        problem.entity_ref.clone_from(&self.entity_ref);
        self.problems.push(problem);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }
}

/// Whether the path `field` is `outer` or leads into it.
fn is_within(field: &str, outer: &str) -> bool {
    field
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// How many problems of one document and severity are told: its author will not mend more at a time, and a hostile file shall not fill the memory.
const MAX_PROBLEMS: usize = 100;

/// A text of the user's in a message: its beginning, if it is long.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_SHOWN {
        return Cow::Borrowed(text);
    }
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// How many characters of the user's text a message repeats.
const MAX_SHOWN: usize = 80;

/// The path of the member `key` of the object at `path`, quoted where it is no plain name.
pub(super) fn member(path: &str, key: &str) -> String {
    let key = shown(key);
    let plain = key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'));
    // Put together by hand: paths are made for good documents too.
    let mut member = String::with_capacity(path.len() + key.len() + 3);
    member.push_str(path);
    if !path.is_empty() {
        member.push('.');
    }
    if plain && !key.is_empty() {
        member.push_str(&key);
    } else {
        member.push('\'');
        member.push_str(&key);
        member.push('\'');
    }
    member
}

/// The path of an item of the list at `path`.
pub(super) fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_kebab_case() {
        assert!(CODES.is_sorted());
        for (code, _) in CODES {
            assert!(
                code.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            );
        }
    }
}
