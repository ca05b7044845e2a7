//! Interfaces: what types implement without saying so, and the fields that they inherit.

mod restate;

use apollo_compiler::{Name, name};
use indexmap::IndexMap;

use super::declared::{Declared, FieldDecl};
use super::source::Sources;

/// Directives that say where a value comes from; a restated field has its own, or keeps the interface's.
pub(super) const SOURCE_DIRECTIVES: [&str; 5] =
    ["field", "relation", "lookup", "resolver", "connect"];

/// Adds implied interfaces and inherited fields.
pub(super) fn inherit(declared: &mut Declared, sources: &mut Sources) {
    imply_interfaces(declared, sources);
    // Whoever implements an interface implements all of that one's too, so fewer comes first.
    let mut names: Vec<Name> = declared.types.keys().cloned().collect();
    names.sort_by_key(|name| declared.types.get(name).map(|decl| decl.implements.len()));
    for name in names {
        inherit_fields(declared, &name, sources);
    }
}

fn imply_interfaces(declared: &mut Declared, sources: &mut Sources) {
    for decl in declared.types.values_mut() {
        if decl.is_object() && decl.directives.has("kind") {
            let own = std::mem::take(&mut decl.implements);
            decl.implements = vec![name!("Node"), name!("Entity")];
            for interface in own {
                if !decl.implements(&interface) {
                    decl.implements.push(interface);
                }
            }
        }
    }
    let names: Vec<Name> = declared.types.keys().cloned().collect();
    for name in names {
        let Some(decl) = declared.types.get(&name) else {
            continue;
        };
        let mut all = decl.implements.clone();
        let mut at = 0;
        while let Some(interface) = all.get(at).cloned() {
            at += 1;
            let inherited = declared
                .types
                .get(&interface)
                .map(|decl| decl.implements.clone());
            for further in inherited.unwrap_or_default() {
                if !all.contains(&further) {
                    all.push(further);
                }
            }
        }
        if all.contains(&name) {
            let problem = sources.error(
                "interface-cycle",
                name.location(),
                format!("`{name}` implements itself"),
            );
            sources.problems.push(problem);
            all.retain(|interface| *interface != name);
        }
        if let Some(decl) = declared.types.get_mut(&name) {
            decl.implements = all;
        }
    }
}

fn inherit_fields(declared: &mut Declared, name: &Name, sources: &mut Sources) {
    let Some(decl) = declared.types.get(name).filter(|decl| decl.has_fields()) else {
        return;
    };
    let interfaces = decl.implements.clone();
    let own = decl.fields.clone();
    let mut fields: IndexMap<Name, FieldDecl> = IndexMap::new();
    for interface in &interfaces {
        let Some(parent) = declared
            .types
            .get(interface)
            .filter(|decl| decl.is_interface())
        else {
            continue;
        };
        for (field_name, field) in &parent.fields {
            if own.contains_key(field_name) {
                continue;
            }
            let origin = field.inherited.clone().unwrap_or_else(|| interface.clone());
            let known = fields
                .get(field_name)
                .and_then(|known| known.inherited.clone());
            // Of two interfaces the more specific one speaks.
            if known.is_none_or(|known| parent_of(declared, &origin, &known)) {
                let inherited = FieldDecl {
                    def: field.def.clone(),
                    inherited: Some(origin),
                };
                fields.insert(field_name.clone(), inherited);
            }
        }
    }
    for (field_name, mut field) in own {
        for interface in &interfaces {
            let parent = declared.types.get(interface);
            if let Some(parent) = parent.and_then(|parent| parent.fields.get(&field_name)) {
                restate::check(declared, (name, &field), (interface, parent), sources);
                restate(&mut field, parent);
            }
        }
        fields.insert(field_name, field);
    }
    if let Some(decl) = declared.types.get_mut(name) {
        decl.fields = fields;
    }
}

fn parent_of(declared: &Declared, specific: &Name, general: &Name) -> bool {
    let specific = declared.types.get(specific);
    specific.is_some_and(|decl| decl.implements(general))
}

/// A restated field keeps what its interface says and it does not say itself.
fn restate(field: &mut FieldDecl, parent: &FieldDecl) {
    let has_source = SOURCE_DIRECTIVES
        .iter()
        .any(|name| field.def.directives.has(name));
    let kept: Vec<_> = parent
        .def
        .directives
        .0
        .iter()
        .filter(|directive| !field.def.directives.has(&directive.name))
        .filter(|directive| !(has_source && SOURCE_DIRECTIVES.contains(&directive.name.as_str())))
        .cloned()
        .collect();
    let no_description = field.def.description.is_none() && parent.def.description.is_some();
    if kept.is_empty() && !no_description {
        return;
    }
    let def = field.def.make_mut();
    def.directives.0.extend(kept);
    if no_description {
        def.description = parent.def.description.clone();
    }
}
