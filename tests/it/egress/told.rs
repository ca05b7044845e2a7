//! What upstreams say of their own limits, in each of the forms that are in use.

use std::time::Duration;

use jiff::Timestamp;

use callboard::clock::Clock;
use callboard::egress::{Egress, Kind, Lane, Settings};

use super::probe::{Act, Probe, answer, ask, code, get, ok, upstream};

/// The date of HTTP, so many seconds from now.
fn http_date(ahead: i64) -> String {
    let at = now() + jiff::SignedDuration::from_secs(ahead);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The clock of these tests stands still.
fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn egress() -> Egress {
    let settings = Settings {
        clock: Clock::fixed(now()),
        ..Settings::default()
    };
    Egress::new(settings).unwrap()
}

fn epoch(ahead: i64) -> i64 {
    now().as_second() + ahead
}

/// Answers once with `status` and `headers`, asks again, and gives what came of it: what remains, or the code, and in how many seconds.
async fn after(egress: &Egress, status: u16, headers: String) -> String {
    let probe = Probe::start(move |_| answer(status, &headers, "")).await;
    let upstream = egress.upstream(probe.spec()).unwrap();
    drop(ask(&upstream).await);
    let reset = |at: Timestamp| (at.duration_since(now()).as_secs_f64()).round();
    match ask(&upstream).await {
        Err(failure) if probe.count() == 1 => {
            let retry_at = failure.retry_at().unwrap();
            format!("{} for {} s", failure.code(), reset(retry_at))
        }
        _ => match upstream.status().budget {
            Some(budget) => format!(
                "{} of {} for {} s",
                budget.remaining,
                budget.limit,
                reset(budget.reset_at)
            ),
            None => "nothing".to_owned(),
        },
    }
}

#[tokio::test]
async fn windows_are_read_in_all_forms() {
    let egress = egress();
    let seconds = epoch(120);
    let millis = epoch(120) * 1000;
    let date = http_date(120);
    for (headers, expected) in [
        ("x-other: 1".to_owned(), "nothing"),
        (format!("x-ratelimit-limit: 5000\nx-ratelimit-remaining: 4999\nx-ratelimit-reset: {seconds}\nx-ratelimit-used: 1\nx-ratelimit-resource: core"), "4999 of 5000 for 120 s"),
        (format!("x-ratelimit-limit: 5000\nx-ratelimit-remaining: 4999\nx-ratelimit-reset: {millis}"), "4999 of 5000 for 120 s"),
        ("ratelimit-limit: 960\nratelimit-remaining: 12\nratelimit-reset: 28".to_owned(), "12 of 960 for 28 s"),
        (format!("RateLimit-Limit: 600\nRateLimit-Observed: 1\nRateLimit-Remaining: 599\nRateLimit-Reset: {seconds}\nRateLimit-ResetTime: {date}"), "599 of 600 for 120 s"),
        // The lower wins, whichever comes first.
        ("RateLimit-Remaining: 180\nRateLimit-Limit: 200\nRateLimit-Reset: 42\nRateLimit-User-Remaining: 3\nRateLimit-User-Limit: 50\nRateLimit-User-Reset: 42".to_owned(), "3 of 50 for 42 s"),
        ("RateLimit-Limit: 100\nRateLimit-Remaining: 90\nRateLimit-Reset: 50\nX-RateLimit-Limit-Hour: 1000\nX-RateLimit-Remaining-Hour: 20\nX-RateLimit-Reset-Hour: 900".to_owned(), "20 of 1000 for 900 s"),
        ("X-RateLimit-Limit-Second: 10\nX-RateLimit-Remaining-Second: 9\nX-RateLimit-Reset-Second: 1\nX-RateLimit-Limit-Day: 10\nX-RateLimit-Remaining-Day: 5\nX-RateLimit-Reset-Day: 3600".to_owned(), "5 of 10 for 3600 s"),
        ("ratelimit-limit: 100, 100;w=60\nratelimit-remaining: 50\nratelimit-reset: 7".to_owned(), "50 of 100 for 7 s"),
        ("ratelimit: limit=100, remaining=50, reset=5".to_owned(), "50 of 100 for 5 s"),
        ("ratelimit-policy: \"burst\";q=10;w=1, \"daily\";q=1000;w=86400\nratelimit: \"burst\";r=9;t=1, \"daily\";r=100;t=3000".to_owned(), "100 of 1000 for 3000 s"),
        // Without an end, a minute; without a limit, what remains.
        ("x-ratelimit-remaining: 7".to_owned(), "7 of 7 for 60 s"),
        // What is no number says nothing.
        ("x-ratelimit-remaining: lots\nratelimit-remaining: -1\nratelimit: a;r=x".to_owned(), "nothing"),
        ("x-ratelimit-limit: 10\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 99999999999999999999999".to_owned(), "BUDGET_EXHAUSTED for 60 s"),
    ] {
        assert_eq!(after(&egress, 200, headers.clone()).await, expected, "{headers}");
    }
}

#[tokio::test]
async fn an_upstream_that_says_not_now_is_left_alone_for_as_long() {
    let egress = egress();
    let seconds = epoch(120);
    let (soon, past) = (http_date(90), http_date(-90));
    // By its own clock, which is an hour late.
    let (late_now, late_then) = (http_date(-3600), http_date(-3600 + 45));
    for (status, headers, expected) in [
        (429, "retry-after: 30".to_owned(), "UPSTREAM_RATE_LIMITED for 30 s"),
        (429, format!("retry-after: {soon}"), "UPSTREAM_RATE_LIMITED for 90 s"),
        (429, format!("date: {late_now}\nretry-after: {late_then}"), "UPSTREAM_RATE_LIMITED for 45 s"),
        (429, String::new(), "UPSTREAM_RATE_LIMITED for 1 s"),
        (429, "retry-after: soon".to_owned(), "UPSTREAM_RATE_LIMITED for 1 s"),
        (429, "retry-after: -5".to_owned(), "UPSTREAM_RATE_LIMITED for 1 s"),
        (429, "retry-after: 0".to_owned(), "nothing"),
        (429, "retry-after: 1e9".to_owned(), "nothing"),
        (429, "retry-after: ".to_owned(), "UPSTREAM_RATE_LIMITED for 1 s"),
        (429, "retry-after: 30\nretry-after: 60".to_owned(), "UPSTREAM_RATE_LIMITED for 30 s"),
        // Nobody is left alone for ever, whatever they say.
        (429, "retry-after: 99999999999999999999999999".to_owned(), "UPSTREAM_RATE_LIMITED for 1 s"),
        (429, "retry-after: Fri, 31 Dec 2027 23:59:59 GMT".to_owned(), "UPSTREAM_RATE_LIMITED for 3600 s"),
        (429, "retry-after: Fri, 31 Dec 9999 23:59:59 GMT".to_owned(), "UPSTREAM_RATE_LIMITED for 1 s"),
        (429, "x-ratelimit-limit: -1\nx-ratelimit-remaining: many\nx-ratelimit-reset: 99999999999999".to_owned(), "UPSTREAM_RATE_LIMITED for 1 s"),
        (429, "retry-after: 99999999".to_owned(), "UPSTREAM_RATE_LIMITED for 3600 s"),
        (403, "retry-after: 60\nx-ratelimit-limit: 9\nx-ratelimit-remaining: 8\nx-ratelimit-reset: 10".to_owned(), "UPSTREAM_RATE_LIMITED for 60 s"),
        (403, format!("x-ratelimit-limit: 9\nx-ratelimit-remaining: 0\nx-ratelimit-reset: {seconds}"), "BUDGET_EXHAUSTED for 120 s"),
        (429, "ratelimit-limit: 9\nratelimit-remaining: 0\nratelimit-reset: 20".to_owned(), "BUDGET_EXHAUSTED for 20 s"),
        (503, "retry-after: 30".to_owned(), "UPSTREAM_UNAVAILABLE for 30 s"),
        // Over already, and not a word of limits: asked again.
        (429, format!("retry-after: {past}"), "nothing"),
        (403, String::new(), "nothing"),
        (503, String::new(), "nothing"),
        (404, "retry-after: 30".to_owned(), "nothing"),
    ] {
        assert_eq!(after(&egress, status, headers.clone()).await, expected, "{status} {headers}");
    }
}

#[tokio::test]
async fn what_is_told_to_wait_waits_and_asks_again_if_there_is_time() {
    let once = |first: Act| {
        move |asked: &super::probe::Asked| match asked.number {
            0 => first.clone(),
            _ => ok(),
        }
    };
    let probe = Probe::start(once(answer(429, "retry-after: 1", ""))).await;
    let mut spec = probe.spec();
    spec.limits.retries = 2;
    spec.limits.timeout = Duration::from_secs(3);
    let reply = ask(&upstream(spec.clone())).await.unwrap();
    assert_eq!((reply.attempts, reply.elapsed.as_secs()), (2, 1));

    // Not beyond the deadline: no attempt is made that cannot be in time.
    probe.now(|_| answer(429, "retry-after: 10", ""));
    let before = probe.count();
    let failure = ask(&upstream(spec)).await.unwrap_err();
    assert_eq!((failure.attempts, probe.count() - before), (1, 1));
    assert!(failure.elapsed < Duration::from_secs(1), "{failure:?}");
    assert!(matches!(
        failure.kind,
        Kind::RateLimited { status: 429, .. }
    ));
}

#[tokio::test]
async fn lanes_and_floors_leave_the_last_to_others() {
    // What each lane is let of ten a minute, one after the other.
    for (lane, expected) in [(Lane::Poll, 7), (Lane::Ingest, 9), (Lane::Interactive, 10)] {
        let probe = Probe::start(|_| ok()).await;
        let mut spec = probe.spec();
        spec.limits.per_minute = Some(10);
        let upstream = upstream(spec);
        for _ in 0..12 {
            let mut call = get("/things/7");
            call.lane = lane;
            drop(upstream.send(call).await);
        }
        assert_eq!(probe.count(), expected, "{lane:?}");
        // What a lane left is there for who waits.
        while code(&ask(&upstream).await) == "200" {}
        assert_eq!(probe.count(), 10, "{lane:?}");
    }
    // Of what the upstream tells: a floor, a share, and the lane's reserve, whichever is more.
    for (floor, share, lane, expected) in [
        (0.0, 1.0, Lane::Interactive, 10),
        (0.2, 1.0, Lane::Interactive, 8),
        (0.2, 1.0, Lane::Poll, 7),
        (0.5, 1.0, Lane::Poll, 5),
        (0.0, 0.5, Lane::Interactive, 5),
    ] {
        let probe = Probe::start(|asked| {
            let remaining = 9_usize.saturating_sub(asked.number);
            answer(
                200,
                &format!(
                    "ratelimit-limit: 10\nratelimit-remaining: {remaining}\nratelimit-reset: 60"
                ),
                "",
            )
        })
        .await;
        let mut spec = probe.spec();
        spec.limits.budget_floor = floor;
        spec.share = share;
        let upstream = upstream(spec);
        for _ in 0..12 {
            let mut call = get("/things/7");
            call.lane = lane;
            drop(upstream.send(call).await);
        }
        assert_eq!(probe.count(), expected, "{floor} {share} {lane:?}");
    }
}

#[tokio::test]
async fn each_resource_has_its_own_limit() {
    let probe = Probe::start(|asked| {
        let (resource, remaining) = match asked.target.contains("search") {
            true => ("search", 0),
            false => ("core", 100),
        };
        let headers = format!(
            "x-ratelimit-limit: 1000\nx-ratelimit-remaining: {remaining}\nx-ratelimit-reset: 60\nx-ratelimit-resource: {resource}"
        );
        answer(200, &headers, "")
    })
    .await;
    let upstream = upstream(probe.spec());
    let ask = async |path: &str, template: &str| {
        let mut call = get(path);
        call.template = template.into();
        code(&upstream.send(call).await)
    };
    assert_eq!(ask("/search?q=1", "/search").await, "200");
    // Of which resource a template is was learnt from its first answer.
    assert_eq!(ask("/search?q=2", "/search").await, "BUDGET_EXHAUSTED");
    assert_eq!(ask("/repos/1", "/repos/{id}").await, "200");
    assert_eq!(ask("/repos/2", "/repos/{id}").await, "200");
    let mut call = get("/other");
    call.resource = Some("search".into());
    assert_eq!(code(&upstream.send(call).await), "BUDGET_EXHAUSTED");
}
