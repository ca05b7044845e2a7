//! An app of a code host: it signs in with a key, and asks each account with a token of its own.
//!
//! An app is installed for accounts, one by one, and what it may see is said per installation.
//! So requests for two accounts go out with two tokens; which installation is whose is looked up by the account's name, and both are kept in this process alone: a token is never written anywhere, and each replica fetches its own.
//!
//! The key's word counts from when to when by the upstream's clock. If it is refused and the upstream's `Date` shows another time than ours, it is said once more by that time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::app_key::AppKey;
use super::client::Clients;
use super::exchange::{Answer, Exchange};
use super::failure::{Kind, Why};
use super::join;
use super::limit_headers::{server_time, windows};
use super::not_now::NotNow;
use super::spec::Limits;
use super::token::{Held, TokenCell};
use crate::clock::Clock;

/// Who the app is, and where it signs in.
#[derive(Clone, Debug)]
pub struct AppIdentity {
    /// Below it are `/app/installations/…` and `/orgs/…/installation`.
    pub api: Url,
    /// Its number, or its client's id.
    pub id: Box<str>,
    pub key: AppKey,
    /// Where the key was written, for messages.
    pub setting: Arc<str>,
}

/// What is learnt of an app, for all sources that sign in as it.
#[derive(Debug, Default)]
pub(super) struct App {
    /// Seconds that the upstream's clock is ahead of ours, where that mattered.
    skew: AtomicI64,
    installations: Mutex<HashMap<Arc<str>, Arc<Installation>>>,
}

/// The app as it is installed for one account.
#[derive(Debug)]
pub(super) struct Installation {
    /// A name, or `#` and the installation's number.
    account: Arc<str>,
    token: TokenCell,
    found: Mutex<Found>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Found {
    #[default]
    Unasked,
    Is(u64),
    /// There is none, and nobody is asked again until then.
    Missing(Timestamp),
}

/// How requests for tokens go out.
#[derive(Clone, Copy)]
pub(super) struct Desk<'d> {
    pub(super) clients: &'d Clients,
    pub(super) clock: &'d Clock,
    pub(super) identity: &'d AppIdentity,
    pub(super) app: &'d App,
    pub(super) limits: &'d Limits,
}

/// So long an account without the app is believed to be one.
const MISSING_FOR: SignedDuration = SignedDuration::from_secs(60);
/// Clocks that differ by less are no reason to refuse a word.
const SAME_TIME: i64 = 20;
/// So many accounts are remembered; beyond, those that nobody asks.
pub(super) const MOST_ACCOUNTS: usize = 1024;
const LONGEST_NAME: usize = 100;
const MAX_BYTES: usize = 64 << 10;

/// Whether a text can be the name of an account, so that it stands for nothing else in a path.
pub(super) fn is_account(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let digits = name.strip_prefix('#');
    let is_number = digits.is_some_and(|digits| digits.parse::<u64>().is_ok());
    let is_name = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(fits);
    is_number || is_name
}

/// Forgets those that nobody holds, once there are too many.
pub(super) fn make_room<V>(known: &mut HashMap<Arc<str>, Arc<V>>) {
    if known.len() >= MOST_ACCOUNTS {
        known.retain(|_, value| Arc::strong_count(value) > 1);
    }
}

impl App {
    pub(super) fn installation(&self, account: &Arc<str>) -> Arc<Installation> {
        let mut known = self.installations.lock();
        make_room(&mut known);
        let own = known.entry(Arc::clone(account)).or_insert_with(|| {
            Arc::new(Installation {
                account: Arc::clone(account),
                token: TokenCell::default(),
                found: Mutex::default(),
            })
        });
        Arc::clone(own)
    }
}

impl Installation {
    /// The header with a token of this installation that has not ended.
    pub(super) async fn header(&self, desk: Desk<'_>) -> Result<HeaderValue, Kind> {
        self.token.header(self.fetch(desk)).await
    }

    pub(super) fn refused(&self, header: &HeaderValue) {
        self.token.refused(header);
    }

    async fn fetch(&self, desk: Desk<'_>) -> Result<Held, Kind> {
        let (id, is_known) = self.id(desk).await?;
        match desk.token(id).await? {
            Some(held) => Ok(held),
            // Installed anew, it has another number.
            None if is_known => {
                *self.found.lock() = Found::Unasked;
                let (id, _) = self.id(desk).await?;
                desk.token(id).await?.ok_or_else(|| self.missing(desk))
            }
            None => Err(self.missing(desk)),
        }
    }

    /// The installation's number, and whether it was known from before.
    async fn id(&self, desk: Desk<'_>) -> Result<(u64, bool), Kind> {
        if let Some(Ok(number)) = self.account.strip_prefix('#').map(str::parse) {
            return Ok((number, false));
        }
        let found = *self.found.lock();
        match found {
            Found::Is(id) => return Ok((id, true)),
            Found::Missing(until) if desk.clock.now() < until => return Err(self.not_installed()),
            Found::Missing(_) | Found::Unasked => {}
        }
        let id = desk.find(&self.account).await?;
        let id = id.ok_or_else(|| self.missing(desk))?;
        *self.found.lock() = Found::Is(id);
        Ok((id, false))
    }

    /// Remembers for a short while that there is none.
    fn missing(&self, desk: Desk<'_>) -> Kind {
        let until = desk.clock.now().checked_add(MISSING_FOR);
        *self.found.lock() = until.map_or(Found::Unasked, Found::Missing);
        self.not_installed()
    }

    fn not_installed(&self) -> Kind {
        Kind::NotInstalled {
            account: Arc::clone(&self.account),
        }
    }
}

/// What is read of an installation.
#[derive(Deserialize)]
struct Told {
    id: u64,
    #[serde(default)]
    suspended_at: Value,
}

/// What is read of a token.
#[derive(Deserialize)]
struct Granted {
    token: SecretString,
    expires_at: Box<str>,
}

impl Desk<'_> {
    /// The number of the installation for an account: that of an organisation, or else of a person.
    async fn find(self, account: &str) -> Result<Option<u64>, Kind> {
        for path in [
            format!("/orgs/{account}/installation"),
            format!("/users/{account}/installation"),
        ] {
            let answer = self.ask(Method::GET, &path).await?;
            if answer.status == 200 {
                // The text of the error would show what stands in the answer.
                let told: Told =
                    serde_json::from_slice(&answer.body).map_err(|_unreadable| no_token())?;
                return Ok(told.suspended_at.is_null().then_some(told.id));
            }
        }
        Ok(None)
    }

    /// A new token; `None` where there is no such installation any more, or it is suspended.
    async fn token(self, id: u64) -> Result<Option<Held>, Kind> {
        let path = format!("/app/installations/{id}/access_tokens");
        let answer = self.ask(Method::POST, &path).await?;
        if !matches!(answer.status, 200 | 201) {
            return Ok(None);
        }
        let granted: Granted =
            serde_json::from_slice(&answer.body).map_err(|_unreadable| no_token())?;
        // By the clock that it was made by.
        let now = server_time(&answer.headers).unwrap_or_else(|| self.clock.now());
        let ends: Timestamp = granted
            .expires_at
            .parse()
            .map_err(|_unreadable| no_token())?;
        let life = Duration::try_from(ends.duration_since(now));
        let held = Held::new(&granted.token, life.unwrap_or_default());
        held.ok_or_else(no_token).map(Some)
    }

    /// One request as the app itself; 403 and 404 say that something is not there.
    async fn ask(self, method: Method, path: &str) -> Result<Answer, Kind> {
        let mut answer = self.say(method.clone(), path).await?;
        if answer.status == 401 && self.learns_time(&answer) {
            answer = self.say(method, path).await?;
        }
        let now = self.clock.now();
        match answer.status {
            401 => Err(Kind::AppKey {
                setting: Arc::clone(&self.identity.setting),
            }),
            status @ (403 | 429) if let Some(wait) = self.wait(&answer, now) => {
                let retry_at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
                Err(Kind::not_now(status, retry_at))
            }
            200 | 201 | 403 | 404 => Ok(answer),
            _ => Err(no_token()),
        }
    }

    /// How long the upstream wants to be left alone, if it says so.
    fn wait(self, answer: &Answer, now: Timestamp) -> Option<Duration> {
        let said = windows(&answer.headers, now);
        NotNow::of(answer, &said, self.limits, now)?.wait()
    }

    async fn say(self, method: Method, path: &str) -> Result<Answer, Kind> {
        let Self {
            identity, clients, ..
        } = self;
        let skew = SignedDuration::from_secs(self.app.skew.load(Ordering::Relaxed));
        let now = self.clock.now();
        let now = now.checked_add(skew).unwrap_or(now);
        let word = identity.key.header(&identity.id, now);
        let word = word.ok_or_else(no_token)?;
        let body = (method == Method::POST).then(|| bytes::Bytes::from_static(b"{}"));
        let headers = || {
            let json = HeaderValue::from_static("application/json");
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, word.clone());
            headers.insert(ACCEPT, json.clone());
            if body.is_some() {
                headers.insert(CONTENT_TYPE, json);
            }
            headers
        };
        let target = join::join(&identity.api, path).map_err(Kind::Refused)?;
        let exchange = Exchange {
            clients,
            base: &clients.base(&identity.api)?,
            allow_hosts: &[],
            max_bytes: MAX_BYTES,
            method: &method,
            headers: &headers,
            body: body.as_ref(),
        };
        exchange.run(target).await
    }

    /// Whether the upstream's clock shows another time than the refused word was said by.
    fn learns_time(self, answer: &Answer) -> bool {
        let Some(theirs) = server_time(&answer.headers) else {
            return false;
        };
        let skew = theirs.as_second() - self.clock.now().as_second();
        let before = self.app.skew.swap(skew, Ordering::Relaxed);
        (skew - before).abs() > SAME_TIME
    }
}

fn no_token() -> Kind {
    Kind::Unavailable(Why::Token)
}
