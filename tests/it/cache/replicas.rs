//! Two replicas on one Redis: one fetch for both, and a purge on one that the other hears of.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::cache::{Cache, Claim, Content, Key, Landed, Life, NewEntry, State, Tag};
use callboard::clock::{Budget, Clock};
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::{CacheMetrics, CacheOutcome};
use parking_lot::Mutex;

use super::{at, broken, claim, key, lead, new_entry, settings, tag, terms, text, within};
use crate::support::redis::Redis;

/// One of several processes, as it were.
pub(super) struct Replica {
    pub(super) cache: Cache,
    pub(super) metrics: CacheMetrics,
    tasks: Tasks,
}

impl Replica {
    pub(super) async fn start(url: &str, clock: &Clock) -> Self {
        Self::with(settings(Some(url)), clock).await
    }

    pub(super) async fn with(settings: callboard::cache::Settings, clock: &Clock) -> Self {
        let (metrics, tasks) = (CacheMetrics::default(), Tasks::new());
        let cache = Cache::open(settings, clock.clone(), metrics.clone(), &tasks).await;
        Self {
            cache,
            metrics,
            tasks,
        }
    }

    pub(super) async fn stop(self) {
        let late = self.tasks.shutdown(Duration::from_secs(10)).await;
        assert!(late.is_empty(), "{late:?} did not end");
    }

    pub(super) async fn fill(&self, name: &str, value: &str, tags: &[Tag]) {
        let new = new_entry(&self.cache, value, terms(60, 600, 600), tags);
        lead(&self.cache, key(name)).await.fill(new);
    }

    /// What a claim finds without fetching.
    pub(super) async fn found(&self, name: &str) -> Option<String> {
        match claim(&self.cache, key(name)).await {
            Claim::Held(held) => Some(text(&held)),
            Claim::Lead(_) => None,
            // The lock of one who is done may stand for a moment longer.
            Claim::Follow(follow) => match follow.await {
                Some(Landed::Held(held)) => Some(text(&held)),
                _ => None,
            },
        }
    }
}

/// Asks until it is so: what goes through Redis takes a moment.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let start = Instant::now();
    while !so().await {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until an entry stands in Redis.
pub(super) async fn in_redis(redis: &Redis, n_entries: usize) {
    eventually("the entries are not written", || async {
        let keys = redis.run(&["KEYS", "callboard:{*}"]).await;
        let keys: Vec<String> = redis::from_redis_value(keys).unwrap();
        keys.len() == n_entries
    })
    .await;
}

#[tokio::test]
async fn what_one_fetched_the_other_has() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let second = Replica::start(&redis.url(), &clock).await;
    let new = NewEntry {
        etag: Some("\"v1\"".into()),
        last_modified: Some("yesterday".into()),
        ..new_entry(&first.cache, "one", terms(60, 600, 600), &[tag("t")])
    };
    let filled = lead(&first.cache, key("a")).await.fill(new);
    let nothing = Content::Absent { status: 404 };
    let nothing = NewEntry::new(nothing, Life::new(at(0), terms(5, 0, 0)));
    lead(&first.cache, key("b")).await.fill(nothing);
    in_redis(&redis, 2).await;
    let claims = second.cache.claim(&[key("a"), key("b")], within()).await;
    let [Claim::Held(a), Claim::Held(b)] = &claims[..] else {
        panic!("{claims:?}");
    };
    assert_eq!(a.state, State::Fresh);
    assert_eq!(a.entry.content(), filled.entry.content());
    assert_eq!(a.entry.life(), filled.entry.life());
    assert_eq!(a.entry.etag(), Some("\"v1\""));
    assert_eq!(a.entry.last_modified(), Some("yesterday"));
    assert_eq!(a.entry.tags(), [tag("t")]);
    assert_eq!(b.entry.content(), &Content::Absent { status: 404 });
    assert_eq!(second.metrics.reads(CacheOutcome::Shared), 2);
    assert!(second.cache.get(&key("a")).is_some(), "now it is here too");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_who_ask_on_two_replicas_fetch_each_key_once() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let replicas = [
        Replica::start(&redis.url(), &clock).await,
        Replica::start(&redis.url(), &clock).await,
    ];
    let keys: Vec<Key> = (0..10).map(|n| key(&n.to_string())).collect();
    let fetched = Arc::new(Mutex::new(HashMap::<Key, usize>::new()));
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..1_000 {
        let cache = replicas[n % 2].cache.clone();
        let (mut keys, fetched) = (keys.clone(), Arc::clone(&fetched));
        keys.rotate_left(n % 10);
        asking.spawn(async move {
            let mut follows = Vec::new();
            for claim in cache.claim(&keys, within()).await {
                match claim {
                    Claim::Held(_) => {}
                    Claim::Lead(lead) => {
                        *fetched.lock().entry(lead.key()).or_default() += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        lead.fill(new_entry(&cache, "x", terms(60, 0, 0), &[]));
                    }
                    Claim::Follow(follow) => follows.push(follow),
                }
            }
            for follow in follows {
                let landed = follow.await;
                assert!(matches!(landed, Some(Landed::Held(_))), "{landed:?}");
            }
        });
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
    let fetched = fetched.lock();
    assert_eq!(fetched.len(), 10);
    assert!(fetched.values().all(|times| *times == 1), "{fetched:?}");
}

#[tokio::test]
async fn a_refresh_behind_is_done_by_one_replica() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let second = Replica::start(&redis.url(), &clock).await;
    first.fill("a", "one", &[]).await;
    in_redis(&redis, 1).await;
    assert_eq!(second.found("a").await.as_deref(), Some("one"));
    clock.set(at(61));
    let renew = async |replica: &Replica| {
        let leads = replica.cache.renew(&key("a")).into_iter().collect();
        replica.cache.settle(leads, within()).await
    };
    let mut leads = renew(&first).await;
    assert_eq!(leads.len(), 1, "it is the first to see it");
    assert!(renew(&second).await.is_empty(), "the other one is at it");
    assert!(second.cache.renew(&key("a")).is_none(), "it waits already");
    let new = new_entry(&first.cache, "two", terms(60, 600, 600), &[]);
    leads.remove(0).fill(new);
    eventually("the refreshed value does not come", || async {
        let held = second.cache.get(&key("a")).unwrap();
        held.state == State::Fresh && text(&held) == "two"
    })
    .await;
    clock.set(at(130));
    // One that comes when all is done finds it done.
    let leads = renew(&second).await;
    assert_eq!(leads.len(), 1);
    for lead in leads {
        lead.fill(new_entry(&second.cache, "three", terms(60, 600, 0), &[]));
    }
    eventually(
        "the lock is not given up, or nothing is written",
        || async {
            let lock = format!("callboard:{{{}}}:lock", hex_of(key("a")));
            let there = redis.run(&["EXISTS", &lock]).await;
            there == redis::Value::Int(0)
        },
    )
    .await;
    assert!(renew(&first).await.is_empty());
    assert_eq!(text(&first.cache.get(&key("a")).unwrap()), "three");
}

fn hex_of(key: Key) -> String {
    let shown = format!("{key:?}");
    shown
        .trim_start_matches("Key(")
        .trim_end_matches(')')
        .to_owned()
}

#[tokio::test]
async fn who_waits_for_another_replica_leads_when_that_one_fails_or_dies() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let second = Replica::start(&redis.url(), &clock).await;
    for end in ["fails", "is dropped"] {
        let flying = lead(&first.cache, key(end)).await;
        let Claim::Follow(follow) = claim(&second.cache, key(end)).await else {
            panic!("the other replica is at it");
        };
        match end {
            "fails" => flying.fail(&broken("away")),
            _ => drop(flying),
        }
        assert!(matches!(follow.await, Some(Landed::Lead(_))), "{end}");
    }
    // One that dies says nothing: its lock stays, and who waits does so for half of his time.
    let dies = lead(&first.cache, key("dies")).await;
    let start = Instant::now();
    let soon = Budget::of(Duration::from_secs(1));
    let Some(Claim::Follow(follow)) = second.cache.claim(&[key("dies")], soon).await.pop() else {
        panic!("the other replica is at it");
    };
    assert!(matches!(follow.await, Some(Landed::Lead(_))));
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(450), "{waited:?}");
    assert!(waited < Duration::from_millis(900), "{waited:?}");
    drop(dies);
}

#[tokio::test]
async fn a_purge_reaches_the_other_replica_within_a_second() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let second = Replica::start(&redis.url(), &clock).await;
    first.fill("a", "one", &[tag("t")]).await;
    first.fill("b", "one", &[tag("other")]).await;
    in_redis(&redis, 2).await;
    assert_eq!(second.found("a").await.as_deref(), Some("one"));
    assert_eq!(second.found("b").await.as_deref(), Some("one"));
    let flying = lead(&second.cache, key("flying")).await;
    let start = Instant::now();
    first.cache.purge(&[tag("t")]).await;
    assert!(first.cache.get(&key("a")).is_none());
    eventually("the purge does not come", || async {
        second.cache.get(&key("a")).is_none()
    })
    .await;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(second.cache.get(&key("b")).is_some());
    // Neither what stands in Redis nor what was under way survives, on no replica, one that starts now included.
    flying.fill(new_entry(
        &second.cache,
        "old",
        terms(60, 0, 0),
        &[tag("t")],
    ));
    assert!(second.cache.get(&key("flying")).is_none());
    let third = Replica::start(&redis.url(), &clock).await;
    for replica in [&first, &second, &third] {
        assert_eq!(replica.found("a").await, None);
        assert_eq!(replica.found("flying").await, None);
        assert_eq!(replica.found("b").await.as_deref(), Some("one"));
    }
    first.fill("a", "two", &[tag("t")]).await;
    eventually("what was fetched since is not shared", || async {
        third.found("a").await.as_deref() == Some("two")
    })
    .await;
}

#[tokio::test]
async fn counters_and_notes_are_common() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let second = Replica::start(&redis.url(), &clock).await;
    let minute = Duration::from_secs(60);
    let mut taken = tokio::task::JoinSet::new();
    for n in 0..200 {
        let cache = [&first, &second][n % 2].cache.clone();
        taken.spawn(async move { cache.take("budget", 150, minute).await.unwrap() });
    }
    let mut sums: Vec<u64> = taken.join_all().await.into_iter().flatten().collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=150).collect::<Vec<_>>(), "each is given once");
    let short = Duration::from_millis(30);
    assert_eq!(first.cache.take("short", 1, short).await, Ok(Some(1)));
    eventually("the counter does not end", || async {
        second.cache.take("short", 1, minute).await == Ok(Some(1))
    })
    .await;
    assert_eq!(second.cache.noted("n").await, Ok(None));
    first.cache.note("n", "until 5", minute).await.unwrap();
    assert_eq!(
        second.cache.noted("n").await,
        Ok(Some("until 5".to_owned()))
    );
}
