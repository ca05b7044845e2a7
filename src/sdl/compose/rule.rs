//! How descriptors are judged: rules derived from the types of fields that are read at plain paths of `spec`.

use apollo_compiler::Name;
use apollo_compiler::ast::Type;

use super::{Composer, leaf};
use crate::sdl::declared::{FieldDecl, Form};
use crate::sdl::directive::Args;
use crate::sdl::model::{FieldSource, JsonType, Leaf, Rule, Shape};

/// How deep objects in a descriptor are judged.
const MAX_DEPTH: usize = 16;

/// The resolver that shows a text as a whole: what stands in the descriptor is that text.
const WHOLE_TEXT: &str = "definitionText";

impl Composer<'_> {
    /// The rules of a kind.
    pub(super) fn rules(&mut self, type_name: &Name) -> Vec<Rule> {
        let mut stack = vec![type_name.clone()];
        if let Some(decl) = self.declared.types.get(type_name)
            && decl.directives.has("json")
        {
            let directives = decl.directives.clone();
            let why = format!("what else stands in the `spec` of `{type_name}` is not judged");
            self.misplaced(&directives, "json", &why);
        }
        let mut rules = self.rules_of(type_name, &mut stack);
        rules.retain(|rule| rule.path.first().is_some_and(|step| &**step == "spec"));
        rules
    }

    fn rules_of(&mut self, type_name: &Name, stack: &mut Vec<Name>) -> Vec<Rule> {
        let Some(decl) = self.declared.types.get(type_name).cloned() else {
            return Vec::new();
        };
        let mut rules: Vec<Rule> = Vec::new();
        for field in decl.fields.values() {
            let Some(rule) = self.rule(type_name, field, stack) else {
                continue;
            };
            match rules.iter_mut().find(|known| known.path == rule.path) {
                None => rules.push(rule),
                Some(known) => {
                    known.required |= rule.required;
                    if matches!(known.shape, Shape::Any) {
                        known.shape = rule.shape;
                        known.example = rule.example;
                    }
                }
            }
        }
        rules
    }

    fn rule(&mut self, type_name: &Name, field: &FieldDecl, stack: &mut Vec<Name>) -> Option<Rule> {
        let directives = &field.def.directives;
        if let Some(args) = Args::of(directives, "relation") {
            let from = args.expr("from", self.sources)?;
            let shape = self.reference(args, is_list(&field.def.ty));
            return Some(Rule {
                path: owned(from.as_plain_path()?),
                required: args.truth("required").unwrap_or_default(),
                example: example(&shape, field),
                shape,
            });
        }
        let bound = self.bound.get(type_name)?.get(&field.def.name)?;
        let binding = match &bound.source {
            FieldSource::Value(binding) => binding,
            FieldSource::Resolver(binding) if &*binding.name == WHOLE_TEXT => {
                let shape = self.shape_of(&field.def.ty, Vec::new(), stack);
                return Some(Rule {
                    path: Vec::new(),
                    required: false,
                    example: example(&shape, field),
                    shape,
                });
            }
            _ => return None,
        };
        let path = owned(binding.at.as_plain_path()?);
        let words = binding.cases.iter().map(|(from, _)| from.clone()).collect();
        let required = Args::of(directives, "field").and_then(|args| args.truth("required"));
        let shape = match Args::of(directives, "json") {
            Some(args) => self.json_shape(args, field.def.ty.is_list(), stack),
            // What takes all other words leaves none that would be wrong.
            None if binding.otherwise.is_some() => self.words_of(&field.def.ty),
            None => self.shape_of(&field.def.ty, words, stack),
        };
        Some(Rule {
            path,
            required: required.unwrap_or_default(),
            example: example(&shape, field),
            shape,
        })
    }

    fn reference(&self, args: Args<'_>, list: bool) -> Shape {
        let reference = Shape::Reference {
            default_kind: args.text("defaultKind").map(Into::into),
        };
        match list {
            true => Shape::List(Box::new(reference)),
            false => reference,
        }
    }

    fn shape_of(&mut self, ty: &Type, words: Vec<Box<str>>, stack: &mut Vec<Name>) -> Shape {
        if ty.is_list() {
            return Shape::List(Box::new(self.shape_of(ty.item_type(), words, stack)));
        }
        let named = ty.inner_named_type();
        match self.declared.types.get(named).map(|decl| decl.form.clone()) {
            Some(Form::Object) => self.object_shape(named, stack),
            Some(Form::Enum(values)) => Shape::Enum(match words.is_empty() {
                true => values
                    .iter()
                    .map(|value| value.value.as_str().into())
                    .collect(),
                false => words,
            }),
            Some(Form::Scalar) | None => match leaf(named) {
                Leaf::Boolean => Shape::Boolean,
                Leaf::Int => Shape::Int,
                Leaf::Float => Shape::Float,
                Leaf::Json => Shape::Any,
                Leaf::String | Leaf::DateTime | Leaf::Enum => Shape::String { non_empty: true },
            },
            Some(Form::Interface | Form::Union(_) | Form::Input(_)) => Shape::Any,
        }
    }

    /// Any words, in as many lists as the type has.
    fn words_of(&self, ty: &Type) -> Shape {
        match ty.is_list() {
            true => Shape::List(Box::new(self.words_of(ty.item_type()))),
            false => Shape::String { non_empty: true },
        }
    }

    fn json_shape(&mut self, args: Args<'_>, is_list: bool, stack: &mut Vec<Name>) -> Shape {
        let shape = Shape::Json {
            types: json_types(args),
            list: args.truth("list").unwrap_or_default(),
            of: self
                .objects_of(args)
                .map(|name| Box::new(self.object_shape(&name, stack))),
        };
        match is_list {
            true => Shape::List(Box::new(shape)),
            false => shape,
        }
    }

    /// The type that says what objects must be like.
    fn objects_of(&mut self, args: Args<'_>) -> Option<Name> {
        let value = args.value("of")?;
        let named = Name::new(args.text("of")?).ok();
        let declared = named
            .as_ref()
            .and_then(|name| self.declared.types.get(name));
        if declared.is_some_and(|decl| matches!(decl.form, Form::Object)) {
            return named;
        }
        let message = format!("there is no object type `{}`", args.text("of")?);
        let hint = "name a type whose fields say what the members of an object must be";
        self.sources.report(
            "unknown-type",
            value.location(),
            message,
            Some(hint.to_owned()),
        );
        None
    }

    /// An object that holds itself is not judged further down, nor are objects in objects without end.
    fn object_shape(&mut self, type_name: &Name, stack: &mut Vec<Name>) -> Shape {
        if stack.len() > MAX_DEPTH || stack.contains(type_name) {
            return Shape::Any;
        }
        stack.push(type_name.clone());
        let mut rules = self.rules_of(type_name, stack);
        stack.pop();
        match rules.iter().position(|rule| rule.path.is_empty()) {
            Some(whole) => rules.swap_remove(whole).shape,
            None => {
                let decl = self.declared.types.get(type_name);
                let others = decl.and_then(|decl| Args::of(&decl.directives, "json"));
                Shape::Object {
                    rules,
                    others: others.map(json_types),
                }
            }
        }
    }
}

fn json_types(args: Args<'_>) -> Vec<JsonType> {
    let words = args.list("is").filter_map(|value| value.as_enum());
    let types = words.filter_map(|word| {
        Some(match word.as_str() {
            "OBJECT" => JsonType::Object,
            "LIST" => JsonType::List,
            "STRING" => JsonType::String,
            "NUMBER" => JsonType::Number,
            "BOOLEAN" => JsonType::Boolean,
            "NULL" => JsonType::Null,
            _ => return None,
        })
    });
    types.collect()
}

fn is_list(ty: &Type) -> bool {
    ty.is_list() || ty.inner_named_type().ends_with("Connection")
}

fn owned(path: Vec<&str>) -> Vec<Box<str>> {
    path.into_iter().map(Into::into).collect()
}

/// The example that the field's description gives (``for example `service` ``), else one made from the shape.
fn example(shape: &Shape, field: &FieldDecl) -> Option<Box<str>> {
    let description = field.def.description.as_deref();
    let given = description
        .and_then(|text| text.split_once("or example `"))
        .and_then(|(_, rest)| rest.split_once('`'));
    match given {
        Some((example, _)) => Some(example.into()),
        None => made_example(shape).map(Into::into),
    }
}

fn made_example(shape: &Shape) -> Option<String> {
    Some(match shape {
        Shape::String { .. } => "some text".to_owned(),
        Shape::Boolean => "true".to_owned(),
        Shape::Int => "1".to_owned(),
        Shape::Float => "0.5".to_owned(),
        Shape::Enum(words) => words.first()?.to_string(),
        Shape::Reference { default_kind } => {
            let kind = default_kind.as_deref().unwrap_or("Component");
            format!("{}:payments", kind.to_lowercase())
        }
        Shape::List(item) => format!("[{}]", made_example(item)?),
        Shape::Json { types, .. } => match types.first()? {
            JsonType::Object => "{}",
            JsonType::List => "[]",
            JsonType::String => "some text",
            JsonType::Number => "1",
            JsonType::Boolean => "true",
            JsonType::Null => "null",
        }
        .to_owned(),
        Shape::Object { rules, .. } => {
            let required = rules.iter().filter(|rule| rule.required);
            let members: Vec<String> = required
                .filter_map(|rule| {
                    Some(format!(
                        "{}: {}",
                        rule.path.join("."),
                        rule.example.as_deref()?
                    ))
                })
                .collect();
            if members.is_empty() {
                return None;
            }
            format!("{{ {} }}", members.join(", "))
        }
        Shape::Any => return None,
    })
}
