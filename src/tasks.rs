//! Background work that ends: every task is started here, has a name, hears of the shutdown and is awaited.
//!
//! Work that would keep a thread from its other tasks goes through [`blocking`], so that nobody takes one that panicked for one that found nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one server; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    cancel: CancellationToken,
    running: Arc<Mutex<Vec<&'static str>>>,
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Told when the shutdown begins.
    pub fn cancellation(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts `work`; it is given a token that is cancelled at shutdown, and should then end soon.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one door through which tasks start"
    )]
    pub fn spawn<F>(&self, name: &'static str, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.running.lock().push(name);
        let future = work(self.cancel.child_token());
        let entry = Entry {
            name,
            running: Arc::clone(&self.running),
        };
        tokio::spawn(self.tracker.track_future(async move {
            let _entry = entry;
            future.await;
        }));
    }

    /// Tells all tasks to end, waits at most `grace`, and returns the names of those that had not ended by then.
    pub async fn shutdown(&self, grace: Duration) -> Vec<&'static str> {
        self.cancel.cancel();
        self.tracker.close();
        match tokio::time::timeout(grace, self.tracker.wait()).await {
            Ok(()) => Vec::new(),
            Err(_elapsed) => self.running.lock().clone(),
        }
    }
}

/// Starts work that keeps a thread busy, because it computes or reads files; to be awaited by whoever wants its outcome.
///
/// It is no task: it belongs to whoever waits for it.
/// Nothing stops it when nobody waits any more, so it is short, or looks at a cancellation itself.
#[expect(
    clippy::disallowed_methods,
    reason = "the one door through which threads are kept busy"
)]
pub fn blocking<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, Unfinished>> + Send {
    let running = tokio::task::spawn_blocking(work);
    async move {
        running.await.map_err(|ended| Unfinished {
            name,
            why: ended.to_string(),
        })
    }
}

/// Blocking work that panicked, or that a runtime gave up at its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} came to no end: {why}")]
pub struct Unfinished {
    name: &'static str,
    why: String,
}

/// Takes the name off the list also when the task panics.
struct Entry {
    name: &'static str,
    running: Arc<Mutex<Vec<&'static str>>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        if let Some(position) = running.iter().position(|name| *name == self.name) {
            running.swap_remove(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::blocking;

    #[tokio::test]
    async fn work_that_panics_is_not_taken_for_work_that_found_nothing() {
        assert_eq!(blocking("counting", || 3).await, Ok(3));
        let ended = blocking("counting", || -> u8 { panic!("off by one") }).await;
        let said = ended.unwrap_err().to_string();
        assert!(
            said.starts_with("counting came to no end: ") && said.contains("off by one"),
            "{said}"
        );
    }
}
