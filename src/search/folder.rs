//! Where an index lies: a folder that belongs to one server.
//!
//! The system gives the lock up when the process ends, however it ends; a folder that another server holds is left to it, and ours is a temporary one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

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
    pub(super) fn take(place: &Place) -> io::Result<Self> {
        if let Place::Folder(path) = place {
            match lock(path) {
                Ok(Some(lock)) => {
                    return Ok(Self {
                        path: path.clone(),
                        temporary: false,
                        _lock: Some(lock),
                    });
                }
                Ok(None) => tracing::warn!(
                    "the search index at `{}` belongs to another server: this one makes its own",
                    path.display()
                ),
                Err(error) => tracing::warn!(
                    %error,
                    "the search index cannot lie at `{}`: it is made in a temporary folder, and again at each start",
                    path.display()
                ),
            }
        }
        Self::temporary()
    }

    fn temporary() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let base = std::env::temp_dir();
        let mut number = 0_u32;
        loop {
            let path = base.join(format!("callboard-search-{}-{number}", std::process::id()));
            // For this user alone: the catalog may not be for everybody's eyes.
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        temporary: true,
                        _lock: None,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                    number += 1;
                }
                Err(error) => return Err(error),
            }
        }
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

/// `None`: another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(path)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("lock"))?;
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
