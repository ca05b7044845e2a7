//! Annotations that lead nowhere are problems at their file and line, for as long as they do.

use std::fs;

use serde_json::{Value, json};

use crate::cli::{Place, Running, until};
use crate::support::upstream::{Reply, Upstream};

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { retries: 0 })
extend interface Entity {
  thing: Thing
    @connect(source: "rest", get: "/things/{$entity.metadata.annotations.'probe.test/thing' | segments}",
      instance: "$entity.metadata.annotations.'probe.test/instance'")
    @cache(maxAge: "1s")
  again: Thing
    @connect(source: "rest", get: "/again/{$entity.metadata.annotations.'probe.test/thing' | segments}")
}
type Thing implements Live @identity(from: "id") { n: Int }
"#;

const FILE: &str = r#"apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: good
  annotations:
    probe.test/thing: team/good
spec: { type: service, lifecycle: production, owner: team }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: foreign
  annotations:
    example.test/other: x
    probe.test/thing: other/secret
spec: { type: service, lifecycle: production, owner: team }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: nowhere, annotations: { "probe.test/thing": team/a, "probe.test/instance": mars } }
spec: { type: service, lifecycle: production, owner: team }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: climbing
  annotations:
    'probe.test/thing': ../../admin
spec: { type: service, lifecycle: production, owner: team }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: gone
  annotations:
    probe.test/thing: team/gone
spec: { type: service, lifecycle: production, owner: team }
"#;

fn config(upstream: &Upstream, allow: &[&str]) -> String {
    json!({
        "sources": [{ "type": "file", "path": "./catalog" }],
        "connectorFolders": ["./own"],
        "connectors": { "probe": { "config": { "url": upstream.url }, "allow": allow } },
    })
    .to_string()
}

const PROBLEMS: &str = "{ problems { nodes { code file line column field entityRef message } } }";

fn claims(answer: &Value) -> Vec<String> {
    // Until it is ready the server has no answer.
    let problems = answer["data"]["problems"]["nodes"].as_array();
    let problems = problems.into_iter().flatten();
    let problems =
        problems.filter(|problem| problem["code"].as_str().unwrap().starts_with("claim"));
    let shown = problems.map(|problem| {
        let text = |name: &str| problem[name].as_str().unwrap().to_owned();
        let at = format!("{}:{}:{}", text("file"), problem["line"], problem["column"]);
        format!(
            "{at} {} {}: {}",
            text("code"),
            text("entityRef"),
            text("message")
        )
    });
    shown.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_lead_nowhere_are_problems_where_they_stand() {
    let upstream = Upstream::start(|asked| match asked.path() {
        "/things/team/gone" => Reply::status(404),
        _ => Reply::json(&json!({ "id": 1, "n": 1 })),
    })
    .await;
    tokio::task::block_in_place(|| follow(&upstream));
}

fn follow(upstream: &Upstream) {
    let place = Place::with(&[
        ("own/probe/probe.graphql", SDL),
        ("catalog/catalog-info.yaml", FILE),
        ("callboard.yaml", &config(upstream, &["team/*"])),
    ]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let known = until(&place, &server.url, PROBLEMS, |answer| {
        claims(answer).len() == 3
    });
    // Nothing was asked of anybody for that.
    assert_eq!(upstream.targets(), "");
    assert_eq!(
        claims(&known),
        [
            "catalog-info.yaml:15:5 claim-not-allowed component:default/foreign: `probe` is not asked with what `probe.test/thing` says",
            "catalog-info.yaml:20:71 claim-instance component:default/nowhere: `probe` is not asked with what `probe.test/instance` says",
            "catalog-info.yaml:28:5 claim-value component:default/climbing: `probe` is not asked with what `probe.test/thing` says",
        ]
    );
    // What an upstream does not have is known once it was asked.
    let asking =
        "{ components { nodes { name thing { n } live(fields: [\"thing\"]) { state } } } }";
    until(&place, &server.url, asking, |answer| {
        answer["data"]["components"]["nodes"][0]["name"] == "climbing"
    });
    let known = until(&place, &server.url, PROBLEMS, |answer| {
        claims(answer).len() == 4
    });
    assert_eq!(
        claims(&known)[3],
        "catalog-info.yaml:36:5 claim-not-found component:default/gone: `probe` does not have what `probe.test/thing` names"
    );
    assert!(!upstream.targets().contains("secret"));
    let own = "{ component(ref: \"foreign\") { problems { code line hint } } }";
    let answer = until(&place, &server.url, own, |answer| {
        answer["data"].is_object()
    });
    assert_eq!(
        answer["data"]["component"]["problems"][0],
        json!({ "code": "claim-not-allowed", "line": 15, "hint": "`connectors.probe.allow` does not name `other/secret`" })
    );

    // A mended descriptor, a wider `allow`, an upstream that has it now: each problem goes with its cause.
    let mended = FILE.replace("../../admin", "team/climbing");
    fs::write(place.path().join("catalog/catalog-info.yaml"), mended).unwrap();
    fs::write(
        place.path().join("callboard.yaml"),
        config(upstream, &["*"]),
    )
    .unwrap();
    server.signal("-HUP");
    let known = until(&place, &server.url, PROBLEMS, |answer| {
        claims(answer).len() <= 2 && !claims(answer).iter().any(|claim| claim.contains("foreign"))
    });
    assert!(claims(&known)[0].contains("nowhere"), "{known}");
    upstream.answer(|_| Reply::json(&json!({ "id": 1, "n": 1 })));
    until(&place, &server.url, asking, |answer| {
        answer["data"]["components"]["nodes"][2]["thing"]["n"] == 1
    });
    until(&place, &server.url, PROBLEMS, |answer| {
        claims(answer).len() == 1
    });
    assert_eq!(server.end("-TERM").0, Some(0));
}
