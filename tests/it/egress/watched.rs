//! What operators see of it, and what they do not; what becomes of requests that nobody waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use callboard::clock::Budget;
use callboard::egress::{Egress, HeaderName, Settings};
use callboard::telemetry::metrics::{CatalogFigures, Metrics};

use super::probe::{Act, Probe, answer, ask, code, get, ok, upstream};
use crate::support::log::Log;

#[tokio::test]
async fn logs_and_metrics_name_the_connector_and_nothing_secret() {
    let log = Log::default();
    let _guard = log.start();
    let metrics = Arc::new(Metrics::default());
    let egress = Egress::new(Settings {
        metrics: Arc::clone(&metrics),
        ..Settings::default()
    })
    .unwrap();
    let probe = Probe::start(|asked| match asked.number {
        0 => answer(
            200,
            "ratelimit-limit: 10\nratelimit-remaining: 9\nratelimit-reset: 60",
            "b0dy",
        ),
        1 => answer(404, "", "b0dy"),
        2 | 3 => answer(500, "x-h: h3ader", "b0dy"),
        4 => Act::SayAndClose("HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\nb0dy".into()),
        _ => answer(302, "location: http://169.254.169.254/m3ta", ""),
    })
    .await;
    let mut spec = probe.spec();
    spec.headers = vec![(HeaderName::from_static("x-key"), "k3y".into())];
    spec.limits.retries = 1;
    spec.limits.breaker_errors = 3;
    spec.limits.breaker_sleep = Duration::from_secs(60);
    let upstream = egress.upstream(spec).unwrap();
    let mut codes = Vec::new();
    for _ in 0..5 {
        codes.push(code(&upstream.send(get("/things/7?q=qu3ry")).await));
    }
    // Two times 500 for the third call; the fourth is cut off, and opens the breaker.
    assert_eq!(
        codes,
        [
            "200",
            "404",
            "UPSTREAM_UNAVAILABLE",
            "UPSTREAM_UNAVAILABLE",
            "CIRCUIT_OPEN"
        ]
    );
    let shown = metrics.render(CatalogFigures::default());
    for line in [
        "callboard_connector_request_duration_seconds_count{connector_name=\"probe\",outcome=\"ok\"} 1",
        "callboard_connector_request_duration_seconds_count{connector_name=\"probe\",outcome=\"rejected\"} 1",
        "callboard_connector_request_duration_seconds_count{connector_name=\"probe\",outcome=\"unavailable\"} 2",
        "callboard_connector_request_duration_seconds_count{connector_name=\"probe\",outcome=\"circuit_open\"} 1",
        "callboard_connector_retries_total{connector_name=\"probe\"} 1",
        "callboard_connector_breaker_state{connector_name=\"probe\",source=\"rest\",instance=\"default\"} 2",
        "callboard_connector_budget_remaining{connector_name=\"probe\",source=\"rest\",instance=\"default\"} 8",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let logged = log.text();
    for part in [
        "connector.request{connector.name=\"probe\" connector.source=\"rest\" connector.instance=\"default\" connector.template=\"/things/{id}\" attempts=1 status=200}",
        "attempts=2 status=500",
        "`probe` (source `rest`) failed too often and is left alone for 60s",
    ] {
        assert!(logged.contains(part), "{part}\n{logged}");
    }
    for secret in [
        "s3cret",
        "k3y",
        "qu3ry",
        "b0dy",
        "h3ader",
        "m3ta",
        "/things/7",
        "127.0.0.1",
        "169.254",
    ] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!format!("{upstream:?} {egress:?} {:?}", upstream.status()).contains(secret));
    }
}

#[tokio::test]
async fn no_more_at_a_time_than_said_and_waiting_ends_with_the_budget() {
    let probe = Probe::start(|_| Act::Late(Duration::from_millis(30), Box::new(ok()))).await;
    let mut spec = probe.spec();
    spec.limits.concurrency = 3;
    let upstream = upstream(spec);
    let started = Instant::now();
    let results = join_all((0..12).map(|_| ask(&upstream))).await;
    assert!(results.iter().all(|result| code(result) == "200"));
    // Four rounds of three.
    assert!(
        started.elapsed() >= Duration::from_millis(120),
        "{:?}",
        started.elapsed()
    );

    probe.now(|_| Act::Silence);
    let late = async || {
        let mut call = get("/things/7");
        call.budget = Budget::of(Duration::from_millis(100));
        upstream.send(call).await.unwrap_err()
    };
    let started = Instant::now();
    let failures = join_all((0..12).map(|_| late())).await;
    assert!(
        started.elapsed() < Duration::from_millis(250),
        "{:?}",
        started.elapsed()
    );
    let sent: u32 = failures.iter().map(|failure| failure.attempts).sum();
    assert_eq!(sent, 3);
    assert!(
        failures
            .iter()
            .all(|failure| failure.code() == "UPSTREAM_TIMEOUT")
    );
    // Hardly any time was given, so the upstream has not failed.
    probe.now(|_| ok());
    assert_eq!(code(&ask(&upstream).await), "200");
}

#[tokio::test]
async fn who_gives_up_leaves_no_trace() {
    let probe = Probe::start(|_| Act::Silence).await;
    let metrics = Arc::new(Metrics::default());
    let egress = Egress::new(Settings {
        metrics: Arc::clone(&metrics),
        ..Settings::default()
    })
    .unwrap();
    let mut spec = probe.spec();
    spec.limits.concurrency = 1;
    spec.limits.breaker_errors = 1;
    let upstream = egress.upstream(spec).unwrap();
    for _ in 0..3 {
        let gave_up = tokio::time::timeout(Duration::from_millis(30), ask(&upstream)).await;
        assert!(gave_up.is_err());
    }
    probe.now(|_| ok());
    assert_eq!(code(&ask(&upstream).await), "200");
    let shown = metrics.render(CatalogFigures::default());
    assert!(shown.contains("outcome=\"cancelled\"} 3"), "{shown}");

    // A probe that is given up makes room for the next.
    probe.now(|_| answer(500, "", ""));
    assert_eq!(code(&ask(&upstream).await), "UPSTREAM_UNAVAILABLE");
    tokio::time::sleep(Duration::from_millis(210)).await;
    probe.now(|_| Act::Silence);
    let gave_up = tokio::time::timeout(Duration::from_millis(30), ask(&upstream)).await;
    assert!(gave_up.is_err());
    probe.now(|_| ok());
    assert_eq!(code(&ask(&upstream).await), "200");
}

#[tokio::test]
async fn a_connection_is_used_again_and_a_closed_one_does_no_harm() {
    let probe = Probe::start(|asked| match asked.number {
        // Closed without a word of it, as servers do that are restarted.
        1 => Act::SayAndClose("HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\n{}".into()),
        _ => ok(),
    })
    .await;
    let mut spec = probe.spec();
    spec.limits.retries = 1;
    let upstream = upstream(spec);
    for _ in 0..4 {
        assert_eq!(code(&ask(&upstream).await), "200");
    }
    assert_eq!(probe.connections(), 2);
}

/// A task that does very much is made to pause by its runtime, between any two steps.
#[tokio::test]
async fn hundreds_of_requests_of_one_task_are_all_answered() {
    let probe = Probe::start(|_| ok()).await;
    let mut spec = probe.spec();
    spec.limits.concurrency = 256;
    spec.limits.timeout = Duration::from_secs(20);
    let upstream = upstream(spec);
    for _ in 0..3 {
        let ask = |_| {
            let mut call = get("/things/7");
            call.budget = Budget::of(Duration::from_secs(20));
            upstream.send(call)
        };
        for reply in join_all((0..600).map(ask)).await {
            assert_eq!(code(&reply), "200");
        }
    }
}
