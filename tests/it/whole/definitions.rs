//! What is wrong in an API definition is a problem of the API, at the file and line where it is written; the definition is served all the same.

use serde_json::{Value, json};

use crate::cli::{Place, Running, until};

const CATALOG: &str = "apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: inline }
spec:
  type: openapi
  lifecycle: production
  owner: team
  definition: |
    openapi: 3.1.0
    info: { title: Inline, version: 1.0.0 }
    paths:
      /a: { get: { responses: { 200: { $ref: '#/components/responses/Gone' } } } }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: beside }
spec:
  type: graphql
  lifecycle: production
  owner: team
  definition: { $text: ./apis/schema.graphql }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: good }
spec: { type: grpc, lifecycle: production, owner: team, definition: 'syntax = \"proto3\"; service A {}' }
";

const PROBLEMS: &str =
    "{ problems { nodes { severity code file line column field entityRef message } } }";

fn shown(answer: &Value) -> Vec<String> {
    let problems = answer["data"]["problems"]["nodes"].as_array();
    let problems = problems.into_iter().flatten().filter(|problem| {
        let code = problem["code"].as_str().unwrap();
        code.starts_with("definition-")
    });
    let lines = problems.map(|problem| {
        let text = |name: &str| problem[name].as_str().unwrap_or("-").to_owned();
        format!(
            "{}:{}:{} {} {}",
            text("file"),
            problem["line"],
            problem["column"],
            text("entityRef"),
            text("message")
        )
    });
    lines.collect()
}

#[test]
fn problems_stand_where_their_definitions_are_written() {
    let config = json!({ "sources": [{ "type": "file", "path": "./catalog" }] }).to_string();
    let place = Place::with(&[
        ("catalog/catalog-info.yaml", CATALOG),
        (
            "catalog/apis/schema.graphql",
            "type Query {\n  a: Missing\n}\n",
        ),
        ("callboard.yaml", &config),
    ]);
    let expected = [
        "apis/schema.graphql:2:6 api:default/beside there is no type `Missing`",
        "catalog-info.yaml:12:46 api:default/inline `#/components/responses/Gone` leads to nothing",
    ];
    let checked = place.run(&["check", "catalog"]);
    for line in [
        "catalog/apis/schema.graphql:2:6: error[definition-reference]: there is no type `Missing`",
        "catalog/catalog-info.yaml:12:46: error[definition-reference]: `#/components/responses/Gone` leads to nothing",
    ] {
        assert!(checked.out.contains(line), "{}", checked.out);
    }
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let known = until(&place, &server.url, PROBLEMS, |answer| {
        shown(answer).len() == 2
    });
    assert_eq!(shown(&known), expected);
    let query = "{ api(ref: \"beside\") { problems { code } definition { operations { nodes { name } } problems { line file fileLine } } } inline: api(ref: \"inline\") { definition { problems { line file fileLine } } } }";
    let answer = until(&place, &server.url, query, |answer| {
        answer["data"].is_object()
    });
    let api = &answer["data"]["api"];
    assert_eq!(api["definition"]["operations"]["nodes"][0]["name"], "a");
    assert_eq!(
        api["definition"]["problems"],
        json!([{ "line": 2, "file": "apis/schema.graphql", "fileLine": 2 }])
    );
    assert_eq!(
        answer["data"]["inline"]["definition"]["problems"],
        json!([{ "line": 4, "file": "catalog-info.yaml", "fileLine": 12 }])
    );
    assert_eq!(api["problems"][0]["code"], "definition-reference");

    // Mended, the problem is gone, and what changed is known.
    let before = "{ api(ref: \"beside\") { source { revision } } }";
    let answer = until(&place, &server.url, before, |answer| {
        answer["data"].is_object()
    });
    let revision = answer["data"]["api"]["source"]["revision"].clone();
    let file = place.path().join("catalog/apis/schema.graphql");
    std::fs::write(file, "type Query {\n  b: Int\n}\n").unwrap();
    let known = until(&place, &server.url, PROBLEMS, |answer| {
        shown(answer).len() == 1
    });
    assert_eq!(shown(&known), expected[1..]);
    let query = format!(
        "{{ api(ref: \"beside\") {{ definition {{ diff(revision: {revision}) {{ breaking changes {{ kind path }} }} }} }} }}"
    );
    let answer = until(&place, &server.url, &query, |answer| {
        answer["data"].is_object()
    });
    assert_eq!(
        answer["data"]["api"]["definition"]["diff"],
        json!({
            "breaking": true,
            "changes": [
                { "kind": "REMOVED", "path": "Query.a" },
                { "kind": "ADDED", "path": "Query.b" },
            ],
        })
    );
}
