//! What goes wrong is told where it went wrong, and to nobody else.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::SDL;
use crate::connect::world::{World, world};
use crate::support::upstream::{Asked, Reply};

const QUERY: &str =
    r#"{ components(orderBy: [{ field: NAME }]) { nodes { repo { stars branch } } } }"#;

/// Three components and an upstream that answers by alias.
async fn three(answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> World {
    world(SDL)
        .components("a: { forge.example/slug: acme/a }\nb: { forge.example/slug: acme/b }\nc: { forge.example/slug: acme/c }")
        .start(move |asked: &Asked| answer(&serde_json::from_str(&asked.body).unwrap()))
        .await
}

fn repo(stars: u32) -> Value {
    json!({ "__typename": "Repository", "stargazerCount": stars, "defaultBranch": { "name": "trunk" } })
}

#[tokio::test]
async fn an_error_is_that_of_its_alias() {
    let world = three(|_| {
        Reply::json(&json!({
            "data": { "a0": repo(1), "a1": null, "a2": null },
            "errors": [
                { "type": "NOT_FOUND", "path": ["a1"], "message": "no such thing" },
                { "type": "FORBIDDEN", "path": ["a2"], "message": "secret words" },
            ],
        }))
    })
    .await;
    assert_snapshot!(world.ask(QUERY).await, @r#"
    {
      "data": {"components":{"nodes":[{"repo":{"stars":1,"branch":"trunk"}},{"repo":null},{"repo":null}]}},
      "errors": [
        {
          "message": "`probe` does not show this to the credential at `repository(owner: $owner, name: $name)`",
          "locations": [{"line":1,"column":52}],
          "path": ["components","nodes",2,"repo"],
          "extensions": {"code":"UPSTREAM_UNAUTHORIZED","connector":"probe"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn an_error_within_an_object_is_that_of_its_field() {
    let world = three(|_| {
        Reply::json(&json!({
            "data": { "a0": repo(1), "a1": { "__typename": "Repository", "stargazerCount": 2, "defaultBranch": null }, "a2": repo(3) },
            "errors": [{ "path": ["a1", "defaultBranch"], "message": "something went wrong" }],
        }))
    })
    .await;
    assert_snapshot!(world.ask(QUERY).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"repo":{"stars":1,"branch":"trunk"}},
            {"repo":{"stars":2,"branch":null}},
            {"repo":{"stars":3,"branch":"trunk"}}
          ]
        }
      },
      "errors": [
        {
          "message": "`probe` could not answer this at `repository(owner: $owner, name: $name)`",
          "locations": [{"line":1,"column":65}],
          "path": ["components","nodes",1,"repo","branch"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe"}
        }
      ]
    }
    "#);
    assert_eq!(world.upstream.take().len(), 1);
    // What failed is not kept, and all else is.
    world.ask(QUERY).await;
    let again = world.upstream.take();
    assert_eq!(again.len(), 1);
    assert!(again[0].body.contains("defaultBranch") && !again[0].body.contains("stargazerCount"));
}

#[tokio::test]
async fn what_is_too_much_is_divided() {
    let world = three(|body| {
        let n = body["query"].as_str().unwrap().matches("repository(").count();
        match n {
            1 => Reply::json(&json!({ "data": { "a0": repo(7) } })),
            2 => Reply::status(502),
            _ => Reply::json(&json!({ "errors": [{ "message": "Query has complexity of 9000, which exceeds max complexity of 1000" }] })),
        }
    })
    .await;
    let answer = world.ask(QUERY).await;
    assert_eq!(answer.matches(r#""stars":7"#).count(), 3, "{answer}");
    // Three, one and two, one and one.
    assert_eq!(world.upstream.take().len(), 5);
}

#[tokio::test]
async fn failures_have_their_codes() {
    let cases = [
        (
            Reply::json(
                &json!({ "data": null, "errors": [{ "type": "RATE_LIMITED", "message": "slow down" }] }),
            ),
            "UPSTREAM_RATE_LIMITED",
        ),
        (
            Reply::status(403).header("retry-after", "30"),
            "UPSTREAM_RATE_LIMITED",
        ),
        (Reply::status(401), "UPSTREAM_UNAUTHORIZED"),
        (Reply::status(500), "UPSTREAM_UNAVAILABLE"),
        (Reply::json(&json!({ "data": 7 })), "UPSTREAM_BAD_SHAPE"),
        (Reply::json(&json!([])), "UPSTREAM_BAD_SHAPE"),
        (
            Reply::json(
                &json!({ "errors": [{ "message": "Field 'x' doesn't exist", "extensions": { "code": "undefinedField" } }] }),
            ),
            "UPSTREAM_BAD_SHAPE",
        ),
        (
            Reply::json(&json!({ "errors": [{ "message": "the query timed out" }] })),
            "UPSTREAM_TIMEOUT",
        ),
        (
            Reply::json(
                &json!({ "errors": [{ "type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too much" }] }),
            ),
            "BUDGET_EXHAUSTED",
        ),
    ];
    for (reply, code) in cases {
        let world = world(SDL)
            .components("a: { forge.example/slug: acme/a }")
            .start(move |_| reply.clone())
            .await;
        let answer = world
            .ask(r#"{ component(ref: "a") { repo { stars } } }"#)
            .await;
        assert!(answer.contains(code), "{code}: {answer}");
        assert!(
            !answer.contains("slow down") && !answer.contains("timed out"),
            "{answer}"
        );
    }
}

/// An upstream whose field gives several types: no fragment fits all of them, and nothing is lost.
#[tokio::test]
async fn a_fragment_on_another_type_is_found_out() {
    let world = three(|body| {
        let query = body["query"].as_str().unwrap();
        let answer = |mirror: bool| match (query.contains("...F0"), mirror) {
            (true, true) => json!({ "__typename": "Mirror" }),
            _ => {
                let mut repo = repo(1);
                repo["__typename"] = if mirror { "Mirror" } else { "Repository" }.into();
                repo
            }
        };
        Reply::json(
            &json!({ "data": { "a0": answer(false), "a1": answer(true), "a2": answer(false) } }),
        )
    })
    .await;
    let query = r#"{ components(orderBy: [{ field: NAME }]) { nodes { repo { stars } } } }"#;
    let (first, _) = world.engine.json(query, json!({})).await;
    assert_eq!(first["errors"], Value::Null);
    world.pass(std::time::Duration::from_secs(7200));
    let (again, _) = world.engine.json(query, json!({})).await;
    assert_eq!(again["data"], first["data"]);
}

/// What is held is shown, also where another part of the object cannot be fetched.
#[tokio::test]
async fn what_is_held_stays_when_the_rest_fails() {
    let world = three(
        |body| match body["query"].as_str().unwrap().contains("license") {
            true => Reply::status(500),
            false => Reply::json(&json!({ "data": { "a0": repo(1) } })),
        },
    )
    .await;
    world
        .ask(r#"{ component(ref: "a") { repo { stars } } }"#)
        .await;
    assert_snapshot!(world.ask(r#"{ component(ref: "a") { repo { stars license } } }"#).await, @r#"
    {
      "data": {"component":{"repo":{"stars":1,"license":null}}},
      "errors": [
        {
          "message": "`probe` (source `graph`) at `repository` answered with status 500",
          "locations": [{"line":1,"column":38}],
          "path": ["component","repo","license"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe","upstreamStatus":500}
        }
      ]
    }
    "#);
}
