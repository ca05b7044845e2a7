//! What an upstream says of its own limits, whoever it is.
//!
//! One table of header families, of which providers differ only in spelling; the form of each value is told from the value.
//! Where several windows are told (a second's and an hour's, an organisation's and a user's) all are kept, and the lowest counts.

use std::borrow::Cow;
use std::time::Duration;

use hyper::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use jiff::Timestamp;
use smallvec::SmallVec;

/// One window as told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Tells a window from the others of the same answer.
    pub(super) window: Cow<'static, str>,
    pub(super) limit: Option<u64>,
    pub(super) remaining: u64,
    /// From now.
    pub(super) reset: Option<Duration>,
}

pub(super) type AllSaid = SmallVec<[Said; 2]>;

struct Family {
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

macro_rules! family {
    ($prefix:literal, $suffix:literal) => {
        Family {
            limit: concat!($prefix, "limit", $suffix),
            remaining: concat!($prefix, "remaining", $suffix),
            reset: concat!($prefix, "reset", $suffix),
        }
    };
}

const FAMILIES: [Family; 9] = [
    family!("x-ratelimit-", ""),
    family!("ratelimit-", ""),
    family!("ratelimit-user-", ""),
    family!("x-rate-limit-", ""),
    family!("x-ratelimit-", "-second"),
    family!("x-ratelimit-", "-minute"),
    family!("x-ratelimit-", "-hour"),
    family!("x-ratelimit-", "-day"),
    family!("x-ratelimit-", "-month"),
];

/// Which of the upstream's limits the request counted against.
const RESOURCE: &str = "x-ratelimit-resource";

/// The one header of the IETF's drafts, and its companion with the limits.
const STRUCTURED: &str = "ratelimit";
const POLICY: &str = "ratelimit-policy";

/// A header that tells more windows than this is no longer read.
const MOST_WINDOWS: usize = 8;
const LONGEST_NAME: usize = 64;

/// All windows that the headers tell of.
pub(super) fn windows(headers: &HeaderMap, now: Timestamp) -> AllSaid {
    let mut all = AllSaid::new();
    // Most answers tell of none, and nothing is looked up in them.
    let tells = |name: &HeaderName| {
        ["ratelimit", "x-rate"]
            .iter()
            .any(|begin| name.as_str().starts_with(begin))
    };
    if !headers.keys().any(tells) {
        return all;
    }
    let now = server_time(headers).unwrap_or(now);
    for family in &FAMILIES {
        // The newest draft has a `ratelimit` of its own, which is read below.
        let Some(remaining) = text(headers, family.remaining).and_then(number) else {
            continue;
        };
        all.push(Said {
            window: Cow::Borrowed(family.remaining),
            limit: text(headers, family.limit).and_then(number),
            remaining,
            reset: text(headers, family.reset).and_then(|text| moment(text, now)),
        });
    }
    if let Some(value) = text(headers, STRUCTURED) {
        structured(value, text(headers, POLICY), &mut all);
    }
    all
}

/// The name of the limit that the request counted against.
pub(super) fn resource(headers: &HeaderMap) -> Option<&str> {
    text(headers, RESOURCE).filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME)
}

/// When to ask again: a number of seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    moment(value, server_time(headers).unwrap_or(now))
}

/// Dates are by the upstream's clock, so they are compared with what it shows.
pub(super) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    date(headers.get(DATE)?.to_str().ok()?)
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The leading integer: `100`, and `100, 100;w=60` of an early draft.
fn number(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let is_end = rest.is_empty() || rest.starts_with([',', ';', '.', ' ']);
    is_end.then(|| digits.parse().ok()).flatten()
}

/// Seconds from now, seconds or milliseconds since 1970, or a date; what is past is now.
fn moment(text: &str, now: Timestamp) -> Option<Duration> {
    const EPOCH_SECONDS: f64 = 1e9;
    const EPOCH_MILLIS: f64 = 1e12;
    let text = text.trim();
    let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
    let Ok(number) = text.parse::<f64>() else {
        return date(text).map(until);
    };
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    if number < EPOCH_SECONDS {
        return Some(Duration::from_secs_f64(number));
    }
    let seconds = match number < EPOCH_MILLIS {
        true => number,
        false => number / 1e3,
    };
    Timestamp::from_second(seconds.ceil() as i64)
        .ok()
        .map(until)
}

/// The date of HTTP, or that of RFC 3339.
fn date(text: &str) -> Option<Timestamp> {
    let of_http = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    of_http.ok().or_else(|| text.parse().ok())
}

/// `limit=100, remaining=50, reset=5`, or `"default";r=50;t=30` with `"default";q=100;w=60` as policy.
fn structured(value: &str, policy: Option<&str>, all: &mut AllSaid) {
    let flat: Vec<_> = value.split(',').filter_map(pair).collect();
    if let Some(remaining) = find(&flat, "remaining") {
        all.push(Said {
            window: Cow::Borrowed(STRUCTURED),
            limit: find(&flat, "limit"),
            remaining,
            reset: find(&flat, "reset").map(Duration::from_secs),
        });
        return;
    }
    let policies: Vec<_> = policy.map(items).unwrap_or_default();
    for (name, parameters) in items(value).into_iter().take(MOST_WINDOWS) {
        let Some(remaining) = find(&parameters, "r") else {
            continue;
        };
        let policy = policies.iter().find(|(other, _)| *other == name);
        all.push(Said {
            window: Cow::Owned(name.chars().take(LONGEST_NAME).collect()),
            limit: policy.and_then(|(_, parameters)| find(parameters, "q")),
            remaining,
            reset: find(&parameters, "t").map(Duration::from_secs),
        });
    }
}

type Parameters<'a> = Vec<(&'a str, u64)>;

/// `"a";r=1;t=2, "b";r=3` as names with their parameters.
fn items(value: &str) -> Vec<(&str, Parameters<'_>)> {
    let mut all = Vec::new();
    for item in value.split(',') {
        let mut parts = item.split(';');
        let name = parts.next().unwrap_or_default().trim().trim_matches('"');
        all.push((name, parts.filter_map(pair).collect()));
    }
    all
}

fn pair(text: &str) -> Option<(&str, u64)> {
    let (name, value) = text.split_once('=')?;
    Some((name.trim(), number(value.trim())?))
}

fn find(pairs: &[(&str, u64)], name: &str) -> Option<u64> {
    let pair = pairs.iter().find(|(other, _)| *other == name);
    pair.map(|(_, value)| *value)
}
