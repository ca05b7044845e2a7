//! How an answer is laid out where it is kept: what the upstream sent for one request, before any field took its part.
//!
//! An entry is a list: its head says how far was read and how it goes on, then come the bodies, page by page.
//! So all fields of one request share what is kept, and each takes its own part by its `at` ([`View`](super::view::View)).
//! Of a batch each key has an entry of its own, and its body is what was shared out to it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::pages;
use super::routes::Fetch;
use crate::cache::{Content, Entry, Life, Terms};
use crate::sdl::CachePolicy;
use crate::sdl::expr::{Scope, member};

/// Part of every key: entries of another layout are never met.
pub(super) const LAYOUT: &str = "bodies 1";

/// That there is nothing is believed for so long at most.
const ABSENT: Duration = Duration::from_secs(30);

/// What was read for one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// A page each; one where there are no pages.
    pub(super) bodies: Vec<Value>,
    /// Objects of a list, on all pages together.
    pub(super) n_rows: usize,
    pub(super) progress: Progress,
    /// Where the first page's `Link` header leads.
    pub(super) link: Option<String>,
    /// The last body has something else where a list should be.
    pub(super) is_misshapen: bool,
}

/// How far a list was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress {
    pub(super) pages: u32,
    /// Objects of one page, as they were asked for.
    pub(super) size: u32,
    /// How many there are, where the upstream says.
    pub(super) total: Option<u64>,
    /// Where it goes on, as the upstream says it; `None` at its end.
    pub(super) next: Option<String>,
    /// There is more, and it will not be read: `maxPages`.
    pub(super) cut: bool,
    /// There is more, which comes when more is asked for: from the start on, and not behind what is here.
    pub(super) further: bool,
}

impl Progress {
    /// Whether everything there is was read.
    pub(super) fn is_complete(&self) -> bool {
        self.next.is_none() && !self.cut
    }
}

impl Reading {
    /// All there is, in one body.
    pub(super) fn whole(body: Value, link: Option<String>) -> Self {
        Self {
            bodies: vec![body],
            progress: Progress {
                pages: 1,
                ..Progress::default()
            },
            link,
            ..Self::default()
        }
    }

    /// What an entry holds, as far as it is of use to a field.
    pub(super) fn of(fetch: &Fetch, entry: &Entry, n_rows: usize) -> Self {
        Self {
            bodies: bodies(fetch, entry).to_vec(),
            n_rows,
            progress: progress(fetch, entry),
            link: link(entry).map(str::to_owned),
            is_misshapen: false,
        }
    }

    pub(super) fn into_content(self, fetch: &Fetch) -> Content {
        let Progress {
            pages,
            size,
            total,
            next,
            cut,
            further: _,
        } = self.progress;
        let mut head = Map::new();
        if let Some(link) = self.link {
            head.insert("link".to_owned(), link.into());
        }
        if let Some(paging) = fetch.paging {
            head.insert("paging".to_owned(), paging.into());
            head.insert("pages".to_owned(), pages.into());
            head.insert("size".to_owned(), size.into());
            head.insert("total".to_owned(), total.into());
            head.insert("next".to_owned(), next.into());
            head.insert("cut".to_owned(), cut.into());
        }
        let mut list = Vec::with_capacity(self.bodies.len() + 1);
        list.push(Value::Object(head));
        list.extend(self.bodies);
        Content::Json(Value::Array(list))
    }
}

fn head(entry: &Entry) -> Option<&Map<String, Value>> {
    entry.json()?.as_array()?.first()?.as_object()
}

fn link(entry: &Entry) -> Option<&str> {
    member(head(entry)?, "link")?.as_str()
}

/// Whether the entry was read page by page in the way of this field.
fn is_paged_alike(fetch: &Fetch, entry: &Entry) -> bool {
    if fetch.paging.is_none() {
        return false;
    }
    let own = head(entry).and_then(|head| member(head, "paging"));
    own.and_then(Value::as_u64) == fetch.paging
}

/// The bodies that are of use to a field; none where there is nothing.
///
/// Who reads no pages, or other ones, shares the first body: that is the answer to the request itself.
pub(super) fn bodies<'e>(fetch: &Fetch, entry: &'e Entry) -> &'e [Value] {
    let all = match entry.json() {
        Some(Value::Array(list)) => list.get(1..).unwrap_or_default(),
        _ => &[],
    };
    match is_paged_alike(fetch, entry) {
        true => all,
        false => all.get(..1).unwrap_or_default(),
    }
}

/// How far a list was read, and how it goes on for this field.
pub(super) fn progress(fetch: &Fetch, entry: &Entry) -> Progress {
    let Some(head) = head(entry) else {
        return Progress::default();
    };
    let number = |name: &str| member(head, name).and_then(Value::as_u64);
    let narrow = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
    let size = narrow("size").unwrap_or_default();
    if is_paged_alike(fetch, entry) {
        return Progress {
            size,
            pages: narrow("pages").unwrap_or_default(),
            total: number("total"),
            next: member(head, "next")
                .and_then(Value::as_str)
                .map(str::to_owned),
            cut: member(head, "cut").and_then(Value::as_bool) == Some(true),
            further: false,
        };
    }
    let first = bodies(fetch, entry).first();
    let behind = first.map(|body| pages::behind_first(fetch, body, link(entry), size));
    behind.unwrap_or_default()
}

/// Whether the list was read to its end, or so far that `wanted` objects stand in it.
pub(super) fn suffices(fetch: &Fetch, entry: &Entry, n_rows: usize, wanted: usize) -> bool {
    n_rows >= wanted || entry.json().is_none() || progress(fetch, entry).next.is_none()
}

/// How long what is fetched now may be told.
pub(super) fn life<'b>(
    fetch: &Fetch,
    now: Timestamp,
    bodies: impl IntoIterator<Item = &'b Value>,
) -> Life {
    let terms = fetch.policy.as_ref().map(|policy| Terms {
        fresh: policy.max_age,
        stale: policy.stale,
        until: until(fetch, policy, bodies),
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

/// The earliest end that any of the objects has.
fn until<'b>(
    fetch: &Fetch,
    policy: &CachePolicy,
    bodies: impl IntoIterator<Item = &'b Value>,
) -> Option<Timestamp> {
    let expr = policy.until.as_ref()?;
    let end = |row: &Value| {
        let found = expr.eval(&Scope {
            this: Some(row),
            body: Some(row),
            ..Scope::default()
        });
        found.as_str()?.parse::<Timestamp>().ok()
    };
    let each = bodies.into_iter().filter_map(|body| {
        let found = fetch.at.take(body);
        match &*found {
            Value::Array(rows) if fetch.is_list() => rows.iter().filter_map(end).min(),
            object => end(object),
        }
    });
    each.min()
}
