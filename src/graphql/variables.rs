//! The variables of one operation: what they must be, and what a request gives for them.

use std::sync::Arc;

use apollo_compiler::ast::Type;
use apollo_compiler::executable::Operation;
use apollo_compiler::parser::SourceMap;
use apollo_compiler::schema::Schema;
use serde_json::{Map, Value};

use super::document;
use super::error::{Code, Location, RequestError};
use super::input;

/// One `$variable` of an operation.
#[derive(Debug)]
struct Variable {
    name: Arc<str>,
    ty: Type,
    default: Option<Value>,
    location: Option<Location>,
}

/// The variables that an operation declares.
#[derive(Debug)]
pub(crate) struct Declared(Vec<Variable>);

/// Coerced variables; small, so a list is faster than a map.
#[derive(Debug, Default)]
pub(crate) struct Given(Vec<(Arc<str>, Value)>);

impl Declared {
    pub(crate) fn of(
        schema: &Schema,
        operation: &Operation,
        sources: &SourceMap,
    ) -> Result<Self, RequestError> {
        operation
            .variables
            .iter()
            .map(|definition| {
                let location = document::location(definition.location(), sources);
                let default = definition
                    .default_value
                    .as_ref()
                    .map(|default| input::literal(schema, &definition.ty, default, &|_| None))
                    .transpose()
                    .map_err(|error| {
                        let message = error.describe(&format!("${}", definition.name));
                        RequestError::new(Code::ValidationFailed, message).at(location)
                    })?
                    .flatten();
                Ok(Variable {
                    name: Arc::from(definition.name.as_str()),
                    ty: (*definition.ty).clone(),
                    default,
                    location,
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `values` come to; all faults at once.
    pub(crate) fn coerce(
        &self,
        schema: &Schema,
        values: Option<&Map<String, Value>>,
    ) -> Result<Given, Vec<RequestError>> {
        let mut given = Vec::with_capacity(self.0.len());
        let mut faults = Vec::new();
        for variable in &self.0 {
            let value = match values.and_then(|values| values.get(&*variable.name)) {
                Some(value) => input::json(schema, &variable.ty, value)
                    .map(|value| Some(value.into_owned()))
                    .map_err(|error| error.describe(&format!("${}", variable.name))),
                None if variable.default.is_some() => Ok(variable.default.clone()),
                None if variable.ty.is_non_null() => Err(format!(
                    "`${}` of type `{}` is required",
                    variable.name, variable.ty
                )),
                None => Ok(None),
            };
            match value {
                Ok(Some(value)) => given.push((Arc::clone(&variable.name), value)),
                Ok(None) => {}
                Err(message) => faults
                    .push(RequestError::new(Code::BadUserInput, message).at(variable.location)),
            }
        }
        match faults.is_empty() {
            true => Ok(Given(given)),
            false => Err(faults),
        }
    }
}

impl Given {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(given, _)| **given == *name)
            .map(|(_, value)| value)
    }
}
