//! What an entry takes in memory, near enough to hold a bound.
//!
//! Counted are the allocations as they are made by `serde_json` (its maps keep their order, so each is a vector of entries beside a hash table), each with what an allocator adds, and what the cache itself keeps for an entry.

use serde_json::Value;

use super::entry::{Content, NewEntry};
use super::key::Tag;

/// Rounding up to a size class, and bookkeeping of the allocator.
const ALLOCATION: usize = 16;

/// What the cache keeps for an entry: key, reference and links in tables that may be half empty, and the counts of references.
const PLACE: usize = 112;

/// Key, value and hash as they stand in a map's vector.
const MAP_ENTRY: usize = size_of::<(String, Value, usize)>();

pub(super) fn of(new: &NewEntry) -> usize {
    let content = match &new.content {
        Content::Json(value) => below(value),
        Content::Absent { .. } => 0,
    };
    let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| block(text.len()));
    content
        + text(&new.etag)
        + text(&new.last_modified)
        + block(new.tags.len() * size_of::<Tag>())
        + PLACE
}

/// A value that is shared, with its place in a list.
pub(super) fn made(value: &Value) -> usize {
    block(size_of::<Value>() + 2 * size_of::<usize>()) + below(value) + 3 * size_of::<u64>()
}

/// What hangs on a value, itself not included.
fn below(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => block(text.capacity()),
        Value::Array(items) => {
            let own = block(items.capacity() * size_of::<Value>());
            own + items.iter().map(below).sum::<usize>()
        }
        Value::Object(map) => {
            let inner: usize = map
                .iter()
                .map(|(key, value)| block(key.capacity()) + below(value))
                .sum();
            inner + table(map.len())
        }
    }
}

/// The vector and the hash table of a map of so many entries, which grow to the next power of two.
fn table(len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    let slots = (len * 8 / 7 + 1).next_power_of_two().max(4);
    block(len.next_power_of_two().max(4) * MAP_ENTRY) + block(slots * (size_of::<usize>() + 1) + 16)
}

fn block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes + ALLOCATION }
}
