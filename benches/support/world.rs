//! A catalog in memory with an engine over it, as the server holds them.

use std::sync::Arc;

use callboard::catalog::{self, EntityRef};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::graph::{Origin, Record, Snapshot};
use callboard::graphql::Engine;
use callboard::ingest::Catalog;
use callboard::sdl::{self, Model};
use callboard::store::Store;
use serde_json::Value;

use crate::catalog::descriptors;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) catalog: Arc<Catalog>,
    /// Holds the database; gone when dropped.
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(entities: usize) -> Self {
        let model = model();
        let records = descriptors(entities, 1).map(|descriptor| record(&model, descriptor));
        let snapshot = Snapshot::build(Arc::clone(&model), 1, records, Vec::new());
        assert_eq!(snapshot.len(), entities);
        let catalog = Arc::new(Catalog::new(snapshot));
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/bench.db", folder.path().display());
        let store = Store::open(&url).await.expect("a database");
        let engine = Engine::new(
            model,
            Arc::clone(&catalog),
            store,
            callboard::graphql::Limits::default(),
        );
        Self {
            engine,
            catalog,
            folder,
        }
    }
}

/// The built-in schema.
pub(crate) fn model() -> Arc<Model> {
    let (model, problems) = sdl::load(&sdl::core_files());
    Arc::new(model.unwrap_or_else(|| panic!("{problems:?}")))
}

/// As the store would give it back.
pub(crate) fn record(model: &Model, descriptor: Value) -> Record {
    let text = |at: &str| {
        descriptor
            .pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let entity_ref = EntityRef::new(text("/kind"), "default", text("/metadata/name"));
    let kind = model.kind(entity_ref.kind());
    let at = Clock::system().now();
    Record {
        id: format!("e{}", entity_ref.as_str()).into(),
        relations: catalog::relations(model, &entity_ref, kind, &descriptor),
        origin: Origin {
            source: "bench".into(),
            file: "catalog.yaml".into(),
            line: 1,
            revision: 1,
            url: None,
            claims: Vec::new(),
        },
        created_at: at,
        updated_at: at,
        previous_refs: Vec::new(),
        entity_ref,
        kind,
        descriptor,
    }
}

/// A number from the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "benches are steered by the environment"
)]
pub(crate) fn number(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// The compiled-in configuration.
pub(crate) fn config() -> Config {
    let (config, problems) = Config::defaults(std::path::Path::new("."));
    config.unwrap_or_else(|| panic!("{problems:?}"))
}
