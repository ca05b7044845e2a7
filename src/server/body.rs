//! The body of a request, up to a limit.
//!
//! What is over the limit is read and thrown away for a while: a client that is still sending when the connection closes sees a broken pipe, and never the refusal that names the limit.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use crate::clock::Budget;
use crate::config::LimitsConfig;

/// How much of a body that is refused is still read, and for how long: enough for clients that are only careless.
const DISCARDED_BYTES: usize = 64 * 1024 * 1024;
const DISCARDING: Duration = Duration::from_secs(2);

/// The whole body, or why not.
pub(super) async fn read(
    limits: &LimitsConfig,
    mut body: Body,
    headers: &HeaderMap,
    budget: Budget,
) -> Result<Bytes, Refusal> {
    let limit = limits.body_size;
    let too_large = Refusal::TooLarge {
        setting: "limits.bodySize",
        limit,
    };
    if announced(headers).is_some_and(|length| length > limit) {
        // Who waits for our word before sending gets it at once.
        if !headers.contains_key(header::EXPECT) {
            discard(body).await;
        }
        return Err(too_large);
    }
    let limited = Limited::new(&mut body, usize::try_from(limit).unwrap_or(usize::MAX));
    match timeout_at(budget.deadline, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(too_large)
        }
        Ok(Err(error)) => {
            let message = format!("the body could not be read: {error}");
            Err(Refusal::BadRequest(message))
        }
        Err(_elapsed) => Err(Refusal::SlowBody {
            seconds: limits.request_time.as_secs(),
        }),
    }
}

pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Reads what a client is still sending, for a while.
pub(super) async fn discard(mut body: Body) {
    let until = Instant::now() + DISCARDING;
    let mut discarded = 0;
    while discarded < DISCARDED_BYTES {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => discarded += frame.data_ref().map_or(0, Bytes::len),
            // Its end, a client that went away, or no more patience: the refusal is sent all the same.
            Ok(Some(Err(_)) | None) | Err(_) => return,
        }
    }
}
