//! `@supplies(from:)` along lists that stand within each other: all of them travel in one document.

use serde_json::{Value, json};

use super::{SDL, components, world};

/// Reviews of all changes of a repository, and of what each change leads to.
fn sdl() -> String {
    let sdl = SDL.replace(
        "changes(state: String): [ForgeChange]\n    }",
        "changes(state: String): [ForgeChange]\n      verdicts: [ForgeReview]\n    }",
    );
    assert_ne!(sdl, SDL);
    let sdl = sdl.replace(
        r#"type ForgeReview implements Live @identity(from: "id") { verdict: String }"#,
        r#"type ForgeReview implements Live
          @supplies(field: "Entity.verdicts", from: "Entity.repo.changes.reviews")
          @supplies(field: "ForgeChange.notes", from: "ForgeChange.reviews")
          @supplies(field: "ForgeRepo.notes", from: "ForgeRepo.changes.reviews")
          @identity(from: "id") { verdict: String }"#,
    );
    let sdl = sdl.replace(
        "reviews: [ForgeReview]",
        "notes: [ForgeReview]\n      reviews: [ForgeReview]",
    );
    sdl.replace("stars: Int", "notes: [ForgeReview]\n      stars: Int")
}

const UPSTREAM: &str = "
  - graphql: repository
    body:
      id: r
      stargazerCount: 1
      changes:
        nodes:
          - { id: c1, number: 1, reviews: { nodes: [{ id: a, verdict: yes }, { id: b, verdict: no }, { id: c, verdict: yes }] } }
          - { id: c2, number: 2, reviews: { nodes: [] } }
          - { id: c3, number: 3, reviews: { nodes: [{ id: d, verdict: no }] } }
";

async fn ask(query: &str) -> (Value, Vec<String>) {
    let world = world(&sdl(), &components(1), UPSTREAM).await;
    let answer = world.ask(query).await;
    (serde_json::from_str(&answer).unwrap(), world.documents())
}

fn verdicts(list: &Value) -> Vec<&str> {
    let nodes = list["nodes"].as_array().unwrap_or_else(|| panic!("{list}"));
    nodes
        .iter()
        .map(|node| node["verdict"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn two_lists_in_one_row_are_one_document() {
    let (answer, documents) =
        ask("{ component(ref: \"c0\") { verdicts { nodes { verdict } complete } } }").await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let list = &answer["data"]["component"]["verdicts"];
    assert_eq!(verdicts(list), ["yes", "no", "yes", "no"]);
    assert_eq!(list["complete"], true);
    assert_eq!(documents.len(), 1, "{documents:#?}");
    let document = &documents[0];
    assert!(document.contains("changes(") && document.contains("reviews("));
    // Of changes nothing but what their reviews are found by.
    assert!(!document.contains("title"), "{document}");
}

#[tokio::test]
async fn lists_of_an_object_that_is_there_come_with_it() {
    let (answer, documents) = ask(
        "{ component(ref: \"c0\") { repo { stars notes { nodes { verdict } } changes(first: 2) { nodes { number notes { nodes { verdict } } } } } } }",
    )
    .await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let repo = &answer["data"]["component"]["repo"];
    assert_eq!(verdicts(&repo["notes"]), ["yes", "no", "yes", "no"]);
    let changes = repo["changes"]["nodes"].as_array().unwrap();
    let of_each: Vec<Vec<&str>> = changes
        .iter()
        .map(|change| verdicts(&change["notes"]))
        .collect();
    assert_eq!(of_each, [vec!["yes", "no", "yes"], vec![]]);
    assert_eq!(documents.len(), 1, "{documents:#?}");
}

#[tokio::test]
async fn a_list_within_another_is_read_as_far_as_is_wanted() {
    let page = |after: &str| {
        format!(
            "{{ component(ref: \"c0\") {{ changes(first: 1) {{ nodes {{ notes(first: 2{after}) {{ nodes {{ verdict }} pageInfo {{ hasNextPage endCursor }} }} }} }} }} }}"
        )
    };
    let (answer, _) = ask(&page("")).await;
    let list = &answer["data"]["component"]["changes"]["nodes"][0]["notes"];
    assert_eq!(verdicts(list), ["yes", "no"]);
    assert_eq!(list["pageInfo"]["hasNextPage"], json!(true));
    let cursor = list["pageInfo"]["endCursor"].as_str().unwrap();
    let (answer, _) = ask(&page(&format!(", after: \"{cursor}\""))).await;
    let list = &answer["data"]["component"]["changes"]["nodes"][0]["notes"];
    assert_eq!(verdicts(list), ["yes"], "{answer}");
    assert_eq!(list["pageInfo"]["hasNextPage"], json!(false));
}
