//! The composed schema as apollo-compiler has it, and as text.

use std::collections::HashSet;

use apollo_compiler::ast::{
    Definition, DirectiveList, Document, EnumTypeDefinition, FieldDefinition,
    InputObjectTypeDefinition, InterfaceTypeDefinition, ObjectTypeDefinition, ScalarTypeDefinition,
    SchemaDefinition, Type, UnionTypeDefinition,
};
use apollo_compiler::schema::{Component, ExtendedType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema, name};

use super::Composer;
use crate::sdl::declared::{Form, TypeDecl};

/// The same schema three times.
pub(super) struct Printed {
    pub(super) schema: Valid<Schema>,
    pub(super) plain: String,
    pub(super) with_directives: String,
}

impl Composer<'_> {
    /// Prints; what apollo-compiler still finds wrong is a problem.
    pub(super) fn print(&mut self) -> Option<Printed> {
        let hidden = self.machinery();
        let plain = self.document(&hidden, false);
        let with_directives = self.document(&HashSet::new(), true);
        match plain.to_schema_validate() {
            Ok(schema) => Some(Printed {
                schema: with_one_of(schema),
                plain: plain.to_string(),
                with_directives: with_directives.to_string(),
            }),
            Err(failed) => {
                let types = &self.declared.types;
                let locate = |name: &str| types.get(name)?.name.location();
                self.sources
                    .adopt("invalid-schema", &failed.errors, &locate);
                None
            }
        }
    }

    /// Types that only directives use: clients need not see them.
    fn machinery(&self) -> HashSet<Name> {
        let arguments = self
            .declared
            .directives
            .values()
            .flat_map(|def| &def.arguments);
        let behind = self.reach(
            arguments
                .map(|argument| argument.ty.inner_named_type().clone())
                .collect(),
        );
        let outputs = self
            .declared
            .types
            .values()
            .filter(|decl| decl.has_fields());
        let used = self.reach(outputs.map(|decl| decl.name.clone()).collect());
        behind.difference(&used).cloned().collect()
    }

    /// All types that the given ones lead to.
    fn reach(&self, mut waiting: Vec<Name>) -> HashSet<Name> {
        let mut reached = HashSet::new();
        while let Some(name) = waiting.pop() {
            let Some(decl) = self.declared.types.get(&name) else {
                continue;
            };
            if !reached.insert(name) {
                continue;
            }
            for field in decl.fields.values() {
                waiting.push(field.def.ty.inner_named_type().clone());
                let arguments = field.def.arguments.iter();
                waiting.extend(arguments.map(|argument| argument.ty.inner_named_type().clone()));
            }
            if let Form::Input(fields) = &decl.form {
                waiting.extend(
                    fields
                        .iter()
                        .map(|field| field.ty.inner_named_type().clone()),
                );
            }
        }
        reached
    }

    fn document(&self, hidden: &HashSet<Name>, directives: bool) -> Document {
        let ours = |name: &str| !directives && self.declared.directives.contains_key(name);
        let kept = |list: &DirectiveList| {
            let directives = list.0.iter().filter(|directive| !ours(&directive.name));
            DirectiveList(directives.cloned().collect())
        };
        let mut document = Document::new();
        document.sources = self.sources.map.clone();
        let schema = &self.declared.schema;
        document
            .definitions
            .push(Definition::SchemaDefinition(Node::new(SchemaDefinition {
                description: schema.description.clone(),
                directives: kept(&schema.directives),
                root_operations: schema.roots.clone(),
            })));
        if directives {
            let mut definitions: Vec<_> = self.declared.directives.values().cloned().collect();
            definitions.sort_by(|left, right| left.name.cmp(&right.name));
            let definitions = definitions.into_iter().map(Definition::DirectiveDefinition);
            document.definitions.extend(definitions);
        }
        for decl in self.in_order() {
            if !hidden.contains(&decl.name) {
                document.definitions.push(definition(decl, &kept));
            }
        }
        document
    }

    /// Roots first, then by name.
    fn in_order(&self) -> Vec<&TypeDecl> {
        let mut decls: Vec<&TypeDecl> = self.declared.types.values().collect();
        let roots = &self.declared.schema.roots;
        let rank = |name: &Name| {
            roots
                .iter()
                .position(|root| root.1 == *name)
                .unwrap_or(roots.len())
        };
        decls.sort_by(|left, right| {
            (rank(&left.name), &left.name).cmp(&(rank(&right.name), &right.name))
        });
        decls
    }
}

/// `__Type.isOneOf` of the specification in force, which apollo-compiler lacks; introspection answers it.
fn with_one_of(schema: Valid<Schema>) -> Valid<Schema> {
    let mut schema = schema.into_inner();
    if let Some(ExtendedType::Object(object)) = schema.types.get_mut("__Type") {
        let field = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: Vec::new(),
            ty: Type::Named(name!("Boolean")),
            directives: DirectiveList::default(),
        };
        let fields = &mut object.make_mut().fields;
        fields.insert(field.name.clone(), Component::new(field));
    }
    Valid::assume_valid(schema)
}

fn definition(decl: &TypeDecl, kept: &impl Fn(&DirectiveList) -> DirectiveList) -> Definition {
    let name = decl.name.clone();
    let description = decl.description.clone();
    let directives = kept(&decl.directives);
    let implements_interfaces = decl.implements.clone();
    let fields = decl.fields.values().map(|field| {
        let mut def = field.def.clone();
        let directives = kept(&def.directives);
        if directives != def.directives {
            def.make_mut().directives = directives;
        }
        def
    });
    match &decl.form {
        Form::Scalar => Definition::ScalarTypeDefinition(Node::new(ScalarTypeDefinition {
            description,
            name,
            directives,
        })),
        Form::Object => Definition::ObjectTypeDefinition(Node::new(ObjectTypeDefinition {
            description,
            name,
            implements_interfaces,
            directives,
            fields: fields.collect(),
        })),
        Form::Interface => {
            Definition::InterfaceTypeDefinition(Node::new(InterfaceTypeDefinition {
                description,
                name,
                implements_interfaces,
                directives,
                fields: fields.collect(),
            }))
        }
        Form::Union(members) => Definition::UnionTypeDefinition(Node::new(UnionTypeDefinition {
            description,
            name,
            directives,
            members: members.clone(),
        })),
        Form::Enum(values) => Definition::EnumTypeDefinition(Node::new(EnumTypeDefinition {
            description,
            name,
            directives,
            values: values.clone(),
        })),
        Form::Input(fields) => {
            Definition::InputObjectTypeDefinition(Node::new(InputObjectTypeDefinition {
                description,
                name,
                directives,
                fields: fields.clone(),
            }))
        }
    }
}
