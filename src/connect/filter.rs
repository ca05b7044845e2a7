//! Arguments of a live list that have the name of a field of its items: only items whose field has that value are shown.
//!
//! A provider whose request reads the argument lets its upstream choose; what others bring is compared here.
//! Where the field is itself fetched, nothing can be compared: such objects are left out, and the list is not complete.

use std::cell::Cell;

use serde_json::Value;

use super::live::LiveObject;
use super::routes::all_reads;
use super::seam::LiveField;
use crate::sdl::{Connect, FieldSource, TypeDef, ValueBinding};

/// What an object of one provider must be like.
#[derive(Debug, Default)]
pub(super) struct Filter {
    tests: Vec<Test>,
    /// There is an argument that cannot be compared.
    blind: bool,
}

#[derive(Debug)]
struct Test {
    binding: ValueBinding,
    wanted: Value,
}

impl Filter {
    /// Of a provider whose objects are of type `ty` and are asked for by `connect`.
    pub(super) fn new(field: &LiveField, ty: &TypeDef, connect: &Connect) -> Self {
        let reads = all_reads(connect);
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
                Some(FieldSource::Live(_)) => filter.blind = true,
                _ => {}
            }
        }
        filter
    }

    /// Whether everything is shown.
    pub(super) fn is_open(&self) -> bool {
        self.tests.is_empty() && !self.blind
    }

    /// Whether objects are left out that may be right.
    pub(super) fn is_blind(&self) -> bool {
        self.blind
    }

    pub(super) fn lets_through(&self, object: &LiveObject) -> bool {
        if self.blind {
            return false;
        }
        self.tests.iter().all(|test| {
            let mismatches = Cell::new(0);
            let found = object.evaluate(&test.binding.at, object.value(), None, &mismatches);
            test.holds(&found)
        })
    }
}

impl Test {
    /// A list holds it, an object has a member that does; texts are compared ignoring case.
    fn holds(&self, found: &Value) -> bool {
        match found {
            Value::Array(items) => items.iter().any(|item| self.holds(item)),
            Value::Object(members) => members.values().any(|member| self.holds(member)),
            Value::String(word) => {
                let cases = self.binding.cases.iter();
                let known = cases.clone().find(|(from, _)| **from == **word);
                let word = match (known, &self.binding.otherwise) {
                    (Some((_, to)), _) => to,
                    (None, Some(otherwise)) => otherwise,
                    (None, None) => word.as_str(),
                };
                let wanted = self.wanted.as_str();
                wanted.is_some_and(|wanted| wanted.to_lowercase() == word.to_lowercase())
            }
            other => *other == self.wanted,
        }
    }
}
