//! `@lookup` with alternatives: people are known by a login here and by an address there.

use serde_json::{Value, json};

use super::world::world;
use crate::support::upstream::Reply;

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  notes: [Note] @connect(source: "rest", get: "/notes", at: "items") @cache(maxAge: "1m")
}
type Note implements Live @identity(from: "id") {
  by: User @lookup(kind: "User", by: "metadata.annotations.'probe/login' ?? spec.profile.email", value: "[author.login, author.email]")
  all: [User] @lookup(kind: "User", by: "metadata.annotations.'probe/login' ?? spec.profile.email", value: "[author.login, author.email]")
}
"#;

const USERS: &str = r#"apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ann, annotations: { probe/login: annie } }
spec: { profile: { email: ann@example.com }, memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: bob }
spec: { profile: { email: bob@example.com }, memberOf: [] }"#;

#[tokio::test]
async fn by_a_login_or_by_an_address() {
    let authors = json!([
        { "login": "Annie", "email": "bob@example.com" },
        { "login": "annie" },
        { "email": "BOB@example.com" },
        { "login": "carl", "email": "carl@example.com" },
        null,
    ]);
    let world = world(SDL).components("pay: {}").descriptors(USERS);
    let world = world.start(move |_| {
        let items = authors.as_array().unwrap().iter().enumerate();
        let items: Vec<Value> = items
            .map(|(id, author)| json!({ "id": id, "author": author }))
            .collect();
        Reply::json(&json!({ "items": items }))
    });
    let world = world.await;
    let query = "{ component(ref: \"pay\") { notes { nodes { by { name } all { name } } } } }";
    let (answer, _) = world.engine.json(query, Value::Null).await;
    let notes = answer["data"]["component"]["notes"]["nodes"].as_array();
    let Some(notes) = notes else {
        panic!("{answer}");
    };
    let found: Vec<String> = notes
        .iter()
        .map(|note| format!("{} {}", note["by"]["name"], note["all"]))
        .collect();
    // A login goes before an address; a list has whoever is meant by either.
    assert_eq!(
        found,
        [
            r#""ann" [{"name":"ann"},{"name":"bob"}]"#,
            r#""ann" [{"name":"ann"}]"#,
            r#""bob" [{"name":"bob"}]"#,
            r#"null []"#,
            r#"null []"#,
        ]
    );
}
