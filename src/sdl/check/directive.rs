//! Directives against their definitions: name, place, number, arguments down to the last value.

use apollo_compiler::ast::{
    Directive, DirectiveDefinition, DirectiveList, DirectiveLocation, InputValueDefinition, Type,
    Value,
};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

use crate::config::units;
use crate::diagnostic::closest;
use crate::sdl::declared::{Declared, Form};
use crate::sdl::directive::{check_expr, check_template};
use crate::sdl::source::Sources;

/// Directives that GraphQL itself brings.
const BUILT_IN: [&str; 3] = ["deprecated", "specifiedBy", "oneOf"];

pub(super) fn check(declared: &Declared, sources: &mut Sources) {
    let mut checker = Checker { declared, sources };
    checker.list(&declared.schema.directives, DirectiveLocation::Schema);
    for decl in declared.types.values() {
        let location = match &decl.form {
            Form::Scalar => DirectiveLocation::Scalar,
            Form::Object => DirectiveLocation::Object,
            Form::Interface => DirectiveLocation::Interface,
            Form::Union(_) => DirectiveLocation::Union,
            Form::Enum(_) => DirectiveLocation::Enum,
            Form::Input(_) => DirectiveLocation::InputObject,
        };
        checker.list(&decl.directives, location);
        for field in decl.fields.values() {
            checker.list(&field.def.directives, DirectiveLocation::FieldDefinition);
            for argument in &field.def.arguments {
                checker.list(&argument.directives, DirectiveLocation::ArgumentDefinition);
            }
        }
        match &decl.form {
            Form::Enum(values) => {
                for value in values {
                    checker.list(&value.directives, DirectiveLocation::EnumValue);
                }
            }
            Form::Input(fields) => {
                for field in fields {
                    checker.list(&field.directives, DirectiveLocation::InputFieldDefinition);
                }
            }
            Form::Scalar | Form::Object | Form::Interface | Form::Union(_) => {}
        }
    }
}

struct Checker<'d, 's> {
    declared: &'d Declared,
    sources: &'s mut Sources,
}

impl<'d> Checker<'d, '_> {
    fn list(&mut self, directives: &DirectiveList, location: DirectiveLocation) {
        let declared = self.declared;
        for (position, directive) in directives.0.iter().enumerate() {
            if BUILT_IN.contains(&directive.name.as_str()) {
                continue;
            }
            let Some(def) = declared.directives.get(&directive.name) else {
                self.unknown(&directive.name);
                continue;
            };
            self.place(directive, def, location);
            let before = directives.0.get(..position).unwrap_or_default();
            if !def.repeatable && before.iter().any(|other| other.name == directive.name) {
                self.report(
                    "repeated-directive",
                    directive.name.location(),
                    format!("`@{}` stands here twice", directive.name),
                    None,
                );
            }
            self.arguments(directive, def);
        }
    }

    fn unknown(&mut self, name: &Name) {
        let names = self.declared.directives.keys().map(Name::as_str);
        let hint = closest(name, names.chain(BUILT_IN));
        let hint = hint.map(|candidate| format!("did you mean `@{candidate}`?"));
        let message = format!("unknown directive `@{name}`");
        self.report("unknown-directive", name.location(), message, hint);
    }

    fn place(
        &mut self,
        directive: &Directive,
        def: &DirectiveDefinition,
        location: DirectiveLocation,
    ) {
        if def.locations.contains(&location) {
            return;
        }
        let places: Vec<String> = def
            .locations
            .iter()
            .map(|place| place_name(*place))
            .collect();
        self.report(
            "misplaced-directive",
            directive.name.location(),
            format!(
                "`@{}` does not belong on {}",
                directive.name,
                place_name(location)
            ),
            Some(format!("it belongs on {}", places.join(" or "))),
        );
    }

    fn arguments(&mut self, directive: &Node<Directive>, def: &'d DirectiveDefinition) {
        let given: Vec<(&Name, &Node<Value>)> = directive
            .arguments
            .iter()
            .map(|argument| (&argument.name, &argument.value))
            .collect();
        let owner = format!("@{}", directive.name);
        self.members(&owner, directive.name.location(), &given, &def.arguments);
    }

    fn members(
        &mut self,
        owner: &str,
        at: Option<SourceSpan>,
        given: &[(&Name, &Node<Value>)],
        known: &'d [Node<InputValueDefinition>],
    ) {
        for (position, (name, value)) in given.iter().enumerate() {
            if given
                .iter()
                .take(position)
                .any(|(before, _)| before == name)
            {
                let message = format!("`{name}` is given twice to `{owner}`");
                self.report("duplicate-argument", name.location(), message, None);
            }
            let Some(def) = known.iter().find(|def| def.name == **name) else {
                let names = || known.iter().map(|def| def.name.as_str());
                let hint = match closest(name, names()) {
                    Some(candidate) => format!("did you mean `{candidate}`?"),
                    None => format!("it takes {}", names().collect::<Vec<_>>().join(", ")),
                };
                let message = format!("unknown argument `{name}` of `{owner}`");
                self.report("unknown-argument", name.location(), message, Some(hint));
                continue;
            };
            let what = format!("`{name}` of `{owner}`");
            self.value(&what, value, &def.ty);
        }
        for def in known {
            let is_given = given.iter().any(|(name, _)| def.name == **name);
            if def.ty.is_non_null() && def.default_value.is_none() && !is_given {
                let message = format!("`{owner}` needs `{}`", def.name);
                self.report("missing-argument", at, message, None);
            }
        }
    }

    fn value(&mut self, what: &str, value: &Node<Value>, ty: &'d Type) {
        match (&**value, ty) {
            (Value::Null, ty) if !ty.is_non_null() => {}
            (Value::List(items), Type::List(item) | Type::NonNullList(item)) => {
                for value in items {
                    self.value(what, value, item);
                }
            }
            // One value stands for a list of one.
            (_, Type::List(item) | Type::NonNullList(item)) => self.value(what, value, item),
            (_, Type::Named(name) | Type::NonNullNamed(name)) => self.named(what, value, name),
        }
    }

    fn named(&mut self, what: &str, value: &Node<Value>, ty: &'d Name) {
        let declared = self.declared;
        match (declared.types.get(ty).map(|decl| &decl.form), &**value) {
            (Some(Form::Enum(values)), Value::Enum(word)) => {
                if !values.iter().any(|known| known.value == *word) {
                    let names = || values.iter().map(|known| known.value.as_str());
                    let hint = match closest(word, names()) {
                        Some(candidate) => format!("did you mean `{candidate}`?"),
                        None => format!("it is one of {}", names().collect::<Vec<_>>().join(" ")),
                    };
                    let message = format!("{what} cannot be `{word}`");
                    self.report("bad-argument", value.location(), message, Some(hint));
                }
            }
            (Some(Form::Input(fields)), Value::Object(members)) => {
                let given: Vec<_> = members.iter().map(|(name, value)| (name, value)).collect();
                self.members(ty, value.location(), &given, fields);
            }
            (form, _) => self.scalar(what, value, ty, form),
        }
    }

    fn scalar(&mut self, what: &str, value: &Node<Value>, ty: &str, form: Option<&Form>) {
        let wanted = match (ty, &**value) {
            ("Expr", Value::String(_)) => return check_expr(value, self.sources),
            ("TemplateText", Value::String(_)) => return check_template(value, self.sources),
            ("Duration", Value::String(text)) => {
                if units::duration(text).is_none() {
                    let hint = "write a number with a unit: `30s`, `500ms`, `5m`, `24h`".to_owned();
                    let message = format!("{what} is no duration: `{text}`");
                    self.report("bad-duration", value.location(), message, Some(hint));
                }
                return;
            }
            ("Boolean", Value::Boolean(_))
            | ("Int", Value::Int(_))
            | ("Float", Value::Int(_) | Value::Float(_))
            | ("String" | "ID", Value::String(_)) => return,
            ("Expr", _) => "an expression, as a string",
            ("TemplateText", _) => "a text with {holes}, as a string",
            ("Duration", _) => "a duration such as \"30s\"",
            ("Boolean", _) => "true or false",
            ("Int", _) => "a whole number",
            ("Float", _) => "a number",
            ("String" | "ID", _) => "a string",
            _ => match form {
                Some(Form::Enum(_)) => "an enum value, without quotes",
                Some(Form::Input(_)) => "an object",
                // A scalar of the user's own directives may hold anything.
                _ => return,
            },
        };
        let message = format!("{what} takes {wanted}");
        self.report("bad-argument", value.location(), message, None);
    }

    fn report(
        &mut self,
        code: &'static str,
        at: Option<SourceSpan>,
        message: String,
        hint: Option<String>,
    ) {
        self.sources.report(code, at, message, hint);
    }
}

fn place_name(location: DirectiveLocation) -> String {
    let name = match location {
        DirectiveLocation::Schema => "`extend schema`",
        DirectiveLocation::Object => "a type",
        DirectiveLocation::FieldDefinition => "a field",
        DirectiveLocation::Interface => "an interface",
        DirectiveLocation::Union => "a union",
        DirectiveLocation::Enum => "an enum",
        DirectiveLocation::EnumValue => "an enum value",
        DirectiveLocation::Scalar => "a scalar",
        DirectiveLocation::InputObject => "an input",
        DirectiveLocation::InputFieldDefinition => "a field of an input",
        DirectiveLocation::ArgumentDefinition => "an argument",
        other => return other.name().to_lowercase().replace('_', " "),
    };
    name.to_owned()
}
