//! Search, from outside: a server over files, asked over HTTP.

mod elsewhere;
mod groups;
mod trouble;

use std::fs;

use serde_json::{Value, json};

use crate::cli::{Place, Running, until};

const CATALOG: &str = r#"apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: payments-api
  title: Payments API
  description: Takes card payments <and> refunds.
  tags: [java, money]
spec: { type: service, lifecycle: production, owner: team-a }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: wayback, description: Keeps what the payments service said 🚀 before. }
spec: { type: service, lifecycle: experimental, owner: team-b }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: payments-old, description: Took payments. }
spec: { type: service, lifecycle: deprecated, owner: team-a }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: crème-brûlée-no, title: Crème Brûlée 支払いサービス, description: rotating keys by HTTPServer }
spec: { type: website, lifecycle: production, owner: team-b }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: creme, title: Crème Brûlée 支払いサービス, description: rotating keys by HTTPServer }
spec: { type: website, lifecycle: production, owner: team-b }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-a, title: The A Team }
spec: { type: team, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-b }
spec: { type: team, children: [] }
"#;

/// Files in `catalog/` and a server that follows them.
pub(crate) fn place(catalog: &str) -> Place {
    let config = json!({ "sources": [{ "type": "file", "path": "./catalog" }] }).to_string();
    Place::with(&[
        ("catalog/catalog-info.yaml", catalog),
        ("callboard.yaml", &config),
    ])
}

pub(crate) fn serve(place: &Place) -> Running {
    Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false)
}

pub(crate) fn is_ready(answer: &Value) -> bool {
    answer["data"]["search"]["indexState"]["state"] == "READY"
}

/// The names of what is found, in their order.
fn names(place: &Place, url: &str, query: &str) -> Vec<String> {
    let asked = format!(
        "{{ search(query: {}) {{ nodes {{ ... on Entity {{ name }} }} totalCount indexState {{ state }} }} }}",
        Value::from(query)
    );
    let answer = until(place, url, &asked, is_ready);
    let found = &answer["data"]["search"];
    let nodes = found["nodes"].as_array().unwrap().iter();
    let names: Vec<String> = nodes
        .map(|node| node["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found["totalCount"], names.len(), "{query}: {answer}");
    names
}

#[test]
fn things_are_found_however_they_are_written() {
    let place = place(CATALOG);
    let server = serve(&place);
    let cases = [
        ("payments-api", "payments-api"),
        ("payments api", "payments-api"),
        ("paymentsapi", "payments-api"),
        ("PaymentsApi", "payments-api"),
        ("payments ap", "payments-api"),
        ("paymentsa", "payments-api"),
        ("paymentsapu", "payments-api"),
        ("wa yba ck", "wayback"),
        ("wayback", "wayback"),
        ("paymnets-api", "payments-api"),
        ("refund", "payments-api"),
        ("\"card payments\"", "payments-api"),
        ("\"payments card\"", ""),
        ("payments -card -said", "payments-old"),
        ("payments", "payments-api payments-old wayback"),
        ("kind:group", "team-a team-b"),
        ("owner:team-a", "payments-api payments-old"),
        (
            "owner:\"The A Team\" kind:component -lifecycle:deprecated",
            "payments-api",
        ),
        ("tag:java", "payments-api"),
        ("team-a OR wayback", "wayback team-a"),
        ("creme brulee", "creme"),
        ("rotate", "creme"),
        ("http server", "creme"),
        ("支払い", "creme"),
        ("サービス", "creme"),
    ];
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let found = names(&place, &server.url, query).join(" ");
        if found != expected {
            wrong.push(format!("{query}: {found}, not {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(server.end("-TERM").0, Some(0));
}

#[test]
fn what_goes_on_behind_its_first_part_is_marked() {
    let place = place(CATALOG);
    let server = serve(&place);
    let marked = |query: &str| {
        let asked = format!(
            "{{ search(query: \"{query}\", first: 1) {{ edges {{ highlights {{ field html }} }} indexState {{ state }} }} }}"
        );
        let mut answer = until(&place, &server.url, &asked, is_ready);
        answer["data"]["search"]["edges"][0]["highlights"][0].take()
    };
    let whole = json!({ "field": "name", "html": "<em>payments-api</em>" });
    assert_eq!(marked("paymentsa"), whole);
    let first = json!({ "field": "name", "html": "<em>payments</em>-api" });
    assert_eq!(marked("paymen"), first);
    assert_eq!(server.end("-TERM").0, Some(0));
}

#[test]
fn an_answer_says_why_and_how_many() {
    let place = place(CATALOG);
    let server = serve(&place);
    let asked = r#"{ search(query: "payments", filter: { owner: { eq: "group:team-a" } }, first: 1) {
      edges { node { __typename id ... on Entity { ref } } cursor score matchedFields highlights { field html ranges { start end } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      totalCount facets(by: ["lifecycle", "relations.ownedBy"]) { name values { value count entity { ref } } }
      suggest(prefix: "pay") { text node { id } } didYouMean indexState { state progress documents message }
    } }"#;
    let answer = until(&place, &server.url, asked, is_ready);
    assert_eq!(answer["errors"], Value::Null);
    let found = &answer["data"]["search"];
    let edge = &found["edges"][0];
    assert_eq!(edge["node"]["ref"], "component:default/payments-api");
    assert_eq!(
        edge["highlights"],
        json!([
            { "field": "name", "html": "<em>payments</em>-api", "ranges": [{ "start": 0, "end": 8 }] },
            { "field": "title", "html": "<em>Payments</em> API", "ranges": [{ "start": 0, "end": 8 }] },
            { "field": "description", "html": "Takes card <em>payments</em> &lt;and&gt; refunds.", "ranges": [{ "start": 11, "end": 19 }] },
        ])
    );
    assert_eq!(
        edge["matchedFields"],
        json!(["name", "title", "description"])
    );
    assert_eq!(found["totalCount"], 2);
    assert_eq!(
        found["facets"],
        json!([
            { "name": "lifecycle", "values": [
                { "value": "deprecated", "count": 1, "entity": null },
                { "value": "production", "count": 1, "entity": null },
            ] },
            { "name": "relations.ownedBy", "values": [
                { "value": "group:default/team-a", "count": 2, "entity": { "ref": "group:default/team-a" } },
            ] },
        ])
    );
    assert_eq!(found["pageInfo"]["hasNextPage"], true);
    let suggested: Vec<&str> = found["suggest"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["text"].as_str().unwrap())
        .collect();
    assert_eq!(suggested, ["Payments API", "payments-old"]);
    assert_eq!(found["didYouMean"], Value::Null);
    assert_eq!(found["indexState"]["documents"], 6);
    let next = asked.replace(
        "first: 1",
        &format!("first: 5, after: {}", found["pageInfo"]["endCursor"]),
    );
    let answer = until(&place, &server.url, &next, is_ready);
    let found = &answer["data"]["search"];
    assert_eq!(
        found["edges"][0]["node"]["ref"],
        "component:default/payments-old"
    );
    assert_eq!(
        (&found["edges"][1], &found["totalCount"]),
        (&Value::Null, &json!(2))
    );
    assert_eq!(found["pageInfo"]["hasPreviousPage"], true);
    let asked = "{ search(query: \"paymets gatway\") { didYouMean totalCount indexState { state } } suggest(prefix: \"the a\") { text } }";
    let answer = until(&place, &server.url, asked, is_ready);
    assert_eq!(answer["data"]["search"]["didYouMean"], "payments gatway");
    assert_eq!(answer["data"]["suggest"], json!([{ "text": "The A Team" }]));
    assert_eq!(server.end("-TERM").0, Some(0));
}

#[test]
fn a_change_is_found_and_a_start_makes_nothing_again() {
    let place = place(CATALOG);
    let server = serve(&place);
    assert_eq!(names(&place, &server.url, "zeppelin"), Vec::<String>::new());
    let file = place.path().join("catalog/more.yaml");
    let more = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: zeppelin }\nspec: { type: service, lifecycle: production, owner: team-b }\n";
    fs::write(&file, more).unwrap();
    let asked = "{ search(query: \"zeppelin\") { totalCount nodes { ... on Entity { name } } } }";
    until(&place, &server.url, asked, |answer| {
        answer["data"]["search"]["totalCount"] == 1
    });
    fs::write(&file, more.replace("zeppelin", "airship")).unwrap();
    until(&place, &server.url, asked, |answer| {
        answer["data"]["search"]["totalCount"] == 0
    });
    assert_eq!(names(&place, &server.url, "airship"), ["airship"]);
    assert_eq!(server.end("-TERM").0, Some(0));

    let meta = place.path().join("callboard.db.search/index/meta.json");
    let before = fs::read_to_string(&meta).unwrap();
    let server = serve(&place);
    assert_eq!(names(&place, &server.url, "airship"), ["airship"]);
    assert_eq!(fs::read_to_string(&meta).unwrap(), before);
    assert_eq!(server.end("-TERM").0, Some(0));
}

const APIS: &str = r#"apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: events }
spec:
  type: asyncapi
  lifecycle: production
  owner: team-a
  definition: |
    asyncapi: 3.0.0
    info: { title: Events, version: 1.0.0 }
    channels: { airships/landed: { address: airships/landed } }
    operations: { onLanding: { action: receive, summary: A zeppelin came down, channel: { $ref: '#/channels/airships~1landed' } } }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: graph }
spec:
  type: graphql
  lifecycle: production
  owner: team-a
  definition: |
    type Query {
      "Every zeppelin that flies"
      airships: [Int!]!
      "A zeppelin as it was"
      balloons: Int @deprecated
    }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: calls }
spec:
  type: grpc
  lifecycle: production
  owner: team-a
  definition: |
    syntax = "proto3";
    package sky.v1;
    service Hangar {
      // Puts a zeppelin away.
      rpc Store(Ship) returns (Ship);
    }
    message Ship {}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: a-blimp, description: Carries people over the lake. }
spec: { type: service, lifecycle: deprecated, owner: team-a }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: b-blimp, description: Carries people over the lake. }
spec: { type: service, lifecycle: production, owner: team-a }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: c-blimp, description: Carries people over the lake. }
spec: { type: service, lifecycle: experimental, owner: team-a }
"#;

/// Operations of every format, and what is deprecated behind what says the same and is not.
#[test]
fn operations_of_all_formats_are_found_and_what_is_deprecated_comes_last() {
    let place = place(APIS);
    let server = serve(&place);
    let asked = "{ search(query: \"zeppelin\", in: [OPERATIONS]) { totalCount nodes { id ... on APIOperation { kind name channel rpc field deprecated api { name } } } indexState { state } } }";
    let answer = until(&place, &server.url, asked, is_ready);
    let nodes = answer["data"]["search"]["nodes"].as_array().unwrap();
    let mut shown: Vec<String> = nodes
        .iter()
        .map(|node| {
            let text = |name: &str| node[name].as_str().unwrap_or("-").to_owned();
            let names = ["kind", "name", "channel", "rpc", "field"].map(text);
            format!(
                "{} {}",
                node["api"]["name"].as_str().unwrap(),
                names.join(" ")
            )
        })
        .collect();
    assert_eq!(nodes.last().unwrap()["deprecated"], true, "{answer}");
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            "calls RPC Store - sky.v1.Hangar/Store -",
            "events MESSAGE onLanding airships/landed - -",
            "graph QUERY airships - - Query.airships",
            "graph QUERY balloons - - Query.balloons",
        ]
    );
    for node in nodes {
        let asked = format!(
            "{{ node(id: {}) {{ id ... on APIOperation {{ kind }} }} }}",
            node["id"]
        );
        let again = until(&place, &server.url, &asked, |_| true);
        assert_eq!(again["data"]["node"]["kind"], node["kind"], "{again}");
    }
    // The first by name would be the deprecated one.
    let blimps = names(&place, &server.url, "people over the lake");
    assert_eq!(blimps, ["b-blimp", "c-blimp", "a-blimp"]);
    assert_eq!(server.end("-TERM").0, Some(0));
}

/// Another schema makes another index, behind queries that go on being answered.
#[test]
fn another_schema_is_another_index_while_queries_run() {
    let schema = |search: &str| {
        format!(
            "type Ship @kind(apiVersions: [\"example.com/v1\"]) {{ motto: String @field(at: \"spec.motto\") {search} }}\n"
        )
    };
    let config = json!({ "sources": [{ "type": "file", "path": "./catalog" }], "schema": ["./ship.graphql"] }).to_string();
    let ship = "apiVersion: example.com/v1\nkind: Ship\nmetadata: { name: hindenburg }\nspec: { motto: lighter than air }\n";
    let place = Place::with(&[
        ("catalog/catalog-info.yaml", ship),
        ("callboard.yaml", &config),
        ("ship.graphql", &schema("")),
    ]);
    let server = serve(&place);
    assert_eq!(names(&place, &server.url, "lighter"), Vec::<String>::new());
    assert_eq!(names(&place, &server.url, "hindenburg"), ["hindenburg"]);
    fs::write(
        place.path().join("ship.graphql"),
        schema("@search(weight: 3)"),
    )
    .unwrap();
    let asked = "{ search(query: \"lighter\") { totalCount } }";
    let body =
        json!({ "query": "{ search(query: \"hindenburg\") { totalCount indexState { state } } }" })
            .to_string();
    let mut n_asked = 0;
    loop {
        // Whatever the index is doing, this is no error; while it is made, it may be empty.
        let answer = post(&server.url, &body);
        let found = &answer["data"]["search"];
        assert!(found["totalCount"].is_u64(), "{answer}");
        n_asked += 1;
        let asked = json!({ "query": asked }).to_string();
        if post(&server.url, &asked)["data"]["search"]["totalCount"] == 1 {
            break;
        }
        assert!(n_asked < 20_000, "the new field is not found");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(names(&place, &server.url, "lighter"), ["hindenburg"]);
    assert_eq!(server.end("-TERM").0, Some(0));
}

/// What came, by how good it is, discounted by its place.
fn gain(grades: impl Iterator<Item = u32>) -> f64 {
    let discounted = grades.take(10).enumerate();
    discounted
        .map(|(place, grade)| (2_f64.powi(grade.cast_signed()) - 1.0) / (place as f64 + 2.0).log2())
        .sum()
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figure is to be seen as well as met"
)]
fn the_examples_are_searched_as_people_expect() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalog = root.join("examples/catalog");
    let config = json!({ "sources": [{ "type": "file", "path": catalog }] }).to_string();
    let place = Place::with(&[("callboard.yaml", &config)]);
    let server = serve(&place);
    let judged = fs::read_to_string(root.join("tests/search/judged.txt")).unwrap();
    let (mut sum, mut count, mut worst) = (0.0, 0.0, Vec::new());
    for line in judged.lines().filter(|line| !line.starts_with('#')) {
        let (query, expected) = line.split_once(" | ").unwrap();
        let expected: Vec<(&str, u32)> = expected
            .split(", ")
            .map(|one| one.split_once(' ').unwrap())
            .map(|(found, grade)| (found, grade.parse().unwrap()))
            .collect();
        let asked = format!(
            "{{ search(query: {}, in: [ENTITIES], first: 10) {{ nodes {{ ... on Entity {{ ref }} }} indexState {{ state }} }} }}",
            Value::from(query)
        );
        let answer = until(&place, &server.url, &asked, is_ready);
        let nodes = answer["data"]["search"]["nodes"]
            .as_array()
            .unwrap()
            .clone();
        let found = nodes.iter().map(|node| node["ref"].as_str().unwrap());
        let grades = found.clone().map(|found| {
            let known = expected.iter().find(|(known, _)| *known == found);
            known.map_or(0, |(_, grade)| *grade)
        });
        let mut best: Vec<u32> = expected.iter().map(|(_, grade)| *grade).collect();
        best.sort_unstable_by(|one, other| other.cmp(one));
        let score = gain(grades) / gain(best.into_iter());
        if score < 0.9 {
            worst.push(format!(
                "{score:.2} {query}: {}",
                found.collect::<Vec<_>>().join(" ")
            ));
        }
        sum += score;
        count += 1.0;
    }
    let mean = sum / count;
    let worst = worst.join("\n");
    assert!(count >= 60.0, "{count} queries are judged");
    assert!(
        mean >= 0.9,
        "nDCG@10 of {count} queries is {mean:.3}; below 0.9 are\n{worst}"
    );
    let figure = format!("nDCG@10 of {count} queries is {mean:.3}");
    println!("{figure}; below 0.9 are\n{worst}");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains(&figure), "README.md does not say: {figure}");
    assert_eq!(server.end("-TERM").0, Some(0));
}

/// The answer of a server to one request, over a connection of its own.
pub(crate) fn post(url: &str, body: &str) -> Value {
    use std::io::{Read as _, Write as _};
    let address = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
}

#[test]
fn no_query_is_an_error() {
    let place = place(CATALOG);
    let server = serve(&place);
    assert_eq!(names(&place, &server.url, "wayback"), ["wayback"]);
    let ors = vec!["payments"; 1000].join(" OR ");
    let hostile = [
        "\"".repeat(10_000),
        "a\"".repeat(5_000),
        ors,
        "OR ".repeat(1_000),
        "-payments".to_owned(),
        "- -- --- -\"\" -kind:component".to_owned(),
        "kind: owner:: :x tag:\"".to_owned(),
        "\u{0}\u{1}\u{7f}\u{fffe}".to_owned(),
        "\u{202e}abc\u{202c} שלום مرحبا".to_owned(),
        "🚀🚀 👩‍👩‍👧‍👦".to_owned(),
        "((((payments".to_owned(),
        "*?~^[]{}\\/!&|".to_owned(),
        "x".repeat(20_000),
        "支".repeat(5_000),
        String::new(),
    ];
    for query in hostile {
        let asked = "query($q: String!) { search(query: $q) { totalCount didYouMean edges { highlights { html } } facets(by: [\"kind\"]) { values { count } } } suggest(prefix: $q) { text } }";
        let body = json!({ "query": asked, "variables": { "q": query } });
        let answer = post(&server.url, &body.to_string());
        let shown: String = query.chars().take(20).collect();
        assert_eq!(answer["errors"], Value::Null, "{shown}");
        assert!(
            answer["data"]["search"]["totalCount"].is_u64(),
            "{shown}: {answer}"
        );
    }
    assert_eq!(server.end("-TERM").0, Some(0));
}

#[test]
fn a_damaged_index_is_made_anew() {
    let place = place(CATALOG);
    let server = serve(&place);
    assert_eq!(names(&place, &server.url, "wayback"), ["wayback"]);
    // As a machine that goes down.
    assert_eq!(server.end("-KILL").0, None);
    let index = place.path().join("callboard.db.search/index");
    let mut n_damaged = 0;
    for entry in fs::read_dir(&index).unwrap() {
        let file = entry.unwrap().path();
        let is_part = file
            .extension()
            .is_some_and(|ending| ending == "term" || ending == "fast");
        if is_part {
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
            n_damaged += 1;
        }
    }
    assert!(n_damaged > 0);
    let server = serve(&place);
    assert_eq!(names(&place, &server.url, "wayback"), ["wayback"]);
    assert_eq!(server.end("-TERM").0, Some(0));
    fs::remove_dir_all(&index).unwrap();
    let server = serve(&place);
    assert_eq!(names(&place, &server.url, "wayback"), ["wayback"]);
    assert_eq!(server.end("-TERM").0, Some(0));
}

#[test]
fn example_connectors_are_clean_and_answer_as_expected() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/connectors");
    let place = Place::with(&[]);
    for name in ["stackoverflow", "wiki"] {
        let folder = root.join(name);
        for command in ["check", "test"] {
            let ran = place.run(&["connector", command, folder.to_str().unwrap()]);
            assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran}");
        }
    }
}

#[test]
fn the_demo_finds_what_is_in_the_catalog_and_what_is_elsewhere() {
    let place = Place::with(&[]);
    let server = Running::start(place.command(&["demo", "--listen", "127.0.0.1:0"]), true);
    let asked = "{ search(query: \"rotate keys\", in: [ENTITIES], first: 1) { nodes { ... on Entity { ref } } indexState { state } } externalSearch(query: \"rotate keys\") { nodes { provider title } } }";
    let answer = until(&place, &server.url, asked, is_ready);
    assert_eq!(answer["errors"], Value::Null);
    assert_eq!(
        answer["data"]["search"]["nodes"],
        json!([{ "ref": "resource:default/card-vault-keys" }])
    );
    let hits = answer["data"]["externalSearch"]["nodes"]
        .as_array()
        .unwrap();
    let providers: Vec<&Value> = hits.iter().map(|hit| &hit["provider"]).collect();
    assert_eq!(
        providers,
        ["stackoverflow", "stackoverflow", "wiki", "wiki"]
    );
    assert_eq!(server.end("-INT").0, Some(0));
}
