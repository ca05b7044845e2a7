//! Several providers of one field: side by side, put together, and each failing for itself.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::world::{World, world};
use crate::support::upstream::{Asked, Reply};

fn provider(name: &str, folder: &str) -> String {
    format!(
        r#"
extend schema @source(name: "rest", url: "$config.url")
type {name} implements CiRun
  @supplies(field: "Entity.ciRuns")
  @identity(from: "number")
  @connect(source: "rest", get: "/{folder}/{{$entity.metadata.annotations.'{folder}/job'}}", at: "runs[]",
    page: {{ style: OFFSET, size: "limit", cursor: "offset" }})
  @cache(maxAge: "1m", stale: "10m") {{
  createdAt: DateTime @field(at: "at")
  status: CiStatus @field(at: "state", else: "UNKNOWN", enum: [{{ from: "ok", to: "PASSED" }}])
}}
"#
    )
}

async fn two(
    jenkins: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    circle: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> World {
    let (first, second) = (provider("ARun", "alpha"), provider("BRun", "beta"));
    world("\"Nothing of its own.\" type ProbeNothing { x: Int }")
        .and("connectors/alpha/a.graphql", &first)
        .and("connectors/beta/b.graphql", &second)
        .config("connectors: { alpha: { config: { url: URL } }, beta: { config: { url: URL } } }")
        .components("pay: { alpha/job: a, beta/job: b }\nlib: { alpha/job: a }")
        .start(move |asked| match asked.path().starts_with("/alpha") {
            true => jenkins(asked),
            false => circle(asked),
        })
        .await
}

/// Six runs, newest first: at even hours, or at odd ones with another way to write the time.
fn runs(asked: &Asked, odd: bool) -> Reply {
    let number = |name: &str| {
        asked
            .params(name)
            .first()
            .and_then(|text| text.parse().ok())
    };
    let (offset, limit): (usize, usize) = (number("offset").unwrap_or(0), number("limit").unwrap());
    let rows: Vec<Value> = (0..6)
        .skip(offset)
        .take(limit)
        .map(|n| {
            let hour = 22 - 2 * n - usize::from(odd);
            let at = match odd {
                true => format!("2026-01-01T{:02}:00:00+01:00", hour + 1),
                false => format!("2026-01-01T{hour:02}:00:00.000Z"),
            };
            json!({ "number": 6 - n, "at": at, "state": if n == 0 { "odd word" } else { "ok" } })
        })
        .collect();
    Reply::json(&json!({ "runs": rows }))
}

#[tokio::test]
async fn lists_are_merged_in_order_and_paged_by_one_cursor() {
    let world = two(|asked| runs(asked, false), |asked| runs(asked, true)).await;
    let mut out = String::new();
    let mut after = "null".to_owned();
    for _ in 0..4 {
        let query = format!(
            "{{ component(ref: \"pay\") {{ ciRuns(first: 5, after: {after}) {{ nodes {{ provider createdAt status }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let (json, _) = world.engine.json(&query, Value::Null).await;
        let runs = &json["data"]["component"]["ciRuns"];
        for node in runs["nodes"].as_array().unwrap() {
            out.push_str(&format!(
                "{} {} {}\n",
                node["provider"], node["createdAt"], node["status"]
            ));
        }
        out.push_str("--\n");
        if runs["pageInfo"]["hasNextPage"] != json!(true) {
            break;
        }
        after = runs["pageInfo"]["endCursor"].to_string();
    }
    assert_snapshot!(out, @r#"
    "alpha" "2026-01-01T22:00:00.000Z" "UNKNOWN"
    "beta" "2026-01-01T21:00:00Z" "UNKNOWN"
    "alpha" "2026-01-01T20:00:00.000Z" "PASSED"
    "beta" "2026-01-01T19:00:00Z" "PASSED"
    "alpha" "2026-01-01T18:00:00.000Z" "PASSED"
    --
    "beta" "2026-01-01T17:00:00Z" "PASSED"
    "alpha" "2026-01-01T16:00:00.000Z" "PASSED"
    "beta" "2026-01-01T15:00:00Z" "PASSED"
    "alpha" "2026-01-01T14:00:00.000Z" "PASSED"
    "beta" "2026-01-01T13:00:00Z" "PASSED"
    --
    "alpha" "2026-01-01T12:00:00.000Z" "PASSED"
    "beta" "2026-01-01T11:00:00Z" "PASSED"
    --
    "#);
}

#[tokio::test]
async fn arguments_named_as_fields_of_the_items_choose_among_them() {
    let world = two(|asked| runs(asked, false), |asked| runs(asked, true)).await;
    let ask = async |arguments: &str| {
        let query = format!(
            "{{ component(ref: \"pay\") {{ ciRuns(first: 4, {arguments}) {{ totalCount nodes {{ provider createdAt status }} pageInfo {{ hasPreviousPage hasNextPage }} }} }} }}"
        );
        let (json, _) = world.engine.json(&query, Value::Null).await;
        let runs = &json["data"]["component"]["ciRuns"];
        // Never what the upstreams count: as many as are shown, where that is known.
        let n_shown = runs["nodes"].as_array().unwrap().len();
        let is_all = runs["pageInfo"]["hasNextPage"] == false;
        match runs["totalCount"].as_u64() {
            Some(total) if is_all => assert_eq!(total, n_shown as u64, "{json}"),
            Some(total) => assert!(total > n_shown as u64, "{json}"),
            None => {}
        }
        assert_eq!(runs["pageInfo"]["hasPreviousPage"], json!(false), "{json}");
        runs["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| {
                format!(
                    "{} {} {}\n",
                    node["provider"], node["createdAt"], node["status"]
                )
            })
            .collect::<String>()
    };
    // Neither request reads `status`: what comes is compared here, as the graph shows it.
    assert_snapshot!(ask("status: UNKNOWN").await, @r#"
    "alpha" "2026-01-01T22:00:00.000Z" "UNKNOWN"
    "beta" "2026-01-01T21:00:00Z" "UNKNOWN"
    "#);
    assert_snapshot!(ask("status: PASSED").await, @r#"
    "alpha" "2026-01-01T20:00:00.000Z" "PASSED"
    "beta" "2026-01-01T19:00:00Z" "PASSED"
    "alpha" "2026-01-01T18:00:00.000Z" "PASSED"
    "beta" "2026-01-01T17:00:00Z" "PASSED"
    "#);
}

#[tokio::test]
async fn a_provider_that_is_not_wanted_is_not_asked() {
    let never = |_: &Asked| -> Reply { panic!("`alpha` was asked") };
    let world = two(never, |asked| runs(asked, true)).await;
    let query = "{ component(ref: \"pay\") { ciRuns(first: 2, provider: \"Beta\") { nodes { provider number } } } }";
    assert_snapshot!(world.ask(query).await, @r#"{"data":{"component":{"ciRuns":{"nodes":[{"provider":"beta","number":6},{"provider":"beta","number":5}]}}}}"#);
}

#[tokio::test]
async fn one_that_fails_costs_only_itself() {
    let world = two(|asked| runs(asked, false), |_| Reply::status(401)).await;
    let query = "{ components { nodes { name ciRuns(first: 2) { complete nodes { id number provider } } } } }";
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {
              "name": "lib",
              "ciRuns": {
                "complete": false,
                "nodes": [
                  {"id":"lf4ca1f782f91e46b79b3b9678ccd90","number":6,"provider":"alpha"},
                  {"id":"lb91e3259dfe5dc1ae3a14a16d5aebf","number":5,"provider":"alpha"}
                ]
              }
            },
            {
              "name": "pay",
              "ciRuns": {
                "complete": false,
                "nodes": [
                  {"id":"lf4ca1f782f91e46b79b3b9678ccd90","number":6,"provider":"alpha"},
                  {"id":"lb91e3259dfe5dc1ae3a14a16d5aebf","number":5,"provider":"alpha"}
                ]
              }
            }
          ]
        }
      },
      "errors": [
        {
          "message": "`beta` (source `rest`) at `/beta/{$entity.metadata.annotations.'beta/job'}` did not accept the credential",
          "locations": [{"line":1,"column":29}],
          "path": ["components","nodes",1,"ciRuns"],
          "extensions": {"code":"UPSTREAM_UNAUTHORIZED","connector":"beta","upstreamStatus":401,"partial":true}
        }
      ]
    }
    "#);
}

const SLOW: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { concurrency: 64 })
extend interface Entity {
  a: Thing @connect(source: "rest", get: "/a/{$entity.metadata.name}")
  b: Thing @connect(source: "rest", get: "/b/{$entity.metadata.name}")
  c: Thing @connect(source: "rest", get: "/c/{$entity.metadata.name}")
  d: Thing @connect(source: "rest", get: "/d/{$entity.metadata.name}")
  e: Thing @connect(source: "rest", get: "/e/{$entity.metadata.name}")
}
type Thing implements Live @identity(from: "id") {
  name: String
  below: Thing @connect(source: "rest", get: "/below/{$this.id}")
}
"#;

#[tokio::test]
async fn what_is_independent_waits_for_nothing() {
    let world = world(SLOW)
        .components("pay: {}")
        .start(|_| Reply::json(&json!({ "id": 1, "name": "x" })).after(Duration::from_millis(50)))
        .await;
    // Connections are made once.
    world.ask("{ component(ref: \"pay\") { a { name } b { name } c { name } d { name } e { name } } }").await;
    let started = Instant::now();
    world.ask("{ component(ref: \"pay\") { a { name } b { name } c { name } d { name } e { name } } }").await;
    let five = started.elapsed();
    let started = Instant::now();
    world
        .ask("{ component(ref: \"pay\") { a { below { name } } } }")
        .await;
    let levels = started.elapsed();
    // Far below what waiting in turn would take, with room for a busy machine.
    assert!(five < Duration::from_millis(200), "{five:?}");
    assert!(levels < Duration::from_millis(190), "{levels:?}");
    assert!(levels >= Duration::from_millis(100), "{levels:?}");
    assert_eq!(world.upstream.take().len(), 12);
}
