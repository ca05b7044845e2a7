//! Gives every field its one source.

use apollo_compiler::ast::{DirectiveList, OperationType, Type, Value};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::kind::connected;
use super::relation::alternatives;
use super::scope::Names;
use super::{Composer, arc};
use crate::diagnostic::closest;
use crate::sdl::declared::{FieldDecl, Form, TypeDecl};
use crate::sdl::directive::Args;
use crate::sdl::expr::Expr;
use crate::sdl::inherit::SOURCE_DIRECTIVES;
use crate::sdl::model::{
    Auth, Field, FieldSource, KindId, LiveBinding, LookupBinding, RelationBinding, ResolverBinding,
    Search, TypeShape, ValueBinding,
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
            let connect = self.connect_of_type(&decl);
            let site = self.type_site(&decl);
            let cache = self.cache(&decl.directives, connect.as_deref(), &site);
            self.check_type(&decl);
            let mut fields = IndexMap::new();
            for (name, field) in &decl.fields {
                let bound = self.bind_field(&decl, field);
                fields.insert(name.clone(), bound);
            }
            self.bound.insert(decl.name.clone(), fields);
            self.fetched.insert(decl.name.clone(), (connect, cache));
        }
    }

    fn bind_field(&mut self, decl: &TypeDecl, field: &FieldDecl) -> Field {
        let def = &field.def;
        let source = self.source_of(decl, field);
        let connect = match &source {
            FieldSource::Live(binding) => binding.connect.clone(),
            _ => None,
        };
        let enclosing = connect.or_else(|| self.connect_of_type(decl));
        let site = self.field_site(decl, field);
        let cache = self.cache(&def.directives, enclosing.as_deref(), &site);
        if field.inherited.is_none() {
            self.check_field(decl, field, &source);
            self.check_read(decl, field, &source);
        }
        Field {
            name: arc(&def.name),
            ty: self.field_type(&def.ty),
            source,
            column: None,
            cache,
            auth: auth(&def.directives),
            search: search(&def.directives),
            declared: def.name.location().and_then(|at| self.sources.place(at)),
        }
    }

    fn source_of(&mut self, decl: &TypeDecl, field: &FieldDecl) -> FieldSource {
        let directives = &field.def.directives;
        let suppliers = self.suppliers_of(decl, &field.def.name);
        self.check_one_source(decl, field, suppliers.len());
        let waits = self.waits_for_suppliers(decl, field);
        let merge = self.merge(field, !suppliers.is_empty() || waits);
        let chosen = self.items_where(field, !suppliers.is_empty() || waits);
        if directives.has("connect") || !suppliers.is_empty() || waits {
            return FieldSource::Live(LiveBinding {
                connect: self.connect_of_field(decl, field),
                suppliers,
                merge,
                chosen,
                connection: false,
            });
        }
        if let Some(args) = Args::of(directives, "relation") {
            if field.inherited.is_none() {
                self.check_relation(decl, field, args);
            }
            if let Some(relation) = self.relation_of(args) {
                return FieldSource::Relation(RelationBinding {
                    relation,
                    targets: self.targets(connected(&field.def.ty)),
                    connection: false,
                });
            }
        }
        if let Some(args) = Args::of(directives, "resolver") {
            self.check_via(args);
            let own = field.def.name.as_str();
            if field.inherited.is_none() {
                self.check_resolver(decl, field, args.text("name").unwrap_or(own));
            }
            let via = args.texts("via").filter_map(|name| self.relations.id(name));
            return FieldSource::Resolver(ResolverBinding {
                name: args
                    .text("name")
                    .map_or_else(|| arc(&field.def.name), Into::into),
                via: via.collect(),
                at: args.expr("at", self.sources),
                connection: false,
            });
        }
        if let Some(args) = Args::of(directives, "lookup") {
            if field.inherited.is_none() {
                self.check_lookup(decl, field, args);
            }
            if let Some(value) = args.expr("value", self.sources) {
                return FieldSource::Lookup(LookupBinding {
                    kind: args.text("kind").and_then(|kind| self.kind_named(kind)),
                    by: alternatives(args.text("by").unwrap_or_default())
                        .map(descriptor_path)
                        .collect(),
                    value,
                    list: is_plural(&field.def.ty),
                });
            }
        }
        FieldSource::Value(self.value_binding(decl, field))
    }

    /// Reports two sources, or none.
    fn check_one_source(&mut self, decl: &TypeDecl, field: &FieldDecl, suppliers: usize) {
        if let Some(interface) = &field.inherited {
            if suppliers == 0 {
                self.check_inherited(decl, field, interface);
            }
            return;
        }
        let def = &field.def;
        let coordinate = format!("{}.{}", decl.name, def.name);
        let given: Vec<String> = SOURCE_DIRECTIVES
            .iter()
            .filter(|name| def.directives.has(name))
            .map(|name| format!("@{name}"))
            .chain((suppliers > 0).then(|| "@supplies".to_owned()))
            .collect();
        if given.len() > 1 {
            let message = format!(
                "`{coordinate}` has {} sources: {}",
                given.len(),
                given.join(", ")
            );
            let hint = "a field has one".to_owned();
            self.sources
                .report("two-sources", def.name.location(), message, Some(hint));
        }
        if !given.is_empty() {
            return;
        }
        let is_root = [
            OperationType::Query,
            OperationType::Mutation,
            OperationType::Subscription,
        ]
        .into_iter()
        .any(|operation| self.declared.root(operation) == Some(&decl.name));
        let abstracted = decl.is_interface() && !self.is_entity(&decl.name);
        // What stands outside of connector folders is there for any number of them, also none.
        let owned = self.sources.connector(def.name.location()).is_some();
        let hint = match (is_root, self.waits_for_suppliers(decl, field)) {
            (true, false) => "write `@resolver` or `@connect`".to_owned(),
            (_, true) if owned && !abstracted => {
                format!("let a type supply it: `@supplies(field: \"{coordinate}\")`")
            }
            (_, _) => return,
        };
        let message = format!("`{coordinate}` has no source");
        self.sources
            .report("no-source", def.name.location(), message, Some(hint));
    }

    /// Reports a field that a connector's own interface promises, and a type of it neither restates nor is supplied with.
    fn check_inherited(&mut self, decl: &TypeDecl, field: &FieldDecl, interface: &Name) {
        let name = &field.def.name;
        // The interfaces of the core promise more than one provider has: what it has not is null.
        let owned = self.sources.connector(name.location()).is_some();
        // On an interface of entities it is told once, where it is declared.
        let concrete = decl.is_object() && !decl.generated && !self.is_entity(interface);
        if !(owned && concrete && self.waits_for_suppliers(decl, field)) {
            return;
        }
        let coordinate = format!("{}.{name}", decl.name);
        let message = format!("`{coordinate}`, as `{interface}` declares it, has no source");
        let hint = format!(
            "restate it in `{}` with `@field(at: …)` and the type of its objects, or let a type supply it: `@supplies(field: \"{coordinate}\")`",
            decl.name
        );
        self.sources
            .report("no-source", decl.name.location(), message, Some(hint));
    }

    /// Whether nothing but `@supplies` can give the values: a live interface is never read by name.
    fn waits_for_suppliers(&self, decl: &TypeDecl, field: &FieldDecl) -> bool {
        let target = connected(&field.def.ty);
        let said = |name: &&str| field.def.directives.has(name);
        matches!(self.shape(target), TypeShape::Interface)
            && (self.is_live(target) || self.is_action_socket(decl, field))
            && !SOURCE_DIRECTIVES.iter().any(said)
    }

    fn value_binding(&mut self, decl: &TypeDecl, field: &FieldDecl) -> ValueBinding {
        let args = Args::of(&field.def.directives, "field");
        let names = self.value_names(decl, field);
        let at = args.and_then(|args| self.scoped(args, "at", &names));
        let default = args.and_then(|args| self.scoped(args, "default", &names));
        if let (Some(args), Some(at)) = (args, &at)
            && field.inherited.is_none()
        {
            self.check_value(decl, field, args, at);
        }
        let cases = args.into_iter().flat_map(|args| args.objects("enum"));
        ValueBinding {
            at: at.unwrap_or_else(|| self.by_name(decl, &field.def.name)),
            default,
            cases: cases
                .filter_map(|case| Some((case.text("from")?.into(), case.text("to")?.into())))
                .collect(),
            otherwise: args.and_then(|args| args.text("else")).map(Into::into),
        }
    }

    /// What `@field` may read: the enclosing object, and on live types the arguments and names of the request.
    fn value_names(&mut self, decl: &TypeDecl, field: &FieldDecl) -> Names {
        if self.is_entity(&decl.name) {
            return Names::of(&["this"]);
        }
        let mut names = Names::of(&["this", "args"]);
        let arguments = field
            .def
            .arguments
            .iter()
            .map(|argument| argument.name.to_string());
        let mut arguments: Vec<String> = arguments.collect();
        if is_plural(&field.def.ty) {
            arguments.extend(["first", "after"].map(str::to_owned));
        }
        names.args = vec![arguments];
        if let Some(connect) = self.connect_of_type(decl) {
            names.lets = connect
                .lets
                .iter()
                .map(|item| item.name.to_string())
                .collect();
        }
        names
    }

    fn check_value(&mut self, decl: &TypeDecl, field: &FieldDecl, args: Args<'_>, at: &Expr) {
        let coordinate = format!("{}.{}", decl.name, field.def.name);
        if let Some(value) = args.value("at") {
            self.check_descriptor_path(decl, value, at);
            let graphql = self.asks_graphql(value.location());
            if at.has_arguments() && !graphql {
                let message = format!(
                    "`{coordinate}` gives arguments to a step, but no GraphQL source is asked"
                );
                self.sources
                    .report("arguments-outside-graphql", value.location(), message, None);
            }
        }
        if args.truth("required") == Some(true) && at.as_plain_path().is_none() {
            let message = format!("`{coordinate}` is required, but `at` is no plain path");
            let at = field.def.name.location();
            self.sources.report("required-not-plain", at, message, None);
        }
    }

    /// Whether the connector of a place has a source that speaks GraphQL.
    fn asks_graphql(&self, at: Option<SourceSpan>) -> bool {
        let connector = self.sources.connector(at);
        self.live.upstreams.iter().any(|source| {
            Some(&source.connector) == connector
                && source.kind != crate::sdl::model::SourceType::Rest
        })
    }

    /// Reports enum words that do not fit the field.
    fn check_cases(&mut self, field: &FieldDecl) {
        let Some(args) = Args::of(&field.def.directives, "field") else {
            return;
        };
        let named = field.def.ty.inner_named_type();
        let values = match self.declared.types.get(named).map(|decl| &decl.form) {
            Some(Form::Enum(values)) => Some(values.clone()),
            _ => None,
        };
        let mut seen: Vec<&str> = Vec::new();
        for from in args.objects("enum").filter_map(|case| case.value("from")) {
            let Some(text) = from.as_str() else {
                continue;
            };
            if seen.contains(&text) {
                let message = format!("the word `{text}` is mapped twice");
                let hint = "a word comes to one value: keep one of the two".to_owned();
                self.sources
                    .report("duplicate", from.location(), message, Some(hint));
            }
            seen.push(text);
        }
        let words = args.objects("enum").filter_map(|case| case.value("to"));
        for word in words.chain(args.value("else")) {
            let Some(text) = word.as_str() else {
                continue;
            };
            let Some(values) = &values else {
                let message = format!(
                    "`{}` maps to enum values, but `{named}` is no enum",
                    field.def.name
                );
                self.sources
                    .report("not-an-enum", word.location(), message, None);
                continue;
            };
            let known = || values.iter().map(|value| value.value.as_str());
            if !known().any(|known| known == text) {
                let hint = closest(text, known()).map_or_else(
                    || format!("it has {}", known().collect::<Vec<_>>().join(" ")),
                    |candidate| format!("did you mean `{candidate}`?"),
                );
                let message = format!("unknown value `{text}` of `{named}`");
                self.sources
                    .report("unknown-enum-value", word.location(), message, Some(hint));
            }
        }
    }

    fn check_type(&mut self, decl: &TypeDecl) {
        let live = self.is_live(&decl.name) && !self.is_payload(decl);
        if live && decl.is_object() && !decl.directives.has("identity") {
            let message = format!("`{}` is fetched, but has no identity", decl.name);
            let hint =
                "add `@identity(from: …)`: what identifies an object in its upstream".to_owned();
            self.sources
                .report("no-identity", decl.name.location(), message, Some(hint));
        }
        if live && decl.directives.has("kind") {
            let message = format!("`{}` is a kind and fetched at once", decl.name);
            let hint = "fetch fields of the kind instead".to_owned();
            self.sources
                .report("live-kind", decl.name.location(), message, Some(hint));
        }
        if let Some(args) = Args::of(&decl.directives, "identity") {
            self.scoped(args, "from", &Names::of(&["this"]));
        }
        if decl.directives.has("cache") && !decl.directives.has("connect") {
            self.misplaced(
                &decl.directives,
                "cache",
                &format!("`{}` fetches nothing itself", decl.name),
            );
        }
    }

    /// Of an interface or a union the objects must say their types, and those of a REST source do not.
    fn check_concrete(&mut self, decl: &TypeDecl, field: &FieldDecl, source: &FieldSource) {
        let named = connected(&field.def.ty);
        let is_read = match source {
            FieldSource::Value(_) => !self.is_entity(&decl.name),
            FieldSource::Live(live) => live.connect.is_some(),
            _ => false,
        };
        let at = field.def.name.location();
        let owned = field.inherited.is_none() && self.sources.connector(at).is_some();
        let is_abstract = matches!(self.shape(named), TypeShape::Interface | TypeShape::Union);
        if is_read && owned && is_abstract && !self.asks_graphql(at) {
            let coordinate = format!("{}.{}", decl.name, field.def.name);
            let message = format!(
                "nothing says which type of `{named}` the objects of `{coordinate}` are of"
            );
            let hint = format!(
                "a REST source sends no `__typename`: give the field a type of your own that implements `{named}`, or let one supply it: `@supplies(field: \"{coordinate}\")`"
            );
            self.sources.report("untold-type", at, message, Some(hint));
        }
    }

    fn check_field(&mut self, decl: &TypeDecl, field: &FieldDecl, source: &FieldSource) {
        let def = &field.def;
        let at = def.name.location();
        let coordinate = format!("{}.{}", decl.name, def.name);
        let live = self.is_live(&decl.name);
        self.check_cases(field);
        if live && def.name == "id" && def.directives.has("field") {
            let message = format!("`{coordinate}` is made by the engine");
            let hint = "say what identifies the object with `@identity`".to_owned();
            self.sources.report("id-on-live", at, message, Some(hint));
        }
        if def.directives.has("auth") && def.ty.is_non_null() {
            let message = format!("`{coordinate}` is non-null, but may be refused");
            let hint = format!("write `{}`", def.ty.clone().nullable());
            self.sources
                .report("auth-non-null", at, message, Some(hint));
        }
        self.check_concrete(decl, field, source);
        let leaf = matches!(self.shape(def.ty.inner_named_type()), TypeShape::Leaf(_));
        if def.directives.has("search") && !(leaf && self.is_entity(&decl.name)) {
            self.misplaced(
                &def.directives,
                "search",
                &format!("`{coordinate}` is no plain value of an entity"),
            );
        }
        if def.directives.has("json") && !matches!(source, FieldSource::Value(_)) {
            self.misplaced(
                &def.directives,
                "json",
                &format!("`{coordinate}` is not read from a descriptor"),
            );
        }
        if def.directives.has("cache") && !live && !matches!(source, FieldSource::Live(_)) {
            self.misplaced(
                &def.directives,
                "cache",
                &format!("`{coordinate}` is not fetched"),
            );
        }
        let tags = Args::of(&def.directives, "cache").and_then(|args| args.value("tags"));
        if let (Some(tags), FieldSource::Value(_), true) = (tags, source, live) {
            let message =
                format!("`tags` have no effect here: `{coordinate}` comes with its object");
            let hint = "write them where the object is fetched".to_owned();
            self.sources
                .report("misplaced-cache", tags.location(), message, Some(hint));
        }
        if matches!(source, FieldSource::Live(binding) if binding.connect.is_some())
            && def.ty.is_non_null()
        {
            let message = format!("`{coordinate}` is fetched, and cannot be non-null");
            let hint = format!(
                "write `{}`: an upstream may fail",
                def.ty.clone().nullable()
            );
            self.sources
                .report("non-null-live", at, message, Some(hint));
        }
    }

    pub(super) fn misplaced(&mut self, directives: &DirectiveList, name: &str, why: &str) {
        let directive = directives.0.iter().find(|directive| directive.name == name);
        let at = directive.and_then(|directive| directive.name.location());
        let code = match name {
            "search" => "misplaced-search",
            "json" => "misplaced-json",
            _ => "misplaced-cache",
        };
        self.sources.report(
            code,
            at,
            format!("`@{name}` has no effect here: {why}"),
            None,
        );
    }

    /// Where a field without `at` is read: under its own name, on a kind in `spec`.
    fn by_name(&self, decl: &TypeDecl, field: &Name) -> Expr {
        match self.kinds.contains_key(&decl.name) {
            true => Expr::plain(["spec", field]),
            false => Expr::plain([field.as_str()]),
        }
    }

    /// The kind that descriptors call so.
    pub(super) fn kind_named(&self, kind: &str) -> Option<KindId> {
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
    let all_of = |item: &Node<Value>| {
        let words = item.as_list().unwrap_or_default();
        let words = words
            .iter()
            .filter_map(|word| word.as_str().map(Into::into));
        words.collect()
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
        demote: args
            .list("demote")
            .filter_map(|word| word.as_str().map(Into::into))
            .collect(),
    })
}

/// `metadata.annotations.'a.example/id'` as paths into descriptors are elsewhere: `metadata.annotations.a.example/id`.
fn descriptor_path(written: &str) -> Box<str> {
    let expr = Expr::parse(written).ok();
    let names = expr.as_ref().and_then(Expr::as_plain_path);
    names.map_or_else(|| written.into(), |names| names.join(".").into())
}
