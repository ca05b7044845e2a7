//! Being told of changes: the operating system's events, gathered until they pause.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

/// An editor's save is several events: they are taken together once there was none for this long.
const PAUSE: Duration = Duration::from_millis(60);

/// The longest that a stream of events without a pause holds a reading up.
const LONGEST: Duration = Duration::from_millis(300);

/// With more paths than this everything is looked at.
const MAX_PATHS: usize = 4096;

/// What a follower has been told to look at.
#[derive(Debug, Default)]
pub(super) struct Wake {
    pending: Mutex<Pending>,
    notify: Notify,
}

/// Paths that changed, or everything.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub everything: bool,
    pub paths: HashSet<PathBuf>,
}

impl Wake {
    /// Have everything looked at.
    pub(super) fn everything(&self) {
        self.pending.lock().everything = true;
        self.notify.notify_one();
    }

    fn paths(&self, paths: Vec<PathBuf>) {
        let mut pending = self.pending.lock();
        if pending.paths.len() + paths.len() > MAX_PATHS {
            pending.everything = true;
            pending.paths.clear();
        } else {
            pending.paths.extend(paths);
        }
        drop(pending);
        self.notify.notify_one();
    }

    /// Waits for something to look at, and then for a pause.
    pub(super) async fn next(&self) -> Pending {
        self.notify.notified().await;
        let latest = Instant::now() + LONGEST;
        loop {
            let pause = timeout(PAUSE, self.notify.notified());
            tokio::select! {
                more = pause => if more.is_err() { break },
                () = sleep_until(latest) => break,
            }
        }
        std::mem::take(&mut *self.pending.lock())
    }
}

/// The folders that a source watches.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    /// With what tells a folder from another one in its place.
    watched: BTreeMap<PathBuf, (RecursiveMode, Identity)>,
    complained: bool,
}

impl Watch {
    /// Watches nothing yet; `poll` is for good.
    pub(super) fn new(wake: &Arc<Wake>, poll: bool) -> Self {
        let wake = Arc::clone(wake);
        let watcher = (!poll).then(|| notify::recommended_watcher(move |event| told(&wake, event)));
        let (watcher, complained) = match watcher {
            Some(Ok(watcher)) => (Some(watcher), false),
            Some(Err(error)) => {
                tracing::warn!(%error, "files cannot be watched: they are looked at twice a second");
                (None, true)
            }
            None => (None, false),
        };
        Self {
            watcher,
            watched: BTreeMap::new(),
            complained,
        }
    }

    /// Watches `wanted` and nothing else; whether that is so, and whether it is new.
    pub(super) fn aim(&mut self, wanted: BTreeMap<PathBuf, RecursiveMode>) -> (bool, bool) {
        let Some(watcher) = &mut self.watcher else {
            return (false, false);
        };
        let wanted: BTreeMap<_, _> = wanted
            .into_iter()
            .map(|(path, mode)| {
                let identity = identity(&path);
                (path, (mode, identity))
            })
            .collect();
        if wanted == self.watched {
            return (true, false);
        }
        let gone = self
            .watched
            .iter()
            .filter(|(path, how)| wanted.get(*path) != Some(how));
        for (gone, _) in gone {
            // A folder that is gone is not watched any more, as was wanted.
            if let Err(error) = watcher.unwatch(gone) {
                tracing::debug!(%error, "`{}` was not watched any more", gone.display());
            }
        }
        let mut watched = BTreeMap::new();
        let mut complete = true;
        for (path, how) in wanted {
            if self.watched.get(&path) == Some(&how) {
                watched.insert(path, how);
                continue;
            }
            match watcher.watch(&path, how.0) {
                Ok(()) => {
                    watched.insert(path, how);
                }
                Err(error) => {
                    complete = false;
                    if !std::mem::replace(&mut self.complained, true) {
                        tracing::warn!(%error, "`{}` cannot be watched: files are looked at twice a second (on Linux, `fs.inotify.max_user_watches` may be too small)", path.display());
                    }
                }
            }
        }
        self.watched = watched;
        (complete, true)
    }
}

/// Device and inode.
type Identity = Option<(u64, u64)>;

#[cfg(unix)]
fn identity(path: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere a watch survives, or the next full reading makes up for it.
#[cfg(not(unix))]
fn identity(_path: &Path) -> Identity {
    None
}

fn told(wake: &Wake, event: notify::Result<Event>) {
    match event {
        Ok(event) if event.need_rescan() => wake.everything(),
        // Our own reading is an event too; of those only the end of a writing counts.
        Ok(event) => match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => wake.paths(event.paths),
            EventKind::Access(_) => {}
            EventKind::Any
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Remove(_)
            | EventKind::Other => wake.paths(event.paths),
        },
        Err(_) => wake.everything(),
    }
}
