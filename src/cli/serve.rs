//! `serve`: the catalog of a configuration, until the process is told to end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::config::{load_or_report, path_of};
use super::output::{Exit, count, say, write_problems};
use super::{progress, signals};
use crate::app::schema::{self, Files, Loaded};
use crate::app::{self, App, ConfigOrigin, OpenError};
use crate::config::Config;
use crate::sdl::Model;
use crate::server::Stopped;
use crate::tasks::Tasks;
use crate::telemetry;

pub(super) fn serve(named: Option<&Path>, listen: Option<SocketAddr>) -> anyhow::Result<Exit> {
    let Some(mut config) = load_or_report(named)? else {
        return Ok(Exit::Errors);
    };
    if let Some(address) = listen {
        config.server.listen = address;
    }
    telemetry::start_logging(&config.telemetry);
    let Some((model, files)) = load_schema(&config)? else {
        return Ok(Exit::Errors);
    };
    let origin = ConfigOrigin {
        file: path_of(named),
        listen,
    };
    to_the_end(async move {
        let listened = app::listen(config.server.listen, config.server.allow_anonymous).await;
        let listener = match listened {
            Ok(listener) => listener,
            Err(error) => {
                let hint = error.hint();
                return fail(&anyhow::Error::new(error), hint);
            }
        };
        let opened = App::open(config, origin, model, files).await;
        match opened {
            Ok(app) => {
                run(app, listener, |address| {
                    tracing::info!("listening on http://{address}");
                })
                .await
            }
            Err(error) => open_failed(error),
        }
    })?
}

/// The composed schema and what it was made of; `None` after its problems were written.
pub(super) fn load_schema(config: &Config) -> anyhow::Result<Option<(Arc<Model>, Files)>> {
    let Loaded {
        model,
        problems,
        files,
    } = schema::load(config, &Files::default());
    write_problems(&problems)?;
    if model.is_none() {
        say(&format!("the schema has {}", count(&problems)));
    }
    for folder in &files.broken {
        let name = &folder.connector;
        say(&format!(
            "the folder of the connector `{name}` is broken: it is not in the graph"
        ));
    }
    Ok(model.map(|model| (Arc::new(model), files)))
}

/// A thread that has read a catalog keeps the memory of what it read until it ends, also where others have let go of it since.
const IDLE_THREAD: Duration = Duration::from_millis(20);

/// Who still works on files then is left behind: they stand a process that ends in the middle of it, and putting the parts of a large search index together takes seconds.
const LEAVE: Duration = Duration::from_millis(100);

/// Runs a server until it has stopped.
pub(super) fn to_the_end<T>(server: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = runtime()?;
    let done = runtime.block_on(server);
    runtime.shutdown_timeout(LEAVE);
    Ok(done)
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(IDLE_THREAD)
        .build()
        .context("the runtime cannot be started")
}

/// Serves until a signal; `started` is told the address.
pub(super) async fn run(
    app: App,
    listener: TcpListener,
    started: impl FnOnce(SocketAddr),
) -> anyhow::Result<Exit> {
    let tasks = Tasks::new();
    let shutdown = CancellationToken::new();
    signals::listen(&tasks, shutdown.clone(), app.reload_signal())
        .context("signals cannot be received")?;
    progress::show(&tasks, app.ingest());
    started(listener.local_addr().context("the socket has no address")?);
    let Stopped { cut, leaked } = app.serve(listener, shutdown).await;
    for request in &cut {
        tracing::warn!("cut after the grace time: {request}");
    }
    if !leaked.is_empty() {
        tracing::warn!("did not end: {}", leaked.join(", "));
    }
    tasks.shutdown(Duration::from_secs(1)).await;
    tracing::info!("stopped");
    Ok(Exit::Clean)
}

pub(super) fn open_failed(error: OpenError) -> anyhow::Result<Exit> {
    let hint = error.hint();
    fail(&anyhow::Error::new(error), hint)
}

/// The whole chain in one line, and what to do in the next.
fn fail(error: &anyhow::Error, hint: &str) -> anyhow::Result<Exit> {
    let mut line = String::from("error");
    for cause in error.chain().map(ToString::to_string) {
        // Libraries repeat their source in their own message.
        if !line.contains(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    say(&format!("{line}\n  hint: {hint}"));
    Ok(Exit::Errors)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::to_the_end;
    use crate::tasks::blocking;

    #[test]
    fn work_on_files_holds_no_server_that_has_stopped() {
        let (begun, begins) = mpsc::channel();
        let started = Instant::now();
        let done = to_the_end(async move {
            let work = blocking("a long work", move || {
                begun.send(()).expect("somebody waits");
                std::thread::sleep(Duration::from_secs(60));
            });
            // It is under way, and nobody waits for it any more.
            drop(tokio::time::timeout(Duration::from_millis(10), work).await);
        });
        done.expect("a runtime");
        begins.recv().expect("it was under way");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
