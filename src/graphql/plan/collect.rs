//! `CollectFields` of the specification: which fields of a selection apply to one concrete type, merged by response key, in document order.

use std::collections::HashSet;

use apollo_compiler::ast::{DirectiveList, Value};
use apollo_compiler::executable::{ExecutableDocument, Field, Selection, SelectionSet};
use apollo_compiler::schema::Schema;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

/// Fields of one response key.
pub(super) type Merged<'d> = Vec<&'d Node<Field>>;

/// What decides whether a selection counts.
pub(super) struct Collector<'d> {
    pub(super) schema: &'d Schema,
    pub(super) document: &'d ExecutableDocument,
    /// The value of a variable that a condition reads.
    pub(super) condition: &'d dyn Fn(&str) -> bool,
}

impl<'d> Collector<'d> {
    /// The fields that the selection sets of `parents` come to on the concrete type `type_name`.
    pub(super) fn collect(
        &self,
        sets: impl Iterator<Item = &'d SelectionSet>,
        type_name: &str,
    ) -> IndexMap<Name, Merged<'d>> {
        let mut fields = IndexMap::new();
        let mut visited = HashSet::new();
        for set in sets {
            self.set(set, type_name, &mut fields, &mut visited);
        }
        fields
    }

    fn set(
        &self,
        set: &'d SelectionSet,
        type_name: &str,
        fields: &mut IndexMap<Name, Merged<'d>>,
        visited: &mut HashSet<&'d Name>,
    ) {
        for selection in &set.selections {
            if !self.included(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let merged = fields.entry(field.response_key().clone()).or_default();
                    // The same fragment may lead here twice.
                    if !merged.iter().any(|known| known.ptr_eq(field)) {
                        merged.push(field);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let applies = fragment
                        .type_condition
                        .as_ref()
                        .is_none_or(|condition| self.applies(condition, type_name));
                    if applies {
                        self.set(&fragment.selection_set, type_name, fields, visited);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if !visited.insert(&spread.fragment_name) {
                        continue;
                    }
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                        && self.applies(fragment.type_condition(), type_name)
                    {
                        self.set(&fragment.selection_set, type_name, fields, visited);
                    }
                }
            }
        }
    }

    fn applies(&self, condition: &str, type_name: &str) -> bool {
        condition == type_name || self.schema.is_subtype(condition, type_name)
    }

    fn included(&self, directives: &DirectiveList) -> bool {
        let holds = |name: &str| {
            let directive = directives.get(name)?;
            match &**directive.specified_argument_by_name("if")? {
                Value::Boolean(value) => Some(*value),
                Value::Variable(name) => Some((self.condition)(name)),
                _ => None,
            }
        };
        holds("skip") != Some(true) && holds("include") != Some(false)
    }
}

/// The variables that any `@skip` or `@include` of the document reads, in order, without doubles.
pub(crate) fn condition_variables(document: &ExecutableDocument) -> Vec<Name> {
    let mut names = Vec::new();
    let operations = document
        .operations
        .iter()
        .map(|operation| &operation.selection_set);
    let fragments = document
        .fragments
        .values()
        .map(|fragment| &fragment.selection_set);
    for set in operations.chain(fragments) {
        conditions_of(set, &mut names);
    }
    names
}

fn conditions_of(set: &SelectionSet, names: &mut Vec<Name>) {
    for selection in &set.selections {
        for directive in selection.directives().iter() {
            let conditional = directive.name == "skip" || directive.name == "include";
            if let Some(argument) = directive.specified_argument_by_name("if")
                && conditional
                && let Value::Variable(name) = &**argument
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        match selection {
            Selection::Field(field) => conditions_of(&field.selection_set, names),
            Selection::InlineFragment(fragment) => conditions_of(&fragment.selection_set, names),
            Selection::FragmentSpread(_) => {}
        }
    }
}
