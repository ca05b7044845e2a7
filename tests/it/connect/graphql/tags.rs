//! Tags that read what came: what an upstream calls an object may be otherwise than what it was asked for by.

use callboard::cache::Tag;
use insta::assert_snapshot;

use super::{GraphWorld, components, world};

const SDL: &str = r#"
    extend schema @source(name: "graph", type: GRAPHQL, url: "$config.url", limits: { retries: 0 })
    extend interface Entity {
      repo: ForgeRepo
        @connect(source: "graph", batch: { style: ALIAS, max: 50 }, query: "repository(slug: $slug)", let: [{ name: "slug", value: "$entity.metadata.annotations.'forge.example/slug'" }])
        @cache(maxAge: "5m", stale: "1h", tags: ["repo:{$slug}", "repo:{$.fullName | lower}", "group:{$.owner.groups[].name}"])
      change: ForgeChange
        @connect(source: "graph", query: "repository(slug: $slug).change(number: $n)", let: [{ name: "slug", value: "$entity.metadata.annotations.'forge.example/slug'" }, { name: "n", value: "1", type: "Int!" }])
        @cache(maxAge: "5m", stale: "1h", tags: ["change:{$.key}"])
      runs: [ForgeRun]
        @connect(source: "graph", query: "project(slug: $slug).runs(first: $args.first, after: $args.after)", let: [{ name: "slug", value: "$entity.metadata.annotations.'forge.example/slug'" }])
        @cache(maxAge: "5m", stale: "1h", tags: ["runs:{$.nodes[0].project.key}"])
    }
    type ForgeRepo implements Live @identity(from: "id") {
      stars: Int
      changes: [ForgeChange] @field(at: "changes(first: $args.first, after: $args.after)") @cache(maxAge: "60s", stale: "10m")
    }
    type ForgeChange implements Live @identity(from: "id") { title: String }
    type ForgeRun implements Live @identity(from: "id") { number: Int }
"#;

const UPSTREAM: &str = r#"
  - graphql: repository
    body:
      id: r1
      fullName: Acme/New
      stars: 3
      owner: { groups: [{ name: forge }, { name: anvil }] }
      changes: { nodes: [{ id: c1, title: one }] }
      'change(number: 1)': { id: c1, key: k1, title: one }
  - graphql: project
    body:
      runs: { nodes: [{ id: n1, number: 1, project: { key: p1 } }, { id: n2, number: 2, project: { key: p1 } }] }
"#;

async fn start() -> GraphWorld {
    world(SDL, &components(1), UPSTREAM).await
}

impl GraphWorld {
    async fn of(&self, fields: &str) -> String {
        let query = format!("{{ component(ref: \"c0\") {{ {fields} }} }}");
        let answer = self.ask(&query).await;
        assert!(!answer.contains("errors"), "{answer}");
        answer
    }

    /// Whether a purge of the tag makes these fields be fetched again.
    async fn is_tagged(&self, tag: &str, fields: &str) -> bool {
        self.of(fields).await;
        self.n_requests();
        self.of(fields).await;
        assert_eq!(self.n_requests(), 0, "it is kept");
        self.cache.purge(&[Tag::new("forge", tag)]).await;
        self.of(fields).await;
        self.n_requests() == 1
    }
}

#[tokio::test]
async fn an_object_is_purged_by_what_it_is_called() {
    let world = start().await;
    let stars = "repo { stars }";
    for (tag, fields, is_tagged) in [
        ("repo:acme/c0", stars, true),
        ("repo:acme/new", stars, true),
        ("repo:Acme/New", stars, false),
        ("group:forge", stars, true),
        ("group:anvil", stars, true),
        ("group:", stars, false),
        ("change:k1", "change { title }", true),
        ("change:", "change { title }", false),
        ("runs:p1", "runs { nodes { number } }", true),
        // For its tags nothing is read that nobody wants.
        ("runs:p1", "runs { totalCount }", false),
    ] {
        let world = start().await;
        assert_eq!(
            world.is_tagged(tag, fields).await,
            is_tagged,
            "{tag} {fields}"
        );
    }
    // Several parts of one root field are kept together, and either tag takes all.
    world.of("repo { stars } change { title }").await;
    for tag in ["repo:acme/new", "change:k1"] {
        assert!(
            world
                .is_tagged(tag, "repo { stars } change { title }")
                .await,
            "{tag}"
        );
    }
}

#[tokio::test]
async fn what_tags_read_is_asked_for_with_whatever_is_fetched() {
    let world = start().await;
    world.of("repo { stars }").await;
    assert_snapshot!(world.documents().join("\n"), @r#"
    query($slug_0: String!) {
      a0: repository(slug: $slug_0) { stars fullName owner { groups { name } } }
    }
    {"slug_0":"acme/c0"}
    "#);
    // Complete without it, and told anew by each document.
    world.of("repo { stars }").await;
    assert_eq!(world.n_requests(), 0);
    world
        .of("repo { changes(first: 1) { nodes { title } } }")
        .await;
    assert_snapshot!(world.documents().join("\n"), @r#"
    query($slug_0: String!, $first_0: Int!) {
      a0: repository(slug: $slug_0) { changes(first: $first_0) { nodes { title } pageInfo { hasNextPage endCursor } } fullName owner { groups { name } } }
    }
    {"slug_0":"acme/c0","first_0":1}
    "#);
    // A part that came later keeps the tags of the rest.
    let all = "repo { stars changes(first: 1) { nodes { title } } }";
    for tag in ["repo:acme/c0", "group:anvil"] {
        assert!(world.is_tagged(tag, all).await, "{tag}");
    }
}
