//! What this thread logs, as text.

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing_subscriber::layer::SubscriberExt as _;

/// All that was logged, as text.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }

    /// What was logged since the last call.
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock())).unwrap()
    }

    /// What this thread logs from now on, as with `telemetry.log.level: trace`.
    pub(crate) fn start(&self) -> (tracing::Dispatch, tracing::subscriber::DefaultGuard) {
        // With one subscriber alone, a place that another thread passes first is off for all threads, and other tests pass the same places.
        let other = tracing::Dispatch::new(tracing_subscriber::registry());
        let log = self.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
            .with_writer(move || log.clone());
        let filter = callboard::telemetry::targets("trace");
        let registry = tracing_subscriber::registry().with(filter).with(layer);
        (other, tracing::subscriber::set_default(registry))
    }
}
