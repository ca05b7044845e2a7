//! The actions of the built-in connectors, at upstreams that really carry them out.

use std::sync::Arc;

use callboard::app::folders;
use callboard::cache::{Cache, Settings as CacheSettings};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::example::{Example, Settings};
use callboard::connect::{Actions, LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graphql::Limits;
use callboard::sdl::Model;
use callboard::simulate::{Options, Simulated};
use callboard::store::Store;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::engine::{TestEngine, model, snapshot};

pub(super) struct Stage {
    pub(super) engine: TestEngine,
    _folder: TempDir,
    upstream: Simulated,
    _tasks: Tasks,
}

fn built_in() -> Arc<Model> {
    let folders = folders::built_in();
    let files = folders.iter().flat_map(|folder| &folder.sdl);
    let files: Vec<(&str, &str)> = files.map(|file| (&*file.path, &*file.text)).collect();
    model(&files)
}

/// A connector with its simulated upstream, and the entities of its examples.
async fn stage(connector: &str) -> Stage {
    stage_with(connector, None).await
}

/// The same with entities of a catalog instead.
pub(super) async fn stage_with(connector: &str, catalog: Option<&str>) -> Stage {
    // Only lost if another test was faster.
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = folders::built_in()
        .into_iter()
        .find(|folder| *folder.name == *connector);
    let folder = folder.unwrap();
    let examples: Vec<Example> = folder
        .examples
        .iter()
        .map(|file| Example::parse(&file.path, &file.text).0.unwrap())
        .collect();
    let model = built_in();
    let (tasks, metrics, clock) = (Tasks::new(), Metrics::default(), Clock::system());
    let options = Options::default();
    let upstream = Simulated::start(&model, connector, &examples, options, &tasks)
        .await
        .unwrap();
    let (mut settings, mut described) = (Settings::default(), String::new());
    for example in &examples {
        settings.merge(&example.settings);
        for entity in &example.entities {
            described.push_str(&format!("---\n{entity}\n"));
        }
    }
    let catalog = catalog.unwrap_or(&described);
    let settings = upstream.lead(&model, &settings).unwrap();
    let connectors = [settings.configuration(&folder.name)];
    let (config, _) = Config::defaults(std::path::Path::new("."), &|_| None);
    let cache = CacheSettings::from(&config.unwrap().cache);
    let cache = Cache::open(cache, clock, metrics.cache().clone(), &tasks).await;
    let egress = Egress::new(egress::Settings::default()).unwrap();
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("audit.db").display());
    let actions = Actions::new(Store::open(&url).await.unwrap());
    let runtime = Runtime::with_actions(
        Arc::clone(&model),
        &connectors,
        cache,
        &egress,
        tasks.clone(),
        actions,
    );
    let live: Arc<dyn LiveSource> = Arc::new(runtime);
    let mut engine =
        TestEngine::new(snapshot(&model, catalog), Limits::default(), Some(live)).await;
    engine.may_act = true;
    Stage {
        engine,
        _folder: folder,
        upstream,
        _tasks: tasks,
    }
}

impl Stage {
    pub(super) async fn ask(&self, query: &str) -> Value {
        let (json, _) = self.engine.json(query, Value::Null).await;
        assert_eq!(json.get("errors"), None, "{query}\n{json}");
        json["data"].clone()
    }

    /// The id of the run or incident of a component that has these members.
    async fn id(&self, component: &str, list: &str, with: &str, value: &Value) -> String {
        let data = self
            .ask(&format!(
                "{{ component(ref: \"{component}\") {{ {list} {{ nodes {{ id {with} }} }} }} }}"
            ))
            .await;
        let nodes = data["component"][list]
            .get("nodes")
            .unwrap()
            .as_array()
            .unwrap();
        let found = nodes.iter().find(|node| node[with] == *value);
        found.unwrap_or_else(|| panic!("{data}"))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The states of a list by number or name.
    async fn states(&self, component: &str, list: &str, with: &str) -> Vec<String> {
        let data = self
            .ask(&format!(
                "{{ component(ref: \"{component}\") {{ {list} {{ nodes {{ {with} status }} }} }} }}"
            ))
            .await;
        let nodes = data["component"][list]["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|node| format!("{} {}", node[with], node["status"].as_str().unwrap()))
            .collect()
    }

    async fn rerun(&self, id: &str, more: &str, show: &str) -> Value {
        let query = format!(
            "mutation {{ rerunCiRun(input: {{ id: \"{id}\" {more} }}) {{ ciRun {{ status {show} }} userErrors {{ code }} }} }}"
        );
        self.ask(&query).await["rerunCiRun"].clone()
    }
}

#[tokio::test]
async fn an_incident_is_acknowledged_and_resolved() {
    let stage = stage("pagerduty").await;
    let id = stage
        .id("orders-api", "incidents", "number", &json!(412))
        .await;
    let act = |what: &str| {
        format!(
            "mutation {{ {what}(input: {{ id: \"{id}\" }}) {{ incident {{ id number status open }} userErrors {{ code }} }} }}"
        )
    };
    let data = stage.ask(&act("acknowledgeIncident")).await;
    assert_eq!(
        data["acknowledgeIncident"],
        json!({ "incident": { "id": id, "number": 412, "status": "ACKNOWLEDGED", "open": true }, "userErrors": [] })
    );
    assert_eq!(
        stage.states("orders-api", "incidents", "number").await,
        ["412 ACKNOWLEDGED", "405 RESOLVED"]
    );
    let data = stage.ask(&act("resolveIncident")).await;
    assert_eq!(
        data["resolveIncident"],
        json!({ "incident": { "id": id, "number": 412, "status": "RESOLVED", "open": false }, "userErrors": [] })
    );
    assert_eq!(
        stage.states("orders-api", "incidents", "number").await,
        ["412 RESOLVED", "405 RESOLVED"]
    );
}

#[tokio::test]
async fn failed_jobs_of_a_gitlab_pipeline_run_again() {
    let stage = stage("gitlab").await;
    let id = stage.id("stock", "ciRuns", "number", &json!(1499)).await;
    let all = stage.rerun(&id, "failedJobsOnly: false", "").await;
    assert_eq!(
        all,
        json!({ "ciRun": null, "userErrors": [{ "code": "NOT_SUPPORTED" }] })
    );
    let show = "number ... on GitLabPipeline { jobs { nodes { name status } } }";
    assert_eq!(
        stage.rerun(&id, "failedJobsOnly: true", show).await,
        json!({
            "ciRun": { "status": "RUNNING", "number": 1499, "jobs": { "nodes": [{ "name": "build", "status": "PASSED" }, { "name": "test", "status": "RUNNING" }] } },
            "userErrors": []
        })
    );
    let states = stage.states("stock", "ciRuns", "number").await;
    assert!(states.contains(&"1499 RUNNING".to_owned()), "{states:?}");
}

#[tokio::test]
async fn a_failed_workflow_of_circleci_runs_again() {
    let stage = stage("circleci").await;
    let id = stage
        .id("orders-api", "ciRuns", "number", &json!(1186))
        .await;
    let show = "number startedAt finishedAt progress { done total } ... on CircleCIPipeline { workflows { nodes { name status } } jobs { nodes { name status } } }";
    let mut payload = stage.rerun(&id, "failedJobsOnly: true", show).await;
    assert_eq!(payload["userErrors"], json!([]));
    // It began when what runs now did, and not when what failed did.
    let started = payload["ciRun"]["startedAt"].take();
    let before = stage
        .ask("{ component(ref: \"orders-api\") { ciRuns { nodes { number createdAt } } } }")
        .await;
    let runs = before["component"]["ciRuns"]["nodes"].as_array().unwrap();
    let run = runs.iter().find(|run| run["number"] == 1186).unwrap();
    assert!(
        started.as_str() > run["createdAt"].as_str(),
        "{started} {run}"
    );
    assert_eq!(
        payload["ciRun"],
        json!({
            "status": "RUNNING",
            "number": 1186,
            "startedAt": null,
            "finishedAt": null,
            "progress": { "done": 0, "total": 1 },
            "workflows": { "nodes": [{ "name": "test-and-ship", "status": "RUNNING" }] },
            "jobs": { "nodes": [{ "name": "build", "status": "PASSED" }, { "name": "test", "status": "RUNNING" }] },
        })
    );
    // What failed was replaced, and is not run once more.
    let payload = stage.rerun(&id, "failedJobsOnly: true", "").await;
    assert_eq!(payload["userErrors"], json!([{ "code": "NOT_SUPPORTED" }]));
    // Of a pipeline in which nothing failed there is nothing to run again.
    let id = stage
        .id("orders-api", "ciRuns", "number", &json!(1185))
        .await;
    let payload = stage.rerun(&id, "failedJobsOnly: true", "").await;
    assert_eq!(payload["userErrors"], json!([{ "code": "NOT_SUPPORTED" }]));
}

#[tokio::test]
async fn jenkins_builds_a_job_again() {
    let stage = stage("jenkins").await;
    let id = stage
        .id("ledger", "ciRuns", "name", &json!("payments » ledger #208"))
        .await;
    let failed = stage.rerun(&id, "failedJobsOnly: true", "").await;
    assert_eq!(
        failed,
        json!({ "ciRun": null, "userErrors": [{ "code": "NOT_SUPPORTED" }] })
    );
    assert_eq!(
        stage.rerun(&id, "", "name workflow").await,
        json!({ "ciRun": { "status": "RUNNING", "name": "payments » ledger #209", "workflow": "payments/ledger" }, "userErrors": [] })
    );
    assert_eq!(
        stage.states("ledger", "ciRuns", "name").await,
        [
            "\"payments » ledger #209\" RUNNING",
            "\"payments » ledger #208\" FAILED",
            "\"payments » ledger #207\" PASSED"
        ]
    );
}

#[tokio::test]
async fn failed_jobs_of_a_github_run_run_again() {
    let stage = stage("github").await;
    let id = stage
        .id("payments-api", "ciRuns", "number", &json!(1203))
        .await;
    let show = "number ... on GitHubWorkflowRun { jobs { nodes { name status } } }";
    assert_eq!(
        stage.rerun(&id, "failedJobsOnly: true", show).await,
        json!({
            "ciRun": { "status": "QUEUED", "number": 1203, "jobs": { "nodes": [{ "name": "lint", "status": "PASSED" }, { "name": "unit", "status": "QUEUED" }] } },
            "userErrors": []
        })
    );
    assert_eq!(
        stage.states("payments-api", "ciRuns", "number").await,
        ["1204 RUNNING", "1203 QUEUED"]
    );
}

#[tokio::test]
async fn all_of_a_github_run_runs_again_unless_it_still_runs() {
    let stage = stage("github").await;
    let id = stage
        .id("payments-api", "ciRuns", "number", &json!(1203))
        .await;
    let show = "number ... on GitHubWorkflowRun { jobs { nodes { name status } } }";
    assert_eq!(
        stage.rerun(&id, "", show).await,
        json!({
            "ciRun": { "status": "QUEUED", "number": 1203, "jobs": { "nodes": [{ "name": "lint", "status": "QUEUED" }, { "name": "unit", "status": "QUEUED" }] } },
            "userErrors": []
        })
    );
    let id = stage
        .id("payments-api", "ciRuns", "number", &json!(1204))
        .await;
    let refused = stage.rerun(&id, "", "").await;
    assert_eq!(
        refused,
        json!({ "ciRun": { "status": "RUNNING" }, "userErrors": [{ "code": "UPSTREAM_UNAUTHORIZED" }] })
    );
    // GitHub says the same of a run that goes on as of a right that is missing.
    let query = format!(
        "mutation {{ rerunCiRun(input: {{ id: \"{id}\" }}) {{ userErrors {{ message }} }} }}"
    );
    let told = stage.ask(&query).await;
    let message = told["rerunCiRun"]["userErrors"][0]["message"].as_str();
    let message = message.unwrap_or_default();
    assert!(
        message.ends_with("it may not do this, or this is in no state for it"),
        "{message}"
    );
}

#[tokio::test]
async fn failed_jobs_of_a_buildkite_build_run_again() {
    let stage = stage("buildkite").await;
    let id = stage
        .id("storefront-web", "ciRuns", "number", &json!(811))
        .await;
    let show =
        "number progress { done total } ... on BuildkiteBuild { jobs { nodes { name status } } }";
    let job = |name: &str, status: &str| json!({ "name": name, "status": status });
    assert_eq!(
        stage.rerun(&id, "failedJobsOnly: true", show).await,
        json!({
            "ciRun": {
                "status": "RUNNING",
                "number": 811,
                "progress": { "done": 3, "total": 5 },
                "jobs": { "nodes": [
                    job("end to end", "QUEUED"), job("accessibility", "QUEUED"),
                    job("end to end", "FAILED"), job("accessibility", "FAILED"), job("build", "PASSED"),
                ] },
            },
            "userErrors": []
        })
    );
    assert_eq!(
        stage.states("storefront-web", "ciRuns", "number").await,
        ["812 RUNNING", "811 RUNNING", "810 PASSED"]
    );
}

#[tokio::test]
async fn a_buildkite_build_is_built_again_as_another_one() {
    let stage = stage("buildkite").await;
    let id = stage
        .id("storefront-web", "ciRuns", "number", &json!(811))
        .await;
    assert_eq!(
        stage.rerun(&id, "", "number branch").await,
        json!({ "ciRun": { "status": "QUEUED", "number": 813, "branch": "baskets-that-stay" }, "userErrors": [] })
    );
    assert_eq!(
        stage.states("storefront-web", "ciRuns", "number").await,
        ["813 QUEUED", "812 RUNNING", "811 FAILED", "810 PASSED"]
    );
    // One that passed is built again as well, as often as one likes, and so is what came of that.
    let mut id = stage.id("search", "ciRuns", "number", &json!(377)).await;
    for number in [378, 379] {
        let again = stage.rerun(&id, "", "number branch id").await;
        let run = &again["ciRun"];
        assert_eq!(again["userErrors"], json!([]));
        assert_eq!(
            (&run["number"], &run["branch"]),
            (&json!(number), &json!("main"))
        );
        id = run["id"].as_str().unwrap().to_owned();
    }
    assert_eq!(
        stage.states("search", "ciRuns", "number").await,
        ["379 QUEUED", "378 QUEUED", "377 PASSED"]
    );
    // No job of it failed.
    let refused = stage.rerun(&id, "failedJobsOnly: true", "").await;
    assert_eq!(
        refused,
        json!({ "ciRun": null, "userErrors": [{ "code": "UPSTREAM_NOT_FOUND" }] })
    );
}

/// How far a run has come is counted over the jobs that are listed beside it.
/// The new build is known by the payload alone, and what is done to it makes the pipeline's builds stale all the same.
#[tokio::test]
async fn a_build_that_only_a_payload_showed_knows_its_pipeline() {
    let stage = stage("buildkite").await;
    let id = stage
        .id("storefront-web", "ciRuns", "number", &json!(811))
        .await;
    let payload = stage.rerun(&id, "", "id").await;
    let id = payload["ciRun"]["id"].as_str().unwrap().to_owned();
    // A list that is kept.
    stage.states("storefront-web", "ciRuns", "number").await;
    stage.upstream.forget();
    stage.states("storefront-web", "ciRuns", "number").await;
    assert_eq!(stage.upstream.requests(), [].into());
    stage.rerun(&id, "", "").await;
    stage.upstream.forget();
    stage.states("storefront-web", "ciRuns", "number").await;
    let asked = stage.upstream.requests();
    assert!(!asked.is_empty(), "what was kept was shown again");
}

#[tokio::test]
async fn jobs_and_progress_of_a_github_run_are_one_request() {
    let stage = stage("github").await;
    let data = stage
        .ask("{ component(ref: \"payments-api\") { ciRuns { nodes { number progress { done total } jobs { nodes { name } } few: jobs(first: 1) { nodes { name } totalCount } } } } }")
        .await;
    let run = &data["component"]["ciRuns"]["nodes"][1];
    assert_eq!(
        *run,
        json!({
            "number": 1203,
            "progress": { "done": 2, "total": 2 },
            "jobs": { "nodes": [{ "name": "lint" }, { "name": "unit" }] },
            "few": { "nodes": [{ "name": "lint" }], "totalCount": 2 },
        })
    );
    let asked = stage.upstream.requests();
    let of_jobs = asked.iter().filter(|(label, _)| label.ends_with("/jobs"));
    // Two runs.
    assert_eq!(of_jobs.map(|(_, n)| n).sum::<u64>(), 2, "{asked:?}");
}
