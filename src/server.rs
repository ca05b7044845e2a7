//! HTTP: the routes, and what every request meets on its way to them. Home of `axum` and `hyper`.
//!
//! `router` is the whole surface on one page.
//! A request meets, in this order: `connection` (how long a client may take), `edge` (id, span, panics, headers, metrics), and its handler.
//!
//! Architecture invariant: nothing here is global. [`run`] takes a listener and a [`Board`], so ten servers fit in one test.

mod body;
mod connection;
mod docs;
mod edge;
mod graphql;
mod host;
mod in_flight;
mod media;
mod playground;
mod probes;
mod refusal;
mod request_id;
mod router;
mod stall;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::{LimitsConfig, ServerConfig};
use crate::connect::Webhooks;
use crate::graphql::Engine;
use crate::ingest::Catalog;
use crate::tasks::Tasks;
use crate::telemetry::metrics::Metrics;

use self::in_flight::InFlight;

/// An engine and the catalog that it reads, which share the ids of one Model, and the webhooks of that Model: they are swapped together.
#[derive(Debug)]
struct Serving {
    engine: Engine,
    catalog: Arc<Catalog>,
    webhooks: Option<Webhooks>,
}

/// What handlers see; shared by all requests of one server.
#[derive(Debug)]
pub struct Board {
    /// What answers; a reload swaps it, and requests that run go on with theirs.
    serving: ArcSwap<Serving>,
    /// Whether the first snapshot serves.
    ready: AtomicBool,
    metrics: Arc<Metrics>,
    limits: LimitsConfig,
    /// One permit for each operation that is worked on.
    concurrency: Semaphore,
    /// One permit for each byte of deliveries that are worked on.
    deliveries: Arc<Semaphore>,
    in_flight: InFlight,
    request_ids: request_id::Source,
}

impl Board {
    /// Not ready until [`Board::set_ready`].
    pub fn new(engine: Engine, catalog: Arc<Catalog>, limits: LimitsConfig) -> Self {
        Self {
            serving: ArcSwap::from_pointee(Serving {
                engine,
                catalog,
                webhooks: None,
            }),
            ready: AtomicBool::new(false),
            metrics: Arc::default(),
            concurrency: Semaphore::new(limits.concurrency.min(Semaphore::MAX_PERMITS)),
            deliveries: Arc::new(webhook::room(&limits)),
            limits,
            in_flight: InFlight::default(),
            request_ids: request_id::Source::default(),
        }
    }

    /// Shows `metrics`, in which others count as well.
    #[must_use]
    pub fn with_metrics(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Takes deliveries to `webhooks` as well.
    #[must_use]
    pub fn with_webhooks(self, webhooks: Webhooks) -> Self {
        let (engine, catalog) = (self.engine(), self.catalog());
        self.swap(engine, catalog, webhooks);
        self
    }

    /// From now on `/readyz` says yes.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Answers new requests with `engine`, which reads `catalog`, and new deliveries with `webhooks`.
    pub fn swap(&self, engine: Engine, catalog: Arc<Catalog>, webhooks: Webhooks) {
        self.serving.store(Arc::new(Serving {
            engine,
            catalog,
            webhooks: Some(webhooks),
        }));
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn engine(&self) -> Engine {
        self.serving.load().engine.clone()
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.serving.load().catalog)
    }

    fn webhooks(&self) -> Option<Webhooks> {
        self.serving.load().webhooks.clone()
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

/// What had not ended when the server stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Requests that were cut, as `POST /graphql (id)`.
    pub cut: Vec<String>,
    /// Tasks that did not end even so.
    pub leaked: Vec<&'static str>,
}

/// Serves until `shutdown` is cancelled, then stops accepting, lets requests end within the grace time, and cuts the rest.
pub async fn run(
    listener: TcpListener,
    board: Arc<Board>,
    config: &ServerConfig,
    shutdown: CancellationToken,
) -> Stopped {
    run_with(listener, board, Router::new(), config, shutdown).await
}

/// [`run`] with more routes, which meet all that our own meet on their way: so that what a handler costs can be measured beside one that does nothing.
pub async fn run_with(
    listener: TcpListener,
    board: Arc<Board>,
    routes: Router<Arc<Board>>,
    config: &ServerConfig,
    shutdown: CancellationToken,
) -> Stopped {
    let tasks = Tasks::new();
    let cut = CancellationToken::new();
    let hosts = host::Hosts::of(listener.local_addr().ok(), config.allow_anonymous);
    let router = router::router(Arc::clone(&board), hosts, routes);
    let connections = connection::Connections {
        board: Arc::clone(&board),
        router,
        tasks: tasks.clone(),
        cut: cut.clone(),
        header_timeout: config.header_timeout,
        places: Arc::new(Semaphore::new(
            config.connections.min(Semaphore::MAX_PERMITS),
        )),
    };
    connections.accept_until(listener, &shutdown).await;
    let late = tasks.shutdown(config.shutdown_grace).await;
    if late.is_empty() {
        return Stopped::default();
    }
    let stopped = Stopped {
        cut: board.in_flight.names(),
        leaked: Vec::new(),
    };
    cut.cancel();
    // Cut connections end as soon as they are polled.
    let leaked = tasks.shutdown(Duration::from_secs(5)).await;
    Stopped { leaked, ..stopped }
}
