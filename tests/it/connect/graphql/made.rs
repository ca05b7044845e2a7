//! Values that are made of what a graph says: an `at` that is no plain path, names of the request further down, and objects that are supplied only if they are what is looked for.

use insta::assert_snapshot;

use super::{SDL, components, repositories, world};

/// Fields of an entity, each with an `at` that makes something.
const MADE: &str = r#"
    extend interface Entity {
      summary: String
        @connect(source: "graph", batch: { style: ALIAS }, query: "repository(owner: $owner, name: $name)",
          let: [{ name: "owner", value: "'acme'" }, { name: "name", value: "$entity.metadata.name" }],
          at: "defaultBranch.name + '@' + (owner.login | lower)")
        @cache(maxAge: "5m")
      words: [String]
        @connect(source: "graph", batch: { style: ALIAS }, query: "repository(owner: $owner, name: $name)",
          let: [{ name: "owner", value: "'acme'" }, { name: "name", value: "$entity.metadata.name" }],
          at: "(topics(first: 20).nodes | each(name | upper)) + [license.key ?? license.name]")
        @cache(maxAge: "5m")
      versions(least: Int): Int
        @connect(source: "graph", batch: { style: ALIAS }, query: "repository(owner: $owner, name: $name)",
          let: [{ name: "owner", value: "'acme'" }, { name: "name", value: "$entity.metadata.name" }],
          at: "releases(first: $args.least).nodes | each(tagName) | count")
        @cache(maxAge: "5m")
      size: ForgeSize
        @connect(source: "graph", batch: { style: ALIAS }, query: "repository(owner: $owner, name: $name)",
          let: [{ name: "owner", value: "'acme'" }, { name: "name", value: "$entity.metadata.name" }],
          at: "{ stars: stargazerCount, newest: changes(first: 1).nodes | first }")
        @cache(maxAge: "5m")
      even: [ForgeChange]
        @connect(source: "graph", batch: { style: ALIAS }, query: "repository(owner: $owner, name: $name)",
          let: [{ name: "owner", value: "'acme'" }, { name: "name", value: "$entity.metadata.name" }],
          at: "changes(first: 4).nodes | where(author.login, 'ada')")
        @cache(maxAge: "5m")
    }
    type ForgeSize { stars: Int, newest: ForgeChange }
"#;

#[tokio::test]
async fn what_at_makes_is_the_value() {
    let world = world(&format!("{SDL}{MADE}"), &components(1), &repositories(1)).await;
    let query = r#"{ component(ref: "c0") {
        summary words versions(least: 2) size { stars newest { title } } even { totalCount nodes { number } } } }"#;
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "component": {
          "summary": "trunk@acme",
          "words": ["RUST","GRAPH","MIT"],
          "versions": 2,
          "size": {"stars":0,"newest":{"title":"change 0"}},
          "even": {"totalCount":4,"nodes":[{"number":0},{"number":1},{"number":2},{"number":3}]}
        }
      }
    }
    "#);
    // One document, with what the expressions read and nothing else.
    assert_snapshot!(world.documents().join("\n"), @r#"
    query($owner_0: String!, $name_0: String!, $least_0: Int!) {
      a0: repository(owner: $owner_0, name: $name_0) { defaultBranch { name } owner { login } topics_ef77497cd0c066f2b4ef: topics(first: 20) { nodes { name } } license { key name } releases_76343cd70a452d18c081: releases(first: $least_0) { nodes { tagName } } stargazerCount changes_16c87b33eacbb95fbf22: changes(first: 1) { nodes { title } } changes_4db9cbea805cedb5a70b: changes(first: 4) { nodes { number author { login } } } }
    }
    {"owner_0":"acme","name_0":"c0","least_0":2}
    "#);
    world.ask(query).await;
    assert_eq!(world.n_requests(), 0);
}

/// What a change came to is asked in a second document: which versions have it, and which deployments.
const SHIPPED: &str = r#"
    extend type ForgeChange {
      merge: ForgeMerge @field(at: "commit && { commit: commit, id: id }")
      versions: [ForgeVersion]
      deployed: [ForgeDeployment]
    }
    type ForgeMerge {
      versions: [ForgeVersion]
        @connect(source: "graph", batch: { style: ALIAS }, query: "change(id: $change)",
          let: [{ name: "change", value: "$this.id", type: "ID!" }, { name: "commit", value: "$this.commit" }],
          at: "repository.releases(first: 10).nodes | where(compare(head: $commit).ahead, 0)")
        @cache(maxAge: "5m")
      deployments: [ForgeDeployment]
        @connect(source: "graph", batch: { style: ALIAS }, query: "change(id: $change)",
          let: [{ name: "change", value: "$this.id", type: "ID!" }, { name: "commit", value: "$this.commit" }],
          at: "repository.places.nodes | each(latest)")
        @cache(maxAge: "5m")
    }
    type ForgeVersion implements Live
      @supplies(field: "ForgeChange.versions", from: "ForgeChange.merge.versions")
      @identity(from: "tagName") { tag: String @field(at: "tagName") }
    type ForgeDeployment implements Live
      @supplies(field: "ForgeChange.deployed", from: "ForgeChange.merge.deployments", where: "hasChange")
      @identity(from: "id") {
      place: String
      hasChange: Boolean
        @connect(source: "graph", batch: { style: ALIAS }, query: "contains(head: $this.commit, base: $commit)") @cache(maxAge: "5m")
    }
"#;

/// Two changes, one of them merged; what knows of it has two versions and three places.
const FORGE: &str = r#"
  - graphql: repository
    body:
      id: r0
      changes: { nodes: [{ id: ch1, number: 1, commit: m1 }, { id: ch2, number: 2, commit: null }] }
  - graphql: change
    when: { arguments: { id: ch1 } }
    body:
      repository:
        releases:
          nodes:
            - { tagName: v2, "compare(head: 'm1')": { ahead: 0 } }
            - { tagName: v1, "compare(head: 'm1')": { ahead: 3 } }
        places: { nodes: [{ latest: { id: d1, place: staging, commit: c9 } }, { latest: null }, { latest: { id: d2, place: production, commit: c1 } }] }
  - graphql: contains
    when: { arguments: { head: c9, base: m1 } }
    body: true
  - graphql: contains
    when: { arguments: { head: c1, base: m1 } }
    body: false
"#;

#[tokio::test]
async fn only_what_is_looked_for_is_supplied() {
    let world = world(&format!("{SDL}{SHIPPED}"), &components(1), FORGE).await;
    let query = r#"{ component(ref: "c0") { changes { nodes {
        number versions { nodes { tag } } deployed { totalCount complete nodes { place } } } } } }"#;
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "component": {
          "changes": {
            "nodes": [
              {
                "number": 1,
                "versions": {"nodes":[{"tag":"v2"}]},
                "deployed": {"totalCount":1,"complete":true,"nodes":[{"place":"staging"}]}
              },
              {"number":2,"versions":{"nodes":[]},"deployed":{"totalCount":0,"complete":true,"nodes":[]}}
            ]
          }
        }
      }
    }
    "#);
    assert_snapshot!(world.documents().join("\n"), @r#"
    query($owner_0: String!, $name_0: String!, $first_0: Int!) {
      a0: repository(owner: $owner_0, name: $name_0) { changes_cbfe284741e15952276f: changes(orderBy: {field: UPDATED, direction: DESC}, first: $first_0) { nodes { number commit id } pageInfo { hasNextPage endCursor } } }
    }
    {"owner_0":"acme","name_0":"c0","first_0":10}
    query($change_0: ID!, $commit_0: String!) {
      a0: change(id: $change_0) { repository { releases_bb120e4272422bce70af: releases(first: 10) { nodes { tagName compare_02209534e5a31bc69483: compare(head: $commit_0) { ahead } } } places { nodes { latest { place commit } } } } }
    }
    {"change_0":"ch1","commit_0":"m1"}
    query($commit_0: String!, $commit_1: String!, $commit_2: String!) {
      a0: contains(head: $commit_0, base: $commit_1)
      a1: contains(head: $commit_2, base: $commit_1)
    }
    {"commit_0":"c9","commit_1":"m1","commit_2":"c1"}
    "#);
    world.ask(query).await;
    assert_eq!(world.n_requests(), 0);
}
