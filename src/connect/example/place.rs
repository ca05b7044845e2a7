//! A place in a JSON body: where rows are, and what a step changes.

use std::fmt;

use serde_json::{Map, Value};

use crate::sdl::expr::{Expr, ExprError, Node, Root, Step};

/// How far a list is filled up with nulls to reach an index.
const MAX_INDEX: usize = 10_000;

/// What stands for the next number of a list, where one of its objects is copied.
const NEXT: &str = "{next}";

/// A plain path: names, positions, and `[name=text]` for the objects of a list with such a member, of which the first is read and all are changed; a trailing `[]` says that a list is meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    source: Box<str>,
    steps: Vec<Hop>,
}

#[derive(Clone, Debug, PartialEq)]
enum Hop {
    Name(Box<str>),
    Index(i64),
    With(Box<str>, Box<str>),
}

/// Positions from here on stand for a `[name=text]`, which expressions do not know.
const WITH: i64 = 1 << 40;

impl Place {
    /// Reads `builds[0].result`, `rows[]`, `$[]` (the body itself).
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let (plain, with) = without_conditions(source);
        let expr = Expr::parse(&plain)?;
        let place = Self::of(&expr).ok_or_else(|| ExprError {
            offset: 0,
            message: format!("`{source}` is no plain place"),
            hint: Some("write names and positions, for example `builds[0].result`".to_owned()),
        })?;
        let steps = place.steps.into_iter().map(|hop| match hop {
            Hop::Index(index) if index >= WITH => {
                let known = usize::try_from(index - WITH).ok();
                let known = known.and_then(|position| with.get(position)).cloned();
                known.map_or(hop, |(name, text)| Hop::With(name, text))
            }
            hop => hop,
        });
        Ok(Self {
            source: source.into(),
            steps: steps.collect(),
        })
    }

    /// The place that an expression reads; `None` where it is no plain one.
    pub fn of(expr: &Expr) -> Option<Self> {
        let Node::Path(path) = expr.node() else {
            return None;
        };
        if !matches!(path.root, Root::This | Root::Body) {
            return None;
        }
        let (last, before) = match path.steps.split_last() {
            Some((Step::Each, before)) => (None, before),
            Some((last, before)) => (Some(last), before),
            None => (None, [].as_slice()),
        };
        let hop = |step: &Step| match step {
            Step::Name(name, args) if args.is_empty() => Some(Hop::Name(name.clone())),
            Step::Index(index) => Some(Hop::Index(*index)),
            Step::Name(..) | Step::Each => None,
        };
        Some(Self {
            source: expr.source().into(),
            steps: before.iter().chain(last).map(hop).collect::<Option<_>>()?,
        })
    }

    /// What stands there.
    pub fn get<'v>(&self, body: &'v Value) -> Option<&'v Value> {
        self.steps.iter().try_fold(body, |value, hop| match hop {
            Hop::Name(name) => value.get(&**name),
            Hop::Index(index) => {
                let list = value.as_array()?;
                list.get(position(*index, list.len())?)
            }
            Hop::With(name, text) => {
                let mut items = value.as_array()?.iter();
                items.find(|item| has(item, name, text))
            }
        })
    }

    /// Puts `new` there; objects and lists on the way are made.
    pub fn set(&self, body: &mut Value, new: &Value) {
        put(&self.steps, body, new);
    }

    /// Puts what stands there once more before all else of its list, with changes of it; nothing happens where it stands in none.
    ///
    /// A change to `{next}` is a number above all that the others of the list have there.
    pub fn copy(&self, body: &mut Value, changes: &[(Self, Value)]) {
        let Some((Hop::With(name, text), before)) = self.steps.split_last() else {
            return;
        };
        let list = before.iter().try_fold(body, |value, hop| match hop {
            Hop::Name(name) => value.get_mut(&**name),
            Hop::Index(index) => {
                let list = value.as_array_mut()?;
                let at = position(*index, list.len())?;
                list.get_mut(at)
            }
            Hop::With(name, text) => {
                let mut items = value.as_array_mut()?.iter_mut();
                items.find(|item| has(item, name, text))
            }
        });
        let Some(items) = list.and_then(Value::as_array_mut) else {
            return;
        };
        let Some(mut copy) = items.iter().find(|item| has(item, name, text)).cloned() else {
            return;
        };
        for (place, value) in changes {
            let next = || {
                let numbers = items.iter().filter_map(|item| place.get(item)?.as_i64());
                numbers.max().unwrap_or_default().saturating_add(1)
            };
            match value.as_str() == Some(NEXT) {
                true => place.set(&mut copy, &next().into()),
                false => place.set(&mut copy, value),
            }
        }
        items.insert(0, copy);
    }

    /// The same place with other words in its conditions.
    #[must_use]
    pub fn with_words(&self, word: impl Fn(&str) -> String) -> Self {
        let hop = |hop: &Hop| match hop {
            Hop::With(name, text) => Hop::With(name.clone(), word(text).into()),
            hop => hop.clone(),
        };
        Self {
            source: self.source.clone(),
            steps: self.steps.iter().map(hop).collect(),
        }
    }
}

fn put(hops: &[Hop], value: &mut Value, new: &Value) {
    let Some((hop, rest)) = hops.split_first() else {
        *value = new.clone();
        return;
    };
    match hop {
        Hop::Name(name) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            if let Value::Object(members) = value {
                let member = members.entry(name.to_string()).or_insert(Value::Null);
                put(rest, member, new);
            }
        }
        Hop::Index(index) => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            let Value::Array(items) = value else {
                return;
            };
            let Some(at) = position(*index, items.len()).filter(|at| *at < MAX_INDEX) else {
                return;
            };
            if items.len() <= at {
                items.resize(at + 1, Value::Null);
            }
            put(rest, &mut items[at], new);
        }
        // A list that holds none has nothing to change.
        Hop::With(name, text) => {
            let items = value.as_array_mut().into_iter().flatten();
            for item in items.filter(|item| has(item, name, text)) {
                put(rest, item, new);
            }
        }
    }
}

fn has(item: &Value, name: &str, text: &str) -> bool {
    match item.get(name) {
        Some(Value::String(own)) => own == text,
        Some(Value::Number(own)) => own.to_string() == text,
        _ => false,
    }
}

/// `list[id=a]` as `list[N]`, with the conditions in their order.
#[expect(clippy::type_complexity, reason = "a text, and names with texts")]
fn without_conditions(source: &str) -> (String, Vec<(Box<str>, Box<str>)>) {
    let mut plain = String::with_capacity(source.len());
    let mut with = Vec::new();
    for (position, part) in source.split('[').enumerate() {
        if position > 0 {
            plain.push('[');
        }
        let condition = part
            .split_once(']')
            .and_then(|(inner, rest)| Some((inner.split_once('=')?, rest)));
        match condition {
            Some(((name, text), rest)) if position > 0 => {
                plain.push_str(&format!("{}]{rest}", WITH + with.len() as i64));
                with.push((name.into(), text.into()));
            }
            _ => plain.push_str(part),
        }
    }
    (plain, with)
}

/// From the end where it is negative.
fn position(index: i64, len: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_negative) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
