//! `__Type.isOneOf`, which apollo-compiler does not answer.
//!
//! The schema that documents are validated against declares it; before execution it becomes `kind`, under the response key that was asked for, and afterwards `INPUT_OBJECT` there is false, because no schema of ours has `@oneOf`, and any other kind null.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::Node;
use apollo_compiler::Schema;
use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::response::JsonValue;
use apollo_compiler::validation::Valid;

const NAME: &str = "isOneOf";

/// The document with `kind` in place of `isOneOf`; `None` if it asks for none.
pub(super) fn replaced(
    schema: &Schema,
    document: &Valid<ExecutableDocument>,
) -> Option<Valid<ExecutableDocument>> {
    let kind = schema.type_field("__Type", "kind").ok()?;
    let mut replaced = document.clone().into_inner();
    let operations = &mut replaced.operations;
    let named = operations.named.values_mut();
    let mut found = false;
    for operation in operations.anonymous.iter_mut().chain(named) {
        if asks(&operation.selection_set) {
            replace(&mut operation.make_mut().selection_set, kind);
            found = true;
        }
    }
    for fragment in replaced.fragments.values_mut() {
        if asks(&fragment.selection_set) {
            replace(&mut fragment.make_mut().selection_set, kind);
            found = true;
        }
    }
    found.then(|| Valid::assume_valid(replaced))
}

fn is_one_of(field: &Field, parent: &SelectionSet) -> bool {
    field.name == NAME && parent.ty == "__Type"
}

fn asks(set: &SelectionSet) -> bool {
    set.selections.iter().any(|selection| match selection {
        Selection::Field(field) => is_one_of(field, set) || asks(&field.selection_set),
        Selection::InlineFragment(inline) => asks(&inline.selection_set),
        Selection::FragmentSpread(_) => false,
    })
}

fn replace(set: &mut SelectionSet, kind: &Node<FieldDefinition>) {
    let on_type = set.ty == "__Type";
    for selection in &mut set.selections {
        match selection {
            Selection::Field(field) if on_type && field.name == NAME => {
                let field = field.make_mut();
                field.alias = Some(field.response_key().clone());
                field.name = kind.name.clone();
                field.definition = kind.clone();
            }
            Selection::Field(field) => replace(&mut field.make_mut().selection_set, kind),
            Selection::InlineFragment(inline) => {
                replace(&mut inline.make_mut().selection_set, kind);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Makes the answers to `isOneOf` out of the kinds in `data`; `document` is the one that was asked.
pub(super) fn restore(data: &mut JsonValue, document: &ExecutableDocument, operation: &Operation) {
    restore_in(data, &operation.selection_set, document);
}

fn restore_in(value: &mut JsonValue, set: &SelectionSet, document: &ExecutableDocument) {
    if let JsonValue::Array(items) = value {
        for item in items {
            restore_in(item, set, document);
        }
        return;
    }
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                let answer = value
                    .as_object_mut()
                    .and_then(|object| object.get_mut(field.response_key().as_str()));
                match answer {
                    Some(answer) if is_one_of(field, set) => {
                        let input = *answer == "INPUT_OBJECT" || *answer == false;
                        *answer = if input { false.into() } else { JsonValue::Null };
                    }
                    Some(answer) => restore_in(answer, &field.selection_set, document),
                    None => {}
                }
            }
            Selection::InlineFragment(inline) => {
                restore_in(value, &inline.selection_set, document);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                    restore_in(value, &fragment.selection_set, document);
                }
            }
        }
    }
}
