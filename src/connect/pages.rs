//! Reading lists: page by page, as far as somebody wants them.
//!
//! | style | the next page |
//! | --- | --- |
//! | LINK | where the `Link` header says, below the source's own URL |
//! | CURSOR | a word from the body, given back in a parameter |
//! | OFFSET | so many objects further |
//! | PAGE | the next number, from 1 |
//!
//! Size and place are parameters of the query, or members of the body where the request has one.
//!
//! Where all pages are one answer (`whole`), they are read to the end at once, and kept as one body: the lists in it are those of all pages.

use serde_json::Value;

use super::fault;
use super::instances::Instance;
use super::kept::{Progress, Reading};
use super::provide::Extent;
use super::request::{self, Asked, Said, Terms, Trouble};
use super::routes::Fetch;
use super::seam::Fault;
use crate::egress::HeaderMap;
use crate::sdl::{Page, PageStyle};

/// What came of reading on.
pub(super) enum Read {
    /// There is no such list.
    Absent(u16),
    Rows {
        /// The upstream forbids keeping it.
        no_store: bool,
    },
}

/// Reads on in a list until as many objects are there as are wanted, or it ends.
pub(super) async fn read_on(
    fetch: &Fetch,
    instance: &Instance,
    asked: &Asked,
    terms: Terms<'_>,
    reading: &mut Reading,
    wanted: Extent,
) -> Result<Read, Trouble> {
    let read = read_pages(fetch, instance, asked, terms, reading, wanted).await?;
    if fetch.is_whole() {
        let pages = std::mem::take(&mut reading.bodies).into_iter();
        reading.bodies = pages.reduce(joined).into_iter().collect();
    }
    Ok(read)
}

async fn read_pages(
    fetch: &Fetch,
    instance: &Instance,
    asked: &Asked,
    terms: Terms<'_>,
    reading: &mut Reading,
    wanted: Extent,
) -> Result<Read, Trouble> {
    let mut no_store = false;
    loop {
        let next = next_of(fetch, instance, asked, reading, wanted.size).map_err(Trouble::Fault)?;
        let said = next.send(fetch, instance, terms, None).await?;
        let (body, headers) = match said {
            Said::Body(body, headers) => (body, headers),
            Said::Absent(status) if reading.progress.pages == 0 => return Ok(Read::Absent(status)),
            // A page behind the last one.
            Said::Absent(_) | Said::Unchanged => {
                reading.progress.next = None;
                return Ok(Read::Rows { no_store });
            }
        };
        no_store |= request::is_no_store(&headers);
        add(fetch, body, &headers, reading).map_err(Trouble::Fault)?;
        let is_enough = reading.n_rows >= wanted.rows && !fetch.is_whole();
        if is_enough || reading.progress.next.is_none() {
            return Ok(Read::Rows { no_store });
        }
    }
}

/// The request for the next page.
fn next_of(
    fetch: &Fetch,
    instance: &Instance,
    asked: &Asked,
    reading: &mut Reading,
    size: usize,
) -> Result<Asked, Fault> {
    let Some(page) = &fetch.connect.page else {
        return Ok(asked.clone());
    };
    let progress = &mut reading.progress;
    if progress.pages == 0 {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        progress.size = match page.whole {
            true => page.max_size,
            false => size.clamp(1, page.max_size),
        };
    }
    let sized = match &page.size {
        Some(size) => asked.clone().with(size, progress.size.into()),
        None => asked.clone(),
    };
    Ok(match (&progress.next, page.style, &page.cursor) {
        (None, _, _) => sized,
        (Some(next), PageStyle::Link, _) => match instance.upstream.below(next) {
            Ok(below) => asked.at(below),
            Err(_elsewhere) => return Err(bad(fetch, "leads elsewhere for its next page")),
        },
        (Some(next), PageStyle::Offset | PageStyle::Page, Some(cursor)) => {
            // They are counted by us.
            let number = next.parse::<u64>().map_or(Value::Null, Value::from);
            sized.with(cursor, number)
        }
        (Some(next), _, Some(cursor)) => sized.with(cursor, next.as_str().into()),
        (Some(_), _, None) => sized,
    })
}

fn bad(fetch: &Fetch, why: &str) -> Fault {
    fault::bad_shape(fetch.connector(), &fetch.template, why)
}

/// Adds what one page brought, and finds where the next one is.
fn add(
    fetch: &Fetch,
    body: Value,
    headers: &HeaderMap,
    reading: &mut Reading,
) -> Result<(), Fault> {
    let came = match fetch.is_whole() {
        // `at` looks at all pages together.
        true => longest(&body),
        false => match &*request::evaluate(&fetch.connect.at, &body) {
            Value::Array(rows) => rows.len(),
            Value::Null => 0,
            // Who looks elsewhere in it may find what he wants.
            _ => {
                reading.is_misshapen = true;
                0
            }
        },
    };
    reading.n_rows += came;
    let link = next_link(headers);
    let n_rows = reading.n_rows;
    go_on(
        fetch,
        &mut reading.progress,
        &body,
        link.as_deref(),
        came,
        n_rows,
    )?;
    if reading.bodies.is_empty() {
        reading.link = link;
    }
    if reading.is_misshapen {
        reading.progress.next = None;
    }
    reading.bodies.push(body);
    Ok(())
}

pub(super) fn misshapen(fetch: &Fetch) -> Fault {
    bad(fetch, "gave something else where a list should be")
}

pub(super) fn cut_off(fetch: &Fetch) -> Fault {
    bad(fetch, "has more pages than `maxPages` allows")
}

/// Two pages as one: lists go on where they stand, and all else is as the first page says it.
fn joined(before: Value, page: Value) -> Value {
    match (before, page) {
        (Value::Array(mut rows), Value::Array(more)) => {
            rows.extend(more);
            Value::Array(rows)
        }
        (Value::Object(mut members), Value::Object(more)) => {
            for (name, value) in more {
                let before = members.remove(&name);
                let value = match before {
                    Some(before) => joined(before, value),
                    None => value,
                };
                members.insert(name, value);
            }
            Value::Object(members)
        }
        (before, _) => before,
    }
}

/// Rows of the longest list of a page.
fn longest(page: &Value) -> usize {
    match page {
        Value::Array(rows) => rows.len(),
        Value::Object(members) => members.values().map(longest).max().unwrap_or_default(),
        _ => 0,
    }
}

/// How a list goes on behind its first page, which somebody else has read.
pub(super) fn behind_first(fetch: &Fetch, body: &Value, link: Option<&str>, size: u32) -> Progress {
    let mut progress = Progress {
        size,
        ..Progress::default()
    };
    let came = match &*fetch.at.take(body) {
        Value::Array(rows) => rows.len(),
        _ => 0,
    };
    // The first page leads to no page that was read before.
    match go_on(fetch, &mut progress, body, link, came, came) {
        Ok(()) | Err(_) => progress,
    }
}

/// One page further: where the next one is, if there is one.
fn go_on(
    fetch: &Fetch,
    progress: &mut Progress,
    body: &Value,
    link: Option<&str>,
    came: usize,
    n_rows: usize,
) -> Result<(), Fault> {
    progress.pages += 1;
    let Some(page) = &fetch.connect.page else {
        return Ok(());
    };
    let said = PageSays::of(page, body);
    progress.total = said.total.or(progress.total);
    let before = progress.next.take();
    let full = page.size.is_none() || came >= progress.size as usize;
    let more = match (said.more, progress.total) {
        (Some(more), _) => more,
        (None, Some(total)) => (n_rows as u64) < total && came > 0,
        (None, None) => full && came > 0,
    };
    progress.next = match page.style {
        PageStyle::Link => link.map(str::to_owned),
        PageStyle::Cursor | PageStyle::Relay => said.next.filter(|_| said.more != Some(false)),
        PageStyle::Offset => more.then(|| n_rows.to_string()),
        PageStyle::Page => more.then(|| (progress.pages + 1).to_string()),
    };
    // The same page again and again would never end.
    if progress.next.is_some() && progress.next == before {
        return Err(bad(fetch, "leads from a page to the same page"));
    }
    if progress.next.is_some() && progress.pages >= page.max_pages {
        progress.next = None;
        progress.cut = true;
    }
    Ok(())
}

/// What a body says of the pages.
struct PageSays {
    next: Option<String>,
    more: Option<bool>,
    total: Option<u64>,
}

impl PageSays {
    fn of(page: &Page, body: &Value) -> Self {
        let value = |expr: &Option<crate::sdl::expr::Expr>| {
            let found = request::evaluate(expr.as_ref()?, body);
            (!found.is_null()).then(|| found.into_owned())
        };
        Self {
            next: match value(&page.next) {
                Some(Value::String(text)) if !text.is_empty() => Some(text),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            },
            more: match value(&page.more) {
                Some(Value::Bool(more)) => Some(more),
                // Any other value is a sign that there is something; none is a sign that there is not.
                Some(_) => Some(true),
                None => page.more.is_some().then_some(false),
            },
            total: value(&page.total).and_then(|total| total.as_u64()),
        }
    }
}

/// The target of `rel="next"`.
pub(super) fn next_link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all("link").iter();
    let mut values = values.filter_map(|value| value.to_str().ok());
    values.find_map(|value| {
        let mut rest = value;
        while let Some((_, link)) = rest.split_once('<') {
            let (target, behind) = link.split_once('>')?;
            let parameters = behind.split_once('<').map_or(behind, |(own, _)| own);
            if parameters.split([';', ',']).any(is_next) {
                return Some(target.to_owned());
            }
            rest = behind;
        }
        None
    })
}

fn is_next(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or_default();
    let mut words = value.trim().trim_matches('"').split(' ');
    name.trim().eq_ignore_ascii_case("rel") && words.any(|word| word.eq_ignore_ascii_case("next"))
}
