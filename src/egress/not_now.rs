//! Whether an answer says that the upstream would rather be asked later, and when.
//!
//! Three ways are in use: a header that says how long, an empty window among its limits, and, with neither, words in the body of a 403 that would else be a refused credential.
//! Which words those are is data of the source; nothing is taken from the body but whether they stand in it.

use std::time::Duration;

use hyper::header::HeaderMap;
use jiff::Timestamp;

use super::budget::UNTOLD_RESET;
use super::exchange::Answer;
use super::limit_headers::{self, AllSaid};
use super::spec::Limits;
use super::upstream::Upstream;

/// The upstream would rather be asked later.
#[derive(Clone, Copy, Debug)]
pub(super) enum NotNow {
    /// It said how long it wants to be left alone by everyone, or should have.
    For(Option<Duration>),
    /// One of its windows is empty until then; what counts against others goes on.
    Until(Duration),
}

/// Words of a refusal stand at the beginning of a short body.
const MOST_READ: usize = 16 << 10;

impl NotNow {
    pub(super) fn of(
        answer: &Answer,
        said: &AllSaid,
        limits: &Limits,
        now: Timestamp,
    ) -> Option<Self> {
        if !matches!(answer.status, 403 | 429 | 503) {
            return None;
        }
        let told = limit_headers::retry_after(&answer.headers, now);
        let empty = said.iter().filter(|said| said.remaining == 0);
        let reset = empty.map(|said| said.reset.unwrap_or(UNTOLD_RESET)).max();
        match (answer.status, told, reset) {
            (_, Some(told), _) => Some(Self::For(Some(told))),
            (403 | 429, None, Some(reset)) => Some(Self::Until(reset)),
            (403 | 429, None, None) if has_phrase(&answer.body, &limits.limit_phrases) => {
                Some(Self::For(Some(limits.limit_pause)))
            }
            (429, None, None) => Some(Self::For(None)),
            _ => None,
        }
    }

    /// How long that is, where it was said.
    pub(super) fn wait(self) -> Option<Duration> {
        match self {
            Self::For(wait) => wait,
            Self::Until(wait) => Some(wait),
        }
    }
}

impl Upstream {
    /// Where an answer that is well in HTTP holds `words` of an error: if they mean too many requests, nobody asks for as long as the headers say, or for the source's pause; gives how long that is.
    pub async fn heed(&self, words: &str, status: u16, headers: &HeaderMap) -> Option<Duration> {
        let limits = &self.spec.limits;
        if !has_phrase(words.as_bytes(), &limits.limit_phrases) {
            return None;
        }
        let told = limit_headers::retry_after(headers, self.now());
        let wait = self
            .budgets
            .pause(Some(told.unwrap_or(limits.limit_pause)), status);
        self.publish_pause(wait, status).await;
        Some(wait)
    }
}

/// Whether one of `phrases` stands in the body, in whatever case.
fn has_phrase(body: &[u8], phrases: &[Box<str>]) -> bool {
    let body = body.get(..MOST_READ).unwrap_or(body);
    phrases.iter().any(|phrase| {
        let phrase = phrase.as_bytes();
        !phrase.is_empty()
            && body
                .windows(phrase.len())
                .any(|part| part.eq_ignore_ascii_case(phrase))
    })
}
