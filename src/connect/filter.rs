//! Arguments of a live list that have the name of a field of its items: only items whose field has that value are shown.
//!
//! A provider whose request reads the argument lets its upstream choose; what others bring is compared here.
//! Where the field is itself fetched, it is fetched first, for as many objects at once as are still wanted.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::chains::Step;
use super::live::LiveObject;
use super::routes::{Route, Routes, all_reads};
use super::seam::LiveField;
use crate::sdl::expr::Expr;
use crate::sdl::{FieldSource, TypeDef, ValueBinding};

/// What an object of one provider must be like.
#[derive(Debug, Default)]
pub(super) struct Filter {
    tests: Vec<Test>,
    fetched: Vec<FetchedTest>,
}

#[derive(Debug)]
struct Test {
    binding: ValueBinding,
    wanted: Value,
}

/// A field of the objects that has to be fetched before it can be compared.
pub(super) struct FetchedTest {
    pub(super) route: Route,
    wanted: Value,
}

impl FetchedTest {
    pub(super) fn holds(&self, found: &Value) -> bool {
        holds(found, &self.wanted, None)
    }
}

impl fmt::Debug for FetchedTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchedTest")
            .field("field", &self.route.field)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Of a provider whose objects are of type `ty` and come by the step `last`.
    pub(super) fn new(routes: &Routes, field: &LiveField, ty: &TypeDef, last: &Step) -> Self {
        let reads = last.fetch().map(|(fetch, _)| all_reads(&fetch.connect));
        let mut reads = reads.unwrap_or_default();
        reads.extend(
            last.member()
                .into_iter()
                .flat_map(|member| member.binding.at.reads()),
        );
        let asked = |name: &str| {
            let of_args = reads.iter().filter(|read| &*read.root == "args");
            of_args
                .filter_map(|read| read.path.first())
                .any(|first| **first == *name)
        };
        let given = field
            .arguments
            .iter()
            .filter(|(_, wanted)| !wanted.is_null());
        let mut filter = Self::default();
        for (name, wanted) in given.filter(|(name, _)| !asked(name)) {
            match ty.fields.get(&**name).map(|field| &field.source) {
                Some(FieldSource::Value(binding)) => filter.tests.push(Test {
                    binding: binding.clone(),
                    wanted: wanted.clone(),
                }),
                Some(FieldSource::Live(binding)) => filter.fetched.push(FetchedTest {
                    route: routes.route(&LiveField {
                        type_name: Arc::clone(&ty.name),
                        name: name.as_str().into(),
                        binding: Some(Arc::new(binding.clone())),
                        ..LiveField::default()
                    }),
                    wanted: wanted.clone(),
                }),
                _ => {}
            }
        }
        filter
    }

    /// Whether everything is shown.
    pub(super) fn is_open(&self) -> bool {
        self.tests.is_empty() && self.fetched.is_empty()
    }

    /// What it looks at in the objects themselves.
    pub(super) fn reads(&self) -> impl Iterator<Item = Expr> {
        self.tests.iter().map(|test| test.binding.at.clone())
    }

    /// What has to be fetched of an object before it is known whether it is shown.
    pub(super) fn fetched(&self) -> &[FetchedTest] {
        &self.fetched
    }

    /// Whether what an object itself says lets it through.
    pub(super) fn lets_through(&self, object: &LiveObject) -> bool {
        self.tests.iter().all(|test| {
            let mismatches = Cell::new(0);
            let found = object.evaluate(&test.binding.at, object.value(), None, &mismatches);
            holds(&found, &test.wanted, Some(&test.binding))
        })
    }
}

/// A list holds it, an object has a member that does; texts are compared ignoring case.
fn holds(found: &Value, wanted: &Value, binding: Option<&ValueBinding>) -> bool {
    match found {
        Value::Array(items) => items.iter().any(|item| holds(item, wanted, binding)),
        Value::Object(members) => members
            .values()
            .any(|member| holds(member, wanted, binding)),
        Value::String(word) => {
            let word = binding.map_or(word.as_str(), |binding| translated(word, binding));
            let wanted = wanted.as_str();
            wanted.is_some_and(|wanted| wanted.to_lowercase() == word.to_lowercase())
        }
        other => *other == *wanted,
    }
}

fn translated<'w>(word: &'w str, binding: &'w ValueBinding) -> &'w str {
    let known = binding.cases.iter().find(|(from, _)| **from == *word);
    match (known, &binding.otherwise) {
        (Some((_, to)), _) => to,
        (None, Some(otherwise)) => otherwise,
        (None, None) => word,
    }
}
