//! What stands in an annotation never changes where a request goes: looked at from the upstream's side.

use std::collections::BTreeSet;
use std::sync::Arc;

use callboard::connect::example::Example;
use callboard::sdl::expr::{Node, Step};
use callboard::sdl::{Connect, Model, Request, connects};
use callboard::simulate::Seen;
use serde_json::{Value, json};

use super::stage::{Scene, Stage, connectors};

/// What somebody could write into a descriptor; `GOOD` is what stands there in the example.
const EVIL: &[&str] = &[
    "../../admin",
    "..",
    ".",
    "/",
    "",
    "a?x=1",
    "a&admin=1",
    "a#b",
    "a%2f..%2fb",
    "%2e%2e/%2e%2e/admin",
    "a/../../admin",
    "a\\..\\..\\admin",
    "//elsewhere.test/admin",
    "http://elsewhere.test/admin",
    "@elsewhere.test/admin",
    "a;admin=1",
    "a b",
    "a\nb",
    "a\r\nx-admin: 1\r\n\r\nGET /admin HTTP/1.1",
    "a\u{0}b",
    "ä/ö",
    "default:../../admin",
    "nowhere:a",
    "\\",
    "#",
    "@",
    "?",
    "a:b@elsewhere.test",
    "[::1]/admin",
    "a]b[c",
    "a\u{2024}\u{2024}/admin",
    "\u{2024}\u{2024}",
    "\u{ff0e}\u{ff0e}\u{ff0f}admin",
    "a\u{2215}..\u{2215}admin",
    "a\u{2044}admin",
    "\u{feff}..",
    "..\u{200b}",
    "%252e%252e%252fadmin",
    "%c0%ae%c0%ae/admin",
    "%0d%0ax-admin: 1",
    "a\tb",
    "a\u{7f}b",
    "a\u{85}b",
    "a\u{2028}b",
    "{$secret.token}",
    "LONG",
    "GOOD/../../admin",
    "GOOD/%2e%2e/admin",
    "GOOD?admin=1",
    "GOOD#admin",
    "GOOD\nadmin",
];

#[tokio::test]
async fn an_annotation_never_changes_where_a_request_goes() {
    for (folder, examples) in connectors() {
        let scene = Scene::of(&folder.name);
        let (mut asked_well, mut n_asked) = (Asked::default(), 0);
        let mut stages = Vec::new();
        for example in &examples {
            let limits = json!({ "retries": 0, "breakerErrors": 10_000, "perMinute": 1_000_000 });
            let stage = Stage::set(&scene, &examples, example, &limits).await;
            stage.ask_beside().await;
            asked_well.add(&stage);
            stages.push(Stage::set(&scene, &examples, &with_evil(example), &limits).await);
        }
        let labels = labels(&scene.model, &folder.name);
        let below = asked_well.common_path();
        for stage in &stages {
            let told = stage.ask_beside().await;
            assert_eq!(
                told["data"]["entities"]["nodes"].as_array().unwrap().len(),
                stage.example.entities.len()
            );
            for label in stage.upstream.requests().keys() {
                assert!(labels.contains(label), "{}: {label}", stage.name());
            }
            for seen in stage.upstream.seen() {
                n_asked += n_objects(&seen);
                // Of documents only the variables change.
                if let Some(document) = seen.json.get("query").and_then(Value::as_str) {
                    for evil in ["admin", "elsewhere", "../", "nowhere"] {
                        assert!(!document.contains(evil), "{document}");
                    }
                }
                let at = format!("{}: {}", stage.name(), seen.target);
                let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
                assert!(path.starts_with(&below), "{at} is not below {below}");
                for segment in path.trim_start_matches('/').split('/') {
                    let segment = segment.replace("%2e", ".").replace("%2E", ".");
                    assert!(!["", ".", ".."].contains(&&*segment), "{at}");
                    assert!(
                        !segment.contains(['\\', ';', '@', '#', '\n', '\r', '[', ']', '{']),
                        "{at}"
                    );
                    // Nobody behind it could read it as another dot or slash.
                    assert!(segment.is_ascii(), "{at}");
                }
                for param in query.split('&').filter(|param| !param.is_empty()) {
                    let name = param.split('=').next().unwrap();
                    assert!(asked_well.params.contains(name), "{at} has `{name}`");
                }
                for (name, value) in &seen.headers {
                    assert!(
                        asked_well.headers.contains(name),
                        "{at} has the header `{name}`"
                    );
                    if name == "host" {
                        let host = stage.gate.address.port().to_string();
                        assert_eq!(*value, format!("{}:{host}", super::stage::HOST));
                    }
                }
            }
        }
        // Encoded, most of it is a name like any other, and is asked for.
        let n_well = asked_well.n_objects;
        assert!(n_asked > n_well, "{}: {n_asked} requests", folder.name);
    }
}

/// The entities of an example, and one more for each annotation and each evil value.
fn with_evil(example: &Example) -> Example {
    let mut evil = example.clone();
    for entity in &example.entities {
        let annotations = entity
            .pointer("/metadata/annotations")
            .and_then(Value::as_object);
        for (name, good) in annotations.into_iter().flatten() {
            for value in EVIL {
                let mut entity = entity.clone();
                let number = evil.entities.len();
                let value = value.replace("GOOD", good.as_str().unwrap());
                let value = value.replace("LONG", &"b".repeat(10_000));
                entity["metadata"]["name"] = format!("evil-{number}").into();
                entity["metadata"]["annotations"][name] = value.into();
                evil.entities.push(entity);
            }
        }
    }
    assert!(
        evil.entities.len() > example.entities.len(),
        "{}",
        example.file
    );
    evil
}

/// What the connector can ask: methods and path templates.
fn labels(model: &Model, connector: &str) -> BTreeSet<String> {
    let is_write = |connect: &Arc<Connect>| {
        let payloads = model.actions.iter();
        let mut payloads = payloads.filter_map(|action| model.types.get(&action.payload));
        payloads.any(|payload| {
            payload
                .connect
                .as_ref()
                .is_some_and(|own| Arc::ptr_eq(own, connect))
        })
    };
    let own = connects(model).filter(|connect| *connect.connector == *connector);
    let own = own.filter(|connect| {
        // No annotation makes anything be done.
        !is_write(connect)
    });
    let labels = own.filter_map(|connect| match &connect.request {
        Request::Rest { method, template } => {
            let path = template.source().split('?').next().unwrap();
            Some(format!(
                "{} {path}",
                callboard::connect::example::method_name(*method)
            ))
        }
        Request::Graphql { selection } => match selection.node() {
            Node::Path(path) => match path.steps.first() {
                Some(Step::Name(field, _)) => Some(format!("query {field}")),
                _ => None,
            },
            _ => None,
        },
    });
    labels.collect()
}

/// How many objects a request asks for: a document has a line for each.
fn n_objects(seen: &Seen) -> usize {
    let document = seen.json.get("query").and_then(Value::as_str);
    let lines = document.map(|document| {
        let lines = document.lines();
        lines.filter(|line| line.starts_with("  a")).count()
    });
    lines.unwrap_or(1)
}

/// What good annotations lead to.
#[derive(Default)]
struct Asked {
    paths: Vec<String>,
    n_objects: usize,
    params: BTreeSet<String>,
    headers: BTreeSet<String>,
}

impl Asked {
    fn add(&mut self, stage: &Stage) {
        for seen in stage.upstream.seen() {
            let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
            self.paths.push(path.to_owned());
            self.n_objects += n_objects(&seen);
            let names = query.split('&').filter_map(|param| param.split('=').next());
            self.params.extend(names.map(str::to_owned));
            self.headers
                .extend(seen.headers.into_iter().map(|(name, _)| name));
        }
    }

    /// The folder in which all paths are: `/api/v4/`.
    fn common_path(&self) -> String {
        let first = self.paths.first().unwrap();
        let is_common = |end: &usize| {
            let folder = first.split_at(*end).0;
            self.paths.iter().all(|path| path.starts_with(folder))
        };
        let ends = first.match_indices('/').map(|(at, _)| at + 1);
        let end = ends.filter(is_common).max().unwrap();
        first.split_at(end).0.to_owned()
    }
}
