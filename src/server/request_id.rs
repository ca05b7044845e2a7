//! Request ids: the client's own if it is a harmless one, else a new one.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from a client.
const MAX_LENGTH: usize = 64;

/// Makes ids that differ from those of other processes and of earlier starts.
#[derive(Debug)]
pub(super) struct Source {
    seed: u64,
    counter: AtomicU64,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            seed: RandomState::new().hash_one("callboard"),
            counter: AtomicU64::new(0),
        }
    }
}

impl Source {
    pub(super) fn id(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(HEADER) {
            Some(given) if is_harmless(given.as_bytes()) => given.clone(),
            _ => self.new_id(),
        }
    }

    fn new_id(&self) -> HeaderValue {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        // An odd factor makes a one-to-one map of the numbers that are close together.
        let number = (self.seed ^ count).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut text = [0; 16];
        match hex::encode_to_slice(number.to_be_bytes(), &mut text) {
            Ok(()) => HeaderValue::from_bytes(&text)
                .unwrap_or_else(|_not_ascii| HeaderValue::from_static("0")),
            Err(_wrong_length) => HeaderValue::from_static("0"),
        }
    }
}

/// The id of a request that the edge let through.
pub(super) fn of(headers: &HeaderMap) -> &str {
    let id = headers.get(HEADER).and_then(|id| id.to_str().ok());
    id.unwrap_or_default()
}

fn is_harmless(id: &[u8]) -> bool {
    !id.is_empty()
        && id.len() <= MAX_LENGTH
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}
