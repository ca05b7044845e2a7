//! What live fields need: connections to upstreams, and what is kept of their answers.
//!
//! Both live as long as the process, so that a reload forgets neither a breaker nor a value; the runtime itself belongs to one Model and one configuration.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};

use crate::cache::{self, Cache};
use crate::clock::Clock;
use crate::config::Config;
use crate::connect::{Actions, BrokenFolders, Deliveries, Runtime, Webhooks};
use crate::egress::{self, Egress, EgressError, Ledger, LedgerDown};
use crate::sdl::Model;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::telemetry::metrics::Metrics;

/// How long a refresh that nobody waits for may go on at the end.
const GRACE: Duration = Duration::from_secs(1);

/// Outlives every reload.
pub struct Live {
    egress: Egress,
    cache: Cache,
    deliveries: Deliveries,
    actions: Actions,
    broken: BrokenFolders,
    metrics: Arc<Metrics>,
    tasks: Tasks,
}

impl Live {
    /// Nothing is asked yet.
    pub async fn open(
        config: &Config,
        clock: Clock,
        metrics: Arc<Metrics>,
        store: Store,
    ) -> Result<Self, EgressError> {
        let tasks = Tasks::new();
        let settings = cache::Settings::from(&config.cache);
        let cache = Cache::open(settings, clock.clone(), metrics.cache().clone(), &tasks).await;
        let counters = Counters(cache.clone());
        let shared = cache.is_shared();
        Ok(Self {
            egress: Egress::new(egress::Settings {
                clock,
                ledger: shared.then(|| Arc::new(counters) as Arc<dyn Ledger>),
                metrics: Arc::clone(&metrics),
                ..egress::Settings::of(&config.egress)
            })?,
            cache,
            deliveries: Deliveries::default(),
            actions: Actions::new(store),
            broken: BrokenFolders::default(),
            metrics,
            tasks,
        })
    }

    /// The connector folders that are broken, for the graph to tell.
    pub fn broken(&self) -> &BrokenFolders {
        &self.broken
    }

    /// Answers the live fields of `model` as `config` says.
    pub fn runtime(&self, model: &Arc<Model>, config: &Config) -> Runtime {
        Runtime::with_actions(
            Arc::clone(model),
            &config.connectors,
            self.cache.clone(),
            &self.egress,
            self.tasks.clone(),
            self.actions.clone(),
        )
        .with_broken_folders(self.broken.clone())
    }

    /// Takes what the upstreams of `model` tell by themselves, by the secrets of `config`.
    pub fn webhooks(&self, model: &Arc<Model>, config: &Config) -> Webhooks {
        Webhooks::new(
            Arc::clone(model),
            &config.connectors,
            self.cache.clone(),
            Arc::clone(&self.metrics),
            self.deliveries.clone(),
        )
    }

    /// Ends what goes on behind; says what did not end.
    pub async fn close(&self) -> Vec<&'static str> {
        self.tasks.shutdown(GRACE).await
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// What replicas count together, in the Redis of the cache.
struct Counters(Cache);

impl Ledger for Counters {
    fn patience(&self) -> Duration {
        self.0.patience()
    }

    fn take<'a>(
        &'a self,
        key: &'a str,
        ceiling: u64,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<u64>, LedgerDown>> {
        let taken = async move { self.0.take(key, ceiling, ttl).await };
        taken.map(|taken| taken.or(Err(LedgerDown))).boxed()
    }

    fn note<'a>(
        &'a self,
        key: &'a str,
        note: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), LedgerDown>> {
        let noted = async move { self.0.note(key, note, ttl).await };
        noted.map(|noted| noted.or(Err(LedgerDown))).boxed()
    }

    fn noted<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, LedgerDown>> {
        let noted = async move { self.0.noted(key).await };
        noted.map(|noted| noted.or(Err(LedgerDown))).boxed()
    }
}
