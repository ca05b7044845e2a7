//! What changed between two printed schemas, and whether it breaks clients.

use std::fmt;

use apollo_compiler::ast::{FieldDefinition, InputValueDefinition, OperationType, Type};
use apollo_compiler::{Name, Node};

use super::SdlFile;
use super::declared::{Declared, Form, TypeDecl};
use super::source::Sources;
use crate::diagnostic::Diagnostic;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaChange {
    /// Whether an operation that worked before may fail.
    pub breaking: bool,
    /// Schema coordinate (`Component.owner`, `Query.components(first:)`).
    pub coordinate: String,
    /// What happened to it.
    pub message: String,
}

/// `breaking: Component.owner: removed`
impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = if self.breaking { "breaking" } else { "safe" };
        write!(f, "{weight}: {}: {}", self.coordinate, self.message)
    }
}

/// Compares two schemas as printed; in the order of names. What cannot be parsed cannot be compared.
pub fn diff(old: &SdlFile, new: &SdlFile) -> Result<Vec<SchemaChange>, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let documents = [old, new].map(|file| sources.parse(file));
    let [old, new] = documents.map(|document| Declared::collect(&[document], &mut sources));
    let problems = sources.into_problems();
    if problems.iter().any(Diagnostic::is_error) {
        return Err(problems);
    }
    let mut changes = Changes {
        old: &old,
        new: &new,
        found: Vec::new(),
    };
    changes.roots();
    changes.types();
    changes
        .found
        .sort_by(|left, right| left.coordinate.cmp(&right.coordinate));
    Ok(changes.found)
}

struct Changes<'d> {
    old: &'d Declared,
    new: &'d Declared,
    found: Vec<SchemaChange>,
}

impl<'d> Changes<'d> {
    fn roots(&mut self) {
        for operation in [
            OperationType::Query,
            OperationType::Mutation,
            OperationType::Subscription,
        ] {
            let (old, new) = (self.old.root(operation), self.new.root(operation));
            if old != new {
                let name = |root: Option<&Name>| {
                    root.map_or("none".to_owned(), |root| format!("`{root}`"))
                };
                let message = format!("the root type changed from {} to {}", name(old), name(new));
                self.add(old.is_some(), operation.name(), message);
            }
        }
    }

    fn types(&mut self) {
        let (old, new) = (self.old, self.new);
        for decl in old.types.values() {
            match new.types.get(&decl.name) {
                None => self.add(true, &decl.name, "removed"),
                Some(next) => self.type_decl(decl, next),
            }
        }
        for decl in new.types.values() {
            if !old.types.contains_key(&decl.name) {
                self.add(false, &decl.name, "added");
            }
        }
    }

    fn type_decl(&mut self, old: &'d TypeDecl, new: &'d TypeDecl) {
        let name = &old.name;
        if old.form.keyword() != new.form.keyword() {
            let message = format!(
                "changed from {} to {}",
                old.form.keyword(),
                new.form.keyword()
            );
            return self.add(true, name, message);
        }
        self.members(
            name,
            "no longer implements",
            "implements",
            &old.implements,
            &new.implements,
        );
        match (&old.form, &new.form) {
            (Form::Union(old), Form::Union(new)) => {
                self.members(name, "no longer holds", "holds", old, new);
            }
            (Form::Enum(old), Form::Enum(new)) => {
                let values = |values: &[Node<apollo_compiler::ast::EnumValueDefinition>]| {
                    values
                        .iter()
                        .map(|value| value.value.clone())
                        .collect::<Vec<_>>()
                };
                self.values(name, &values(old), &values(new));
            }
            (Form::Input(old), Form::Input(new)) => {
                self.inputs(&|field| format!("{name}.{field}"), old, new);
            }
            _ => self.fields(old, new),
        }
    }

    fn fields(&mut self, old: &'d TypeDecl, new: &'d TypeDecl) {
        for (field, decl) in &old.fields {
            let coordinate = format!("{}.{field}", old.name);
            match new.fields.get(field) {
                None => self.add(true, &coordinate, "removed"),
                Some(next) => self.field(&coordinate, &decl.def, &next.def),
            }
        }
        for field in new
            .fields
            .keys()
            .filter(|field| !old.fields.contains_key(*field))
        {
            self.add(false, &format!("{}.{field}", old.name), "added");
        }
    }

    fn field(&mut self, coordinate: &str, old: &FieldDefinition, new: &FieldDefinition) {
        if old.ty != new.ty {
            let breaking = !self.narrows(&new.ty, &old.ty);
            let message = format!("the type changed from `{}` to `{}`", old.ty, new.ty);
            self.add(breaking, coordinate, message);
        }
        if new.directives.has("deprecated") && !old.directives.has("deprecated") {
            self.add(false, coordinate, "deprecated");
        }
        self.inputs(
            &|argument| format!("{coordinate}({argument}:)"),
            &old.arguments,
            &new.arguments,
        );
    }

    fn inputs(
        &mut self,
        coordinate: &dyn Fn(&Name) -> String,
        old: &[Node<InputValueDefinition>],
        new: &[Node<InputValueDefinition>],
    ) {
        for before in old {
            let at = coordinate(&before.name);
            let Some(after) = new.iter().find(|after| after.name == before.name) else {
                self.add(true, &at, "removed");
                continue;
            };
            if before.ty != after.ty {
                let breaking = !self.narrows(&before.ty, &after.ty);
                let message = format!("the type changed from `{}` to `{}`", before.ty, after.ty);
                self.add(breaking, &at, message);
            }
            if before.default_value != after.default_value {
                let text = |default: &Option<Node<apollo_compiler::ast::Value>>| {
                    default
                        .as_ref()
                        .map_or("none".to_owned(), |value| format!("`{value}`"))
                };
                let (old, new) = (text(&before.default_value), text(&after.default_value));
                let breaking = after.is_required() && !before.is_required();
                self.add(
                    breaking,
                    &at,
                    format!("the default changed from {old} to {new}"),
                );
            }
        }
        for after in new {
            if !old.iter().any(|before| before.name == after.name) {
                let required = after.is_required();
                let message = if required {
                    "added, and required"
                } else {
                    "added"
                };
                self.add(required, &coordinate(&after.name), message);
            }
        }
    }

    fn values(&mut self, name: &Name, old: &[Name], new: &[Name]) {
        for value in old.iter().filter(|value| !new.contains(value)) {
            self.add(true, &format!("{name}.{value}"), "removed");
        }
        for value in new.iter().filter(|value| !old.contains(value)) {
            self.add(false, &format!("{name}.{value}"), "added");
        }
    }

    fn members(&mut self, name: &Name, lost: &str, won: &str, old: &[Name], new: &[Name]) {
        for member in old.iter().filter(|member| !new.contains(member)) {
            self.add(true, name, format!("{lost} `{member}`"));
        }
        for member in new.iter().filter(|member| !old.contains(member)) {
            self.add(false, name, format!("{won} `{member}`"));
        }
    }

    /// Whether every value of `narrow` is one of `wide`; the parser bounds how deep lists nest.
    fn narrows(&self, narrow: &Type, wide: &Type) -> bool {
        match (narrow, wide) {
            (Type::NonNullNamed(_) | Type::NonNullList(_), Type::Named(_) | Type::List(_)) => {
                self.narrows(&narrow.clone().nullable(), wide)
            }
            (Type::Named(narrow), Type::Named(wide))
            | (Type::NonNullNamed(narrow), Type::NonNullNamed(wide)) => {
                let decl = self.new.types.get(narrow);
                narrow == wide || decl.is_some_and(|decl| decl.implements(wide))
            }
            (Type::List(narrow), Type::List(wide))
            | (Type::NonNullList(narrow), Type::NonNullList(wide)) => self.narrows(narrow, wide),
            _ => false,
        }
    }

    fn add(&mut self, breaking: bool, coordinate: &str, message: impl Into<String>) {
        self.found.push(SchemaChange {
            breaking,
            coordinate: coordinate.to_owned(),
            message: message.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &[&str]) {
        let file = |path: &str, text: &str| SdlFile {
            path: path.into(),
            text: text.to_owned(),
            connector: None,
        };
        let changes = diff(&file("old", old), &file("new", new)).unwrap();
        let found: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_changed() {
        check("type A { b: Int }", "type A { b: Int }", &[]);
    }

    #[test]
    fn types_and_fields_come_and_go() {
        check(
            "type A { b: Int c: Int } type Gone { x: Int } type Turned { x: Int }",
            "type A { b: Int d: Int @deprecated } type New { x: Int } interface Turned { x: Int }",
            &[
                "breaking: A.c: removed",
                "safe: A.d: added",
                "breaking: Gone: removed",
                "safe: New: added",
                "breaking: Turned: changed from type to interface",
            ],
        );
    }

    #[test]
    fn outputs_may_narrow_and_inputs_may_widen() {
        check(
            "interface I { x: Int } type A implements I { x: Int  i: I  l: [Int]  m: Int!  f(a: Int!, b: Int): Int }",
            "interface I { x: Int } type A implements I { x: Int! i: A  l: [Int!] m: Int   f(a: Int, b: Int!): Int }",
            &[
                "safe: A.f(a:): the type changed from `Int!` to `Int`",
                "breaking: A.f(b:): the type changed from `Int` to `Int!`",
                "safe: A.i: the type changed from `I` to `A`",
                "safe: A.l: the type changed from `[Int]` to `[Int!]`",
                "breaking: A.m: the type changed from `Int!` to `Int`",
                "safe: A.x: the type changed from `Int` to `Int!`",
            ],
        );
    }

    #[test]
    fn arguments_and_inputs() {
        check(
            "type A { f(a: Int, d: Int = 1): Int g: Int } input In { a: Int b: Int }",
            "type A { f(b: Int!, c: Int, d: Int = 2): Int g: Int @deprecated } input In { a: Int c: Int! = 3 d: Int! }",
            &[
                "breaking: A.f(a:): removed",
                "breaking: A.f(b:): added, and required",
                "safe: A.f(c:): added",
                "safe: A.f(d:): the default changed from `1` to `2`",
                "safe: A.g: deprecated",
                "breaking: In.b: removed",
                "safe: In.c: added",
                "breaking: In.d: added, and required",
            ],
        );
    }

    #[test]
    fn enums_unions_interfaces_and_roots() {
        check(
            "schema { query: Q } type Q { x: Int } enum E { A B } union U = X | Y type X { x: Int } type Y implements I { x: Int } interface I { x: Int }",
            "schema { query: R } type Q { x: Int } enum E { B C } union U = Y | Q type X implements I { x: Int } type Y { x: Int } interface I { x: Int } type R { x: Int }",
            &[
                "breaking: E.A: removed",
                "safe: E.C: added",
                "safe: R: added",
                "breaking: U: no longer holds `X`",
                "safe: U: holds `Q`",
                "safe: X: implements `I`",
                "breaking: Y: no longer implements `I`",
                "breaking: query: the root type changed from `Q` to `R`",
            ],
        );
    }

    #[test]
    fn what_cannot_be_parsed_is_said() {
        let file = |text: &str| SdlFile {
            path: "new.graphql".into(),
            text: text.to_owned(),
            connector: None,
        };
        let problems = diff(&file("type A { b: Int }"), &file("type A {")).unwrap_err();
        assert_eq!(problems[0].code, "syntax");
    }
}
