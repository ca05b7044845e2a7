//! `@supplies`: which types provide a field that is declared elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use apollo_compiler::ast::{Directive, OperationType, Type, Value};
use apollo_compiler::{Name, Node};

use crate::diagnostic::closest;
use crate::sdl::compose::kind::connected;
use crate::sdl::compose::{Composer, arc};
use crate::sdl::declared::TypeDecl;
use crate::sdl::directive::Args;
use crate::sdl::model::Supplier;

/// Providers by the type and field that they supply.
pub(in crate::sdl::compose) type Suppliers = BTreeMap<(Name, Name), Vec<Supplier>>;

impl Composer<'_> {
    pub(super) fn read_suppliers(&mut self) {
        let decls: Vec<TypeDecl> = self
            .declared
            .types
            .values()
            .filter(|decl| decl.directives.has("supplies"))
            .cloned()
            .collect();
        for decl in &decls {
            for directive in decl
                .directives
                .0
                .iter()
                .filter(|directive| directive.name == "supplies")
            {
                self.read_supplier(decl, directive);
            }
        }
        for suppliers in self.live.suppliers.values_mut() {
            suppliers.sort();
        }
    }

    fn read_supplier(&mut self, decl: &TypeDecl, directive: &Node<Directive>) {
        let args = Args::new(directive);
        let Some(connector) = self.connector_of("supplies", directive.name.location()) else {
            return;
        };
        let Some(field_value) = args.value("field") else {
            return;
        };
        let Some((owner, field)) = self.coordinate(field_value) else {
            return;
        };
        let promised = self
            .declared
            .types
            .get(&owner)
            .and_then(|owner| owner.fields.get(&field));
        let promised = promised.map(|field| field.def.ty.clone());
        let target = promised.as_ref().map_or("", connected).to_owned();
        if target != decl.name.as_str() && !decl.implements(&target) {
            let message = format!(
                "`{}` does not implement `{target}`, the type of `{owner}.{field}`",
                decl.name
            );
            let hint = format!("write `type {} implements {target}`", decl.name);
            self.sources
                .report("bad-supply", field_value.location(), message, Some(hint));
        }
        if self.declared.root(OperationType::Mutation) == Some(&owner) {
            self.read_action(decl, directive, connector, &field);
            return;
        }
        let along = match args.value("from") {
            Some(value) => self.along(decl, &owner, value),
            None => {
                if !decl.directives.has("connect") {
                    let message = format!(
                        "`{}` supplies `{owner}.{field}`, but nothing fetches it",
                        decl.name
                    );
                    let hint = "add `@connect` to the type, or `from` with a path of live fields"
                        .to_owned();
                    self.sources.report(
                        "bad-supply",
                        directive.name.location(),
                        message,
                        Some(hint),
                    );
                }
                Vec::new()
            }
        };
        let supplier = Supplier {
            connector,
            type_name: arc(&decl.name),
            along,
            only: self.only(decl, promised.as_ref(), args),
        };
        self.live
            .suppliers
            .entry((owner, field))
            .or_default()
            .push(supplier);
    }

    /// `where`: a field of the type that is true or false.
    fn only(
        &mut self,
        decl: &TypeDecl,
        promised: Option<&Type>,
        args: Args<'_>,
    ) -> Option<Arc<str>> {
        let value = args.value("where")?;
        let field = self.known_field(decl, value.as_str()?, value)?;
        let own = decl.fields.get(&field).map(|field| &field.def.ty);
        let message = match (promised, own) {
            (Some(list), _) if !list.is_list() => {
                "`where` chooses among the objects of a list, and this is none".to_owned()
            }
            (_, Some(own)) if own.is_list() || own.inner_named_type() != "Boolean" => {
                format!("`{}.{field}` is neither true nor false", decl.name)
            }
            _ => return Some(arc(&field)),
        };
        self.sources
            .report("bad-supply", value.location(), message, None);
        None
    }

    /// `Type.field`, both known.
    fn coordinate(&mut self, value: &Node<Value>) -> Option<(Name, Name)> {
        let text = value.as_str()?;
        let Some((type_name, field)) = text
            .split_once('.')
            .filter(|(_, field)| !field.contains('.'))
        else {
            let message = format!("`{text}` is no field");
            let hint = "write `Type.field`, for example `Entity.ciRuns`".to_owned();
            self.sources
                .report("bad-supply", value.location(), message, Some(hint));
            return None;
        };
        let decl = self.known_type(type_name, value)?;
        let field = self.known_field(&decl, field, value)?;
        Some((decl.name, field))
    }

    pub(super) fn known_type(&mut self, name: &str, value: &Node<Value>) -> Option<TypeDecl> {
        let decl = self
            .declared
            .types
            .get(name)
            .filter(|decl| decl.has_fields())
            .cloned();
        if decl.is_none() {
            let known = self
                .declared
                .types
                .values()
                .filter(|decl| decl.has_fields());
            let hint = closest(name, known.map(|decl| decl.name.as_str()));
            let hint = hint.map(|candidate| format!("did you mean `{candidate}`?"));
            let message = format!("unknown type `{name}`");
            self.sources
                .report("unknown-type", value.location(), message, hint);
        }
        decl
    }

    /// The field of a type; an unknown one is a problem.
    pub(in crate::sdl::compose) fn known_field(
        &mut self,
        decl: &TypeDecl,
        field: &str,
        value: &Node<Value>,
    ) -> Option<Name> {
        if let Some((name, _)) = decl.fields.get_key_value(field) {
            return Some(name.clone());
        }
        let hint = closest(field, decl.fields.keys().map(Name::as_str));
        let hint = hint.map(|candidate| format!("did you mean `{candidate}`?"));
        let message = format!("unknown field `{field}` of `{}`", decl.name);
        self.sources
            .report("unknown-field", value.location(), message, hint);
        None
    }

    /// `Entity.pagerDutyService.onCall`: live fields from the owner to the supplied values.
    fn along(&mut self, decl: &TypeDecl, owner: &Name, value: &Node<Value>) -> Vec<Arc<str>> {
        let mut steps = value.as_str().unwrap_or_default().split('.');
        let start = steps.next().unwrap_or_default();
        if start != owner.as_str() {
            let message =
                format!("the path begins at `{start}`, the supplied field is on `{owner}`");
            let hint = format!("write `{owner}.…`");
            self.sources
                .report("bad-supply", value.location(), message, Some(hint));
            return Vec::new();
        }
        let mut along = Vec::new();
        let mut at = self.declared.types.get(owner).cloned();
        for step in steps {
            let Some(from) = at else {
                break;
            };
            let Some(field) = self.known_field(&from, step, value) else {
                return Vec::new();
            };
            along.push(arc(&field));
            let supplied = self.own_supplier(decl, &from, &field);
            let ty = from.fields.get(&field);
            let ty = ty.map(|field| connected(&field.def.ty).to_owned());
            let declared = ty.and_then(|ty| self.declared.types.get(ty.as_str()).cloned());
            at = supplied.or(declared);
        }
        let end = at.map(|decl| decl.name);
        if end.as_ref() != Some(&decl.name) {
            let end = end.map_or_else(|| "no object".to_owned(), |end| format!("`{end}`"));
            let message = format!("the path ends at {end}, not at `{}`", decl.name);
            self.sources
                .report("bad-supply", value.location(), message, None);
        }
        along
    }

    /// A step that is itself supplied leads to what this connector supplies there.
    fn own_supplier(&self, decl: &TypeDecl, from: &TypeDecl, field: &Name) -> Option<TypeDecl> {
        let connector = self.sources.connector(decl.name.location())?;
        let supplies = |known: &TypeDecl| {
            let mut directives = known.directives.0.iter();
            directives.any(|directive| {
                let supplied = directive.specified_argument_by_name("field");
                let coordinate = supplied.and_then(|value| value.as_str()?.split_once('.'));
                directive.name == "supplies"
                    && coordinate.is_some_and(|(owner, own)| {
                        own == field.as_str()
                            && (owner == from.name.as_str() || from.implements(owner))
                    })
            })
        };
        let mut types = self.declared.types.values();
        let own = types.find(|known| {
            self.sources.connector(known.name.location()) == Some(connector)
                && known.name != decl.name
                && supplies(known)
        });
        own.cloned()
    }

    /// Who supplies a field, declared on the type itself or on one of its interfaces.
    pub(in crate::sdl::compose) fn suppliers_of(
        &self,
        decl: &TypeDecl,
        field: &Name,
    ) -> Vec<Supplier> {
        let owners = std::iter::once(&decl.name).chain(&decl.implements);
        let keys = owners.map(|owner| (owner.clone(), field.clone()));
        let found = keys
            .filter_map(|key| self.live.suppliers.get(&key))
            .flatten();
        let mut found: Vec<&Supplier> = found.collect();
        found.sort();
        found.into_iter().cloned().collect()
    }
}
