//! Rate-limit headers that move: what an example writes is where they begin.

use std::time::Duration;

use jiff::Timestamp;

/// After so long the upstream counts anew.
const WINDOW: i64 = 60;
/// Larger numbers are points in time, in seconds since 1970; smaller ones are seconds from now.
const EPOCH: i64 = 1_000_000_000;

/// The value of a header at `now`, with so many requests before it in this window.
pub(super) fn header(name: &str, written: &str, n_requests: u64, now: Timestamp) -> String {
    let name = name.to_ascii_lowercase();
    let limits = name.contains("ratelimit") || name.contains("rate-limit");
    let Some(number) = written.parse::<i64>().ok().filter(|_| limits) else {
        return written.to_owned();
    };
    let left = WINDOW - now.as_second().rem_euclid(WINDOW);
    if name.ends_with("remaining") {
        let asked = i64::try_from(n_requests).unwrap_or(i64::MAX);
        number.saturating_sub(asked).max(0).to_string()
    } else if name.ends_with("reset") && number > EPOCH {
        (now.as_second() + left).to_string()
    } else if name.ends_with("reset") {
        left.to_string()
    } else {
        written.to_owned()
    }
}

/// The window that `now` is in.
pub(super) fn window(now: Timestamp) -> i64 {
    now.as_second().div_euclid(WINDOW)
}

/// A path's own share of the latency: up to as much again as the least, always the same.
pub(super) fn latency(least: Duration, path: &str) -> Duration {
    let sum: u32 = path.bytes().map(u32::from).sum();
    least + least * (sum % 8) / 8
}
