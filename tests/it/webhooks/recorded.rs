//! Deliveries that a real service sent: each is taken by the built-in connector, never an error.
//!
//! The files are other people's and stay outside of the repository: `../shared/contracts`, or the folder that `CALLBOARD_SHARED` names.

use std::path::{Path, PathBuf};

use callboard::config::process_environment;
use callboard::sdl;

use super::{deliver, outcome, signed};
use crate::support::say;
use crate::support::server::TestServer;

fn recorded(connector: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = process_environment("CALLBOARD_SHARED").map(PathBuf::from);
    let folder = named
        .unwrap_or(beside)
        .join("contracts")
        .join(connector)
        .join("webhooks");
    folder.is_dir().then_some(folder)
}

#[test]
fn recorded_deliveries_are_taken() {
    let Some(folder) = recorded("github") else {
        say(
            "SKIPPED: no deliveries in ../shared/contracts (CALLBOARD_SHARED names another folder)",
        );
        return;
    };
    let mut files = sdl::core_files();
    let built_in = callboard::app::folders::built_in();
    let own = built_in.iter().find(|folder| *folder.name == *"github");
    files.extend(own.unwrap().sdl.iter().cloned());
    let config = "connectors: { github: { secrets: { token: token, webhook: secret } } }";
    let server = TestServer::start_with_webhooks(&files, config, |_, _| {});
    let mut n_about = 0;
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
        let answer = outcome(&deliver(&server, "/webhooks/github", &body, &headers));
        assert!(
            answer.starts_with(r#"{"outcome":"purged","tags":"#),
            "{name}: {answer}"
        );
        // What is about a repository makes at least what is kept of it stale.
        let told: serde_json::Value = serde_json::from_str(&body).unwrap();
        let repository = told.pointer("/repository/full_name");
        n_about += usize::from(repository.is_some());
        assert!(
            repository.is_none() || !answer.contains(r#""tags":0"#),
            "{name}: {answer}"
        );
    }
    assert!(n_about > 100, "{n_about} are about a repository");
}

/// Those of Buildkite's documentation; two of them are no JSON, or only a part of a delivery.
#[test]
fn published_deliveries_of_buildkite_are_taken() {
    let Some(folder) = recorded("buildkite") else {
        say(
            "SKIPPED: no deliveries in ../shared/contracts (CALLBOARD_SHARED names another folder)",
        );
        return;
    };
    let mut files = sdl::core_files();
    let built_in = callboard::app::folders::built_in();
    let own = built_in.iter().find(|folder| *folder.name == *"buildkite");
    files.extend(own.unwrap().sdl.iter().cloned());
    let config = "connectors: { buildkite: { secrets: { token: token, webhook: secret } } }";
    let server = TestServer::start_with_webhooks(&files, config, |_, _| {});
    let mut n_taken = 0;
    for kind in std::fs::read_dir(folder).unwrap() {
        for entry in std::fs::read_dir(kind.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            let body = std::fs::read_to_string(&path).unwrap();
            let time = server.hooks().clock.now().as_second();
            let code = signed("secret", format!("{time}.{body}").as_bytes());
            let signature = format!("timestamp={time},signature={code}");
            let headers = [("x-buildkite-signature", &*signature)];
            let answer = outcome(&deliver(&server, "/webhooks/buildkite", &body, &headers));
            let is_json = path.extension().is_some_and(|end| end == "json");
            let is_taken = [r#"{"outcome":"purged""#, r#"{"outcome":"ignored""#]
                .iter()
                .any(|taken| answer.starts_with(taken));
            assert!(
                is_taken || (!is_json && answer.starts_with("400")),
                "{}: {answer}",
                path.display()
            );
            n_taken += usize::from(is_taken);
        }
    }
    assert!(n_taken > 10, "{n_taken}");
}
