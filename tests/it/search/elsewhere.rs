//! `externalSearch` beside upstreams that fail or take their time: each costs its own hits alone.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::{Place, Running, until};
use crate::support::upstream::{Reply, Upstream};

fn wiki_page() -> Reply {
    Reply::json(&json!({ "query": { "pages": [
        { "pageid": 1, "title": "Keys", "extract": "How to rotate.", "fullurl": "https://wiki.example/keys" },
    ] } }))
}

/// What a server over both example connectors answers, and how long that takes.
async fn asked(board: Reply) -> (Value, Duration) {
    let wiki = Upstream::start(|_| wiki_page()).await;
    let board = Upstream::start(move |_| board.clone()).await;
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/connectors");
    let config = json!({
        "connectorFolders": [connectors],
        "connectors": {
            "wiki": { "config": { "url": wiki.url }, "secrets": { "token": "t" } },
            "stackoverflow": { "config": { "url": board.url } },
        },
    });
    let place = Place::with(&[("callboard.yaml", &config.to_string())]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    // Nothing of this is kept for the second question.
    until(&place, &server.url, "{ __typename }", |answer| {
        answer["data"].is_object()
    });
    let query = "{ search(query: \"keys\") { totalCount } externalSearch(query: \"keys\") { nodes { provider title } complete } }";
    let started = Instant::now();
    let answer = until(&place, &server.url, query, |answer| {
        answer["data"]["externalSearch"].is_object()
    });
    let took = started.elapsed();
    assert_eq!(server.end("-TERM").0, Some(0));
    (answer, took)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_or_is_slow_costs_its_own_hits_alone() {
    let slow = Reply::json(&json!({ "items": [] })).after(Duration::from_secs(20));
    for (board, code) in [
        (Reply::status(500), "UPSTREAM_UNAVAILABLE"),
        (slow, "UPSTREAM_TIMEOUT"),
    ] {
        let (answer, took) = asked(board).await;
        assert_eq!(
            answer["data"]["externalSearch"]["nodes"],
            json!([{ "provider": "wiki", "title": "Keys" }]),
            "{answer}"
        );
        assert_eq!(answer["data"]["search"]["totalCount"], 0, "{answer}");
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["code"], code, "{answer}");
        assert_eq!(extensions["connector"], "stackoverflow", "{answer}");
        assert_eq!(extensions["partial"], true, "{answer}");
        // Each has a second; a machine with much to do takes longer.
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}
