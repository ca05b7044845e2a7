//! A place in a JSON body: where rows are, and what a step changes.

use std::fmt;

use serde_json::{Map, Value};

use crate::sdl::expr::{Expr, ExprError, Node, Root, Step};

/// How far a list is filled up with nulls to reach an index.
const MAX_INDEX: usize = 10_000;

/// A plain path: names and positions; a trailing `[]` says that a list is meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    source: Box<str>,
    steps: Vec<Hop>,
}

#[derive(Clone, Debug, PartialEq)]
enum Hop {
    Name(Box<str>),
    Index(i64),
}

impl Place {
    /// Reads `builds[0].result`, `rows[]`, `$[]` (the body itself).
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let expr = Expr::parse(source)?;
        Self::of(&expr).ok_or_else(|| ExprError {
            offset: 0,
            message: format!("`{source}` is no plain place"),
            hint: Some("write names and positions, for example `builds[0].result`".to_owned()),
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
        })
    }

    /// Puts `new` there; objects and lists on the way are made.
    pub fn set(&self, body: &mut Value, new: Value) {
        let mut value = body;
        for hop in &self.steps {
            value = match hop {
                Hop::Name(name) => {
                    if !value.is_object() {
                        *value = Value::Object(Map::new());
                    }
                    match value {
                        Value::Object(members) => {
                            members.entry(name.to_string()).or_insert(Value::Null)
                        }
                        _ => return,
                    }
                }
                Hop::Index(index) => {
                    if !value.is_array() {
                        *value = Value::Array(Vec::new());
                    }
                    let Value::Array(items) = value else {
                        return;
                    };
                    let Some(at) = position(*index, items.len()).filter(|at| *at < MAX_INDEX)
                    else {
                        return;
                    };
                    if items.len() <= at {
                        items.resize(at + 1, Value::Null);
                    }
                    &mut items[at]
                }
            };
        }
        *value = new;
    }
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
