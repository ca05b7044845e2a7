//! A path joined to a base URL, so that scheme, host, port and base path stay what the operator wrote.

use url::{Position, Url};

use super::failure::Refusal;

/// The path and query of `path_and_query` below the path of `base`, as they stand in a request; empty is `base` itself.
///
/// What a URL parser would change is refused, not repaired: a segment that climbs, a backslash, a line break.
pub(super) fn join(base: &Url, path_and_query: &str) -> Result<String, Refusal> {
    if !is_plain(path_and_query) {
        return Err(Refusal::Path);
    }
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    // What the parser would leave as it is needs none.
    if path_and_query.bytes().all(is_kept) {
        let below = match path.is_empty() {
            true => base.path(),
            false => base.path().trim_end_matches('/'),
        };
        return Ok([below, path_and_query].concat());
    }
    let mut url = base.clone();
    if !path.is_empty() {
        let below = [base.path().trim_end_matches('/'), path].concat();
        url.set_path(&below);
    }
    url.set_query(query);
    match is_below(base, &url) {
        true => Ok(url[Position::BeforePath..Position::AfterQuery].to_owned()),
        false => Err(Refusal::Path),
    }
}

/// Whether a byte stays as it is in a path and in a query alike.
fn is_kept(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~%?&=+,:@!$()*;[]".contains(&byte)
}

/// The part of `link` behind the path of `base`, for [`join`]; an upstream's own link to its next page comes in so.
pub(super) fn below(base: &Url, link: &str) -> Result<String, Refusal> {
    let url = base.join(link).map_err(|_unreadable| Refusal::Path)?;
    let no_user = url.username().is_empty() && url.password().is_none();
    if !is_below(base, &url) || !no_user {
        return Err(Refusal::Path);
    }
    let base_path = base.path().trim_end_matches('/');
    let mut rest = url
        .path()
        .strip_prefix(base_path)
        .ok_or(Refusal::Path)?
        .to_owned();
    if let Some(query) = url.query() {
        rest.push('?');
        rest.push_str(query);
    }
    Ok(rest)
}

pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn is_below(base: &Url, url: &Url) -> bool {
    let base_path = base.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(base_path);
    same_origin(base, url) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_plain(path_and_query: &str) -> bool {
    let starts = path_and_query.is_empty() || path_and_query.starts_with(['/', '?']);
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '#';
    let (path, _query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    starts && !path_and_query.contains(odd) && !path.split('/').any(climbs)
}

/// `.` and `..`, however their dots are written: the parser takes them out.
fn climbs(segment: &str) -> bool {
    const WRITTEN: [&str; 6] = [".", "..", "%2e", ".%2e", "%2e.", "%2e%2e"];
    segment.starts_with(['.', '%'])
        && WRITTEN
            .iter()
            .any(|written| segment.eq_ignore_ascii_case(written))
}
