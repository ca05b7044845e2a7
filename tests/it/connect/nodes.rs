//! `node(id:)` and `nodes(ids:)` of live objects: each is reached again the way that it was shown on.

use std::time::Duration;

use serde_json::{Value, json};

use super::graphql;
use super::world::{World, last, world};
use crate::support::redis::Redis;
use crate::support::upstream::{Asked, Reply};

/// Jobs with runs, runs with parts, which are asked for one by one, and with notes, which stand in the run.
const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { retries: 0, timeout: "500ms", breakerErrors: 1000 })
type ProbeRun implements CiRun
  @supplies(field: "Entity.ciRuns")
  @identity(from: "id")
  @connect(source: "rest", let: [{ name: "job", value: "$entity.metadata.annotations.'probe/job'" }], get: "/jobs/{$job}", at: "runs[]")
  @cache(maxAge: "1h") {
  status: CiStatus @field(at: "state", enum: [{ from: "red", to: "FAILED" }, { from: "new", to: "RUNNING" }])
  parts: [ProbePart] @connect(source: "rest", get: "/runs/{$this.id}", at: "parts[]") @cache(maxAge: "1h")
  notes: [ProbeNote]
}
type ProbePart implements Live @identity(from: "id") { state: String }
type ProbeNote implements Live @identity(from: "number") { text: String }
"#;

const COMPONENTS: &str = "pay: { probe/job: pay }\ntill: { probe/job: till }";

/// Runs 1 and 2 of each job, of which `moved` is how the second one is now.
fn runs(asked: &Asked, moved: &str) -> Reply {
    let name = last(asked);
    let note = |number: u32| json!({ "number": number, "text": format!("note {number}") });
    match name.as_str() {
        "pay" | "till" => Reply::json(&json!({ "runs": [
            { "id": format!("{name}-1"), "state": "red", "notes": [note(7)] },
            { "id": format!("{name}-2"), "state": moved, "notes": [note(8), note(9)] },
        ] })),
        run => Reply::json(&json!({ "parts": [{ "id": format!("{run}-a"), "state": "fine" }] })),
    }
}

async fn jobs() -> World {
    let world = world(SDL).components(COMPONENTS);
    world.start(|asked| runs(asked, "red")).await
}

impl World {
    async fn json(&self, query: &str) -> Value {
        self.engine.json(query, Value::Null).await.0
    }

    /// The values at `pointer` of an answer without errors.
    async fn id(&self, query: &str, pointer: &str) -> String {
        let json = self.json(query).await;
        assert_eq!(json.get("errors"), None, "{json}");
        let id = json["data"].pointer(pointer).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("{json}")).to_owned()
    }

    fn asked(&self) -> Vec<String> {
        let asked = self.upstream.take();
        asked.into_iter().map(|asked| asked.target).collect()
    }
}

const RUN: &str = r#"{ component(ref: "pay") { ciRuns { nodes { id } } } }"#;

#[tokio::test]
async fn what_was_shown_is_there_by_its_id() {
    let world = jobs().await;
    let id = world.id(RUN, "/component/ciRuns/nodes/1/id").await;
    assert_eq!(world.asked(), ["/jobs/pay"]);
    let query = format!(
        r#"{{ node(id: "{id}") {{ __typename id ... on Live {{ fetchedAt stale provider }} ... on CiRun {{ status }} ... on ProbeRun {{ parts {{ nodes {{ state }} }} }} }} }}"#
    );
    let run = |fetched_at: &str| {
        json!({ "data": { "node": {
            "__typename": "ProbeRun", "id": id, "fetchedAt": fetched_at, "stale": false, "provider": "probe",
            "status": "FAILED", "parts": { "nodes": [{ "state": "fine" }] }
        } } })
    };
    // What is kept of the run serves; its parts were never asked for.
    assert_eq!(world.json(&query).await, run("2026-03-01T12:00:00Z"));
    assert_eq!(world.asked(), ["/runs/pay-2"]);
    assert_eq!(world.json(&query).await, run("2026-03-01T12:00:00Z"));
    assert_eq!(world.asked(), [""; 0]);
    // What is too old is asked for again.
    world.pass(Duration::from_secs(2 * 60 * 60));
    assert_eq!(world.json(&query).await, run("2026-03-01T14:00:00Z"));
    assert_eq!(world.asked(), ["/jobs/pay", "/runs/pay-2"]);
}

#[tokio::test]
async fn objects_within_objects_are_reached_along_them() {
    let world = jobs().await;
    let all = r#"{ component(ref: "till") { ciRuns(first: 2) { edges { node { ... on ProbeRun { parts { nodes { id state } } notes { nodes { id text } } } } } } } }"#;
    let (part, note) = ("parts/nodes/0/id", "notes/nodes/1/id");
    let at = |what: &str| format!("/component/ciRuns/edges/1/node/{what}");
    let part = world.id(all, &at(part)).await;
    let note = world.id(all, &at(note)).await;
    world.pass(Duration::from_secs(2 * 60 * 60));
    world.asked();
    let query = format!(
        r#"{{ part: node(id: "{part}") {{ id ... on ProbePart {{ state }} }} note: node(id: "{note}") {{ id ... on ProbeNote {{ text }} }} }}"#
    );
    let found = json!({ "data": { "part": { "id": part, "state": "fine" }, "note": { "id": note, "text": "note 9" } } });
    assert_eq!(world.json(&query).await, found);
    // No part of another run.
    let mut asked = world.asked();
    asked.sort();
    assert_eq!(asked, ["/jobs/till", "/runs/till-2"]);
}

/// An id that came below `node` leads back by the way of that node.
#[tokio::test]
async fn an_object_that_was_shown_below_a_node_is_reached_along_it() {
    let world = jobs().await;
    let run = world.id(RUN, "/component/ciRuns/nodes/0/id").await;
    let below = |what: &str| {
        format!(
            r#"{{ nodes(ids: ["{run}"]) {{ ... on ProbeRun {{ {what} {{ nodes {{ id }} }} }} }} }}"#
        )
    };
    let part = world.id(&below("parts"), "/nodes/0/parts/nodes/0/id").await;
    let note = world.id(&below("notes"), "/nodes/0/notes/nodes/0/id").await;
    let query = format!(
        r#"{{ nodes(ids: ["{part}", "{note}"]) {{ __typename ... on ProbePart {{ state }} ... on ProbeNote {{ text }} }} }}"#
    );
    assert_eq!(
        world.json(&query).await,
        json!({ "data": { "nodes": [{ "__typename": "ProbePart", "state": "fine" }, { "__typename": "ProbeNote", "text": "note 7" }] } })
    );
}

#[tokio::test]
async fn ids_of_all_kinds_stand_in_their_places() {
    let world = jobs().await;
    let all = "{ components { nodes { ciRuns { nodes { id } } } } }";
    let pay = world.id(all, "/components/nodes/0/ciRuns/nodes/0/id").await;
    let till = world.id(all, "/components/nodes/1/ciRuns/nodes/1/id").await;
    world.asked();
    world.pass(Duration::from_secs(2 * 60 * 60));
    let unknown = format!("l{:030x}", 7);
    let long = "l".repeat(10_000);
    let query = format!(
        r#"{{ nodes(ids: ["{pay}", "id-pay", "{unknown}", "{till}", "", "{long}", "../../admin", "{pay}=", "{upper}"]) {{ id ... on Component {{ name }} ... on CiRun {{ status }} }} }}"#,
        upper = pay.to_uppercase(),
    );
    let json = world.json(&query).await;
    assert_eq!(
        json["data"]["nodes"],
        json!([{ "id": pay, "status": "FAILED" }, { "id": "id-pay", "name": "pay" }, null, { "id": till, "status": "FAILED" }, null, null, null, null, null])
    );
    // What could have been one of ours has an error; what never was is nothing.
    assert_eq!(
        json["errors"],
        json!([{
            "message": "this id was not shown by this server lately: read the object again from its entity, and use the id that comes with it",
            "locations": [{ "line": 1, "column": 3 }],
            "path": ["nodes", 2],
            "extensions": { "code": "UNKNOWN_ID" }
        }])
    );
    let mut asked = world.asked();
    asked.sort();
    assert_eq!(asked, ["/jobs/pay", "/jobs/till"]);
    // Another type's fields are not selected on it.
    let query = format!(r#"{{ node(id: "{pay}") {{ ... on Component {{ name }} }} }}"#);
    assert_eq!(world.json(&query).await, json!({ "data": { "node": {} } }));
}

/// The filter that an object was shown by may not let it through any more; and it may be gone.
#[tokio::test]
async fn what_is_not_where_it_was_shown_is_looked_for_among_all() {
    let world = jobs().await;
    let failed =
        r#"{ component(ref: "pay") { ciRuns(status: FAILED, first: 2) { nodes { id } } } }"#;
    let id = world.id(failed, "/component/ciRuns/nodes/1/id").await;
    world.pass(Duration::from_secs(2 * 60 * 60));
    world.upstream.answer(|asked| runs(asked, "new"));
    let query = format!(r#"{{ node(id: "{id}") {{ ... on CiRun {{ status }} }} }}"#);
    let running = json!({ "data": { "node": { "status": "RUNNING" } } });
    assert_eq!(world.json(&query).await, running);
    world.pass(Duration::from_secs(2 * 60 * 60));
    world
        .upstream
        .answer(|_| Reply::json(&json!({ "runs": [] })));
    let json = world.json(&query).await;
    assert_eq!(json["data"]["node"], Value::Null);
    assert_eq!(json["errors"][0]["extensions"]["code"], "UNKNOWN_ID");
    assert_eq!(json["errors"][0]["path"], json!(["node"]));
}

#[tokio::test]
async fn an_upstream_that_fails_costs_its_objects_alone() {
    let world = jobs().await;
    let id = world.id(RUN, "/component/ciRuns/nodes/0/id").await;
    world.pass(Duration::from_secs(2 * 60 * 60));
    world.upstream.answer(|_| Reply::status(500));
    let query = format!(r#"{{ nodes(ids: ["id-till", "{id}"]) {{ id }} }}"#);
    let json = world.json(&query).await;
    assert_eq!(json["data"]["nodes"], json!([{ "id": "id-till" }, null]));
    assert_eq!(
        json["errors"][0]["extensions"]["code"],
        "UPSTREAM_UNAVAILABLE"
    );
    assert_eq!(json["errors"][0]["path"], json!(["nodes", 1]));
}

#[tokio::test]
async fn of_a_graph_no_more_is_asked_than_is_selected() {
    let world = graphql::world(
        graphql::SDL,
        &graphql::components(2),
        &graphql::repositories(2),
    )
    .await;
    let query = r#"{ components { nodes { repo { id } changes(first: 3) { nodes { id reviews { nodes { id } } } } } } }"#;
    let (json, _) = world.engine.json(query, Value::Null).await;
    let component = &json["data"]["components"]["nodes"][1];
    let change = &component["changes"]["nodes"][2];
    let ids = [
        &component["repo"]["id"],
        &change["id"],
        &change["reviews"]["nodes"][1]["id"],
    ];
    world.documents();
    let query = r#"query($ids: [ID!]!) { nodes(ids: $ids) { id ... on ForgeRepo { stars } ... on ForgeChange { title } ... on ForgeReview { verdict } } }"#;
    let (json, _) = world.engine.json(query, json!({ "ids": ids })).await;
    assert_eq!(
        json,
        json!({ "data": { "nodes": [
            { "id": ids[0], "stars": 1 },
            { "id": ids[1], "title": "change 2" },
            { "id": ids[2], "verdict": "no" },
        ] } })
    );
    let documents = world.documents();
    let all = documents.join("\n");
    assert!(all.contains("stargazerCount"), "{all}");
    assert!(!all.contains("defaultBranch"), "{all}");
    world.engine.json(query, json!({ "ids": ids })).await;
    assert_eq!(world.documents(), [""; 0]);
}

#[tokio::test]
async fn what_one_replica_showed_is_there_at_another() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let config = format!(
        "cache: {{ redis: '{}' }}\nconnectors: {{ probe: {{ config: {{ url: URL }} }} }}",
        redis.url()
    );
    let start = || {
        let world = world(SDL).components(COMPONENTS).config(&config);
        world.start(|asked| runs(asked, "red"))
    };
    let (first, second) = (start().await, start().await);
    let id = first.id(RUN, "/component/ciRuns/nodes/1/id").await;
    let query = format!(r#"{{ node(id: "{id}") {{ id ... on CiRun {{ status }} }} }}"#);
    let begun = std::time::Instant::now();
    // It is told behind the answer.
    loop {
        let json = second.json(&query).await;
        if json.get("errors").is_none() {
            assert_eq!(
                json["data"]["node"],
                json!({ "id": id, "status": "FAILED" })
            );
            break;
        }
        assert_eq!(json["errors"][0]["extensions"]["code"], "UNKNOWN_ID");
        assert!(begun.elapsed() < Duration::from_secs(20), "{json}");
    }
    for world in [first, second] {
        let left = world.tasks.shutdown(Duration::from_secs(10)).await;
        assert!(left.is_empty());
        drop(world.cache);
    }
}
