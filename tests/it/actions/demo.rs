//! What a newcomer may press in the demo: every failed run of the demo company runs again, every open incident is taken and ended.

use std::path::Path;

use serde_json::{Value, json};

use super::built_in::{Stage, stage_with};

/// The descriptors of the demo company.
fn company() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/catalog");
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().join("catalog-info.yaml");
        if path.is_file() && !path.to_string_lossy().contains("broken-on-purpose") {
            all.push_str("---\n");
            all.push_str(&std::fs::read_to_string(path).unwrap());
            all.push('\n');
        }
    }
    all
}

/// Objects of a list of all components, each once.
async fn shown(stage: &Stage, list: &str, member: &str) -> Vec<Value> {
    let query = format!(
        "{{ components(first: 1000) {{ nodes {{ {list} {{ nodes {{ id number url {member} }} }} }} }} }}"
    );
    let data = stage.ask(&query).await;
    let field = list.split('(').next().unwrap();
    let mut found: Vec<Value> = Vec::new();
    for component in data["components"]["nodes"].as_array().unwrap() {
        for object in component[field]["nodes"].as_array().into_iter().flatten() {
            if !found.iter().any(|known| known["id"] == object["id"]) {
                found.push(object.clone());
            }
        }
    }
    found
}

#[tokio::test]
async fn every_failed_run_runs_again() {
    let company = company();
    for (connector, failed_only, n_least) in [
        ("github", true, 8),
        ("github", false, 8),
        ("gitlab", true, 2),
        ("circleci", true, 3),
        ("circleci", false, 3),
        ("jenkins", false, 3),
        ("buildkite", true, 2),
        ("buildkite", false, 2),
    ] {
        let stage = stage_with(connector, Some(&company)).await;
        let mut runs = shown(&stage, "ciRuns(first: 50)", "status").await;
        runs.retain(|run| run["status"] == "FAILED");
        assert!(runs.len() >= n_least, "{connector}: {runs:?}");
        for run in runs {
            let id = run["id"].as_str().unwrap();
            let again = stage
                .ask(&format!(
                    "mutation {{ rerunCiRun(input: {{ id: \"{id}\", failedJobsOnly: {failed_only} }}) {{ ciRun {{ status }} userErrors {{ code message }} }} }}"
                ))
                .await["rerunCiRun"]
                .clone();
            assert_eq!(again["userErrors"], json!([]), "{connector} {run}");
            let status = again["ciRun"]["status"].as_str().unwrap_or_default();
            assert!(
                ["QUEUED", "RUNNING"].contains(&status),
                "{connector} {run} {again}"
            );
        }
    }
}

/// Of what did not fail all of it runs again, where the provider has a request for that.
#[tokio::test]
async fn every_other_run_runs_again_as_well() {
    let company = company();
    for (connector, arguments, n_least) in [
        ("github", "", 12),
        ("gitlab", "", 4),
        ("circleci", "failedJobsOnly: false", 8),
        ("jenkins", "", 10),
        ("buildkite", "", 8),
    ] {
        let mut stage = stage_with(connector, Some(&company)).await;
        let mut runs = shown(&stage, "ciRuns(first: 50)", "status").await;
        // GitHub runs nothing again that goes on.
        let goes_on = |run: &Value| connector == "github" && run["status"] == "RUNNING";
        runs.retain(|run| run["status"] != "FAILED" && !goes_on(run));
        assert!(runs.len() >= n_least, "{connector}: {}", runs.len());
        for (position, run) in runs.iter().enumerate() {
            // Some count what they are asked in a minute, and would refuse the last of them.
            if position % 3 == 2 {
                stage = stage_with(connector, Some(&company)).await;
                shown(&stage, "ciRuns(first: 50)", "status").await;
            }
            let id = run["id"].as_str().unwrap();
            let again = stage
                .ask(&format!(
                    "mutation {{ rerunCiRun(input: {{ id: \"{id}\" {arguments} }}) {{ ciRun {{ status }} userErrors {{ code message }} }} }}"
                ))
                .await["rerunCiRun"]
                .clone();
            assert_eq!(again["userErrors"], json!([]), "{connector} {run}");
            let status = again["ciRun"]["status"].as_str().unwrap_or_default();
            assert!(
                ["QUEUED", "RUNNING"].contains(&status),
                "{connector} {run} {again}"
            );
        }
    }
}

/// What a provider has no request for is said, and what it has.
#[tokio::test]
async fn an_argument_that_is_in_the_way_is_named() {
    let company = company();
    for (connector, given) in [
        ("jenkins", "failedJobsOnly: true"),
        ("gitlab", "failedJobsOnly: false"),
        // Nothing failed.
        ("circleci", "failedJobsOnly: true"),
    ] {
        let stage = stage_with(connector, Some(&company)).await;
        let mut runs = shown(&stage, "ciRuns(first: 5)", "status").await;
        runs.retain(|run| run["status"] == "PASSED");
        let id = runs[0]["id"].as_str().unwrap();
        let again = stage
            .ask(&format!(
                "mutation {{ rerunCiRun(input: {{ id: \"{id}\", {given} }}) {{ ciRun {{ status }} userErrors {{ code field message }} }} }}"
            ))
            .await;
        let message = format!(
            "`{connector}` cannot do this to it with `{given}`; without `failedJobsOnly` it can"
        );
        assert_eq!(
            again["rerunCiRun"],
            json!({ "ciRun": null, "userErrors": [{ "code": "NOT_SUPPORTED", "field": ["input", "failedJobsOnly"], "message": message }] })
        );
    }
}

#[tokio::test]
async fn every_open_incident_is_taken_and_ended() {
    let stage = stage_with("pagerduty", Some(&company())).await;
    let incidents = shown(&stage, "incidents(open: true, first: 50)", "open").await;
    assert!(incidents.len() >= 4, "{incidents:?}");
    for incident in incidents {
        let id = incident["id"].as_str().unwrap();
        for (action, status) in [
            ("acknowledgeIncident", "ACKNOWLEDGED"),
            ("resolveIncident", "RESOLVED"),
        ] {
            let data = stage
                .ask(&format!(
                    "mutation {{ {action}(input: {{ id: \"{id}\" }}) {{ incident {{ status }} userErrors {{ code }} }} }}"
                ))
                .await;
            assert_eq!(
                data[action],
                json!({ "incident": { "status": status }, "userErrors": [] }),
                "{incident}"
            );
        }
    }
}
