//! What clients are told of a request that failed.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::seam::Fault;
use crate::cache;
use crate::egress;

pub(super) const BAD_SHAPE: &str = "UPSTREAM_BAD_SHAPE";
pub(super) const NOT_FOUND: &str = "UPSTREAM_NOT_FOUND";
const UNAVAILABLE: &str = "UPSTREAM_UNAVAILABLE";
pub(super) const UNAUTHORIZED: &str = "UPSTREAM_UNAUTHORIZED";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// A failure of the request itself.
pub(super) fn of_failure(failure: &egress::Failure, now: Timestamp) -> Fault {
    let fault = Fault::new(failure.code(), failure.to_string())
        .with("connector", &*failure.place.connector);
    let fault = match failure.status() {
        Some(status) => fault.with("upstreamStatus", status),
        None => fault,
    };
    match failure.retry_at() {
        Some(at) => {
            let seconds = at.duration_since(now).as_secs().max(0) + 1;
            fault.with("retryAfter", seconds)
        }
        None => fault,
    }
}

/// A reply with a status that is no answer.
pub(super) fn of_status(connector: &str, template: &str, status: u16) -> Fault {
    let code = match status {
        401 | 403 => UNAUTHORIZED,
        404 | 410 => NOT_FOUND,
        _ => UNAVAILABLE,
    };
    let message = match status {
        404 | 410 => format!("`{connector}` does not know what was asked for at `{template}`"),
        _ => format!("`{connector}` answered with status {status} at `{template}`"),
    };
    Fault::new(code, message)
        .with("connector", connector)
        .with("upstreamStatus", status)
}

/// A reply that is not what it should be; what it is is not said.
pub(super) fn bad_shape(connector: &str, template: &str, why: &str) -> Fault {
    let message = format!("`{connector}` {why} at `{template}`");
    Fault::new(BAD_SHAPE, message).with("connector", connector)
}

/// From when on another try may succeed.
pub(super) fn retry_at(fault: &Fault, now: Timestamp) -> Option<Timestamp> {
    let seconds = fault.extensions.get("retryAfter").and_then(Value::as_i64)?;
    now.checked_add(jiff::SignedDuration::from_secs(seconds))
        .ok()
}

/// As followers of a flight are told.
pub(super) fn shared(fault: &Fault) -> cache::Failure {
    Arc::new(fault.clone())
}

/// What the leader of a flight said.
pub(super) fn of_shared(failure: &cache::Failure) -> Fault {
    match failure.downcast_ref::<Fault>() {
        Some(fault) => fault.clone(),
        None => Fault::new(UNAVAILABLE, "the upstream gave no answer"),
    }
}

/// Codes that upstreams' failures have.
const CODES: [&str; 8] = [
    BAD_SHAPE,
    NOT_FOUND,
    UNAVAILABLE,
    UNAUTHORIZED,
    "UPSTREAM_TIMEOUT",
    "UPSTREAM_RATE_LIMITED",
    "CIRCUIT_OPEN",
    "BUDGET_EXHAUSTED",
];

/// A code that was written down.
pub(super) fn known_code(code: &str) -> &'static str {
    CODES
        .iter()
        .find(|known| **known == code)
        .map_or(UNAVAILABLE, |known| *known)
}
