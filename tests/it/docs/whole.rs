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

/// What a page puts in is a part of it, also for the search and for problems.
#[test]
fn a_changed_snippet_is_found_and_judged() {
    let config = json!({ "sources": [{ "type": "file", "path": "./catalog" }] }).to_string();
    let descriptor = component("backstage.io/techdocs-ref: dir:.");
    let place = Place::with(&[
        ("catalog/catalog-info.yaml", &descriptor),
        (
            "catalog/docs/index.md",
            "# Keys\n\n--8<-- \"parts/outer.txt\"\n",
        ),
        // No pages of their own, so nothing else tells that they have changed.
        (
            "catalog/parts/outer.txt",
            "--8<--\nparts/inner.txt\n--8<--\n",
        ),
        ("catalog/parts/inner.txt", "Nothing yet.\n"),
        ("catalog/mkdocs.yml", "site_name: Shop\n"),
        ("callboard.yaml", &config),
    ]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let asked = |word: &str| {
        format!(
            "{{ search(query: \"{word}\", in: [DOCS]) {{ totalCount indexState {{ state }} }} }}"
        )
    };
    let is_found = |answer: &serde_json::Value| answer["data"]["search"]["totalCount"] == 1;
    until(&place, &server.url, &asked("nothing"), is_found);
    fs::write(
        place.path().join("catalog/parts/inner.txt"),
        "A zeppelin. [gone](gone.md)\n",
    )
    .unwrap();
    until(&place, &server.url, &asked("zeppelin"), is_found);
    let told = until(&place, &server.url, PROBLEMS, |answer| {
        answer["data"]["component"]["problems"]
            .as_array()
            .is_some_and(|problems| problems.iter().any(|one| one["code"] == "docs-link"))
    });
    let problems = told["data"]["component"]["problems"].as_array().unwrap();
    let of_docs = problems.iter().find(|one| one["code"] == "docs-link");
    assert_eq!(
        of_docs.unwrap(),
        &json!({ "code": "docs-link", "file": "parts/inner.txt", "line": 1 })
    );
    assert_eq!(server.end("-TERM").0, Some(0));
}
