//! From a query's text to its plan, and what of that is kept.
//!
//! A document is read once per schema version and text; its plan is made once per combination of the variables that `@skip` and `@include` read, which for most documents is one.

use std::sync::Arc;

use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::{Operation, OperationType};
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node};
use parking_lot::Mutex;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use serde_json::Value;

use super::document;
use super::error::{Code, RequestError};
use super::introspection::Introspection;
use super::limits::Limits;
use super::plan::{Plan, compile, condition_variables};
use super::variables::{Declared, Given};
use crate::sdl::Model;

/// Plans of one document for this many combinations of conditions are kept.
const VARIANTS: usize = 16;

/// All that is kept for one schema version.
pub(crate) struct Version {
    pub(crate) model: Arc<Model>,
    prepared: Cache<Key, Arc<Prepared>>,
    implementers: HashMap<Name, Implementers>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    query: Box<str>,
    operation: Option<Box<str>>,
}

/// A [`Key`] without its own copy of the texts; hashes alike.
#[derive(Hash)]
struct KeyRef<'k> {
    query: &'k str,
    operation: Option<&'k str>,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.query == *key.query && self.operation == key.operation.as_deref()
    }
}

/// A valid document with the operation that was chosen from it.
pub(crate) struct Prepared {
    document: Valid<ExecutableDocument>,
    operation: Node<Operation>,
    pub(crate) declared: Declared,
    conditions: Vec<Name>,
    introspects: bool,
    /// By the values of `conditions`, the latest last.
    variants: Mutex<Vec<(Box<[bool]>, Variant)>>,
    /// The one variant of a document without conditions.
    only: std::sync::OnceLock<Variant>,
}

/// A plan, with the part of its answer that no catalog changes.
#[derive(Clone)]
pub(crate) struct Variant {
    pub(crate) plan: Arc<Plan>,
    /// `None`: variables stand in it, or there is none.
    introspection: Option<Arc<Introspection>>,
}

impl Version {
    pub(crate) fn new(model: Arc<Model>, plans: usize) -> Self {
        Self {
            implementers: model.schema.implementers_map(),
            model,
            prepared: Cache::new(plans),
        }
    }

    /// The document behind `query`, from memory or read anew.
    pub(crate) fn prepare(
        &self,
        query: &str,
        operation: Option<&str>,
        limits: &Limits,
    ) -> Result<Arc<Prepared>, Vec<RequestError>> {
        if let Some(known) = self.prepared.get(&KeyRef { query, operation }) {
            return Ok(known);
        }
        let prepared = Arc::new(Prepared::read(&self.model, query, operation, limits)?);
        let key = Key {
            query: query.into(),
            operation: operation.map(Into::into),
        };
        self.prepared.insert(key, Arc::clone(&prepared));
        Ok(prepared)
    }

    /// The plan for these variables.
    pub(crate) fn variant(
        &self,
        prepared: &Prepared,
        given: &Given,
    ) -> Result<Variant, RequestError> {
        if let Some(only) = prepared.only.get() {
            return Ok(only.clone());
        }
        let values: Box<[bool]> = prepared
            .conditions
            .iter()
            .map(|name| given.get(name).and_then(Value::as_bool) == Some(true))
            .collect();
        let known = |variants: &[(Box<[bool]>, Variant)]| {
            let found = variants.iter().find(|(known, _)| *known == values);
            found.map(|(_, variant)| variant.clone())
        };
        if let Some(variant) = known(&prepared.variants.lock()) {
            return Ok(variant);
        }
        let plan = compile(&self.model, &prepared.document, &prepared.operation, given)?;
        let introspection = match prepared.introspects && prepared.declared.is_empty() {
            true => Some(Arc::new(self.introspect(prepared, given)?)),
            false => None,
        };
        let variant = Variant {
            plan: Arc::new(plan),
            introspection,
        };
        if prepared.conditions.is_empty() {
            return Ok(prepared.only.get_or_init(|| variant).clone());
        }
        let mut variants = prepared.variants.lock();
        if variants.len() >= VARIANTS {
            variants.remove(0);
        }
        variants.push((values, variant.clone()));
        Ok(variant)
    }

    /// The answer to the introspection part, if there is any.
    pub(crate) fn introspection(
        &self,
        prepared: &Prepared,
        variant: &Variant,
        given: &Given,
    ) -> Result<Option<Arc<Introspection>>, RequestError> {
        match (&variant.introspection, prepared.introspects) {
            (Some(known), _) => Ok(Some(Arc::clone(known))),
            (None, true) => self.introspect(prepared, given).map(Arc::new).map(Some),
            (None, false) => Ok(None),
        }
    }

    fn introspect(
        &self,
        prepared: &Prepared,
        given: &Given,
    ) -> Result<Introspection, RequestError> {
        Introspection::answer(
            &self.model.schema,
            &self.implementers,
            &prepared.document,
            &prepared.operation,
            given,
        )
    }
}

impl Prepared {
    fn read(
        model: &Model,
        query: &str,
        operation: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, Vec<RequestError>> {
        let document = document::read(model, query, limits)?;
        let chosen = choose(&document, operation).map_err(|error| vec![error])?;
        let introspects = Introspection::is_wanted(&document, &chosen);
        if introspects && !limits.introspection {
            return Err(vec![RequestError::new(
                Code::ValidationFailed,
                "introspection is switched off; `/schema.graphql` has the schema if this server shows it",
            )]);
        }
        let declared =
            Declared::of(&model.schema, &chosen, &document.sources).map_err(|error| vec![error])?;
        Ok(Self {
            conditions: condition_variables(&document),
            operation: chosen,
            declared,
            introspects,
            document,
            variants: Mutex::default(),
            only: std::sync::OnceLock::new(),
        })
    }

    pub(crate) fn operation_type(&self) -> OperationType {
        self.operation.operation_type
    }
}

fn choose(
    document: &ExecutableDocument,
    name: Option<&str>,
) -> Result<Node<Operation>, RequestError> {
    document.operations.get(name).cloned().map_err(|_unknown| {
        let message = match name {
            Some(name) => format!("the document has no operation `{name}`"),
            None if document.operations.is_empty() => "the document has no operation".to_owned(),
            None => "the document has several operations; `operationName` must name one".to_owned(),
        };
        RequestError::new(Code::OperationNotFound, message)
    })
}
