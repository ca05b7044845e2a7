//! What is found in each group is what is found in all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{is_ready, post, serve};
use crate::cli::{Place, until};

/// More than any query finds.
const ALL: usize = 100;

#[test]
fn groups_add_up_to_the_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalog = root.join("examples/catalog");
    let config = json!({ "sources": [{ "type": "file", "path": catalog }] }).to_string();
    let place = Place::with(&[("callboard.yaml", &config)]);
    let server = serve(&place);
    let state = "{ search(query: \"\") { indexState { state } } }";
    until(&place, &server.url, state, is_ready);
    let judged = fs::read_to_string(root.join("tests/search/judged.txt")).unwrap();
    let queries = judged.lines().filter(|line| !line.starts_with('#'));
    let queries = queries.map(|line| line.split_once(" | ").unwrap().0);
    let (mut n_divided, mut wrong) = (0, Vec::new());
    // The last of these leaves most of itself in no group alone.
    for query in queries.chain(["rotate keys", "card vault refund zebra"]) {
        let found = |name: &str, groups: &str| {
            format!(
                "{name}: search(query: {}, in: {groups}, first: {ALL}) {{ totalCount nodes {{ id }} }}",
                Value::from(query)
            )
        };
        let fields = [
            found("all", "[ENTITIES, DOCS, OPERATIONS]"),
            found("entities", "[ENTITIES]"),
            found("docs", "[DOCS]"),
            found("operations", "[OPERATIONS]"),
        ];
        let body = json!({ "query": format!("{{ {} }}", fields.join(" ")) });
        let answer = post(&server.url, &body.to_string())["data"].take();
        let total = |name: &str| answer[name]["totalCount"].as_u64().unwrap();
        let ids = |name: &str| -> BTreeSet<String> {
            let nodes = answer[name]["nodes"].as_array().unwrap().iter();
            nodes
                .map(|node| node["id"].as_str().unwrap().to_owned())
                .collect()
        };
        let parts = ["entities", "docs", "operations"].map(total);
        n_divided += usize::from(parts.iter().filter(|part| **part > 0).count() > 1);
        if parts.iter().sum::<u64>() != total("all") {
            wrong.push(format!("{query}: {} and {parts:?}", total("all")));
        } else if total("all") <= ALL as u64 {
            let together = &(&ids("entities") | &ids("docs")) | &ids("operations");
            assert_eq!(together, ids("all"), "{query}");
        }
    }
    assert!(
        n_divided > 10,
        "{n_divided} queries find things of several groups"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(server.end("-TERM").0, Some(0));
}
