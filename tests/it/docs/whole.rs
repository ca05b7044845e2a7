//! The program as a whole: problems of docs in the graph and in `check`, sections in the search.

use std::fs;

use serde_json::json;

use super::support::component;
use crate::cli::{Place, Running, until};

const PROBLEMS: &str =
    "{ component(ref: \"shop\") { problems { code file line } } problems { totalCount } }";
const FOUND: &str = "{ search(query: \"rotate the vault\", in: [DOCS]) { edges { node { __typename id ... on DocsSection { title url text page { title html } entity { ref } } } highlights { field html } } } }";

#[test]
fn docs_are_found_and_judged_behind() {
    let config = json!({ "sources": [{ "type": "file", "path": "./catalog" }] }).to_string();
    let descriptor = component("backstage.io/techdocs-ref: dir:.");
    let place = Place::with(&[
        ("catalog/catalog-info.yaml", &descriptor),
        (
            "catalog/docs/index.md",
            "# Keys\n\nIntro.\n\n## Rotating the vault\n\nEvery ninety days.\n\n[gone](gone.md)\n",
        ),
        ("callboard.yaml", &config),
    ]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let told = until(&place, &server.url, PROBLEMS, |answer| {
        answer["data"]["component"]["problems"]
            .as_array()
            .is_some_and(|problems| problems.iter().any(|one| one["code"] == "docs-link"))
    });
    let problems = told["data"]["component"]["problems"].as_array().unwrap();
    let of_docs = problems.iter().find(|one| one["code"] == "docs-link");
    assert_eq!(
        of_docs.unwrap(),
        &json!({ "code": "docs-link", "file": "docs/index.md", "line": 9 })
    );
    let found = until(&place, &server.url, FOUND, |answer| {
        answer["data"]["search"]["edges"]
            .as_array()
            .is_some_and(|edges| !edges.is_empty())
    });
    let node = &found["data"]["search"]["edges"][0]["node"];
    assert_eq!(node["title"], "Rotating the vault", "{found}");
    assert_eq!(
        node["url"],
        "/docs/component/default/shop/#rotating-the-vault"
    );
    assert_eq!(node["entity"]["ref"], "component:default/shop");
    assert_eq!(node["page"]["title"], "Keys");
    let by_id = format!(
        "{{ node(id: {}) {{ ... on DocsSection {{ title }} }} }}",
        node["id"]
    );
    let again = until(&place, &server.url, &by_id, |_| true);
    assert_eq!(
        again["data"]["node"]["title"], "Rotating the vault",
        "{again}"
    );

    // A saved page is found and judged without any change of a descriptor.
    fs::write(
        place.path().join("catalog/docs/index.md"),
        "# Keys\n\n## Rotating the vault by hand\n\nNever.\n",
    )
    .unwrap();
    until(&place, &server.url, FOUND, |answer| {
        let node = &answer["data"]["search"]["edges"][0]["node"];
        node["title"] == "Rotating the vault by hand"
    });
    until(&place, &server.url, PROBLEMS, |answer| {
        let problems = answer["data"]["component"]["problems"].as_array();
        problems.is_some_and(|problems| problems.iter().all(|one| one["code"] != "docs-link"))
    });
    assert_eq!(server.end("-TERM").0, Some(0));
}
