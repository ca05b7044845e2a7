//! A server over a catalog whose components lead to an upstream, as connectors do.
//!
//! The components stand in sets of fifty. A set has twelve services of PagerDuty with three policies; a component has a row of its own in each of the upstream's tables, and a job at each of five providers of CI runs.
//! Fields whose names begin with `asked` are fetched whenever they are asked for, those with `kept` are cached.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callboard::app::folders;
use callboard::cache::{Cache, Settings};
use callboard::catalog::{EntityRef, relations};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::{LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graph::{Origin, Record, Snapshot};
use callboard::graphql::Engine;
use callboard::ingest::Catalog;
use callboard::sdl::{self, Model, SdlFile};
use callboard::server::{self, Board};
use callboard::store::Store;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::upstream::Upstream;

/// Sets of components that variables choose among.
const SETS: usize = 16;
/// Components of one set.
const SET: usize = 50;
const SERVICES: usize = 12;
/// Providers of `ciRuns`, besides those of the built-in connectors.
pub(crate) const PROVIDERS: [&str; 5] = ["one", "two", "three", "four", "five"];

/// A connector with rows of three tables by lists of ids, and a thing by its own id.
const ROWS: &str = r#"
extend schema @source(name: "rest", url: "$config.url", limits: { concurrency: 64 })
extend interface Entity {
  PREThing: PREThing @connect(source: "rest", get: "/one/{$entity.metadata.annotations.'bench/row'}") CACHE
}
type PREThing implements Live @identity(from: "id") { score: Int grade: String }
"#;

const TABLE: &str = r#"
extend interface Entity {
  PRETABLE: PRETABLE @connect(source: "rest", get: "/rows/TABLE?ids={$batch.key | join(',')}", at: "rows[]",
    batch: { style: LIST, key: "$entity.metadata.annotations.'bench/row'", match: "id", max: 50 }) CACHE
}
type PRETABLE implements Live @identity(from: "id") { score: Int grade: String }
"#;

const RUNS: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
type RunOfNAME implements CiRun
  @supplies(field: "Entity.ciRuns")
  @identity(from: "number")
  @connect(source: "rest", get: "/runs/{$entity.metadata.annotations.'bench/job'}-NAME", at: "runs[]") {
  createdAt: DateTime @field(at: "at")
  status: CiStatus @field(at: "state", else: "UNKNOWN", enum: [{ from: "ok", to: "PASSED" }])
}
"#;

pub(crate) struct Linked {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    /// Stands still if the world was made so.
    pub(crate) clock: Clock,
    pub(crate) cache: Cache,
    tasks: Tasks,
    pub(crate) model: Arc<Model>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) store: Store,
    shutdown: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Linked {
    /// A server on a socket; `redis` is the URL of one.
    pub(crate) async fn start(upstream: &Upstream, clock: Clock, redis: Option<&str>) -> Self {
        let config = config(upstream, redis);
        let model = model();
        let snapshot = Snapshot::build(Arc::clone(&model), 1, records(&model), Vec::new());
        let catalog = Arc::new(Catalog::new(snapshot));
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/bench.db", folder.path().display());
        let store = Store::open(&url).await.expect("a database");
        let tasks = Tasks::new();
        let metrics = Arc::new(Metrics::default());
        let counts = metrics.cache().clone();
        let cache = Cache::open(Settings::from(&config.cache), clock.clone(), counts, &tasks).await;
        let egress = Egress::new(egress::Settings {
            clock: clock.clone(),
            metrics,
            ..egress::Settings::of(&config.egress)
        });
        let source = Arc::new(Runtime::new(
            Arc::clone(&model),
            &config.connectors,
            cache.clone(),
            &egress.expect("egress"),
            tasks.clone(),
        ));
        let limits = callboard::app::engine_limits(&config.limits);
        let engine = with_live(&model, &catalog, &store, limits, source);
        let board = Board::new(engine.clone(), Arc::clone(&catalog), config.limits.clone());
        let board = Arc::new(board);
        board.set_ready();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let until = shutdown.clone();
        let serving = tokio::spawn(async move {
            server::run(listener, board, &config.server, until).await;
            drop(folder);
        });
        Self {
            address,
            engine,
            clock,
            cache,
            tasks,
            model,
            catalog,
            store,
            shutdown,
            serving,
        }
    }

    /// An engine over the same catalog whose live fields somebody else answers.
    pub(crate) fn engine_with(&self, source: Arc<dyn LiveSource>) -> Engine {
        let limits = self.engine.limits().clone();
        with_live(&self.model, &self.catalog, &self.store, limits, source)
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now() + time);
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.expect("the server ends");
        self.tasks.shutdown(Duration::from_secs(1)).await;
    }
}

fn with_live(
    model: &Arc<Model>,
    catalog: &Arc<Catalog>,
    store: &Store,
    limits: callboard::graphql::Limits,
    source: Arc<dyn LiveSource>,
) -> Engine {
    let (model, catalog) = (Arc::clone(model), Arc::clone(catalog));
    Engine::with_live(model, catalog, store.clone(), limits, source)
}

fn config(upstream: &Upstream, redis: Option<&str>) -> Config {
    let url = format!("http://{}", upstream.address);
    let redis = redis.map(|url| format!("cache: {{ redis: '{url}' }}\n"));
    let own = PROVIDERS.iter().chain(["rows", "kept"].iter());
    let own = own.map(|name| format!("  {name}: {{ config: {{ url: '{url}' }} }}\n"));
    let text = format!(
        "{}server: {{ connections: 4096 }}\nlimits: {{ concurrency: 4096 }}\nconnectors:\n  pagerduty: {{ config: {{ url: '{url}' }}, secrets: {{ token: t }}, limits: {{ concurrency: 16, perMinute: 1000000 }} }}\n{}",
        redis.unwrap_or_default(),
        own.collect::<String>()
    );
    let file: Arc<str> = "callboard.yaml".into();
    let (config, problems) = Config::parse(Some((&file, &text)), Path::new("."), &|_| None);
    assert!(problems.is_empty(), "{problems:?}");
    config.expect("a configuration")
}

/// The built-in schema with the built-in connectors, and those above.
fn model() -> Arc<Model> {
    let mut files = sdl::core_files();
    files.extend(
        folders::built_in()
            .into_iter()
            .flat_map(|folder| folder.sdl),
    );
    files.push(connector("rows", rows("Asked", "")));
    files.push(connector("kept", rows("Kept", "@cache(maxAge: \"1h\")")));
    files.extend(PROVIDERS.map(|name| connector(name, RUNS.replace("NAME", name))));
    let (model, problems) = sdl::load(&files);
    let model = model.unwrap_or_else(|| unreachable!("{problems:#?}"));
    Arc::new(model)
}

/// The fields `<prefix>Thing` and `<prefix>Quality`, `<prefix>Cost`, `<prefix>Traffic`.
fn rows(prefix: &str, cache: &str) -> String {
    let tables = ["Quality", "Cost", "Traffic"].map(|table| TABLE.replace("TABLE", table));
    let all = format!("{ROWS}{}", tables.concat());
    let field = prefix.to_lowercase();
    all.replace("  PRE", &format!("  {field}"))
        .replace("PRE", prefix)
        .replace("CACHE", cache)
}

fn connector(name: &str, text: String) -> SdlFile {
    SdlFile {
        path: format!("connectors/{name}/{name}.graphql").into(),
        text,
        connector: Some(name.into()),
    }
}

/// All entities: the components, their teams, and the people who are on call.
fn records(model: &Arc<Model>) -> impl Iterator<Item = Record> {
    let components = (0..SETS * SET).map(component);
    let teams = (0..10).map(|at| {
        let spec = json!({ "type": "team", "children": [] });
        entity("Group", &format!("team-{at}"), &json!({}), &spec)
    });
    let people = [1, 2].map(|at| {
        let spec = json!({ "profile": { "email": format!("person-{at}@example.com") }, "memberOf": ["team-1"] });
        entity("User", &format!("person-{at}"), &json!({}), &spec)
    });
    let all = components.chain(teams).chain(people);
    let model = Arc::clone(model);
    all.enumerate()
        .map(move |(at, descriptor)| record(&model, at, descriptor))
}

fn component(at: usize) -> Value {
    let set = at / SET;
    let annotations = json!({
        "bench/row": format!("r{at}"),
        "bench/job": format!("job-{at}"),
        "pagerduty.com/service-id": format!("S{set}x{}", at % SET % SERVICES),
    });
    let spec = json!({ "type": format!("set-{set}"), "lifecycle": "production", "owner": format!("team-{}", at % 10) });
    entity(
        "Component",
        &format!("component-{at:04}"),
        &annotations,
        &spec,
    )
}

fn entity(kind: &str, name: &str, annotations: &Value, spec: &Value) -> Value {
    json!({ "apiVersion": "backstage.io/v1alpha1", "kind": kind,
        "metadata": { "name": name, "annotations": annotations }, "spec": spec })
}

fn record(model: &Arc<Model>, at: usize, descriptor: Value) -> Record {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, name) = (
        text(&descriptor["kind"]),
        text(&descriptor["metadata"]["name"]),
    );
    let entity_ref = EntityRef::new(&kind, "default", &name);
    let kind = model.kind(&kind);
    let seen = jiff::Timestamp::UNIX_EPOCH;
    Record {
        id: format!("{at:020x}").into(),
        relations: relations(model, &entity_ref, kind, &descriptor),
        entity_ref,
        kind,
        descriptor,
        origin: Origin {
            source: "bench".into(),
            file: "catalog.yaml".into(),
            line: 1,
            revision: 1,
            url: None,
            claims: Vec::new(),
        },
        created_at: seen,
        updated_at: seen,
        previous_refs: Vec::new(),
    }
}
