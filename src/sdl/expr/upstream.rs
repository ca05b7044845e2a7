//! What graphs of upstreams add to JSON: fields with arguments, type conditions, and nulls with a reason.
//!
//! A field with arguments stands in what is kept under a name of its own, made of the field and its arguments, so that two of them never clash.
//! Whoever asks the upstream gives that name as the alias, and evaluation makes the same name when it meets the step.
//! A step `'... on Type'` is a type condition: the field behind it is named after the type as well, and is missing in objects of other types.

use std::borrow::Cow;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Scope;
use super::tree::{ArgValue, Root, Step};

/// How a quoted step begins that is a type condition.
const CONDITION: &str = "... on ";
/// The only member of an object that stands for a null with a reason; no upstream has such a name.
const FAULT: &str = "\u{0}fault";
/// Hex digits of the hash of arguments: nobody who chooses arguments can make two of them meet.
const DIGITS: usize = 20;

/// What a variable and its members stand for.
pub type Lookup<'l> = &'l dyn Fn(&str, &[Box<str>]) -> Option<Value>;

impl Step {
    /// The upstream's type, if the step is a condition on it.
    pub fn condition(&self) -> Option<&str> {
        match self {
            Self::Name(name, args) if args.is_empty() => name.strip_prefix(CONDITION),
            Self::Name(..) | Self::Index(_) | Self::Each => None,
        }
    }
}

/// The name under which a field of an upstream stands in what is kept of it.
///
/// `last`: the step is the last of its path; then `first` and `after` of ours say how far it is read, and not what it is.
pub fn response_key<'n>(
    condition: Option<&str>,
    name: &'n str,
    args: &[(Box<str>, ArgValue)],
    last: bool,
    lookup: Lookup<'_>,
) -> Cow<'n, str> {
    if args.is_empty() && condition.is_none() {
        return Cow::Borrowed(name);
    }
    let mut key = match condition {
        Some(condition) => format!("{condition}__{name}"),
        None => name.to_owned(),
    };
    let mut given: Vec<(&str, Value)> = args
        .iter()
        .filter(|(_, value)| !(last && is_page(value)))
        .filter_map(|(name, value)| Some((&**name, resolved(value, lookup)?)))
        .collect();
    if !given.is_empty() {
        given.sort_by_key(|(name, _)| *name);
        let mut hash = Sha256::new();
        for (name, value) in given {
            hash.update(name);
            hash.update([b':']);
            hash.update(value.to_string());
            hash.update([b',']);
        }
        let digits = hex::encode(hash.finalize());
        key.push('_');
        key.extend(digits.chars().take(DIGITS));
    }
    Cow::Owned(key)
}

/// Whether an argument says which part of a list is read: `$args.first` and its like.
pub fn is_page(value: &ArgValue) -> bool {
    let ArgValue::Variable(root, members) = value else {
        return false;
    };
    match (&**root, &**members) {
        ("args", [member]) => matches!(&**member, "first" | "after"),
        _ => false,
    }
}

/// The value of an argument; `None` where it is left out, because a variable has none.
pub fn resolved(value: &ArgValue, lookup: Lookup<'_>) -> Option<Value> {
    Some(match value {
        ArgValue::Variable(root, members) => {
            lookup(root, members).filter(|value| !value.is_null())?
        }
        ArgValue::Literal(value) => value.clone(),
        ArgValue::Word(word) => Value::from(&**word),
        ArgValue::List(items) => {
            let all: Vec<Value> = items
                .iter()
                .filter_map(|item| resolved(item, lookup))
                .collect();
            if all.is_empty() && !items.is_empty() {
                return None;
            }
            Value::Array(all)
        }
        ArgValue::Object(members) => Value::Object(
            members
                .iter()
                .filter_map(|(name, value)| Some((name.to_string(), resolved(value, lookup)?)))
                .collect(),
        ),
    })
}

impl Scope<'_, '_> {
    /// What a variable of an argument stands for.
    pub(super) fn variable(&self, root: &str, members: &[Box<str>]) -> Option<Value> {
        let start = match root {
            "this" => self.this,
            "entity" => self.entity,
            name => {
                let known = self.names.iter().find(|(known, _)| *known == name);
                known.map(|(_, value)| *value)
            }
        };
        let mut value = start?;
        for member in members {
            value = value.get(&**member)?;
        }
        Some(value.clone())
    }
}

/// Null, and why.
pub fn fault(reason: Value) -> Value {
    Value::Object(Map::from_iter([(FAULT.to_owned(), reason)]))
}

/// The reason, if a value is null for one.
pub fn fault_of(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(members) if members.len() == 1 => members.get(FAULT),
        _ => None,
    }
}

/// Whether a path begins at the object that an upstream brought.
pub fn is_of_object(root: &Root) -> bool {
    matches!(root, Root::This | Root::Body)
}
