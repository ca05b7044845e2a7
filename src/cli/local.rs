//! One query without a server: the sources are read into a temporary database, and nothing is changed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::config::load_or_report;
use super::scratch::Scratch;
use super::{progress, serve};
use crate::apis::Shelf;
use crate::app::{self, live::Live};
use crate::clock::{Budget, Clock};
use crate::config::Config;
use crate::graphql::{Engine, Request};
use crate::ingest::{Ingest, IngestOptions};
use crate::sdl::Model;
use crate::search::{Place, Search};
use crate::store::Store;
use crate::tasks::{Tasks, blocking};
use crate::telemetry::metrics::DefinitionMetrics;

/// The response; `None` after problems were written.
pub(super) fn ask(
    document: &str,
    variables: Map<String, Value>,
    config: Option<&Path>,
) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(config) = load_or_report(config)? else {
        return Ok(None);
    };
    let Some((model, _files)) = serve::load_schema(&config)? else {
        return Ok(None);
    };
    let scratch = Scratch::new()?;
    let request = Request {
        variables: Some(variables),
        ..Request::new(document)
    };
    let answer = answer(&config, model, scratch.path(), &request);
    let body = serve::runtime()?.block_on(answer);
    body.map(Some).context("the sources could not be read")
}

/// Asks once of what the sources of `config` hold; the database is made in `scratch`.
pub(super) async fn answer(
    config: &Config,
    model: Arc<Model>,
    scratch: &Path,
    request: &Request<'_>,
) -> anyhow::Result<Vec<u8>> {
    let local = Local::open(config, model, scratch).await?;
    let body = local.ask(request).await;
    local.close().await?;
    Ok(body)
}

/// What a server would serve, read once and not followed.
pub(super) struct Local {
    engine: Engine,
    shelf: Shelf,
    store: Store,
    live: Live,
    time: Duration,
}

impl Local {
    pub(super) async fn open(
        config: &Config,
        model: Arc<Model>,
        scratch: &Path,
    ) -> anyhow::Result<Self> {
        let url = format!("sqlite:{}", scratch.join("query.db").display());
        let store = Store::open(&url).await?;
        let ingest = Ingest::open(
            store.clone(),
            Arc::clone(&model),
            &config.sources,
            IngestOptions::from(&config.catalog),
            Clock::system(),
        )
        .await?;
        let ingest = Arc::new(ingest);
        let tasks = Tasks::new();
        progress::show(&tasks, &ingest);
        ingest.read_all(&CancellationToken::new()).await?;
        tasks.shutdown(Duration::from_secs(1)).await;
        let limits = app::engine_limits(&config.limits);
        let live = Live::open(config, Clock::system(), Arc::default(), store.clone()).await?;
        let source = Arc::new(live.runtime(&model, config));
        let catalog = ingest.catalog().clone();
        let search = Search::new(Place::Folder(scratch.join("search")));
        let (index, indexed) = (search.clone(), Arc::clone(&catalog));
        let shelf = app::shelf(&config.limits, store.clone(), DefinitionMetrics::default());
        let definitions = app::indexing::Definitions(shelf.clone());
        let indexing = move || app::indexing::index_once(&index, &indexed, definitions);
        blocking("the search index", indexing).await??;
        Ok(Self {
            engine: Engine::with_shelf(
                model,
                catalog,
                store.clone(),
                limits,
                source,
                shelf.clone(),
            )
            .with_search(search),
            shelf,
            store,
            live,
            time: config.limits.request_time,
        })
    }

    pub(super) async fn ask(&self, request: &Request<'_>) -> Vec<u8> {
        let response = self.engine.execute(request, Budget::of(self.time)).await;
        response.body
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.live.close().await;
        self.shelf.close(Duration::from_secs(1)).await;
        self.store.close().await?;
        Ok(())
    }
}
