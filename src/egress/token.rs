//! Tokens that are fetched: once for everyone, kept until shortly before they end, and in this process alone.

use std::time::Duration;

use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::{Position, Url};

use super::client::Clients;
use super::credential::{basic, bearer};
use super::exchange::Exchange;
use super::failure::{Kind, Why};

/// The token of one credential.
#[derive(Debug, Default)]
pub(super) struct TokenCell {
    held: Mutex<Option<Held>>,
    /// Held by whoever fetches; if they give up, the next one does.
    fetching: tokio::sync::Mutex<()>,
    /// When the last attempt ended, and why it brought none.
    failed: Mutex<Option<(Instant, Kind)>>,
}

/// A token that can be sent.
#[derive(Clone, Debug)]
pub(super) struct Held {
    header: HeaderValue,
    until: Instant,
}

/// Where a token is fetched, and as whom.
#[derive(Clone, Copy)]
pub(super) struct Grant<'a> {
    pub(super) clients: &'a Clients,
    pub(super) token_url: &'a Url,
    pub(super) client_id: &'a SecretString,
    pub(super) client_secret: &'a SecretString,
    pub(super) scopes: &'a [String],
}

/// What the token endpoint says; other members are left alone.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<f64>,
}

/// How long before its end a token is no longer used, at most: so that it does not end on its way.
const MARGIN: Duration = Duration::from_secs(60);
/// For a token whose end is not told.
const UNTOLD_LIFE: Duration = Duration::from_secs(300);
const LONGEST_LIFE: f64 = 86_400.0;
const MAX_BYTES: usize = 64 << 10;

impl TokenCell {
    /// The header with a token that has not ended.
    pub(super) async fn header(
        &self,
        fetch: impl Future<Output = Result<Held, Kind>>,
    ) -> Result<HeaderValue, Kind> {
        if let Some(header) = self.held() {
            return Ok(header);
        }
        let wanted = Instant::now();
        let _fetching = self.fetching.lock().await;
        if let Some(header) = self.held() {
            return Ok(header);
        }
        // Who waited for an attempt has seen it fail, and makes none of his own.
        let failed = self.failed.lock().clone();
        if let Some((_, kind)) = failed.filter(|(ended, _)| *ended >= wanted) {
            return Err(kind);
        }
        match fetch.await {
            Ok(held) => {
                let header = held.header.clone();
                *self.held.lock() = Some(held);
                Ok(header)
            }
            Err(kind) => {
                *self.failed.lock() = Some((Instant::now(), kind.clone()));
                Err(kind)
            }
        }
    }

    /// Forgets a token that was refused, unless another has taken its place.
    pub(super) fn refused(&self, header: &HeaderValue) {
        let mut held = self.held.lock();
        if held.as_ref().is_some_and(|held| held.header == *header) {
            *held = None;
        }
    }

    fn held(&self) -> Option<HeaderValue> {
        let held = self.held.lock();
        let held = held.as_ref().filter(|held| Instant::now() < held.until)?;
        Some(held.header.clone())
    }
}

impl Grant<'_> {
    pub(super) async fn fetch(self) -> Result<Held, Kind> {
        let no_token = || Kind::Unavailable(Why::Token);
        let form: String = {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "client_credentials");
            if !self.scopes.is_empty() {
                form.append_pair("scope", &self.scopes.join(" "));
            }
            form.finish()
        };
        let encoded = |secret: &SecretString| -> SecretString {
            url::form_urlencoded::byte_serialize(secret.expose_secret().as_bytes())
                .collect::<String>()
                .into()
        };
        let who = basic(&encoded(self.client_id), &encoded(self.client_secret));
        let who = who.ok_or_else(no_token)?;
        let headers = || {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, who.clone());
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
            headers
        };
        let exchange = Exchange {
            clients: self.clients,
            base: &self.clients.base(self.token_url)?,
            allow_hosts: &[],
            max_bytes: MAX_BYTES,
            method: &Method::POST,
            headers: &headers,
            body: Some(&form.into()),
        };
        let target = &self.token_url[Position::BeforePath..Position::AfterQuery];
        let answer = exchange.run(target.to_owned()).await?;
        match StatusCode::from_u16(answer.status) {
            Ok(status) if status.is_success() => {}
            Ok(status) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                let status = Some(answer.status);
                return Err(Kind::Unauthorized { status });
            }
            _ => return Err(no_token()),
        }
        // The text of the error would show what stands in the answer.
        let granted: Granted =
            serde_json::from_slice(&answer.body).map_err(|_unreadable| no_token())?;
        granted.held().ok_or_else(no_token)
    }
}

impl Held {
    /// `None` for a token that cannot stand in a header.
    pub(super) fn new(token: &SecretString, life: Duration) -> Option<Self> {
        Some(Self {
            header: bearer(token)?,
            until: Instant::now() + life - MARGIN.min(life / 10),
        })
    }
}

impl Granted {
    fn held(&self) -> Option<Held> {
        let life = match self.expires_in {
            Some(seconds) if seconds.is_finite() => {
                Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE))
            }
            _ => UNTOLD_LIFE,
        };
        Held::new(&self.access_token, life)
    }
}
