//! Connections: lists that can be paged, with their edges.

use std::collections::BTreeSet;

use apollo_compiler::ast::{InputValueDefinition, Type};
use apollo_compiler::{Name, Node};

use super::kind::definition;
use super::{Composer, generated, input, list_of, named, non_null};
use crate::sdl::declared::{FieldDecl, Form, TypeDecl};
use crate::sdl::model::{FieldSource, Generated, TypeShape};

impl Composer<'_> {
    /// Makes lists of entities and of live values into connections, and declares all connections that are used.
    pub(super) fn make_connections(&mut self) {
        let mut wanted: BTreeSet<Name> = self.kinds.keys().cloned().collect();
        let names: Vec<Name> = self.declared.types.keys().cloned().collect();
        for type_name in &names {
            for (field, node) in self.connection_fields(type_name) {
                self.connect_field(type_name, &field, &node);
                wanted.insert(node);
            }
        }
        if !wanted.is_empty() {
            self.declare_page_info();
        }
        for node in &wanted {
            self.declare_connection(node);
        }
    }

    /// Fields of a type that are, or become, connections, with the type of their nodes.
    fn connection_fields(&self, type_name: &Name) -> Vec<(Name, Name)> {
        let Some(decl) = self.declared.types.get(type_name) else {
            return Vec::new();
        };
        let fields = decl.fields.values().filter_map(|field| {
            let def = &field.def;
            let named = def.ty.inner_named_type();
            if def.ty.is_list() {
                let paged = def.directives.has("relation") || self.is_live(named);
                return paged.then(|| (def.name.clone(), named.clone()));
            }
            let node = self.node_of_connection(named)?;
            Some((def.name.clone(), node))
        });
        fields.collect()
    }

    /// The known type that an undeclared connection pages through.
    pub(super) fn node_of_connection(&self, connection: &Name) -> Option<Name> {
        let node = connection.strip_suffix("Connection")?;
        let node = self.declared.types.get(node)?;
        let declared = self.declared.types.get(connection);
        let generated = declared.is_none_or(|decl| decl.generated);
        (node.has_fields() && generated).then(|| node.name.clone())
    }

    fn connect_field(&mut self, type_name: &Name, field: &Name, node: &Name) {
        let connection = format!("{node}Connection");
        let entity = self.is_entity(node).then_some(node);
        let live = self.is_live(node);
        let args = Self::connection_args(entity, live);
        let decl = self.declared.types.get_mut(type_name);
        let Some(field_decl) = decl.and_then(|decl| decl.fields.get_mut(field)) else {
            return;
        };
        let def = field_decl.def.make_mut();
        // What a viewer may not read, or an upstream does not give, is null, and must not take its parent with it.
        let refusable = def.directives.has("auth") || live;
        def.ty = if refusable {
            named(&connection)
        } else {
            non_null(&connection)
        };
        for arg in args {
            if def.argument_by_name(&arg.name).is_none() {
                def.arguments.push(arg);
            }
        }
        let bound = self.bound.get_mut(type_name);
        let Some(field) = bound.and_then(|fields| fields.get_mut(field)) else {
            return;
        };
        field.ty.named = connection.into();
        field.ty.shape = TypeShape::Object;
        field.ty.non_null = !refusable;
        field.ty.list = None;
        match &mut field.source {
            FieldSource::Relation(binding) => binding.connection = true,
            FieldSource::Resolver(binding) => binding.connection = true,
            FieldSource::Live(binding) => binding.connection = true,
            FieldSource::Value(_) | FieldSource::Lookup(_) | FieldSource::Generated(_) => {}
        }
    }

    /// The arguments of a connection; those of a live one only go forward.
    pub(super) fn connection_args(
        entity: Option<&Name>,
        live: bool,
    ) -> Vec<Node<InputValueDefinition>> {
        let mut args = Vec::new();
        if let Some(entity) = entity {
            args.push(input("filter", named(&format!("{entity}Filter")), None));
            let order = non_null(&format!("{entity}Order"));
            args.push(input("orderBy", list_of(order), None));
        }
        args.push(input("first", named("Int"), None));
        args.push(input("after", named("String"), None));
        if !live {
            args.push(input("last", named("Int"), None));
            args.push(input("before", named("String"), None));
        }
        args
    }

    fn declare_connection(&mut self, node: &Name) {
        let live = self.is_live(node);
        let item = if live { named(node) } else { non_null(node) };
        let total = if live { named("Int") } else { non_null("Int") };
        let edge = format!("{node}Edge");
        let mut fields = vec![
            ("node", item.clone(), Generated::EdgeNode),
            ("cursor", non_null("String"), Generated::EdgeCursor),
        ];
        if self.is_entity(node) && self.declared.types.contains_key("Relation") {
            fields.push(("relation", named("Relation"), Generated::EdgeRelation));
        }
        self.declare_object(&edge, &fields);
        let edges = list_of(non_null(&edge)).non_null();
        let mut fields = vec![
            ("edges", edges, Generated::ConnectionEdges),
            (
                "nodes",
                list_of(item).non_null(),
                Generated::ConnectionNodes,
            ),
            ("totalCount", total, Generated::ConnectionTotalCount),
        ];
        if live {
            fields.push((
                "complete",
                non_null("Boolean"),
                Generated::ConnectionComplete,
            ));
        }
        fields.push((
            "pageInfo",
            non_null("PageInfo"),
            Generated::ConnectionPageInfo,
        ));
        self.declare_object(&format!("{node}Connection"), &fields);
    }

    fn declare_page_info(&mut self) {
        let part = |name: &str| Generated::Part(name.into());
        let fields = [
            ("hasNextPage", non_null("Boolean"), part("hasNextPage")),
            (
                "hasPreviousPage",
                non_null("Boolean"),
                part("hasPreviousPage"),
            ),
            ("startCursor", named("String"), part("startCursor")),
            ("endCursor", named("String"), part("endCursor")),
        ];
        self.declare_object("PageInfo", &fields);
    }

    fn declare_object(&mut self, name: &str, fields: &[(&str, Type, Generated)]) {
        let mut decl = TypeDecl::new(generated(name), Form::Object);
        decl.generated = true;
        let mut bound = indexmap::IndexMap::new();
        for (field_name, ty, source) in fields {
            let def = definition(generated(field_name), Vec::new(), ty.clone());
            bound.insert(def.name.clone(), self.generated_field(&def, source.clone()));
            decl.fields.insert(def.name.clone(), FieldDecl::new(def));
        }
        self.bound.insert(decl.name.clone(), bound);
        self.declare(decl);
    }

    /// Adds a type that composition made; a name that is taken is a problem.
    pub(super) fn declare(&mut self, mut decl: TypeDecl) {
        decl.generated = true;
        if let Some(taken) = self.declared.types.get(&decl.name) {
            let message = format!("`{}` is also the name of a generated type", decl.name);
            let problem = self
                .sources
                .error("name-collision", taken.name.location(), message)
                .hint("give the type another name");
            self.sources.problems.push(problem);
            return;
        }
        self.declared.types.insert(decl.name.clone(), decl);
    }
}
