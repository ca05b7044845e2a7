//! The cache: lives of entries, flights, purges, and what becomes of them when Redis has a bad day.

mod faults;
mod flights;
mod lives;
mod purges;
mod replicas;
mod setups;

use std::sync::Arc;
use std::time::Duration;

use callboard::cache::{Cache, Claim, Content, Key, Life, NewEntry, Prefix, Settings, Tag, Terms};
use callboard::clock::{Budget, Clock};
use callboard::config::Config;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::CacheMetrics;
use jiff::Timestamp;
use serde_json::json;

/// A cache of the test's own, in memory only, with a clock that the test moves.
struct Fixture {
    cache: Cache,
    clock: Clock,
    _tasks: Tasks,
}

const START: i64 = 1_700_000_000;

impl Fixture {
    async fn new() -> Self {
        let clock = Clock::fixed(at(0));
        let tasks = Tasks::new();
        let metrics = CacheMetrics::default();
        let cache = Cache::open(settings(None), clock.clone(), metrics, &tasks).await;
        Self {
            cache,
            clock,
            _tasks: tasks,
        }
    }

    fn set(&self, seconds: i64) {
        self.clock.set(at(seconds));
    }

    /// Leads the flight of `key` and lands it with `text`.
    async fn fill(&self, key: Key, text: &str, terms: Terms, tags: &[Tag]) {
        let new = new_entry(&self.cache, text, terms, tags);
        lead(&self.cache, key).await.fill(new);
    }
}

/// A small cache; with the Redis at a URL, and patience for a machine that is busy with other tests.
fn settings(redis: Option<&str>) -> Settings {
    let folder = std::path::Path::new("/");
    let text = match redis {
        Some(url) => format!("cache: {{ memory: 4MB, redis: '{url}' }}"),
        None => "cache: { memory: 4MB }".to_owned(),
    };
    let name: Arc<str> = "callboard.yaml".into();
    let (config, problems) = Config::parse(Some((&name, &text)), folder, &|_| None);
    assert_eq!(problems, []);
    Settings {
        patience: Duration::from_secs(5),
        ..Settings::from(&config.unwrap().cache)
    }
}

/// Seconds since the start of the test.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

fn key(name: &str) -> Key {
    Prefix::new(["connector", "1"]).key([name])
}

fn tag(name: &str) -> Tag {
    Tag::new("connector", name)
}

/// So many seconds fresh, stale and of use on failure.
fn terms(fresh: u64, stale: u64, on_failure: u64) -> Terms {
    Terms {
        fresh: Duration::from_secs(fresh),
        stale: Duration::from_secs(stale),
        on_failure: Duration::from_secs(on_failure),
        until: None,
    }
}

fn new_entry(cache: &Cache, text: &str, terms: Terms, tags: &[Tag]) -> NewEntry {
    NewEntry {
        tags: tags.into(),
        ..NewEntry::new(
            Content::Json(json!({ "text": text })),
            Life::new(cache.now(), terms),
        )
    }
}

fn within() -> Budget {
    Budget::of(Duration::from_secs(20))
}

async fn claim(cache: &Cache, key: Key) -> Claim {
    cache.claim(&[key], within()).await.pop().unwrap()
}

async fn lead(cache: &Cache, key: Key) -> callboard::cache::Lead {
    match claim(cache, key).await {
        Claim::Lead(lead) => lead,
        other => panic!("expected to lead, got {other:?}"),
    }
}

fn text(held: &callboard::cache::Held) -> String {
    held.entry.json().unwrap()["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(&'static str);

fn broken(why: &'static str) -> callboard::cache::Failure {
    Arc::new(Broken(why))
}
