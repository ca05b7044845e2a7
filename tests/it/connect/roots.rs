//! Fields at the root that connectors supply: what an argument says, and how far it leads.

use serde_json::json;

use super::world::world;
use crate::support::upstream::{Asked, Reply};

const SDL: &str = r#"
    extend schema @source(name: "rest", url: "$config.url", limits: { retries: 0 })
    type ProbeChange implements PullRequest
      @supplies(field: "Query.pullRequest")
      @identity(from: "id")
      @connect(source: "rest", get: "/{$path | segments}/changes/{$args.number}", let: [
        { name: "path", value: "$args.repository | between('://', '/') && $args.repository | after('://') | after('/') ?? $args.repository" }],
        instance: "$args.repository | between('://', '/')")
      @cache(maxAge: "1m") { number: Int }
"#;
const OTHER: &str = r#"
    extend schema @source(name: "rest", url: "$config.url", limits: { retries: 0 })
    type OtherChange implements PullRequest
      @supplies(field: "Query.pullRequest")
      @identity(from: "id")
      @connect(source: "rest", get: "/other/{$args.repository}/{$args.number}") @cache(maxAge: "1m") { number: Int }
"#;
const CONFIG: &str = "connectors:
  other: { config: { url: URL } }
  probe:
    config: { url: URL/a }
    allow: [\"pub/*\"]
    instances:
      forge.example: { config: { url: URL/b }, allow: [\"team/*\"] }
";

fn answer(asked: &Asked) -> Reply {
    match asked.target.as_str() {
        "/a/pub/x/changes/1" | "/b/team/x/changes/1" | "/other/pub%2Fy/1" | "/other/priv%2Fx/1" => {
            Reply::json(&json!({ "id": asked.target, "number": 1 }))
        }
        "/a/pub/z/changes/1" => Reply::status(500),
        _ => Reply::status(404),
    }
}

#[tokio::test]
async fn the_first_provider_that_has_it_answers() {
    let world = world(SDL).and("connectors/other/other.graphql", OTHER);
    let world = world.config(CONFIG).start(answer).await;
    for (arguments, provider, targets) in [
        (
            r#"repository: "pub/x", number: 1, provider: "probe""#,
            Some("probe"),
            "GET /a/pub/x/changes/1",
        ),
        (
            r#"repository: "pub/y", number: 1, provider: "Other""#,
            Some("other"),
            "GET /other/pub%2Fy/1",
        ),
        (
            r#"repository: "pub/y", number: 1"#,
            Some("other"),
            "GET /a/pub/y/changes/1",
        ),
        (
            r#"repository: "pub/x", number: 2, provider: "none""#,
            None,
            "",
        ),
        // An address is that of one instance, and what may be asked there is said there.
        (
            r#"repository: "https://forge.example/team/x", number: 1, provider: "probe""#,
            Some("probe"),
            "GET /b/team/x/changes/1",
        ),
        (
            r#"repository: "https://forge.example/pub/x", number: 1, provider: "probe""#,
            None,
            "",
        ),
        (
            r#"repository: "https://elsewhere.example/pub/x", number: 1, provider: "probe""#,
            None,
            "",
        ),
        // An argument leads no further than an annotation.
        (
            r#"repository: "priv/x", number: 1, provider: "probe""#,
            None,
            "",
        ),
        (
            r#"repository: "pub/../priv/x", number: 1, provider: "probe""#,
            None,
            "",
        ),
        (r#"repository: "priv/x", number: 1"#, Some("other"), ""),
    ] {
        let (json, _) = world
            .engine
            .json(
                &format!("{{ pullRequest({arguments}) {{ provider number }} }}"),
                json!({}),
            )
            .await;
        let found = json["data"]["pullRequest"]["provider"].as_str();
        assert_eq!(found, provider, "{arguments}: {json}");
        assert_eq!(json.get("errors"), None, "{arguments}: {json}");
        let mut asked = world.upstream.targets();
        if !arguments.contains("provider") {
            // The other one is asked beside it.
            asked = asked
                .lines()
                .filter(|line| !line.contains("/other/"))
                .collect();
        }
        assert_eq!(asked, targets, "{arguments}");
        world.upstream.take();
    }
}

#[tokio::test]
async fn one_that_fails_does_not_hide_another() {
    let world = world(SDL).and("connectors/other/other.graphql", OTHER);
    let world = world.config(CONFIG).start(answer).await;
    let query = r#"{ pullRequest(repository: "pub/z", number: 1) { number } }"#;
    let (json, _) = world.engine.json(query, json!({})).await;
    assert_eq!(json["data"]["pullRequest"], json!(null), "{json}");
    assert_eq!(json["errors"][0]["extensions"]["connector"], "probe");
}
