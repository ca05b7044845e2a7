//! Where an index lies: a folder that belongs to one server.
//!
//! The system gives the lock up when the process ends, however it ends; a folder that another server holds is left to it, and ours is a temporary one.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::SearchError;

/// How temporary folders begin.
const TEMPORARY: &str = "callboard-search-";
/// Held by the server that a folder belongs to.
const LOCK: &str = "lock";
/// What the index keeps for itself.
const OWN: [&str; 2] = ["meta.json", ".managed.json"];

/// Where an index is to lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Here, to be found again by the next start.
    Folder(PathBuf),
    /// Anywhere, and gone at the end.
    Temporary,
}

/// A folder that is ours.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
    _lock: Option<File>,
}

impl Folder {
    /// The folder of `place`, made if it is missing; a temporary one where that cannot be.
    pub(super) fn take(place: &Place) -> Result<Self, SearchError> {
        let Place::Folder(path) = place else {
            return Self::temporary().map_err(|source| none(String::new(), source));
        };
        let locked = lock(path);
        if let Ok(Some(lock)) = locked {
            return Ok(Self {
                path: path.clone(),
                temporary: false,
                _lock: Some(lock),
            });
        }
        let shown = path.display();
        match (Self::temporary(), locked) {
            (Ok(own), Err(error)) => {
                tracing::warn!(
                    %error,
                    "the search index cannot lie at `{shown}`: it is made in a temporary folder, and again at each start"
                );
                Ok(own)
            }
            (Ok(own), Ok(_)) => {
                tracing::warn!(
                    "the search index at `{shown}` belongs to another server: this one makes its own"
                );
                Ok(own)
            }
            (Err(source), Err(error)) => Err(none(
                format!("`{shown}` cannot be used ({error}), and "),
                source,
            )),
            (Err(source), Ok(_)) => Err(none(
                format!("`{shown}` belongs to another server, and "),
                source,
            )),
        }
    }

    fn temporary() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let base = std::env::temp_dir();
        let mut number = 0_u32;
        loop {
            let path = base.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
            // For this user alone: the catalog may not be for everybody's eyes.
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    // Somebody who tidies up may have been faster than our lock.
                    let lock = lock(&path)?;
                    if lock.is_some() && path.join(LOCK).exists() {
                        remove_left_behind(&base, &path);
                        return Ok(Self {
                            path,
                            temporary: true,
                            _lock: lock,
                        });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            number += 1;
            if number > 1000 {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
        }
    }

    /// Takes away what a killed process has left beside the index: all but files of the parts in `used`, and what the index keeps for itself.
    pub(super) fn sweep(&self, used: &HashSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(self.index())? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_own = OWN.contains(&&*name) || name.ends_with(".lock");
            let part = name.split('.').next().unwrap_or_default();
            if !is_own && !used.contains(part) && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Where the files of the index are.
    pub(super) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// Takes away what is there, and makes room for a new index.
    pub(super) fn clear(&self) -> io::Result<()> {
        let index = self.index();
        match fs::remove_dir_all(&index) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(&index)
    }
}

/// Takes away temporary folders of this user whose servers were killed.
fn remove_left_behind(base: &Path, own: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(entries), Ok(ours)) = (fs::read_dir(base), fs::metadata(own)) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_one = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        // Not through links, and nobody else's.
        let is_ours = entry
            .metadata()
            .is_ok_and(|there| there.is_dir() && there.uid() == ours.uid());
        if !is_one || !is_ours || path == own || !path.join(LOCK).exists() {
            continue;
        }
        // Whoever holds the lock lives.
        let Ok(Some(_lock)) = lock(&path) else {
            continue;
        };
        match fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!(
                "`{}` was left behind by a server that was killed, and is removed",
                path.display()
            ),
            Err(error) => {
                tracing::warn!(%error, "`{}` was left behind: {error}", path.display());
            }
        }
    }
}

fn none(wanted: String, source: io::Error) -> SearchError {
    SearchError::NoFolder {
        wanted,
        temporary: std::env::temp_dir().display().to_string(),
        source,
    }
}

/// `None`: another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(path)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, "`{}` was left behind: {error}", self.path.display());
        }
    }
}
