//! What is kept, for how long, and what happens when it is over.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callboard::cache::Tag;
use insta::assert_snapshot;
use serde_json::json;

use super::world::{World, world};
use crate::support::upstream::{Asked, Reply};

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { retries: 0 })
extend interface Entity {
  shift: Shift @connect(source: "rest", get: "/shifts/{$entity.metadata.name}")
    @cache(maxAge: "60s", stale: "10m", until: "end", tags: ["shift:{$entity.metadata.name}"])
}
type Shift implements Live @identity(from: "id") { n: Int }
"#;

const QUERY: &str = "{ component(ref: \"pay\") { shift { n stale fetchedAt } } }";

/// Counts its answers.
async fn counting(with: impl Fn(Reply) -> Reply + Send + Sync + 'static) -> World {
    let count = AtomicUsize::new(0);
    world(SDL)
        .components("pay: {}")
        .start(move |_| {
            let n = count.fetch_add(1, Ordering::Relaxed) + 1;
            with(Reply::json(&json!({ "id": 1, "n": n })))
        })
        .await
}

/// Until what is refreshed behind has come.
async fn until_asked(world: &World, times: usize) {
    let mut asked = 0;
    for _ in 0..200 {
        asked += world.upstream.take().len();
        if asked >= times {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(asked, times);
}

#[tokio::test]
async fn fresh_then_stale_and_refreshed_behind_then_gone() {
    let world = counting(|reply| reply).await;
    let mut out = world.ask(QUERY).await;
    world.pass(Duration::from_secs(59));
    out.push_str(&format!("\n59 s: {}", world.ask(QUERY).await));
    until_asked(&world, 1).await;
    world.pass(Duration::from_secs(2));
    out.push_str(&format!("\n61 s: {}", world.ask(QUERY).await));
    until_asked(&world, 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    out.push_str(&format!("\nbehind: {}", world.ask(QUERY).await));
    world.pass(Duration::from_secs(3600));
    out.push_str(&format!("\nan hour later: {}", world.ask(QUERY).await));
    assert_snapshot!(out, @r#"
    {"data":{"component":{"shift":{"n":1,"stale":false,"fetchedAt":"2026-03-01T12:00:00Z"}}}}
    59 s: {"data":{"component":{"shift":{"n":1,"stale":false,"fetchedAt":"2026-03-01T12:00:00Z"}}}}
    61 s: {"data":{"component":{"shift":{"n":1,"stale":true,"fetchedAt":"2026-03-01T12:00:00Z"}}}}
    behind: {"data":{"component":{"shift":{"n":2,"stale":false,"fetchedAt":"2026-03-01T12:01:01Z"}}}}
    an hour later: {"data":{"component":{"shift":{"n":3,"stale":false,"fetchedAt":"2026-03-01T13:01:01Z"}}}}
    "#);
    assert_eq!(
        world.tasks.shutdown(Duration::from_secs(1)).await,
        Vec::<&str>::new()
    );
}

#[tokio::test]
async fn an_upstream_that_is_down_is_stood_in_for() {
    let world = counting(|reply| reply).await;
    world.ask(QUERY).await;
    world.upstream.answer(|_| Reply::status(503));
    world.pass(Duration::from_secs(120));
    assert_snapshot!(world.ask(QUERY).await, @r#"{"data":{"component":{"shift":{"n":1,"stale":true,"fetchedAt":"2026-03-01T12:00:00Z"}}}}"#);
    world.pass(Duration::from_secs(3600));
    assert_snapshot!(world.ask(QUERY).await, @r#"
    {
      "data": {"component":{"shift":null}},
      "errors": [
        {
          "message": "`probe` (source `rest`) at `/shifts/{$entity.metadata.name}` answered with status 503",
          "locations": [{"line":1,"column":27}],
          "path": ["component","shift"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe","upstreamStatus":503}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_purge_is_heard() {
    let world = counting(|reply| reply).await;
    world.ask(QUERY).await;
    world.cache.purge(&[Tag::new("probe", "shift:other")]).await;
    world.ask(QUERY).await;
    assert_eq!(world.upstream.take().len(), 1);
    world.cache.purge(&[Tag::new("probe", "shift:pay")]).await;
    world.ask(QUERY).await;
    assert_eq!(world.upstream.take().len(), 1);
}

#[tokio::test]
async fn what_the_upstream_forbids_to_keep_is_not_kept() {
    let world = counting(|reply| reply.header("cache-control", "private, no-store")).await;
    world.ask(QUERY).await;
    world.ask(QUERY).await;
    assert_eq!(world.upstream.take().len(), 2);
}

#[tokio::test]
async fn a_shift_ends_when_it_ends() {
    let count = AtomicUsize::new(0);
    let world = world(SDL)
        .components("pay: {}")
        .start(move |_| {
            let n = count.fetch_add(1, Ordering::Relaxed) + 1;
            Reply::json(&json!({ "id": 1, "n": n, "end": "2026-03-01T12:00:30Z" }))
        })
        .await;
    world.ask(QUERY).await;
    world.pass(Duration::from_secs(29));
    world.ask(QUERY).await;
    assert_eq!(world.upstream.take().len(), 1);
    world.pass(Duration::from_secs(2));
    world.ask(QUERY).await;
    assert_eq!(world.upstream.take().len(), 1);
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let world = world(SDL)
        .components("pay: {}")
        .start(|asked| match asked.header("if-none-match") {
            Some("\"v1\"") => Reply::status(304),
            _ => Reply::json(&json!({ "id": 1, "n": 1 })).header("etag", "\"v1\""),
        })
        .await;
    world.ask(QUERY).await;
    world.pass(Duration::from_secs(90));
    world.ask(QUERY).await;
    until_asked(&world, 2).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_snapshot!(world.ask(QUERY).await, @r#"{"data":{"component":{"shift":{"n":1,"stale":false,"fetchedAt":"2026-03-01T12:01:30Z"}}}}"#);
}

#[tokio::test]
async fn a_thousand_who_ask_at_once_are_one_request() {
    let world = counting(|reply| reply.after(Duration::from_millis(100))).await;
    let asks = (0..1000).map(|_| world.ask(QUERY));
    let answers = futures_util::future::join_all(asks).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(world.upstream.take().len(), 1);
}

#[tokio::test]
async fn who_meets_a_value_as_it_expires_asks_once_with_all_others() {
    let world = counting(|reply| reply.after(Duration::from_millis(50))).await;
    world.ask(QUERY).await;
    assert_eq!(world.upstream.take().len(), 1);
    // Of no use any more: all wait for one.
    world.pass(Duration::from_secs(3600));
    futures_util::future::join_all((0..64).map(|_| world.ask(QUERY))).await;
    assert_eq!(world.upstream.take().len(), 1);
    // Stale: nobody waits, and one fetches it again.
    world.pass(Duration::from_secs(90));
    let answers = futures_util::future::join_all((0..64).map(|_| world.ask(QUERY))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.contains("\"stale\":true"))
    );
    until_asked(&world, 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.upstream.take().len(), 0);
}

/// `$` in a tag is what came: the body, each page of a list, or the rows of one key of a batch.
#[tokio::test]
async fn a_tag_may_say_what_the_upstream_calls_it() {
    const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { retries: 0 })
extend interface Entity {
  one: Thing @connect(source: "rest", get: "/one/{$entity.metadata.name}", at: "thing") @cache(maxAge: "1h", tags: ["one:{$.thing.name}", "asked:{$entity.metadata.name}"])
  many: [Thing] @connect(source: "rest", get: "/many", at: "things[]", page: { style: CURSOR, cursor: "from", next: "next" }) @cache(maxAge: "1h", tags: ["many:{$.things[].name}"])
  row: Thing @connect(source: "rest", get: "/rows?id={$batch.key}", at: "things[]", batch: { style: LIST, key: "$entity.metadata.name", match: "id" }) @cache(maxAge: "1h", tags: ["row:{$.name}"])
  rows: [Thing] @connect(source: "rest", get: "/rows?id={$batch.key}", at: "things[]", batch: { style: LIST, key: "$entity.metadata.name", match: "id" }) @cache(maxAge: "1h", tags: ["rows:{$[0].name}"])
}
type Thing implements Live @identity(from: "name") { name: String }
"#;
    let upstream = |asked: &Asked| {
        let thing = |name: &str, id: &str| json!({ "name": name, "id": id });
        Reply::json(&match (asked.path(), asked.params("from").first()) {
            ("/many", None) => json!({ "things": [thing("a", ""), thing("b", "")], "next": "2" }),
            ("/many", Some(_)) => json!({ "things": [thing("c", "")] }),
            ("/rows", _) => {
                json!({ "things": [thing("p", "pay"), thing("q", "till"), thing("r", "pay")] })
            }
            _ => json!({ "thing": thing("Pay", "") }),
        })
    };
    let world = world(SDL).components("pay: {}\ntill: {}").start(upstream);
    let world = world.await;
    for (field, rest, tag, is_tagged) in [
        ("one", "{ name }", "one:Pay", true),
        ("one", "{ name }", "asked:pay", true),
        ("one", "{ name }", "one:", false),
        ("many(first: 2)", "{ nodes { name } }", "many:b", true),
        ("many(first: 2)", "{ nodes { name } }", "many:c", false),
        ("many(first: 3)", "{ nodes { name } }", "many:c", true),
        ("many(first: 3)", "{ nodes { name } }", "many:a", true),
        ("row", "{ name }", "row:p", true),
        ("row", "{ name }", "row:q", false),
        ("rows", "{ nodes { name } }", "rows:p", true),
        ("rows", "{ nodes { name } }", "rows:r", false),
    ] {
        let query = format!("{{ component(ref: \"pay\") {{ {field} {rest} }} }}");
        let answer = world.ask(&query).await;
        assert!(!answer.contains("errors"), "{answer}");
        world.upstream.take();
        assert_eq!(world.ask(&query).await, answer);
        assert_eq!(world.upstream.take().len(), 0, "{field} is kept");
        world.cache.purge(&[Tag::new("probe", tag)]).await;
        world.ask(&query).await;
        assert_eq!(
            !world.upstream.take().is_empty(),
            is_tagged,
            "{field} {tag}"
        );
    }
}
