//! `@supplies(from:)`: values that come along other fields, whatever those are made of.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::world::{World, world};
use crate::support::upstream::{Asked, Reply};

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
type ProbeRepository implements Repository
  @supplies(field: "Entity.repository")
  @identity(from: "id")
  @connect(source: "rest", get: "/repo/{$entity.metadata.name}")
  @cache(maxAge: "1m") {
  "Its tags."
  tags: [ProbeRelease] @connect(source: "rest", get: "/repo/{$this.id}/tags?n={$args.first}", at: "items[]", page: { style: OFFSET, size: "limit", maxSize: 4, cursor: "offset" }) @cache(maxAge: "1m")
  "What came with it."
  open: [ProbeIssue] @field(at: "open.issues")
  "The last run."
  last: ProbeRun @field(at: "run")
}
type ProbeRelease implements Release @supplies(field: "Entity.releases", from: "Entity.repository.tags") @identity(from: "tag")
type ProbeIssue implements Issue @supplies(field: "Entity.issues", from: "Entity.repository.open") @identity(from: "number")
type ProbeRun implements CiRun @supplies(field: "Entity.ciRuns") @identity(from: "id")
  @connect(source: "rest", get: "/runs/{$entity.metadata.name}", at: "items[]") @cache(maxAge: "1m") {
  "Its parts, each with jobs."
  parts: [ProbePart] @connect(source: "rest", get: "/runs/{$this.id}/parts", at: "items[]", page: { style: OFFSET, size: "limit", maxSize: 3, cursor: "offset" }) @cache(maxAge: "1m")
}
type ProbePart implements Live @identity(from: "id") {
  "Its jobs."
  jobs: [ProbeJob] @connect(source: "rest", get: "/parts/{$this.id}/jobs", at: "items[]", page: { style: CURSOR, cursor: "from", next: "next" }) @cache(maxAge: "1m")
}
type ProbeJob implements CiJob @supplies(field: "ProbeRun.jobs", from: "ProbeRun.parts.jobs") @identity(from: "name")
"#;

fn upstream(asked: &Asked) -> Reply {
    let number = |name: &str, default: usize| {
        let found = asked.params(name);
        found.first().map_or(default, |text| text.parse().unwrap())
    };
    let (offset, limit) = (number("offset", 0), number("limit", 100));
    let page = |all: usize, make: &dyn Fn(usize) -> Value| {
        let items: Vec<Value> = (offset..(offset + limit).min(all)).map(make).collect();
        Reply::json(&json!({ "items": items }))
    };
    let parts: Vec<&str> = asked.path().split('/').collect();
    match parts[1..] {
        ["repo", "pay"] => Reply::json(&json!({
            "id": 7,
            "open": { "issues": [{ "number": 1, "title": "one" }, null, { "number": 2, "title": "two" }] },
        })),
        ["repo", "lib"] => Reply::status(404),
        ["repo", _, "tags"] => page(6, &|n| json!({ "tag": format!("v{}", 6 - n) })),
        ["runs", "pay"] => page(1, &|n| json!({ "id": n })),
        ["runs", _, "parts"] => page(number("all", 4), &|n| json!({ "id": format!("p{n}") })),
        ["parts", part, "jobs"] => Reply::json(&json!({
            "items": [{ "name": format!("{part} a") }, { "name": format!("{part} b") }],
            "next": (part == "p1").then_some("2"),
        })),
        _ => Reply::status(404),
    }
}

async fn running() -> World {
    world(SDL)
        .components("pay: {}\nlib: {}")
        .start(upstream)
        .await
}

async fn ask(world: &World, name: &str, field: &str) -> String {
    let query = format!("{{ component(ref: \"{name}\") {{ {field} }} }}");
    let (json, _) = world.engine.json(&query, Value::Null).await;
    let asked = world.upstream.take().into_iter();
    let mut asked: Vec<String> = asked.map(|asked| asked.target).collect();
    asked.sort();
    let errors = json["errors"].to_string().replace("null", "");
    format!(
        "{}{errors}\n{}",
        json["data"]["component"],
        asked.join("\n")
    )
}

#[tokio::test]
async fn through_a_field_that_is_itself_supplied() {
    let world = running().await;
    assert_snapshot!(ask(&world, "pay", "releases(first: 3) { nodes { id tag } complete pageInfo { hasNextPage endCursor } }").await, @r#"
    {"releases":{"nodes":[{"id":"l7f9b8f26e7a1384e546e055b016ee2","tag":"v6"},{"id":"l47c74b0777b9478031f57ff711842c","tag":"v5"},{"id":"ld4e203a2fcbe17e545293028ade83b","tag":"v4"}],"complete":false,"pageInfo":{"hasNextPage":true,"endCursor":"l3.4141b9ce"}}}
    /repo/7/tags?n=3&limit=3
    /repo/pay
    "#);
    assert_snapshot!(ask(&world, "lib", "releases { nodes { tag } }").await, @r#"
    {"releases":null}
    /repo/lib
    "#);
}

#[tokio::test]
async fn through_a_list_that_came_with_the_object() {
    let world = running().await;
    assert_snapshot!(ask(&world, "pay", "issues { nodes { __typename number title provider } totalCount complete }").await, @r#"
    {"issues":{"nodes":[{"__typename":"ProbeIssue","number":1,"title":"one","provider":"probe"},{"__typename":"ProbeIssue","number":2,"title":"two","provider":"probe"}],"totalCount":2,"complete":true}}
    /repo/pay
    "#);
}

#[tokio::test]
async fn through_a_list_the_values_of_all_its_items_are_put_together() {
    let world = running().await;
    assert_snapshot!(ask(&world, "pay", "ciRuns { nodes { jobs(first: 4) { nodes { name } complete totalCount pageInfo { hasNextPage endCursor } } } }").await, @r#"
    {"ciRuns":{"nodes":[{"jobs":{"nodes":[{"name":"p0 a"},{"name":"p0 b"},{"name":"p1 a"},{"name":"p1 b"}],"complete":false,"totalCount":null,"pageInfo":{"hasNextPage":true,"endCursor":"l4.67dcac06"}}}]}}
    /parts/p0/jobs
    /parts/p1/jobs
    /parts/p2/jobs
    /runs/0/parts?limit=3
    /runs/pay
    "#);
    let after = "l4.0";
    let query = format!(
        "ciRuns {{ nodes {{ jobs(first: 4, after: \"{after}\") {{ nodes {{ name }} complete pageInfo {{ hasNextPage }} }} }} }}"
    );
    assert_snapshot!(ask(&world, "pay", &query).await, @r#"{"ciRuns":{"nodes":[{"jobs":{"nodes":[{"name":"p2 a"},{"name":"p2 b"}],"complete":false,"pageInfo":{"hasNextPage":false}}}]}}"#);
}
