//! What upstreams do on bad days: the right code at the right path, nothing else touched, nothing told, and all well afterwards.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use callboard::simulate::Fault;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::stage::{Stage, WITNESS};
use crate::support::log::Log;

/// Everything that is kept is over after this time.
const LONG: Duration = Duration::from_secs(40 * 24 * 3600);
/// How long a query may take, and an attempt at the upstream.
const DEADLINE: Duration = Duration::from_secs(6);
const TIMEOUT: &str = "2s";

/// What an upstream, or the way to it, does.
#[derive(Clone, Debug)]
enum Evil {
    Answers(Fault),
    /// Nobody listens at its port.
    NobodyThere,
    /// Its name has no address.
    NoName,
}

fn status(status: u16) -> Evil {
    asked_to_wait(status, None)
}

fn asked_to_wait(status: u16, retry_after: Option<&str>) -> Evil {
    Evil::Answers(Fault::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
    })
}

/// Every fault with the code that is due.
fn evils() -> Vec<(&'static str, Evil, &'static str)> {
    use Evil::Answers;
    let to = |to: &str| Answers(Fault::Redirect { to: to.to_owned() });
    vec![
        (
            "connection refused",
            Evil::NobodyThere,
            "UPSTREAM_UNAVAILABLE",
        ),
        ("DNS failure", Evil::NoName, "UPSTREAM_UNAVAILABLE"),
        (
            "10 s latency",
            Answers(Fault::Delay(Duration::from_secs(10))),
            "UPSTREAM_TIMEOUT",
        ),
        ("black hole", Answers(Fault::Silence), "UPSTREAM_TIMEOUT"),
        (
            "reset mid-body",
            Answers(Fault::Reset),
            "UPSTREAM_UNAVAILABLE",
        ),
        (
            "truncated JSON",
            Answers(Fault::Truncated),
            "UPSTREAM_BAD_SHAPE",
        ),
        ("garbage", Answers(Fault::Garbage), "UPSTREAM_BAD_SHAPE"),
        ("HTML with 200", Answers(Fault::Html), "UPSTREAM_BAD_SHAPE"),
        ("401", status(401), "UPSTREAM_UNAUTHORIZED"),
        ("403", status(403), "UPSTREAM_UNAUTHORIZED"),
        ("404", status(404), "UPSTREAM_NOT_FOUND"),
        ("429", status(429), "UPSTREAM_RATE_LIMITED"),
        (
            "429 in seconds",
            asked_to_wait(429, Some("1")),
            "UPSTREAM_RATE_LIMITED",
        ),
        // The clock of the stages stands still behind this date.
        (
            "429 with a date",
            asked_to_wait(429, Some("Mon, 02 Mar 2026 09:00:01 GMT")),
            "UPSTREAM_RATE_LIMITED",
        ),
        ("500", status(500), "UPSTREAM_UNAVAILABLE"),
        ("503", status(503), "UPSTREAM_UNAVAILABLE"),
        (
            "503 for a second",
            asked_to_wait(503, Some("1")),
            "UPSTREAM_UNAVAILABLE",
        ),
        (
            "endless body",
            Answers(Fault::Endless),
            "UPSTREAM_BAD_SHAPE",
        ),
        (
            "redirect elsewhere",
            to("http://elsewhere.test/"),
            "UPSTREAM_UNAVAILABLE",
        ),
        (
            "redirect to metadata",
            to("http://169.254.169.254/latest/meta-data"),
            "UPSTREAM_UNAVAILABLE",
        ),
    ]
}

#[tokio::test]
async fn every_connector_survives_every_fault() {
    let log = Log::default();
    let _guard = log.start();
    // One attempt each, and the breaker stays out of it: both have their tests in `egress`.
    let limits = json!({ "timeout": TIMEOUT, "retries": 0, "breakerErrors": 10_000, "perMinute": 1_000_000, "maxBytes": "32KB" });
    let mut stages = Stage::all(&limits).await;
    let mut well = Vec::new();
    for stage in &mut stages {
        stage.alone.time = DEADLINE;
        stage.beside.time = DEADLINE;
        well.push(Well::of(stage).await);
    }
    log.take();
    let mut wrong = Vec::new();
    for (name, evil, code) in evils() {
        let each = stages.iter_mut().zip(&well);
        let told = join_all(each.map(|(stage, well)| suffer(stage, well, &evil, code))).await;
        let logged = log.take();
        // The servers of the test log here as well.
        let logged = logged
            .lines()
            .filter(|line| !line.contains(" axum::serve: "));
        let logged = logged.collect::<Vec<_>>().join("\n");
        for (stage, found) in stages.iter().zip(told) {
            let leaked = leaks(stage, &logged).map(|what| format!("the log tells of {what}"));
            let found = found.into_iter().chain(leaked);
            wrong.extend(found.map(|what| format!("{}, {name}: {what}", stage.name())));
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is answered while nothing is wrong.
struct Well {
    example: Value,
    beside: Value,
}

impl Well {
    async fn of(stage: &Stage) -> Self {
        let well = Self {
            example: stage.ask().await,
            beside: stage.ask_beside().await,
        };
        assert_eq!(well.beside.get("errors"), None, "{}", stage.name());
        well
    }
}

/// What is wrong with what is told while the upstream is as `evil` says, and afterwards.
async fn suffer(stage: &mut Stage, well: &Well, evil: &Evil, code: &str) -> Vec<String> {
    stage.settle().await;
    stage.pass(LONG);
    switch(stage, evil, true).await;
    let mut found = Vec::new();
    let started = Instant::now();
    let (example, beside) = join(stage.ask(), stage.ask_beside()).await;
    if started.elapsed() > DEADLINE + Duration::from_secs(1) {
        found.push(format!("it took {:?}", started.elapsed()));
    }
    found.extend(judge(stage, &well.example, &example, code));
    found.extend(judge(stage, &well.beside, &beside, code));
    found.extend(intact(stage, &well.beside, &beside, code));
    switch(stage, evil, false).await;
    found.extend(recovers(stage, well).await);
    found
}

async fn switch(stage: &mut Stage, evil: &Evil, on: bool) {
    match evil {
        Evil::Answers(fault) => stage.upstream.set_fault(on.then(|| fault.clone())),
        Evil::NobodyThere if on => stage.gate.close().await,
        Evil::NobodyThere => stage.gate.open_again().await,
        Evil::NoName => {
            stage.names.switch(!on);
            // A connection that is open needs no name.
            stage.gate.close().await;
            stage.gate.open_again().await;
        }
    }
}

/// As before, once what was put off for a moment is over; what is not there is kept for a short while.
async fn recovers(stage: &Stage, well: &Well) -> Option<String> {
    let started = Instant::now();
    loop {
        stage.pass(Duration::from_secs(120));
        let now = join(stage.ask(), stage.ask_beside()).await;
        let data = [&well.example, &now.0, &well.beside, &now.1].map(without_states);
        if data[0] == data[1] && data[2] == data[3] {
            return None;
        }
        if started.elapsed() > Duration::from_secs(10) {
            return Some(format!("it does not recover: {} {}", now.0, now.1));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether a value is fresh or stale by now is not what matters.
fn without_states(told: &Value) -> Value {
    let mut told = told.clone();
    if let Some(nodes) = told
        .pointer_mut("/data/entities/nodes")
        .and_then(Value::as_array_mut)
    {
        nodes
            .iter_mut()
            .for_each(|node| drop(node.as_object_mut().unwrap().remove("live")));
    }
    told
}

/// Each loss has an error with the code at its path, no error is anything else, and nothing is told that is nobody's business.
fn judge(stage: &Stage, well: &Value, told: &Value, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let errors = told["errors"].as_array().cloned().unwrap_or_default();
    for error in &errors {
        let extensions = &error["extensions"];
        if extensions["code"] != code || extensions["connector"] != *stage.connector {
            found.push(format!("an error of another kind: {error}"));
        }
        if code == "UPSTREAM_RATE_LIMITED" && !extensions["retryAfter"].is_u64() {
            found.push(format!("an error without `retryAfter`: {error}"));
        }
    }
    let mut lost = Vec::new();
    losses(
        &well["data"],
        &told["data"],
        &mut Vec::new(),
        &mut lost,
        &mut found,
    );
    let paths: BTreeSet<String> = errors.iter().map(|e| e["path"].to_string()).collect();
    for path in lost {
        let text = Value::from(path.clone()).to_string();
        // Where nothing is there, null is the answer, and `live` says so.
        if !paths.contains(&text) && code != "UPSTREAM_NOT_FOUND" {
            found.push(format!("no error for what is lost at {text}"));
        }
    }
    let text = told.to_string();
    found.extend(leaks(stage, &text).map(|what| format!("the response tells of {what}")));
    found
}

/// Where `told` has less than `well`; anything else that differs is wrong.
fn losses(
    well: &Value,
    told: &Value,
    path: &mut Vec<Value>,
    lost: &mut Vec<Vec<Value>>,
    wrong: &mut Vec<String>,
) {
    match (well, told) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, before) in before {
                // The states are judged by themselves, and a page that lost rows has another cursor.
                if ["live", "pageInfo"].contains(&name.as_str()) {
                    continue;
                }
                path.push(name.as_str().into());
                losses(
                    before,
                    after.get(name).unwrap_or(&Value::Null),
                    path,
                    lost,
                    wrong,
                );
                path.pop();
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (position, (before, after)) in before.iter().zip(after).enumerate() {
                path.push(position.into());
                losses(before, after, path, lost, wrong);
                path.pop();
            }
        }
        // A list without what one provider would have brought; its field has the error.
        (Value::Array(before), Value::Array(after))
            if after.iter().all(|it| before.contains(it)) =>
        {
            let mut field = path.clone();
            field.pop();
            lost.push(field);
        }
        (before, after) if before == after => {}
        (_, Value::Null) => lost.push(path.clone()),
        // The first provider failed, and the next one stands in.
        (_, Value::String(other)) if other == WITNESS => {
            let mut field = path.clone();
            field.pop();
            lost.push(field);
        }
        (before, after) => wrong.push(format!("{before} became {after}")),
    }
}

/// The catalog's part is there, and so is what the other provider gives; `live` has the reason.
fn intact(stage: &Stage, well: &Value, told: &Value, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let nodes = |told: &Value| {
        told["data"]["entities"]["nodes"]
            .as_array()
            .unwrap()
            .clone()
    };
    let (well, told) = (nodes(well), nodes(told));
    assert_eq!(told.len(), stage.example.entities.len());
    for (well, node) in well.iter().zip(&told) {
        for (field, list) in &stage.supplied {
            let witness = json!({ "provider": WITNESS });
            let expected = match list {
                true => json!({ "nodes": [witness, witness] }),
                false => witness,
            };
            if node[field] != expected {
                found.push(format!(
                    "`{field}` of the other provider is {}",
                    node[field]
                ));
            }
        }
        let states = |node: &Value| node["live"].as_array().unwrap().clone();
        for (well, state) in states(well).into_iter().zip(states(node)) {
            let own = state["connector"] == *stage.connector;
            let bad = match state["state"].as_str().unwrap() {
                "FAILED" => state["code"] != code,
                "NOT_FOUND" => code != "UPSTREAM_NOT_FOUND" && state != well,
                "FRESH" | "STALE" => own,
                _ => false,
            };
            if bad {
                found.push(format!("it says {state}"));
            }
        }
    }
    found
}

/// Where the upstream is, what we prove ourselves with, and what it said.
fn leaks<'t>(stage: &'t Stage, text: &'t str) -> impl Iterator<Item = String> + 't {
    let words = [
        super::stage::HOST,
        "127.83.",
        "127.0.0.1",
        "elsewhere.test",
        "169.254",
        "meta-data",
        "not JSON at all",
        "Please sign in",
        "the simulated upstream says no",
        "Bearer ",
        "Basic ",
    ];
    let words = words.into_iter().map(str::to_owned);
    let all = words.chain(stage.secrets.iter().cloned());
    all.filter(|word| text.contains(word.as_str()))
}
