//! An engine with live fields over a small catalog, and the upstream behind them.

use std::sync::Arc;
use std::time::Duration;

use callboard::cache::{Cache, Settings};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::{LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graphql::Limits;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use serde_json::Value;

use crate::support::engine::{TestEngine, model, snapshot};
use crate::support::upstream::{Asked, Reply, Upstream};

pub(crate) struct World {
    pub(crate) engine: TestEngine,
    pub(crate) upstream: Upstream,
    pub(crate) cache: Cache,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
}

/// What a test begins with.
pub(crate) struct Builder<'b> {
    sdl: Vec<(&'b str, &'b str)>,
    catalog: String,
    config: Option<&'b str>,
}

/// One connector, `probe`.
pub(crate) fn world(sdl: &str) -> Builder<'_> {
    Builder {
        sdl: vec![("connectors/probe/probe.graphql", sdl)],
        catalog: String::new(),
        config: Some("connectors: { probe: { config: { url: URL } } }"),
    }
}

impl<'b> Builder<'b> {
    pub(crate) fn and(mut self, path: &'b str, sdl: &'b str) -> Self {
        self.sdl.push((path, sdl));
        self
    }

    /// Components with annotations: `name: { key: value }` a line.
    pub(crate) fn components(mut self, lines: &str) -> Self {
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let (name, annotations) = line.split_once(':').unwrap();
            self.catalog.push_str(&format!(
                "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {}, annotations: {} }}\nspec: {{ type: service, lifecycle: production, owner: team }}\n",
                name.trim(),
                annotations.trim()
            ));
        }
        self
    }

    pub(crate) fn descriptors(mut self, yaml: &str) -> Self {
        self.catalog.push_str("---\n");
        self.catalog.push_str(yaml);
        self.catalog.push('\n');
        self
    }

    /// In place of the default; `URL` is the upstream's.
    pub(crate) fn config(self, config: &'b str) -> Self {
        Self {
            config: Some(config),
            ..self
        }
    }

    pub(crate) async fn start(
        self,
        handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> World {
        // Only lost if another test was faster.
        drop(rustls::crypto::ring::default_provider().install_default());
        let upstream = Upstream::start(handler).await;
        let text = self
            .config
            .unwrap_or_default()
            .replace("URL", &upstream.url);
        let file = "callboard.yaml".into();
        let (config, problems) =
            Config::parse(Some((&file, &text)), std::path::Path::new("."), &|_| None);
        assert_eq!(problems, []);
        let model = model(&self.sdl);
        let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
        let tasks = Tasks::new();
        let config = config.unwrap();
        let settings = Settings::from(&config.cache);
        let metrics = Metrics::default();
        let cache = Cache::open(settings, clock.clone(), metrics.cache().clone(), &tasks).await;
        let egress = Egress::new(egress::Settings {
            clock: clock.clone(),
            ..egress::Settings::default()
        });
        let runtime = Runtime::new(
            Arc::clone(&model),
            &config.connectors,
            cache.clone(),
            &egress.unwrap(),
            tasks.clone(),
        );
        let live: Arc<dyn LiveSource> = Arc::new(runtime);
        let snapshot = snapshot(&model, &self.catalog);
        World {
            engine: TestEngine::new(snapshot, Limits::default(), Some(live)).await,
            upstream,
            cache,
            clock,
            tasks,
        }
    }
}

impl World {
    pub(crate) async fn ask(&self, query: &str) -> String {
        self.engine.text(query, Value::Null).await
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now() + time);
    }
}

/// `path?query` split off, the last part of the path.
pub(crate) fn last(asked: &Asked) -> String {
    let last = asked.path().rsplit('/').next().unwrap();
    last.to_owned()
}
