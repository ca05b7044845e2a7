//! Text to valid document, once per schema version and text.

use std::collections::HashSet;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::{self, Definition, Selection};
use apollo_compiler::parser::{LineColumn, Parser, SourceMap, SourceSpan};
use apollo_compiler::response::GraphQLError;
use apollo_compiler::validation::{DiagnosticList, Valid};

use super::error::{Code, Location, RequestError};
use super::limits::{self, Limits};
use super::suggest::suggestion;
use crate::sdl::Model;

/// Parses and validates `text`, within `limits`.
pub(crate) fn read(
    model: &Model,
    text: &str,
    limits: &Limits,
) -> Result<Valid<ExecutableDocument>, Vec<RequestError>> {
    if text.len() > limits.document_bytes {
        return Err(vec![limits::exceeded(
            "documentSize",
            limits.document_bytes,
        )]);
    }
    let mut parser = Parser::new()
        .recursion_limit(limits.nesting)
        .token_limit(limits.tokens);
    let parsed = parser.parse_ast(text, "query");
    if parser.recursion_reached() > limits.nesting {
        return Err(vec![limits::exceeded("nesting", limits.nesting)]);
    }
    if parser.tokens_reached() > limits.tokens {
        return Err(vec![limits::exceeded("tokens", limits.tokens)]);
    }
    let document =
        parsed.map_err(|broken| errors(model, Code::ParseFailed, &broken.errors, |_| false))?;
    limits::check(&document, limits).map_err(|error| vec![error])?;
    document
        .to_executable_validate(&model.schema)
        .map_err(|invalid| {
            let selected = selected(&document);
            let is_selected = |place: &LineColumn| selected.contains(place);
            errors(model, Code::ValidationFailed, &invalid.errors, is_selected)
        })
}

/// More than this say the same over and over.
const LISTED: usize = 20;

fn errors(
    model: &Model,
    code: Code,
    list: &DiagnosticList,
    is_selected: impl Fn(&LineColumn) -> bool,
) -> Vec<RequestError> {
    list.iter()
        .map(|diagnostic| diagnostic.to_json())
        .filter(|error| !(is_bare(error) && error.locations.iter().all(&is_selected)))
        .take(LISTED)
        .map(|error| request_error(model, code, &error))
        .collect()
}

/// Whether it says that a field selects nothing.
fn is_bare(error: &GraphQLError) -> bool {
    error.message.ends_with("must have a subselection set")
}

/// Where fields with a selection begin.
///
/// One that selects only unknown fields is left without any when the document is read, and apollo-compiler then says so beside what is really wrong.
fn selected(document: &ast::Document) -> HashSet<LineColumn> {
    let mut found = HashSet::new();
    let sets = document
        .definitions
        .iter()
        .map(|definition| match definition {
            Definition::OperationDefinition(operation) => operation.selection_set.as_slice(),
            Definition::FragmentDefinition(fragment) => fragment.selection_set.as_slice(),
            _ => &[],
        });
    let mut open: Vec<&[Selection]> = sets.collect();
    while let Some(set) = open.pop() {
        for selection in set {
            match selection {
                Selection::Field(field) if !field.selection_set.is_empty() => {
                    found.extend(
                        field
                            .line_column_range(&document.sources)
                            .map(|range| range.start),
                    );
                    open.push(&field.selection_set);
                }
                Selection::InlineFragment(inline) => open.push(&inline.selection_set),
                Selection::Field(_) | Selection::FragmentSpread(_) => {}
            }
        }
    }
    found
}

fn request_error(model: &Model, code: Code, error: &GraphQLError) -> RequestError {
    let message = match suggestion(&model.schema, &error.message) {
        Some(name) => format!("{}; did you mean `{name}`?", error.message),
        None => error.message.clone(),
    };
    RequestError {
        code,
        message,
        locations: error
            .locations
            .iter()
            .map(|place| narrow(place.line, place.column))
            .collect(),
    }
}

/// Where a node of a document stands.
pub(crate) fn location(span: Option<SourceSpan>, sources: &SourceMap) -> Option<Location> {
    let place = span?.line_column(sources)?;
    Some(narrow(place.line, place.column))
}

fn narrow(line: usize, column: usize) -> Location {
    let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
    (narrow(line), narrow(column))
}
