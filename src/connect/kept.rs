//! How an answer is laid out where it is kept: the upstream's JSON for one key.
//!
//! One object is kept as it is. A list is kept as a list whose first item says how far it was read; its objects stand behind.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::routes::Fetch;
use crate::cache::{Content, Entry, Life, Terms};
use crate::sdl::CachePolicy;
use crate::sdl::expr::Scope;

/// That there is nothing is believed for so long at most.
const ABSENT: Duration = Duration::from_secs(30);

/// A list, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) rows: Vec<Value>,
    pub(super) progress: Progress,
}

/// How far a list was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress {
    pub(super) pages: u32,
    /// Objects of one page, as they were asked for.
    pub(super) size: u32,
    /// How many there are, where the upstream says.
    pub(super) total: Option<u64>,
    /// Where it goes on; `None` at its end.
    pub(super) next: Option<String>,
    /// There is more, and it will not be read: `maxPages`.
    pub(super) cut: bool,
}

impl Progress {
    fn write(&self) -> Value {
        let mut map = Map::new();
        map.insert("pages".to_owned(), self.pages.into());
        map.insert("size".to_owned(), self.size.into());
        map.insert("total".to_owned(), self.total.into());
        map.insert("next".to_owned(), self.next.clone().into());
        map.insert("cut".to_owned(), self.cut.into());
        Value::Object(map)
    }

    fn read(value: &Value) -> Self {
        let number = |name: &str| value.get(name).and_then(Value::as_u64);
        let narrow = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
        Self {
            pages: narrow("pages").unwrap_or_default(),
            size: narrow("size").unwrap_or_default(),
            total: number("total"),
            next: value.get("next").and_then(Value::as_str).map(str::to_owned),
            cut: value.get("cut").and_then(Value::as_bool) == Some(true),
        }
    }

    /// Whether everything there is was read.
    pub(super) fn is_complete(&self) -> bool {
        self.next.is_none() && !self.cut
    }
}

impl Reading {
    pub(super) fn whole(rows: Vec<Value>) -> Self {
        Self {
            rows,
            progress: Progress {
                pages: 1,
                ..Progress::default()
            },
        }
    }

    pub(super) fn into_content(self) -> Content {
        let mut list = Vec::with_capacity(self.rows.len() + 1);
        list.push(self.progress.write());
        list.extend(self.rows);
        Content::Json(Value::Array(list))
    }
}

/// The list of an entry; empty where there is nothing.
pub(super) fn list(entry: &Entry) -> &[Value] {
    match entry.json() {
        Some(Value::Array(list)) => list.get(1..).unwrap_or_default(),
        _ => &[],
    }
}

pub(super) fn progress(entry: &Entry) -> Progress {
    match entry
        .json()
        .and_then(Value::as_array)
        .and_then(|list| list.first())
    {
        Some(progress) => Progress::read(progress),
        None => Progress::default(),
    }
}

/// Whether the list was read to its end, or so far that `wanted` objects stand in it.
pub(super) fn suffices(entry: &Arc<Entry>, wanted: usize) -> bool {
    if list(entry).len() >= wanted {
        return true;
    }
    match entry.json() {
        // It says itself how far it was read, and only the last word matters.
        Some(_) => progress(entry).next.is_none(),
        None => true,
    }
}

/// How long what is fetched now may be told.
pub(super) fn life(fetch: &Fetch, now: Timestamp, rows: &[Value]) -> Life {
    let terms = fetch.policy.as_ref().map(|policy| Terms {
        fresh: policy.max_age,
        stale: policy.stale,
        until: until(policy, rows),
        ..Terms::default()
    });
    Life::new(now, terms.unwrap_or_default())
}

/// The same for what is not there.
pub(super) fn absent_life(fetch: &Fetch, now: Timestamp) -> Life {
    let fresh = fetch
        .policy
        .as_ref()
        .map(|policy| policy.max_age.min(ABSENT));
    let terms = Terms {
        fresh: fresh.unwrap_or_default(),
        ..Terms::default()
    };
    Life::new(now, terms)
}

/// The earliest end that any of the rows has.
fn until(policy: &CachePolicy, rows: &[Value]) -> Option<Timestamp> {
    let expr = policy.until.as_ref()?;
    rows.iter()
        .filter_map(|row| {
            let found = expr.eval(&Scope {
                this: Some(row),
                body: Some(row),
                ..Scope::default()
            });
            found.as_str()?.parse::<Timestamp>().ok()
        })
        .min()
}
