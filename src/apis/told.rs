//! Problems of definitions at the files that their authors edit.

use std::borrow::Cow;

use super::definition::{Definition, Problem};
use crate::catalog::TextPlace;
use crate::diagnostic::Position;

/// What is wrong with a definition, as it is told: lines of a text that was put together of several files are those of no file.
pub fn told(definition: &Definition) -> impl Iterator<Item = Cow<'_, Problem>> {
    let is_bundled = definition.is_bundled;
    definition.problems.iter().map(move |problem| {
        let Some(at) = problem.at.filter(|_| is_bundled) else {
            return Cow::Borrowed(problem);
        };
        let message = format!("{} (line {} of the bundle)", problem.message, at.line);
        Cow::Owned(Problem {
            message,
            at: None,
            ..problem.clone()
        })
    })
}

/// The file and the place in it that a problem is about, where `place` says how the definition came into the descriptor `file`, and `line` is where its entity begins.
pub fn placed(
    problem: &Problem,
    file: &str,
    line: u32,
    place: Option<&TextPlace>,
) -> (String, Position) {
    let at = problem.at.unwrap_or(Position { line: 1, column: 1 });
    match place {
        Some(TextPlace::Included(target)) if !target.contains("://") => (beside(file, target), at),
        Some(TextPlace::Here { lines, columns }) => {
            let at = Position {
                line: at.line.saturating_add(*lines),
                column: at.column.saturating_add(*columns),
            };
            (file.to_owned(), at)
        }
        Some(TextPlace::Included(_)) | None => (file.to_owned(), Position { line, column: 1 }),
    }
}

/// A file named relative to another one.
fn beside(file: &str, target: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_absolute = file.starts_with('/');
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let path = steps.join("/");
    if is_absolute {
        format!("/{path}")
    } else {
        path
    }
}
