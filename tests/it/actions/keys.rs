//! `idempotencyKey`: a double click, a retry of a client, and a crash in between.

use serde_json::{Value, json};
use std::time::Duration;

use callboard::store::{Begun, NewAction};

use super::{World, rerun, usual};

#[tokio::test]
async fn the_same_key_gives_the_same_payload_and_sends_nothing() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    let key = "idempotencyKey: \"once\"";
    let first = world.rerun(&ids[0], key).await;
    world.asked();
    let second = world.rerun(&ids[0], key).await;
    assert_eq!(first, second);
    assert_eq!(first["auditId"], "1");
    assert_eq!(world.asked(), ["GET /runs/1"]);
    let other = world.rerun(&ids[1], key).await;
    assert_eq!(
        other["userErrors"],
        json!([{ "code": "IDEMPOTENCY_KEY_REUSED", "message": "this key was used for something else: take another one", "field": ["input", "idempotencyKey"] }])
    );
    let again = world.rerun(&ids[0], "idempotencyKey: \"twice\"").await;
    assert_eq!(again["auditId"], "2");
    // Without a key, or with an empty one, every call is one of its own.
    for (more, number) in [
        ("", "3"),
        ("", "4"),
        ("idempotencyKey: \"\"", "5"),
        ("idempotencyKey: null", "6"),
    ] {
        assert_eq!(world.rerun(&ids[0], more).await["auditId"], number);
    }
}

#[tokio::test]
async fn two_at_once_with_one_key_are_one() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    world
        .upstream
        .answer(|asked| usual(asked).after(Duration::from_millis(50)));
    let query = rerun(&ids[0], "idempotencyKey: \"click\"");
    let (one, two) = tokio::join!(world.ask(&query), world.ask(&query));
    let codes = |json: &Value| json["data"]["rerunCiRun"]["userErrors"][0]["code"].clone();
    let mut codes = [codes(&one), codes(&two)];
    codes.sort_by_key(Value::is_string);
    assert_eq!(codes, [Value::Null, "UNKNOWN_OUTCOME".into()]);
    let sent = world.asked();
    assert_eq!(
        sent.iter().filter(|line| line.starts_with("POST")).count(),
        1,
        "{sent:?}"
    );
}

/// As after kill -9 between the request and its answer.
#[tokio::test]
async fn a_key_whose_action_never_ended_says_so() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    let new = NewAction {
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
        viewer: String::new(),
        action: "Mutation.rerunCiRun".to_owned(),
        arguments: json!({ "id": ids[0] }),
        connector: "probe".to_owned(),
        instance: "default".to_owned(),
        subject: Some(ids[0].clone()),
        entity_ref: None,
        idempotency_key: Some("lost".to_owned()),
    };
    assert_eq!(world.store.begin_action(&new).await.unwrap(), Begun::New(1));
    world.asked();
    let payload = world.rerun(&ids[0], "idempotencyKey: \"lost\"").await;
    assert_eq!(
        payload["userErrors"],
        json!([{
            "code": "UNKNOWN_OUTCOME",
            "message": "an action with this key was begun, and it is not known whether it was done: look at the object, and take another key to do it again",
            "field": ["input", "idempotencyKey"]
        }])
    );
    assert_eq!(world.asked(), [""; 0]);
}

/// The audit is kept so long and no longer, and so is what keys stand for.
#[tokio::test]
async fn the_audit_is_forgotten_after_its_time() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    let key = "idempotencyKey: \"once\"";
    assert_eq!(world.rerun(&ids[0], key).await["auditId"], "1");
    let forget = |before: &str| world.store.expire_actions(before.parse().unwrap());
    assert_eq!(forget("2026-03-01T12:00:00Z").await.unwrap(), 0);
    assert_eq!(world.rerun(&ids[0], key).await["auditId"], "1");
    assert_eq!(forget("2026-03-01T12:00:01Z").await.unwrap(), 1);
    assert_eq!(world.audit("id").await, [""; 0]);
    let later = world.rerun(&ids[0], key).await;
    assert_eq!(later["auditId"], "2");
    assert_eq!(later["userErrors"], json!([]));
}
