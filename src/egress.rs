//! Requests to upstreams. Home of HTTP's client side and of TLS.
//!
//! One [`Egress`] per process holds connection pools, TLS roots and proxies; one [`Upstream`] per source, instance and credential holds what must be said once for all who ask there: how many at a time, how many a minute, what the upstream's own limits leave, and whether it answers at all.
//! [`Upstream::send`] is the only way out: slot, breaker, budget, credential, exchange, retry, in that order and in one file each.
//! The rules of what may be reached (redirects, addresses) stand in `exchange` and `address`.
//!
//! What it is not: it knows nothing of fields, of caches, or of what an answer means.
//! Statuses that say something of the thing asked for (404) are replies, those that say something of the upstream (401, 429, 503) are failures.
//!
//! Architecture invariant: no URL, header, token or body stands in any message, log, span or metric; a failure names connector, source, instance and the path's template.

mod address;
mod app;
mod app_key;
mod body;
mod breaker;
mod budget;
mod call;
mod client;
mod credential;
mod dial;
mod exchange;
mod failure;
mod join;
mod judge;
mod ledger;
mod limit_headers;
mod not_now;
mod pool;
mod retry;
mod send;
mod shared_budget;
mod slots;
mod spec;
mod standing;
mod token;
mod upstream;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::config::EgressConfig;
use crate::telemetry::metrics::Metrics;

pub use address::{Lookup, SystemLookup};
pub use app::AppIdentity;
pub use app_key::{AppKey, KeyError};
pub use breaker::BreakerState;
pub use call::{Call, Lane, Reply, Validators};
pub use client::{Proxies, TrustedRoots};
pub use credential::Credential;
pub use failure::{Failure, Kind, Place, Refusal, Why};
pub use hyper::Method;
pub use hyper::header::{HeaderMap, HeaderName, HeaderValue};
pub use ledger::{Ledger, LedgerDown};
pub use spec::{Limits, SpecError, UpstreamSpec};
pub use standing::{BudgetStatus, LastError, Status};
pub use upstream::Upstream;
pub use url::Url;

use app::App;
use budget::Budgets;
use client::Clients;
use standing::{Standing, StandingKey};

/// What an [`Egress`] is made of.
pub struct Settings {
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub roots: TrustedRoots,
    pub proxies: Proxies,
    /// How names become addresses.
    pub lookup: Arc<dyn Lookup>,
    /// Budgets that replicas share; without one each process counts for itself.
    pub ledger: Option<Arc<dyn Ledger>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            metrics: Arc::default(),
            roots: TrustedRoots::default(),
            proxies: Proxies::default(),
            lookup: Arc::new(SystemLookup),
            ledger: None,
        }
    }
}

impl Settings {
    /// What the configuration says; the rest as by default.
    pub fn of(config: &EgressConfig) -> Self {
        let proxies = &config.proxies;
        Self {
            roots: TrustedRoots {
                extra: config.ca_file.clone(),
            },
            proxies: Proxies {
                http: proxies.http.clone(),
                https: proxies.https.clone(),
                none: proxies.none.clone(),
            },
            ..Self::default()
        }
    }
}

/// Why there is no [`Egress`].
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    #[error("the certificates of `{file}` cannot be read")]
    Roots {
        file: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{file}` holds no certificate in PEM form")]
    NoRoots { file: String },
    /// Which one is said, not its URL: that may hold a password.
    #[error("the proxy for {scheme} has no URL that can be understood")]
    Proxy { scheme: &'static str },
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// All outbound HTTP of a process.
pub struct Egress {
    shared: Arc<Shared>,
    standings: Mutex<HashMap<StandingKey, Weak<Standing>>>,
}

/// What all upstreams use.
struct Shared {
    clients: Clients,
    clock: Clock,
    metrics: Arc<Metrics>,
    ledger: Option<ledger::Bounded>,
    budgets: Mutex<HashMap<Arc<str>, Weak<Budgets>>>,
    apps: Mutex<HashMap<Box<str>, Weak<App>>>,
}

impl Shared {
    /// The account of this name.
    fn budgets(&self, key: &Arc<str>) -> Arc<Budgets> {
        let mut known = self.budgets.lock();
        shared(&mut known, Arc::clone(key), || {
            Budgets::new(Arc::clone(key))
        })
    }

    /// What is known of an app: the same for all sources that sign in as it.
    fn app(&self, credential: &Credential) -> Arc<App> {
        let mut hash = Sha256::new();
        credential.feed(&mut |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        });
        let key = hex::encode(hash.finalize()).into();
        shared(&mut self.apps.lock(), key, App::default)
    }
}

impl Egress {
    /// Builds the connection pools; no connection is made.
    pub fn new(settings: Settings) -> Result<Self, EgressError> {
        let clients = Clients::new(&settings.roots, &settings.proxies, &settings.lookup)?;
        Ok(Self {
            shared: Arc::new(Shared {
                clients,
                clock: settings.clock,
                metrics: settings.metrics,
                ledger: settings.ledger.map(ledger::Bounded::new),
                budgets: Mutex::default(),
                apps: Mutex::default(),
            }),
            standings: Mutex::default(),
        })
    }

    /// The upstream of a spec.
    ///
    /// What was learnt of it (breaker, budget, tokens) is kept for as long as someone holds an upstream of the same connector, source, instance, address and credential, so a reload that takes the new one before it drops the old forgets nothing.
    /// The budget is also shared by upstreams of other names that have the same host and credential.
    pub fn upstream(&self, spec: UpstreamSpec) -> Result<Arc<Upstream>, SpecError> {
        spec.check()?;
        let budgets = self.shared.budgets(&spec.budget_key());
        let standing = {
            let mut known = self.standings.lock();
            let metrics = &self.shared.metrics;
            shared(&mut known, StandingKey::of(&spec), || {
                Standing::new(&spec, budgets, metrics)
            })
        };
        Upstream::new(spec, standing, Arc::clone(&self.shared)).map(Arc::new)
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").finish_non_exhaustive()
    }
}

/// What is known under `key`, or else a new one; what nobody holds any more is forgotten.
fn shared<K: Eq + std::hash::Hash, V>(
    known: &mut HashMap<K, Weak<V>>,
    key: K,
    make: impl FnOnce() -> V,
) -> Arc<V> {
    if let Some(value) = known.get(&key).and_then(Weak::upgrade) {
        return value;
    }
    known.retain(|_, value| value.strong_count() > 0);
    let value = Arc::new(make());
    known.insert(key, Arc::downgrade(&value));
    value
}
