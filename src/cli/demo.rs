//! `demo`: the catalog of a made-up company, with nothing to configure and nothing left behind.

mod upstreams;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;

use super::output::{Exit, say, write_out};
use super::scratch::Scratch;
use super::serve;
use crate::app::{App, ConfigOrigin, ListenError, listen};
use crate::config::{Config, FILE_NAME};
use crate::tasks::Tasks;
use crate::telemetry;

/// The files of `examples/`, as they were when the program was built.
const EXAMPLES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// Without `--listen`: the first of these that is free.
const PORTS: std::ops::Range<u16> = 4000..4100;

/// How long an upstream may go on answering at the end.
const UPSTREAM_GRACE: Duration = Duration::from_secs(1);

/// To be pasted: each answers a question that people ask of a catalog.
const QUERIES: [&str; 3] = [
    "{ component(ref: \"payments-api\") { owner { name contact { slack } ... on Group { members { nodes { ref } } } } onCall { nodes { level name endsAt user { ref } } } runbook { url } dependents(depth: 3) { nodes { ref } } } }",
    "{ components(filter: { owner: { eq: \"group:payments-team\" } }) { nodes { name incidents(open: true) { nodes { number title status } } ciRuns(first: 2) { nodes { provider branch status progress { done total } startedAt } } } } }",
    "{ problems { nodes { severity file line message hint } } facets(by: [\"kind\", \"lifecycle\"]) { name values { value count } } }",
];

pub(super) fn demo(address: Option<SocketAddr>) -> anyhow::Result<Exit> {
    let scratch = Scratch::new()?;
    let mut config = configuration(scratch.path())?;
    telemetry::start_logging(&config.telemetry);
    let Some((model, files)) = serve::load_schema(&config)? else {
        return Ok(Exit::Errors);
    };
    serve::to_the_end(async move {
        let listener = match address {
            Some(address) => listen(address, config.server.allow_anonymous).await,
            None => next_free().await,
        };
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                say(&format!("error: {error}\n  hint: {}", error.hint()));
                return Ok(Exit::Errors);
            }
        };
        let upstreams = Tasks::new();
        upstreams::start(&mut config, &model, &files.folders, &upstreams).await?;
        let exit = match App::open(config, ConfigOrigin::default(), model, files).await {
            Ok(app) => serve::run(app, listener, welcome).await,
            Err(error) => serve::open_failed(error),
        };
        upstreams.shutdown(UPSTREAM_GRACE).await;
        exit
    })?
}

fn configuration(folder: &Path) -> anyhow::Result<Config> {
    let examples = folder.join("examples");
    for (name, content) in EXAMPLES {
        let file = examples.join(name);
        let parent = file.parent().unwrap_or(&examples);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, content))
            .with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    let (config, problems) = Config::load(&examples.join(FILE_NAME), &|_| None);
    let Some(mut config) = config else {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        bail!(
            "the compiled-in example has errors: {}",
            problems.join("; ")
        );
    };
    config.database.url = format!("sqlite:{}", folder.join("demo.db").display()).into();
    "warn".clone_into(&mut config.telemetry.log_level);
    Ok(config)
}

async fn next_free() -> Result<TcpListener, ListenError> {
    let mut last = None;
    for port in PORTS {
        match listen(SocketAddr::from(([127, 0, 0, 1], port)), false).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error),
        // No port in the range at all: the system chooses one.
        None => listen(SocketAddr::from(([127, 0, 0, 1], 0)), false).await,
    }
}

/// As it was called, so that the same words work in another terminal of the same folder.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    if called.is_empty() || called.contains(char::is_whitespace) {
        return "callboard".to_owned();
    }
    called
}

fn welcome(address: SocketAddr) {
    let program = program();
    let mut text = format!(
        "\nCallboard is at http://{address}, with the catalog of a made-up company.\n\nThree queries to paste into another terminal:\n\n"
    );
    for query in QUERIES {
        text.push_str(&format!(
            "  {program} query '{query}' --url http://{address}\n"
        ));
    }
    text.push_str("\nCtrl-C ends it and leaves nothing behind.\n");
    if let Err(error) = write_out(&text) {
        tracing::warn!(%error, "stdout cannot be written to");
    }
}
