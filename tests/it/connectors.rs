//! Connector folders: what is found, and what a broken one costs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use callboard::app::schema::{self, Files, Loaded};
use callboard::config::Config;
use insta::assert_snapshot;
use serde_json::json;

use crate::cli::Place;
use crate::support::upstream::{Reply, Upstream};

/// A connector that adds one field to every entity.
fn folder(name: &str, field: &str) -> String {
    let title = format!("T{}", name.replace('-', ""));
    format!(
        "extend schema @source(name: \"rest\", url: \"$config.url\", auth: {{ type: BEARER, token: \"$secret.token\" }})\n\
         extend interface Entity {{\n  {field}: {title} @connect(source: \"rest\", get: \"/x/{{$entity.metadata.name}}\")\n}}\n\
         type {title} @identity(from: \"id\") {{ id: ID! @resolver, size: Int }}\n"
    )
}

/// The graph of `config` in `folder`.
fn load(folder: &Path, config: &str, before: &Files) -> Loaded {
    let file = "callboard.yaml".into();
    let (config, problems) = Config::parse(Some((&file, config)), folder, &|_| None);
    assert_eq!(problems, []);
    schema::load(&config.unwrap(), before)
}

fn shown(place: &Place, loaded: &Loaded) -> String {
    let mut out = String::new();
    for problem in &loaded.problems {
        writeln!(out, "{problem}").unwrap();
    }
    let has = |field: &str| {
        loaded.model.as_ref().is_some_and(|model| {
            model
                .types
                .get("Component")
                .is_some_and(|kind| kind.fields.contains_key(field))
        })
    };
    for field in ["one", "two"] {
        writeln!(out, "{field}: {}", has(field)).unwrap();
    }
    let broken = loaded.files.broken.iter().map(|folder| &folder.connector);
    writeln!(out, "broken: {:?}", broken.collect::<Vec<_>>()).unwrap();
    out.replace(&place.path().display().to_string(), "HERE")
}

const BOTH: &str = "connectorFolders: [./own]\n";

#[test]
fn folders_and_folders_of_folders_are_connectors() {
    let place = Place::with(&[
        ("own/a-one/a.graphql", &folder("a-one", "one")),
        ("own/a-one/README.md", "# One"),
        ("own/a-one/examples/x.yaml", "query: x"),
        ("own/b-two/b.graphql", &folder("b-two", "two")),
        ("own/notes/read.txt", "no connector"),
    ]);
    for config in [
        BOTH,
        "connectorFolders: [./own/a-one, ./own/b-two]\n",
        "connectorFolders: ['./own/*-*']\n",
    ] {
        let loaded = load(place.path(), config, &Files::default());
        assert_eq!(shown(&place, &loaded), "one: true\ntwo: true\nbroken: []\n");
        let one = loaded
            .files
            .folders
            .iter()
            .find(|folder| *folder.name == *"a-one");
        let one = one.unwrap();
        assert_eq!(one.examples.len(), 1);
        assert_eq!(one.readme.as_ref().unwrap().text, "# One");
    }
}

#[test]
fn a_connector_that_is_switched_off_is_not_in_the_graph() {
    let place = Place::with(&[
        ("own/a-one/a.graphql", &folder("a-one", "one")),
        ("own/b-two/b.graphql", &folder("b-two", "two")),
    ]);
    let config = format!("{BOTH}connectors: {{ a-one: {{ enabled: false }} }}\n");
    let loaded = load(place.path(), &config, &Files::default());
    assert_snapshot!(shown(&place, &loaded), @r"
    one: false
    two: true
    broken: []
    ");
}

#[test]
fn a_broken_folder_costs_only_itself() {
    let place = Place::with(&[
        (
            "own/a-one/a.graphql",
            &folder("a-one", "one").replace("Int", "Itn"),
        ),
        ("own/b-two/b.graphql", &folder("b-two", "two")),
        ("own/c-syntax/c.graphql", "type Q {"),
        ("own/Bad_Name/d.graphql", "type D { x: Int }"),
    ]);
    let loaded = load(place.path(), BOTH, &Files::default());
    assert_snapshot!(shown(&place, &loaded), @r#"
    HERE/own/Bad_Name:1:1: error[connector-name]: `Bad_Name` is no name of a connector
      hint: rename the folder: lower-case letters, digits and `-`, a letter first
    HERE/own/a-one/a.graphql:5:61: error[unknown-type]: unknown type `Itn`
      hint: did you mean `Int`?
    HERE/own/c-syntax/c.graphql:1:9: error[syntax]: expected Field Definition
      hint: look at the brackets and the quotes here and on the line above
    HERE/own/c-syntax/c.graphql:1:9: error[syntax]: expected `}`, got EOF
      hint: look at the brackets and the quotes here and on the line above
    one: false
    two: true
    broken: ["Bad_Name", "a-one", "c-syntax"]
    "#);
}

#[test]
fn what_was_whole_before_goes_on() {
    let place = Place::with(&[
        ("own/a-one/a.graphql", &folder("a-one", "one")),
        ("own/b-two/b.graphql", &folder("b-two", "one-too")),
    ]);
    fs::write(
        place.path().join("own/b-two/b.graphql"),
        folder("b-two", "two"),
    )
    .unwrap();
    let first = load(place.path(), BOTH, &Files::default());
    assert!(first.model.is_some());
    fs::write(place.path().join("own/b-two/b.graphql"), "type Broken {").unwrap();
    let second = load(place.path(), BOTH, &first.files);
    let third = load(place.path(), BOTH, &second.files);
    assert_eq!(shown(&place, &second), shown(&place, &third));
    assert_snapshot!(shown(&place, &second), @r#"
    HERE/own/b-two/b.graphql:1:14: error[syntax]: expected Field Definition
      hint: look at the brackets and the quotes here and on the line above
    HERE/own/b-two/b.graphql:1:14: error[syntax]: expected `}`, got EOF
      hint: look at the brackets and the quotes here and on the line above
    one: true
    two: true
    broken: ["b-two"]
    "#);
    fs::write(
        place.path().join("own/b-two/b.graphql"),
        folder("b-two", "two"),
    )
    .unwrap();
    let mended = load(place.path(), BOTH, &third.files);
    assert_eq!(shown(&place, &mended), shown(&place, &first));
}

#[test]
fn two_folders_that_cannot_stand_together_cost_the_later_one() {
    let place = Place::with(&[
        ("own/a-one/a.graphql", &folder("a-one", "one")),
        ("own/b-two/b.graphql", &folder("a-one", "two")),
    ]);
    let loaded = load(place.path(), BOTH, &Files::default());
    assert_snapshot!(shown(&place, &loaded), @r#"
    HERE/own/b-two/b.graphql:5:6: error[duplicate]: the type `Taone` is declared twice
      hint: the first one is at HERE/own/a-one/a.graphql:5
    one: true
    two: false
    broken: ["b-two"]
    "#);
}

#[test]
fn errors_elsewhere_are_no_connectors_fault() {
    let place = Place::with(&[
        (
            "own/a-one/a.graphql",
            &folder("a-one", "one").replace("Int", "Itn"),
        ),
        (
            "kinds.graphql",
            "type Rocket @kind(apiVersions: [\"x/v1\"]) { fuel: Itn }",
        ),
    ]);
    let config = format!("{BOTH}schema: [./kinds.graphql]\n");
    let loaded = load(place.path(), &config, &Files::default());
    assert!(loaded.model.is_none());
    assert_snapshot!(shown(&place, &loaded), @r#"
    HERE/own/a-one/a.graphql:5:61: error[unknown-type]: unknown type `Itn`
      hint: did you mean `Int`?
    HERE/kinds.graphql:1:50: error[unknown-type]: unknown type `Itn`
      hint: did you mean `Int`?
    one: false
    two: false
    broken: ["a-one"]
    "#);
}

#[test]
fn settings_of_connectors_are_checked_with_their_folders() {
    let place = Place::with(&[
        ("own/a-one/a.graphql", &folder("a-one", "one")),
        (
            "callboard.yaml",
            "connectorFolders: [./own]\nconnectors:\n  a-one: { config: { urll: x }, secrets: { token: x } }\n  a-onee: {}\n",
        ),
    ]);
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.code, 1);
    assert_snapshot!(ran.out, @r"
    callboard.yaml:3:22: error[config-key]: the connector `a-one` reads no `urll` in `config`
      hint: did you mean `url`?
    callboard.yaml:4:3: error[config-key]: there is no connector `a-onee`
      hint: did you mean `a-one`?
    ");
}

#[test]
fn a_new_connector_is_clean() {
    let place = Place::with(&[]);
    let made = place.run(&["connector", "new", "own/my-tool"]);
    assert_eq!(made.code, 0, "{made}");
    assert_eq!(
        made.out,
        "own/my-tool/README.md\nown/my-tool/my-tool.graphql\nown/my-tool/examples/status.yaml\n"
    );
    let checked = place.run(&["connector", "check", "own/my-tool"]);
    assert_eq!(
        checked.to_string(),
        "exit 0\n--- out\n--- err\nmy-tool: 1 SDL file, 1 example: no problems\n"
    );
    assert_eq!(place.run(&["connector", "new", "own/my-tool"]).code, 2);
    assert_eq!(place.run(&["connector", "new", "My_Tool"]).code, 2);
    assert_eq!(place.run(&["connector", "check", "nowhere"]).code, 2);
    assert_eq!(place.run(&["connector", "check", "."]).code, 2);
}

#[test]
fn check_tells_all_that_is_wrong_in_a_folder() {
    let place = Place::with(&[]);
    assert_eq!(place.run(&["connector", "new", "acme"]).code, 0);
    let change = |file: &str, from: &str, to: &str| {
        let path = place.path().join("acme").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replace(from, to)).unwrap();
    };
    change("README.md", "## Limits", "## Limit");
    change(
        "examples/status.yaml",
        "get: /items/web-1",
        "get: /item/web-1",
    );
    change("examples/status.yaml", "{ title status url }", "{ titel }");
    change(
        "examples/status.yaml",
        "secrets: { token",
        "secrets: { tokne",
    );
    let checked = place.run(&["connector", "check", "acme"]);
    assert_eq!(checked.code, 1);
    assert_snapshot!(checked.out, @r"
    acme/README.md:1:1: error[connector-readme]: the README has no section `Limits`
      hint: it says how to set the connector up, what it adds to the graph, and what it cannot do
    acme/acme.graphql:12:6: error[example-gap]: no example answers `GET /items/{$entity.metadata.annotations.'acme.example.com/id'}`
      hint: add it to `upstream` of a file in `examples/`
    acme/examples/status.yaml:1:8: error[invalid-operation]: interface, union and object types must have a subselection set
    acme/examples/status.yaml:1:8: error[invalid-operation]: type `Acme` does not have a field `titel`
    acme/examples/status.yaml:1:8: error[example-key]: the connector reads no `tokne` in `settings.secrets`
      hint: did you mean `token`?
    acme/examples/status.yaml:14:5: error[example-gap]: the connector never asks `GET /item/web-1`
      hint: write the path as in the connector's templates, holes filled and without the path of the source's `url`, or remove it
    ");
}

#[test]
fn a_new_connector_answers_as_its_example_expects() {
    let place = Place::with(&[]);
    assert_eq!(place.run(&["connector", "new", "own/my-tool"]).code, 0);
    let tested = place.run(&["connector", "test", "own/my-tool"]);
    assert_eq!(
        tested.to_string(),
        "exit 0\n--- out\n--- err\nmy-tool: 1 of 1 example answered as expected\nmy-tool: failures have the standard codes\n"
    );
    assert_eq!(place.run(&["connector", "test", "nowhere"]).code, 2);
    let no_url = ["connector", "test", "own/my-tool", "--live", "nowhere"];
    assert_eq!(place.run(&no_url).code, 2);
}

#[test]
fn test_says_each_difference_with_its_path() {
    let place = Place::with(&[]);
    assert_eq!(place.run(&["connector", "new", "acme"]).code, 0);
    let file = place.path().join("acme/examples/status.yaml");
    let good = fs::read_to_string(&file).unwrap();
    let change = |changes: &[(&str, &str)]| {
        let mut text = good.clone();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        fs::write(&file, text).unwrap();
        place.run(&["connector", "test", "acme"])
    };
    let expect =
        "acme: { title: The web site, status: OK, url: 'https://acme.example.com/items/web-1' }";
    let other = change(&[(expect, "acme: { title: A web site, status: OK, size: 3 }")]);
    assert_snapshot!(other, @r#"
    exit 1
    --- out
    acme/examples/status.yaml:12:22: error[expect]: `data.component.acme.title` is `"The web site"`, expected was `"A web site"`
    acme/examples/status.yaml:12:52: error[expect]: `data.component.acme.size` is not there, expected was `3`
    acme/examples/status.yaml:12:7: error[expect]: `data.component.acme.url` is `"https://acme.example.com/items/web-1"`, and nothing was expected there
    --- err
    acme: 0 of 1 example answered as expected
    acme: failures have the standard codes
    "#);
    let failed = change(&[("body: {", "status: 401\n    body: {")]);
    assert_snapshot!(failed, @r#"
    exit 1
    --- out
    acme/examples/status.yaml:12:7: error[expect]: `data.component.acme` is `null`, expected was `{"title":"The web site","status":"OK","url":"https://acme.example.com/items/web-1"}`
    acme/examples/status.yaml:12:7: error[expect]: `data.component.acme` failed with UPSTREAM_UNAUTHORIZED: `acme` (source `rest`) at `/items/{$entity.metadata.annotations.'acme.example.com/id'}` did not accept the credential
    --- err
    acme: 0 of 1 example answered as expected
    acme: failures have the standard codes
    "#);
    let expected = "expect:\n  errors: [{ extensions: { code: UPSTREAM_UNAUTHORIZED } }, { message: x }]\n  data: { component: { acme: null } }\n";
    let body = good.split("expect:").nth(1).unwrap();
    let body = format!("expect:{}", body.split("upstream:").next().unwrap());
    let refused = change(&[(&body, expected), ("body: {", "status: 401\n    body: {")]);
    assert_snapshot!(refused, @r#"
    exit 1
    --- out
    acme/examples/status.yaml:10:61: error[expect]: `errors[1]` is not there, expected was `{"message":"x"}`
    --- err
    acme: 0 of 1 example answered as expected
    acme: failures have the standard codes
    "#);
    let unread = change(&[("title status url", "titel")]);
    assert_snapshot!(unread, @r#"
    exit 1
    --- out
    acme/examples/status.yaml:1:8: error[invalid-operation]: interface, union and object types must have a subselection set
    acme/examples/status.yaml:1:8: error[invalid-operation]: type `Acme` does not have a field `titel`
    --- err
    acme: nothing was asked
    "#);
}

#[test]
fn without_a_folder_all_are_meant() {
    let place = Place::with(&[("callboard.yaml", "connectorFolders: [./own]\n")]);
    assert_eq!(place.run(&["connector", "new", "own/my-tool"]).code, 0);
    let checked = place.run(&["connector", "check"]);
    assert_eq!((checked.code, &*checked.out), (0, ""), "{checked}");
    let mut expected: Vec<String> = callboard::app::folders::built_in()
        .iter()
        .map(|folder| folder.name.to_string())
        .collect();
    expected.push("my-tool".to_owned());
    expected.sort();
    let said: Vec<&str> = checked
        .err
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(said, expected);
    let file = place.path().join("own/my-tool/my-tool.graphql");
    fs::write(&file, "type Broken {").unwrap();
    let checked = place.run(&["connector", "check"]);
    assert_eq!(checked.code, 1, "{checked}");
    assert!(checked.out.contains("my-tool.graphql:1:"), "{checked}");
    fs::write(place.path().join("callboard.yaml"), "connectorFolders: 5\n").unwrap();
    assert_eq!(place.run(&["connector", "check"]).code, 1);
}

/// The upstream of somebody who uses the connector, which is somewhere else and knows more than the examples.
#[tokio::test(flavor = "multi_thread")]
async fn examples_are_asked_of_a_real_upstream() {
    let place = Place::with(&[]);
    assert_eq!(place.run(&["connector", "new", "acme"]).code, 0);
    let upstream = Upstream::start(|asked| match asked.path() {
        "/items/web-1" if asked.header("authorization") == Some("Bearer not-a-real-token") => {
            Reply::json(&json!({
                "id": "web-1", "title": "The web site", "status": "ok", "extra": [1],
                "html_url": "https://acme.example.com/items/web-1",
            }))
        }
        _ => Reply::status(401),
    })
    .await;
    let test = ["connector", "test", "acme", "--live", &upstream.url];
    let ran = tokio::task::block_in_place(|| place.run(&test));
    assert_eq!(
        ran.to_string(),
        "exit 0\n--- out\n--- err\nacme: 1 of 1 example answered as expected\n"
    );
    assert_eq!(upstream.targets(), "GET /items/web-1");
    upstream.answer(|_| Reply::status(503));
    let ran = tokio::task::block_in_place(|| place.run(&test));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.out.contains("UPSTREAM_UNAVAILABLE"), "{ran}");
    assert!(!ran.out.contains(&upstream.url), "{ran}");
}

/// Every folder that the program carries, without a line about any of them.
#[test]
fn built_in_connectors_are_clean_and_answer_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let place = Place::with(&[]);
    let mut n_checked = 0;
    for entry in fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        // Examples and README of a folder are written together.
        if folder.is_dir() && folder.join("examples").is_dir() {
            for command in ["check", "test"] {
                let ran = place.run(&["connector", command, folder.to_str().unwrap()]);
                assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran}");
            }
            n_checked += 1;
        }
    }
    assert_eq!(
        n_checked,
        callboard::app::folders::built_in()
            .iter()
            .filter(|f| !f.examples.is_empty())
            .count()
    );
}
