//! What comes before what: `min`, `max`, and the `newest` of those that have something in common.
//!
//! Upstreams list what was tried again beside what it replaces, and seldom promise an order; so these compare values, and no positions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::Scope;
use super::eval;
use super::tree::Call;
use super::upstream::fault_of;

/// Of the items whose key is the same, the one whose time is the latest; in the order in which they were.
///
/// Of two with the same time the one that stands first is kept; an item without a time is older than any, and one without a key is kept.
pub(super) fn newest(call: &Call, input: &Value, scope: &Scope<'_, '_>) -> Value {
    let (Value::Array(items), [key, time]) = (input, call.args.as_slice()) else {
        return mismatch(scope);
    };
    let mut newest: BTreeMap<String, (usize, Value)> = BTreeMap::new();
    let mut kept = vec![true; items.len()];
    for (position, item) in items.iter().enumerate() {
        let inner = Scope {
            this: Some(item),
            ..*scope
        };
        let key = eval::node(key, &inner);
        let time = eval::node(time, &inner);
        for read in [&key, &time] {
            if fault_of(read).is_some() {
                // Nobody knows which one it is.
                return read.clone().into_owned();
            }
        }
        if key.is_null() {
            continue;
        }
        let time = time.into_owned();
        match newest.get_mut(&key.to_string()) {
            None => drop(newest.insert(key.to_string(), (position, time))),
            Some((other, known)) => {
                let Some(order) = compare(&time, known) else {
                    return mismatch(scope);
                };
                let older = match order {
                    Ordering::Greater => std::mem::replace(other, position),
                    Ordering::Equal | Ordering::Less => position,
                };
                if order == Ordering::Greater {
                    *known = time;
                }
                if let Some(kept) = kept.get_mut(older) {
                    *kept = false;
                }
            }
        }
    }
    let kept = items.iter().zip(kept).filter(|(_, kept)| *kept);
    kept.map(|(item, _)| item.clone()).collect()
}

/// The value before all others, or with `Greater` the one behind them; nulls do not count.
pub(super) fn end(items: &[Value], wanted: Ordering, scope: &Scope<'_, '_>) -> Value {
    let mut found = &Value::Null;
    for item in items.iter().filter(|item| !item.is_null()) {
        if fault_of(item).is_some() {
            return item.clone();
        }
        match compare(item, found) {
            Some(_) if found.is_null() => found = item,
            Some(order) if order == wanted => found = item,
            Some(_) => {}
            None => return mismatch(scope),
        }
    }
    found.clone()
}

/// Numbers, times and texts; null comes first. `None`: the two cannot be compared.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, right) => is_ordered(right).then_some(Ordering::Less),
        (left, Value::Null) => is_ordered(left).then_some(Ordering::Greater),
        (Value::Number(left), Value::Number(right)) => numbers(left, right),
        (Value::String(left), Value::String(right)) => Some(
            match (left.parse::<Timestamp>(), right.parse::<Timestamp>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => left.cmp(right),
            },
        ),
        _ => None,
    }
}

fn is_ordered(value: &Value) -> bool {
    matches!(value, Value::Number(_) | Value::String(_))
}

fn numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn mismatch(scope: &Scope<'_, '_>) -> Value {
    scope.mismatch();
    Value::Null
}
