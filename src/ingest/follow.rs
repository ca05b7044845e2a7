//! Following the sources: the first round, then what watchers tell, and everything once in a while.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use notify::RecursiveMode;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Ingest;
use super::known::KnownFiles;
use super::place::{Place, Selection, is_glob};
use super::scan::Scope;
use super::source::{Look, Seen, Source};
use super::watch::{Pending, Watch};
use crate::tasks::Tasks;

/// How often everything is looked at where nothing tells of changes.
const POLL: Duration = Duration::from_millis(500);

/// After the database has failed.
const RETRY: Duration = Duration::from_secs(2);

/// How often old changes are looked for.
const EXPIRE: Duration = Duration::from_secs(60 * 60);

impl Ingest {
    /// Reads all sources, one after the other as configured, and then follows each.
    pub fn start(self: &Arc<Self>, tasks: &Tasks) {
        let ingest = Arc::clone(self);
        let followers = tasks.clone();
        tasks.spawn("read sources", async move |cancel| {
            for index in 0..ingest.sources.len() {
                let Some(source) = ingest.sources.get(index) else {
                    break;
                };
                // Watched before it is read: what changes meanwhile is not missed.
                let mut follower = Follower::new(source, ingest.options.poll);
                follower.aim(source).await;
                follower
                    .read(&ingest, source, Look::everything(), &cancel)
                    .await;
                if cancel.is_cancelled() {
                    return;
                }
                let ingest = Arc::clone(&ingest);
                followers.spawn("follow source", async move |cancel| {
                    if let Some(source) = ingest.sources.get(index) {
                        follower.follow(&ingest, source, &cancel).await;
                    }
                });
            }
        });
        let ingest = Arc::clone(self);
        tasks.spawn("expire changes", async move |cancel| {
            loop {
                ingest.expire().await;
                let hour = tokio::time::sleep(EXPIRE);
                if cancel.run_until_cancelled(hour).await.is_none() {
                    return;
                }
            }
        });
    }

    async fn expire(&self) {
        let before = |kept: Duration| {
            let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
            self.clock.now().checked_sub(kept).ok()
        };
        if let Some(before) = before(self.options.retention)
            && let Err(error) = self.store.expire(before).await
        {
            tracing::warn!(%error, hint = error.hint(), "old changes cannot be taken away");
        }
        if let Some(before) = before(self.options.audit)
            && let Err(error) = self.store.expire_actions(before).await
        {
            tracing::warn!(%error, hint = error.hint(), "the old audit cannot be taken away");
        }
    }
}

/// What follows one source.
struct Follower {
    watch: Watch,
    seen: Seen,
    next_full: Instant,
}

impl Follower {
    fn new(source: &Source, poll: bool) -> Self {
        Self {
            watch: Watch::new(&source.wake, poll),
            seen: Seen {
                place: Place::look(source.path(), "", None).ok(),
                ..Seen::default()
            },
            next_full: Instant::now(),
        }
    }

    async fn follow(mut self, ingest: &Ingest, source: &Source, cancel: &CancellationToken) {
        loop {
            let pending = tokio::select! {
                () = cancel.cancelled() => return,
                pending = source.wake.next() => pending,
                () = sleep_until(self.next_full) => Pending { everything: true, ..Pending::default() },
            };
            let known = source.known().await;
            let look = self.judge(&known, pending);
            // The reading is about to change it: a second holder would make it copy.
            drop(known);
            if let Some(look) = look {
                self.read(ingest, source, look, cancel).await;
            }
        }
    }

    async fn read(
        &mut self,
        ingest: &Ingest,
        source: &Source,
        look: Look,
        cancel: &CancellationToken,
    ) {
        let started = Instant::now();
        let full = matches!(look.scope, Scope::All);
        let wait = match ingest.read_source(source, &look, cancel).await {
            Ok(seen) => {
                if full || seen.failing {
                    self.seen = seen;
                }
                let (told, anew) = match self.seen.failing {
                    true => (false, false),
                    false => self.aim(source).await,
                };
                if anew {
                    // Something may have changed before it was watched.
                    source.wake.everything();
                }
                match told {
                    true => ingest.options.rescan,
                    // Looking takes at most a sixth of the time.
                    false => POLL.max(started.elapsed() * 5),
                }
            }
            Err(error) => {
                tracing::error!(
                    source.name = %source.name(),
                    hint = error.hint(),
                    "source `{}` cannot be stored: {}",
                    source.name(),
                    error.chain()
                );
                RETRY
            }
        };
        let next = Instant::now() + wait;
        self.next_full = match full {
            true => next,
            false => self.next_full.min(next),
        };
    }

    /// Watches what the source reads; whether all of it is, and whether some of it newly.
    async fn aim(&mut self, source: &Source) -> (bool, bool) {
        let Some(place) = &self.seen.place else {
            return (false, false);
        };
        let known = source.known().await;
        let wanted = folders(place, &known, &self.seen.missing);
        self.watch.aim(wanted)
    }

    /// What is to be looked at, if any of it is our business.
    fn judge(&self, known: &KnownFiles, pending: Pending) -> Option<Look> {
        let everything = |touched| {
            Some(Look {
                scope: Scope::All,
                touched,
            })
        };
        let Some(place) = self.seen.place.as_ref().filter(|_| !pending.everything) else {
            return everything(pending.paths);
        };
        let includers = includers(place, known);
        let globs = known
            .values()
            .flat_map(|file| &file.links.targets)
            .any(|target| is_glob(Path::new(&target.target)));
        let mut files = HashSet::new();
        for path in &pending.paths {
            let name = place.name(path);
            let is_known = name.as_deref().is_some_and(|name| known.contains_key(name));
            let including = includers.get(path);
            if is_known || including.is_some() {
                files.extend(is_known.then(|| path.clone()));
                files.extend(including.into_iter().flatten().cloned());
            } else if place.selects(path)
                || globs
                || path.is_dir()
                || self.seen.missing.contains(path)
                || known
                    .keys()
                    .any(|file| place.root.join(&**file).starts_with(path))
                || place.root.starts_with(path)
            {
                return everything(pending.paths);
            }
        }
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort();
        (!files.is_empty()).then_some(Look {
            scope: Scope::Files(files),
            touched: pending.paths,
        })
    }
}

/// Which files include which.
fn includers(place: &Place, known: &KnownFiles) -> HashMap<PathBuf, Vec<PathBuf>> {
    let mut includers: HashMap<PathBuf, Vec<PathBuf>> = HashMap::new();
    for (name, file) in known {
        for include in &file.links.includes {
            let included = place.root.join(&include.file);
            includers
                .entry(included)
                .or_default()
                .push(place.root.join(&**name));
        }
    }
    includers
}

/// The folders to watch: all below the root where a walk looks for files, and else only those that hold some of ours.
fn folders(
    place: &Place,
    known: &KnownFiles,
    missing: &[PathBuf],
) -> BTreeMap<PathBuf, RecursiveMode> {
    let Selection::File(file) = &place.selection else {
        return BTreeMap::from([(place.root.clone(), RecursiveMode::Recursive)]);
    };
    let globs = known
        .values()
        .flat_map(|file| &file.links.targets)
        .any(|target| is_glob(Path::new(&target.target)));
    if globs {
        return BTreeMap::from([(place.root.clone(), RecursiveMode::Recursive)]);
    }
    let names = known.iter().flat_map(|(name, file)| {
        let includes = file.links.includes.iter().map(|include| &*include.file);
        std::iter::once(&**name).chain(includes)
    });
    names
        .map(|name| place.root.join(name))
        .chain(missing.iter().cloned())
        .chain([file.clone()])
        .filter_map(|path| {
            // The nearest folder that is there: the others may come.
            let folder = path.ancestors().skip(1).find(|folder| folder.is_dir())?;
            folder
                .starts_with(&place.root)
                .then(|| folder.to_path_buf())
        })
        .map(|folder| (folder, RecursiveMode::NonRecursive))
        .collect()
}
