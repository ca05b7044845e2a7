//! Counters and short notes that all replicas see: for budgets that they have in common.
//!
//! What they mean, and what is done while Redis is away, is the caller's affair.

use std::time::Duration;

use super::remote::Remote;
use super::{Cache, PATIENCE};

/// There is no Redis, or it is away; why is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is nothing that replicas share at the moment")]
pub struct NothingShared;

impl Cache {
    /// Whether there is a Redis by configuration, be it away or not.
    pub fn is_shared(&self) -> bool {
        self.remote().is_some()
    }

    /// How long somebody waits for Redis, once.
    pub fn patience(&self) -> Duration {
        self.remote().map_or(PATIENCE, Remote::patience_of)
    }

    /// Adds one to the counter `name` unless it has reached `ceiling`, in one step.
    ///
    /// The sum after it, or `None` if it had been reached. The counter ends `ttl` after its first addition.
    /// Takes at most the [patience](Self::patience), as do the others.
    pub async fn take(
        &self,
        name: &str,
        ceiling: u64,
        ttl: Duration,
    ) -> Result<Option<u64>, NothingShared> {
        let remote = self.remote().ok_or(NothingShared)?;
        remote.take(name, ceiling, ttl).await.ok_or(NothingShared)
    }

    /// Keeps `note` under `name` for `ttl`, in place of an older one.
    pub async fn note(&self, name: &str, note: &str, ttl: Duration) -> Result<(), NothingShared> {
        let remote = self.remote().ok_or(NothingShared)?;
        remote.note(name, note, ttl).await.ok_or(NothingShared)
    }

    /// Keeps many notes, each under its name.
    pub async fn note_all(
        &self,
        notes: &[(String, String)],
        ttl: Duration,
    ) -> Result<(), NothingShared> {
        let remote = self.remote().ok_or(NothingShared)?;
        remote.note_all(notes, ttl).await.ok_or(NothingShared)
    }

    /// The note under `name`.
    pub async fn noted(&self, name: &str) -> Result<Option<String>, NothingShared> {
        let remote = self.remote().ok_or(NothingShared)?;
        remote.noted(name).await.ok_or(NothingShared)
    }
}
