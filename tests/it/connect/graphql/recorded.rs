//! What GitHub really sent goes through the built-in connector: no object is lost, and no value fails to fit its field.
//!
//! The files are other people's and stay outside of the repository: `../shared/contracts`, or the folder that `CALLBOARD_SHARED` names.
//! Runs, jobs and people come over GitHub's REST API, so recorded ones are played as they are: people of all recorded traffic, runs and jobs of the deliveries, which hold them as the API does.
//! Repositories, issues, pull requests, releases, commits and statuses come over its GraphQL API, which names everything otherwise; recordings of the REST API say nothing of how those decode.
//! That every document fits the published schema is what [`valid`](super::valid) looks at.

use std::path::{Path, PathBuf};

use callboard::config::process_environment;
use serde_json::{Value, json};

use super::figures::{BuiltIn, component};
use crate::support::say;

fn recorded() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = process_environment("CALLBOARD_SHARED").map(PathBuf::from);
    let folder = named.unwrap_or(beside).join("contracts/github");
    folder.is_dir().then_some(folder)
}

/// All JSON files below a folder.
fn files(folder: &Path, found: &mut Vec<Value>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            // Some recorded bodies are files of a repository.
            found.extend(serde_json::from_str::<Value>(&text));
        }
    }
}

/// Everything within `value` that is an account.
fn people(value: &Value, found: &mut Vec<Value>) {
    let has = |name: &str| value.get(name).is_some();
    if has("login") && has("avatar_url") && has("html_url") && !found.contains(value) {
        found.push(value.clone());
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| people(item, found)),
        Value::Object(members) => members.values().for_each(|member| people(member, found)),
        _ => {}
    }
}

/// What deliveries of an event hold under a name.
fn delivered(folder: &Path, name: &str) -> Vec<Value> {
    let mut all = Vec::new();
    files(&folder.join("webhooks"), &mut all);
    let found = all.iter().filter_map(|delivery| delivery.get(name));
    found.filter(|found| found.is_object()).cloned().collect()
}

/// A repository in which all of them are.
fn example(people: &[Value], runs: &[Value], jobs: &[Value]) -> String {
    let mut upstream = vec![
        json!({
            "graphql": "repository", "when": { "arguments": { "owner": "octo-org", "name": "octo-repo" } },
            "body": { "__typename": "Repository", "id": "R_1", "nameWithOwner": "octo-org/octo-repo" },
        }),
        json!({
            "get": "/repos/octo-org/octo-repo/contributors", "rows": { "at": "$[]", "page": { "style": "LINK" } }, "body": people,
        }),
        json!({
            "get": "/repos/octo-org/octo-repo/actions/runs", "rows": { "at": "workflow_runs[]", "page": { "style": "LINK" } },
            "body": { "total_count": runs.len(), "workflow_runs": runs },
        }),
    ];
    for run in runs {
        let of = run["repository"]["full_name"].as_str().unwrap();
        let path = format!("/repos/{of}/actions/runs/{}/jobs", run["id"]);
        if upstream.iter().all(|entry| entry["get"] != *path) {
            upstream.push(json!({
                "get": path, "rows": { "at": "jobs[]", "page": { "style": "LINK" } },
                "body": { "total_count": jobs.len(), "jobs": jobs },
            }));
        }
    }
    json!({
        "query": "{ __typename }", "expect": { "data": {} },
        "settings": { "secrets": { "token": "not-a-real-token" } }, "upstream": upstream,
    })
    .to_string()
}

const QUERY: &str = "{ component(ref: \"octo\") {
    githubRepository { contributors(first: 100) { nodes { id login url avatarUrl email } complete } }
    ciRuns(first: 100) { complete nodes {
        id number name workflow status event branch commit commitMessage createdAt startedAt finishedAt logUrl url
        author { login avatarUrl }
        jobs(first: 100) { nodes { id name status startedAt finishedAt logUrl progress { done total }
            ... on GitHubJob { steps { number name status startedAt finishedAt } } } }
        ... on GitHubWorkflowRun { commitAuthor { name email } }
    } }
} }";

#[tokio::test]
async fn recorded_traffic_decodes_without_a_lost_object() {
    let Some(folder) = recorded() else {
        say(
            "SKIPPED: no recorded traffic in ../shared/contracts (CALLBOARD_SHARED names another folder)",
        );
        return;
    };
    let (mut all, mut accounts) = (Vec::new(), Vec::new());
    files(&folder.join("recorded"), &mut all);
    files(&folder.join("recorded-wiremock"), &mut all);
    all.iter().for_each(|value| people(value, &mut accounts));
    let mut runs = delivered(&folder, "workflow_run");
    // Deliveries about deployments hold a part of one.
    runs.retain(|run| run["repository"].is_object());
    let jobs = delivered(&folder, "workflow_job");
    assert!(
        accounts.len() >= 8 && runs.len() >= 4 && jobs.len() >= 7,
        "{} accounts, {} runs, {} jobs",
        accounts.len(),
        runs.len(),
        jobs.len()
    );
    let world = BuiltIn::start(
        &example(&accounts, &runs, &jobs),
        &component("octo", "octo-org/octo-repo"),
    )
    .await;
    let (json, _) = world.engine.json(QUERY, Value::Null).await;
    assert_eq!(json.get("errors"), None, "{json}");
    let told = &json["data"]["component"];
    assert!(told["githubRepository"].is_object(), "{json}");

    let shown = told["githubRepository"]["contributors"]["nodes"].as_array();
    let same = |shown: &Value, name: &str, sent: &Value, member: &str| {
        assert_eq!(shown[name], sent[member], "{name} of {sent}");
    };
    for (shown, sent) in shown.unwrap().iter().zip(&accounts) {
        same(shown, "login", sent, "login");
        same(shown, "url", sent, "html_url");
        same(shown, "avatarUrl", sent, "avatar_url");
    }
    assert_eq!(shown.unwrap().len(), accounts.len());

    // They are shown newest first.
    let shown = told["ciRuns"]["nodes"].as_array().unwrap();
    assert_eq!(shown.len(), runs.len());
    for run in shown {
        let sent = runs
            .iter()
            .find(|sent| sent["run_number"] == run["number"] && sent["head_sha"] == run["commit"]);
        let sent = sent.unwrap_or_else(|| panic!("{run}"));
        same(run, "workflow", sent, "name");
        same(run, "event", sent, "event");
        same(run, "branch", sent, "head_branch");
        same(run, "url", sent, "html_url");
        let actors = [&sent["triggering_actor"]["login"], &sent["actor"]["login"]];
        assert!(actors.contains(&&run["author"]["login"]), "{run}");
        assert_eq!(
            run["commitAuthor"]["email"],
            sent["head_commit"]["author"]["email"]
        );
        assert!(
            run["status"].is_string() && run["status"] != "UNKNOWN",
            "{run}"
        );
        let shown = run["jobs"]["nodes"].as_array().unwrap();
        assert_eq!(shown.len(), jobs.len());
        for (job, sent) in shown.iter().zip(&jobs) {
            same(job, "name", sent, "name");
            same(job, "startedAt", sent, "started_at");
            same(job, "finishedAt", sent, "completed_at");
            assert!(
                job["status"].is_string() && job["status"] != "UNKNOWN",
                "{job}"
            );
            let steps = sent["steps"].as_array().map_or(0, Vec::len);
            assert_eq!(job["steps"].as_array().map_or(0, Vec::len), steps);
            let is_told = |step: &Value| step["status"].is_string() && step["status"] != "UNKNOWN";
            assert!(
                job["steps"].as_array().into_iter().flatten().all(is_told),
                "{job}"
            );
        }
    }
    assert_eq!(world.runtime.misfits(), []);
}
