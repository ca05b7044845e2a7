//! Each way in which an upstream can fail.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use callboard::egress::{Kind, Refusal, Why};

use super::probe::{Act, Asked, Probe, answer, ask, code, egress, get, ok, spec, upstream};

/// What an upstream does, and what comes of it: the code, the message's end, whether the breaker may count it.
type Fault = (&'static str, fn(&Asked) -> Act, &'static str);

const FAULTS: &[Fault] = &[
    (
        "black hole",
        |_| Act::Silence,
        "UPSTREAM_TIMEOUT gave no answer within",
    ),
    (
        "10 s latency",
        |_| Act::Late(Duration::from_secs(10), Box::new(ok())),
        "UPSTREAM_TIMEOUT gave no answer within",
    ),
    (
        "body that stops",
        |_| Act::Say("HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{".into()),
        "UPSTREAM_TIMEOUT gave no answer within",
    ),
    (
        "a byte now and then",
        |_| Act::Drip,
        "UPSTREAM_TIMEOUT gave no answer within",
    ),
    (
        "a header of 1 MB",
        |_| {
            Act::Say(format!(
                "HTTP/1.1 200 x\r\nx-a: {}\r\ncontent-length: 2\r\n\r\n{{}}",
                "a".repeat(1 << 20)
            ))
        },
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "10,000 headers",
        |_| {
            Act::Say(format!(
                "HTTP/1.1 200 x\r\n{}content-length: 2\r\n\r\n{{}}",
                "x-a: b\r\n".repeat(10_000)
            ))
        },
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "headers without end",
        |_| Act::Say(format!("HTTP/1.1 200 x\r\n{}", "x-a: b\r\n".repeat(10))),
        "UPSTREAM_TIMEOUT gave no answer within",
    ),
    (
        "words before the answer",
        |_| {
            let before = "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 103 x\r\nlink: </a>\r\n\r\n";
            Act::Say(format!(
                "{before}HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\n{{}}"
            ))
        },
        "200",
    ),
    (
        "words and no answer",
        |_| Act::Say("HTTP/1.1 103 x\r\n\r\n".repeat(1000)),
        "UPSTREAM_TIMEOUT gave no answer within",
    ),
    (
        "another protocol",
        |_| Act::Say("HTTP/1.1 101 x\r\nupgrade: smtp\r\nconnection: upgrade\r\n\r\n".into()),
        "101",
    ),
    ("204", |_| Act::Say("HTTP/1.1 204 x\r\n\r\n".into()), "204"),
    (
        "two lengths",
        |_| {
            Act::SayAndClose(
                "HTTP/1.1 200 x\r\ncontent-length: 2\r\ncontent-length: 9\r\n\r\n{}".into(),
            )
        },
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "a length that is none",
        |_| Act::SayAndClose("HTTP/1.1 200 x\r\ncontent-length: -1\r\n\r\n{}".into()),
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "a chunk that is none",
        |_| {
            Act::SayAndClose(
                "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n".into(),
            )
        },
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "a redirect to nowhere",
        |_| answer(301, "", ""),
        "UPSTREAM_UNAVAILABLE redirects too often, or to nowhere",
    ),
    (
        "closed at once",
        |_| Act::SayAndClose(String::new()),
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "reset mid-body",
        |_| Act::SayAndReset("HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{".into()),
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "truncated",
        |_| Act::SayAndClose("HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{".into()),
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "truncated chunks",
        |_| {
            Act::SayAndClose(
                "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n".into(),
            )
        },
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "no HTTP",
        |_| Act::SayAndClose("220 mail.test ESMTP\r\n".into()),
        "UPSTREAM_UNAVAILABLE broke off its answer",
    ),
    (
        "401",
        |_| answer(401, "", "token s3cret is bad"),
        "UPSTREAM_UNAUTHORIZED did not accept the credential",
    ),
    (
        "403",
        |_| answer(403, "", ""),
        "UPSTREAM_UNAUTHORIZED did not accept the credential",
    ),
    ("404", |_| answer(404, "", ""), "404"),
    ("422", |_| answer(422, "", ""), "422"),
    (
        "429 without a word",
        |_| answer(429, "", ""),
        "UPSTREAM_RATE_LIMITED said that there were too many requests",
    ),
    (
        "500",
        |_| answer(500, "", "at /srv/x.rb"),
        "UPSTREAM_UNAVAILABLE answered with status 500",
    ),
    (
        "503",
        |_| answer(503, "", ""),
        "UPSTREAM_UNAVAILABLE answered with status 503",
    ),
    (
        "endless",
        |_| Act::Endless,
        "UPSTREAM_BAD_SHAPE answered with more than 65536 bytes",
    ),
    (
        "too long by its own word",
        |_| Act::Say("HTTP/1.1 200 x\r\ncontent-length: 9999999999\r\n\r\n".into()),
        "UPSTREAM_BAD_SHAPE answered with more than 65536 bytes",
    ),
    (
        "to another host",
        |_| answer(302, "location: http://elsewhere.test/", ""),
        "UPSTREAM_UNAVAILABLE redirects to a host that `allowHosts` does not name",
    ),
    (
        "to the cloud's metadata",
        |_| answer(302, "location: http://169.254.169.254/latest/meta-data", ""),
        "UPSTREAM_UNAVAILABLE redirects to an address that is not public",
    ),
    (
        "in a circle",
        |asked| answer(302, &format!("location: {}", asked.target), ""),
        "UPSTREAM_UNAVAILABLE redirects too often, or to nowhere",
    ),
];

#[tokio::test]
async fn a_fault_gives_its_code_in_time_and_shows_nothing_and_is_over_afterwards() {
    let egress = egress();
    for (name, behaviour, expected) in FAULTS {
        let probe = Probe::start(behaviour).await;
        let mut spec = probe.spec();
        spec.limits.max_bytes = 65536;
        let upstream = egress.upstream(spec).unwrap();
        let started = Instant::now();
        let result = ask(&upstream).await;
        assert!(started.elapsed() < Duration::from_secs(2), "{name}");
        let text = match &result {
            Ok(reply) => reply.status.to_string(),
            Err(failure) => {
                let (place, rest) = failure
                    .to_string()
                    .split_once("}` ")
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .unwrap();
                assert_eq!(place, "`probe` (source `rest`) at `/things/{id", "{name}");
                format!("{} {rest}", failure.code())
            }
        };
        assert!(text.starts_with(expected), "{name}: {text}");
        for secret in [
            "s3cret",
            "127.0.0.1",
            "/things/7",
            "elsewhere",
            "meta-data",
            "/srv",
        ] {
            let shown = format!("{text} {:?} {:?}", result.as_ref().err(), upstream.status());
            assert!(!shown.contains(secret), "{name}: {shown}");
        }
        probe.now(|_| ok());
        if code(&result) == "UPSTREAM_RATE_LIMITED" {
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        assert_eq!(code(&ask(&upstream).await), "200", "{name}: afterwards");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_to_be_so() {
    let closed = Probe::start(|_| ok()).await;
    let address = closed.address;
    closed.tasks.cancellation().cancel();
    drop(closed);
    let failure = ask(&upstream(spec("http://127.0.0.1:1")))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Unavailable(Why::Refused), "{address}");
    assert_snapshot!(failure, @"`probe` (source `rest`) at `/things/{id}` refused the connection");
}

#[tokio::test]
async fn a_request_goes_below_the_base_and_nowhere_else() {
    let probe = Probe::start(|_| ok()).await;
    let upstream = upstream(probe.spec());
    for path in ["", "/", "/a/b?c=d", "?x=%2f..%2f", "/a%2Fb", "//host/x"] {
        assert_eq!(code(&upstream.send(get(path)).await), "200", "{path}");
    }
    let targets: Vec<_> = probe
        .asked()
        .into_iter()
        .map(|asked| asked.target)
        .collect();
    assert_snapshot!(targets.join("\n"), @"
    /api
    /api/
    /api/a/b?c=d
    /api?x=%2f..%2f
    /api/a%2Fb
    /api//host/x
    ");
    for path in [
        "/../admin",
        "/a/../../admin",
        "/%2e%2e/admin",
        "/.%2E/x",
        "/./x",
        "/a\\..\\..\\b",
        "/a\r\nhost: b",
        "/a b",
        "/a#b",
        "@elsewhere.test/",
        ".elsewhere.test/",
        ":80/x",
        "a",
        "/a\tb",
        "http://elsewhere.test/",
    ] {
        let failure = upstream.send(get(path)).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Refused(Refusal::Path), "{path}");
        assert_eq!(failure.attempts, 0);
    }
    assert_eq!(probe.count(), 6);
}
