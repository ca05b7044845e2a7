//! What is shared: by upstreams of one host and credential, by what a reload makes, by replicas.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use parking_lot::Mutex;

use callboard::egress::{BreakerState, Credential, Egress, Ledger, LedgerDown, Settings, Upstream};

use super::probe::{Probe, answer, ask, code, egress, ok};

#[tokio::test]
async fn one_host_and_credential_has_one_budget_whoever_asks() {
    let probe = Probe::start(|_| ok()).await;
    let egress = egress();
    let mut spec = probe.spec();
    spec.limits.per_minute = Some(6);
    let one = egress.upstream(spec.clone()).unwrap();
    spec.connector = "other".into();
    spec.base.set_path("/graphql");
    let other = egress.upstream(spec.clone()).unwrap();
    let all = join_all((0..20).map(|n| ask([&one, &other][n % 2]))).await;
    assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 6);
    // Another credential is another account.
    spec.credential = Credential::None;
    assert_eq!(code(&ask(&egress.upstream(spec).unwrap()).await), "200");
}

#[tokio::test]
async fn a_reload_keeps_what_was_learnt_and_takes_over_new_limits() {
    let probe = Probe::start(|_| answer(500, "", "")).await;
    let egress = egress();
    let mut spec = probe.spec();
    spec.limits.breaker_sleep = Duration::from_secs(60);
    spec.limits.breaker_errors = 2;
    let old = egress.upstream(spec.clone()).unwrap();
    for _ in 0..3 {
        drop(ask(&old).await);
    }
    assert_eq!(
        (old.status().breaker, probe.count()),
        (BreakerState::Open, 2)
    );
    spec.limits.concurrency = 3;
    let new = egress.upstream(spec.clone()).unwrap();
    drop(old);
    assert_eq!(new.status().breaker, BreakerState::Open);
    assert_eq!(
        new.status().last_error.unwrap().code,
        "UPSTREAM_UNAVAILABLE"
    );
    assert_eq!(code(&ask(&new).await), "CIRCUIT_OPEN");
    // What nobody holds is forgotten, and begins anew.
    drop(new);
    assert_eq!(
        egress.upstream(spec).unwrap().status().breaker,
        BreakerState::Closed
    );
}

/// A ledger in memory that can be slow or down.
#[derive(Default)]
struct Book {
    counters: Mutex<HashMap<String, u64>>,
    notes: Mutex<HashMap<String, String>>,
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Clone, Copy)]
enum Trouble {
    Slow,
    Down,
}

impl Book {
    fn upstream(self: &Arc<Self>, probe: &Probe) -> Arc<Upstream> {
        let settings = Settings {
            ledger: Some(Arc::clone(self) as Arc<dyn Ledger>),
            ..Settings::default()
        };
        let mut spec = probe.spec();
        spec.limits.per_minute = Some(10);
        Egress::new(settings).unwrap().upstream(spec).unwrap()
    }

    async fn trouble(&self) -> Result<(), LedgerDown> {
        let trouble = *self.trouble.lock();
        match trouble {
            None => Ok(()),
            Some(Trouble::Slow) => std::future::pending().await,
            Some(Trouble::Down) => Err(LedgerDown),
        }
    }
}

impl Ledger for Book {
    fn take<'a>(
        &'a self,
        key: &'a str,
        ceiling: u64,
        _ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<u64>, LedgerDown>> {
        Box::pin(async move {
            self.trouble().await?;
            let mut counters = self.counters.lock();
            let counter = counters.entry(key.to_owned()).or_default();
            if *counter >= ceiling {
                return Ok(None);
            }
            *counter += 1;
            Ok(Some(*counter))
        })
    }

    fn note<'a>(
        &'a self,
        key: &'a str,
        note: &'a str,
        _ttl: Duration,
    ) -> BoxFuture<'a, Result<(), LedgerDown>> {
        Box::pin(async move {
            self.trouble().await?;
            self.notes.lock().insert(key.to_owned(), note.to_owned());
            Ok(())
        })
    }

    fn noted<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, LedgerDown>> {
        Box::pin(async move {
            self.trouble().await?;
            Ok(self.notes.lock().get(key).cloned())
        })
    }
}

#[tokio::test]
async fn replicas_take_from_one_budget() {
    let probe = Probe::start(|_| ok()).await;
    let book = Arc::new(Book::default());
    let (one, other) = (book.upstream(&probe), book.upstream(&probe));
    let all = join_all((0..60).map(|n| ask([&one, &other][n % 2]))).await;
    // At the turn of a minute the counter is new, but no replica sends more than ten itself.
    let minutes = book.counters.lock().len();
    assert_eq!(
        all.iter().filter(|result| result.is_ok()).count(),
        10 * minutes
    );
    assert!(
        all.iter()
            .all(|result| ["200", "BUDGET_EXHAUSTED"].contains(&&*code(result)))
    );
    for key in book.counters.lock().keys() {
        assert!(
            !key.contains("s3cret") && !key.contains("127.0.0.1"),
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_pause_is_kept_by_all_replicas() {
    let probe = Probe::start(|_| answer(429, "retry-after: 60", "")).await;
    let book = Arc::new(Book::default());
    let (one, other) = (book.upstream(&probe), book.upstream(&probe));
    for upstream in [&one, &other, &one, &other] {
        assert_eq!(code(&ask(upstream).await), "UPSTREAM_RATE_LIMITED");
    }
    assert_eq!(probe.count(), 1);
}

#[tokio::test]
async fn without_its_ledger_a_replica_counts_for_itself_and_soon() {
    let probe = Probe::start(|_| ok()).await;
    for trouble in [Trouble::Slow, Trouble::Down] {
        let book = Arc::new(Book::default());
        *book.trouble.lock() = Some(trouble);
        let upstream = book.upstream(&probe);
        let started = Instant::now();
        let all = join_all((0..20).map(|_| ask(&upstream))).await;
        assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 10);
        let first = started.elapsed();
        assert!(first < Duration::from_millis(500), "{first:?}");
    }
}
