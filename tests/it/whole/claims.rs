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

const CHANGES: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { retries: 0 })
type ProbeChange implements PullRequest @supplies(field: "Entity.pullRequests") @identity(from: "number")
  @connect(source: "rest", get: "/changes/{$entity.metadata.annotations.'probe.test/thing'}") { paths: [String] }
type ProbeRun implements CiRun @supplies(field: "Entity.ciRuns") @identity(from: "number")
  @connect(source: "rest", get: "/runs/{$entity.metadata.annotations.'probe.test/thing'}")
"#;

/// Globs of the annotation by the component's name, and what it is then shown of changes to `a/x`, `b/x` and nothing at all.
fn globs() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("plain", "a".to_owned(), "1"),
        ("nothing", " , ".to_owned(), "1 2 3"),
        ("braces", "{".repeat(5_000) + &"}".repeat(5_000), "1 2 3"),
        ("open", "{a".to_owned(), "1 2 3"),
        ("nested", "{".repeat(90) + "a" + &"}".repeat(90), "1"),
        ("upward", "a/../../b, a".to_owned(), "1"),
        ("absolute", "/etc/**, b".to_owned(), "2"),
        ("backslash", r"b\x".to_owned(), "1 2 3"),
        ("many", "b,".repeat(60), "2"),
        ("stars", "**/**/**/**/**/**/**/**/**/x".to_owned(), "1 2"),
    ]
}

/// What somebody wrote is bounded: the rest of it counts, and the problem stands where it was written.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_globs_are_problems_and_harm_nobody() {
    let upstream = Upstream::start(|asked| {
        let list = match asked.path() {
            "/runs/x" => json!([{ "number": 1, "workflow": "build" }, { "number": 2, "workflow": "Nightly" }, { "number": 3 }]),
            _ => json!([{ "number": 1, "paths": ["a/x"] }, { "number": 2, "paths": ["b/x"] }, { "number": 3, "paths": [] }]),
        };
        Reply::json(&list)
    })
    .await;
    tokio::task::block_in_place(|| choose(&upstream));
}

fn choose(upstream: &Upstream) {
    let of = |(name, globs, _): &(&str, String, &str)| {
        json!({
            "apiVersion": "backstage.io/v1alpha1", "kind": "Component",
            "metadata": { "name": name, "annotations": { "probe.test/thing": "x", "callboard.dev/paths": globs } },
            "spec": { "type": "service", "lifecycle": "production", "owner": "team" },
        })
    };
    let documents: Vec<String> = globs()
        .iter()
        .map(|case| format!("---\n{}\n", of(case)))
        .collect();
    let runs = "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: runs, annotations: { probe.test/thing: x, callboard.dev/ci-workflows: \"nightly, deploy\" } }\nspec: { type: service, lifecycle: production, owner: team }\n";
    let place = Place::with(&[
        ("own/probe/probe.graphql", CHANGES),
        ("catalog/catalog-info.yaml", &(documents.concat() + runs)),
        ("callboard.yaml", &config(upstream, &["*"])),
    ]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let known = until(&place, &server.url, PROBLEMS, |answer| {
        claims(answer).len() == 6
    });
    let mut told: Vec<String> = claims(&known)
        .iter()
        .map(|claim| claim.split_once(' ').unwrap().1.to_owned())
        .collect();
    told.sort();
    insta::assert_snapshot!(told.join("\n"), @r"
    claim-value component:default/absolute: `pullRequests` does not go by all of what `callboard.dev/paths` says: it is no path from the root of the repository
    claim-value component:default/backslash: `pullRequests` does not go by all of what `callboard.dev/paths` says: it is no path from the root of the repository
    claim-value component:default/braces: `pullRequests` does not go by all of what `callboard.dev/paths` says: it is longer than 200 characters
    claim-value component:default/many: `pullRequests` does not go by all of what `callboard.dev/paths` says: there are more than 50, or more than 2000 characters
    claim-value component:default/open: `pullRequests` does not go by all of what `callboard.dev/paths` says: it is no glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
    claim-value component:default/upward: `pullRequests` does not go by all of what `callboard.dev/paths` says: it leads out of the repository
    ");
    // It stands where it was written: each document is two lines, and this is the seventh.
    let absolute = claims(&known);
    let absolute = absolute.iter().find(|claim| claim.contains("absolute"));
    assert!(absolute.is_some_and(|claim| claim.starts_with("catalog-info.yaml:14:")));
    let asking = "{ components { nodes { name pullRequests { nodes { number } } ciRuns { nodes { number } } } } }";
    let answer = until(&place, &server.url, asking, |answer| {
        answer["data"]["components"]["nodes"].is_array()
    });
    let numbers = |list: &Value| {
        let nodes = list["nodes"].as_array().unwrap().iter();
        let numbers: Vec<String> = nodes.map(|node| node["number"].to_string()).collect();
        numbers.join(" ")
    };
    let nodes = answer["data"]["components"]["nodes"].as_array().unwrap();
    for (name, _, shown) in globs() {
        let node = nodes.iter().find(|node| node["name"] == name).unwrap();
        assert_eq!(numbers(&node["pullRequests"]), shown, "{name}");
    }
    // Names are compared as arguments are, and without them all runs are shown.
    let of = |name: &str| {
        let node = nodes.iter().find(|node| node["name"] == name).unwrap();
        numbers(&node["ciRuns"])
    };
    assert_eq!((of("runs").as_str(), of("plain").as_str()), ("2", "1 2 3"));
    let asking =
        "{ component(ref: \"runs\") { ciRuns(workflow: \"BUILD\") { nodes { number } } } }";
    let answer = until(&place, &server.url, asking, |answer| {
        answer["data"].is_object()
    });
    assert_eq!(numbers(&answer["data"]["component"]["ciRuns"]), "1");
    assert_eq!(server.end("-TERM").0, Some(0));
}
