//! A connector folder that is broken while the server runs: the graph says so, and the rest goes on.

use std::fs;

use serde_json::{Value, json};

use crate::cli::{Place, Running, until};

const WHOLE: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  NAME: String @connect(source: "rest", get: "/NAME/{$entity.metadata.name}")
}
"#;

const CONFIG: &str =
    r#"{ "sources": [{ "type": "file", "path": "./catalog" }], "connectorFolders": ["./own"] }"#;

const CATALOG: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: pay }\nspec: { type: service, lifecycle: production, owner: team }\n";

/// What the graph says of our own connectors: the status of each, and what is wrong in its folder.
fn told(answer: &Value) -> Vec<String> {
    let all = answer["data"]["connectors"].as_array();
    let own = all.into_iter().flatten();
    let own = own.filter(|connector| ["one", "two"].contains(&connector["name"].as_str().unwrap()));
    let lines = own.flat_map(|connector| {
        let line = format!("{} {}", connector["name"], connector["status"]);
        let problems = connector["problems"].as_array().unwrap().iter();
        let problems = problems.map(|problem| {
            let file = problem["file"].as_str().unwrap();
            let (_, file) = file.split_once("own/").unwrap();
            format!(
                "{file}:{}:{} {} {} hint: {}",
                problem["line"],
                problem["column"],
                problem["severity"],
                problem["code"],
                !problem["hint"].is_null()
            )
        });
        [line].into_iter().chain(problems).collect::<Vec<_>>()
    });
    lines.map(|line| line.replace('"', "")).collect()
}

const ASKED: &str =
    "{ connectors { name status problems { severity code message hint file line column } } }";

#[test]
fn a_broken_folder_is_told_in_the_graph() {
    let broken = WHOLE
        .replace("NAME", "two")
        .replace("source: \"rest\"", "source: \"reest\"");
    let place = Place::with(&[
        ("own/one/one.graphql", &WHOLE.replace("NAME", "one")),
        ("own/two/two.graphql", &broken),
        ("catalog/catalog-info.yaml", CATALOG),
        ("callboard.yaml", CONFIG),
    ]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    // At the start: it was never whole, so it is not in the graph.
    let known = until(&place, &server.url, ASKED, |answer| {
        !told(answer).is_empty()
    });
    assert_eq!(
        told(&known),
        [
            "one NOT_CONFIGURED",
            "two FAILING",
            "two/two.graphql:4:32 ERROR unknown-source hint: true",
        ]
    );
    // Mended, and the other one broken: that goes on as it was.
    fs::write(
        place.path().join("own/two/two.graphql"),
        WHOLE.replace("NAME", "two"),
    )
    .unwrap();
    let unfinished = "type Broken {";
    fs::write(place.path().join("own/one/one.graphql"), unfinished).unwrap();
    let known = until(&place, &server.url, ASKED, |answer| {
        told(answer)
            .get(1)
            .is_some_and(|line| line.starts_with("one/"))
    });
    let lines = told(&known);
    assert_eq!(lines[0], "one NOT_CONFIGURED");
    assert!(
        lines[1].starts_with("one/one.graphql:1:14 ERROR syntax"),
        "{lines:?}"
    );
    assert_eq!(lines.last().unwrap(), "two NOT_CONFIGURED");
    let both =
        "{ component(ref: \"pay\") { one two live(fields: [\"one\", \"two\"]) { field state } } }";
    let answer = until(&place, &server.url, both, |answer| {
        answer["data"] != Value::Null
    });
    assert_eq!(
        answer["data"]["component"],
        json!({ "one": null, "two": null, "live": [
            { "field": "one", "state": "NOT_CONFIGURED" }, { "field": "two", "state": "NOT_CONFIGURED" },
        ] })
    );
    // All is whole: nothing is told any more.
    fs::write(
        place.path().join("own/one/one.graphql"),
        WHOLE.replace("NAME", "one"),
    )
    .unwrap();
    until(&place, &server.url, ASKED, |answer| {
        told(answer) == ["one NOT_CONFIGURED", "two NOT_CONFIGURED"]
    });
}
