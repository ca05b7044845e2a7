//! The audit: written before and after, and one row for each key.

use callboard::store::{ActionOutcome, Begun, NewAction, Store, StoredAction};
use serde_json::json;

use crate::support::postgres::Postgres;

fn action(key: Option<&str>) -> NewAction {
    NewAction {
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
        viewer: "ada".to_owned(),
        action: "Mutation.ring".to_owned(),
        arguments: json!({ "bell": "\u{e9} ' \" \\" }),
        connector: "bell".to_owned(),
        instance: "default".to_owned(),
        subject: None,
        entity_ref: Some("component:default/tower".to_owned()),
        idempotency_key: key.map(str::to_owned),
    }
}

async fn check(url: &str) {
    let store = Store::open(url).await.unwrap();
    assert_eq!(
        store.begin_action(&action(None)).await.unwrap(),
        Begun::New(1)
    );
    assert_eq!(
        store.begin_action(&action(None)).await.unwrap(),
        Begun::New(2)
    );
    let keyed = action(Some("k"));
    let Begun::New(number) = store.begin_action(&keyed).await.unwrap() else {
        panic!("the key is new");
    };
    let pending = StoredAction {
        id: number,
        arguments: keyed.arguments.clone(),
        outcome: ActionOutcome::Pending,
        payload: None,
    };
    assert_eq!(
        store.begin_action(&keyed).await.unwrap(),
        Begun::Known(pending.clone())
    );
    let (payload, now) = (json!({ "rung": true }), keyed.at);
    let ended = store.end_action(
        number,
        now,
        ActionOutcome::Unknown,
        Some("UPSTREAM_TIMEOUT"),
        &payload,
    );
    ended.await.unwrap();
    let known = StoredAction {
        outcome: ActionOutcome::Unknown,
        payload: Some(payload),
        ..pending
    };
    // Another connection sees it, as after a restart.
    store.close().await.unwrap();
    let store = Store::open(url).await.unwrap();
    assert_eq!(
        store.begin_action(&keyed).await.unwrap(),
        Begun::Known(known)
    );
    // Keys are the caller's own, and the action's.
    let other = NewAction {
        viewer: "bob".to_owned(),
        ..keyed.clone()
    };
    assert!(matches!(
        store.begin_action(&other).await.unwrap(),
        Begun::New(_)
    ));
    let other = NewAction {
        action: "Mutation.mute".to_owned(),
        ..keyed.clone()
    };
    assert!(matches!(
        store.begin_action(&other).await.unwrap(),
        Begun::New(_)
    ));
    // The longest key that is let in, and text that only JSON can say.
    let longest = NewAction {
        arguments: json!({ "bell": "\0" }),
        ..action(Some(&"\u{1f514}".repeat(255)))
    };
    let Begun::New(number) = store.begin_action(&longest).await.unwrap() else {
        panic!("the key is new");
    };
    match store.begin_action(&longest).await.unwrap() {
        Begun::Known(known) => assert_eq!((known.id, known.arguments), (number, longest.arguments)),
        Begun::New(_) => panic!("the key is known"),
    }
    // Of many at once with one key one begins.
    let click = action(Some("click"));
    let all = (0..8).map(|_| store.begin_action(&click));
    let all = futures_util::future::join_all(all).await;
    let n_new = all
        .iter()
        .filter(|begun| matches!(begun, Ok(Begun::New(_))))
        .count();
    assert_eq!(n_new, 1, "{all:?}");
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check(&format!(
        "sqlite:{}",
        folder.path().join("audit.db").display()
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    check(&postgres.database("audit").await).await;
}
