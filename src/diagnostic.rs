//! A problem in a file that a user wrote: SDL, a descriptor, the configuration.
//!
//! Broken input is data: readers return what they understood together with all the problems that they saw, and never stop at the first.
//! Drawing them for a person, for CI or as JSON is the business of `cli`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What was written cannot be used.
    Error,
    /// What was written is used, and probably not meant so.
    Warning,
    /// Worth knowing, nothing is wrong.
    Info,
}

impl Severity {
    /// The word that stands in `file:line:col: severity[code]: message`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A place in a text, both counted from 1; the column counts characters, not bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// From the first character to the one behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

/// One problem, with all that its author needs to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable, kebab-case, listed in `schema/README.md`.
    pub code: &'static str,
    pub severity: Severity,
    /// Lower case, no full stop, things in backticks.
    pub message: String,
    /// As the user named it.
    pub file: Arc<str>,
    /// `None` where the whole file is meant.
    pub span: Option<Span>,
    /// What to do; for a descriptor an example of a right value.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error; `span` and `hint` are set with the builder methods.
    pub fn error(
        code: &'static str,
        file: impl Into<Arc<str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            file: file.into(),
            span: None,
            hint: None,
        }
    }

    /// A warning.
    pub fn warning(
        code: &'static str,
        file: impl Into<Arc<str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, file, message)
        }
    }

    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether this alone makes a load fail.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `file:line:col: severity[code]: message`, and `  hint: …` on a line of its own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self
            .span
            .map_or(Position { line: 1, column: 1 }, |span| span.start);
        write!(
            f,
            "{}:{}:{}: {}[{}]: {}",
            self.file,
            start.line,
            start.column,
            self.severity.as_str(),
            self.code,
            self.message
        )?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The candidate that `word` was probably meant to be, for "did you mean".
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = word.chars().count();
    candidates
        .into_iter()
        // What differs in length alone by more than is allowed needs no comparison: a word may be a megabyte.
        .filter(|candidate| {
            let other = candidate.chars().count();
            length.abs_diff(other) <= 1 + other.min(length) / 4
        })
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= 1 + candidate.chars().count().min(word.chars().count()) / 4
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
