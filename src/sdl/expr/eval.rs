//! Evaluation: total, and borrowing as long as a value stands in the input as it is.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::Scope;
use super::function;
use super::tree::{Node, Path, Root, Step};
use super::upstream::{fault_of, response_key};

static NULL: Value = Value::Null;

/// Members of a small object.
const FEW: usize = 12;

impl Scope<'_, '_> {
    /// Notes that a value had the wrong type.
    pub(super) fn mismatch(&self) {
        if let Some(count) = self.mismatches {
            count.set(count.get().saturating_add(1));
        }
    }
}

/// The value of `node`.
pub(super) fn node<'a>(node: &'a Node, scope: &Scope<'a, '_>) -> Cow<'a, Value> {
    match node {
        Node::Literal(value) => Cow::Borrowed(value),
        Node::Path(path) => self::path(path, scope),
        Node::List(nodes) => Cow::Owned(Value::Array(
            nodes
                .iter()
                .map(|node| self::node(node, scope).into_owned())
                .collect(),
        )),
        Node::Object(members) => Cow::Owned(Value::Object(
            members
                .iter()
                .map(|(key, node)| (key.to_string(), self::node(node, scope).into_owned()))
                .collect::<Map<_, _>>(),
        )),
        Node::Coalesce(nodes) => coalesce(nodes, scope),
        Node::And(nodes) => and(nodes, scope),
        Node::Sum(nodes) => sum(nodes, scope),
        Node::Pipe(input, calls) => {
            let mut value = self::node(input, scope);
            for call in calls {
                if fault_of(&value).is_some() {
                    break;
                }
                value = function::apply(call, value, scope);
            }
            value
        }
    }
}

/// The first that is not null; a null with a reason goes before one without.
fn coalesce<'a>(nodes: &'a [Node], scope: &Scope<'a, '_>) -> Cow<'a, Value> {
    let mut fault = None;
    for node in nodes {
        let value = self::node(node, scope);
        if fault_of(&value).is_some() {
            fault = fault.or(Some(value));
        } else if !value.is_null() {
            return value;
        }
    }
    fault.unwrap_or(Cow::Borrowed(&NULL))
}

/// The last value as it is, false too, if none of those before it is null or false.
fn and<'a>(nodes: &'a [Node], scope: &Scope<'a, '_>) -> Cow<'a, Value> {
    let Some((last, conditions)) = nodes.split_last() else {
        return Cow::Borrowed(&NULL);
    };
    for node in conditions {
        let value = self::node(node, scope);
        if matches!(*value, Value::Null | Value::Bool(false)) {
            return Cow::Borrowed(&NULL);
        }
        if fault_of(&value).is_some() {
            return value;
        }
    }
    self::node(last, scope)
}

fn sum<'a>(nodes: &'a [Node], scope: &Scope<'a, '_>) -> Cow<'a, Value> {
    let mut total: Option<Cow<'a, Value>> = None;
    for node in nodes {
        let value = self::node(node, scope);
        if value.is_null() {
            return Cow::Borrowed(&NULL);
        }
        if fault_of(&value).is_some() {
            return value;
        }
        total = Some(match total {
            None => value,
            Some(left) => match plus(&left, &value) {
                Some(sum) => Cow::Owned(sum),
                None => {
                    scope.mismatch();
                    return Cow::Borrowed(&NULL);
                }
            },
        });
    }
    total.unwrap_or(Cow::Borrowed(&NULL))
}

/// Two texts or lists joined, or two numbers added.
pub(super) fn plus(left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            Some(Value::String(format!("{left}{right}")))
        }
        (Value::Number(left), Value::Number(right)) => {
            arithmetic(left, right, i64::checked_add, |a, b| a + b)
        }
        (Value::Array(left), Value::Array(right)) => {
            Some(left.iter().chain(right).cloned().collect())
        }
        _ => None,
    }
}

/// Whether two values are the same; `1` and `1.0` are.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            a.as_f64() == b.as_f64()
        }
        _ => left == right,
    }
}

/// In whole numbers where both are and the result fits, else in floating point.
pub(super) fn arithmetic(
    left: &Number,
    right: &Number,
    whole: impl Fn(i64, i64) -> Option<i64>,
    float: impl Fn(f64, f64) -> f64,
) -> Option<Value> {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64())
        && let Some(result) = whole(left, right)
    {
        return Some(Value::from(result));
    }
    Number::from_f64(float(left.as_f64()?, right.as_f64()?)).map(Value::Number)
}

fn path<'a>(path: &'a Path, scope: &Scope<'a, '_>) -> Cow<'a, Value> {
    let start = match &path.root {
        Root::This => scope.this,
        Root::Body => scope.body,
        Root::Entity => scope.entity,
        Root::Name(wanted) => scope
            .names
            .iter()
            .find(|(name, _)| *name == &**wanted)
            .map(|(_, value)| *value),
    };
    match start {
        Some(value) => steps(value, &path.steps, scope),
        None => Cow::Borrowed(&NULL),
    }
}

fn steps<'a>(mut value: &'a Value, steps: &'a [Step], scope: &Scope<'a, '_>) -> Cow<'a, Value> {
    let mut condition = None;
    for (position, step) in steps.iter().enumerate() {
        if let Some(name) = step.condition() {
            condition = Some(name);
            continue;
        }
        let next = match (step, value) {
            (_, Value::Null) => None,
            (Step::Name(name, args), Value::Object(members))
                if args.is_empty() && condition.is_none() =>
            {
                member(members, name)
            }
            (Step::Name(name, args), Value::Object(members)) => {
                let lookup = |root: &str, path: &[Box<str>]| scope.variable(root, path);
                let last = position + 1 == steps.len();
                let key = response_key(condition.take(), name, args, last, &lookup);
                members.get(&*key)
            }
            (Step::Index(index), Value::Array(items)) => at(items, *index),
            (Step::Each, Value::Array(items)) => {
                let rest = steps.get(position + 1..).unwrap_or_default();
                return match rest.is_empty() {
                    true => Cow::Borrowed(value),
                    false => Cow::Owned(Value::Array(each(items, rest, scope))),
                };
            }
            (Step::Name(..) | Step::Index(_) | Step::Each, _) => {
                if fault_of(value).is_none() {
                    scope.mismatch();
                }
                None
            }
        };
        match next {
            Some(next) => value = next,
            // What is behind a null is null for the same reason.
            None if fault_of(value).is_some() => return Cow::Borrowed(value),
            None => return Cow::Borrowed(&NULL),
        }
    }
    Cow::Borrowed(value)
}

/// The member of this name; in a small object it is found sooner than its name is hashed.
pub(crate) fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if members.len() > FEW {
        return members.get(name);
    }
    let (_, value) = members.iter().find(|(key, _)| *key == name)?;
    Some(value)
}

/// The rest of a path behind `[]`; lists of lists become one list.
fn each<'a>(items: &'a [Value], rest: &'a [Step], scope: &Scope<'a, '_>) -> Vec<Value> {
    let nested = rest.contains(&Step::Each);
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        match steps(item, rest, scope).into_owned() {
            Value::Array(inner) if nested => found.extend(inner),
            Value::Null if nested => {}
            value => found.push(value),
        }
    }
    found
}

/// Counted from the end where negative.
pub(super) fn at(items: &[Value], index: i64) -> Option<&Value> {
    let position = if index < 0 {
        items
            .len()
            .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(index).ok()?
    };
    items.get(position)
}
