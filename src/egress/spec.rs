//! What an upstream is: where, as whom, and how much.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::credential::Credential;

/// One upstream as configured: a `@source` of a connector for one instance.
#[derive(Clone, Debug)]
pub struct UpstreamSpec {
    pub connector: Arc<str>,
    pub source: Arc<str>,
    /// `default` where the configuration names none.
    pub instance: Arc<str>,
    /// Scheme, host, port and the path below which all requests go.
    pub base: Url,
    pub credential: Credential,
    /// Sent with every request to the base's own scheme, host and port, and to no other.
    pub headers: Vec<(HeaderName, SecretString)>,
    pub limits: Limits,
    /// `host` or `host:port`: where a redirect may lead besides the base, then without credential and headers.
    pub allow_hosts: Vec<String>,
    /// The part of the upstream's limits that is ours, above 0 and at most 1; the rest is for others who use the same credential.
    pub share: f64,
}

/// What a source may cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// For one attempt, from its sending to the last byte of its answer; the caller's budget may be shorter.
    pub timeout: Duration,
    /// Attempts after the first, of idempotent requests.
    pub retries: u32,
    /// Requests at a time.
    pub concurrency: usize,
    /// Requests within any minute; `None` leaves it to what the upstream says.
    pub per_minute: Option<u32>,
    /// The part of the upstream's own limit that is left untouched, from 0 to 1.
    pub budget_floor: f64,
    /// How many failures beyond successes open the breaker.
    ///
    /// Five, with sixteen at a time: an upstream that goes down sees at most twenty requests fail.
    /// With more at a time, what is under way at that moment has been sent, and fails as well; nothing is sent after it.
    pub breaker_errors: u32,
    /// How long an open breaker lets nothing through before it tries again with one request.
    pub breaker_sleep: Duration,
    /// The longest body of an answer, in bytes.
    pub max_bytes: usize,
    /// What stands in the body of a 403 or 429 that means too many requests and says nothing of it in its headers; in any case.
    pub limit_phrases: Vec<Box<str>>,
    /// How long the upstream is left alone after such an answer.
    pub limit_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            retries: 2,
            concurrency: 16,
            per_minute: None,
            budget_floor: 0.0,
            breaker_errors: 5,
            breaker_sleep: Duration::from_secs(30),
            max_bytes: 8 << 20,
            limit_phrases: Vec::new(),
            limit_pause: Duration::from_secs(60),
        }
    }
}

/// What is wrong with a spec; no value is repeated, as it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("the URL must begin with `http://` or `https://` and name a host")]
    Scheme,
    #[error("the URL must hold no user name and no password; give them as the source's `auth`")]
    UserInfo,
    #[error("the URL must have no query and no fragment")]
    Query,
    #[error("the value of the header `{0}` holds a line break or another control character")]
    HeaderValue(String),
    #[error("the header `{0}` is set by the transport itself")]
    HeaderName(String),
    #[error("the credential holds a line break or another control character")]
    Credential,
    #[error("`{0}` must be above 0")]
    Zero(&'static str),
    #[error("`{0}` must be a number from 0 to 1")]
    Fraction(&'static str),
}

/// Headers that say how a message travels; a wrong one makes two requests of one.
const TRANSPORT: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

pub(super) fn is_transport(name: &HeaderName) -> bool {
    TRANSPORT.contains(name)
}

impl UpstreamSpec {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        if !matches!(self.base.scheme(), "http" | "https") || self.base.host().is_none() {
            return Err(SpecError::Scheme);
        }
        if !self.base.username().is_empty() || self.base.password().is_some() {
            return Err(SpecError::UserInfo);
        }
        if self.base.query().is_some() || self.base.fragment().is_some() {
            return Err(SpecError::Query);
        }
        self.check_limits()
    }

    fn check_limits(&self) -> Result<(), SpecError> {
        let limits = &self.limits;
        for (name, is_zero) in [
            ("timeout", limits.timeout.is_zero()),
            ("concurrency", limits.concurrency == 0),
            ("perMinute", limits.per_minute == Some(0)),
            ("breakerErrors", limits.breaker_errors == 0),
            ("maxBytes", limits.max_bytes == 0),
            ("limitPause", limits.limit_pause.is_zero()),
            ("share", self.share <= 0.0),
        ] {
            if is_zero {
                return Err(SpecError::Zero(name));
            }
        }
        for (name, part) in [("budgetFloor", limits.budget_floor), ("share", self.share)] {
            if !(0.0..=1.0).contains(&part) {
                return Err(SpecError::Fraction(name));
            }
        }
        Ok(())
    }

    /// The source's own headers, ready to be sent.
    pub(super) fn header_map(&self) -> Result<HeaderMap, SpecError> {
        let mut map = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            if is_transport(name) {
                return Err(SpecError::HeaderName(name.to_string()));
            }
            let mut value = HeaderValue::from_str(value.expose_secret())
                .map_err(|_invalid| SpecError::HeaderValue(name.to_string()))?;
            value.set_sensitive(true);
            map.append(name.clone(), value);
        }
        Ok(map)
    }

    /// Who shares a budget: the same host and the same credential, whatever the connector is called.
    ///
    /// Credentials that stand in a header of the source count as well.
    pub(super) fn budget_key(&self) -> Arc<str> {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(&self.base.origin().ascii_serialization());
        self.credential.feed(&mut add);
        for (name, value) in &self.headers {
            add(name.as_str());
            add(value.expose_secret());
        }
        hex::encode(hash.finalize().first_chunk::<12>().unwrap_or(&[0; 12])).into()
    }
}
