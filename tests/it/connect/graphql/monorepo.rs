//! Several components in one repository: each is shown the changes that touch its own paths.

use insta::assert_snapshot;
use serde_json::json;

use super::{GraphWorld, world};

/// A forge whose changes say what they touch, and another one whose changes do not.
const SDL: &str = r#"
    extend schema @source(name: "graph", type: GRAPHQL, url: "$config.url", limits: { retries: 0, concurrency: 4 })
    extend interface Entity {
      repo: ForgeRepo
        @connect(source: "graph", batch: { style: ALIAS, max: 50 }, query: "repository(name: $name)", let: [
          { name: "name", value: "$entity.metadata.annotations.'forge.example/repo'" }])
        @cache(maxAge: "5m")
    }
    type ForgeRepo implements Live @identity(from: "id") {
      changes(state: String): [ForgeChange]
        @field(at: "changes(first: $args.first, after: $args.after)")
      drafts: [ForgeDraft]
        @field(at: "drafts(first: $args.first, after: $args.after)")
    }
    type ForgeChange implements PullRequest
      @supplies(field: "Entity.pullRequests", from: "Entity.repo.changes")
      @identity(from: "number") {
      author: ForgePerson
      paths: [String] @field(at: "(files(first: 100).pageInfo.hasNextPage | map(true, null, false, true)) && files(first: 100).nodes[].path")
      url: URL @field(at: "null")
    }
    type ForgePerson implements Person { login: String }
    type ForgeDraft implements Live @identity(from: "number") { number: Int url: URL @field(at: "null") }
"#;

/// A component of the repository `shop` with these annotations beside.
fn component(name: &str, annotations: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name}, annotations: {{ forge.example/repo: shop, {annotations} }} }}\nspec: {{ type: service, lifecycle: production, owner: team }}\n"
    )
}

/// So many changes: every fortieth touches `services/pay`, change 5 more files than are told, all others the front.
fn forge(n: usize) -> String {
    let each = (0..n).map(|number| {
        let files = match number {
            5 => (0..101).map(|file| format!("{{ path: web/f{file} }}")).collect::<Vec<_>>().join(", "),
            _ if number % 40 == 7 => "{ path: services/pay/src/main.rs }, { path: README.md }".to_owned(),
            _ => "{ path: web/index.ts }".to_owned(),
        };
        format!("{{ number: {number}, title: change {number}, author: {{ login: ada }}, files: {{ nodes: [{files}] }} }}")
    });
    let changes: Vec<String> = each.collect();
    format!(
        "  - graphql: repository\n    when: {{ arguments: {{ name: shop }} }}\n    body:\n      id: r1\n      changes: {{ nodes: [{}] }}\n",
        changes.join(", ")
    )
}

/// The numbers that a component is shown, how the list ends, and with how many documents.
async fn shown(world: &GraphWorld, name: &str, arguments: &str) -> String {
    let query = format!(
        "{{ component(ref: \"{name}\") {{ pullRequests{arguments} {{ nodes {{ number }} totalCount complete pageInfo {{ hasNextPage endCursor }} }} }} }}"
    );
    let (json, _) = world.engine.json(&query, json!({})).await;
    let list = &json["data"]["component"]["pullRequests"];
    let numbers = list["nodes"].as_array().into_iter().flatten();
    let numbers: Vec<String> = numbers.map(|node| node["number"].to_string()).collect();
    format!(
        "{} total {} complete {} next {}{}; {} documents",
        numbers.join(" "),
        list["totalCount"],
        list["complete"],
        list["pageInfo"]["hasNextPage"],
        json.get("errors")
            .map(|errors| errors.to_string())
            .unwrap_or_default(),
        world.n_requests()
    )
}

#[tokio::test]
async fn an_entity_with_paths_is_shown_what_touches_them() {
    let catalog = component("pay", "callboard.dev/paths: 'services/pay, infra/pay/**'")
        + &component("whole", "a/b: c");
    let world = world(SDL, &catalog, &forge(60)).await;
    // Change 5 touches more files than the forge tells, so it may touch these.
    assert_snapshot!(shown(&world, "pay", "").await, @"5 7 47 total 3 complete true next false; 4 documents");
    assert_snapshot!(shown(&world, "pay", "(first: 1)").await, @"5 total 3 complete true next true; 0 documents");
    assert_snapshot!(shown(&world, "pay", "(first: 2, scope: REPOSITORY)").await, @"0 1 total 60 complete true next true; 0 documents");
    // Who has no paths has the repository, and nobody asks for files.
    assert_snapshot!(shown(&world, "whole", "(first: 2)").await, @"0 1 total 60 complete true next true; 0 documents");
    assert_snapshot!(shown(&world, "whole", "(first: 2, scope: PATHS)").await, @"0 1 total 60 complete true next true; 0 documents");
}

#[tokio::test]
async fn pages_are_filled_across_those_of_the_upstream() {
    let catalog = component("pay", "callboard.dev/paths: services/pay/**")
        + &component("none", "callboard.dev/paths: docs");
    let world = world(SDL, &catalog, &forge(1_500)).await;
    assert_snapshot!(shown(&world, "pay", "(first: 4)").await, @"5 7 47 87 total null complete false next true; 6 documents");
    // Nothing is found, and not for ever looked for.
    assert_snapshot!(shown(&world, "none", "").await, @"5 total null complete false next false; 9 documents");
    let query = "{ component(ref: \"pay\") { pullRequests(first: 2) { pageInfo { endCursor } } } }";
    let (json, _) = world.engine.json(query, json!({})).await;
    let cursor = json["data"]["component"]["pullRequests"]["pageInfo"]["endCursor"].to_string();
    assert_snapshot!(shown(&world, "pay", &format!("(first: 2, after: {cursor})")).await, @"47 87 total null complete false next true; 0 documents");
}

/// Two components of one repository in one request, and the same list for both.
#[tokio::test]
async fn components_of_one_repository_share_what_is_asked() {
    let catalog = component("pay", "callboard.dev/paths: services/pay")
        + &component("web", "callboard.dev/paths: web")
        + &component("whole", "a/b: c");
    let world = world(SDL, &catalog, &forge(30)).await;
    let query = "{ components(orderBy: [{ field: NAME, direction: ASC }]) { nodes { name pullRequests(first: 2) { nodes { number } } } } }";
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"name":"pay","pullRequests":{"nodes":[{"number":5},{"number":7}]}},
            {"name":"web","pullRequests":{"nodes":[{"number":0},{"number":1}]}},
            {"name":"whole","pullRequests":{"nodes":[{"number":0},{"number":1}]}}
          ]
        }
      }
    }
    "#);
    // Two, four, eight changes, until there are enough for the one that needs the most.
    assert_eq!(world.n_requests(), 3);
    world.ask(query).await;
    assert_eq!(world.n_requests(), 0);
}

#[tokio::test]
async fn the_folder_of_the_source_is_the_default() {
    let of = |location: &str| {
        format!("github.com/project-slug: acme/shop, backstage.io/source-location: '{location}'")
    };
    let managed = |location: &str| {
        format!(
            "github.com/project-slug: acme/shop, backstage.io/managed-by-location: '{location}'"
        )
    };
    let pay = "https://github.com/acme/shop/tree/main/services/pay";
    let cases = [
        ("tree", of(&format!("url:{pay}"))),
        ("slash", of(&format!("url:{pay}/"))),
        ("blob", managed("url:https://github.com/acme/shop/blob/main/services/pay/catalog-info.yaml")),
        ("gitlab", "gitlab.com/project-slug: acme/shop, backstage.io/source-location: 'url:https://gitlab.com/acme/shop/-/tree/main/services/pay'".to_owned()),
        ("both", of("url:https://github.com/acme/shop/") + &format!(", backstage.io/managed-by-location: 'url:{pay}'")),
        ("root", of("url:https://github.com/acme/shop/tree/main")),
        ("top", managed("url:https://github.com/acme/shop/blob/main/catalog-info.yaml")),
        // Where descriptors lie in a repository of their own, their folders say nothing of the code.
        ("elsewhere", of("url:https://github.com/acme/catalog/tree/main/services/pay")),
        ("file", managed("file:/srv/acme/shop/tree/main/services/pay.yaml")),
        ("written", of(&format!("url:{pay}")) + ", callboard.dev/paths: web"),
    ];
    let catalog: Vec<String> = cases
        .iter()
        .map(|(name, annotations)| component(name, annotations))
        .collect();
    let world = world(SDL, &catalog.concat(), &forge(12)).await;
    let mut found = String::new();
    for (name, _) in &cases {
        let shown = shown(&world, name, "(first: 3)").await;
        let (numbers, _) = shown.split_once(" total").unwrap();
        found.push_str(&format!("{name}: {numbers}\n"));
    }
    assert_snapshot!(found, @r"
    tree: 5 7
    slash: 5 7
    blob: 5 7
    gitlab: 5 7
    both: 0 1 2
    root: 0 1 2
    top: 0 1 2
    elsewhere: 0 1 2
    file: 0 1 2
    written: 0 1 2
    ");
}
