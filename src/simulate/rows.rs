//! The part of a list that a request asks for: rows of its keys, and one page of them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::request::Received;
use crate::connect::example::{Paging, Place, Rows};
use crate::sdl::expr::Scope;
use crate::sdl::{Page, PageStyle};

/// Rows of one page at most, whatever is asked: upstreams have such a bound.
const MAX_SIZE: usize = 100;

/// What a page adds to the answer beside its rows.
#[derive(Debug, Default)]
pub(super) struct Paged {
    /// The queries of other pages by their relation to this one, for a `Link` header.
    pub(super) links: Vec<(&'static str, String)>,
}

/// Reduces the list in `body` to what `request` asks for.
pub(super) fn reduce(
    body: &mut Value,
    rows: &Rows,
    page: Option<&Page>,
    request: &Received,
) -> Paged {
    let Some(list) = rows.at.get(body).and_then(Value::as_array) else {
        return Paged::default();
    };
    let keys = keys(rows, request);
    let mut kept: Vec<Value> = list
        .iter()
        .filter(|row| keys.as_ref().is_none_or(|keys| is_asked(row, rows, keys)))
        .cloned()
        .collect();
    let mut paged = Paged::default();
    if let Some(paging) = &rows.page {
        let cut = Cut::new(paging, page, request);
        kept = cut.apply(kept, body, &mut paged);
    }
    rows.at.set(body, &Value::Array(kept));
    paged
}

/// The keys of the request; `None` where it names none, and gets all rows.
fn keys(rows: &Rows, request: &Received) -> Option<HashSet<String>> {
    let param = rows.param.as_deref()?;
    let mut keys: HashSet<String> = request
        .query_values(param)
        .flat_map(|value| value.split(',').map(str::to_owned))
        .collect();
    if let Some(value) = request.json.get(param) {
        keys.extend(words(value));
    }
    (!keys.is_empty()).then_some(keys)
}

fn is_asked(row: &Value, rows: &Rows, keys: &HashSet<String>) -> bool {
    let Some(matches) = &rows.matches else {
        return true;
    };
    let scope = Scope {
        this: Some(row),
        body: Some(row),
        ..Scope::default()
    };
    words(&matches.eval(&scope))
        .iter()
        .any(|word| keys.contains(word))
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Array(items) => items.iter().flat_map(words).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// One page of a list.
struct Cut<'a> {
    style: PageStyle,
    cursor: &'a str,
    next: Option<Place>,
    more: Option<Place>,
    total: Option<Place>,
    start: usize,
    size: usize,
    request: &'a Received,
}

impl<'a> Cut<'a> {
    /// Names that the example leaves out are those of the connector, else those that are usual.
    fn new(paging: &'a Paging, page: Option<&'a Page>, request: &'a Received) -> Self {
        let (usual_size, usual_cursor) = match paging.style {
            PageStyle::Offset => ("limit", "offset"),
            PageStyle::Cursor | PageStyle::Relay => ("limit", "cursor"),
            PageStyle::Link | PageStyle::Page => ("per_page", "page"),
        };
        let own = |name: Option<&'a Box<str>>| name.map(|name| &**name);
        let size = own(paging.size.as_ref())
            .or_else(|| own(page.and_then(|page| page.size.as_ref())))
            .unwrap_or(usual_size);
        let cursor = own(paging.cursor.as_ref())
            .or_else(|| own(page.and_then(|page| page.cursor.as_ref())))
            .unwrap_or(usual_cursor);
        let place = |own: &Option<Place>, expr: Option<&crate::sdl::expr::Expr>| {
            own.clone().or_else(|| expr.and_then(Place::of))
        };
        let number = |name: &str| request.query_values(name).next()?.parse::<usize>().ok();
        let size = number(size).unwrap_or(paging.page_size).clamp(1, MAX_SIZE);
        let start = match paging.style {
            PageStyle::Offset => number(cursor).unwrap_or(0),
            PageStyle::Link | PageStyle::Page => {
                number(cursor).unwrap_or(1).saturating_sub(1) * size
            }
            PageStyle::Cursor | PageStyle::Relay => request
                .query_values(cursor)
                .next()
                .and_then(|token| token.strip_prefix("at-")?.parse().ok())
                .unwrap_or(0),
        };
        Self {
            style: paging.style,
            cursor,
            next: place(&paging.next, page.and_then(|page| page.next.as_ref())),
            more: place(&paging.more, page.and_then(|page| page.more.as_ref())),
            total: place(&paging.total, page.and_then(|page| page.total.as_ref())),
            start,
            size,
            request,
        }
    }

    fn apply(&self, rows: Vec<Value>, body: &mut Value, paged: &mut Paged) -> Vec<Value> {
        let n_rows = rows.len();
        let end = self.start.saturating_add(self.size);
        let more = end < n_rows;
        let following = match self.style {
            PageStyle::Offset => end.to_string(),
            PageStyle::Link | PageStyle::Page => (end / self.size + 1).to_string(),
            PageStyle::Cursor | PageStyle::Relay => format!("at-{end}"),
        };
        if let Some(place) = &self.more {
            place.set(body, &Value::Bool(more));
        }
        if let Some(place) = &self.total {
            place.set(body, &Value::from(n_rows));
        }
        if let Some(place) = &self.next {
            let value = match self.style {
                _ if !more => Value::Null,
                PageStyle::Cursor | PageStyle::Relay => Value::from(following.as_str()),
                PageStyle::Link | PageStyle::Offset | PageStyle::Page => {
                    Value::from(following.parse::<u64>().unwrap_or_default())
                }
            };
            place.set(body, &value);
        }
        if self.style == PageStyle::Link {
            paged.links = self.links(more.then_some(&following), n_rows);
        }
        rows.into_iter().skip(self.start).take(self.size).collect()
    }

    /// As upstreams order them: what a client wants stands among what it does not.
    fn links(&self, following: Option<&String>, n_rows: usize) -> Vec<(&'static str, String)> {
        let page = self.start / self.size + 1;
        let last = n_rows.div_ceil(self.size).max(1);
        let mut links = Vec::new();
        if page > 1 {
            links.push(("prev", self.query_with(&(page - 1).to_string())));
        }
        links.extend(following.map(|next| ("next", self.query_with(next))));
        links.push(("first", self.query_with("1")));
        links.push(("last", self.query_with(&last.to_string())));
        links
    }

    fn query_with(&self, cursor: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.request.query {
            if name != self.cursor {
                query.append_pair(name, value);
            }
        }
        query.append_pair(self.cursor, cursor);
        query.finish()
    }
}

/// All rows of `bodies` in the first of them; the same row stands there once.
pub(super) fn united<'a>(bodies: impl IntoIterator<Item = (&'a Rows, Value)>) -> Value {
    let mut bodies = bodies.into_iter();
    let Some((first, mut united)) = bodies.next() else {
        return Value::Object(Map::new());
    };
    let mut list = taken(first, &united);
    for (rows, body) in bodies {
        for row in taken(rows, &body) {
            if !list.contains(&row) {
                list.push(row);
            }
        }
    }
    first.at.set(&mut united, &Value::Array(list));
    united
}

fn taken(rows: &Rows, body: &Value) -> Vec<Value> {
    let list = rows.at.get(body).and_then(Value::as_array);
    list.cloned().unwrap_or_default()
}
