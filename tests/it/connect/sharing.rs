//! Fields that ask the same: one request, one thing kept, and each takes its own part of it.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::world::{World, world};
use crate::support::upstream::{Asked, Reply};

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  run: Run @connect(source: "rest", get: "/runs/{$entity.metadata.annotations.'probe/id'}") @cache(maxAge: "1m", stale: "10m")
}
type Run implements Live @identity(from: "id") {
  status: String @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "items | where(state, 'bad') | first && 'BAD' ?? 'GOOD'") @cache(maxAge: "30s", stale: "10m")
  names: String @connect(source: "rest", get: "/runs/{$id}/steps", let: [{ name: "id", value: "$this.id" }], at: "items[].name | join(' ')") @cache(maxAge: "30s", stale: "10m")
  note: String @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "note") @cache(maxAge: "30s", stale: "10m")
  nothing: String @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "no.such") @cache(maxAge: "30s", stale: "10m")
  first: Step @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "items[0]") @cache(maxAge: "30s", stale: "10m")
  plain: [Step] @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "items | where(state, 'bad')") @cache(maxAge: "30s", stale: "10m")
  steps: [Step] @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "items[]", page: { style: CURSOR, cursor: "from", next: "next" }) @cache(maxAge: "30s", stale: "10m")
  notes: [Step] @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "note") @cache(maxAge: "30s", stale: "10m")
  sized: [Step] @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "items[]", page: { style: OFFSET, size: "size", cursor: "from" }) @cache(maxAge: "30s", stale: "10m")
  older: String @connect(source: "rest", get: "/runs/{$this.id}/steps", at: "note") @cache(maxAge: "5m")
  posted: String @connect(source: "rest", post: "/runs/{$this.id}/steps", body: "{ id: $this.id }", at: "note") @cache(maxAge: "30s", stale: "10m")
}
type Step implements Live @identity(from: "name") { name: String, state: String }
"#;

/// Seven steps, three of them on a page.
fn upstream(asked: &Asked) -> Reply {
    if asked.path() == "/runs/7" {
        return Reply::json(&json!({ "id": 7 }));
    }
    let first = asked.params("from");
    let first: usize = first.first().map_or(0, |text| text.parse().unwrap());
    let size = asked.params("size");
    let size: usize = size.first().map_or(3, |text| text.parse().unwrap());
    let items: Vec<Value> = (first..(first + size).min(7))
        .map(|n| json!({ "name": format!("s{n}"), "state": if n == 1 { "bad" } else { "good" } }))
        .collect();
    let next = (first + size < 7).then(|| (first + size).to_string());
    Reply::json(&json!({ "items": items, "next": next, "note": "as it was" }))
}

async fn running() -> World {
    let world = world(SDL).components("pay: { probe/id: '7' }");
    world.start(upstream).await
}

async fn ask(world: &World, fields: &str) -> String {
    let query = format!("{{ component(ref: \"pay\") {{ run {{ {fields} }} }} }}");
    let (json, _) = world.engine.json(&query, Value::Null).await;
    json["data"]["component"]["run"].to_string() + &json["errors"].to_string().replace("null", "")
}

fn asked(world: &World) -> String {
    let asked = world.upstream.take();
    let asked: Vec<String> = asked
        .iter()
        .map(|asked| format!("{} {}", asked.method, asked.target))
        .collect();
    asked.join("\n")
}

#[tokio::test]
async fn fields_that_differ_in_at_alone_are_one_request() {
    let world = running().await;
    let fields = "status names note nothing first { name } plain { nodes { name } } steps(first: 3) { nodes { name } complete pageInfo { hasNextPage } }";
    assert_snapshot!(ask(&world, fields).await, @r#"{"status":"BAD","names":"s0 s1 s2","note":"as it was","nothing":null,"first":{"name":"s0"},"plain":{"nodes":[{"name":"s1"}]},"steps":{"nodes":[{"name":"s0"},{"name":"s1"},{"name":"s2"}],"complete":false,"pageInfo":{"hasNextPage":true}}}"#);
    assert_snapshot!(asked(&world), @r"
    GET /runs/7
    GET /runs/7/steps
    ");
    // Warm it is none.
    ask(&world, fields).await;
    assert_eq!(asked(&world), "");
    // Stale it is one again, behind.
    world.pass(Duration::from_secs(40));
    ask(&world, fields).await;
    let mut behind = asked(&world);
    for _ in 0..200 {
        if !behind.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        behind = asked(&world);
    }
    // A second one would have gone out with the first.
    tokio::time::sleep(Duration::from_millis(20)).await;
    behind.push_str(&asked(&world));
    assert_eq!(behind, "GET /runs/7/steps");
}

#[tokio::test]
async fn one_alone_fetches_for_those_that_come_later() {
    let world = running().await;
    assert_snapshot!(ask(&world, "note").await, @r#"{"note":"as it was"}"#);
    asked(&world);
    assert_snapshot!(ask(&world, "status first { state }").await, @r#"{"status":"BAD","first":{"state":"good"}}"#);
    assert_eq!(asked(&world), "");
    // The list goes on behind the page that is there.
    assert_snapshot!(ask(&world, "steps(first: 5) { nodes { name } pageInfo { hasNextPage } }").await, @r#"{"steps":{"nodes":[{"name":"s0"},{"name":"s1"},{"name":"s2"},{"name":"s3"},{"name":"s4"}],"pageInfo":{"hasNextPage":true}}}"#);
    assert_eq!(asked(&world), "GET /runs/7/steps?from=3");
    // And those that know no pages still see the first.
    assert_snapshot!(ask(&world, "names steps { nodes { name } totalCount }").await, @r#"{"names":"s0 s1 s2","steps":{"nodes":[{"name":"s0"},{"name":"s1"},{"name":"s2"},{"name":"s3"},{"name":"s4"},{"name":"s5"},{"name":"s6"}],"totalCount":7}}"#);
    assert_eq!(asked(&world), "GET /runs/7/steps?from=6");
}

#[tokio::test]
async fn other_requests_and_other_ages_are_kept_apart() {
    let world = running().await;
    ask(
        &world,
        "note sized(first: 2) { nodes { name } } older posted",
    )
    .await;
    let mut all: Vec<String> = asked(&world).lines().map(str::to_owned).collect();
    all.sort();
    assert_snapshot!(all.join("\n"), @r"
    GET /runs/7
    GET /runs/7/steps
    GET /runs/7/steps
    GET /runs/7/steps?size=2
    POST /runs/7/steps
    ");
}

#[tokio::test]
async fn a_part_of_another_shape_costs_no_other_part() {
    let world = running().await;
    assert_snapshot!(ask(&world, "notes { nodes { name } } note").await, @r#"{"notes":null,"note":"as it was"}[{"message":"`probe` gave something else where a list should be at `/runs/{$this.id}/steps`","locations":[{"line":1,"column":33}],"path":["component","run","notes"],"extensions":{"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}}]"#);
    // It is not kept for those who need a list.
    assert_eq!(asked(&world), "GET /runs/7\nGET /runs/7/steps");
    ask(&world, "notes { nodes { name } }").await;
    assert_eq!(asked(&world), "GET /runs/7/steps");
}
