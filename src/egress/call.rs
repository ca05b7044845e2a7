//! What is asked of an upstream, and what it replied.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

use crate::clock::Budget;

/// One request, retries included.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// Encoded, below the base's own path: begins with `/` or `?`, or is empty for the base itself.
    pub path_and_query: String,
    /// The path with its holes unfilled: what messages, traces and spans show.
    pub template: Arc<str>,
    /// Besides those of the source, which go before them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Option<Bytes>,
    pub lane: Lane,
    /// Until when there must be a reply; the source's own timeout holds within it.
    pub budget: Budget,
    /// Whether a second sending does no harm. Only then is there one.
    pub idempotent: bool,
    /// Which of the upstream's limits this counts against; `None` is what the upstream said of the same template before.
    pub resource: Option<Arc<str>>,
    /// What it takes of a limit that the upstream counts itself, from 1.
    pub cost: u64,
    pub validators: Validators,
    /// Statuses that the caller knows what to do with: they are replies, at once, whatever they would be otherwise.
    pub expects: Vec<u16>,
    /// The caller's own `Authorization` header, for a source that forwards it.
    pub authorization: Option<SecretString>,
}

impl Call {
    /// A plain `GET`.
    pub fn get(path_and_query: impl Into<String>, template: Arc<str>, budget: Budget) -> Self {
        Self {
            method: Method::GET,
            path_and_query: path_and_query.into(),
            template,
            headers: Vec::new(),
            body: None,
            lane: Lane::Interactive,
            budget,
            idempotent: true,
            resource: None,
            cost: 1,
            validators: Validators::default(),
            expects: Vec::new(),
            authorization: None,
        }
    }
}

/// For whom: what may wait leaves the last of a budget to what may not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Someone waits for it.
    #[default]
    Interactive,
    /// Something is refreshed that is still there.
    Poll,
    /// The catalog's own sources.
    Ingest,
}

impl Lane {
    /// The last part of a budget that this lane does not take.
    pub(super) fn reserve(self) -> f64 {
        match self {
            Self::Interactive => 0.0,
            Self::Ingest => 0.1,
            Self::Poll => 0.3,
        }
    }
}

/// What the caller holds already: an upstream that has nothing newer replies with status 304.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<HeaderValue>,
    pub last_modified: Option<HeaderValue>,
}

/// What an upstream said.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 2xx, 304, a status that says something of the thing asked for (404), or an expected one.
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// From the call to the last byte, waits and retries included.
    pub elapsed: Duration,
    /// How often it was sent, from 1.
    pub attempts: u32,
}

impl Reply {
    /// The length of the body.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }
}
