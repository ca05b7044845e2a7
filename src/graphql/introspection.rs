//! `__schema` and `__type`, answered by apollo-compiler from the composed schema.
//!
//! The answer depends on the document and its variables alone, so where there are no variables it is made once per plan.

mod one_of;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::Operation;
use apollo_compiler::introspection;
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use super::error::{self, Code, FieldError, RequestError};
use super::variables::Given;

/// The introspection part of one answer, by response key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Introspection(JsonValue);

impl Introspection {
    /// Whether the operation asks for any at its root.
    pub(crate) fn is_wanted(document: &ExecutableDocument, operation: &Operation) -> bool {
        operation
            .root_fields(document)
            .any(|field| matches!(field.name.as_str(), "__schema" | "__type"))
    }

    /// Answers it.
    pub(crate) fn answer(
        schema: &Valid<Schema>,
        implementers: &HashMap<Name, Implementers>,
        document: &Valid<ExecutableDocument>,
        operation: &Operation,
        given: &Given,
    ) -> Result<Self, RequestError> {
        let refuse = |error: apollo_compiler::request::RequestError| {
            RequestError::new(Code::LimitExceeded, error.message().to_string())
        };
        introspection::check_max_depth(document, operation).map_err(refuse)?;
        let variables: JsonMap = given
            .iter()
            .map(|(name, value)| (name.into(), JsonValue::from(value.clone())))
            .collect();
        let variables = Valid::assume_valid(variables);
        let replaced = one_of::replaced(schema, document);
        let executed = replaced.as_ref().unwrap_or(document);
        let name = operation.name.as_ref().map(Name::as_str);
        let chosen = executed.operations.get(name).map_or(operation, |node| node);
        let response =
            introspection::partial_execute(schema, implementers, executed, chosen, &variables)
                .map_err(refuse)?;
        if let Some(error) = response.errors.first() {
            return Err(RequestError::new(Code::Internal, error.message.clone()));
        }
        let mut data = response.data.map_or(JsonValue::Null, JsonValue::Object);
        if replaced.is_some() {
            one_of::restore(&mut data, document, operation);
        }
        Ok(Self(data))
    }

    /// Writes the answer to the root field with this response key.
    pub(crate) fn write(&self, key: &str, out: &mut Vec<u8>) -> Result<(), FieldError> {
        match self.0.get(key) {
            Some(value) => {
                error::value(value, out);
                Ok(())
            }
            None => Err(FieldError::new(
                Code::Internal,
                "introspection gave no answer",
            )),
        }
    }
}
