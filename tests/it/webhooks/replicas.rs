//! Two servers on one Redis: what one is told is stale on both, and what one has seen the other has.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{CONFIG, TestServer, files, is_kept, keep, mill, outcome};
use crate::support::redis::Redis;

fn start(redis: &Redis) -> TestServer {
    let config = format!("cache: {{ redis: '{}' }}\n{CONFIG}", redis.url());
    TestServer::start_with_webhooks(&files(), &config, |_, _| {})
}

fn eventually(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_one_is_told_is_stale_on_both() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let (first, second) = (start(&redis), start(&redis));
    for n in 0..20 {
        let caches = [&first.hooks().cache, &second.hooks().cache];
        caches
            .iter()
            .for_each(|cache| keep(cache, "mill", "mill:north"));
        let body = json!({ "id": n, "mill": "north" }).to_string();
        let answer = mill(&first, "ground", &body, "new-secret");
        assert_eq!(outcome(&answer), r#"{"outcome":"purged","tags":1}"#);
        assert!(
            !is_kept(caches[0], "mill:north"),
            "stale here with the answer"
        );
        eventually("the other hears of it", || {
            !is_kept(caches[1], "mill:north")
        });
    }
}

#[test]
fn what_one_has_seen_the_other_drops() {
    let Some(mut redis) = Redis::start(&[]) else {
        return;
    };
    let (first, second) = (start(&redis), start(&redis));
    let body = |id: u32| json!({ "id": id, "mill": "north" }).to_string();
    let send =
        |server: &TestServer, id: u32| outcome(&mill(server, "ground", &body(id), "new-secret"));
    let (purged, duplicate) = (
        r#"{"outcome":"purged","tags":1}"#,
        r#"{"outcome":"duplicate"}"#,
    );
    assert_eq!(send(&first, 1), purged);
    assert_eq!(send(&second, 1), duplicate);
    assert_eq!(send(&second, 2), purged);
    assert_eq!(send(&first, 2), duplicate);
    // While Redis is away each remembers its own, and none refuses a delivery.
    redis.kill();
    assert_eq!(send(&first, 3), purged);
    assert_eq!(send(&first, 3), duplicate);
    assert_eq!(send(&second, 3), purged);
}
