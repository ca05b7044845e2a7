//! Arguments of a live list that have the name of a field of its items: only items whose field has that value are shown.
//!
//! A provider whose request reads the argument lets its upstream choose; what others bring is compared here.
//! Where the field is itself fetched, it is fetched first, for as many objects at once as are still wanted.
//! `@where` adds one more such test; what it wants depends on the entity, and may be nothing.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::chains::Step;
use super::live::LiveObject;
use super::routes::{Route, Routes, all_reads, exprs_of};
use super::seam::LiveField;
use super::wish::{Globs, Wish};
use crate::sdl::expr::Expr;
use crate::sdl::{Compared, FieldSource, TypeDef, ValueBinding, Where};

/// What an object of one provider must be like.
#[derive(Debug, Default)]
pub(super) struct Filter {
    tests: Vec<Test>,
    fetched: Vec<FetchedTest>,
}

#[derive(Debug)]
struct Test {
    binding: ValueBinding,
    by: By,
}

/// A field of the objects that has to be fetched before it can be compared.
pub(super) struct FetchedTest {
    pub(super) route: Route,
    by: By,
}

/// What a field is compared with.
#[derive(Debug)]
enum By {
    Argument(Value),
    /// What `@where` wants for the entity.
    Rule(Compared),
}

/// What `@where` wants for the entity, and what it takes to compare it.
pub(super) struct Chosen<'c> {
    pub(super) wish: Option<&'c Wish>,
    pub(super) globs: &'c Globs,
}

impl By {
    /// Whether there is anything to compare with.
    fn applies(&self, chosen: &Chosen<'_>) -> bool {
        match self {
            Self::Argument(_) => true,
            Self::Rule(_) => chosen.wish.is_some(),
        }
    }

    fn holds(&self, found: &Value, binding: Option<&ValueBinding>, chosen: &Chosen<'_>) -> bool {
        match (self, chosen.wish) {
            (Self::Argument(wanted), _) => holds(found, wanted, binding),
            (Self::Rule(_), Some(wish)) => wish.holds(found, binding, chosen.globs),
            (Self::Rule(_), None) => true,
        }
    }
}

impl FetchedTest {
    pub(super) fn holds(&self, found: &Value, chosen: &Chosen<'_>) -> bool {
        self.by.holds(found, None, chosen)
    }

    /// Whether an object passes of which nobody knows the value.
    pub(super) fn passes_unknown(&self) -> bool {
        matches!(self.by, By::Rule(Compared::Fits))
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
    pub(super) fn new(
        routes: &Routes,
        field: &LiveField,
        ty: &TypeDef,
        last: &Step,
        only: Option<&Arc<str>>,
    ) -> Self {
        let mut reads = Vec::new();
        if let Some((fetch, _)) = last.fetch() {
            reads.extend(all_reads(&fetch.connect));
            reads.extend(fetch.connect.at.reads());
        }
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
        let rule = field.binding.as_ref();
        let rule = rule.and_then(|binding| binding.chosen.as_deref());
        let given = field
            .arguments
            .iter()
            .filter(|(_, wanted)| !wanted.is_null());
        let mut filter = Self::default();
        for (name, wanted) in given.filter(|(name, _)| !asked(name)) {
            // A rule that reads the argument has its say of it.
            if !rule.is_some_and(|rule| *rule.field == **name && reads_argument(rule, name)) {
                filter.add(routes, ty, name, By::Argument(wanted.clone()));
            }
        }
        let said = |rule: &Where| {
            let given = field.arguments.get(&*rule.field);
            given.is_some_and(|given| !given.is_null()) && asked(&rule.field)
        };
        if let Some(rule) = rule
            && !said(rule)
            && (rule.compared == Compared::Is || routes.restates(field, ty, &rule.field))
        {
            filter.add(routes, ty, &rule.field, By::Rule(rule.compared));
        }
        if let Some(name) = only {
            filter.add(routes, ty, name, By::Argument(Value::Bool(true)));
        }
        filter
    }

    fn add(&mut self, routes: &Routes, ty: &TypeDef, name: &str, by: By) {
        match ty.fields.get(name).map(|field| &field.source) {
            Some(FieldSource::Value(binding)) => self.tests.push(Test {
                binding: binding.clone(),
                by,
            }),
            Some(FieldSource::Live(binding)) => self.fetched.push(FetchedTest {
                route: routes.route(&LiveField {
                    type_name: Arc::clone(&ty.name),
                    name: name.into(),
                    binding: Some(Arc::new(binding.clone())),
                    ..LiveField::default()
                }),
                by,
            }),
            _ => {}
        }
    }

    /// Whether everything is shown to an entity.
    pub(super) fn is_open(&self, chosen: &Chosen<'_>) -> bool {
        let tests = self.tests.iter().map(|test| &test.by);
        let mut all = tests.chain(self.fetched.iter().map(|test| &test.by));
        !all.any(|by| by.applies(chosen))
    }

    /// What it looks at in the objects themselves, and what is fetched for it is made from; `rule` tells what only `@where` does.
    pub(super) fn reads(&self, rule: bool) -> impl Iterator<Item = Expr> {
        let is_asked = move |by: &By| matches!(by, By::Rule(_)) == rule;
        let tests = self.tests.iter().filter(move |test| is_asked(&test.by));
        let fetched = self.fetched.iter().filter(move |test| is_asked(&test.by));
        let providers = fetched.flat_map(|test| &test.route.providers);
        let first = providers.filter_map(|provider| provider.steps.first()?.fetch());
        let own = tests.map(|test| test.binding.at.clone());
        own.chain(first.flat_map(|(fetch, _)| exprs_of(&fetch.connect)))
    }

    /// What has to be fetched of an object before it is known whether it is shown.
    pub(super) fn fetched(&self, chosen: &Chosen<'_>) -> impl Iterator<Item = &FetchedTest> {
        self.fetched.iter().filter(|test| test.by.applies(chosen))
    }

    /// Whether what an object itself says lets it through.
    pub(super) fn lets_through(&self, object: &LiveObject, chosen: &Chosen<'_>) -> bool {
        let mut tests = self.tests.iter().filter(|test| test.by.applies(chosen));
        tests.all(|test| {
            let mismatches = Cell::new(0);
            let found = object.evaluate(&test.binding.at, object.value(), None, &mismatches);
            test.by.holds(&found, Some(&test.binding), chosen)
        })
    }
}

fn reads_argument(rule: &Where, name: &str) -> bool {
    let lets = rule.lets.iter().map(|item| &item.value);
    let mut reads = lets.chain([&rule.wanted]).flat_map(Expr::reads);
    reads.any(|read| &*read.root == "args" && read.path.first().is_some_and(|own| **own == *name))
}

/// A list holds it, an object has a member that does; texts are compared ignoring case.
pub(super) fn holds(found: &Value, wanted: &Value, binding: Option<&ValueBinding>) -> bool {
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
