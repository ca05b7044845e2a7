//! What a page costs its upstream, by the built-in connector against its simulated upstream on a socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::app::folders;
use callboard::cache::{Cache, Settings as CacheSettings};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::example::Example;
use callboard::connect::{LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graphql::Limits;
use callboard::simulate::{Options, Simulated};
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use serde_json::{Value, json};

use crate::support::engine::{TestEngine, model, snapshot};

/// The built-in connector, and its simulated upstream.
pub(super) struct BuiltIn {
    pub(super) engine: TestEngine,
    pub(super) github: Simulated,
    pub(super) runtime: Runtime,
    _tasks: Tasks,
}

/// `n` components with a repository each, three open changes and a release in it.
fn example(n: usize) -> String {
    let change = |repository: usize, number: usize| {
        json!({
            "__typename": "PullRequest", "id": format!("PR_{repository}_{number}"), "number": number,
            "title": format!("change {number}"), "state": "OPEN", "statusCheckRollup": { "state": "SUCCESS" },
            "url": format!("https://github.com/acme/c{repository}/pull/{number}"), "updatedAt": "2026-03-01T12:00:00Z",
        })
    };
    let tree = |number: usize| {
        let release = json!({ "__typename": "Release", "id": format!("RE_{number}"), "tagName": "v1.0.0", "publishedAt": "2026-03-01T12:00:00Z" });
        json!({
            "graphql": "repository",
            "when": { "arguments": { "owner": "acme", "name": format!("c{number}") } },
            "body": {
                "__typename": "Repository", "id": format!("R_{number}"), "name": format!("c{number}"),
                "nameWithOwner": format!("acme/c{number}"), "url": format!("https://github.com/acme/c{number}"),
                "description": "one of many", "visibility": "PRIVATE", "isArchived": false, "stargazerCount": number,
                "forkCount": 1, "defaultBranchRef": { "name": "main" }, "primaryLanguage": { "name": "Rust" },
                "licenseInfo": { "key": "mit" }, "pushedAt": "2026-03-01T12:00:00Z", "issues": { "totalCount": 2, "nodes": [] },
                "pullRequests": { "nodes": [change(number, 3), change(number, 2), change(number, 1)] },
                "latestRelease": release,
            },
        })
    };
    let trees: Vec<Value> = (0..n).map(tree).collect();
    json!({
        "query": "{ __typename }", "expect": { "data": {} },
        "settings": { "secrets": { "token": "not-a-real-token" } }, "upstream": trees,
    })
    .to_string()
}

async fn world(n: usize) -> BuiltIn {
    let catalog: Vec<String> = (0..n)
        .map(|number| component(&format!("c{number}"), &format!("acme/c{number}")))
        .collect();
    BuiltIn::start(&example(n), &catalog.concat()).await
}

/// A component with a repository.
pub(super) fn component(name: &str, repository: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name}, annotations: {{ github.com/project-slug: {repository} }} }}\nspec: {{ type: service, lifecycle: production, owner: team }}\n"
    )
}

impl BuiltIn {
    /// Over a catalog, with what an example says that the upstream holds.
    pub(super) async fn start(example: &str, catalog: &str) -> Self {
        // Only lost if another test was faster.
        drop(rustls::crypto::ring::default_provider().install_default());
        let folders = folders::built_in();
        let files = folders.iter().flat_map(|folder| &folder.sdl);
        let files: Vec<(&str, &str)> = files.map(|file| (&*file.path, &*file.text)).collect();
        let model = model(&files);
        let (example, problems) = Example::parse(&"example.yaml".into(), example);
        assert_eq!(problems, []);
        let example = example.unwrap();
        let (tasks, metrics) = (Tasks::new(), Metrics::default());
        let examples = [example.clone()];
        let github = Simulated::start(&model, "github", &examples, Options::default(), &tasks);
        let github = github.await.unwrap();
        let settings = github.lead(&model, &example.settings).unwrap();
        let connectors = [settings.configuration(&"github".into())];
        let (config, _) = Config::defaults(std::path::Path::new("."), &|_| None);
        let settings = CacheSettings::from(&config.unwrap().cache);
        let cache = Cache::open(settings, Clock::system(), metrics.cache().clone(), &tasks).await;
        let egress = Egress::new(egress::Settings::default()).unwrap();
        let runtime = Runtime::new(
            Arc::clone(&model),
            &connectors,
            cache,
            &egress,
            tasks.clone(),
        );
        let live: Arc<dyn LiveSource> = Arc::new(runtime.clone());
        Self {
            engine: TestEngine::new(snapshot(&model, catalog), Limits::default(), Some(live)).await,
            github,
            runtime,
            _tasks: tasks,
        }
    }

    /// The data of an answer without errors, and what was asked of the upstream: how often which field.
    async fn ask(&self, query: &str) -> (Value, String) {
        let (json, _) = self.engine.json(query, Value::Null).await;
        assert_eq!(json.get("errors"), None);
        let asked: Vec<String> = self
            .github
            .requests()
            .iter()
            .map(|(label, n)| format!("{n} {label}"))
            .collect();
        self.github.forget();
        (
            json["data"]["components"]["nodes"].clone(),
            asked.join(", "),
        )
    }
}

/// Of GitHub's REST API the same page takes, for each component, one request for the repository, one for its open changes, one for the latest release, and for each change one for its check runs and one for its statuses: 50 × (3 + 2 × 3) = 450.
#[tokio::test]
async fn fifty_components_are_one_request() {
    let world = world(50).await;
    let query = "{ components(first: 50) { nodes { name
        repository { fullName description visibility archived stars forks openIssues defaultBranch primaryLanguage license pushedAt }
        pullRequests(state: OPEN) { nodes { number title checks } }
        githubRepository { latestRelease { tag publishedAt } } } } }";
    let (nodes, cold) = world.ask(query).await;
    let nodes = nodes.as_array().unwrap().clone();
    assert_eq!(nodes.len(), 50);
    for node in &nodes {
        assert!(node["repository"]["stars"].is_u64(), "{node}");
        let changes = node["pullRequests"]["nodes"].as_array().unwrap();
        assert_eq!(
            (changes.len(), &changes[0]["checks"]),
            (3, &json!("PASSED"))
        );
        assert_eq!(node["githubRepository"]["latestRelease"]["tag"], "v1.0.0");
    }
    assert_eq!(cold, "1 query repository");
    let (warm, asked) = world.ask(query).await;
    assert_eq!((warm.as_array(), asked.as_str()), (Some(&nodes), ""));
}

/// Twenty documents of fifty each, eight of them under way at a time: each takes as long as the upstream says, so all take at least three times that.
#[tokio::test]
async fn a_thousand_components_are_twenty_requests() {
    const LATENCY: Duration = Duration::from_millis(400);
    let world = world(1_000).await;
    world.github.set_latency(LATENCY);
    let started = Instant::now();
    let (nodes, cold) = world
        .ask("{ components(first: 1000) { nodes { repository { stars } } } }")
        .await;
    let took = started.elapsed();
    let nodes = nodes.as_array().unwrap().clone();
    let stars = nodes
        .iter()
        .filter_map(|node| node["repository"]["stars"].as_u64());
    assert_eq!(stars.sum::<u64>(), 999 * 500);
    assert_eq!(cold, "20 query repository");
    assert!(
        took >= LATENCY * 3,
        "more than eight were under way: {took:?}"
    );
}
