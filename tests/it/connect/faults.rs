//! What a client is told when an upstream fails, and what it is never told.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::world::world;
use crate::support::upstream::Reply;

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url", auth: { type: BEARER, token: "$secret.token" }, limits: { retries: 0, timeout: "300ms", breakerErrors: 100 })
extend interface Entity {
  thing: Thing @connect(source: "rest", get: "/things/{$entity.metadata.name}")
  strict: Thing @connect(source: "rest", get: "/things/{$entity.metadata.name}", nullOn: [])
  list: [Thing] @connect(source: "rest", get: "/things/{$entity.metadata.name}", at: "rows")
}
type Thing implements Live @identity(from: "id") {
  name: String
  count: Int
  at: DateTime
  url: URL
  state: State @field(at: "state", enum: [{ from: "on", to: "ON" }])
  nested: Nested
  tags: [String]
  items: [Item]
}
type Nested { depth: Int }
type Item implements Live @identity(from: "n") { n: Int }
enum State { ON OFF }
"#;

const CONFIG: &str = "connectors: { probe: { config: { url: URL }, secrets: { token: s3cret } } }";

/// What the client sees of one answer of the upstream.
async fn told(field: &str, reply: Reply) -> String {
    let world = world(SDL)
        .config(CONFIG)
        .components("pay: {}")
        .start(move |_| reply.clone())
        .await;
    let query = format!("{{ component(ref: \"pay\") {{ name {field} }} }}");
    let (json, _) = world.engine.json(&query, Value::Null).await;
    let text = json.to_string();
    for secret in [&*world.upstream.url, "s3cret", "127.0.0.1", "private words"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(json["data"]["component"]["name"], "pay");
    let value = &json["data"]["component"];
    let errors: Vec<String> = json["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| {
            format!(
                "\n{} {} {}",
                error["path"], error["message"], error["extensions"]
            )
        })
        .collect();
    let errors = errors.concat();
    // How long it waited is not the same twice.
    let errors = match errors.split_once("within ") {
        Some((before, after)) => {
            let (_, after) = after.split_once(' ').unwrap();
            format!("{before}within N {after}")
        }
        None => errors,
    };
    format!("{value}{errors}")
}

/// With faults kept out of `errors` the reason is in the data, and whoever runs the server sees the same; none of them says what came.
#[tokio::test]
async fn what_is_no_json_is_told_of_everywhere() {
    let reply = Reply {
        body: "<p>private words</p>".to_owned(),
        ..Reply::status(200)
    };
    let world = world(SDL)
        .config(CONFIG)
        .components("pay: {}")
        .start(move |_| reply.clone())
        .await;
    let query = "{ component(ref: \"pay\") { thing { name } live(fields: [\"thing\"]) { state code hint } } }";
    let (json, _) = world.engine.json(query, Value::Null).await;
    let said = "`probe` gave no JSON at `/things/{$entity.metadata.name}`";
    assert_eq!(
        json["data"]["component"]["live"],
        json!([{ "state": "FAILED", "code": "UPSTREAM_BAD_SHAPE", "hint": said }])
    );
    let query = "{ connectors { lastError } }";
    let (json, _) = world.engine.json(query, Value::Null).await;
    assert_eq!(
        json["data"]["connectors"],
        json!([{ "lastError": format!("UPSTREAM_BAD_SHAPE: {said}") }])
    );
}

#[tokio::test]
async fn statuses_have_their_codes() {
    let mut out = String::new();
    for status in [200, 400, 401, 403, 404, 410, 429, 500, 503] {
        let reply = Reply {
            body: "private words".to_owned(),
            ..Reply::status(status)
        };
        out.push_str(&format!(
            "{status}: {}\n",
            told("thing { name }", reply).await
        ));
    }
    out.push_str(&told("strict { name }", Reply::status(404)).await);
    assert_snapshot!(out, @r#"
    200: {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    400: {"name":"pay","thing":null}
    ["component","thing"] "`probe` answered with status 400 at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_UNAVAILABLE","connector":"probe","upstreamStatus":400}
    401: {"name":"pay","thing":null}
    ["component","thing"] "`probe` (source `rest`) at `/things/{$entity.metadata.name}` did not accept the credential" {"code":"UPSTREAM_UNAUTHORIZED","connector":"probe","upstreamStatus":401}
    403: {"name":"pay","thing":null}
    ["component","thing"] "`probe` (source `rest`) at `/things/{$entity.metadata.name}` did not accept the credential" {"code":"UPSTREAM_UNAUTHORIZED","connector":"probe","upstreamStatus":403}
    404: {"name":"pay","thing":null}
    410: {"name":"pay","thing":null}
    429: {"name":"pay","thing":null}
    ["component","thing"] "`probe` (source `rest`) at `/things/{$entity.metadata.name}` said that there were too many requests" {"code":"UPSTREAM_RATE_LIMITED","connector":"probe","upstreamStatus":429,"retryAfter":1}
    500: {"name":"pay","thing":null}
    ["component","thing"] "`probe` (source `rest`) at `/things/{$entity.metadata.name}` answered with status 500" {"code":"UPSTREAM_UNAVAILABLE","connector":"probe","upstreamStatus":500}
    503: {"name":"pay","thing":null}
    ["component","thing"] "`probe` (source `rest`) at `/things/{$entity.metadata.name}` answered with status 503" {"code":"UPSTREAM_UNAVAILABLE","connector":"probe","upstreamStatus":503}
    {"name":"pay","strict":null}
    ["component","strict"] "`probe` does not know what was asked for at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_NOT_FOUND","connector":"probe","upstreamStatus":404}
    "#);
}

/// What a body may be instead of the JSON that was meant.
#[tokio::test]
async fn bodies_of_another_form() {
    let deep = "[".repeat(100_000);
    let said = |body: &str| Reply {
        body: body.to_owned(),
        ..Reply::status(200)
    };
    let bad = [
        "",
        " ",
        "null",
        "NaN",
        "{\"name\": 1e999}",
        "{} {}",
        "{\"name\":\"\\ud800\"}",
        &deep,
    ];
    let mut out = String::new();
    for body in bad {
        let shown: String = body.chars().take(20).collect();
        let told = told("thing { name }", said(body)).await;
        out.push_str(&format!("{shown:?}: {told}\n"));
    }
    for (name, reply) in [
        (
            "204",
            Reply {
                body: String::new(),
                ..Reply::status(204)
            },
        ),
        (
            "206",
            said("{\"name\":\"a\"}").header("content-range", "bytes 0-11/99"),
        ),
        ("a byte order mark", said("\u{feff}{\"name\":\"a\"}")),
        ("a name twice", said("{\"name\":\"a\",\"name\":\"b\"}")),
        (
            "another type",
            Reply {
                headers: vec![("content-type".to_owned(), "text/html".to_owned())],
                ..said("{\"name\":\"a\"}")
            },
        ),
    ] {
        out.push_str(&format!(
            "{name}: {}\n",
            told("thing { name }", reply).await
        ));
    }
    assert_snapshot!(out, @r#"
    "": {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    " ": {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    "null": {"name":"pay","thing":null}
    "NaN": {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    "{\"name\": 1e999}": {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    "{} {}": {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    "{\"name\":\"\\ud800\"}": {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    "[[[[[[[[[[[[[[[[[[[[": {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave no JSON at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe","upstreamStatus":200}
    204: {"name":"pay","thing":null}
    206: {"name":"pay","thing":{"name":"a"}}
    a byte order mark: {"name":"pay","thing":{"name":"a"}}
    a name twice: {"name":"pay","thing":{"name":"b"}}
    another type: {"name":"pay","thing":{"name":"a"}}
    "#);
}

#[tokio::test]
async fn what_is_late_or_of_another_shape() {
    let late = Reply::json(&json!({})).after(std::time::Duration::from_secs(2));
    assert_snapshot!(told("thing { name }", late).await, @r#"
    {"name":"pay","thing":null}
    ["component","thing"] "`probe` (source `rest`) at `/things/{$entity.metadata.name}` gave no answer within N ms" {"code":"UPSTREAM_TIMEOUT","connector":"probe"}
    "#);
    assert_snapshot!(told("list { nodes { name } }", Reply::json(&json!({ "rows": "private words" }))).await, @r#"
    {"name":"pay","list":null}
    ["component","list"] "`probe` gave something else where a list should be at `/things/{$entity.metadata.name}`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    "#);
    assert_snapshot!(told("list { nodes { name } }", Reply::json(&json!({ "rows": [{ "name": "a" }, null, { "name": 5 }] }))).await, @r#"{"name":"pay","list":{"nodes":[{"name":"a"},null,{"name":"5"}]}}"#);
    assert_snapshot!(told("thing { name }", Reply::json(&json!(["private words"]))).await, @r#"
    {"name":"pay","thing":null}
    ["component","thing"] "`probe` gave something for `Component.thing` that is no `Thing`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    "#);
}

#[tokio::test]
async fn one_bad_field_never_costs_the_object() {
    let body = json!({
        "id": 7, "name": ["private words"], "count": "private words", "at": "private words", "url": 5,
        "state": "private words", "nested": "private words", "tags": "private words", "items": { "n": 1 },
    });
    let query =
        "thing { provider name count at url state nested { depth } tags items { nodes { n } } }";
    assert_snapshot!(told(query, Reply::json(&body)).await, @r#"
    {"name":"pay","thing":{"provider":"probe","name":null,"count":null,"at":null,"url":null,"state":null,"nested":null,"tags":null,"items":null}}
    ["component","thing","name"] "`probe` gave something for `Thing.name` that is no `String`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    ["component","thing","count"] "`probe` gave something for `Thing.count` that is no `Int`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    ["component","thing","at"] "`probe` gave something for `Thing.at` that is no `DateTime`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    ["component","thing","url"] "`probe` gave something for `Thing.url` that is no `URL`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    ["component","thing","state"] "`probe` gave something for `Thing.state` that is no `State`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    ["component","thing","nested"] "`probe` gave something for `Thing.nested` that is no `Nested`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    ["component","thing","tags"] "`probe` gave something for `Thing.tags` that is no `String`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    ["component","thing","items"] "`probe` gave something for `Thing.items` that is no `ItemConnection`" {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
    "#);
    let body = json!({
        "id": 7, "name": 5, "count": 3.0, "at": "2026-01-01T01:00:00+01:00", "url": "https://x.test",
        "state": "on", "nested": { "depth": 1 }, "tags": ["a", null], "items": [{ "n": 1 }, { "n": 2 }, { "n": 3 }],
    });
    let query = "thing { id name count at url state nested { depth } tags items(first: 2) { totalCount nodes { id n stale } pageInfo { hasNextPage endCursor } } }";
    assert_snapshot!(told(query, Reply::json(&body)).await, @r#"{"name":"pay","thing":{"id":"l3901f828716a48cfa4da8278670766","name":"5","count":3,"at":"2026-01-01T00:00:00Z","url":"https://x.test","state":"ON","nested":{"depth":1},"tags":["a",null],"items":{"totalCount":3,"nodes":[{"id":"l54ca93f4f6d9f282d572351b59472c","n":1,"stale":false},{"id":"lcf01f1bc72932b8b8283eb5dff6047","n":2,"stale":false}],"pageInfo":{"hasNextPage":true,"endCursor":"p2"}}}}"#);
}
