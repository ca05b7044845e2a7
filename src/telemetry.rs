//! Logs and metrics: how they are set up, and the names of all of them.
//!
//! Architecture invariant: every metric is in [`metrics::CATALOGUE`], and every label value comes from an enum, so the number of series is bounded whatever users send.
//!
//! Spans: `http.request` > `graphql.operation` > `connector.request`, and `http.request` > `webhook.delivery`.

pub mod metrics;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, TelemetryConfig};

/// Logs of this process go to stderr from now on; a second call changes nothing.
pub fn start_logging(config: &TelemetryConfig) {
    let targets = targets(&config.log_level);
    let output = match config.log_format {
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    let started = tracing_subscriber::registry()
        .with(output.with_filter(targets))
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was set up before");
    }
    log_panics();
}

/// What libraries say is of use only to whoever asks for it; some of them name the hosts that they talk to.
const QUIET: [(&str, LevelFilter); 7] = [
    ("hyper", LevelFilter::ERROR),
    ("hyper_util", LevelFilter::ERROR),
    ("h2", LevelFilter::ERROR),
    ("rustls", LevelFilter::ERROR),
    ("sea_orm", LevelFilter::ERROR),
    ("sea_orm_migration", LevelFilter::WARN),
    ("sqlx", LevelFilter::WARN),
];

/// Which lines a level lets through, or a list of targets with levels, as the configuration has it.
pub fn targets(written: &str) -> Targets {
    let targets: Targets = written.parse().unwrap_or_default();
    let quiet = QUIET
        .iter()
        .filter(|(library, _)| !written.contains(library));
    quiet.fold(targets, |targets, (library, level)| {
        targets.with_target(*library, *level)
    })
}

/// A panic is an error of ours: one log line, in the span of the request that met it, and nothing on the client's side.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("a panic without a message");
        tracing::error!(code.location = %location, "panic at {location}: {message}");
    }));
}
