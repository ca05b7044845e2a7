//! Checks on fields that are read from a descriptor or from what an upstream sent: that what is read can be what the type says.

use apollo_compiler::ast::Type;
use serde_json::Value;

use super::Composer;
use super::kind::connected;
use crate::diagnostic::closest;
use crate::sdl::declared::{FieldDecl, Form, TypeDecl};
use crate::sdl::directive::Args;
use crate::sdl::expr::{Expr, Scope};
use crate::sdl::model::{FieldSource, Leaf, TypeShape, ValueBinding};

impl Composer<'_> {
    /// What can be said of a field that is read without seeing what is read.
    pub(super) fn check_read(&mut self, decl: &TypeDecl, field: &FieldDecl, source: &FieldSource) {
        let FieldSource::Value(binding) = source else {
            return;
        };
        self.check_default(decl, field, binding);
        self.check_kind_by_name(decl, field);
        self.check_presence(decl, field, binding);
    }

    /// Reports a name that the engine has no resolver for.
    pub(super) fn check_resolver(&mut self, decl: &TypeDecl, field: &FieldDecl, name: &str) {
        let Some(known) = self.resolvers.filter(|known| !known.contains(&name)) else {
            return;
        };
        let hint = match closest(name, known.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("known are {}", known.join(", ")),
        };
        let message = format!(
            "`{}.{}` asks for the resolver `{name}`, which does not exist",
            decl.name, field.def.name
        );
        let at = field.def.name.location();
        self.sources
            .report("unknown-resolver", at, message, Some(hint));
    }

    /// Reports a `default` that is no value of the field; one that reads something is known at run time only.
    fn check_default(&mut self, decl: &TypeDecl, field: &FieldDecl, binding: &ValueBinding) {
        let args = Args::of(&field.def.directives, "field");
        let (Some(default), Some(written)) = (
            &binding.default,
            args.and_then(|args| args.value("default")),
        ) else {
            return;
        };
        if !is_constant(default) {
            return;
        }
        let value = default.eval(&Scope::default()).into_owned();
        let words = binding.cases.iter().map(|(from, _)| &**from);
        let words: Vec<&str> = words.collect();
        if value.is_null() || self.is_of(&value, &field.def.ty, &words) {
            return;
        }
        let message = format!(
            "the `default` of `{}.{}` is `{value}`, which is no `{}`",
            decl.name,
            field.def.name,
            field.def.ty.clone().nullable()
        );
        self.sources
            .report("bad-argument", written.location(), message, None);
    }

    /// Whether a value can be shown as a type; of an enum also as a word that is mapped to it.
    fn is_of(&self, value: &Value, ty: &Type, words: &[&str]) -> bool {
        if ty.is_list() {
            let Value::Array(items) = value else {
                return false;
            };
            let item = ty.item_type();
            return items
                .iter()
                .all(|value| value.is_null() || self.is_of(value, item, words));
        }
        let named = ty.inner_named_type();
        match self.shape(named) {
            TypeShape::Object | TypeShape::Interface | TypeShape::Union => {
                let list = value.is_array() && named.ends_with("Connection");
                value.is_object() || list
            }
            TypeShape::Leaf(Leaf::Enum) => {
                let values = match self.declared.types.get(named).map(|decl| &decl.form) {
                    Some(Form::Enum(values)) => &values[..],
                    _ => &[],
                };
                let is_word = |text: &str| {
                    words.contains(&text) || values.iter().any(|value| value.value == text)
                };
                value.as_str().is_some_and(is_word)
            }
            TypeShape::Leaf(Leaf::Boolean) => value.is_boolean(),
            TypeShape::Leaf(Leaf::Int) => value.is_i64() || value.is_u64(),
            TypeShape::Leaf(Leaf::Float) => value.is_number(),
            TypeShape::Leaf(Leaf::Json) => true,
            TypeShape::Leaf(Leaf::String | Leaf::DateTime) => value.is_string(),
        }
    }

    /// Reports a kind that is shown where nothing leads to its entities.
    fn check_kind_by_name(&mut self, decl: &TypeDecl, field: &FieldDecl) {
        let at = field.def.name.location();
        // The engine's own objects name entities by their refs.
        let is_users = self.is_entity(&decl.name) || self.sources.connector(at).is_some();
        let named = connected(&field.def.ty).to_owned();
        let directives = &field.def.directives;
        // One that lacks an argument was told.
        let is_said = directives.has("relation") || directives.has("lookup");
        if !is_users || is_said || !self.is_entity(&named) {
            return;
        }
        let name = &field.def.name;
        let message = format!(
            "`{}.{name}` leads to `{named}`, but nothing says to which",
            decl.name
        );
        let hint = match self.is_entity(&decl.name) {
            true => format!(
                "write `@relation(type: …, from: \"spec.{name}\")` for a reference to it, or `@lookup` for another value of it"
            ),
            false => {
                "write `@lookup(kind: …, by: …, value: …)`: a value that the entity has".to_owned()
            }
        };
        self.sources.report("no-source", at, message, Some(hint));
    }

    /// Reports what a descriptor may lack, and an answer may not.
    fn check_presence(&mut self, decl: &TypeDecl, field: &FieldDecl, binding: &ValueBinding) {
        let args = Args::of(&field.def.directives, "field");
        let required = args.and_then(|args| args.truth("required")) == Some(true);
        let path = binding.at.as_plain_path().unwrap_or_default();
        let of_spec = path.first().is_some_and(|step| *step == "spec");
        let may_lack = of_spec && !required && binding.default.is_none();
        if !may_lack || !field.def.ty.is_non_null() || !self.is_entity(&decl.name) {
            return;
        }
        let message = format!(
            "`{}.{}` is non-null, but a descriptor may lack it",
            decl.name, field.def.name
        );
        let hint = format!(
            "write `{}`, and `@field(required: true)` if each must have it",
            field.def.ty.clone().nullable()
        );
        let at = field.def.name.location();
        self.sources
            .report("non-null-value", at, message, Some(hint));
    }
}

/// Whether it is the same whatever it is read from.
fn is_constant(expr: &Expr) -> bool {
    expr.reads().is_empty()
}
