//! What the files declare: definitions and their extensions merged, nothing added yet.

use apollo_compiler::ast::{
    Definition, DirectiveDefinition, DirectiveList, Document, EnumValueDefinition, FieldDefinition,
    InputValueDefinition, OperationType,
};
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;
use indexmap::map::Entry;

use super::source::Sources;

/// All files together.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) types: IndexMap<Name, TypeDecl>,
    pub(super) directives: IndexMap<Name, Node<DirectiveDefinition>>,
    pub(super) schema: SchemaDecl,
}

/// `schema { … }` with its extensions.
#[derive(Debug, Default)]
pub(super) struct SchemaDecl {
    pub(super) description: Option<Node<str>>,
    pub(super) roots: Vec<Node<(OperationType, Name)>>,
    pub(super) directives: DirectiveList,
    pub(super) defined: bool,
}

/// A type with its extensions.
#[derive(Clone, Debug)]
pub(super) struct TypeDecl {
    pub(super) name: Name,
    pub(super) description: Option<Node<str>>,
    pub(super) directives: DirectiveList,
    pub(super) implements: Vec<Name>,
    pub(super) form: Form,
    /// Of objects and interfaces.
    pub(super) fields: IndexMap<Name, FieldDecl>,
    /// Made by composition.
    pub(super) generated: bool,
}

/// What sort of type it is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Scalar,
    Object,
    Interface,
    Union(Vec<Name>),
    Enum(Vec<Node<EnumValueDefinition>>),
    Input(Vec<Node<InputValueDefinition>>),
}

/// A field with where it comes from.
#[derive(Clone, Debug)]
pub(super) struct FieldDecl {
    pub(super) def: Node<FieldDefinition>,
    /// The interface that it was inherited from, whole.
    pub(super) inherited: Option<Name>,
}

impl FieldDecl {
    /// A field of the type itself.
    pub(super) fn new(def: impl Into<Node<FieldDefinition>>) -> Self {
        Self {
            def: def.into(),
            inherited: None,
        }
    }
}

impl Form {
    /// The keyword that declares it.
    pub(super) fn keyword(&self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Object => "type",
            Self::Interface => "interface",
            Self::Union(_) => "union",
            Self::Enum(_) => "enum",
            Self::Input(_) => "input",
        }
    }
}

impl TypeDecl {
    /// A type without members.
    pub(super) fn new(name: Name, form: Form) -> Self {
        Self {
            name,
            description: None,
            directives: DirectiveList::default(),
            implements: Vec::new(),
            form,
            fields: IndexMap::new(),
            generated: false,
        }
    }

    pub(super) fn is_interface(&self) -> bool {
        matches!(self.form, Form::Interface)
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self.form, Form::Object)
    }

    /// Objects and interfaces.
    pub(super) fn has_fields(&self) -> bool {
        self.is_object() || self.is_interface()
    }

    pub(super) fn implements(&self, interface: &str) -> bool {
        self.implements.iter().any(|name| name == interface)
    }
}

impl Declared {
    /// The root type of an operation.
    pub(super) fn root(&self, operation: OperationType) -> Option<&Name> {
        let root = self.schema.roots.iter().find(|root| root.0 == operation)?;
        Some(&root.1)
    }

    /// Merges parsed files; what is declared twice or extends nothing is a problem.
    pub(super) fn collect(documents: &[Document], sources: &mut Sources) -> Self {
        let mut declared = Self::default();
        let definitions = || documents.iter().flat_map(|document| &document.definitions);
        for definition in definitions() {
            declared.define(definition, sources);
        }
        for definition in definitions() {
            declared.extend(definition, sources);
        }
        declared
    }

    fn define(&mut self, definition: &Definition, sources: &mut Sources) {
        let decl = match definition {
            Definition::OperationDefinition(_) | Definition::FragmentDefinition(_) => {
                let problem = sources
                    .error(
                        "not-a-schema",
                        definition.location(),
                        "an operation stands in a schema file",
                    )
                    .hint("operations are sent to the server, schema files declare types");
                sources.problems.push(problem);
                return;
            }
            Definition::DirectiveDefinition(def) => {
                if let Some(previous) = self.directives.insert(def.name.clone(), def.clone()) {
                    sources.duplicate("directive", &def.name, &previous.name);
                }
                return;
            }
            Definition::SchemaDefinition(def) => {
                if self.schema.defined {
                    let problem = sources
                        .error("duplicate", def.location(), "`schema` is declared twice")
                        .hint("write `extend schema`");
                    sources.problems.push(problem);
                    return;
                }
                self.schema.defined = true;
                self.schema.description = def.description.clone();
                self.schema
                    .directives
                    .0
                    .extend(def.directives.iter().cloned());
                self.schema
                    .roots
                    .extend(def.root_operations.iter().cloned());
                return;
            }
            // Extensions are merged in a second pass, so that the order of files does not matter.
            _ if definition.is_extension_definition() => None,
            _ => TypeDecl::of(definition),
        };
        let Some((mut decl, fields)) = decl else {
            return;
        };
        decl.description = description(definition);
        match self.types.entry(decl.name.clone()) {
            Entry::Occupied(previous) => sources.duplicate("type", &decl.name, previous.key()),
            Entry::Vacant(entry) => entry.insert(decl).add_fields(&fields, sources),
        }
    }

    fn extend(&mut self, definition: &Definition, sources: &mut Sources) {
        if let Definition::SchemaExtension(def) = definition {
            self.schema
                .directives
                .0
                .extend(def.directives.iter().cloned());
            self.schema
                .roots
                .extend(def.root_operations.iter().cloned());
            return;
        }
        let Some((extension, fields)) = definition
            .is_extension_definition()
            .then(|| TypeDecl::of(definition))
            .flatten()
        else {
            return;
        };
        let Some(base) = self.types.get_mut(&extension.name) else {
            let names: Vec<String> = self.types.keys().map(ToString::to_string).collect();
            sources.unknown(
                "unknown-type",
                "type",
                &extension.name,
                names.iter().map(String::as_str),
            );
            return;
        };
        if base.form.keyword() != extension.form.keyword() {
            let problem = sources
                .error(
                    "wrong-extension",
                    extension.name.location(),
                    format!("`{}` is no {}", extension.name, extension.form.keyword()),
                )
                .hint(format!(
                    "write `extend {} {}`",
                    base.form.keyword(),
                    extension.name
                ));
            sources.problems.push(problem);
            return;
        }
        base.directives.0.extend(extension.directives.0);
        for interface in extension.implements {
            if !base.implements(&interface) {
                base.implements.push(interface);
            }
        }
        match (&mut base.form, extension.form) {
            (Form::Union(members), Form::Union(more)) => members.extend(more),
            (Form::Enum(values), Form::Enum(more)) => values.extend(more),
            (Form::Input(fields), Form::Input(more)) => fields.extend(more),
            _ => {}
        }
        base.add_fields(&fields, sources);
    }
}

impl TypeDecl {
    fn add_fields(&mut self, fields: &[Node<FieldDefinition>], sources: &mut Sources) {
        for def in fields {
            match self.fields.entry(def.name.clone()) {
                Entry::Occupied(previous) => sources.duplicate("field", &def.name, previous.key()),
                Entry::Vacant(entry) => {
                    entry.insert(FieldDecl::new(def.clone()));
                }
            }
        }
    }

    /// The type of a definition or an extension, and its fields.
    fn of(definition: &Definition) -> Option<(Self, Vec<Node<FieldDefinition>>)> {
        let (form, implements, fields) = match definition {
            Definition::ScalarTypeDefinition(_) | Definition::ScalarTypeExtension(_) => {
                (Form::Scalar, Vec::new(), Vec::new())
            }
            Definition::ObjectTypeDefinition(def) => (
                Form::Object,
                def.implements_interfaces.clone(),
                def.fields.clone(),
            ),
            Definition::ObjectTypeExtension(def) => (
                Form::Object,
                def.implements_interfaces.clone(),
                def.fields.clone(),
            ),
            Definition::InterfaceTypeDefinition(def) => (
                Form::Interface,
                def.implements_interfaces.clone(),
                def.fields.clone(),
            ),
            Definition::InterfaceTypeExtension(def) => (
                Form::Interface,
                def.implements_interfaces.clone(),
                def.fields.clone(),
            ),
            Definition::UnionTypeDefinition(def) => {
                (Form::Union(def.members.clone()), Vec::new(), Vec::new())
            }
            Definition::UnionTypeExtension(def) => {
                (Form::Union(def.members.clone()), Vec::new(), Vec::new())
            }
            Definition::EnumTypeDefinition(def) => {
                (Form::Enum(def.values.clone()), Vec::new(), Vec::new())
            }
            Definition::EnumTypeExtension(def) => {
                (Form::Enum(def.values.clone()), Vec::new(), Vec::new())
            }
            Definition::InputObjectTypeDefinition(def) => {
                (Form::Input(def.fields.clone()), Vec::new(), Vec::new())
            }
            Definition::InputObjectTypeExtension(def) => {
                (Form::Input(def.fields.clone()), Vec::new(), Vec::new())
            }
            Definition::OperationDefinition(_)
            | Definition::FragmentDefinition(_)
            | Definition::DirectiveDefinition(_)
            | Definition::SchemaDefinition(_)
            | Definition::SchemaExtension(_) => return None,
        };
        let mut decl = Self::new(definition.name()?.clone(), form);
        decl.implements = implements;
        decl.directives = definition.directives().clone();
        Some((decl, fields))
    }
}

fn description(definition: &Definition) -> Option<Node<str>> {
    match definition {
        Definition::ScalarTypeDefinition(def) => def.description.clone(),
        Definition::ObjectTypeDefinition(def) => def.description.clone(),
        Definition::InterfaceTypeDefinition(def) => def.description.clone(),
        Definition::UnionTypeDefinition(def) => def.description.clone(),
        Definition::EnumTypeDefinition(def) => def.description.clone(),
        Definition::InputObjectTypeDefinition(def) => def.description.clone(),
        _ => None,
    }
}
