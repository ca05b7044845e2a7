//! Signals of the process: end, and read everything again.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::tasks::Tasks;

/// Ctrl-C and SIGTERM cancel `shutdown`, SIGHUP wakes `reload`; a second Ctrl-C does not wait for anything.
pub(super) fn listen(
    tasks: &Tasks,
    shutdown: CancellationToken,
    reload: Arc<Notify>,
) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tasks.spawn("signals", |ended| async move {
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                _ = interrupt.recv() => {
                    if shutdown.is_cancelled() {
                        tracing::warn!("interrupted again: ending at once");
                        std::process::exit(130);
                    }
                    shutdown.cancel();
                }
                _ = terminate.recv() => shutdown.cancel(),
                _ = hangup.recv() => reload.notify_one(),
            }
        }
    });
    Ok(())
}
