//! One example of a built-in connector, asked of its simulated upstream through a gate; beside it a connector of ours that is always well.
//!
//! The witness supplies every field of `Entity` that the connector under test supplies, so that it shows what a fault costs others.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use callboard::app::folders::{self, ConnectorFolder};
use callboard::cache::{Cache, Settings as CacheSettings};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::example::{Example, Settings};
use callboard::connect::{LiveSource, Runtime};
use callboard::egress::{self, Egress, Lookup};
use callboard::graphql::Limits;
use callboard::sdl::{Compared, FieldSource, Model, connects};
use callboard::simulate::{self, Options, Simulated};
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use crate::support::engine::{TestEngine, model, snapshot};
use crate::support::upstream::{Reply, Upstream};

/// The name under which the connector knows its upstream; nobody is told of it.
pub(crate) const HOST: &str = "upstream-host.test";
/// The gate's own address of loopback, where no other test listens.
const GATE: Ipv4Addr = Ipv4Addr::new(127, 83, 7, 1);
/// The witness; its name comes behind those of all others.
pub(crate) const WITNESS: &str = "zz-witness";

/// The connectors that have examples, each with them.
pub(crate) fn connectors() -> Vec<(ConnectorFolder, Vec<Example>)> {
    let with_examples = folders::built_in().into_iter().map(|folder| {
        let examples = folder.examples.iter().map(|file| {
            let (example, problems) = Example::parse(&file.path, &file.text);
            assert_eq!(problems, []);
            let mut example = example.unwrap();
            // Time stands still on a stage: what comes is the same at every moment.
            let replies = example.upstream.iter_mut();
            for reply in replies {
                reply.steps.clear();
                // Thousands of requests are more than an upstream would allow in an hour.
                reply
                    .headers
                    .retain(|(name, _)| !name.to_lowercase().contains("ratelimit"));
            }
            example
        });
        let examples: Vec<Example> = examples.collect();
        (folder, examples)
    });
    let found: Vec<_> = with_examples
        .filter(|(_, examples)| !examples.is_empty())
        .collect();
    assert!(!found.is_empty());
    found
}

pub(crate) struct Stage {
    pub(crate) connector: Arc<str>,
    pub(crate) example: Example,
    /// The connector without the witness.
    pub(crate) alone: TestEngine,
    /// With it.
    pub(crate) beside: TestEngine,
    pub(crate) upstream: Simulated,
    _witness: Upstream,
    pub(crate) gate: Gate,
    pub(crate) names: Names,
    /// Fields of `Entity` that both supply, and whether they are lists.
    pub(crate) supplied: Vec<(String, bool)>,
    /// What nobody may be told: tokens of the settings.
    pub(crate) secrets: Vec<String>,
    /// Rows come to their entities by what stands in them.
    pub(crate) matches_rows: bool,
    clock: Clock,
    _tasks: Tasks,
}

/// A connector in the graph of all, and the witness.
pub(crate) struct Scene {
    connector: Arc<str>,
    pub(crate) model: Arc<Model>,
    supplied: Vec<(String, bool)>,
}

impl Scene {
    pub(crate) fn of(connector: &Arc<str>) -> Self {
        let (supplied, sdl) = witness_sdl(connector);
        let mut files = files();
        files.push((format!("connectors/{WITNESS}/w.graphql"), sdl));
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (&**p, &**t)).collect();
        Self {
            connector: Arc::clone(connector),
            model: model(&files),
            supplied,
        }
    }
}

/// What is said of the connector's own limits.
pub(crate) type OwnLimits = Value;

impl Stage {
    /// All examples of all connectors, each on a stage of its own.
    pub(crate) async fn all(limits: &OwnLimits) -> Vec<Self> {
        let mut stages = Vec::new();
        for (folder, examples) in connectors() {
            let scene = Scene::of(&folder.name);
            for example in &examples {
                stages.push(Self::set(&scene, &examples, example, limits).await);
            }
        }
        stages
    }

    pub(crate) async fn set(
        scene: &Scene,
        all: &[Example],
        example: &Example,
        limits: &OwnLimits,
    ) -> Self {
        // Only lost if another test was faster.
        drop(rustls::crypto::ring::default_provider().install_default());
        let Scene {
            connector,
            model,
            supplied,
        } = scene;
        let clock = Clock::fixed("2026-03-02T09:00:00Z".parse().unwrap());
        let tasks = Tasks::new();
        let options = Options {
            clock: clock.clone(),
            ..Options::default()
        };
        let upstream = Simulated::start(model, connector, all, options, &tasks);
        let upstream = upstream.await.unwrap();
        let gate = Gate::open(upstream.origin().port().unwrap()).await;
        let origin = format!("http://{HOST}:{}", gate.address.port());
        let origin = Url::parse(&origin).unwrap();
        let led = simulate::lead(model, connector, &example.settings, &origin).unwrap();
        let witness = Upstream::start(|_| {
            Reply::json(&json!({ "id": "w", "rows": [{ "id": "w1" }, { "id": "w2" }] }))
        })
        .await;
        let entities: Vec<String> = example.entities.iter().map(Value::to_string).collect();
        let entities = entities.join("\n---\n");
        let names = Names::default();
        let mut engines = Vec::with_capacity(2);
        for witness in [None, Some(&*witness.url)] {
            let config = configuration(connector, &led, limits, witness);
            let egress = Egress::new(egress::Settings {
                clock: clock.clone(),
                lookup: Arc::new(names.clone()),
                ..egress::Settings::default()
            });
            let metrics = Metrics::default();
            let settings = CacheSettings::from(&config.cache);
            let cache = Cache::open(settings, clock.clone(), metrics.cache().clone(), &tasks).await;
            let (model, all) = (Arc::clone(model), &config.connectors);
            let runtime = Runtime::new(model, all, cache, &egress.unwrap(), tasks.clone());
            let live: Arc<dyn LiveSource> = Arc::new(runtime);
            let snapshot = snapshot(&scene.model, &entities);
            engines.push(TestEngine::new(snapshot, Limits::default(), Some(live)).await);
        }
        let [alone, beside] = <[TestEngine; 2]>::try_from(engines).ok().unwrap();
        Self {
            connector: Arc::clone(connector),
            secrets: secrets(&example.settings),
            example: example.clone(),
            alone,
            beside,
            upstream,
            _witness: witness,
            gate,
            names,
            supplied: supplied.clone(),
            matches_rows: connects(model)
                .filter(|connect| connect.connector == *connector)
                .any(|connect| connect.batch.is_some()),
            clock,
            _tasks: tasks,
        }
    }

    /// The example's query.
    pub(crate) async fn ask(&self) -> Value {
        let variables = Value::Object(self.example.variables.clone());
        self.alone.json(&self.example.query, variables).await.0
    }

    /// Every entity with what both supply, and with the reason for every null.
    pub(crate) async fn ask_beside(&self) -> Value {
        let fields = self.supplied.iter().map(|(field, list)| match list {
            true => format!("{field} {{ nodes {{ provider }} }}"),
            false => format!("{field} {{ provider }}"),
        });
        let fields: Vec<String> = fields.collect();
        let query = format!(
            "{{ entities(first: 1000) {{ nodes {{ ref title {} live {{ field connector state code }} }} }} }}",
            fields.join(" ")
        );
        self.beside.json(&query, Value::Null).await.0
    }

    /// Waits for what is fetched again behind, without anybody waiting for it.
    pub(crate) async fn settle(&self) {
        loop {
            let before = self.upstream.n_requests();
            tokio::time::sleep(Duration::from_millis(50)).await;
            if self.upstream.n_requests() == before {
                return;
            }
        }
    }

    /// Lets time go by for everything that is kept.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now() + time);
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.connector, self.example.name())
    }
}

/// All built-in connectors: one is never alone in a graph.
fn files() -> Vec<(String, String)> {
    let folders = folders::built_in().into_iter();
    let sdl = folders.flat_map(|folder| folder.sdl);
    sdl.map(|file| (file.path.to_string(), file.text)).collect()
}

/// What the connector supplies to `Entity`, and SDL that supplies the same.
fn witness_sdl(connector: &str) -> (Vec<(String, bool)>, String) {
    let files = files();
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    let model = MODEL.get_or_init(|| {
        let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (&**p, &**t)).collect();
        model(&files)
    });
    let mut sdl = "extend schema @source(name: \"rest\", url: \"$config.url\")\n".to_owned();
    let mut supplied = Vec::new();
    for field in model.types["Entity"].fields.values() {
        let FieldSource::Live(binding) = &field.source else {
            continue;
        };
        let is_ours = |type_name: &str| {
            files.iter().any(|(path, text)| {
                path.starts_with(&format!("connectors/{connector}/"))
                    && text.contains(&format!("type {type_name} "))
            })
        };
        if !binding
            .suppliers
            .iter()
            .any(|supplier| is_ours(&supplier.type_name))
        {
            continue;
        }
        let list = binding.connection;
        let interface = match list {
            true => &model.types[&*field.ty.named].fields["nodes"].ty.named,
            false => &field.ty.named,
        };
        let at = if list { "rows[]" } else { "$" };
        let name = &field.name;
        // Where a list shows only what an entity wants, the witness gives what it wants.
        let chosen = binding.chosen.as_deref();
        let chosen = chosen.filter(|chosen| chosen.compared == Compared::Is);
        let (wants, has) = match chosen {
            Some(chosen) => (
                format!(
                    "let: [{{ name: \"wanted\", value: \"{}\" }}], ",
                    chosen.wanted.source().replace('\n', "\\n")
                ),
                format!("{}: String @field(at: \"$wanted | first\")", chosen.field),
            ),
            None => Default::default(),
        };
        sdl.push_str(&format!(
            "type Witness{interface} implements {interface} @supplies(field: \"Entity.{name}\") @identity(from: \"id\")\n  \
             @connect(source: \"rest\", {wants}get: \"/{name}/{{$entity.metadata.name}}\", at: \"{at}\") {{ own: String @field(at: \"id\") {has} }}\n"
        ));
        supplied.push((name.to_string(), list));
    }
    (supplied, sdl)
}

fn configuration(
    connector: &str,
    led: &Settings,
    limits: &OwnLimits,
    witness: Option<&str>,
) -> Config {
    let mut own = written(led);
    let instances = led.instances.iter();
    let instances: Map<String, Value> = instances
        .map(|(name, settings)| (name.clone(), Value::Object(written(settings))))
        .collect();
    own.insert("instances".to_owned(), Value::Object(instances));
    own.insert("limits".to_owned(), limits.clone());
    let mut connectors = Map::new();
    connectors.insert(connector.to_owned(), Value::Object(own));
    if let Some(url) = witness {
        connectors.insert(WITNESS.to_owned(), json!({ "config": { "url": url } }));
    }
    let text = json!({ "connectors": connectors });
    let file = "callboard.yaml".into();
    let (config, problems) =
        Config::parse(Some((&file, &text.to_string())), Path::new("."), &|_| None);
    assert_eq!(problems, []);
    config.unwrap()
}

fn written(settings: &Settings) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("config".to_owned(), Value::Object(settings.config.clone()));
    map.insert("secrets".to_owned(), json!(settings.secrets));
    map
}

fn secrets(settings: &Settings) -> Vec<String> {
    let below = settings.instances.values().flat_map(secrets);
    // A user's name is no secret by itself, and may be a word.
    let own = settings.secrets.values().filter(|secret| secret.len() > 12);
    own.cloned().chain(below).collect()
}

/// A name server that can be switched off.
#[derive(Clone, Default)]
pub(crate) struct Names {
    gone: Arc<AtomicBool>,
}

impl Names {
    pub(crate) fn switch(&self, on: bool) {
        self.gone.store(!on, Ordering::Relaxed);
    }
}

impl Lookup for Names {
    fn lookup(&self, host: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let known = host == HOST && !self.gone.load(Ordering::Relaxed);
        Box::pin(async move {
            match known {
                true => Ok(vec![SocketAddr::from((GATE, 0))]),
                false => Err(std::io::Error::other("no such name")),
            }
        })
    }
}

/// A port before the upstream's: nobody may listen on it for a while.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    upstream: u16,
    passing: JoinSet<()>,
}

impl Gate {
    async fn open(upstream: u16) -> Self {
        let listener = TcpListener::bind((GATE, 0)).await.unwrap();
        let mut gate = Self {
            address: listener.local_addr().unwrap(),
            upstream,
            passing: JoinSet::new(),
        };
        gate.pass(listener);
        gate
    }

    fn pass(&mut self, listener: TcpListener) {
        let upstream = self.upstream;
        self.passing.spawn(async move {
            // Connections end with the one who accepts them.
            let mut open = JoinSet::new();
            loop {
                let (mut ours, _) = listener.accept().await.unwrap();
                open.spawn(async move {
                    let theirs = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).await;
                    let mut theirs = theirs.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut ours, &mut theirs).await);
                });
            }
        });
    }

    /// Connections are refused, and those that are open are closed.
    pub(crate) async fn close(&mut self) {
        self.passing.shutdown().await;
    }

    pub(crate) async fn open_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.pass(listener);
    }
}
