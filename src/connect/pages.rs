//! Reading lists: page by page, as far as somebody wants them.
//!
//! | style | the next page |
//! | --- | --- |
//! | LINK | where the `Link` header says, below the source's own URL |
//! | CURSOR | a word from the body, given back in a parameter |
//! | OFFSET | so many objects further |
//! | PAGE | the next number, from 1 |

use serde_json::Value;

use super::encode::with_param;
use super::fault;
use super::instances::Instance;
use super::kept::Reading;
use super::request::{self, Asked, Said, Terms, Trouble};
use super::routes::Fetch;
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

/// Reads on in a list until `wanted` objects are there or it ends.
pub(super) async fn read_on(
    fetch: &Fetch,
    instance: &Instance,
    asked: &Asked,
    terms: Terms<'_>,
    reading: &mut Reading,
    wanted: usize,
) -> Result<Read, Trouble> {
    let mut no_store = false;
    loop {
        let path = path_of(fetch, asked, reading, wanted);
        let said = asked.at(path).send(fetch, instance, terms, None).await?;
        let (mut body, headers) = match said {
            Said::Body(body, headers) => (body, headers),
            Said::Absent(status) if reading.progress.pages == 0 => return Ok(Read::Absent(status)),
            // A page behind the last one.
            Said::Absent(_) | Said::Unchanged => {
                reading.progress.next = None;
                return Ok(Read::Rows { no_store });
            }
        };
        no_store |= request::is_no_store(&headers);
        add(fetch, instance, &mut body, &headers, reading).map_err(Trouble::Fault)?;
        if reading.rows.len() >= wanted || reading.progress.next.is_none() {
            return Ok(Read::Rows { no_store });
        }
    }
}

/// Where the next page is.
fn path_of(fetch: &Fetch, asked: &Asked, reading: &mut Reading, wanted: usize) -> String {
    let Some(page) = &fetch.connect.page else {
        return asked.path.clone();
    };
    let progress = &mut reading.progress;
    if progress.pages == 0 {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        progress.size = wanted.clamp(1, page.max_size);
    }
    let mut path = asked.path.clone();
    if let Some(size) = &page.size {
        path = with_param(&path, size, &progress.size.to_string());
    }
    match (&progress.next, page.style, &page.cursor) {
        (None, _, _) => path,
        (Some(next), PageStyle::Link, _) => next.clone(),
        (Some(next), _, Some(cursor)) => with_param(&path, cursor, next),
        (Some(_), _, None) => path,
    }
}

/// Adds what one page brought, and finds where the next one is.
fn add(
    fetch: &Fetch,
    instance: &Instance,
    body: &mut Value,
    headers: &HeaderMap,
    reading: &mut Reading,
) -> Result<(), super::seam::Fault> {
    let connect = &fetch.connect;
    let bad = |why: &str| fault::bad_shape(fetch.connector(), &fetch.template, why);
    let said = connect.page.as_ref().map(|page| PageSays::of(page, body));
    let rows = match request::take(&connect.at, body) {
        Value::Array(rows) => rows,
        Value::Null => Vec::new(),
        _ => return Err(bad("gave something else where a list should be")),
    };
    let came = rows.len();
    reading.rows.extend(rows);
    reading.progress.pages += 1;
    let (Some(page), Some(said)) = (&connect.page, said) else {
        return Ok(());
    };
    let progress = &mut reading.progress;
    progress.total = said.total.or(progress.total);
    let before = progress.next.take();
    let full = page.size.is_none() || came >= progress.size as usize;
    let more = match (said.more, progress.total) {
        (Some(more), _) => more,
        (None, Some(total)) => (reading.rows.len() as u64) < total && came > 0,
        (None, None) => full && came > 0,
    };
    progress.next = match page.style {
        PageStyle::Link => match next_link(headers) {
            Some(link) => Some(
                instance
                    .upstream
                    .below(&link)
                    .map_err(|_elsewhere| bad("leads elsewhere for its next page"))?,
            ),
            None => None,
        },
        PageStyle::Cursor | PageStyle::Relay => said.next.filter(|_| said.more != Some(false)),
        PageStyle::Offset => more.then(|| reading.rows.len().to_string()),
        PageStyle::Page => more.then(|| (progress.pages + 1).to_string()),
    };
    // The same page again and again would never end.
    if progress.next.is_some() && progress.next == before {
        return Err(bad("leads from a page to the same page"));
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
fn next_link(headers: &HeaderMap) -> Option<String> {
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
