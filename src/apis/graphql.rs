//! GraphQL's schema definition language.
//!
//! Read as it is written, and not as a server would build it: subgraphs of a federation extend types that are elsewhere, and use directives that nobody declares.

use std::collections::{BTreeMap, HashSet};

use apollo_compiler::Name;
use apollo_compiler::ast::{
    self, Definition as Ast, DirectiveList, FieldDefinition, InputValueDefinition, OperationType,
};
use apollo_compiler::diagnostic::ToCliReport as _;
use apollo_compiler::parser::{Parser, SourceSpan};

use super::definition::{Definition, Format, Operation, OperationKind, Problem, Schema, TypeNames};
use super::lines::Lines;

/// How deep values and types may nest.
const RECURSION_LIMIT: usize = 128;
/// How many tokens a text may have: the largest that are published have a third of it.
const TOKEN_LIMIT: usize = 2_000_000;

/// Scalars that GraphQL itself brings, and what federation adds.
const BUILT_IN: &[&str] = &[
    "Boolean",
    "Float",
    "ID",
    "Int",
    "String",
    "_Any",
    "_Entity",
    "_FieldSet",
    "_Service",
    "FieldSet",
    "link__Import",
    "link__Purpose",
];

/// Reads a schema.
pub(super) fn read(text: &str) -> Definition {
    let text = text.trim_start_matches('\u{FEFF}');
    let lines = Lines::new(text);
    let mut definition = Definition {
        format: Some(Format::Graphql),
        ..Definition::default()
    };
    let mut parser = Parser::new()
        .recursion_limit(RECURSION_LIMIT)
        .token_limit(TOKEN_LIMIT);
    let document = match parser.parse_ast(text, "schema.graphql") {
        Ok(document) => document,
        Err(failed) => {
            for error in failed.errors.iter() {
                let message = error.error.to_string();
                let message = message.strip_prefix("syntax error: ").unwrap_or(&message);
                let code = match message.contains("limit") {
                    true => "definition-limit",
                    false => "definition-syntax",
                };
                let mut problem = Problem::error(code, message.replace('"', "`"));
                problem.at = error.error.location().map(|at| lines.at(at.offset()));
                definition.problems.push(problem);
            }
            failed.partial
        }
    };
    let mut reader = Reader {
        lines,
        roots: roots(&document),
        definition,
    };
    reader.document(&document);
    reader.definition.settled()
}

/// The types of the roots, by their names.
fn roots(document: &ast::Document) -> BTreeMap<Name, OperationType> {
    let mut roots = BTreeMap::new();
    let mut is_said = false;
    for definition in &document.definitions {
        let said = match definition {
            Ast::SchemaDefinition(schema) => {
                is_said = true;
                &schema.root_operations
            }
            Ast::SchemaExtension(schema) => &schema.root_operations,
            _ => continue,
        };
        let said = said.iter().map(|root| (root.1.clone(), root.0));
        roots.extend(said);
    }
    if !is_said {
        for operation in [
            OperationType::Query,
            OperationType::Mutation,
            OperationType::Subscription,
        ] {
            let is_there = roots.values().any(|known| *known == operation);
            if !is_there {
                roots.insert(operation.default_type_name(), operation);
            }
        }
    }
    roots
}

struct Reader<'t> {
    lines: Lines<'t>,
    roots: BTreeMap<Name, OperationType>,
    definition: Definition,
}

impl Reader<'_> {
    fn document(&mut self, document: &ast::Document) {
        let names: HashSet<&str> = document
            .definitions
            .iter()
            .filter_map(|definition| Some(definition.name()?.as_str()))
            .chain(BUILT_IN.iter().copied())
            .collect();
        let mut seen: HashSet<&Name> = HashSet::new();
        for definition in &document.definitions {
            if !self.fits(definition) {
                continue;
            }
            if let (false, Some(name)) = (definition.is_extension_definition(), definition.name())
                && !matches!(definition, Ast::DirectiveDefinition(_))
                && !seen.insert(name)
            {
                let problem =
                    Problem::error("definition-shape", format!("`{name}` is already there"));
                self.add(problem, name.location());
            }
            self.schema(definition);
            self.fields(definition, &names);
        }
        let any = document.definitions.iter().any(|definition| {
            matches!(
                definition,
                Ast::SchemaDefinition(_) | Ast::SchemaExtension(_)
            ) || definition
                .name()
                .is_some_and(|name| self.roots.contains_key(name))
        });
        if !any && self.definition.problems.is_empty() {
            let message = "there is no `type Query`, and no `schema` that names another one";
            self.definition
                .problems
                .push(Problem::warning("definition-shape", message));
        }
    }

    /// Operations and fragments have no place in a schema.
    fn fits(&mut self, definition: &Ast) -> bool {
        if !matches!(
            definition,
            Ast::OperationDefinition(_) | Ast::FragmentDefinition(_)
        ) {
            return true;
        }
        let message = "an operation or a fragment is no part of a schema";
        let problem = Problem::error("definition-shape", message);
        self.add(problem, definition.location());
        false
    }

    fn add(&mut self, problem: Problem, at: Option<SourceSpan>) {
        let at = at.map(|at| self.lines.at(at.offset()));
        self.definition.problems.push(Problem { at, ..problem });
    }

    fn schema(&mut self, definition: &Ast) {
        let (name, kind, description) = match definition {
            Ast::ScalarTypeDefinition(ty) => (&ty.name, "scalar", &ty.description),
            Ast::ObjectTypeDefinition(ty) => (&ty.name, "type", &ty.description),
            Ast::InterfaceTypeDefinition(ty) => (&ty.name, "interface", &ty.description),
            Ast::UnionTypeDefinition(ty) => (&ty.name, "union", &ty.description),
            Ast::EnumTypeDefinition(ty) => (&ty.name, "enum", &ty.description),
            Ast::InputObjectTypeDefinition(ty) => (&ty.name, "input", &ty.description),
            _ => return,
        };
        if self.roots.contains_key(name) {
            return;
        }
        self.definition.schemas.push(Schema {
            name: name.as_str().into(),
            kind: Some(kind.into()),
            description: description.as_ref().map(|text| (&**text).into()),
        });
    }

    fn fields(&mut self, definition: &Ast, names: &HashSet<&str>) {
        let (name, fields, members) = match definition {
            Ast::ObjectTypeDefinition(ty) => {
                (&ty.name, &ty.fields[..], &ty.implements_interfaces[..])
            }
            Ast::ObjectTypeExtension(ty) => {
                (&ty.name, &ty.fields[..], &ty.implements_interfaces[..])
            }
            Ast::InterfaceTypeDefinition(ty) => {
                (&ty.name, &ty.fields[..], &ty.implements_interfaces[..])
            }
            Ast::InterfaceTypeExtension(ty) => {
                (&ty.name, &ty.fields[..], &ty.implements_interfaces[..])
            }
            Ast::UnionTypeDefinition(ty) => (&ty.name, &[][..], &ty.members[..]),
            Ast::UnionTypeExtension(ty) => (&ty.name, &[][..], &ty.members[..]),
            Ast::InputObjectTypeDefinition(ty) => return self.inputs(&ty.name, &ty.fields, names),
            Ast::InputObjectTypeExtension(ty) => return self.inputs(&ty.name, &ty.fields, names),
            _ => return,
        };
        for member in members {
            self.known(member, names);
        }
        let root = self.roots.get(name).copied();
        let mut seen: HashSet<&Name> = HashSet::new();
        for field in fields {
            self.known(field.ty.inner_named_type(), names);
            for argument in &field.arguments {
                self.known(argument.ty.inner_named_type(), names);
            }
            if !seen.insert(&field.name) {
                let message = format!("`{name}.{}` is already there", field.name);
                let problem = Problem::error("definition-shape", message);
                self.add(problem, field.name.location());
            }
            if let Some(root) = root {
                self.definition
                    .operations
                    .push(operation(name, field, root));
            }
        }
    }

    fn inputs(
        &mut self,
        name: &Name,
        fields: &[apollo_compiler::Node<InputValueDefinition>],
        names: &HashSet<&str>,
    ) {
        let mut seen: HashSet<&Name> = HashSet::new();
        for field in fields {
            self.known(field.ty.inner_named_type(), names);
            if !seen.insert(&field.name) {
                let message = format!("`{name}.{}` is already there", field.name);
                let problem = Problem::error("definition-shape", message);
                self.add(problem, field.name.location());
            }
        }
    }

    fn known(&mut self, name: &Name, names: &HashSet<&str>) {
        if names.contains(name.as_str()) {
            return;
        }
        let message = format!("there is no type `{name}`");
        let mut problem = Problem::error("definition-reference", message);
        if let Some(close) = crate::diagnostic::closest(name, names.iter().copied()) {
            problem = problem.hint(format!("did you mean `{close}`?"));
        }
        self.add(problem, name.location());
    }
}

fn operation(ty: &Name, field: &FieldDefinition, root: OperationType) -> Operation {
    let coordinate: Box<str> = format!("{ty}.{}", field.name).into();
    let description = field.description.as_deref();
    let arguments = field.arguments.iter();
    let mut request = TypeNames::new();
    for name in arguments.map(|argument| argument.ty.to_string().into()) {
        if !request.contains(&name) {
            request.push(name);
        }
    }
    Operation {
        key: coordinate.clone(),
        kind: match root {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        },
        field: Some(coordinate),
        name: Some(field.name.as_str().into()),
        summary: description.and_then(first_line),
        description: description.map(Into::into),
        tags: tags(&field.directives),
        deprecated: field.directives.get("deprecated").is_some(),
        request,
        response: vec![field.ty.to_string().into()],
        ..Operation::default()
    }
}

/// The first line that says anything.
pub(super) fn first_line(text: &str) -> Option<Box<str>> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| !line.is_empty()).map(Into::into)
}

/// What federation's `@tag(name:)` says.
fn tags(directives: &DirectiveList) -> Vec<Box<str>> {
    let tags = directives.get_all("tag");
    tags.filter_map(|tag| {
        tag.specified_argument_by_name("name")?
            .as_str()
            .map(Into::into)
    })
    .collect()
}
