//! `connectors/README.md`, followed literally by somebody who has never seen any of this.
//!
//! A path in front of a block is a file to be written, a block of shell is run, a block of JSON is what has to come out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{Place, Running, until};
use crate::support::upstream::{Asked, Reply, Upstream};

/// One thing to do.
#[derive(Debug, PartialEq)]
enum Step {
    Write { file: String, text: String },
    Run { command: String },
    Expect { json: Value },
}

/// What the page says is to be done, in its order.
fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            if !line.trim().is_empty() {
                before = line;
            }
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = block.join("\n") + "\n";
        let file = before
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix("`:"));
        match (file, language) {
            (Some(file), _) => steps.push(Step::Write {
                file: file.to_owned(),
                text,
            }),
            (None, "sh") => steps.extend(block.iter().map(|line| Step::Run {
                command: (*line).to_owned(),
            })),
            (None, "json") => steps.push(Step::Expect {
                json: serde_json::from_str(&text).unwrap(),
            }),
            (None, _) => {}
        }
        before = "";
    }
    steps
}

/// The monitor of the page, as somebody would have it in their company; none of the examples' own.
fn monitor(asked: &Asked) -> Reply {
    if asked.header("authorization") != Some("Bearer t0ken") {
        return Reply::status(401);
    }
    match asked.path() {
        "/v1/monitors/checkout" => Reply::json(&json!({
            "id": "checkout", "state": "down", "since": 1_772_413_200, "uptime30d": 98.2, "page": "https://uptime.example/checkout",
        })),
        "/v1/outages" => Reply::json(&json!({
            "outages": [
                { "id": 70, "monitor": "checkout", "what": "checkout was slow", "began": "2026-02-01T10:00:00Z", "ended": "2026-02-01T11:00:00Z" },
                { "id": 71, "monitor": "checkout", "what": "checkout answers 500", "began": "2026-03-01T10:00:00Z", "ended": null },
            ],
            "next": null,
        })),
        _ => Reply::status(404),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_from_nothing_to_a_working_field() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/README.md");
    let steps = steps(&fs::read_to_string(page).unwrap());
    let upstream = Upstream::start(monitor).await;
    tokio::task::block_in_place(|| follow(&steps, &upstream.url));
    assert!(upstream.targets().contains("GET /v1/monitors/checkout"));
}

fn follow(steps: &[Step], monitor: &str) {
    // A server that runs already; the page says that it takes the files over by itself.
    let place = Place::with(&[("callboard.yaml", "sources: []\n")]);
    fs::create_dir(place.path().join("bin")).unwrap();
    symlink(
        env!("CARGO_BIN_EXE_callboard"),
        place.path().join("bin/callboard"),
    )
    .unwrap();
    let mut serve = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    serve
        .env("UPTIME_URL", monitor)
        .env("UPTIME_TOKEN", "t0ken");
    let server = Running::start(serve, false);
    let (mut said, mut n_commands, mut n_answers) = (String::new(), 0, 0);
    for step in steps {
        match step {
            Step::Write { file, text } => {
                let path = place.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Step::Run { command } => {
                if command.starts_with("callboard query") {
                    // Within a second, says the page; a machine that is busy with other tests takes longer.
                    let query =
                        "{ component(ref: \"component:default/checkout\") { uptime { state } } }";
                    until(&place, &server.url, query, |answer| {
                        answer["data"]["component"]["uptime"]["state"].is_string()
                    });
                }
                said = run(
                    &place,
                    &command.replace("http://127.0.0.1:4000", &server.url),
                );
                n_commands += 1;
            }
            Step::Expect { json } => {
                let came: Value = serde_json::from_str(&said).unwrap();
                assert_eq!(came, *json);
                n_answers += 1;
            }
        }
    }
    assert!(n_commands >= 4 && n_answers == 1, "{steps:#?}");
    assert_eq!(server.end("-TERM").0, Some(0));
}

/// What it writes on its standard output; it has to end well.
fn run(place: &Place, command: &str) -> String {
    let path = format!(
        "bin:{}",
        callboard::config::process_environment("PATH").unwrap()
    );
    let output = std::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(place.path())
        .env("PATH", path)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command}\n{said}{err}");
    said
}
