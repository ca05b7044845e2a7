//! What is kept of an object is kept field by field: only what is missing or old is fetched.

use std::time::Duration;

use callboard::cache::Tag;
use insta::assert_snapshot;

use super::{SDL, components, repositories, world};

#[tokio::test]
async fn only_what_is_missing_is_fetched() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    world
        .ask(r#"{ component(ref: "c0") { repo { stars branch } } }"#)
        .await;
    world.documents();
    let query = r#"{ component(ref: "c0") { repo { stars branch license } } }"#;
    assert_snapshot!(world.ask(query).await, @r#"{"data":{"component":{"repo":{"stars":0,"branch":"trunk","license":"MIT"}}}}"#);
    assert_snapshot!(world.documents().join("\n"), @r#"
    query($owner_0: String!, $name_0: String!) {
      a0: repository(owner: $owner_0, name: $name_0) { license { key name } }
    }
    {"owner_0":"acme","name_0":"c0"}
    "#);
    world.ask(query).await;
    assert_eq!(world.n_requests(), 0);
}

#[tokio::test]
async fn a_list_grows_old_by_itself() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    let query =
        r#"{ component(ref: "c0") { repo { stars changes(first: 1) { nodes { title } } } } }"#;
    world.ask(query).await;
    world.documents();
    world.pass(Duration::from_secs(90));
    world.ask(query).await;
    assert_snapshot!(world.documents().join("\n"), @r#"
    query($owner_0: String!, $name_0: String!, $first_0: Int!) {
      a0: repository(owner: $owner_0, name: $name_0) { changes_cbfe284741e15952276f: changes(orderBy: {field: UPDATED, direction: DESC}, first: $first_0) { nodes { title } pageInfo { hasNextPage endCursor } } }
    }
    {"owner_0":"acme","name_0":"c0","first_0":1}
    "#);
}

#[tokio::test]
async fn a_purge_is_of_the_whole_object() {
    let world = world(SDL, &components(1), &repositories(1)).await;
    let query = r#"{ component(ref: "c0") { repo { stars } } }"#;
    world.ask(query).await;
    world
        .cache
        .purge(&[Tag::new("forge", "repo:acme/c0")])
        .await;
    world.ask(query).await;
    assert_eq!(world.n_requests(), 2);
}
