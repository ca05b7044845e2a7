//! Gives every field its one source.

use apollo_compiler::Name;
use apollo_compiler::ast::{DirectiveList, Type};
use indexmap::IndexMap;

use super::kind::connected;
use super::{Composer, arc};
use crate::sdl::declared::{FieldDecl, TypeDecl};
use crate::sdl::directive::Args;
use crate::sdl::expr::Expr;
use crate::sdl::model::{
    Auth, Field, FieldSource, LookupBinding, RelationBinding, ResolverBinding, Search, ValueBinding,
};

impl Composer<'_> {
    /// Binds the fields of all objects and interfaces.
    pub(super) fn bind_fields(&mut self) {
        let decls: Vec<TypeDecl> = self
            .declared
            .types
            .values()
            .filter(|decl| decl.has_fields())
            .cloned()
            .collect();
        for decl in decls {
            let mut fields = IndexMap::new();
            for (name, field) in &decl.fields {
                let bound = self.bind_field(&decl, field);
                fields.insert(name.clone(), bound);
            }
            self.bound.insert(decl.name.clone(), fields);
        }
    }

    fn bind_field(&mut self, decl: &TypeDecl, field: &FieldDecl) -> Field {
        let def = &field.def;
        let source = self.source_of(decl, field);
        Field {
            name: arc(&def.name),
            ty: self.field_type(&def.ty),
            source,
            column: None,
            cache: None,
            auth: auth(&def.directives),
            search: search(&def.directives),
            declared: def.name.location().and_then(|at| self.sources.place(at)),
        }
    }

    fn source_of(&mut self, decl: &TypeDecl, field: &FieldDecl) -> FieldSource {
        let directives = &field.def.directives;
        if let Some(args) = Args::of(directives, "relation")
            && let Some(relation) = self.relation_of(args)
        {
            return FieldSource::Relation(RelationBinding {
                relation,
                targets: self.targets(connected(&field.def.ty)),
                connection: false,
            });
        }
        if let Some(args) = Args::of(directives, "resolver") {
            return FieldSource::Resolver(ResolverBinding {
                name: args
                    .text("name")
                    .map_or_else(|| arc(&field.def.name), Into::into),
                via: args
                    .texts("via")
                    .filter_map(|name| self.relations.id(name))
                    .collect(),
                connection: false,
            });
        }
        if let Some(args) = Args::of(directives, "lookup")
            && let Some(value) = args.expr("value", self.sources)
        {
            return FieldSource::Lookup(LookupBinding {
                kind: args.text("kind").and_then(|kind| self.kind_named(kind)),
                by: args.text("by").unwrap_or_default().into(),
                value,
                list: is_plural(&field.def.ty),
            });
        }
        FieldSource::Value(self.value_binding(decl, field))
    }

    fn value_binding(&mut self, decl: &TypeDecl, field: &FieldDecl) -> ValueBinding {
        let args = Args::of(&field.def.directives, "field");
        let at = args.and_then(|args| args.expr("at", self.sources));
        let cases = args.into_iter().flat_map(|args| args.objects("enum"));
        ValueBinding {
            at: at.unwrap_or_else(|| self.by_name(decl, &field.def.name)),
            default: args.and_then(|args| args.expr("default", self.sources)),
            cases: cases
                .filter_map(|case| Some((case.text("from")?.into(), case.text("to")?.into())))
                .collect(),
            otherwise: args.and_then(|args| args.text("else")).map(Into::into),
        }
    }

    /// Where a field without `at` is read: under its own name, on a kind in `spec`.
    fn by_name(&self, decl: &TypeDecl, field: &Name) -> Expr {
        match self.kinds.contains_key(&decl.name) {
            true => Expr::plain(["spec", field]),
            false => Expr::plain([field.as_str()]),
        }
    }

    fn kind_named(&self, kind: &str) -> Option<crate::sdl::model::KindId> {
        let (type_name, _) = self.kinds.iter().find(|(_, head)| &*head.kind == kind)?;
        self.kind_id(type_name)
    }
}

fn is_plural(ty: &Type) -> bool {
    ty.is_list() || ty.inner_named_type().ends_with("Connection")
}

/// `@auth`.
pub(super) fn auth(directives: &DirectiveList) -> Option<Auth> {
    let args = Args::of(directives, "auth")?;
    let all_of = |item: &apollo_compiler::Node<apollo_compiler::ast::Value>| {
        let words = item.as_list().unwrap_or_default();
        words
            .iter()
            .filter_map(|word| word.as_str().map(Into::into))
            .collect()
    };
    Some(Auth {
        scopes: args.list("scopes").map(all_of).collect(),
        owner: args.truth("owner").unwrap_or_default(),
    })
}

/// `@search`.
fn search(directives: &DirectiveList) -> Option<Search> {
    let args = Args::of(directives, "search")?;
    Some(Search {
        weight: args.float("weight").unwrap_or(1.0) as f32,
        facet: args.truth("facet").unwrap_or_default(),
    })
}
