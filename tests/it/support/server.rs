//! A server on a free port of loopback, and what tests ask of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use callboard::cache::{Cache, Settings};
use callboard::clock::Clock;
use callboard::config::{Config, LimitsConfig, ServerConfig};
use callboard::connect::{Deliveries, Webhooks};
use callboard::graph::Snapshot;
use callboard::graphql::{Engine, Limits};
use callboard::ingest::Catalog;
use callboard::sdl::{self, SdlFile};
use callboard::server::{self, Board, Stopped};
use callboard::store::Store;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running server; dropping it stops it and fails if any of its tasks goes on.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) board: Arc<Board>,
    runtime: Runtime,
    shutdown: CancellationToken,
    running: Option<JoinHandle<Stopped>>,
    client: reqwest::Client,
    /// Where webhooks are tested.
    hooks: Option<Hooks>,
    /// Where the database is; removed with the server.
    _folder: tempfile::TempDir,
}

/// What webhooks work on.
pub(crate) struct Hooks {
    pub(crate) cache: Cache,
    pub(crate) clock: Clock,
    tasks: Tasks,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// `400 BAD_REQUEST` and the message.
    pub(crate) fn refusal(&self) -> String {
        let json = self.json();
        format!(
            "{} {}: {}",
            self.status,
            json["errors"][0]["extensions"]["code"]
                .as_str()
                .unwrap_or("-"),
            json["errors"][0]["message"].as_str().unwrap_or("-")
        )
    }
}

pub(crate) fn defaults() -> (ServerConfig, LimitsConfig) {
    let (config, problems) = Config::defaults(std::path::Path::new("."), &|_| None);
    assert_eq!(problems, []);
    let config = config.unwrap();
    (config.server, config.limits)
}

async fn hooks(config: &str, metrics: &Metrics) -> (Config, Hooks) {
    let name = "callboard.yaml".into();
    let folder = std::path::Path::new("/");
    let (config, problems) = Config::parse(Some((&name, config)), folder, &|_| None);
    assert_eq!(problems, []);
    let config = config.unwrap();
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let tasks = Tasks::new();
    let settings = Settings {
        patience: Duration::from_secs(5),
        ..Settings::from(&config.cache)
    };
    let cache = Cache::open(settings, clock.clone(), metrics.cache().clone(), &tasks).await;
    let hooks = Hooks {
        cache,
        clock,
        tasks,
    };
    (config, hooks)
}

impl TestServer {
    /// The built-in schema and an empty catalog.
    pub(crate) fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// The same, with other settings.
    pub(crate) fn start_with(change: impl FnOnce(&mut ServerConfig, &mut LimitsConfig)) -> Self {
        let server = Self::build(&sdl::core_files(), change);
        server.board.set_ready();
        server
    }

    /// The schema of these files.
    pub(crate) fn start_with_schema(files: &[SdlFile]) -> Self {
        let server = Self::build(files, |_, _| {});
        server.board.set_ready();
        server
    }

    /// Takes webhooks of the connectors in `files`, by the secrets of `config`.
    pub(crate) fn start_with_webhooks(
        files: &[SdlFile],
        config: &str,
        change: impl FnOnce(&mut ServerConfig, &mut LimitsConfig),
    ) -> Self {
        let server = Self::build_with(files, change, Some(config));
        server.board.set_ready();
        server
    }

    /// As a server is while it loads its catalog.
    pub(crate) fn start_unready() -> Self {
        Self::build(&sdl::core_files(), |_, _| {})
    }

    fn build(files: &[SdlFile], change: impl FnOnce(&mut ServerConfig, &mut LimitsConfig)) -> Self {
        Self::build_with(files, change, None)
    }

    fn build_with(
        files: &[SdlFile],
        change: impl FnOnce(&mut ServerConfig, &mut LimitsConfig),
        connectors: Option<&str>,
    ) -> Self {
        // Only lost if another test was faster.
        drop(rustls::crypto::ring::default_provider().install_default());
        let (mut config, mut limits) = defaults();
        config.shutdown_grace = Duration::from_secs(10);
        change(&mut config, &mut limits);
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (model, problems) = sdl::load(files);
        let model = Arc::new(model.unwrap_or_else(|| panic!("{problems:#?}")));
        let catalog = Arc::new(Catalog::new(Snapshot::empty(Arc::clone(&model))));
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let store = runtime.block_on(Store::open(&url)).unwrap();
        let engine = Engine::new(
            Arc::clone(&model),
            Arc::clone(&catalog),
            store,
            Limits::default(),
        );
        let mut board = Board::new(engine, catalog, limits);
        let metrics = Arc::new(Metrics::default());
        let hooks = connectors.map(|config| {
            let hooks = runtime.block_on(hooks(config, &metrics));
            let (config, hooks) = hooks;
            let webhooks = Webhooks::new(
                model,
                &config.connectors,
                hooks.cache.clone(),
                Arc::clone(&metrics),
                Deliveries::default(),
            );
            (webhooks, hooks)
        });
        let (webhooks, hooks) = hooks.unzip();
        if let Some(webhooks) = webhooks {
            board = board.with_metrics(metrics).with_webhooks(webhooks);
        }
        let board = Arc::new(board);
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", 0)))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let running = runtime.spawn({
            let board = Arc::clone(&board);
            let shutdown = shutdown.clone();
            async move { server::run(listener, board, &config, shutdown).await }
        });
        Self {
            address,
            board,
            shutdown,
            running: Some(running),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            runtime,
            hooks,
            _folder: folder,
        }
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        self.hooks.as_ref().unwrap()
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("http://{}{path}", self.address);
        self.send(self.client.get(url), headers)
    }

    pub(crate) fn post(&self, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> Answer {
        let url = format!("http://{}/graphql", self.address);
        self.send(self.client.post(url).body(body), headers)
    }

    /// A POST of a JSON body to `/graphql`.
    pub(crate) fn ask(&self, body: &Value) -> Answer {
        self.post(body.to_string(), &[("content-type", "application/json")])
    }

    pub(crate) fn send(
        &self,
        mut request: reqwest::RequestBuilder,
        headers: &[(&str, &str)],
    ) -> Answer {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                text: response.text().await.unwrap(),
            }
        })
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url)
    }

    /// A socket, for what no decent client would do.
    pub(crate) fn raw(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// Sends `bytes` and reads until the server closes.
    pub(crate) fn raw_exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.raw();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Stops the server as SIGTERM does.
    pub(crate) fn stop(mut self) -> Stopped {
        self.shutdown.cancel();
        let running = self.running.take().unwrap();
        self.runtime.block_on(running).unwrap()
    }

    /// Begins the shutdown and does not wait for it.
    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.cancel();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        self.shutdown.cancel();
        let stopped = self.runtime.block_on(running);
        if let Some(hooks) = &self.hooks {
            let late = self
                .runtime
                .block_on(hooks.tasks.shutdown(Duration::from_secs(10)));
            assert!(late.is_empty() || std::thread::panicking(), "{late:?}");
        }
        if !std::thread::panicking() {
            assert_eq!(stopped.unwrap(), Stopped::default());
        }
    }
}
