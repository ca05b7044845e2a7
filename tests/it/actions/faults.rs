//! What goes wrong at the upstream: told in `userErrors`, sent once, and never more than its code and who failed.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{World, usual};
use crate::support::upstream::Reply;

async fn told(reply: Reply) -> String {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    world
        .upstream
        .answer(move |asked| match asked.method.as_str() {
            "POST" => reply.clone(),
            _ => usual(asked),
        });
    let payload = world.rerun(&ids[0], "").await;
    let text = payload.to_string();
    for secret in [&*world.upstream.url, "s3cret", "127.0.0.1", "private words"] {
        assert!(!text.contains(secret), "{text}");
    }
    let n_sent = world
        .asked()
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    let errors = payload["userErrors"].as_array().unwrap();
    let errors: Vec<String> = errors
        .iter()
        .map(|error| {
            format!(
                "{} {}",
                error["code"].as_str().unwrap(),
                error["message"].as_str().unwrap()
            )
        })
        .collect();
    let ci_run = payload["ciRun"]["status"]
        .as_str()
        .unwrap_or("-")
        .to_owned();
    let audit = world.audit("outcome code").await.join(", ");
    format!("{n_sent} sent, {audit}, {ci_run}: {}", errors.join("; "))
}

#[tokio::test]
async fn a_failed_request_is_sent_once_and_told() {
    let mut out = String::new();
    let words = |reply: Reply| Reply {
        body: "private words".to_owned(),
        ..reply
    };
    let replies = [
        ("200 without JSON", words(Reply::status(200))),
        ("204", Reply::status(204)),
        ("400", words(Reply::status(400))),
        ("401", words(Reply::status(401))),
        ("404", words(Reply::status(404))),
        ("409", words(Reply::status(409))),
        ("429", words(Reply::status(429)).header("retry-after", "7")),
        ("500", words(Reply::status(500))),
        ("503", words(Reply::status(503))),
        ("too late", Reply::status(200).after(Duration::from_secs(2))),
        (
            "elsewhere",
            Reply::status(307).header("location", "http://169.254.169.254/x"),
        ),
    ];
    for (name, reply) in replies {
        let told = told(reply).await;
        // How long it waited is not the same twice.
        let told = match told.split_once("within ") {
            Some((before, _)) => format!("{before}within a while"),
            None => told,
        };
        out.push_str(&format!("{name}: {told}\n"));
    }
    assert_snapshot!(out, @"
    200 without JSON: 1 sent, done -, RUNNING: 
    204: 1 sent, done -, RUNNING: 
    400: 1 sent, failed UPSTREAM_UNAVAILABLE, RUNNING: UPSTREAM_UNAVAILABLE `probe` answered with status 400 at `/runs/{$run}/rerun`
    401: 1 sent, failed UPSTREAM_UNAUTHORIZED, RUNNING: UPSTREAM_UNAUTHORIZED `probe` (source `rest`) at `/runs/{$run}/rerun` did not accept the credential
    404: 1 sent, failed UPSTREAM_NOT_FOUND, RUNNING: UPSTREAM_NOT_FOUND `probe` does not know what was asked for at `/runs/{$run}/rerun`: it is gone by now, in no state for this, or not the credential's to change
    409: 1 sent, failed UPSTREAM_UNAVAILABLE, RUNNING: UPSTREAM_UNAVAILABLE `probe` answered with status 409 at `/runs/{$run}/rerun`
    429: 1 sent, failed UPSTREAM_RATE_LIMITED, -: UPSTREAM_RATE_LIMITED `probe` (source `rest`) at `/runs/{$run}/rerun` said that there were too many requests
    500: 1 sent, unknown UPSTREAM_UNAVAILABLE, RUNNING: UPSTREAM_UNAVAILABLE `probe` (source `rest`) at `/runs/{$run}/rerun` answered with status 500
    503: 1 sent, unknown UPSTREAM_UNAVAILABLE, RUNNING: UPSTREAM_UNAVAILABLE `probe` (source `rest`) at `/runs/{$run}/rerun` answered with status 503
    too late: 1 sent, unknown UPSTREAM_TIMEOUT, RUNNING: UPSTREAM_TIMEOUT `probe` (source `rest`) at `/runs/{$run}/rerun` gave no answer within a while
    elsewhere: 1 sent, failed UPSTREAM_UNAVAILABLE, RUNNING: UPSTREAM_UNAVAILABLE `probe` (source `rest`) at `/runs/{$run}/rerun` redirects to an address that is not public
    ");
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_is_an_error_at_its_place() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.upstream.answer(|asked| match asked.method.as_str() {
        "POST" => usual(asked),
        _ => Reply::status(500),
    });
    let json = world.ask(&super::rerun(&ids[0], "")).await;
    assert_eq!(json["data"]["rerunCiRun"]["ciRun"], Value::Null);
    assert_eq!(json["data"]["rerunCiRun"]["userErrors"], json!([]));
    assert_eq!(json["errors"][0]["path"], json!(["rerunCiRun", "ciRun"]));
    assert_eq!(
        json["errors"][0]["extensions"]["code"],
        "UPSTREAM_UNAVAILABLE"
    );
}

#[tokio::test]
async fn without_an_audit_nothing_is_done() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    world.store.clone().close().await.unwrap();
    let payload = world.rerun(&ids[0], "").await;
    assert_eq!(
        payload["userErrors"],
        json!([{ "code": "INTERNAL_SERVER_ERROR", "message": "the audit cannot be written, so nothing was done", "field": null }])
    );
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn what_the_connector_cannot_do_is_said() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    let payload = world.rerun(&ids[0], "failedJobsOnly: true").await;
    assert_eq!(
        payload["userErrors"],
        json!([{ "code": "NOT_SUPPORTED", "message": "`probe` cannot do this to it with `failedJobsOnly: true`; without `failedJobsOnly` it can", "field": ["input", "failedJobsOnly"] }])
    );
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(world.audit("id").await, [""; 0]);
}
