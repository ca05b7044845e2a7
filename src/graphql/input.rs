//! Input coercion by the specification: variables from JSON, arguments from literals, defaults at every depth.
//!
//! Custom scalars are checked here as well, so that no resolver meets an `EntityRef` that is none.

use std::borrow::Cow;

use apollo_compiler::Node;
use apollo_compiler::ast::{self, Type};
use apollo_compiler::schema::{ExtendedType, InputObjectType, InputValueDefinition, Schema};
use serde_json::{Map, Value};

use super::scalars;

/// Why a value is refused: where in it, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputError {
    /// Steps from the outermost value, innermost first.
    steps: Vec<String>,
    message: String,
}

impl InputError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            message: message.into(),
        }
    }

    fn within(mut self, step: impl Into<String>) -> Self {
        self.steps.push(step.into());
        self
    }

    /// The message, for a value that goes by `name`.
    pub(crate) fn describe(&self, name: &str) -> String {
        let mut place = name.to_owned();
        for step in self.steps.iter().rev() {
            place.push_str(step);
        }
        format!("`{place}`: {}", self.message)
    }
}

/// Coerces a JSON value, as variables carry it; borrows where nothing had to change.
pub(crate) fn json<'v>(
    schema: &Schema,
    ty: &Type,
    value: &'v Value,
) -> Result<Cow<'v, Value>, InputError> {
    if value.is_null() {
        return match ty.is_non_null() {
            true => Err(InputError::new(format!("`{ty}` must not be null"))),
            false => Ok(Cow::Borrowed(value)),
        };
    }
    match ty {
        Type::List(item) | Type::NonNullList(item) => json_list(schema, item, value),
        Type::Named(name) | Type::NonNullNamed(name) => json_named(schema, name, value),
    }
}

fn json_list<'v>(
    schema: &Schema,
    item: &Type,
    value: &'v Value,
) -> Result<Cow<'v, Value>, InputError> {
    let Value::Array(items) = value else {
        // One value stands for a list of one.
        let only = json(schema, item, value)?.into_owned();
        return Ok(Cow::Owned(Value::Array(vec![only])));
    };
    let mut changed = false;
    let mut coerced = Vec::with_capacity(items.len());
    for (position, value) in items.iter().enumerate() {
        let value =
            json(schema, item, value).map_err(|error| error.within(format!("[{position}]")))?;
        changed |= matches!(value, Cow::Owned(_));
        coerced.push(value);
    }
    Ok(match changed {
        false => Cow::Borrowed(value),
        true => Cow::Owned(Value::Array(
            coerced.into_iter().map(Cow::into_owned).collect(),
        )),
    })
}

fn json_named<'v>(
    schema: &Schema,
    name: &str,
    value: &'v Value,
) -> Result<Cow<'v, Value>, InputError> {
    let refused = |expected: &str| {
        Err(InputError::new(format!(
            "{} is no {expected}",
            shorten(value)
        )))
    };
    match name {
        "String" if value.is_string() => Ok(Cow::Borrowed(value)),
        "Boolean" if value.is_boolean() => Ok(Cow::Borrowed(value)),
        "Float" if value.is_number() => Ok(Cow::Borrowed(value)),
        "Int" => match integer(value) {
            Some(number) if value.is_i64() && value.as_i64() == Some(number) => {
                Ok(Cow::Borrowed(value))
            }
            Some(number) => Ok(Cow::Owned(number.into())),
            None => refused("`Int`"),
        },
        "ID" => match value {
            Value::String(_) => Ok(Cow::Borrowed(value)),
            Value::Number(number) if !number.is_f64() => {
                Ok(Cow::Owned(Value::String(number.to_string())))
            }
            _ => refused("`ID`"),
        },
        "String" | "Boolean" | "Float" => refused(&format!("`{name}`")),
        _ => match schema.types.get(name) {
            Some(ExtendedType::Enum(definition)) => match value.as_str() {
                Some(word) if definition.values.contains_key(word) => Ok(Cow::Borrowed(value)),
                _ => refused(&format!("value of `{name}`")),
            },
            Some(ExtendedType::InputObject(definition)) => match value {
                Value::Object(members) => json_object(schema, definition, value, members),
                _ => refused(&format!("`{name}`")),
            },
            _ => scalars::check(name, value)
                .map(|()| Cow::Borrowed(value))
                .map_err(InputError::new),
        },
    }
}

/// A 32-bit integer, also when written as `1.0`.
fn integer(value: &Value) -> Option<i64> {
    let number = match (value.as_i64(), value.as_f64()) {
        (Some(number), _) => number,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the fraction is zero, and the range is checked below"
        )]
        (None, Some(float)) if float.fract() == 0.0 && float.abs() < 1e10 => float as i64,
        _ => return None,
    };
    i32::try_from(number).ok().map(i64::from)
}

fn json_object<'v>(
    schema: &Schema,
    definition: &InputObjectType,
    whole: &'v Value,
    members: &'v Map<String, Value>,
) -> Result<Cow<'v, Value>, InputError> {
    if let Some(unknown) = members
        .keys()
        .find(|key| !definition.fields.contains_key(key.as_str()))
    {
        let known = definition.fields.keys().map(|name| name.as_str());
        let hint = match crate::diagnostic::closest(unknown, known) {
            Some(close) => format!("; did you mean `{close}`?"),
            None => String::new(),
        };
        return Err(InputError::new(format!(
            "`{}` has no field `{unknown}`{hint}",
            definition.name
        )));
    }
    let mut changed = false;
    let mut coerced: Vec<(&str, Cow<'v, Value>)> = Vec::with_capacity(members.len());
    for (name, field) in &definition.fields {
        let within = |error: InputError| error.within(format!(".{name}"));
        match members.get(name.as_str()) {
            Some(value) => {
                let value = json(schema, &field.ty, value).map_err(within)?;
                changed |= matches!(value, Cow::Owned(_));
                coerced.push((name, value));
            }
            None => {
                if let Some(value) = missing(schema, field).map_err(within)? {
                    changed = true;
                    coerced.push((name, Cow::Owned(value)));
                }
            }
        }
    }
    Ok(match changed {
        false => Cow::Borrowed(whole),
        true => Cow::Owned(Value::Object(
            coerced
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into_owned()))
                .collect(),
        )),
    })
}

/// What an input field or argument is when nothing is given for it.
fn missing(schema: &Schema, field: &InputValueDefinition) -> Result<Option<Value>, InputError> {
    match &field.default_value {
        Some(default) => literal(schema, &field.ty, default, &|_| None),
        None if field.ty.is_non_null() => Err(InputError::new("a value is required")),
        None => Ok(None),
    }
}

/// The values of variables while literals are coerced; `None`: not given.
pub(crate) type Variables<'a> = dyn Fn(&str) -> Option<Value> + 'a;

/// Coerces a literal; `None` where it is a variable that was not given.
pub(crate) fn literal(
    schema: &Schema,
    ty: &Type,
    value: &ast::Value,
    variables: &Variables<'_>,
) -> Result<Option<Value>, InputError> {
    if let ast::Value::Variable(name) = value {
        // Coerced already, to a type that validation found to fit.
        return match variables(name) {
            Some(Value::Null) if ty.is_non_null() => {
                Err(InputError::new(format!("`{ty}` must not be null")))
            }
            other => Ok(other),
        };
    }
    if value.is_null() {
        return match ty.is_non_null() {
            true => Err(InputError::new(format!("`{ty}` must not be null"))),
            false => Ok(Some(Value::Null)),
        };
    }
    match ty {
        Type::List(item) | Type::NonNullList(item) => {
            literal_list(schema, item, value, variables).map(Some)
        }
        Type::Named(name) | Type::NonNullNamed(name) => match (schema.types.get(name), value) {
            (Some(ExtendedType::InputObject(definition)), ast::Value::Object(members)) => {
                literal_object(schema, definition, members, variables).map(Some)
            }
            _ => {
                let plain = plain(value, variables);
                json_named(schema, name, &plain).map(|value| Some(value.into_owned()))
            }
        },
    }
}

fn literal_list(
    schema: &Schema,
    item: &Type,
    value: &ast::Value,
    variables: &Variables<'_>,
) -> Result<Value, InputError> {
    let ast::Value::List(items) = value else {
        let only = literal(schema, item, value, variables)?;
        return Ok(Value::Array(only.into_iter().collect()));
    };
    items
        .iter()
        .enumerate()
        .map(|(position, value)| {
            let value = literal(schema, item, value, variables)
                .map_err(|error| error.within(format!("[{position}]")))?;
            match value {
                None if item.is_non_null() => {
                    Err(InputError::new("a value is required").within(format!("[{position}]")))
                }
                value => Ok(value.unwrap_or_default()),
            }
        })
        .collect::<Result<_, _>>()
        .map(Value::Array)
}

fn literal_object(
    schema: &Schema,
    definition: &InputObjectType,
    members: &[(apollo_compiler::Name, Node<ast::Value>)],
    variables: &Variables<'_>,
) -> Result<Value, InputError> {
    let mut object = Map::new();
    for (name, field) in &definition.fields {
        let within = |error: InputError| error.within(format!(".{name}"));
        let given = members
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, value)| literal(schema, &field.ty, value, variables))
            .transpose()
            .map_err(within)?
            .flatten();
        let value = match given {
            Some(value) => Some(value),
            None => missing(schema, field).map_err(within)?,
        };
        if let Some(value) = value {
            object.insert(name.to_string(), value);
        }
    }
    Ok(Value::Object(object))
}

/// A literal as JSON, without a type.
fn plain(value: &ast::Value, variables: &Variables<'_>) -> Value {
    match value {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::String(name.to_string()),
        ast::Value::Variable(name) => variables(name).unwrap_or_default(),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Float(float) => float.as_str().parse().map_or(Value::Null, Value::Number),
        ast::Value::Int(int) => int.as_str().parse().map_or(Value::Null, Value::Number),
        ast::Value::Boolean(boolean) => Value::Bool(*boolean),
        ast::Value::List(items) => items.iter().map(|item| plain(item, variables)).collect(),
        ast::Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.to_string(), plain(value, variables)))
            .collect(),
    }
}

/// All arguments of one field, with defaults; a literal's fault is told by the argument's name.
pub(crate) fn arguments(
    schema: &Schema,
    definitions: &[Node<InputValueDefinition>],
    given: &[Node<ast::Argument>],
    variables: &Variables<'_>,
) -> Result<Map<String, Value>, String> {
    let mut arguments = Map::new();
    for definition in definitions {
        let given = given.iter().find(|given| given.name == definition.name);
        let given = given.map(|given| &*given.value);
        if let Some(value) = argument(schema, definition, given, variables)? {
            arguments.insert(definition.name.to_string(), value);
        }
    }
    Ok(arguments)
}

/// One argument: what is given, or its default.
pub(crate) fn argument(
    schema: &Schema,
    definition: &InputValueDefinition,
    given: Option<&ast::Value>,
    variables: &Variables<'_>,
) -> Result<Option<Value>, String> {
    let value = match given {
        Some(given) => literal(schema, &definition.ty, given, variables),
        None => Ok(None),
    };
    value
        .and_then(|value| match value {
            Some(value) => Ok(Some(value)),
            None => missing(schema, definition),
        })
        .map_err(|error| error.describe(&definition.name))
}

/// A value for a message, not longer than a line.
pub(crate) fn shorten(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
