//! Arguments that choose among the items of a list by what has to be fetched of each of them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::world::{World, world};
use crate::support::upstream::{Asked, Reply};

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { concurrency: 64, retries: 0 })
type ProbeRun implements CiRun @supplies(field: "Entity.ciRuns") @identity(from: "number")
  @connect(source: "rest", get: "/runs", at: "items[]", page: { style: OFFSET, size: "limit", cursor: "offset", maxPages: 12 }) @cache(maxAge: "1m") {
  number: Int
  branch: String
  "Known by another request only."
  status: CiStatus @connect(source: "rest", get: "/runs/{$this.number}/steps", at: "status") @cache(maxAge: "1m")
  "The same."
  workflow: String @connect(source: "rest", get: "/runs/{$this.number}/steps", at: "flow") @cache(maxAge: "1m")
}
"#;

/// A hundred runs: every fifth has failed, of the seventh nothing is known.
fn upstream(asked: &Asked) -> Reply {
    let number = |name: &str| {
        let found = asked.params(name);
        found.first().map_or(0, |text| text.parse().unwrap())
    };
    let (offset, limit): (usize, usize) = (number("offset"), number("limit"));
    if asked.path() == "/runs" {
        let runs: Vec<Value> = (offset..(offset + limit).min(100))
            .map(|n| json!({ "number": n, "branch": if n.is_multiple_of(2) { "main" } else { "topic" } }))
            .collect();
        return Reply::json(&json!({ "items": runs }));
    }
    let n = asked.path().split('/').nth(2).unwrap();
    let n: usize = n.parse().unwrap();
    if n == 7 {
        return Reply::status(500);
    }
    let status = if n.is_multiple_of(5) {
        "FAILED"
    } else {
        "PASSED"
    };
    Reply::json(&json!({ "status": status, "flow": if n < 50 { "build" } else { "nightly" } }))
}

async fn running() -> World {
    world(SDL).components("pay: {}").start(upstream).await
}

/// What is shown, then how much was asked.
async fn ask(world: &World, arguments: &str) -> (String, Value) {
    let query = format!(
        "{{ component(ref: \"pay\") {{ ciRuns({arguments}) {{ nodes {{ number }} totalCount complete pageInfo {{ hasNextPage endCursor }} }} }} }}"
    );
    let (json, _) = world.engine.json(&query, Value::Null).await;
    let runs = &json["data"]["component"]["ciRuns"];
    let nodes = runs["nodes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let numbers: Vec<String> = nodes
        .iter()
        .map(|node| node["number"].to_string())
        .collect();
    let asked = world.upstream.take();
    let lists = asked.iter().filter(|asked| asked.path() == "/runs").count();
    let errors = json["errors"].as_array().into_iter().flatten();
    let errors: Vec<String> = errors
        .map(|error| {
            format!(
                " {} partial {}",
                error["extensions"]["code"], error["extensions"]["partial"]
            )
        })
        .collect();
    let shown = format!(
        "{} total {} complete {} next {}{}; {lists} pages, {} others",
        numbers.join(" "),
        runs["totalCount"],
        runs["complete"],
        runs["pageInfo"]["hasNextPage"],
        errors.concat(),
        asked.len() - lists
    );
    (shown, runs["pageInfo"]["endCursor"].clone())
}

#[tokio::test]
async fn what_has_to_be_fetched_is_fetched_and_compared() {
    let world = running().await;
    let (first, cursor) = ask(&world, "first: 3, status: FAILED, branch: \"main\"").await;
    assert_snapshot!(first, @"0 10 20 total null complete false next true; 7 pages, 11 others");
    let (second, _) = ask(
        &world,
        &format!("first: 1, status: FAILED, branch: \"main\", after: {cursor}"),
    )
    .await;
    assert_snapshot!(second, @"30 total null complete false next true; 4 pages, 5 others");
    // Two fields of one request.
    assert_snapshot!(ask(&world, "first: 2, status: PASSED, workflow: \"BUILD\"").await.0, @"1 2 total null complete false next true; 0 pages, 1 others");
}

#[tokio::test]
async fn pages_are_read_on_until_there_are_enough() {
    let world = running().await;
    assert_snapshot!(ask(&world, "first: 4, branch: \"topic\"").await.0, @"1 3 5 7 total null complete false next true; 2 pages, 0 others");
    // No more than `maxPages`.
    assert_snapshot!(ask(&world, "first: 20, branch: \"none\"").await.0, @" total null complete false next false; 10 pages, 0 others");
}

#[tokio::test]
async fn what_cannot_be_fetched_is_left_out() {
    let world = running().await;
    assert_snapshot!(ask(&world, "first: 6, status: PASSED").await.0, @r#"1 2 3 4 6 8 total null complete false next true "UPSTREAM_UNAVAILABLE" partial true; 2 pages, 9 others"#);
}

/// How many there are is known once all pages have been read, and all of what they hold was compared.
#[tokio::test]
async fn what_was_read_to_its_end_is_counted() {
    let world = running().await;
    ask(&world, "first: 100").await;
    let (all, _) = ask(&world, "first: 100, branch: \"topic\"").await;
    assert!(
        all.ends_with("99 total 50 complete true next false; 1 pages, 0 others"),
        "{all}"
    );
    // All hundred are there by now, and comparing costs nothing: also of a part of them.
    assert_snapshot!(ask(&world, "first: 2, branch: \"topic\"").await.0, @"1 3 total 50 complete true next true; 0 pages, 0 others");
    // What is fetched of each is fetched until there are enough, and no further.
    assert_snapshot!(ask(&world, "first: 2, status: FAILED").await.0, @"0 5 total null complete true next true; 0 pages, 6 others");
}
