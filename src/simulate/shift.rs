//! The move of times: an example is written once, and its upstream is always of today.
//!
//! An example with a `clock` says when its bodies were so.
//! Every time in them is moved by what lies between that and the start of the upstream: a shift that ended in three hours then ends in three hours now.

use jiff::{SignedDuration, Timestamp, civil::DateTime};
use serde_json::Value;

use crate::connect::example::Example;

/// Numbers further from the clock than this are no times.
const YEAR: i64 = 366 * 24 * 3600;
/// `2026-03-02T09:00:00`
const SECONDS_END: usize = 19;

/// By how much the times of one example are moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    /// Seconds since 1970.
    clock: i64,
    seconds: i64,
}

impl Shift {
    /// Of an example whose upstream starts at `now`; `None`: it says no `clock`, and its times stay as written.
    pub(super) fn of(example: &Example, now: Timestamp) -> Option<Self> {
        let clock = example.clock?.as_second();
        Some(Self {
            clock,
            seconds: now.as_second() - clock,
        })
    }

    /// Moves all times in `value`.
    pub(super) fn apply(self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(moved) = self.text(text) {
                    *text = moved;
                }
            }
            Value::Number(number) => {
                if let Some(moved) = number.as_i64().and_then(|whole| self.whole(whole)) {
                    *value = Value::from(moved);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Value::Object(members) => members.values_mut().for_each(|value| self.apply(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A whole number that is near the clock in milliseconds or in seconds.
    fn whole(self, number: i64) -> Option<i64> {
        let near = |unit: i64| (number / unit).abs_diff(self.clock) <= YEAR.unsigned_abs();
        let unit = [1000, 1].into_iter().find(|unit| near(*unit))?;
        number.checked_add(self.seconds.checked_mul(unit)?)
    }

    /// RFC 3339, in the same form: the fraction and the offset stay as they are written.
    fn text(self, text: &str) -> Option<String> {
        let (seconds, rest) = text.split_at_checked(SECONDS_END)?;
        if text.as_bytes().get(10) != Some(&b'T') || text.parse::<Timestamp>().is_err() {
            return None;
        }
        let time: DateTime = seconds.parse().ok()?;
        let moved = time
            .checked_add(SignedDuration::from_secs(self.seconds))
            .ok()?;
        Some(format!("{}{rest}", moved.strftime("%Y-%m-%dT%H:%M:%S")))
    }
}
