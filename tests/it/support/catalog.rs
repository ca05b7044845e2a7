//! A folder of descriptors, a database, and ingestion between them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use callboard::catalog::EntityRef;
use callboard::clock::Clock;
use callboard::config::{SourceConfig, SourceKind};
use callboard::ingest::{Ingest, IngestOptions};
use callboard::sdl::{Model, core_files, load};
use callboard::store::{ChangeQuery, Names, Operation, Store, StoredEntity};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The built-in schema.
pub(crate) fn model() -> Arc<Model> {
    static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
        let (model, problems) = load(&core_files());
        Arc::new(model.unwrap_or_else(|| panic!("the core schema is broken: {problems:?}")))
    });
    Arc::clone(&MODEL)
}

/// A catalog on disk in a folder of its own.
pub(crate) struct Catalog {
    pub(crate) folder: TempDir,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) clock: Clock,
    options: IngestOptions,
    sources: Vec<SourceConfig>,
    url: String,
}

/// A source that reads `path` below `folder`.
pub(crate) fn source(folder: &Path, name: &str, path: &str) -> SourceConfig {
    SourceConfig {
        name: name.to_owned(),
        kind: SourceKind::File {
            path: folder.join(path),
            written: path.to_owned(),
        },
    }
}

impl Catalog {
    /// One source, `files`, that reads the folder `catalog`; `files` are written before.
    pub(crate) async fn new(files: &[(&str, &str)]) -> Self {
        Self::with(&["catalog"], IngestOptions::default(), files).await
    }

    /// A source for each of `paths`, named after it.
    pub(crate) async fn with(
        paths: &[&str],
        options: IngestOptions,
        files: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("callboard.db").display());
        Self::on(folder, url, paths, options, files).await
    }

    pub(crate) async fn on(
        folder: TempDir,
        url: String,
        paths: &[&str],
        options: IngestOptions,
        files: &[(&str, &str)],
    ) -> Self {
        std::fs::create_dir_all(folder.path().join("catalog")).unwrap();
        for (file, text) in files {
            write(&folder.path().join("catalog").join(file), text);
        }
        let clock = Clock::fixed("2026-01-01T00:00:00Z".parse().unwrap());
        let sources: Vec<_> = paths
            .iter()
            .map(|path| source(folder.path(), path, path))
            .collect();
        let ingest = open(&url, &sources, &options, &clock).await;
        Self {
            folder,
            ingest,
            clock,
            options,
            sources,
            url,
        }
    }

    /// As after a restart; the database stays.
    pub(crate) async fn restart(&mut self) {
        self.ingest.store().clone().close().await.unwrap();
        self.ingest = open(&self.url, &self.sources, &self.options, &self.clock).await;
    }

    /// As after a restart with other sources.
    pub(crate) async fn restart_with(&mut self, paths: &[&str]) {
        let folder = self.folder.path();
        self.sources = paths
            .iter()
            .map(|path| source(folder, path, path))
            .collect();
        self.restart().await;
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("catalog").join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        write(&self.path(file), text);
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).unwrap();
    }

    /// Reads all sources; one second later than the last time.
    pub(crate) async fn read(&self) {
        let later = self.clock.now() + jiff::SignedDuration::from_secs(1);
        self.clock.set(later);
        self.ingest
            .read_all(&CancellationToken::new())
            .await
            .unwrap();
    }

    pub(crate) fn store(&self) -> &Store {
        self.ingest.store()
    }

    /// What is served, with its place: `component:default/a catalog-info.yaml:1`.
    pub(crate) async fn entities(&self) -> Vec<String> {
        let entities = stored(self.store()).await;
        let mut lines: Vec<_> = entities
            .into_iter()
            .map(|entity| {
                let origin = &entity.origin;
                format!("{} {}:{}", entity.entity_ref, origin.file, origin.line)
            })
            .collect();
        lines.sort();
        lines
    }

    /// The entity as it is stored.
    pub(crate) async fn entity(&self, entity_ref: &str) -> Option<StoredEntity<'static>> {
        let entities = stored(self.store()).await;
        entities
            .into_iter()
            .find(|entity| entity.entity_ref.as_str() == entity_ref)
    }

    /// `file:line severity[code] entity`, as far as they are there.
    pub(crate) async fn problems(&self) -> Vec<String> {
        let problems = self.store().problems().await.unwrap();
        problems
            .iter()
            .map(|problem| {
                let line = problem
                    .line
                    .map_or(String::new(), |line| format!(":{line}"));
                let code = format!("{}[{}]", problem.severity.as_str(), problem.code);
                let of = problem.entity_ref.as_ref();
                let of = of.map_or(String::new(), |of| format!(" {of}"));
                format!("{}{line} {code}{of}", problem.file)
            })
            .collect()
    }

    /// `revision operation entity`, oldest first.
    pub(crate) async fn changes(&self) -> Vec<String> {
        changes(
            self.store(),
            &ChangeQuery {
                limit: 1000,
                ..ChangeQuery::default()
            },
        )
        .await
    }
}

/// `revision operation entity`.
pub(crate) async fn changes(store: &Store, query: &ChangeQuery) -> Vec<String> {
    let changes = store.changes(query).await.unwrap();
    changes
        .iter()
        .map(|(_, change)| {
            let operation = match change.operation {
                Operation::Created => "+",
                Operation::Updated => "*",
                Operation::Renamed => ">",
                Operation::Removed => "-",
            };
            format!("{} {operation} {}", change.revision, change.entity_ref)
        })
        .collect()
}

/// Everything that `store` serves.
pub(crate) async fn stored(store: &Store) -> Vec<StoredEntity<'static>> {
    let (tell, _told) = tokio::sync::oneshot::channel();
    let (send, mut receive) = tokio::sync::mpsc::channel(4);
    let (loaded, entities) = tokio::join!(store.load(tell, send), async {
        let mut entities = Vec::new();
        let mut names = Names::default();
        while let Some(batch) = receive.recv().await {
            entities.extend(batch.entities(&mut names).map(StoredEntity::into_owned));
        }
        entities
    });
    loaded.unwrap();
    entities
}

async fn open(
    url: &str,
    sources: &[SourceConfig],
    options: &IngestOptions,
    clock: &Clock,
) -> Arc<Ingest> {
    let store = Store::open(url).await.unwrap();
    let ingest = Ingest::open(store, model(), sources, options.clone(), clock.clone()).await;
    Arc::new(ingest.unwrap())
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A valid component.
pub(crate) fn component(name: &str) -> String {
    component_of(name, "service")
}

/// A valid component of a type.
pub(crate) fn component_of(name: &str, kind: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec:\n  type: {kind}\n  lifecycle: production\n  owner: team\n"
    )
}

/// A location with these lines in its `spec`.
pub(crate) fn location(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: {name}\nspec:\n{spec}\n"
    )
}

/// Several documents in one file.
pub(crate) fn documents(documents: &[String]) -> String {
    documents.join("---\n")
}

pub(crate) fn entity_ref(text: &str) -> EntityRef {
    EntityRef::from_canonical(text)
}
