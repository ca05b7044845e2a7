//! What changed between two definitions, and whether it breaks those who use the API.
//!
//! Texts are compared, and not what was read of them: an operation is small beside all that it takes and gives.

mod asyncapi;
mod openapi;
mod protobuf;
mod schema;

use super::definition::Format;
use super::sniff::{self, Sniffed};
use super::tree;
use crate::catalog::yaml::{self, Node};
use crate::diagnostic::Diagnostic;
use crate::sdl::{self, SdlFile};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    /// Where: `GET /payments/{id}`, `GET /payments response 200 Payment.amount`, `Query.payments`.
    pub path: String,
    /// What happened, in words.
    pub description: String,
    /// Whether what worked before may fail.
    pub breaking: bool,
}

/// What happened to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    Added,
    Removed,
    Changed,
}

impl ChangeKind {
    /// As the graph names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Removed => "REMOVED",
            Self::Changed => "CHANGED",
        }
    }
}

/// Why two definitions cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    #[error("the definitions are in different formats, or in none that is known")]
    Formats,
    #[error("the {which} definition cannot be read: {why}")]
    Unreadable { which: &'static str, why: String },
}

/// How many changes are told.
const MOST_CHANGES: usize = 1_000;

/// Compares two texts; each comes with what its author calls its format. What breaks comes first.
pub fn diff(
    (old, old_hint): (&str, Option<&str>),
    (new, new_hint): (&str, Option<&str>),
) -> Result<Vec<Change>, Incomparable> {
    let sniffed = (sniff::sniff(old, old_hint), sniff::sniff(new, new_hint));
    let mut found = match sniffed {
        (Sniffed::Tree, Sniffed::Tree) => trees(old, new)?,
        (Sniffed::Graphql, Sniffed::Graphql) => graphql(old, new)?,
        (Sniffed::Protobuf, Sniffed::Protobuf) => protobuf::diff(old, new)?,
        _ => return Err(Incomparable::Formats),
    };
    found.sort_by(|one, other| {
        (!one.breaking, &one.path, &one.description).cmp(&(
            !other.breaking,
            &other.path,
            &other.description,
        ))
    });
    found.dedup();
    found.truncate(MOST_CHANGES);
    Ok(found)
}

fn trees(old: &str, new: &str) -> Result<Vec<Change>, Incomparable> {
    let (old, new) = (yaml::readable(old), yaml::readable(new));
    let (old, new) = (root(&old, "old")?, root(&new, "new")?);
    match (tree::format(&old), tree::format(&new)) {
        (Some(Format::OpenApi), Some(Format::OpenApi)) => Ok(openapi::diff(&old, &new)),
        (Some(Format::AsyncApi), Some(Format::AsyncApi)) => Ok(asyncapi::diff(&old, &new)),
        _ => Err(Incomparable::Formats),
    }
}

fn root<'t>(text: &'t str, which: &'static str) -> Result<Node<'t>, Incomparable> {
    let parsed = yaml::parse_within(text, 0, tree::MAX_VALUES);
    let broken = parsed.problems.iter().find(|_| !parsed.complete);
    let why = broken.map_or_else(
        || "there is nothing in it".to_owned(),
        |problem| {
            let at = problem.span.start;
            format!(
                "line {}, column {}: {}",
                at.line, at.column, problem.message
            )
        },
    );
    let root = parsed.root.filter(|_| parsed.complete);
    root.ok_or(Incomparable::Unreadable { which, why })
}

fn graphql(old: &str, new: &str) -> Result<Vec<Change>, Incomparable> {
    let file = |path: &str, text: &str| SdlFile {
        path: path.into(),
        text: text.to_owned(),
        connector: None,
    };
    let changes = sdl::diff(&file("old", old), &file("new", new)).map_err(|problems| {
        let first = problems.iter().find(|problem| problem.is_error());
        let which = match first {
            Some(problem) if *problem.file == *"new" => "new",
            _ => "old",
        };
        let why = first.map_or_else(String::new, of_diagnostic);
        Incomparable::Unreadable { which, why }
    })?;
    let changes = changes.into_iter().map(|change| Change {
        kind: match &*change.message {
            message if message.starts_with("removed") => ChangeKind::Removed,
            message if message.starts_with("added") => ChangeKind::Added,
            _ => ChangeKind::Changed,
        },
        path: change.coordinate,
        description: change.message,
        breaking: change.breaking,
    });
    Ok(changes.collect())
}

fn of_diagnostic(problem: &Diagnostic) -> String {
    let at = problem.span.map(|span| span.start).unwrap_or_default();
    format!(
        "line {}, column {}: {}",
        at.line, at.column, problem.message
    )
}

/// What was found so far.
#[derive(Debug, Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(
        &mut self,
        breaking: bool,
        kind: ChangeKind,
        path: impl Into<String>,
        description: impl Into<String>,
    ) {
        // What cannot be told is not collected either.
        if self.0.len() < 4 * MOST_CHANGES {
            self.0.push(Change {
                kind,
                path: path.into(),
                description: description.into(),
                breaking,
            });
        }
    }

    fn removed(&mut self, breaking: bool, path: impl Into<String>) {
        self.add(breaking, ChangeKind::Removed, path, "removed");
    }

    fn added(&mut self, breaking: bool, path: impl Into<String>, description: impl Into<String>) {
        self.add(breaking, ChangeKind::Added, path, description);
    }

    fn changed(&mut self, breaking: bool, path: impl Into<String>, description: impl Into<String>) {
        self.add(breaking, ChangeKind::Changed, path, description);
    }
}
