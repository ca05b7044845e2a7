//! Which operations a changed schema no longer answers.

use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema};

use crate::diagnostic::{Diagnostic, Position, Span};
use crate::sdl::{Model, SdlFile};

/// The codes of [`broken`], with what they mean.
pub const OPERATION_CODES: &[(&str, &str)] = &[
    (
        "broken-operation",
        "an operation was answered by the old schema, and is not by the new one",
    ),
    (
        "invalid-operation",
        "an operation that the old schema did not answer either",
    ),
];

/// Judges the documents of clients by two schemas, as printed; `None` if one of these cannot be read.
pub fn broken(old: &SdlFile, new: &SdlFile, documents: &[SdlFile]) -> Option<Vec<Diagnostic>> {
    let schema = |file: &SdlFile| Schema::parse_and_validate(&*file.text, &*file.path).ok();
    let (old, new) = (schema(old)?, schema(new)?);
    let problems = documents.iter().flat_map(|document| {
        let before = problems(&old, document, "invalid-operation");
        if before.is_empty() {
            return problems(&new, document, "broken-operation");
        }
        let hint = "it says nothing about the change: mend it or remove it";
        let warning = |problem: Diagnostic| {
            Diagnostic::warning(problem.code, problem.file, problem.message)
                .at(problem.span.unwrap_or_default())
                .hint(hint)
        };
        // One is enough to know that it is to be mended.
        before.into_iter().take(1).map(warning).collect()
    });
    Some(problems.collect())
}

/// What is wrong with a document by the schema of `model`.
pub fn invalid(model: &Model, document: &SdlFile) -> Vec<Diagnostic> {
    problems(&model.schema, document, "invalid-operation")
}

fn problems(schema: &Valid<Schema>, document: &SdlFile, code: &'static str) -> Vec<Diagnostic> {
    let parsed = ExecutableDocument::parse_and_validate(schema, &*document.text, &*document.path);
    match parsed {
        Ok(_) => Vec::new(),
        Err(invalid) => listed(&invalid.errors, document, code),
    }
}

fn listed(list: &DiagnosticList, document: &SdlFile, code: &'static str) -> Vec<Diagnostic> {
    let listed = list.iter().map(|diagnostic| {
        let error = diagnostic.to_json();
        let problem = Diagnostic::error(code, document.path.clone(), error.message);
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        match error.locations.first() {
            Some(place) => {
                let start = Position {
                    line: narrow(place.line),
                    column: narrow(place.column),
                };
                problem.at(Span { start, end: start })
            }
            None => problem,
        }
    });
    listed.collect()
}
