//! Changed schema and configuration files are taken over without dropping a request; broken ones change nothing.
//!
//! A new Model has new ids, so engine and catalog are made anew under it and swapped in one step; requests that run end on the old ones.
//! Files are looked at once a second in place of being watched: they are few, and a look cannot be lost.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret as _;

use super::schema::{self, Loaded};
use super::{App, Generation, INGEST_GRACE};
use crate::config::{Config, process_environment};
use crate::connect::BrokenFolder;
use crate::diagnostic::Diagnostic;
use crate::store::StoreError;
use crate::tasks::Tasks;
use crate::telemetry::metrics::ReloadOutcome;

const LOOK: Duration = Duration::from_secs(1);

/// Size and time of each file; a missing one is `None`.
type Stamps = BTreeMap<PathBuf, Option<(u64, Option<SystemTime>)>>;

impl App {
    pub(super) async fn reload_for_ever(&mut self) {
        let mut known = self.stamps();
        loop {
            let asked = tokio::time::timeout(LOOK, self.reload.notified())
                .await
                .is_ok();
            let now = self.stamps();
            if !asked && now == known {
                continue;
            }
            self.reload().await;
            known = self.stamps();
            for (file, stamp) in &mut known {
                // What was written while we read is seen in the next round, because `now` is older.
                if let Some(before) = now.get(file) {
                    *stamp = *before;
                }
            }
        }
    }

    fn stamps(&self) -> Stamps {
        let files = self.origin.file.iter();
        files
            .chain(&self.schema_files.watched)
            .chain(&self.config.secret_files)
            .map(|file| {
                let stamp = std::fs::metadata(file)
                    .ok()
                    .map(|metadata| (metadata.len(), metadata.modified().ok()));
                (file.clone(), stamp)
            })
            .collect()
    }

    /// Reads configuration and schema again; errors are logged, and change nothing.
    async fn reload(&mut self) {
        let outcome = match self.try_reload().await {
            Ok(true) => {
                tracing::info!("schema and configuration were read again and taken over");
                ReloadOutcome::Done
            }
            Ok(false) => {
                tracing::info!("schema and configuration were read again: nothing changed");
                ReloadOutcome::Unchanged
            }
            Err(Refused::Problems(problems)) => {
                for problem in &problems {
                    tracing::error!(problem.code = problem.code, "{problem}");
                }
                tracing::error!(
                    "schema and configuration have {} problems: what was loaded before goes on",
                    problems.len()
                );
                ReloadOutcome::Refused
            }
            Err(Refused::Store(error)) => {
                tracing::error!(%error, "the reload failed: {error}; {}", error.hint());
                ReloadOutcome::Refused
            }
        };
        self.board.metrics().reload(outcome);
    }

    async fn try_reload(&mut self) -> Result<bool, Refused> {
        let config = match &self.origin.file {
            Some(file) => {
                let (config, problems) = Config::load(file, &process_environment);
                let mut config = config.ok_or(Refused::Problems(problems))?;
                if let Some(address) = self.origin.listen {
                    config.server.listen = address;
                }
                config
            }
            None => self.config.clone(),
        };
        let Loaded {
            model,
            problems,
            files,
        } = schema::load(&config, &self.schema_files);
        let problems = errors(problems);
        let Some(model) = model else {
            return Err(Refused::Problems(problems));
        };
        self.warn_of_broken(&problems, &files);
        let same_graph = model.fingerprint == self.generation.model.fingerprint
            && config.sources == self.config.sources
            && config.catalog == self.config.catalog;
        self.schema_files = files;
        let same_settings = config.print() == self.config.print()
            && config.connectors == self.config.connectors
            && config.cache == self.config.cache
            && !self.moves_database(&config);
        if same_graph && same_settings {
            self.tell_broken();
            self.config = config;
            return Ok(false);
        }
        self.warn_of_restart(&config);
        if same_graph {
            let claims = Tasks::new();
            self.serve_generation(&self.generation, &config, &claims);
            self.replace_claims(claims).await;
        } else {
            self.next_generation(Arc::new(model), &config).await?;
        }
        self.tell_broken();
        self.config = config;
        Ok(true)
    }

    /// With the graph that goes with it, so that no connector is in neither.
    fn tell_broken(&self) {
        self.live.broken().set(self.schema_files.broken.clone());
    }

    /// A broken connector folder does not keep the rest from being taken over.
    fn warn_of_broken(&self, problems: &[Diagnostic], files: &schema::Files) {
        for problem in problems {
            tracing::error!(problem.code = problem.code, "{problem}");
        }
        for BrokenFolder {
            connector: name, ..
        } in &files.broken
        {
            let goes_on = files.folders.iter().any(|folder| folder.name == *name);
            let outcome = if goes_on {
                "goes on as it was"
            } else {
                "is not in the graph"
            };
            tracing::error!(connector.name = %name, "the folder of the connector `{name}` is broken: it {outcome}");
        }
    }

    /// Reading stops before the store is loaded, so that no commit falls between the old catalog and the new.
    async fn next_generation(
        &mut self,
        model: Arc<crate::sdl::Model>,
        config: &Config,
    ) -> Result<(), Refused> {
        let late = self.generation.tasks.shutdown(INGEST_GRACE).await;
        if !late.is_empty() {
            tracing::warn!("still at work after {INGEST_GRACE:?}: {}", late.join(", "));
        }
        let metrics = self.board.metrics();
        let clock = self.clock.clone();
        let opened = Generation::open(&self.store, model, config, clock, metrics).await;
        match opened {
            Ok(generation) => {
                let claims = Tasks::new();
                self.serve_generation(&generation, config, &claims);
                self.replace_claims(claims).await;
                let before = std::mem::replace(&mut self.generation, generation);
                self.generation.follow();
                before.shelf.close(INGEST_GRACE).await;
                Ok(())
            }
            Err(error) => {
                // The tasks of the old generation have ended; it goes on with new ones.
                self.generation.tasks = Tasks::new();
                self.generation.follow();
                Err(Refused::Store(error))
            }
        }
    }

    fn serve_generation(&self, generation: &Generation, config: &Config, claims: &Tasks) {
        let engine = generation.engine(
            config,
            &self.live,
            &self.indexing,
            self.clock.clone(),
            claims,
        );
        let webhooks = self.live.webhooks(&generation.model, config);
        let catalog = Arc::clone(generation.ingest.catalog());
        self.board.swap(engine, catalog, webhooks);
    }

    /// Those of the configuration before this one end.
    async fn replace_claims(&mut self, claims: Tasks) {
        let before = std::mem::replace(&mut self.claims, claims);
        let late = before.shutdown(INGEST_GRACE).await;
        if !late.is_empty() {
            tracing::warn!("still at work after {INGEST_GRACE:?}: {}", late.join(", "));
        }
    }

    /// Printed settings mask what the URL holds, so it is compared itself.
    fn moves_database(&self, config: &Config) -> bool {
        let url = |config: &Config| config.database.url.expose_secret().to_owned();
        url(config) != url(&self.config)
    }

    fn warn_of_restart(&self, config: &Config) {
        let settled = &self.config;
        let changed = [
            ("server", config.server != settled.server),
            ("telemetry", config.telemetry != settled.telemetry),
            ("database", self.moves_database(config)),
            ("cache", config.cache != settled.cache),
            // Proxies are the environment's, which does not change under a process.
            ("egress", config.egress.ca_file != settled.egress.ca_file),
            (
                "limits",
                config.limits.concurrency != settled.limits.concurrency
                    || config.limits.body_size != settled.limits.body_size
                    || config.limits.webhook_size != settled.limits.webhook_size
                    || config.limits.request_time != settled.limits.request_time
                    || config.limits.batch != settled.limits.batch,
            ),
        ];
        for (section, _) in changed.iter().filter(|(_, changed)| *changed) {
            tracing::warn!("a change in `{section}` needs a restart");
        }
    }
}

enum Refused {
    Problems(Vec<Diagnostic>),
    Store(StoreError),
}

fn errors(problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.into_iter().filter(Diagnostic::is_error).collect()
}
