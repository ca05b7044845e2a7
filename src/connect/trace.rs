//! What one request asked of upstreams, for those who want to see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

/// More upstream requests than this are counted, not listed.
const LISTED: usize = 200;

/// What went on below the live fields of one request, by connector.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    connectors: Mutex<BTreeMap<Arc<str>, Connector>>,
}

impl Default for Trace {
    /// Begins now.
    fn default() -> Self {
        Self {
            began: Instant::now(),
            connectors: Mutex::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Connector {
    /// With the time from the beginning until they were sent.
    requests: Vec<(Duration, Exchange)>,
    n_requests: usize,
    hits: u64,
    stale: u64,
    misses: u64,
    oldest: Duration,
    budget_left: Option<u64>,
}

/// One request to an upstream. The template stands for the path: nothing that was filled in, no host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub instance: Arc<str>,
    pub method: &'static str,
    pub template: Arc<str>,
    /// The type of the objects that it brings.
    pub brings: Arc<str>,
    /// `None`: there was no answer.
    pub status: Option<u16>,
    pub elapsed: Duration,
    /// Of the body.
    pub bytes: u64,
}

/// How a value was at hand, or that it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Fresh, and so old.
    Hit(Duration),
    /// Older than it should be.
    Stale(Duration),
    Miss,
}

impl Trace {
    pub fn found(&self, connector: &Arc<str>, found: Found) {
        let mut connectors = self.connectors.lock();
        let connector = connectors.entry(Arc::clone(connector)).or_default();
        match found {
            Found::Hit(age) => {
                connector.hits += 1;
                connector.oldest = connector.oldest.max(age);
            }
            Found::Stale(age) => {
                connector.stale += 1;
                connector.oldest = connector.oldest.max(age);
            }
            Found::Miss => connector.misses += 1,
        }
    }

    /// Notes a request that has just ended.
    pub fn exchange(&self, connector: &Arc<str>, exchange: Exchange) {
        let start = self.began.elapsed().saturating_sub(exchange.elapsed);
        let mut connectors = self.connectors.lock();
        let connector = connectors.entry(Arc::clone(connector)).or_default();
        connector.n_requests += 1;
        if connector.requests.len() < LISTED {
            connector.requests.push((start, exchange));
        }
    }

    /// How many requests an upstream still allows; the least of a connector's upstreams is shown.
    pub fn budget_left(&self, connector: &Arc<str>, remaining: u64) {
        let mut connectors = self.connectors.lock();
        let connector = connectors.entry(Arc::clone(connector)).or_default();
        let least = connector
            .budget_left
            .map_or(remaining, |known| known.min(remaining));
        connector.budget_left = Some(least);
    }

    /// `extensions.callboard` of a response: times in milliseconds, those of `start` from the beginning; the oldest age in seconds.
    pub fn to_json(&self) -> Value {
        let connectors = self.connectors.lock();
        let connectors = connectors.iter().map(|(name, connector)| {
            let requests = connector.requests.iter();
            let requests: Vec<Value> = requests
                .map(|(start, exchange)| exchange.to_json(*start))
                .collect();
            json!({
                "name": **name,
                "requestCount": connector.n_requests,
                "requests": requests,
                "cache": {
                    "hits": connector.hits,
                    "stale": connector.stale,
                    "misses": connector.misses,
                },
                "oldestAge": connector.oldest.as_secs(),
                "budgetRemaining": connector.budget_left,
            })
        });
        json!({
            "ms": milliseconds(self.began.elapsed()),
            "connectors": connectors.collect::<Vec<_>>(),
        })
    }
}

impl Exchange {
    fn to_json(&self, start: Duration) -> Value {
        json!({
            "instance": *self.instance,
            "method": self.method,
            "path": *self.template,
            "brings": *self.brings,
            "status": self.status,
            "start": milliseconds(start),
            "ms": milliseconds(self.elapsed),
            "bytes": self.bytes,
        })
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
