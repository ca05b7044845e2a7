//! Wiring: from a configuration to a server that answers.
//!
//! Together with `cli` the only place that knows everyone.

mod claims;
mod definitions;
mod files;
pub mod folders;
pub mod indexing;
mod library;
pub mod live;
mod references;
pub mod reload;
pub mod schema;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::apis::Shelf;
use crate::clock::Clock;
use crate::config::{Config, LimitsConfig};
use crate::egress::EgressError;
use crate::graphql::{Engine, Limits};
use crate::ingest::{Ingest, IngestOptions};
use crate::sdl::Model;
use crate::search::{Place, Search};
use crate::server::{self, Board, Stopped};
use crate::store::{ServerLock, Store, StoreError};
use crate::tasks::Tasks;
use crate::telemetry::metrics::{DefinitionMetrics, Metrics};
use indexing::Indexing;
use live::Live;

/// How long the readers of sources may take to stop, at a reload and at the end: they commit what they have in hand.
const INGEST_GRACE: Duration = Duration::from_secs(10);

/// Everything that serves one catalog.
#[derive(Debug)]
pub struct App {
    /// The configuration in force.
    config: Config,
    origin: ConfigOrigin,
    /// What the graph in force was made of.
    schema_files: schema::Files,
    /// The durable truth, one for the whole life of the process.
    store: Store,
    /// Held for as long as the store is.
    _lock: ServerLock,
    clock: Clock,
    /// What HTTP handlers see.
    board: Arc<Board>,
    /// Wakes the reloader.
    reload: Arc<Notify>,
    /// Connections to upstreams and what is kept of their answers, for the whole life of the process.
    live: Live,
    /// The search index, for the whole life of the process.
    indexing: Indexing,
    generation: Generation,
    /// What looks at the claims of annotations, by the configuration in force.
    claims: Tasks,
}

/// How the configuration came about, to be read again in the same way.
#[derive(Clone, Debug, Default)]
pub struct ConfigOrigin {
    /// `None`: it was made in memory, and never changes.
    pub file: Option<PathBuf>,
    /// Where the command line said to listen, whatever the file says.
    pub listen: Option<SocketAddr>,
}

/// What belongs to one Model: made anew by a reload.
#[derive(Debug)]
struct Generation {
    model: Arc<Model>,
    ingest: Arc<Ingest>,
    /// API definitions that were read.
    shelf: Shelf,
    /// The tasks that follow the sources.
    tasks: Tasks,
}

impl App {
    /// Opens the database and loads what it holds; no source is read yet.
    pub async fn open(
        config: Config,
        origin: ConfigOrigin,
        model: Arc<Model>,
        schema_files: schema::Files,
    ) -> Result<Self, OpenError> {
        let clock = Clock::system();
        let metrics: Arc<Metrics> = Arc::default();
        let url = config.database.url.expose_secret();
        let lock = ServerLock::take(url)?;
        let store = Store::open(url).await?;
        let live = Live::open(&config, clock.clone(), Arc::clone(&metrics), store.clone()).await?;
        live.broken().set(schema_files.broken.clone());
        let generation = Generation::open(&store, model, &config, clock.clone(), &metrics).await?;
        let claims = Tasks::new();
        let place = crate::store::beside(url, ".search").map_or(Place::Temporary, Place::Folder);
        let indexing = Indexing::new(Search::new(place));
        let board = Board::new(
            generation.engine(&config, &live, &indexing, clock.clone(), &claims),
            Arc::clone(generation.ingest.catalog()),
            config.limits.clone(),
        )
        .with_metrics(metrics)
        .with_webhooks(live.webhooks(&generation.model, &config));
        Ok(Self {
            config,
            origin,
            schema_files,
            store,
            _lock: lock,
            clock,
            board: Arc::new(board),
            reload: Arc::new(Notify::new()),
            live,
            indexing,
            generation,
            claims,
        })
    }

    /// Wakes the reloader when notified.
    pub fn reload_signal(&self) -> Arc<Notify> {
        Arc::clone(&self.reload)
    }

    /// The way of descriptors into the catalog.
    pub fn ingest(&self) -> &Arc<Ingest> {
        &self.generation.ingest
    }

    /// Serves on `listener` until `shutdown`; says what was cut.
    pub async fn serve(mut self, listener: TcpListener, shutdown: CancellationToken) -> Stopped {
        let board = Arc::clone(&self.board);
        let config = self.config.server.clone();
        let http = server::run(listener, board, &config, shutdown.clone());
        let upkeep = async {
            shutdown.run_until_cancelled(Box::pin(self.keep_up())).await;
            let mut late = self.claims.shutdown(INGEST_GRACE).await;
            late.extend(self.generation.tasks.shutdown(INGEST_GRACE).await);
            late.extend(self.generation.shelf.close(INGEST_GRACE).await);
            late
        };
        let (mut stopped, late) = tokio::join!(http, upkeep);
        stopped.leaked.extend(late);
        stopped.leaked.extend(self.live.close().await);
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the database was not closed: {error}");
        }
        stopped
    }

    /// Reads the sources, follows them, and takes over changes of schema and configuration; ends only by being dropped.
    async fn keep_up(&mut self) {
        self.first_reading().await;
        self.board.set_ready();
        self.indexing.start();
        self.generation.follow();
        self.reload_for_ever().await;
    }

    /// What the last run left is served at once; where there is nothing, the sources are read first.
    async fn first_reading(&self) {
        let ingest = &self.generation.ingest;
        if !ingest.catalog().snapshot().is_empty() {
            return;
        }
        // Dropped together with this future.
        let cancel = CancellationToken::new();
        if let Err(error) = ingest.read_all(&cancel).await {
            tracing::error!(%error, "the sources could not be read: {error}; {}", error.hint());
        }
    }
}

impl Generation {
    async fn open(
        store: &Store,
        model: Arc<Model>,
        config: &Config,
        clock: Clock,
        metrics: &Metrics,
    ) -> Result<Self, StoreError> {
        let ingest = Ingest::open(
            store.clone(),
            Arc::clone(&model),
            &config.sources,
            IngestOptions::from(&config.catalog),
            clock,
        )
        .await?;
        Ok(Self {
            model,
            ingest: Arc::new(ingest),
            shelf: shelf(&config.limits, store.clone(), metrics.definitions().clone()),
            tasks: Tasks::new(),
        })
    }

    /// The engine of `config`, and the tasks that follow the catalog for it: claims of annotations, places of references, the search index, problems of docs.
    fn engine(
        &self,
        config: &Config,
        live: &Live,
        indexing: &Indexing,
        clock: Clock,
        claims: &Tasks,
    ) -> Engine {
        let runtime = live.runtime(&self.model, config);
        claims::follow(runtime.clone(), Arc::clone(&self.ingest), claims);
        references::follow(Arc::clone(&self.ingest), claims);
        definitions::follow(Arc::clone(&self.ingest), self.shelf.clone(), claims);
        let definitions = indexing::Definitions(self.shelf.clone());
        indexing.follow(Arc::clone(self.ingest.catalog()), definitions, claims);
        library::follow(Arc::clone(&self.ingest), clock, claims);
        Engine::with_shelf(
            Arc::clone(&self.model),
            Arc::clone(self.ingest.catalog()),
            self.ingest.store().clone(),
            engine_limits(&config.limits),
            Arc::new(runtime),
            self.shelf.clone(),
        )
        .with_search(indexing.search.clone())
    }

    fn follow(&self) {
        self.ingest.start(&self.tasks);
    }
}

/// Reads API definitions within the limits.
pub fn shelf(limits: &LimitsConfig, store: Store, metrics: DefinitionMetrics) -> Shelf {
    let max_bytes = usize::try_from(limits.definition_size).unwrap_or(usize::MAX);
    Shelf::new(store, max_bytes, metrics)
}

/// The part of `limits` that the engine watches over.
pub fn engine_limits(limits: &LimitsConfig) -> Limits {
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    Limits {
        document_bytes: bytes(limits.document_size),
        tokens: limits.tokens,
        nesting: limits.nesting,
        depth: limits.depth,
        aliases: limits.aliases,
        root_fields: limits.root_fields,
        fields: limits.fields,
        response_bytes: bytes(limits.response_size),
        introspection: limits.introspection,
        ..Limits::default()
    }
}

/// Why there is nothing to serve with.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Egress(#[from] EgressError),
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Store(error) => error.hint(),
            Self::Egress(_) => {
                "look at the variables `HTTP_PROXY` and `HTTPS_PROXY`, and at the certificates that this machine trusts"
            }
        }
    }
}

/// Why a server does not listen where it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "`{address}` can be reached from other machines, and there is no authentication: everybody could read the catalog"
    )]
    Open { address: SocketAddr },
    #[error("`{address}` is in use by another process")]
    InUse { address: SocketAddr },
    #[error("cannot listen on `{address}`")]
    Other {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

impl ListenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open { .. } => {
                "listen on 127.0.0.1, or say `server: { allowAnonymous: true }` if this is meant"
            }
            Self::InUse { .. } => "stop the other process, or choose another port with `--listen`",
            Self::Other { .. } => "name an address of this machine, and a port that you may open",
        }
    }
}

/// Beyond loopback only if somebody said that this is meant.
pub fn may_listen(address: SocketAddr, allow_anonymous: bool) -> Result<(), ListenError> {
    if address.ip().is_loopback() || allow_anonymous {
        Ok(())
    } else {
        Err(ListenError::Open { address })
    }
}

/// Listens on `address`, if it may.
pub async fn listen(
    address: SocketAddr,
    allow_anonymous: bool,
) -> Result<TcpListener, ListenError> {
    may_listen(address, allow_anonymous)?;
    TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            ListenError::InUse { address }
        } else {
            ListenError::Other { address, source }
        }
    })
}
