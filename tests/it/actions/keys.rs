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
    // Without a key every call is one of its own.
    for (more, number) in [("", "3"), ("", "4"), ("idempotencyKey: null", "5")] {
        assert_eq!(world.rerun(&ids[0], more).await["auditId"], number);
    }
}

/// All that databases keep and compare, and nothing that one of them does not.
#[tokio::test]
async fn a_key_has_a_limit_and_is_a_text() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    let longest = "\u{1f511}".repeat(255);
    for key in ["0", "a b", " \u{2003}x", "'; --", &longest] {
        let more = format!("idempotencyKey: {}", json!(key));
        let first = world.rerun(&ids[0], &more).await;
        assert_eq!(first["userErrors"], json!([]), "{key:?}");
        assert_eq!(world.rerun(&ids[0], &more).await, first, "{key:?}");
    }
    let n_sent = |asked: Vec<String>| asked.iter().filter(|one| one.starts_with("POST")).count();
    assert_eq!(n_sent(world.asked()), 5);
    // Every kind of white space that Unicode has.
    let all = '\0'..=char::MAX;
    let blanks: Vec<String> = all
        .filter(|one| one.is_whitespace())
        .map(String::from)
        .collect();
    assert_eq!(blanks.len(), 25);
    let blank =
        "`idempotencyKey` is empty: give a text of your own, such as a UUID, or leave it out";
    let control = |at: usize| {
        format!(
            "`idempotencyKey` has a control character, its character {at}: take letters and digits, such as a UUID"
        )
    };
    let long = |n: usize| {
        format!("`idempotencyKey` has {n} characters, and at most 255 are taken: a UUID has 36")
    };
    let mut bad = vec![
        (String::new(), blank.to_owned()),
        (blanks.concat(), blank.to_owned()),
        ("a\0b".to_owned(), control(2)),
        ("\u{e9}\r\nx".to_owned(), control(2)),
        ("\u{9f}".to_owned(), control(1)),
        (format!("{longest}x"), long(256)),
        ("x".repeat(200_000), long(200_000)),
    ];
    bad.extend(blanks.into_iter().map(|one| (one, blank.to_owned())));
    for (key, message) in bad {
        let payload = world
            .rerun(&ids[0], &format!("idempotencyKey: {}", json!(key)))
            .await;
        let error = json!({ "code": "BAD_USER_INPUT", "message": message, "field": ["input", "idempotencyKey"] });
        assert_eq!(payload["userErrors"], json!([error]));
        assert_eq!(payload["auditId"], Value::Null);
    }
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(world.audit("id").await.len(), 5);
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
