//! Budgets, breakers, retries.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use callboard::egress::BreakerState;

use super::probe::{Act, Probe, answer, ask, code, get, ok, upstream};

#[tokio::test]
async fn no_more_requests_a_minute_than_said_however_many_ask_at_once() {
    let probe = Probe::start(|_| ok()).await;
    let mut spec = probe.spec();
    spec.limits.per_minute = Some(10);
    let upstream = upstream(spec);
    let results = join_all((0..50).map(|_| ask(&upstream))).await;
    let count = |wanted: &str| {
        results
            .iter()
            .filter(|result| code(result) == wanted)
            .count()
    };
    assert_eq!((count("200"), count("BUDGET_EXHAUSTED")), (10, 40));
    assert_eq!(probe.count(), 10);
    let budget = upstream.status().budget.unwrap();
    assert_eq!((budget.limit, budget.remaining), (10, 0));
}

#[tokio::test]
async fn what_the_upstream_says_remains_is_not_overdrawn() {
    let probe = Probe::start(|asked| {
        let remaining = 19_usize.saturating_sub(asked.number);
        let headers = format!(
            "x-ratelimit-limit: 20\nx-ratelimit-remaining: {remaining}\nx-ratelimit-reset: 60"
        );
        Act::Late(
            Duration::from_millis(5),
            Box::new(answer(200, &headers, "{}")),
        )
    })
    .await;
    let upstream = upstream(probe.spec());
    assert_eq!(code(&ask(&upstream).await), "200");
    let results = join_all((0..100).map(|_| ask(&upstream))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 19);
    assert_eq!(probe.count(), 20);
}

#[tokio::test]
async fn a_window_that_ends_soon_is_waited_for() {
    let probe = Probe::start(|asked| {
        let remaining = 1_usize.saturating_sub(asked.number % 2);
        let headers =
            format!("ratelimit-limit: 2\nratelimit-remaining: {remaining}\nratelimit-reset: 1");
        answer(200, &headers, "{}")
    })
    .await;
    let upstream = upstream(probe.spec());
    for _ in 0..2 {
        assert_eq!(code(&ask(&upstream).await), "200");
    }
    // Nothing is left of this second, and the next one has as much again.
    let started = Instant::now();
    assert_eq!(code(&ask(&upstream).await), "200");
    assert!(started.elapsed() > Duration::from_millis(500));
    assert_eq!(code(&ask(&upstream).await), "200");
    let mut hurried = get("/");
    hurried.budget.deadline = tokio::time::Instant::now() + Duration::from_millis(100);
    assert_eq!(code(&upstream.send(hurried).await), "BUDGET_EXHAUSTED");
}

#[tokio::test]
async fn an_upstream_that_is_down_is_asked_no_more_than_twenty_times_and_found_again_by_one() {
    let probe =
        Probe::start(|_| Act::Late(Duration::from_millis(10), Box::new(answer(500, "", "")))).await;
    let mut spec = probe.spec();
    spec.limits.concurrency = 64;
    let upstream = upstream(spec);
    for _ in 0..4 {
        join_all((0..100).map(|_| ask(&upstream))).await;
    }
    assert!(probe.count() <= 20, "{}", probe.count());
    assert_eq!(upstream.status().breaker, BreakerState::Open);
    let before = probe.count();
    probe.now(|_| Act::Late(Duration::from_millis(50), Box::new(ok())));
    tokio::time::sleep(Duration::from_millis(220)).await;
    let results = join_all((0..50).map(|_| ask(&upstream))).await;
    let answered = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((answered, probe.count() - before), (1, 1));
    assert_eq!(upstream.status().breaker, BreakerState::Closed);
    assert_eq!(code(&ask(&upstream).await), "200");
}

#[tokio::test]
async fn only_what_is_idempotent_is_sent_again_and_only_in_time() {
    let probe = Probe::start(|_| answer(503, "", "")).await;
    let mut spec = probe.spec();
    spec.limits.retries = 2;
    let upstream = upstream(spec);
    let failure = ask(&upstream).await.unwrap_err();
    assert_eq!((failure.attempts, probe.count()), (3, 3));
    let mut call = get("/things/7");
    call.idempotent = false;
    assert_eq!(upstream.send(call).await.unwrap_err().attempts, 1);
    assert_eq!(probe.count(), 4);
}
