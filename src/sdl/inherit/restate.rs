//! A type that restates a field of an interface may not promise less, nor take other arguments.

use apollo_compiler::Name;
use apollo_compiler::ast::Type;

use crate::sdl::declared::{Declared, FieldDecl};
use crate::sdl::source::Sources;

/// Reports how `field` of a type differs from what its interface says.
pub(super) fn check(
    declared: &Declared,
    (type_name, field): (&Name, &FieldDecl),
    (interface, parent): (&Name, &FieldDecl),
    sources: &mut Sources,
) {
    if parent.inherited.is_some() {
        return;
    }
    let name = &field.def.name;
    if !same_arguments(field, parent) {
        let message = format!("`{type_name}.{name}` changes the arguments of `{interface}.{name}`");
        let hint = match parent.def.arguments.is_empty() {
            true => "the interface declares none".to_owned(),
            false => format!("the interface declares ({})", signature(parent)),
        };
        sources.report("changed-arguments", name.location(), message, Some(hint));
    }
    let (own, promised) = (&field.def.ty, &parent.def.ty);
    if own == promised {
        return;
    }
    if promised.is_list() && parent.def.directives.has("relation") {
        let message =
            format!("`{type_name}.{name}` narrows the list relation `{interface}.{name}`");
        let hint = format!("write `{promised}`, or give the narrower list another name");
        sources.report("narrowed-list", name.location(), message, Some(hint));
    } else if !is_subtype(declared, own, promised) {
        let message =
            format!("`{type_name}.{name}` is `{own}`, `{interface}.{name}` promises `{promised}`");
        let hint = format!("write `{promised}`");
        sources.report("incompatible-field", name.location(), message, Some(hint));
    }
}

fn same_arguments(field: &FieldDecl, parent: &FieldDecl) -> bool {
    let (own, other) = (&field.def.arguments, &parent.def.arguments);
    own.len() == other.len()
        && own.iter().all(|argument| {
            parent
                .def
                .argument_by_name(&argument.name)
                .is_some_and(|known| {
                    known.ty == argument.ty && known.default_value == argument.default_value
                })
        })
}

fn signature(field: &FieldDecl) -> String {
    let arguments = field.def.arguments.iter();
    let texts = arguments.map(|argument| match &argument.default_value {
        Some(value) => format!("{}: {} = {value}", argument.name, argument.ty),
        None => format!("{}: {}", argument.name, argument.ty),
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Lists nest as deep as the parser lets them.
fn is_subtype(declared: &Declared, own: &Type, promised: &Type) -> bool {
    match (own, promised) {
        (Type::NonNullNamed(_) | Type::NonNullList(_), Type::Named(_) | Type::List(_)) => {
            is_subtype(declared, &own.clone().nullable(), promised)
        }
        (Type::Named(own), Type::Named(promised))
        | (Type::NonNullNamed(own), Type::NonNullNamed(promised)) => {
            own == promised
                || declared
                    .types
                    .get(own)
                    .is_some_and(|decl| decl.implements(promised))
        }
        (Type::List(own), Type::List(promised))
        | (Type::NonNullList(own), Type::NonNullList(promised)) => {
            is_subtype(declared, own, promised)
        }
        _ => false,
    }
}
