//! One fetch per key, whoever asks, leaves or fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use callboard::cache::{Cache, Claim, Key, Landed, Lead};
use parking_lot::Mutex;

use super::{Fixture, broken, claim, key, lead, new_entry, tag, terms, text, within};

/// Gets all keys as the connector runtime does: leads first, then follows; counts what it fetches.
async fn resolve(cache: &Cache, keys: &[Key], fetched: &Mutex<HashMap<Key, usize>>) -> usize {
    let mut found = 0;
    let mut follows = Vec::new();
    for claim in cache.claim(keys, within()).await {
        match claim {
            Claim::Held(_) => found += 1,
            Claim::Lead(lead) => found += fetch(cache, lead, fetched).await,
            Claim::Follow(follow) => follows.push(follow),
        }
    }
    for follow in follows {
        match follow.await.unwrap() {
            Landed::Held(_) => found += 1,
            Landed::Lead(lead) => found += fetch(cache, lead, fetched).await,
            Landed::Failed(failure) => panic!("{failure}"),
        }
    }
    found
}

async fn fetch(cache: &Cache, lead: Lead, fetched: &Mutex<HashMap<Key, usize>>) -> usize {
    *fetched.lock().entry(lead.key()).or_default() += 1;
    tokio::task::yield_now().await;
    lead.fill(new_entry(cache, "x", terms(60, 0, 0), &[]));
    1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_who_ask_for_the_same_fetch_each_key_once() {
    let it = Fixture::new().await;
    let keys: Vec<Key> = (0..25).map(|n| key(&n.to_string())).collect();
    let fetched = Arc::new(Mutex::new(HashMap::new()));
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..1_000 {
        let (cache, mut keys, fetched) = (it.cache.clone(), keys.clone(), Arc::clone(&fetched));
        keys.rotate_left(n % 25);
        asking.spawn(async move { resolve(&cache, &keys, &fetched).await });
    }
    while let Some(found) = asking.join_next().await {
        assert_eq!(found.unwrap(), 25);
    }
    let fetched = fetched.lock();
    assert_eq!(fetched.len(), 25);
    assert!(fetched.values().all(|times| *times == 1), "{fetched:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_entry_that_ends_under_many_readers_is_fetched_once() {
    let it = Fixture::new().await;
    let fetches = Arc::new(AtomicUsize::new(0));
    for round in 0..20_i64 {
        it.set(round * 120);
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (cache, fetches) = (it.cache.clone(), Arc::clone(&fetches));
            readers.spawn(async move {
                for _ in 0..50 {
                    let counted = Mutex::new(HashMap::new());
                    resolve(&cache, &[key("a")], &counted).await;
                    fetches.fetch_add(counted.into_inner().len(), Ordering::Relaxed);
                }
            });
        }
        readers.join_all().await;
        let expected = usize::try_from(round).unwrap() + 1;
        assert_eq!(fetches.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test]
async fn a_batch_leads_holds_and_follows_in_the_order_of_its_keys() {
    let it = Fixture::new().await;
    it.fill(key("held"), "x", terms(60, 0, 0), &[]).await;
    let _flying = lead(&it.cache, key("flying")).await;
    let keys = ["free", "held", "flying", "other"].map(key);
    let claims = it.cache.claim(&keys, within()).await;
    let words: Vec<_> = claims
        .iter()
        .map(|claim| match claim {
            Claim::Held(_) => "held",
            Claim::Lead(lead) if keys.contains(&lead.key()) => "lead",
            Claim::Lead(_) => "lead of another key",
            Claim::Follow(_) => "follow",
        })
        .collect();
    assert_eq!(words, ["lead", "held", "follow", "lead"]);
}

#[tokio::test]
async fn a_leader_that_goes_away_hands_over() {
    let it = Fixture::new().await;
    let first = lead(&it.cache, key("a")).await;
    let mut follows = Vec::new();
    for _ in 0..5 {
        let Claim::Follow(follow) = claim(&it.cache, key("a")).await else {
            panic!("it is in flight");
        };
        follows.push(follow);
    }
    // Two who gave up in the meantime are passed over.
    drop(follows.remove(0));
    drop(follows.remove(0));
    drop(first);
    let Some(Landed::Lead(second)) = follows.remove(0).await else {
        panic!("the next one leads");
    };
    // One who is told to lead and goes away before he hears of it hands over as well.
    drop(second);
    drop(follows.remove(0));
    let Some(Landed::Lead(third)) = follows.remove(0).await else {
        panic!("the next one leads");
    };
    drop(third);
    drop(lead(&it.cache, key("a")).await);
}

#[tokio::test]
async fn a_failure_reaches_the_followers_and_nobody_after_them() {
    let it = Fixture::new().await;
    let first = lead(&it.cache, key("a")).await;
    let mut follows = Vec::new();
    for _ in 0..100 {
        let Claim::Follow(follow) = claim(&it.cache, key("a")).await else {
            panic!("it is in flight");
        };
        follows.push(follow);
    }
    first.fail(&broken("no answer within 5 s"));
    for follow in follows {
        let Some(Landed::Failed(failure)) = follow.await else {
            panic!("it failed");
        };
        assert_eq!(failure.to_string(), "no answer within 5 s");
    }
    drop(lead(&it.cache, key("a")).await);
}

#[tokio::test]
async fn who_comes_after_a_purge_is_not_given_what_was_asked_for_before() {
    let it = Fixture::new().await;
    let slow = lead(&it.cache, key("a")).await;
    let Claim::Follow(before) = claim(&it.cache, key("a")).await else {
        panic!("it is in flight");
    };
    it.cache.purge(&[tag("t")]).await;
    let Claim::Follow(after) = claim(&it.cache, key("a")).await else {
        panic!("it is in flight");
    };
    slow.fill(new_entry(&it.cache, "old", terms(60, 60, 60), &[tag("t")]));
    assert!(matches!(before.await, Some(Landed::Held(held)) if text(&held) == "old"));
    assert!(it.cache.get(&key("a")).is_none(), "it does not survive");
    let Some(Landed::Lead(again)) = after.await else {
        panic!("it has to be fetched again");
    };
    again.fill(new_entry(&it.cache, "new", terms(60, 60, 60), &[tag("t")]));
    assert_eq!(text(&it.cache.get(&key("a")).unwrap()), "new");
}
