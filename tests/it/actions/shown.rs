//! Which objects something can be done to: those that were shown, by the ids that they were shown with.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{CONFIG, SDL, World};
use crate::support::redis::Redis;

#[tokio::test]
async fn an_id_that_was_not_shown_is_not_acted_on() {
    let world = World::start().await;
    world
        .ask("{ component(ref: \"pay\") { ciRuns { nodes { status } } } }")
        .await;
    let other = World::start().await;
    let ids = other.ids("pay").await;
    world.asked();
    for id in [&*ids[0], "", "l00", "id-pay", "../../admin", "callboard"] {
        let payload = world.rerun(id, "").await;
        assert_eq!(
            payload["userErrors"],
            json!([{
                "code": "UNKNOWN_ID",
                "message": "this id was not shown by this server lately: read the object again, and use the id that comes with it",
                "field": ["input", "id"]
            }]),
            "{id}"
        );
    }
    assert_eq!(world.asked(), [""; 0]);
    // Read again, it is known.
    assert_eq!(world.ids("pay").await, ids);
    assert_eq!(world.rerun(&ids[0], "").await["userErrors"], json!([]));
}

#[tokio::test]
async fn an_object_of_another_type_is_not_acted_on() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    let query = format!(
        "mutation {{ resolveIncident(input: {{ id: \"{}\" }}) {{ __typename userErrors {{ code message }} }} }}",
        ids[0]
    );
    world.asked();
    assert_eq!(
        world.ask(&query).await,
        json!({ "data": { "resolveIncident": { "__typename": "ResolveIncidentRefusal", "userErrors": [{ "code": "NOT_SUPPORTED", "message": "`probe` has no way to do this to it" }] } } })
    );
    assert_eq!(world.asked(), [""; 0]);
}

/// The rerun of parts: along a path of live fields, read anew.
#[tokio::test]
async fn an_action_goes_along_live_fields() {
    let along = SDL
        .replace("from: \"ProbeRun\")", "from: \"ProbeRun.parts\")")
        .replace("{ name: \"run\", value: \"$args.input.failedJobsOnly | map(null, true, false, true, true, null) && $this.id\" }", "{ name: \"part\", value: \"[{ state: $this.state, id: $this.id }] | where(state, 'red') | first\" }")
        .replace("post: \"/runs/{$run}/rerun\"", "post: \"/parts/{$part.id}/rerun\"")
        .replace("get: \"/runs/{$run}\"", "get: \"/parts/{$part.id}/of/{$job}\"");
    let world = World::with(&along, CONFIG).await;
    let ids = world.ids("pay").await;
    world.ask("{ component(ref: \"pay\") { ciRuns { nodes { ... on ProbeRun { parts { nodes { state } } } } } } }").await;
    world.asked();
    let payload = world.rerun(&ids[0], "").await;
    assert_eq!(payload["userErrors"], json!([]));
    // Only the part that is red; and what was kept of the parts was not good enough.
    assert_eq!(
        world.asked(),
        [
            "GET /runs/1/parts",
            "POST /parts/11/rerun",
            "GET /parts/11/of/pay"
        ]
    );
    world
        .upstream
        .answer(|_| crate::support::upstream::Reply::json(&json!({ "parts": [] })));
    let payload = world.rerun(&ids[0], "").await;
    assert_eq!(payload["userErrors"][0]["code"], "NOT_SUPPORTED");
}

#[tokio::test]
async fn what_one_replica_showed_another_one_acts_on() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let config = format!("cache: {{ redis: '{}' }}\n{CONFIG}", redis.url());
    let (first, second) = (
        World::with(SDL, &config).await,
        World::with(SDL, &config).await,
    );
    let ids = first.ids("pay").await;
    let start = Instant::now();
    // It is told behind the answer.
    let payload = loop {
        let payload = second.rerun(&ids[1], "").await;
        if payload["userErrors"] == json!([]) {
            break payload;
        }
        assert_eq!(payload["userErrors"][0]["code"], "UNKNOWN_ID");
        assert!(start.elapsed() < Duration::from_secs(20), "{payload}");
    };
    assert_eq!(payload["ciRun"]["id"], Value::from(ids[1].as_str()));
    for world in [first, second] {
        assert!(
            world
                .tasks
                .shutdown(Duration::from_secs(10))
                .await
                .is_empty()
        );
        drop(world.cache);
    }
}
