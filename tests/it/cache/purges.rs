//! Tags, in one process.

use super::{Fixture, key, new_entry, tag, terms, text};

#[tokio::test]
async fn a_purge_takes_what_carries_the_tag_and_nothing_else() {
    let it = Fixture::new().await;
    let both = [tag("x"), tag("y")];
    it.fill(key("a"), "a", terms(60, 60, 60), &both).await;
    it.fill(key("b"), "b", terms(60, 60, 60), &both[1..]).await;
    it.fill(key("c"), "c", terms(60, 60, 60), &[]).await;
    let there = || ["a", "b", "c"].map(|name| it.cache.get(&key(name)).is_some());
    it.cache.purge(&[tag("z")]).await;
    assert_eq!(there(), [true, true, true]);
    it.cache.purge(&[tag("x")]).await;
    assert_eq!(there(), [false, true, true]);
    it.fill(key("a"), "a", terms(60, 60, 60), &both).await;
    assert_eq!(there(), [true, true, true], "what comes later stays");
    it.cache.purge_all().await;
    assert_eq!(there(), [false, false, false]);
}

#[tokio::test]
async fn rows_that_were_on_their_way_do_not_survive() {
    let it = Fixture::new().await;
    let (early, late) = (key("early"), key("late"));
    let before = it.cache.mark();
    it.cache.purge(&[tag("t")]).await;
    let new = || new_entry(&it.cache, "x", terms(60, 0, 0), &[tag("t")]);
    it.cache.put(early, before, new());
    it.cache.put(late, it.cache.mark(), new());
    assert!(it.cache.get(&early).is_none());
    assert_eq!(text(&it.cache.get(&late).unwrap()), "x");
}

#[tokio::test]
async fn more_tags_than_are_remembered_cost_entries_but_no_truth() {
    let it = Fixture::new().await;
    it.fill(key("a"), "a", terms(60, 0, 0), &[tag("first")])
        .await;
    it.cache.purge(&[tag("first")]).await;
    for batch in 0..80 {
        let tags: Vec<_> = (0..1_000).map(|n| tag(&format!("{batch}-{n}"))).collect();
        it.cache.purge(&tags).await;
    }
    assert!(it.cache.get(&key("a")).is_none());
    it.fill(key("b"), "b", terms(60, 0, 0), &[tag("first")])
        .await;
    assert!(it.cache.get(&key("b")).is_some());
}
