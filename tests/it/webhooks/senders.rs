//! What every sender may get wrong, or do twice: the same for all connectors that take webhooks, each by its own scheme.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{built_in, outcome, signed};
use crate::support::server::{Answer, TestServer};

const CONFIG: &str = "
connectors:
  buildkite: { secrets: { webhook: [new-secret, old-secret] } }
  circleci: { secrets: { webhook: [new-secret, old-secret] } }
  github: { secrets: { webhook: [new-secret, old-secret] } }
  gitlab: { secrets: { webhook: [new-secret, old-secret] } }
  pagerduty: { secrets: { webhook: [new-secret, old-secret] } }
";

/// How a sender proves that a body is its own, and numbers its deliveries.
pub(super) struct Sender {
    pub(super) connector: &'static str,
    /// By the time in seconds, the secret and the body.
    pub(super) proof: fn(i64, &str, &[u8]) -> (&'static str, String),
    /// The header with the delivery's id; none: it stands in the body.
    pub(super) id: Option<&'static str>,
    pub(super) body: fn(&str) -> Value,
}

pub(super) fn senders() -> Vec<Sender> {
    vec![
        Sender {
            connector: "github",
            proof: |_, secret, body| {
                let code = signed(secret, body);
                ("x-hub-signature-256", format!("sha256={code}"))
            },
            id: Some("x-github-delivery"),
            body: |_| json!({ "action": "created", "repository": { "full_name": "larkspur/stock" } }),
        },
        Sender {
            connector: "gitlab",
            proof: |_, secret, _| ("x-gitlab-token", secret.to_owned()),
            id: Some("idempotency-key"),
            body: |_| json!({ "object_kind": "push", "project": { "id": 7, "path_with_namespace": "larkspur/stock" } }),
        },
        Sender {
            connector: "circleci",
            proof: |_, secret, body| ("circleci-signature", format!("v1={}", signed(secret, body))),
            id: None,
            body: |id| json!({ "id": id, "type": "workflow-completed", "project": { "slug": "gh/larkspur/stock" }, "pipeline": { "id": "p-1" } }),
        },
        Sender {
            connector: "pagerduty",
            proof: |_, secret, body| {
                let code = signed(secret, body);
                ("x-pagerduty-signature", format!("v1={code}"))
            },
            id: None,
            body: |id| json!({ "event": { "id": id, "event_type": "incident.triggered", "data": { "id": "Q1", "service": { "id": "P1" } } } }),
        },
        Sender {
            connector: "buildkite",
            proof: |time, secret, body| {
                let text = [format!("{time}.").as_bytes(), body].concat();
                let code = signed(secret, &text);
                (
                    "x-buildkite-signature",
                    format!("timestamp={time},signature={code}"),
                )
            },
            id: Some("x-buildkite-request"),
            body: |_| json!({ "event": "build.finished", "build": { "id": "b-1" }, "pipeline": { "slug": "web", "url": "https://api.buildkite.com/v2/organizations/larkspur/pipelines/web" } }),
        },
    ]
}

impl Sender {
    /// What goes out is `sent`, and `proved` is what its proof is of.
    fn send(
        &self,
        server: &TestServer,
        id: &str,
        secret: &str,
        kind: &str,
        proved: &[u8],
        sent: Vec<u8>,
    ) -> Answer {
        let time = server.hooks().clock.now().as_second();
        let (name, value) = (self.proof)(time, secret, proved);
        let mut headers = vec![
            ("content-type", kind),
            (name, &*value),
            ("x-github-event", "push"),
        ];
        headers.extend(self.id.map(|name| (name, id)));
        let path = format!("/webhooks/{}", self.connector);
        let request = server.request(reqwest::Method::POST, &path);
        server.send(request.body(sent), &headers)
    }

    fn deliver(&self, server: &TestServer, id: &str, secret: &str) -> Answer {
        let body = (self.body)(id).to_string().into_bytes();
        self.send(server, id, secret, JSON, &body, body.clone())
    }
}

const JSON: &str = "application/json";
const PURGED: &str = r#"{"outcome":"purged""#;

/// Whoever takes webhooks is looked at here.
#[test]
fn all_senders_are_known() {
    let files = built_in();
    let taking = files.iter().filter(|file| file.text.contains("@webhook("));
    let taking: BTreeSet<&str> = taking
        .filter_map(|file| file.connector.as_deref())
        .collect();
    let known: BTreeSet<&str> = senders().iter().map(|sender| sender.connector).collect();
    assert_eq!(taking, known);
}

#[test]
fn a_secret_is_changed_without_losing_a_delivery() {
    let server = TestServer::start_with_webhooks(&built_in(), CONFIG, |_, _| {});
    for sender in senders() {
        let name = sender.connector;
        for (id, secret) in [("1", "new-secret"), ("2", "old-secret")] {
            let answer = outcome(&sender.deliver(&server, id, secret));
            assert!(answer.starts_with(PURGED), "{name} {secret}: {answer}");
            let again = outcome(&sender.deliver(&server, id, secret));
            assert_eq!(again, r#"{"outcome":"duplicate"}"#, "{name} {secret}");
        }
        for secret in ["older-secret", "new-secre", "new-secret2", ""] {
            let answer = sender.deliver(&server, "3", secret);
            assert_eq!(answer.status, 401, "{name} {secret}: {answer:?}");
            assert!(!answer.text.contains("new-secret"), "{name}: {answer:?}");
        }
    }
}

#[test]
fn what_is_no_whole_delivery_is_refused_and_may_come_again() {
    let server = TestServer::start_with_webhooks(&built_in(), CONFIG, |_, _| {});
    for sender in senders() {
        let name = sender.connector;
        let whole = (sender.body)("1").to_string().into_bytes();
        let cut = whole.split_at(whole.len() / 2).0.to_vec();
        // On its way: what came is not what was signed, if anything is signed.
        let answer = sender.send(&server, "1", "new-secret", JSON, &whole, cut.clone());
        assert!([400, 401].contains(&answer.status), "{name}: {answer:?}");
        // By its sender.
        let answer = sender.send(&server, "1", "new-secret", JSON, &cut, cut.clone());
        assert_eq!(answer.status, 400, "{name}: {answer:?}");
        let form = b"payload=%7B%22id%22%3A1%7D".to_vec();
        let kind = "application/x-www-form-urlencoded";
        let answer = sender.send(&server, "1", "new-secret", kind, &form, form.clone());
        assert_eq!(answer.status, 415, "{name}: {answer:?}");
        assert!(
            answer.text.contains("application/json"),
            "{name}: {answer:?}"
        );
        // JSON that is none of its events is about nothing here.
        for other in [&b"null"[..], b"[]", b"7", b"\"x\"", b"{}"] {
            let answer = sender.send(&server, "0", "new-secret", JSON, other, other.to_vec());
            let told = outcome(&answer);
            let is_nothing = ["ignored", "duplicate", "\"tags\":0"];
            let is_nothing = is_nothing.iter().any(|what| told.contains(what));
            assert!(is_nothing || answer.status == 400, "{name}: {told}");
        }
        // None of these was the delivery.
        let answer = outcome(&sender.deliver(&server, "1", "new-secret"));
        assert!(answer.starts_with(PURGED), "{name}: {answer}");
    }
}

#[test]
fn a_delivery_may_be_as_long_as_the_limit() {
    let server = TestServer::start_with_webhooks(&built_in(), CONFIG, |_, _| {});
    for sender in senders() {
        let name = sender.connector;
        for (id, length, is_taken) in [("1", 25 << 20, true), ("2", (25 << 20) + 1, false)] {
            let mut body = (sender.body)(id).to_string().into_bytes();
            body.resize(length, b' ');
            let answer =
                outcome(&sender.send(&server, id, "new-secret", JSON, &body, body.clone()));
            match is_taken {
                true => assert!(answer.starts_with(PURGED), "{name}: {answer}"),
                false => assert!(answer.starts_with("413 "), "{name}: {answer}"),
            }
        }
    }
}
