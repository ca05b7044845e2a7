//! The body of an answer, read up to its limit.

use bytes::{Bytes, BytesMut};
use hyper::body::Body as _;

use super::exchange::Answer;
use super::failure::Kind;
use super::pool::Answering;

/// What is set aside for a body whose length is told before it comes.
const FIRST_BYTES: usize = 1 << 20;

/// Reads all of it, not more than `limit`; a `bare` answer tells the length of what it does not send.
pub(super) async fn read(
    mut answering: Answering,
    limit: usize,
    is_bare: bool,
) -> Result<Answer, Kind> {
    let response = &mut answering.response;
    let status = response.status().as_u16();
    let told = response.body().size_hint().exact();
    if told.is_some_and(|told| told > limit as u64) && !is_bare {
        return Err(Kind::TooLarge { limit });
    }
    let headers = std::mem::take(response.headers_mut());
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(chunk) = answering.chunk().await? {
        if first.len().max(all.len()) + chunk.len() > limit {
            return Err(Kind::TooLarge { limit });
        }
        // Most come in one piece, and that is not copied.
        if first.is_empty() && all.is_empty() {
            first = chunk;
            continue;
        }
        if all.is_empty() {
            let told = told.and_then(|told| usize::try_from(told).ok());
            all.reserve(told.unwrap_or(0).min(FIRST_BYTES));
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&chunk);
    }
    answering.end();
    let body = match all.is_empty() {
        true => first,
        false => all.freeze(),
    };
    Ok(Answer {
        status,
        headers,
        body,
    })
}
