//! Upstreams that are asked in the caller's name: nothing of one caller reaches another.

use callboard::clock::Budget;
use callboard::graphql::Request;
use serde_json::{Value, json};

use super::world::{World, world};
use crate::support::upstream::Reply;

const SDL: &str = r#"
extend schema
  @source(name: "mine", url: "$config.url", auth: { type: FORWARD })
  @source(name: "ours", url: "$config.url")
extend interface Entity {
  mine: Thing @connect(source: "mine", get: "/mine/{$entity.metadata.name}") @cache(maxAge: "1m", stale: "10m")
  loose: Thing @connect(source: "mine", get: "/loose/{$entity.metadata.name}")
  many: Thing @connect(source: "mine", get: "/many?ids={$batch.key}", at: "items[]", batch: { style: LIST, key: "$entity.metadata.name", match: "id" }) @cache(maxAge: "1m", stale: "10m")
  ours: Thing @connect(source: "ours", get: "/ours/{$entity.metadata.name}") @cache(maxAge: "1m")
  named: Thing @connect(source: "ours", get: "/named/{$viewer.email}") @cache(maxAge: "1m")
}
type Thing implements Live @identity(from: "id") { whose: String }
"#;

/// Tells everybody who he is.
async fn running() -> World {
    world(SDL)
        .components("pay: {}")
        .start(|asked| {
            let whose = asked.header("authorization").unwrap_or("nobody's");
            let thing = json!({ "id": "pay", "whose": whose });
            match asked.path() {
                "/many" => Reply::json(&json!({ "items": [thing] })),
                _ => Reply::json(&thing),
            }
        })
        .await
}

async fn ask(world: &World, authorization: Option<&str>, fields: &str) -> Value {
    let query = format!("{{ component(ref: \"pay\") {{ {fields} }} }}");
    let mut request = Request::new(query);
    request.authorization = authorization.map(Into::into);
    let engine = &world.engine.engine;
    let response = engine.execute(&request, Budget::of(world.engine.time));
    let json: Value = serde_json::from_slice(&response.await.body).unwrap();
    json["data"]["component"].clone()
}

#[tokio::test]
async fn everybody_sees_what_is_his_and_nobody_what_is_anothers() {
    let world = running().await;
    let fields = "mine { whose } loose { whose } many { whose } ours { whose }";
    let seen = |whose: &str| {
        let own = json!({ "whose": whose });
        json!({ "mine": own, "loose": own, "many": own, "ours": { "whose": "nobody's" } })
    };
    // Cold and warm, one after the other and at once.
    for _ in 0..2 {
        let (ann, bob) = tokio::join!(
            ask(&world, Some("Bearer ann"), fields),
            ask(&world, Some("Basic Ym9i"), fields)
        );
        assert_eq!(ann, seen("Bearer ann"));
        assert_eq!(bob, seen("Basic Ym9i"));
    }
    let asked = world.upstream.take();
    let of = |path: &str| asked.iter().filter(|asked| asked.path() == path).count();
    assert_eq!((of("/mine/pay"), of("/many"), of("/ours/pay")), (2, 2, 1));
    // Stale, they are fetched again in the names of those who asked.
    world.pass(std::time::Duration::from_secs(90));
    let (ann, bob) = tokio::join!(
        ask(&world, Some("Bearer ann"), "mine { whose } many { whose }"),
        ask(&world, Some("Basic Ym9i"), "mine { whose } many { whose }")
    );
    assert_eq!(
        (&ann["many"]["whose"], &bob["many"]["whose"]),
        (&json!("Bearer ann"), &json!("Basic Ym9i"))
    );
    let mut again = Vec::new();
    for _ in 0..200 {
        again.extend(world.upstream.take());
        if again.len() >= 4 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mut names: Vec<&str> = again
        .iter()
        .map(|asked| asked.header("authorization").unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["Basic Ym9i", "Basic Ym9i", "Bearer ann", "Bearer ann"]
    );
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let ann = ask(
        &world,
        Some("Bearer ann"),
        "mine { whose stale } many { whose stale }",
    )
    .await;
    let fresh = json!({ "whose": "Bearer ann", "stale": false });
    assert_eq!(ann, json!({ "mine": fresh, "many": fresh }));
}

#[tokio::test]
async fn nobody_is_asked_for_who_sends_nothing() {
    let world = running().await;
    let found = ask(
        &world,
        None,
        "mine { whose } named { whose } live(fields: [\"mine\", \"named\"]) { field state hint }",
    )
    .await;
    assert_eq!(
        found,
        json!({
            "mine": null,
            "named": null,
            "live": [
                { "field": "mine", "state": "NOT_ALLOWED", "hint": "it is asked in the caller's name: send an `Authorization` header" },
                { "field": "named", "state": "NOT_ALLOWED", "hint": "it depends on who asks, and nobody is signed in" },
            ]
        })
    );
    assert_eq!(world.upstream.take().len(), 0);
}
