//! The functions: a closed set, pure and total.
//!
//! A function for one value, given a list, maps over it; null in gives null out.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Number, Value};

use super::Scope;
use super::eval;
use super::order;
use super::tree::{Call, Node};
use super::upstream::fault_of;

/// One of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    First,
    Last,
    At,
    Skip,
    Count,
    Length,
    Split,
    Join,
    Before,
    After,
    Between,
    Segments,
    Replace,
    Trim,
    Lower,
    Upper,
    ToString,
    ToInt,
    ToFloat,
    FromMillis,
    FromEpoch,
    DurationMs,
    Add,
    Sub,
    Where,
    Each,
    Newest,
    Min,
    Max,
    Percentage,
    Map,
    Entries,
}

/// Name, the function, and how it is written.
const TABLE: [(&str, Function, &str); 32] = [
    ("first", Function::First, "first"),
    ("last", Function::Last, "last"),
    ("at", Function::At, "at(index)"),
    ("skip", Function::Skip, "skip(number)"),
    ("count", Function::Count, "count"),
    ("length", Function::Length, "length"),
    ("split", Function::Split, "split(separator)"),
    ("join", Function::Join, "join(separator)"),
    ("before", Function::Before, "before(separator)"),
    ("after", Function::After, "after(separator)"),
    ("between", Function::Between, "between(start, end)"),
    (
        "segments",
        Function::Segments,
        "segments` or `segments('between')",
    ),
    ("replace", Function::Replace, "replace(old, new)"),
    ("trim", Function::Trim, "trim"),
    ("lower", Function::Lower, "lower"),
    ("upper", Function::Upper, "upper"),
    ("toString", Function::ToString, "toString"),
    ("toInt", Function::ToInt, "toInt"),
    ("toFloat", Function::ToFloat, "toFloat"),
    ("fromMillis", Function::FromMillis, "fromMillis"),
    ("fromEpoch", Function::FromEpoch, "fromEpoch"),
    ("durationMs", Function::DurationMs, "durationMs"),
    ("add", Function::Add, "add(number)"),
    ("sub", Function::Sub, "sub(number)"),
    ("where", Function::Where, "where(path, literal)"),
    ("each", Function::Each, "each(expression)"),
    ("newest", Function::Newest, "newest(path, time)"),
    ("min", Function::Min, "min"),
    ("max", Function::Max, "max"),
    ("percentage", Function::Percentage, "percentage"),
    ("map", Function::Map, "map(from, to, …)"),
    ("entries", Function::Entries, "entries"),
];

impl Function {
    /// Function names are case-sensitive.
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, function, _)| *function)
    }

    /// All of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(name, ..)| *name)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    pub(super) fn usage(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (&'static str, Self, &'static str) {
        TABLE
            .iter()
            .find(|(_, function, _)| *function == self)
            .unwrap_or(&TABLE[0])
    }

    /// Whether the number and form of the arguments is right.
    pub(super) fn check(self, args: &[Node]) -> Result<(), String> {
        let given = args.len();
        let fits = match self {
            Self::First
            | Self::Last
            | Self::Count
            | Self::Length
            | Self::Trim
            | Self::Lower
            | Self::Upper
            | Self::ToString
            | Self::ToInt
            | Self::ToFloat
            | Self::FromMillis
            | Self::FromEpoch
            | Self::DurationMs
            | Self::Min
            | Self::Max
            | Self::Percentage
            | Self::Entries => given == 0,
            Self::At
            | Self::Skip
            | Self::Split
            | Self::Join
            | Self::Before
            | Self::After
            | Self::Add
            | Self::Sub
            | Self::Each => given == 1,
            Self::Between | Self::Replace | Self::Where | Self::Newest => given == 2,
            Self::Segments => given <= 1,
            Self::Map => given >= 2 && given.is_multiple_of(2),
        };
        if !fits {
            return Err(format!("`{}` does not take {given} arguments", self.name()));
        }
        let literal = |node: &Node| matches!(node, Node::Literal(_));
        match (self, args) {
            (Self::Where, [Node::Path(_), value]) if literal(value) => Ok(()),
            (Self::Where, _) => Err("`where` compares a path with a literal".to_owned()),
            (Self::Map, args) if !args.iter().all(literal) => {
                Err("`map` replaces literals by literals".to_owned())
            }
            (Self::Segments, [arg]) if !matches!(arg, Node::Literal(Value::String(_))) => {
                Err("`segments` takes a literal text".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// How many of its arguments, from the first, are read of each item of the list.
    pub(crate) fn n_read_of_items(self) -> usize {
        match self {
            Self::Where | Self::Each => 1,
            Self::Newest => 2,
            _ => 0,
        }
    }

    /// Whether it looks at a list as a whole.
    pub(crate) fn takes_list(self) -> bool {
        matches!(
            self,
            Self::First
                | Self::Last
                | Self::At
                | Self::Skip
                | Self::Count
                | Self::Join
                | Self::Where
                | Self::Each
                | Self::Newest
                | Self::Min
                | Self::Max
        )
    }
}

/// `input | call`.
pub(super) fn apply<'a>(
    call: &'a Call,
    input: Cow<'a, Value>,
    scope: &Scope<'a, '_>,
) -> Cow<'a, Value> {
    let function = call.function;
    if input.is_null() && function != Function::Map {
        return input;
    }
    match function {
        Function::Where => return Cow::Owned(where_equals(call, &input, scope)),
        Function::Each => return Cow::Owned(each(call, &input, scope)),
        Function::Newest => return Cow::Owned(order::newest(call, &input, scope)),
        _ => {}
    }
    let args: Vec<Cow<'a, Value>> = call.args.iter().map(|arg| eval::node(arg, scope)).collect();
    let args: Vec<&Value> = args.iter().map(AsRef::as_ref).collect();
    if function.takes_list() {
        return match &*input {
            Value::Array(items) => Cow::Owned(of_list(function, items, &args, scope)),
            _ => Cow::Owned(mismatch(scope)),
        };
    }
    Cow::Owned(of_each(function, &input, &args, scope))
}

/// Lists within lists as well; an upstream's JSON is never nested deeper than its parser allows.
fn of_each(function: Function, value: &Value, args: &[&Value], scope: &Scope<'_, '_>) -> Value {
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| of_each(function, item, args, scope))
            .collect(),
        value => of_one(function, value, args, scope),
    }
}

fn mismatch(scope: &Scope<'_, '_>) -> Value {
    scope.mismatch();
    Value::Null
}

fn where_equals(call: &Call, input: &Value, scope: &Scope<'_, '_>) -> Value {
    let (Value::Array(items), [path, wanted]) = (input, call.args.as_slice()) else {
        return mismatch(scope);
    };
    let mut kept = Vec::new();
    for item in items {
        let inner = Scope {
            this: Some(item),
            ..*scope
        };
        let found = eval::node(path, &inner);
        if fault_of(&found).is_some() {
            // Nobody knows whether the item belongs to them.
            return found.into_owned();
        }
        if eval::same(&found, &eval::node(wanted, &inner)) {
            kept.push(item.clone());
        }
    }
    Value::Array(kept)
}

/// What an expression makes of each item; those of which it makes null are left out.
fn each(call: &Call, input: &Value, scope: &Scope<'_, '_>) -> Value {
    let (Value::Array(items), [made]) = (input, call.args.as_slice()) else {
        return mismatch(scope);
    };
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let inner = Scope {
            this: Some(item),
            ..*scope
        };
        let made = eval::node(made, &inner);
        if fault_of(&made).is_some() {
            return made.into_owned();
        }
        if !made.is_null() {
            all.push(made.into_owned());
        }
    }
    Value::Array(all)
}

fn of_list(function: Function, items: &[Value], args: &[&Value], scope: &Scope<'_, '_>) -> Value {
    match (function, args) {
        (Function::First, _) => items.first().cloned().unwrap_or_default(),
        (Function::Last, _) => items.last().cloned().unwrap_or_default(),
        (Function::Count, _) => Value::from(items.len()),
        (Function::Min, _) => order::end(items, Ordering::Less, scope),
        (Function::Max, _) => order::end(items, Ordering::Greater, scope),
        (Function::At, [Value::Number(index)]) => index
            .as_i64()
            .and_then(|index| eval::at(items, index))
            .cloned()
            .unwrap_or_default(),
        (Function::Skip, [Value::Number(number)]) => match number.as_i64() {
            Some(number) => Value::Array(skipped(items, number).to_vec()),
            None => mismatch(scope),
        },
        (Function::Join, [Value::String(separator)]) => {
            let texts: Vec<String> = items.iter().filter_map(text).collect();
            Value::String(texts.join(separator))
        }
        (_, args) if args.iter().any(|arg| arg.is_null()) => Value::Null,
        _ => mismatch(scope),
    }
}

/// Without so many at the start; where it is negative, at the end.
fn skipped(items: &[Value], number: i64) -> &[Value] {
    let n_left_out = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
    let n_kept = items.len().saturating_sub(n_left_out);
    match number < 0 {
        true => items.get(..n_kept),
        false => items.get(items.len() - n_kept..),
    }
    .unwrap_or_default()
}

fn of_one(function: Function, value: &Value, args: &[&Value], scope: &Scope<'_, '_>) -> Value {
    if function == Function::Map {
        return replaced(value, args);
    }
    if value.is_null() || args.iter().any(|arg| arg.is_null()) {
        return Value::Null;
    }
    let result = match value {
        Value::String(text) => of_text(function, text, args),
        Value::Number(number) => of_number(function, number, args),
        Value::Bool(_) if function == Function::ToString => self::text(value).map(Value::String),
        Value::Object(members) if function == Function::Entries => Some(entries(members)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    result.unwrap_or_else(|| mismatch(scope))
}

fn replaced(value: &Value, args: &[&Value]) -> Value {
    args.chunks_exact(2)
        .find_map(|pair| match pair {
            [from, to] if eval::same(from, value) => Some((*to).clone()),
            _ => None,
        })
        .unwrap_or_else(|| value.clone())
}

/// `None`: the function is not for texts, or not with these arguments.
fn of_text(function: Function, text: &str, args: &[&Value]) -> Option<Value> {
    let text_arg = |position: usize| args.get(position).and_then(|arg| arg.as_str());
    Some(match function {
        Function::Length => Value::from(text.chars().count()),
        Function::Split => match text_arg(0)? {
            "" => Value::Array(vec![Value::from(text)]),
            separator => text.split(separator).map(Value::from).collect(),
        },
        Function::Before => text
            .split_once(text_arg(0)?)
            .map(|(before, _)| before)
            .into(),
        Function::After => text
            .split_once(text_arg(0)?)
            .map_or(text, |(_, after)| after)
            .into(),
        Function::Between => text
            .split_once(text_arg(0)?)
            .and_then(|(_, rest)| rest.split_once(text_arg(1)?))
            .map(|(between, _)| between)
            .into(),
        Function::Segments => {
            let between = text_arg(0).map_or_else(|| "/".to_owned(), |word| format!("/{word}/"));
            text.replace('/', &between).into()
        }
        Function::Replace => match text_arg(0)? {
            "" => text.into(),
            old => text.replace(old, text_arg(1)?).into(),
        },
        Function::Trim => text.trim().into(),
        Function::Lower => text.to_lowercase().into(),
        Function::Upper => text.to_uppercase().into(),
        Function::ToString => text.into(),
        Function::ToInt => text.trim().parse::<i64>().ok().into(),
        Function::Percentage => percentage(text)
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number),
        Function::ToFloat => text
            .trim()
            .parse::<f64>()
            .ok()
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number),
        _ => return None,
    })
}

/// The first share that a text states in percent: with a sign it would be a change, above 100 no share.
fn percentage(text: &str) -> Option<f64> {
    text.match_indices('%').find_map(|(at, _)| {
        let before = text.get(..at)?.trim_end();
        let around = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let share: f64 = before.strip_prefix(around)?.parse().ok()?;
        let is_other = |c: char| c.is_alphanumeric() || "+-−±,<>≤≥".contains(c);
        let is_share = share <= 100.0 && !around.ends_with(is_other);
        is_share.then_some(share)
    })
}

fn of_number(function: Function, number: &Number, args: &[&Value]) -> Option<Value> {
    match (function, args) {
        (Function::ToString, _) => Some(Value::String(number.to_string())),
        (Function::ToInt, _) => number
            .as_i64()
            .or_else(|| whole(number.as_f64()?))
            .map(Value::from),
        (Function::ToFloat, _) => number
            .as_f64()
            .and_then(Number::from_f64)
            .map(Value::Number),
        (Function::FromMillis, _) => Some(instant(number, 1_000_000)),
        (Function::FromEpoch, _) => Some(instant(number, 1_000_000_000)),
        (Function::DurationMs, _) => Some(duration(number)),
        (Function::Add, [Value::Number(other)]) => {
            eval::arithmetic(number, other, i64::checked_add, |a, b| a + b)
        }
        (Function::Sub, [Value::Number(other)]) => {
            eval::arithmetic(number, other, i64::checked_sub, |a, b| a - b)
        }
        _ => None,
    }
}

fn whole(float: f64) -> Option<i64> {
    // Beyond 2^53 a float no longer says which whole number was meant.
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    (float.abs() <= LIMIT).then_some(float.trunc() as i64)
}

/// Nanoseconds in `number` units, if they are in the range of a timestamp.
fn nanoseconds(number: &Number, unit: i128) -> Option<i128> {
    match number.as_i64() {
        Some(whole) => i128::from(whole).checked_mul(unit),
        None => {
            let float = number.as_f64()? * unit as f64;
            (float.abs() < 1e30).then_some(float as i128)
        }
    }
}

fn instant(number: &Number, unit: i128) -> Value {
    nanoseconds(number, unit)
        .and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds).ok())
        .map_or(Value::Null, |instant| Value::String(instant.to_string()))
}

fn duration(number: &Number) -> Value {
    let duration = nanoseconds(number, 1_000_000).and_then(|nanoseconds| {
        let seconds = i64::try_from(nanoseconds / 1_000_000_000).ok()?;
        let rest = i32::try_from(nanoseconds % 1_000_000_000).ok()?;
        Some(SignedDuration::new(seconds, rest))
    });
    duration.map_or(Value::Null, |duration| Value::String(duration.to_string()))
}

fn entries(members: &Map<String, Value>) -> Value {
    members
        .iter()
        .map(|(key, value)| {
            let mut entry = Map::new();
            entry.insert("key".to_owned(), Value::from(key.as_str()));
            entry.insert("value".to_owned(), value.clone());
            Value::Object(entry)
        })
        .collect()
}

/// A scalar as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
