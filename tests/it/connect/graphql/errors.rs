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

/// Two pages of a list: the first is well, and the second is what the test says.
async fn pages(second: Reply) -> World {
    world(SDL)
        .components("a: { forge.example/slug: acme/a }")
        .start(move |asked| {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            let change = |number: u32| json!({ "id": format!("c{number}"), "number": number, "title": "a change" });
            let after = body["variables"].as_object().unwrap().values();
            if after.into_iter().any(|value| *value == "behind two") {
                return second.clone();
            }
            let query = body["query"].as_str().unwrap();
            let (_, rest) = query.split_once("changes_").unwrap();
            let key = rest.split(':').next().unwrap();
            let list = json!({ "nodes": [change(1), change(2)],
                "pageInfo": { "hasNextPage": true, "endCursor": "behind two" }, "totalCount": 4 });
            Reply::json(&json!({ "data": { "a0": { "__typename": "Repository", format!("changes_{key}"): list } } }))
        })
        .await
}

/// What was read of a list is shown, and why it is not more is said at the list.
#[tokio::test]
async fn a_later_page_that_fails_is_an_error_at_its_list() {
    let failed =
        |errors: Value, data: Value| Reply::json(&json!({ "data": data, "errors": errors }));
    let cases = [
        (Reply::status(500), "UPSTREAM_UNAVAILABLE"),
        (
            Reply::status(403).header("retry-after", "30"),
            "UPSTREAM_RATE_LIMITED",
        ),
        (
            failed(
                json!([{ "type": "RATE_LIMITED", "message": "slow down" }]),
                Value::Null,
            ),
            "UPSTREAM_RATE_LIMITED",
        ),
        (
            failed(
                json!([{ "type": "FORBIDDEN", "message": "no", "path": ["a0", "KEY"] }]),
                json!({ "a0": { "__typename": "Repository", "KEY": null } }),
            ),
            "UPSTREAM_UNAUTHORIZED",
        ),
        (
            failed(
                json!([{ "message": "timed out", "path": ["a0", "KEY", "nodes"] }]),
                json!({ "a0": { "__typename": "Repository", "KEY": { "nodes": null, "pageInfo": { "hasNextPage": false, "endCursor": null } } } }),
            ),
            "UPSTREAM_TIMEOUT",
        ),
    ];
    for (second, code) in cases {
        for (field, path) in [
            ("changes", json!(["component", "changes"])),
            ("repo { changes", json!(["component", "repo", "changes"])),
        ] {
            let close = if field == "changes" { "" } else { " }" };
            let query = |first: u32| {
                format!(
                    "{{ component(ref: \"a\") {{ {field}(first: {first}) {{ nodes {{ number }} complete }}{close} }} }}"
                )
            };
            // The name of the list in documents, which is made of its arguments.
            let first = pages(Reply::status(500)).await;
            first.ask(&query(2)).await;
            let body = first.upstream.take().remove(0).body;
            let (_, key) = body.split_once("changes_").unwrap();
            let key = format!("changes_{}", key.split(':').next().unwrap());
            let second = Reply {
                body: second.body.replace("KEY", &key),
                ..second.clone()
            };

            let world = pages(second).await;
            let (answer, _) = world.engine.json(&query(2), Value::Null).await;
            assert_eq!(answer.get("errors"), None, "{answer}");
            let (answer, _) = world.engine.json(&query(4), Value::Null).await;
            let list = answer["data"]
                .pointer(&format!(
                    "/{}",
                    path.as_array()
                        .unwrap()
                        .iter()
                        .map(|step| step.as_str().unwrap())
                        .collect::<Vec<_>>()
                        .join("/")
                ))
                .unwrap();
            assert_eq!(
                *list,
                json!({ "nodes": [{ "number": 1 }, { "number": 2 }], "complete": false }),
                "{code}: {answer}"
            );
            let errors = answer["errors"]
                .as_array()
                .unwrap_or_else(|| panic!("{code}: {answer}"));
            assert_eq!(errors.len(), 1, "{answer}");
            assert_eq!(errors[0]["path"], path);
            assert_eq!(errors[0]["extensions"]["code"], code);
            assert_eq!(errors[0]["extensions"]["partial"], true);
            assert!(!answer.to_string().contains("slow down"), "{answer}");
        }
    }
}

/// An error within an item of a list costs that field: the list and its other items are there, also where they are those of a later page.
#[tokio::test]
async fn an_error_within_an_item_leaves_the_list() {
    let page = |first: u32, more: bool| {
        let change =
            |number: u32| json!({ "id": format!("c{number}"), "number": number, "title": null });
        json!({ "nodes": [change(first), change(first + 1)], "pageInfo": { "hasNextPage": more, "endCursor": "behind" } })
    };
    // Which page has an error at its second item.
    for (broken, expected) in [(1, 1), (2, 3)] {
        let world = world(SDL)
            .components("a: { forge.example/slug: acme/a }")
            .start(move |asked| {
                let body: Value = serde_json::from_str(&asked.body).unwrap();
                let query = body["query"].as_str().unwrap();
                let (_, rest) = query.split_once("changes_").unwrap();
                let key = format!("changes_{}", rest.split(':').next().unwrap());
                let number = if asked.body.contains("behind") { 2 } else { 1 };
                let list = page(number * 2 - 1, number < 2);
                let mut answer = json!({ "data": { "a0": { key.clone(): list } } });
                if number == broken {
                    answer["errors"] = json!([{ "message": "went wrong", "path": ["a0", key, "nodes", 1, "title"] }]);
                }
                Reply::json(&answer)
            })
            .await;
        let mut told = Vec::new();
        for first in [2, 4_u32].into_iter().take(broken as usize) {
            let query = format!(
                "{{ component(ref: \"a\") {{ changes(first: {first}) {{ nodes {{ number title }} complete }} }} }}"
            );
            let (answer, _) = world.engine.json(&query, Value::Null).await;
            let nodes = (1..=first).map(|number| json!({ "number": number, "title": null }));
            let nodes: Vec<Value> = nodes.collect();
            let expected = json!({ "nodes": nodes, "complete": first == 4 });
            assert_eq!(answer["data"]["component"]["changes"], expected, "{answer}");
            told.extend(answer["errors"].as_array().cloned().unwrap_or_default());
        }
        let paths: Vec<&Value> = told.iter().map(|error| &error["path"]).collect();
        assert_eq!(
            paths,
            [&json!(["component", "changes", "nodes", expected, "title"])]
        );
        assert_eq!(told[0]["extensions"]["code"], "UPSTREAM_UNAVAILABLE");
    }
}
