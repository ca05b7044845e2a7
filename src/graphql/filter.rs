//! Generated filter inputs to [`Filter`]s, by what the [`Model`] says each input field means.
//!
//! Keys beside each other are AND; an operator that is null was not given.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::input::shorten;
use crate::catalog::EntityRef;
use crate::graph::{Filter, Predicate};
use crate::sdl::{FilterField, KindId, Model, RelationId, Targets};

/// Understands `value`, a coerced value of the input type `type_name`.
pub(crate) fn read(model: &Model, type_name: &str, value: &Value) -> Result<Filter, String> {
    let (Some(input), Some(members)) = (model.filters.get(type_name), value.as_object()) else {
        return Ok(Filter::All);
    };
    let mut all = Vec::new();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let Some(field) = input.fields.get(name.as_str()) else {
            continue;
        };
        let filter = read_field(model, type_name, field, value)
            .map_err(|message| format!("`filter.{name}`: {message}"))?;
        all.push(filter);
    }
    Ok(and(all))
}

fn and(mut all: Vec<Filter>) -> Filter {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            all.push(last);
            Filter::And(all)
        }
        (_, None) => Filter::All,
    }
}

fn read_field(
    model: &Model,
    type_name: &str,
    field: &FilterField,
    value: &Value,
) -> Result<Filter, String> {
    let each = |value: &Value| -> Result<Vec<Filter>, String> {
        list(value)
            .iter()
            .map(|filter| read(model, type_name, filter))
            .collect()
    };
    match field {
        FilterField::Column(columns) => operators(value, &|predicate| {
            Filter::Column(columns.clone(), predicate)
        }),
        FilterField::Relation {
            relation,
            targets,
            within,
        } => {
            let kinds = target_kinds(model, targets.as_ref());
            relation_operators(value, *relation, kinds.as_deref(), within.as_deref())
        }
        FilterField::Kind => operators(value, &|predicate| kind(model, predicate)),
        FilterField::AnyRelation => list(value)
            .iter()
            .map(any_relation)
            .collect::<Result<_, _>>()
            .map(and),
        FilterField::And => each(value).map(and),
        FilterField::Or => each(value).map(Filter::Or),
        FilterField::Not => {
            read(model, type_name, value).map(|filter| Filter::Not(Box::new(filter)))
        }
        FilterField::Where => list(value)
            .iter()
            .map(where_path)
            .collect::<Result<_, _>>()
            .map(and),
    }
}

/// The items of a list; one value stands for a list of one.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        other => std::slice::from_ref(other),
    }
}

/// The operators of an operator object, each as a filter.
fn operators(value: &Value, filter: &dyn Fn(Predicate) -> Filter) -> Result<Filter, String> {
    let mut all = Vec::new();
    for (operator, operand) in members(value) {
        if operator != "path" {
            all.push(filter(predicate(operator, operand)?));
        }
    }
    Ok(and(all))
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value
        .as_object()
        .unwrap_or(&NONE)
        .iter()
        .filter(|(_, operand)| !operand.is_null())
        .map(|(operator, operand)| (operator.as_str(), operand))
}

fn predicate(operator: &str, operand: &Value) -> Result<Predicate, String> {
    let text = || match operand.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("`{operator}` needs a string")),
    };
    match operator {
        "eq" => Ok(Predicate::Eq(operand.clone())),
        "ne" => Ok(Predicate::Ne(operand.clone())),
        "in" => Ok(Predicate::In(list(operand).to_vec())),
        "startsWith" => text().map(Predicate::StartsWith),
        // On a list of numbers the operand is no string.
        "contains" => Ok(Predicate::Contains(match operand {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })),
        "exists" => Ok(Predicate::Exists(operand.as_bool().unwrap_or(true))),
        "lt" => Ok(Predicate::Lt(operand.clone())),
        "gt" => Ok(Predicate::Gt(operand.clone())),
        _ => Err(format!("the operator `{operator}` is not known")),
    }
}

/// Operators over the refs that a relation leads to.
fn relation_operators(
    value: &Value,
    relation: RelationId,
    kinds: Option<&[String]>,
    within: Option<&[RelationId]>,
) -> Result<Filter, String> {
    let mut all = Vec::new();
    for (operator, operand) in members(value) {
        if let ("within", Some(via)) = (operator, within) {
            all.push(Filter::Within {
                of: reference(operand)?,
                via: via.into(),
            });
            continue;
        }
        let predicate = canonical(predicate(operator, operand)?)?;
        all.push(match kinds {
            Some(kinds) => Filter::RelationTo {
                relation,
                begin: kinds.into(),
                predicate,
            },
            None => Filter::Relation(relation, predicate),
        });
    }
    Ok(and(all))
}

/// How references to the kinds of a field begin, where other fields read the same relation for other kinds.
fn target_kinds(model: &Model, targets: Option<&Targets>) -> Option<Vec<String>> {
    let Targets::Kinds(kinds) = targets? else {
        return None;
    };
    let begin = |id: &KindId| format!("{}:", model.kind_of(*id).kind.to_lowercase());
    Some(kinds.iter().map(begin).collect())
}

/// References compare in their canonical form.
fn canonical(predicate: Predicate) -> Result<Predicate, String> {
    let one = |value: &Value| Ok::<_, String>(Value::from(reference(value)?.as_str()));
    Ok(match predicate {
        Predicate::Eq(value) => Predicate::Eq(one(&value)?),
        Predicate::Ne(value) => Predicate::Ne(one(&value)?),
        Predicate::In(values) => Predicate::In(values.iter().map(one).collect::<Result<_, _>>()?),
        other => other,
    })
}

fn reference(value: &Value) -> Result<EntityRef, String> {
    let text = value.as_str().unwrap_or_default();
    EntityRef::parse(text, None, "default").map_err(|error| {
        format!(
            "{} is no reference with a kind, such as `group:default/platform`: {error}",
            shorten(value)
        )
    })
}

/// A predicate on the kind: decided now for declared kinds, by the descriptor for others.
fn kind(model: &Model, predicate: Predicate) -> Filter {
    let declared: Vec<_> = (0_u16..)
        .zip(&model.kinds)
        .filter(|(_, kind)| holds(&predicate, &kind.kind.to_lowercase()))
        .map(|(position, _)| Some(KindId(position)))
        .collect();
    Filter::Or(vec![
        Filter::Kind(declared),
        Filter::And(vec![
            Filter::Kind(vec![None]),
            Filter::Path("kind".into(), predicate),
        ]),
    ])
}

fn holds(predicate: &Predicate, kind: &str) -> bool {
    let same = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.to_lowercase() == kind)
    };
    let lower = |value: &Value| value.as_str().map(str::to_lowercase).unwrap_or_default();
    match predicate {
        Predicate::Eq(value) => same(value),
        Predicate::Ne(value) => !same(value),
        Predicate::In(values) => values.iter().any(same),
        Predicate::StartsWith(text) => kind.starts_with(&text.to_lowercase()),
        Predicate::Contains(text) => kind.contains(&text.to_lowercase()),
        Predicate::Exists(exists) => *exists,
        Predicate::Lt(value) => kind < lower(value).as_str(),
        Predicate::Gt(value) => kind > lower(value).as_str(),
    }
}

/// `relation: { type, to }`.
fn any_relation(value: &Value) -> Result<Filter, String> {
    let to = match value.get("to") {
        None | Some(Value::Null) => None,
        Some(to) => Some(reference(to)?),
    };
    Ok(Filter::AnyRelation {
        relation: value.get("type").and_then(Value::as_str).map(Into::into),
        to,
    })
}

/// A path as indexes know it: steps may be quoted, as in expressions and in the `field` of problems (`metadata.annotations.'a.b/c'`).
pub(super) fn plain_path(path: &str) -> Cow<'_, str> {
    if !path.contains('\'') {
        return path.into();
    }
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(start) = rest.find('\'') {
        let (before, quoted) = rest.split_at(start);
        let quoted = quoted.get(1..).unwrap_or_default();
        let is_step = plain.is_empty() && before.is_empty() || before.ends_with('.');
        let end = quoted.find('\'').filter(|_| is_step);
        let Some((step, behind)) = end.map(|end| quoted.split_at(end)) else {
            break;
        };
        plain.push_str(before);
        plain.push_str(step);
        rest = behind.get(1..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain.into()
}

/// `where: [{ path, eq }]`.
fn where_path(value: &Value) -> Result<Filter, String> {
    let path = value
        .get("path")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = plain_path(path);
    operators(value, &|predicate| Filter::Path((&*path).into(), predicate))
}
