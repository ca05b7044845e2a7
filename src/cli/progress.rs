//! How far a long reading has come, on stderr.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ingest::{Ingest, Progress};
use crate::tasks::Tasks;

/// Shorter readings are not worth a word.
const LONG: Duration = Duration::from_secs(1);

/// How often a line is written where it cannot be written over.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows the readings of `ingest` until the tasks end.
pub(super) fn show(tasks: &Tasks, ingest: &Arc<Ingest>) {
    let mut progress = ingest.progress();
    tasks.spawn("progress", |ended| async move {
        let terminal = io::stderr().is_terminal();
        let mut line = Line::new(terminal);
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                changed = progress.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
            let now = *progress.borrow_and_update();
            line.update(now);
        }
    });
}

struct Line {
    terminal: bool,
    /// When the reading began that is going on.
    began: Option<Instant>,
    written: Option<Instant>,
}

impl Line {
    fn new(terminal: bool) -> Self {
        Self {
            terminal,
            began: None,
            written: None,
        }
    }

    fn update(&mut self, progress: Progress) {
        let done = progress.files >= progress.files_total;
        let began = *self.began.get_or_insert_with(Instant::now);
        let pause = if self.terminal { PAUSE / 100 } else { PAUSE };
        let due = self.written.is_none_or(|at| at.elapsed() >= pause);
        if began.elapsed() >= LONG && (due || done) {
            self.written = Some(Instant::now());
            self.write(progress, done);
        }
        if done {
            *self = Self::new(self.terminal);
        }
    }

    fn write(&self, progress: Progress, done: bool) {
        let Progress {
            files,
            files_total,
            entities,
        } = progress;
        let text = format!("reading: {files} of {files_total} files, {entities} entities");
        let text = match (self.terminal, done) {
            (true, false) => format!("\r{text}\u{1b}[K"),
            (true, true) => format!("\r{text}\u{1b}[K\n"),
            // Whatever reads it expects lines of the log.
            (false, _) if tracing::enabled!(tracing::Level::INFO) => {
                return tracing::info!(files, files_total, entities, "{text}");
            }
            (false, _) => format!("{text}\n"),
        };
        // When stderr is gone there is nobody to tell.
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }
}
