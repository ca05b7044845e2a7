//! References that lead to nothing are problems for as long as they do: what the server says is what `check` says.

use std::fs;

use serde_json::{Value, json};

use crate::cli::{Place, Running, until};

const FILE: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: shop }
spec:
  type: service
  lifecycle: production
  owner: platfrom
  dependsOn:
    - component:shop
    - resource:orders-db
    - component:default/gone
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: platform }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: gone }
spec: { type: 7 }
";

const GROUP: &str = "apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: platfrom }
spec: { type: team, children: [] }
";

const ASKED: &str = "{
  group(ref: \"platfrom\") { name }
  component(ref: \"shop\") { problems { ...P } }
  problems { nodes { ...P } }
}
fragment P on Problem { severity code hint file line column field entityRef }";

/// What is said of references, in the order of their lines.
fn dangling(problems: &Value) -> Vec<Value> {
    let problems = problems.as_array().into_iter().flatten();
    let own = problems.filter(|problem| problem["code"] == "dangling-reference");
    let mut own: Vec<Value> = own.cloned().collect();
    own.sort_by_key(|problem| problem["line"].as_u64());
    own
}

#[test]
fn references_that_lead_to_nothing_are_problems_as_check_has_them() {
    let config = json!({ "sources": [{ "type": "file", "path": "./catalog" }] }).to_string();
    let place = Place::with(&[
        ("catalog/catalog-info.yaml", FILE),
        ("callboard.yaml", &config),
    ]);
    let checked = place.run(&["check", "catalog", "--format", "json"]);
    let checked: Value = serde_json::from_str(&checked.out).unwrap();
    let mut expected = dangling(&checked["problems"]);
    for problem in &mut expected {
        let members = problem.as_object_mut().unwrap();
        members.remove("message");
        members.remove("document");
        members["file"] = "catalog-info.yaml".into();
        let severity = members["severity"].as_str().unwrap().to_uppercase();
        members["severity"] = severity.into();
    }
    // A team that is misspelt, and a resource where nobody describes any; the broken document is a problem of its own.
    assert_eq!(
        expected,
        [
            json!({ "severity": "WARNING", "code": "dangling-reference", "hint": "did you mean `group:default/platform`?", "file": "catalog-info.yaml", "line": 7, "column": 10, "field": "spec.owner", "entityRef": "component:default/shop" }),
            json!({ "severity": "INFO", "code": "dangling-reference", "hint": "the relation is kept, and leads there once something describes it", "file": "catalog-info.yaml", "line": 10, "column": 7, "field": "spec.dependsOn[1]", "entityRef": "component:default/shop" }),
        ]
    );

    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let said = |answer: &Value| dangling(&answer["data"]["problems"]["nodes"]);
    let answer = until(&place, &server.url, ASKED, |answer| {
        said(answer).iter().any(|problem| problem["column"] == 7)
    });
    assert_eq!(said(&answer), expected);
    assert_eq!(dangling(&answer["data"]["component"]["problems"]), expected);

    // It goes with the change that brings the target, and comes again with the one that takes it.
    let group = place.path().join("catalog/platfrom.yaml");
    fs::write(&group, GROUP).unwrap();
    let is_there = |answer: &Value| !answer["data"]["group"].is_null();
    let follows = |answer: &Value| {
        let n_said = said(answer).len();
        assert!(
            !answer["data"].is_object() || n_said == if is_there(answer) { 1 } else { 2 },
            "{answer}"
        );
    };
    until(&place, &server.url, ASKED, |answer| {
        follows(answer);
        is_there(answer)
    });
    fs::remove_file(&group).unwrap();
    // Its place in the file is looked up behind the change.
    let is_placed = |problem: &Value| !problem["column"].is_null();
    let answer = until(&place, &server.url, ASKED, |answer| {
        follows(answer);
        !is_there(answer) && said(answer).iter().all(is_placed)
    });
    assert_eq!(said(&answer), expected);
    assert_eq!(server.end("-TERM").0, Some(0));
}
