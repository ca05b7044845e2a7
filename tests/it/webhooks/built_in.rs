//! The webhooks of the built-in connectors: what their upstreams send makes stale what the connectors keep of it.

use serde_json::{Value, json};

use super::{built_in, deliver, outcome, purged, signed};
use crate::support::server::TestServer;

const CONFIG: &str = "
connectors:
  buildkite: { secrets: { webhook: secret } }
  circleci: { secrets: { webhook: secret } }
  gitlab: { secrets: { webhook: secret } }
  pagerduty: { secrets: { webhook: secret } }
";

fn start() -> TestServer {
    TestServer::start_with_webhooks(&built_in(), CONFIG, |_, _| {})
}

/// The tags that a delivery to a connector makes stale, of those that are kept.
fn stale<'t>(
    server: &TestServer,
    connector: &str,
    header: (&str, &str),
    body: &Value,
    kept: &[&'t str],
) -> Vec<&'t str> {
    let body = body.to_string();
    let value = header.1.replace("CODE", &signed("secret", body.as_bytes()));
    purged(server, connector, kept, || {
        let path = format!("/webhooks/{connector}");
        let answer = deliver(server, &path, &body, &[(header.0, &value)]);
        assert!(
            outcome(&answer).starts_with(r#"{"outcome":"purged""#),
            "{answer:?}"
        );
    })
}

#[test]
fn circleci_tells_of_pipelines_and_jobs() {
    let server = start();
    let kept = [
        "circleci:gh/larkspur/stock",
        "circleci:github/larkspur/stock",
        "circleci:gh/larkspur/other",
        "circleci:pipeline:p-1",
        "circleci:pipeline:p-2",
        "circleci:job:j-1",
    ];
    let body = json!({
        "id": "e-1", "type": "job-completed", "happened_at": "2026-03-01T12:00:00Z",
        "webhook": { "id": "w-1", "name": "callboard" },
        "project": { "id": "x", "name": "stock", "slug": "github/Larkspur/stock" },
        "pipeline": { "id": "p-1", "number": 7 },
        "workflow": { "id": "w-1", "name": "build" },
        "job": { "id": "j-1", "name": "test", "status": "failed" },
        "something": "new",
    });
    let stale = stale(
        &server,
        "circleci",
        ("circleci-signature", "v1=CODE"),
        &body,
        &kept,
    );
    let expected = [kept[0], kept[1], kept[3], kept[5]];
    assert_eq!(stale, expected);
}

#[test]
fn gitlab_tells_of_what_happens_in_a_project() {
    let server = start();
    let token = ("x-gitlab-token", "secret");
    let kept = [
        "gitlab:larkspur/warehouse/stock",
        "gitlab:41",
        "gitlab:project:41",
        "gitlab:pipeline:9001",
        "gitlab:ada/stock",
        "gitlab:larkspur/warehouse",
        "gitlab:project:42",
    ];
    let project = json!({ "id": 41, "path_with_namespace": "Larkspur/warehouse/stock" });
    let push = json!({ "object_kind": "push", "project_id": 41, "project": project });
    assert_eq!(stale(&server, "gitlab", token, &push, &kept), kept[..3]);
    let pipeline = json!({ "object_kind": "pipeline", "object_attributes": { "id": 9001 }, "project": project });
    assert_eq!(stale(&server, "gitlab", token, &pipeline, &kept), kept[..4]);
    let job =
        json!({ "object_kind": "build", "build_id": 5, "pipeline_id": 9001, "project_id": 41 });
    assert_eq!(stale(&server, "gitlab", token, &job, &kept), kept[1..4]);
    let fork = json!({ "path_with_namespace": "ada/stock" });
    let request = json!({ "object_kind": "merge_request", "project": project, "object_attributes": { "id": 3, "source": fork } });
    assert_eq!(
        stale(&server, "gitlab", token, &request, &kept),
        [&kept[..3], &kept[4..5]].concat()
    );
}

#[test]
fn pagerduty_tells_of_incidents_and_services() {
    let server = start();
    let signature = ("x-pagerduty-signature", "v1=00,v1=CODE");
    let kept = [
        "pagerduty:service:PPAY001",
        "pagerduty:service:PPAY002",
        "pagerduty:policy:P1",
    ];
    let event = |id: &str, kind: &str, data: Value| json!({ "event": { "id": id, "event_type": kind, "resource_type": "incident", "occurred_at": "2026-03-01T12:00:00Z", "agent": null, "data": data } });
    let service = json!({ "id": "PPAY001", "type": "service_reference", "summary": "pay" });
    let incident =
        json!({ "id": "Q1", "type": "incident", "status": "triggered", "service": service });
    let triggered = event("e-1", "incident.triggered", incident);
    assert_eq!(
        stale(&server, "pagerduty", signature, &triggered, &kept),
        kept[..1]
    );
    let updated = event(
        "e-2",
        "service.updated",
        json!({ "id": "PPAY002", "type": "service" }),
    );
    assert_eq!(
        stale(&server, "pagerduty", signature, &updated, &kept),
        kept[1..2]
    );
    let note = event(
        "e-3",
        "incident.annotated",
        json!({ "id": "N1", "type": "incident_note", "incident": { "id": "Q1" } }),
    );
    assert_eq!(
        stale(&server, "pagerduty", signature, &note, &kept),
        [""; 0]
    );
    let ping = event(
        "e-4",
        "pagey.ping",
        json!({ "message": "Hello from your friend Pagey!", "type": "ping" }),
    );
    assert_eq!(
        stale(&server, "pagerduty", signature, &ping, &kept),
        [""; 0]
    );
}

#[test]
fn buildkite_tells_of_builds_and_jobs() {
    let server = start();
    let kept = [
        "buildkite:larkspur/storefront-web",
        "buildkite:larkspur/search",
        "buildkite:build:b-1",
    ];
    let pipeline = json!({
        "id": "p-1", "slug": "storefront-web",
        "url": "https://api.buildkite.com/v2/organizations/Larkspur/pipelines/storefront-web",
    });
    let build = json!({ "id": "b-1", "number": 812, "state": "finished" });
    let told = json!({ "event": "build.finished", "build": build, "pipeline": pipeline });
    let job = json!({ "event": "job.started", "job": { "id": "j-1" }, "build": build, "pipeline": pipeline });
    // Told by its signature, with the time at which it was sent.
    let deliver_signed = |body: &Value, seconds: i64| {
        let time = server.hooks().clock.now().as_second() + seconds;
        let body = body.to_string();
        let code = signed("secret", format!("{time}.{body}").as_bytes());
        let signature = format!("timestamp={time},signature={code}");
        let headers = [
            ("x-buildkite-signature", &*signature),
            ("x-buildkite-event", "x"),
        ];
        outcome(&deliver(&server, "/webhooks/buildkite", &body, &headers))
    };
    for (body, seconds) in [(&told, 0), (&job, -60)] {
        let stale = purged(&server, "buildkite", &kept, || {
            let answer = deliver_signed(body, seconds);
            assert!(answer.starts_with(r#"{"outcome":"purged""#), "{answer}");
        });
        assert_eq!(stale, [kept[0], kept[2]]);
    }
    assert!(deliver_signed(&told, -900).starts_with("401"));
    // What is about agents makes nothing stale.
    let agent = json!({ "event": "agent.connected", "agent": { "id": "a-1" } });
    assert_eq!(deliver_signed(&agent, 0), r#"{"outcome":"ignored"}"#);
    // The token itself, which is what Buildkite sends unless it is told to sign.
    let token = ("x-buildkite-token", "secret");
    assert_eq!(
        stale(&server, "buildkite", token, &told, &kept),
        [kept[0], kept[2]]
    );
    let answer = deliver(
        &server,
        "/webhooks/buildkite",
        &told.to_string(),
        &[("x-buildkite-token", "secrets")],
    );
    assert_eq!(answer.status, 401);
}
