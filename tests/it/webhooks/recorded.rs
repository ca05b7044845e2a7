//! Deliveries that a real service sent: each is accepted or ignored, never an error.
//!
//! The files are other people's and stay outside of the repository: `../shared/contracts`, or the folder that `CALLBOARD_SHARED` names.

use std::path::{Path, PathBuf};

use callboard::config::process_environment;
use callboard::sdl::{self, SdlFile};

use super::{deliver, outcome, signed};
use crate::support::say;
use crate::support::server::TestServer;

/// A connector of the form that such a service needs.
const SDL: &str = r#"
extend schema @source(name: "rest", url: "'https://forge.example'")
  @webhook(source: "rest", event: "$headers.'x-github-event'",
    on: ["check_run", "check_suite", "push", "pull_request", "release", "repository", "workflow_job", "workflow_run"]
    purge: ["forge:{$body.repository.full_name | lower}", "run:{$body.workflow_run.id}", "pull:{$body.check_run.pull_requests[].number}"]
    signature: { scheme: HMAC_SHA256_HEX, header: "X-Hub-Signature-256", prefix: "sha256=", secret: "$secret.webhook", deliveryId: "$headers.'x-github-delivery'" })
"#;

fn recorded() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = process_environment("CALLBOARD_SHARED").map(PathBuf::from);
    let folder = named.unwrap_or(beside).join("contracts/github/webhooks");
    folder.is_dir().then_some(folder)
}

#[test]
fn recorded_deliveries_of_github_are_taken_or_ignored() {
    let Some(folder) = recorded() else {
        say(
            "SKIPPED: no deliveries in ../shared/contracts (CALLBOARD_SHARED names another folder)",
        );
        return;
    };
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: "connectors/forge/forge.graphql".into(),
        text: SDL.to_owned(),
        connector: Some("forge".into()),
    });
    let config = "connectors: { forge: { secrets: { webhook: secret } } }";
    let server = TestServer::start_with_webhooks(&files, config, |_, _| {});
    let (mut n_purged, mut n_ignored) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some((event, _)) = name
            .strip_suffix(".json")
            .and_then(|name| name.split_once('.'))
        else {
            continue;
        };
        let body = std::fs::read_to_string(&path).unwrap();
        let code = format!("sha256={}", signed("secret", body.as_bytes()));
        let headers = [
            ("x-hub-signature-256", &*code),
            ("x-github-event", event),
            ("x-github-delivery", &name),
        ];
        let answer = outcome(&deliver(&server, "/webhooks/forge", &body, &headers));
        let purged = answer.starts_with(r#"{"outcome":"purged","tags":"#);
        assert!(
            purged || answer == r#"{"outcome":"ignored"}"#,
            "{name}: {answer}"
        );
        assert!(!answer.contains(r#""tags":0"#), "{name}: {answer}");
        if purged {
            n_purged += 1
        } else {
            n_ignored += 1
        }
    }
    assert!(
        n_purged > 20 && n_ignored > 100,
        "{n_purged} purged, {n_ignored} ignored"
    );
}
