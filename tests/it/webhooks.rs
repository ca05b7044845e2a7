//! Deliveries to webhooks: what proves them, what they make stale, and what is refused.

mod built_in;
mod logged;
mod recorded;
mod refused;
mod replicas;
mod senders;
mod signatures;

use std::time::Duration;

use callboard::cache::{Cache, Content, Key, Life, NewEntry, Prefix, Tag, Terms};
use callboard::config::LimitsConfig;
use callboard::sdl::{self, SdlFile};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use crate::support::server::{Answer, TestServer};

/// One connector for each way to sign, with tags of each kind.
const SDL: &str = r#"
extend schema
  @source(name: "rest", url: "$config.url ?? 'https://mill.example'")
  @webhook(source: "rest", event: "$headers.'x-event'", on: ["ground", "sold"],
    signature: { scheme: HMAC_SHA256_HEX, header: "X-Mill-Signature", prefix: "v1=", secret: "$secret.hook", deliveryId: "$body.id" }
    purge: ["mill:{$body.mill | lower}", "mill:{$body.sacks[].name}", "mill:{$body.absent}:x"])
  @webhook(source: "rest", event: "$headers.'x-event'", on: ["sold"],
    signature: { scheme: HMAC_SHA256_HEX, header: "X-Mill-Signature", prefix: "v1=", secret: "$secret.hook", deliveryId: "$body.id" }
    purge: ["sales"])
"#;

const TOKEN: &str = r#"
extend schema
  @source(name: "rest", url: "$config.url ?? 'https://lamp.example'")
  @webhook(source: "rest", event: "$body.kind",
    signature: { scheme: SHARED_TOKEN, header: "X-Lamp-Token", secret: "$secret.hook", deliveryId: "$headers.'x-id'" }
    purge: ["lamp:{$body.lamp}"])
"#;

const TIMED: &str = r#"
extend schema
  @source(name: "rest", url: "$config.url ?? 'https://kite.example'")
  @webhook(source: "rest", event: "$body.kind",
    signature: { scheme: HMAC_SHA256_TIMESTAMPED, header: "X-Kite-Signature", secret: "$secret.hook" }
    purge: ["kite:{$body.kite}"])
"#;

const SILENT: &str = r#"
extend schema @source(name: "rest", url: "'https://moth.example'")
"#;

const CONFIG: &str = "
connectors:
  mill: { secrets: { hook: [new-secret, old-secret] }, instances: { second: { secrets: { hook: other-secret } } } }
  lamp: { secrets: { hook: lamp-token } }
  kite: { secrets: { hook: kite-secret } }
";

fn files() -> Vec<SdlFile> {
    let mut files = sdl::core_files();
    let own = [
        ("mill", SDL),
        ("lamp", TOKEN),
        ("kite", TIMED),
        ("moth", SILENT),
    ];
    files.extend(own.map(|(name, text)| SdlFile {
        path: format!("connectors/{name}/{name}.graphql").into(),
        text: text.to_owned(),
        connector: Some(name.into()),
    }));
    files
}

fn start() -> TestServer {
    start_with(CONFIG, |_| {})
}

fn start_with(config: &str, change: impl FnOnce(&mut LimitsConfig)) -> TestServer {
    TestServer::start_with_webhooks(&files(), config, |_, limits| change(limits))
}

/// The code of `body` by `secret`, as the header has it.
fn signed(secret: &str, body: &[u8]) -> String {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(body);
    hex::encode(code.finalize().into_bytes())
}

fn deliver(server: &TestServer, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    let request = server.request(reqwest::Method::POST, path);
    server.send(request.body(body.to_owned()), &all)
}

/// A delivery of the mill, signed with `secret`.
fn mill(server: &TestServer, event: &str, body: &str, secret: &str) -> Answer {
    let signature = format!("v1={}", signed(secret, body.as_bytes()));
    let headers = [("x-mill-signature", &*signature), ("x-event", event)];
    deliver(server, "/webhooks/mill", body, &headers)
}

fn outcome(answer: &Answer) -> String {
    match answer.status {
        200 => answer.text.clone(),
        _ => answer.refusal(),
    }
}

fn key(name: &str) -> Key {
    Prefix::new(["test"]).key([name])
}

/// Keeps something under the tag for an hour.
fn keep(cache: &Cache, connector: &str, tag: &str) {
    let terms = Terms {
        fresh: Duration::from_secs(3600),
        ..Terms::default()
    };
    let entry = NewEntry {
        tags: [Tag::new(connector, tag)].into(),
        ..NewEntry::new(Content::Json(json!(tag)), Life::new(cache.now(), terms))
    };
    cache.put(key(tag), cache.mark(), entry);
}

fn is_kept(cache: &Cache, tag: &str) -> bool {
    cache.get(&key(tag)).is_some()
}

/// Which of the tags are kept no longer, after all were kept and `work` was done.
fn purged<'t>(
    server: &TestServer,
    connector: &str,
    tags: &[&'t str],
    work: impl FnOnce(),
) -> Vec<&'t str> {
    let cache = &server.hooks().cache;
    tags.iter().for_each(|tag| keep(cache, connector, tag));
    work();
    let gone = tags.iter().copied().filter(|tag| !is_kept(cache, tag));
    gone.collect()
}

const TAGS: [&str; 6] = [
    "mill:north",
    "mill:Rye",
    "mill:Oats",
    "sales",
    "mill:",
    "mill::x",
];

#[test]
fn an_event_purges_the_tags_of_all_webhooks_that_are_about_it() {
    let server = start();
    let body =
        json!({ "id": 1, "mill": "NORTH", "sacks": [{ "name": "Rye" }, { "name": "Oats" }] })
            .to_string();
    let gone = purged(&server, "mill", &TAGS, || {
        let answer = mill(&server, "ground", &body, "new-secret");
        assert_eq!(outcome(&answer), r#"{"outcome":"purged","tags":3}"#);
        assert_eq!(
            answer.header("content-type"),
            "application/json; charset=utf-8"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    });
    assert_eq!(gone, ["mill:north", "mill:Rye", "mill:Oats"]);
    let body = json!({ "id": 2, "mill": "North" }).to_string();
    let gone = purged(&server, "mill", &TAGS, || {
        let answer = mill(&server, "sold", &body, "new-secret");
        assert_eq!(outcome(&answer), r#"{"outcome":"purged","tags":2}"#);
    });
    assert_eq!(gone, ["mill:north", "sales"]);
    let body = json!({ "id": 3, "mill": "north" }).to_string();
    let gone = purged(&server, "mill", &TAGS, || {
        let answer = mill(&server, "swept", &body, "new-secret");
        assert_eq!(outcome(&answer), r#"{"outcome":"ignored"}"#);
    });
    assert_eq!(gone, [""; 0]);
    // Tags of another connector with the same text are others.
    let gone = purged(&server, "lamp", &["mill:north"], || {
        let body = json!({ "id": 4, "mill": "north" }).to_string();
        mill(&server, "sold", &body, "new-secret");
    });
    assert_eq!(gone, [""; 0]);
}

#[test]
fn a_delivery_that_came_before_is_dropped() {
    let server = start();
    let body = json!({ "id": "once", "mill": "north" }).to_string();
    let first = mill(&server, "ground", &body, "new-secret");
    assert_eq!(outcome(&first), r#"{"outcome":"purged","tags":1}"#);
    let gone = purged(&server, "mill", &TAGS, || {
        let again = mill(&server, "ground", &body, "new-secret");
        assert_eq!(outcome(&again), r#"{"outcome":"duplicate"}"#);
    });
    assert_eq!(gone, [""; 0]);
    // What was refused, or is about nothing here, did not come.
    let body = json!({ "id": "twice", "mill": "north" }).to_string();
    assert_eq!(mill(&server, "ground", &body, "wrong").status, 401);
    assert_eq!(
        mill(&server, "swept", &body, "new-secret").text,
        r#"{"outcome":"ignored"}"#
    );
    let third = mill(&server, "ground", &body, "new-secret");
    assert_eq!(outcome(&third), r#"{"outcome":"purged","tags":1}"#);
    // Without an id every delivery is a new one.
    let body = json!({ "mill": "north" }).to_string();
    for _ in 0..2 {
        let answer = mill(&server, "ground", &body, "new-secret");
        assert_eq!(outcome(&answer), r#"{"outcome":"purged","tags":1}"#);
    }
}

#[test]
fn the_instance_is_the_one_whose_secret_fits() {
    let server = start();
    let send = |path: &str, id: u32, secret: &str| {
        let body = json!({ "id": id, "mill": "north" }).to_string();
        let signature = format!("v1={}", signed(secret, body.as_bytes()));
        let headers = [("x-mill-signature", &*signature), ("x-event", "ground")];
        outcome(&deliver(&server, path, &body, &headers))
    };
    let purged = r#"{"outcome":"purged","tags":1}"#;
    assert_eq!(send("/webhooks/mill", 1, "other-secret"), purged);
    assert_eq!(send("/webhooks/mill/second", 2, "other-secret"), purged);
    assert_eq!(send("/webhooks/mill/default", 3, "old-secret"), purged);
    // The same id at another instance is another delivery.
    assert_eq!(send("/webhooks/mill", 1, "new-secret"), purged);
    assert_eq!(
        send("/webhooks/mill", 1, "new-secret"),
        r#"{"outcome":"duplicate"}"#
    );
    let wrong = "401 UNAUTHORIZED: the signature in `X-Mill-Signature` is not that of this body by a secret that is known here";
    assert_eq!(send("/webhooks/mill/second", 4, "new-secret"), wrong);
    assert_eq!(
        send("/webhooks/mill/third", 5, "new-secret"),
        "404 NOT_FOUND: the connector `mill` has no instance `third`"
    );
}

#[test]
fn deliveries_are_counted_by_what_became_of_them() {
    let server = start();
    let body = json!({ "id": 1, "mill": "north" }).to_string();
    for (event, secret) in [
        ("ground", "new-secret"),
        ("ground", "new-secret"),
        ("swept", "old-secret"),
        ("ground", "wrong"),
    ] {
        mill(&server, event, &body, secret);
    }
    mill(&server, "ground", "no JSON", "new-secret");
    let metrics = server.get("/metrics", &[]).text;
    let counts: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("callboard_webhook_delivery_duration_seconds_count"))
        .collect();
    for outcome in [
        "purged",
        "duplicate",
        "ignored",
        "unauthorized",
        "malformed",
    ] {
        let line = format!(
            "callboard_webhook_delivery_duration_seconds_count{{connector_name=\"mill\",outcome=\"{outcome}\"}} 1"
        );
        assert!(counts.contains(&&*line), "{line}: {counts:#?}");
    }
    assert!(
        metrics.contains("http_route=\"/webhooks/{connector}\""),
        "{metrics}"
    );
}

/// The built-in graph with its connectors.
fn built_in() -> Vec<SdlFile> {
    let folders = callboard::app::folders::built_in();
    let connectors = folders.into_iter().flat_map(|folder| folder.sdl);
    sdl::core_files().into_iter().chain(connectors).collect()
}
