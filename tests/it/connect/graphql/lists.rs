//! Lists of a graph: pages that are read on, arguments that do not clash, lists within lists.

use insta::assert_snapshot;
use serde_json::json;

use super::{SDL, components, repositories, world};

#[tokio::test]
async fn a_list_is_read_on_from_where_it_ends() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    let page = |after: &str| {
        format!(
            r#"{{ component(ref: "c0") {{ changes(first: 5 {after}) {{ nodes {{ number }} totalCount complete pageInfo {{ hasNextPage endCursor }} }} }} }}"#
        )
    };
    let (first, _) = world.engine.json(&page(""), json!({})).await;
    let first = &first["data"]["component"]["changes"];
    assert_eq!(
        first["nodes"].to_string(),
        r#"[{"number":0},{"number":1},{"number":2},{"number":3},{"number":4}]"#
    );
    assert_eq!(first["totalCount"], 12);
    assert_eq!(first["complete"], false);
    world.documents();
    let cursor = first["pageInfo"]["endCursor"].as_str().unwrap();
    let after = format!(r#", after: "{cursor}""#);
    let (second, _) = world.engine.json(&page(&after), json!({})).await;
    let second = &second["data"]["component"]["changes"];
    assert_eq!(
        second["nodes"].to_string(),
        r#"[{"number":5},{"number":6},{"number":7},{"number":8},{"number":9}]"#
    );
    let documents = world.documents();
    assert_eq!(documents.len(), 1);
    assert!(
        documents[0].contains(r#""first_0":5,"after_0":"n5""#),
        "{}",
        documents[0]
    );
}

#[tokio::test]
async fn two_selections_with_other_arguments_do_not_clash() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    let query = r#"{ component(ref: "c0") { repo {
        open: changes(state: "OPEN") { nodes { title author } }
        all: changes(first: 2) { nodes { title author } } } } }"#;
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "component": {
          "repo": {
            "open": {"nodes":[{"title":"open one","author":null}]},
            "all": {"nodes":[{"title":"change 0","author":"ada"},{"title":"change 1","author":"ada"}]}
          }
        }
      }
    }
    "#);
    assert_eq!(world.n_requests(), 1);
    world.ask(query).await;
    assert_eq!(world.n_requests(), 0);
}

#[tokio::test]
async fn lists_within_lists_come_with_them() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    let query = r#"query($n: Int) { component(ref: "c0") { changes(first: 1) { nodes { passed reviews(first: $n) { nodes { verdict } complete } } } } }"#;
    let (one, _) = world.engine.json(query, json!({ "n": 1 })).await;
    assert_eq!(
        one["data"].to_string(),
        r#"{"component":{"changes":{"nodes":[{"passed":true,"reviews":{"nodes":[{"verdict":"yes"}],"complete":false}}]}}}"#
    );
    assert_eq!(world.n_requests(), 1);
    let (two, _) = world.engine.json(query, json!({ "n": 2 })).await;
    assert_eq!(
        two["data"].to_string(),
        r#"{"component":{"changes":{"nodes":[{"passed":true,"reviews":{"nodes":[{"verdict":"yes"},{"verdict":"no"}],"complete":true}}]}}}"#
    );
    assert_eq!(world.n_requests(), 1);
}

/// What is there of a list's items already comes again with what is new: two who ask in turn do not drive each other out.
#[tokio::test]
async fn two_selections_of_a_list_do_not_drive_each_other_out() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    let titles = r#"{ component(ref: "c0") { changes(first: 2) { nodes { title } } } }"#;
    let numbers = r#"{ component(ref: "c0") { changes(first: 2) { nodes { number } } } }"#;
    for query in [titles, numbers, titles, numbers] {
        world.ask(query).await;
    }
    assert_eq!(world.n_requests(), 2);
}
