//! Text to valid document, once per schema version and text.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::parser::{Parser, SourceMap, SourceSpan};
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
    let document = parsed.map_err(|broken| errors(model, Code::ParseFailed, &broken.errors))?;
    limits::check(&document, limits).map_err(|error| vec![error])?;
    document
        .to_executable_validate(&model.schema)
        .map_err(|invalid| errors(model, Code::ValidationFailed, &invalid.errors))
}

/// More than this say the same over and over.
const LISTED: usize = 20;

fn errors(model: &Model, code: Code, list: &DiagnosticList) -> Vec<RequestError> {
    list.iter()
        .take(LISTED)
        .map(|diagnostic| request_error(model, code, &diagnostic.to_json()))
        .collect()
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
