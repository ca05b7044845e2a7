//! What a client selects decides what an upstream is asked.

use insta::assert_snapshot;
use serde_json::json;

use super::{SDL, components, repositories, world};

#[tokio::test]
async fn one_selection_is_one_document() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    let query =
        r#"{ component(ref: "c0") { repo { stars branch topics owner license latest { tag } } } }"#;
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "component": {
          "repo": {
            "stars": 0,
            "branch": "trunk",
            "topics": ["rust","graph"],
            "owner": "acme",
            "license": "MIT",
            "latest": {"tag":"v2"}
          }
        }
      }
    }
    "#);
    assert_snapshot!(world.documents().join("\n"), @r#"
    query($owner_0: String!, $name_0: String!) {
      a0: repository(owner: $owner_0, name: $name_0) { stargazerCount defaultBranch { name } topics_ef77497cd0c066f2b4ef: topics(first: 20) { nodes { name } } owner { login } license { key name } releases_f6e40326e1391c2e42da: releases(last: 1) { nodes { tagName } } }
    }
    {"owner_0":"acme","name_0":"c0"}
    "#);
    world.ask(query).await;
    assert_eq!(world.n_requests(), 0);
}

/// The figure that one request is for: fifty components with everything that a dashboard shows.
#[tokio::test]
async fn fifty_components_are_one_request() {
    let world = world(SDL, &components(50), &repositories(50)).await;
    let query = r#"{ components(first: 50) { nodes { name
        repo { stars branch latest { tag } }
        changes(state: "OPEN") { nodes { number title author } } } } }"#;
    let answer = world.ask(query).await;
    assert!(answer.contains("open one"), "{answer}");
    assert_eq!(world.n_requests(), 1);
    world.ask(query).await;
    assert_eq!(world.n_requests(), 0);
}

#[tokio::test]
async fn a_thousand_components_are_twenty_requests() {
    let stars = (0..1000).map(|number| {
        format!("  - graphql: repository\n    when: {{ arguments: {{ owner: acme, name: c{number} }} }}\n    body: {{ stargazerCount: {number} }}\n")
    });
    let world = world(SDL, &components(1000), &stars.collect::<String>()).await;
    let query = r#"{ components(first: 1000) { nodes { repo { stars } } } }"#;
    let (answer, _) = world.engine.json(query, json!({})).await;
    let nodes = answer["data"]["components"]["nodes"].as_array().unwrap();
    assert_eq!(
        nodes
            .iter()
            .filter(|node| node["repo"]["stars"].is_u64())
            .count(),
        1000
    );
    assert!(world.n_requests() <= 20);
}
