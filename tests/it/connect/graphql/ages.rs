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

/// What an object says of its own end counts wherever it stands, and costs nothing but itself.
#[tokio::test]
async fn an_end_that_objects_name_is_kept_to() {
    const SDL: &str = r#"
        extend schema @source(name: "graph", type: GRAPHQL, url: "$config.url", limits: { retries: 0 })
        extend interface Entity {
          site: Site @connect(source: "graph", batch: { style: ALIAS }, query: "site(name: $name)", let: [{ name: "name", value: "$entity.metadata.name" }])
            @cache(maxAge: "2h")
          duty: Duty @connect(source: "graph", batch: { style: ALIAS }, query: "duty(name: $name)", let: [{ name: "name", value: "$entity.metadata.name" }])
            @cache(maxAge: "2h", until: "ends")
          shifts: [Shift]
        }
        type Site implements Live @identity(from: "id") {
          name: String
          lease: Lease @cache(maxAge: "2h", until: "ends")
          rooms: [Room] @field(at: "rooms(first: $args.first, after: $args.after)")
          shifts: [Shift] @field(at: "shifts(first: $args.first, after: $args.after)") @cache(maxAge: "2h", stale: "9h", until: "ends")
        }
        type Lease { tenant: String }
        type Room implements Live @identity(from: "id") { guest: Lease @cache(maxAge: "2h", until: "ends") }
        type Shift implements Live @supplies(field: "Entity.shifts", from: "Entity.site.shifts") @identity(from: "id") { who: String }
        type Duty implements Live @identity(from: "id") { who: String }
    "#;
    const UPSTREAM: &str = r#"
  - graphql: site
    body:
      id: s
      name: hall
      lease: { tenant: ada, ends: '2026-03-01T12:10:00Z' }
      rooms: { nodes: [{ id: r1, guest: { tenant: bo, ends: '2026-03-01T13:00:00Z' } }, { id: r2, guest: { tenant: cy, ends: '2026-03-01T12:30:00Z' } }] }
      shifts: { nodes: [{ id: a, who: ada, ends: '2026-03-01T12:50:00Z' }, { id: b, who: bo, ends: '2026-03-01T12:40:00Z' }] }
  - graphql: duty
    body: { id: d, who: ada, ends: '2026-03-01T12:20:00Z' }
"#;
    // A field, the minutes for which it is true, and what is asked for again then.
    let cases = [
        (
            "site { name lease { tenant } }",
            10,
            "lease { tenant ends }",
        ),
        ("duty { who }", 20, "who ends"),
        (
            "site { name rooms { nodes { guest { tenant } } } }",
            30,
            "guest { tenant ends }",
        ),
        ("site { name shifts { nodes { who } } }", 40, "who ends"),
        ("shifts { nodes { who } }", 40, "who ends"),
    ];
    for (field, minutes, again) in cases {
        let world = world(SDL, &components(1), UPSTREAM).await;
        let query = format!("{{ component(ref: \"c0\") {{ {field} }} }}");
        let first = world.ask(&query).await;
        assert!(!first.contains("errors"), "{first}");
        assert_eq!(world.n_requests(), 1, "{field}");
        world.pass(Duration::from_secs(minutes * 60 - 1));
        assert_eq!(world.ask(&query).await, first);
        assert_eq!(world.n_requests(), 0, "{field}");
        world.pass(Duration::from_secs(1));
        assert_eq!(world.ask(&query).await, first);
        let documents = world.documents();
        assert_eq!(documents.len(), 1, "{field}");
        assert!(documents[0].contains(again), "{field}: {}", documents[0]);
        assert!(
            !documents[0].contains(" name "),
            "{field}: {}",
            documents[0]
        );
    }
}
