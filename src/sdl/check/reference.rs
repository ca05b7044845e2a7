//! Every name of a type stands for a type that fits its place.

use std::collections::BTreeSet;

use apollo_compiler::Name;

use crate::sdl::declared::{Declared, FieldDecl, Form, TypeDecl};
use crate::sdl::source::Sources;

/// The scalars that GraphQL itself brings.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
/// Endings of the types that composition makes for an object or interface.
const GENERATED: [&str; 5] = ["Connection", "Edge", "Filter", "Order", "OrderField"];

pub(super) fn check(declared: &Declared, sources: &mut Sources) {
    let names: BTreeSet<&str> = declared
        .types
        .keys()
        .map(Name::as_str)
        .chain(BUILT_IN)
        .collect();
    let checker = Checker { declared, names };
    for decl in declared.types.values() {
        checker.type_decl(decl, sources);
    }
    for root in &declared.schema.roots {
        checker.known(&root.1, false, sources);
    }
    for argument in declared.directives.values().flat_map(|def| &def.arguments) {
        checker.known(argument.ty.inner_named_type(), false, sources);
    }
}

struct Checker<'d> {
    declared: &'d Declared,
    names: BTreeSet<&'d str>,
}

impl Checker<'_> {
    fn type_decl(&self, decl: &TypeDecl, sources: &mut Sources) {
        for interface in &decl.implements {
            self.interface(interface, sources);
        }
        for field in decl.fields.values() {
            self.field(decl, field, sources);
        }
        let inherits = !decl.implements.is_empty() || decl.directives.has("kind");
        let empty = decl.has_fields() && decl.fields.is_empty() && !inherits;
        // A file that could not be read to its end may have had the fields.
        if empty && !sources.has_syntax_error(decl.name.location()) {
            let message = format!("`{}` has no fields", decl.name);
            sources.report("no-fields", decl.name.location(), message, None);
        }
        match &decl.form {
            Form::Union(members) => {
                for member in members {
                    self.known(member, false, sources);
                }
            }
            Form::Input(fields) => {
                for field in fields {
                    self.known(field.ty.inner_named_type(), true, sources);
                }
            }
            Form::Scalar | Form::Object | Form::Interface | Form::Enum(_) => {}
        }
    }

    fn field(&self, decl: &TypeDecl, field: &FieldDecl, sources: &mut Sources) {
        let named = field.def.ty.inner_named_type();
        if self.known(named, true, sources) {
            let form = self.declared.types.get(named).map(|decl| &decl.form);
            if matches!(form, Some(Form::Input(_))) {
                let message = format!(
                    "`{}.{}` gives an input object, `{named}`",
                    decl.name, field.def.name
                );
                sources.report("not-an-output", named.location(), message, None);
            }
        }
        for argument in &field.def.arguments {
            let named = argument.ty.inner_named_type();
            let form = self.declared.types.get(named);
            if self.known(named, true, sources) && form.is_some_and(TypeDecl::has_fields) {
                let message = format!(
                    "the argument `{}` takes an object, `{named}`",
                    argument.name
                );
                sources.report("not-an-input", named.location(), message, None);
            }
        }
    }

    fn interface(&self, name: &Name, sources: &mut Sources) {
        if self.known(name, false, sources)
            && self
                .declared
                .types
                .get(name)
                .is_none_or(|decl| !decl.is_interface())
        {
            let message = format!("`{name}` is no interface");
            sources.report("not-an-interface", name.location(), message, None);
        }
    }

    /// Whether a name stands for a type, or for one that will be generated.
    fn known(&self, name: &Name, generated: bool, sources: &mut Sources) -> bool {
        if self.names.contains(name.as_str()) {
            return true;
        }
        if generated && (name == "PageInfo" || self.will_be_generated(name)) {
            return true;
        }
        sources.unknown("unknown-type", "type", name, self.names.iter().copied());
        false
    }

    fn will_be_generated(&self, name: &str) -> bool {
        let stems = GENERATED
            .iter()
            .filter_map(|ending| name.strip_suffix(ending));
        stems
            .filter_map(|stem| self.declared.types.get(stem))
            .any(TypeDecl::has_fields)
    }
}
