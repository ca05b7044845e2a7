//! Budgets that replicas share.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Counters and short notes that all replicas see; implemented elsewhere over what holds them.
pub trait Ledger: Send + Sync {
    /// How long a request may wait for an answer.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// Adds one to the counter `key`, unless it has reached `ceiling`: checked and added in one step.
    ///
    /// The sum after it, or `None` if it had been reached. The counter ends `ttl` after its first addition.
    fn take<'a>(
        &'a self,
        key: &'a str,
        ceiling: u64,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<u64>, LedgerDown>>;

    /// Keeps `note` under `key` for `ttl`, in place of an older one.
    fn note<'a>(
        &'a self,
        key: &'a str,
        note: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), LedgerDown>>;

    /// The note under `key`.
    fn noted<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, LedgerDown>>;
}

/// The ledger cannot be asked; why is logged where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared ledger cannot be asked")]
pub struct LedgerDown;

/// How long a request waits for a ledger that says nothing else, and how long one that failed is left alone.
const PATIENCE: Duration = Duration::from_millis(50);
const LEFT_ALONE: Duration = Duration::from_secs(2);

/// A ledger that costs a request at most its [patience](Ledger::patience), and a request every [`LEFT_ALONE`] while it is down: a process then counts for itself.
pub(super) struct Bounded {
    ledger: Arc<dyn Ledger>,
    down_until: Mutex<Option<Instant>>,
}

impl Bounded {
    pub(super) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self {
            ledger,
            down_until: Mutex::default(),
        }
    }

    pub(super) async fn take(
        &self,
        key: &str,
        ceiling: u64,
        ttl: Duration,
    ) -> Result<Option<u64>, LedgerDown> {
        self.within(self.ledger.take(key, ceiling, ttl)).await
    }

    pub(super) async fn note(
        &self,
        key: &str,
        note: &str,
        ttl: Duration,
    ) -> Result<(), LedgerDown> {
        self.within(self.ledger.note(key, note, ttl)).await
    }

    pub(super) async fn noted(&self, key: &str) -> Result<Option<String>, LedgerDown> {
        self.within(self.ledger.noted(key)).await
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, LedgerDown>>,
    ) -> Result<T, LedgerDown> {
        if self
            .down_until
            .lock()
            .is_some_and(|until| Instant::now() < until)
        {
            return Err(LedgerDown);
        }
        let outcome = match tokio::time::timeout(self.ledger.patience(), work).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(LedgerDown),
        };
        *self.down_until.lock() = match &outcome {
            Ok(_) => None,
            Err(LedgerDown) => Some(Instant::now() + LEFT_ALONE),
        };
        outcome
    }
}
