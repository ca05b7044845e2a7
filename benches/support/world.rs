//! A catalog in memory with an engine over it, as the server holds them.

use std::sync::Arc;

use callboard::config::Config;
use callboard::graph::Snapshot;
use callboard::graphql::Engine;
use callboard::ingest::Catalog;
use callboard::sdl::{self, Model};
use callboard::store::Store;

use crate::company::Company;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) catalog: Arc<Catalog>,
    /// Holds the database; gone when dropped.
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(entities: u32) -> Self {
        let model = model();
        let company = Company::new(&model, entities);
        // A start loads them in the order of refs, and that is how they lie in memory.
        let mut records: Vec<_> = company.records().collect();
        records.sort_by(|one, other| one.entity_ref.cmp(&other.entity_ref));
        let records = records.into_iter();
        let snapshot = Snapshot::build(Arc::clone(&model), 1, records, Vec::new());
        assert_eq!(snapshot.len(), entities as usize);
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
fn model() -> Arc<Model> {
    let (model, problems) = sdl::load(&sdl::core_files());
    assert!(model.is_some(), "{problems:?}");
    Arc::new(model.expect("the built-in schema loads"))
}

/// A number from the environment.
pub(crate) fn number(name: &str, default: u32) -> u32 {
    text(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// A text from the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "benches are steered by the environment"
)]
pub(crate) fn text(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The compiled-in configuration.
pub(crate) fn config() -> Config {
    let (config, problems) = Config::defaults(std::path::Path::new("."), &|_| None);
    assert!(config.is_some(), "{problems:?}");
    config.expect("the defaults load")
}
