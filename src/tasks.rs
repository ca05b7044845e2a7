//! Background work that ends: every task is started here, has a name, hears of the shutdown and is awaited.

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
