//! Fresh, stale, expired, over; validators; the bound of memory.

use callboard::cache::{
    Cache, Claim, Content, Key, Life, NewEntry, Prefix, Settings, State, Terms,
};
use callboard::clock::Clock;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::CacheMetrics;
use serde_json::json;

use super::{Fixture, at, broken, claim, key, lead, new_entry, terms, text};

#[tokio::test]
async fn an_entry_goes_through_its_phases() {
    let it = Fixture::new().await;
    it.fill(key("a"), "one", terms(60, 600, 3600), &[]).await;
    let phases = [
        (0, Some(State::Fresh)),
        (59, Some(State::Fresh)),
        (60, Some(State::Stale)),
        (659, Some(State::Stale)),
        (660, Some(State::Expired)),
        (4259, Some(State::Expired)),
        (4260, None),
    ];
    for (second, expected) in phases {
        it.set(second);
        let state = it.cache.get(&key("a")).map(|held| held.state);
        assert_eq!(state, expected, "after {second} s");
    }
}

#[tokio::test]
async fn until_ends_every_phase() {
    let it = Fixture::new().await;
    let until = Some(at(30));
    let shift = Terms {
        until,
        ..terms(60, 600, 600)
    };
    it.fill(key("a"), "on call", shift, &[]).await;
    it.set(29);
    assert_eq!(it.cache.get(&key("a")).unwrap().state, State::Fresh);
    it.set(30);
    assert!(it.cache.get(&key("a")).is_none());
}

#[tokio::test]
async fn that_there_is_nothing_is_remembered_too() {
    let it = Fixture::new().await;
    let life = Life::new(it.cache.now(), terms(5, 0, 0));
    let nothing = NewEntry::new(Content::Absent { status: 404 }, life);
    lead(&it.cache, key("a")).await.fill(nothing);
    let held = it.cache.get(&key("a")).unwrap();
    assert_eq!(held.entry.content(), &Content::Absent { status: 404 });
    assert!(held.entry.json().is_none());
    it.set(5);
    assert!(it.cache.get(&key("a")).is_none());
}

#[tokio::test]
async fn a_304_renews_the_age_and_keeps_the_rest() {
    let it = Fixture::new().await;
    let new = NewEntry {
        etag: Some("\"v1\"".into()),
        last_modified: Some("Tue, 14 Nov 2023 22:13:20 GMT".into()),
        ..new_entry(&it.cache, "one", terms(60, 60, 600), &[super::tag("t")])
    };
    lead(&it.cache, key("a")).await.fill(new);
    it.set(130);
    let lead = lead(&it.cache, key("a")).await;
    let previous = lead.previous().unwrap();
    assert_eq!(previous.etag(), Some("\"v1\""));
    assert_eq!(
        previous.last_modified(),
        Some("Tue, 14 Nov 2023 22:13:20 GMT")
    );
    let renewed = Life::new(it.cache.now(), terms(60, 60, 600));
    lead.renew(renewed).unwrap();
    it.set(189);
    let held = it.cache.get(&key("a")).unwrap();
    assert_eq!((held.state, text(&held).as_str()), (State::Fresh, "one"));
    assert_eq!(held.entry.etag(), Some("\"v1\""));
    assert_eq!(held.entry.life().fetched_at, at(130));
    it.cache.purge(&[super::tag("t")]).await;
    assert!(it.cache.get(&key("a")).is_none(), "its tags stayed with it");
}

#[tokio::test]
async fn a_304_for_nothing_is_no_value() {
    let it = Fixture::new().await;
    let lead = lead(&it.cache, key("a")).await;
    assert!(
        lead.renew(Life::new(it.cache.now(), terms(60, 0, 0)))
            .is_none()
    );
}

#[tokio::test]
async fn one_alone_fetches_again_what_is_stale() {
    let it = Fixture::new().await;
    it.fill(key("a"), "one", terms(60, 600, 0), &[]).await;
    assert!(it.cache.renew(&key("a")).is_none(), "it is fresh");
    it.set(61);
    let held = it.cache.get(&key("a")).unwrap();
    assert_eq!(held.state, State::Stale);
    let lead = it.cache.renew(&key("a")).unwrap();
    for _ in 0..100 {
        assert!(it.cache.renew(&key("a")).is_none());
        let Claim::Held(held) = claim(&it.cache, key("a")).await else {
            panic!("what is stale is served");
        };
        assert_eq!(text(&held), "one");
    }
    lead.fill(new_entry(&it.cache, "two", terms(60, 600, 0), &[]));
    let held = it.cache.get(&key("a")).unwrap();
    assert_eq!((held.state, text(&held).as_str()), (State::Fresh, "two"));
}

#[tokio::test]
async fn a_refresh_that_failed_is_not_tried_at_every_read() {
    let it = Fixture::new().await;
    it.fill(key("a"), "one", terms(60, 6000, 0), &[]).await;
    // It pauses 1, 2, 4, 8, 16 and then always 30 seconds.
    let mut second = 61;
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        it.set(second);
        let lead = it.cache.renew(&key("a")).unwrap();
        lead.fail(&broken("away"));
        it.set(second + pause - 1);
        assert!(it.cache.get(&key("a")).is_some(), "it is served");
        if pause > 1 {
            assert!(it.cache.renew(&key("a")).is_none(), "at {pause} s");
        }
        second += pause;
    }
    it.set(second);
    assert!(it.cache.renew(&key("a")).is_some());
}

#[tokio::test]
async fn what_is_expired_stands_by_for_whoever_fetches() {
    let it = Fixture::new().await;
    it.fill(key("a"), "one", terms(60, 0, 600), &[]).await;
    it.set(61);
    let lead = lead(&it.cache, key("a")).await;
    let entry = lead.previous().unwrap();
    assert_eq!(entry.json().unwrap()["text"], "one");
    lead.fail(&broken("away"));
    assert_eq!(it.cache.get(&key("a")).unwrap().state, State::Expired);
}

#[tokio::test]
async fn what_may_not_be_stored_reaches_followers_only() {
    let it = Fixture::new().await;
    let lead = lead(&it.cache, key("a")).await;
    let Claim::Follow(follow) = claim(&it.cache, key("a")).await else {
        panic!("it is in flight");
    };
    lead.share(new_entry(&it.cache, "private", terms(60, 0, 0), &[]));
    let Some(callboard::cache::Landed::Held(held)) = follow.await else {
        panic!("it landed");
    };
    assert_eq!(text(&held), "private");
    assert!(it.cache.get(&key("a")).is_none());
}

#[tokio::test]
async fn viewers_and_parts_do_not_meet() {
    let prefix = Prefix::new(["connector", "v1"]);
    let keys = [
        prefix.key(["a", "b"]),
        prefix.key(["ab"]),
        prefix.key(["a", "b", ""]),
        prefix.key(["a", "b", "user:default/jane"]),
        prefix.key(["a", "b", "user:default/john"]),
        Prefix::new(["connector", "v2"]).key(["a", "b"]),
        Prefix::new(["connectorv", "1"]).key(["a", "b"]),
    ];
    for (position, key) in keys.iter().enumerate() {
        assert!(!keys[position + 1..].contains(key), "{position}");
    }
    assert_eq!(prefix.key(["a", "b"]), prefix.key(["a", "b"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_under_a_million_puts() {
    let bound = 4 << 20;
    let settings = Settings {
        memory: bound,
        ..super::settings(None)
    };
    let metrics = CacheMetrics::default();
    let cache = Cache::open(settings, Clock::system(), metrics, &Tasks::new()).await;
    let prefix = Prefix::new(["connector"]);
    let life = Life::new(cache.now(), terms(600, 0, 0));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4_u32 {
        let (cache, prefix) = (cache.clone(), prefix.clone());
        writers.spawn_blocking(move || {
            let mut most = 0;
            for number in 0..250_000_u32 {
                let key = prefix.key([writer.to_le_bytes(), number.to_le_bytes()]);
                let new = NewEntry::new(Content::Json(json!([number])), life);
                cache.put(key, cache.mark(), new);
                if number % 10_000 == 0 {
                    most = most.max(cache.figures().bytes);
                }
            }
            most
        });
    }
    while let Some(most) = writers.join_next().await {
        assert!(most.unwrap() <= bound);
    }
    let figures = cache.figures();
    assert!(figures.bytes <= bound, "{figures:?}");
    assert!(figures.bytes > bound / 2, "{figures:?}");
    assert_eq!(figures.entries + figures.evicted, 1_000_000, "{figures:?}");
}

/// What fields make of an entry and keep beside it is in the bound: or a few entries could hold any amount of memory.
#[tokio::test]
async fn what_is_made_of_entries_counts_in_the_bound() {
    let fixture = Fixture::new().await;
    let keys: Vec<Key> = (0..100).map(|number| key(&number.to_string())).collect();
    for key in &keys {
        fixture.fill(*key, "short", terms(60, 0, 0), &[]).await;
    }
    let before = fixture.cache.figures();
    let made = || json!("x".repeat(100_000));
    for key in &keys {
        let held = fixture.cache.get(key).unwrap();
        held.entry.made((1, 1), made);
        fixture.cache.count(key, &held.entry);
        // The second time there is nothing new.
        held.entry.made((1, 1), made);
        fixture.cache.count(key, &held.entry);
    }
    let after = fixture.cache.figures();
    assert!(after.bytes >= before.bytes + 100 * 100_000, "{after:?}");
    fixture
        .fill(key("next"), "short", terms(60, 0, 0), &[])
        .await;
    let figures = fixture.cache.figures();
    assert!(figures.bytes <= 4 << 20, "{figures:?}");
    assert!(figures.evicted >= 50, "{figures:?}");
}
