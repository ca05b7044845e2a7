//! One value of another type costs its own field, never its object, and is never told.

use std::time::Duration;

use callboard::simulate::Fault;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_type_costs_its_own_field() {
    let limits = json!({ "retries": 0, "breakerErrors": 10_000, "perMinute": 1_000_000 });
    let stages = Stage::all(&limits).await;
    let found = join_all(stages.iter().map(all_leaves)).await;
    let found: Vec<String> = found.into_iter().flatten().collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What is wrong with the answers in which one leaf after the other is of another type.
async fn all_leaves(stage: &Stage) -> Vec<String> {
    let well = stage.ask().await;
    assert_eq!(well.get("errors"), None, "{}", stage.name());
    let replies = stage.example.upstream.iter();
    let n_leaves = replies.map(|reply| count(&reply.body)).max().unwrap();
    let mut found = Vec::new();
    let mut n_noticed = 0;
    for leaf in 0..n_leaves {
        stage.pass(Duration::from_secs(40 * 24 * 3600));
        stage.upstream.set_fault(Some(Fault::WrongType { leaf }));
        let told = stage.ask().await;
        let wrong = judge(stage, &well, &told);
        n_noticed += usize::from(told != well);
        found.extend(
            wrong
                .into_iter()
                .map(|what| format!("{}, leaf {leaf}: {what}", stage.name())),
        );
    }
    if n_noticed == 0 {
        found.push(format!(
            "{}: nothing was noticed of {n_leaves} wrong values",
            stage.name()
        ));
    }
    stage.upstream.set_fault(None);
    stage.pass(Duration::from_secs(40 * 24 * 3600));
    let after = stage.ask().await;
    if after != well {
        found.push(format!("{} does not recover: {after}", stage.name()));
    }
    found
}

fn count(body: &Value) -> usize {
    match body {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 1,
    }
}

/// Connections of entities that have fewer objects than they had.
fn fewer(well: &Value, told: &Value, path: &mut Vec<Value>, lost: &mut impl FnMut(&[Value])) {
    match well {
        Value::Object(members) => {
            for (name, well) in members {
                let told = &told[name];
                path.push(name.as_str().into());
                let n_objects = |list: &Value| {
                    let items = list.as_array()?.iter();
                    Some(items.filter(|item| !item.is_null()).count())
                };
                match (name.as_str(), n_objects(well)) {
                    // An upstream that no longer says which object is meant has no list of it.
                    ("nodes", Some(before)) if n_objects(told).is_some_and(|now| now < before) => {
                        lost(path);
                    }
                    _ => fewer(well, told, path, lost),
                }
                path.pop();
            }
        }
        Value::Array(items) if path.len() < 3 => {
            for (position, well) in items.iter().enumerate() {
                path.push(position.into());
                fewer(well, &told[position], path, lost);
                path.pop();
            }
        }
        _ => {}
    }
}

fn judge(stage: &Stage, well: &Value, told: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for error in told["errors"].as_array().into_iter().flatten() {
        let extensions = &error["extensions"];
        if extensions["code"] != "UPSTREAM_BAD_SHAPE" || extensions["connector"] != *stage.connector
        {
            found.push(format!("an error of another kind: {error}"));
        }
    }
    let errors = told["errors"].to_string();
    let mut path = Vec::new();
    fewer(&well["data"], &told["data"], &mut path, &mut |path| {
        let shown = Value::from(path.to_vec()).to_string();
        let shown = shown.trim_end_matches(']');
        // A row that no longer says whose it is belongs to nobody.
        if !stage.matches_rows && !errors.contains(shown) {
            found.push(format!(
                "{shown} has lost something without an error: {told}"
            ));
        }
    });
    if errors.contains("unexpected") {
        found.push(format!("an error tells what came: {errors}"));
    }
    found
}
