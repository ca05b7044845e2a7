//! One server to a SQLite file: a second one would not see what the first one commits, and would commit claims that the first one does not know.
//!
//! SQLite's own locks last for a transaction; this one lasts as long as the server.
//! The system gives it up when the process ends, however it ends, so nothing has to be cleaned up after a crash; the empty file stays.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::str::FromStr as _;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use super::StoreError;
use super::open::{full_url, shown};

/// The right to serve from a database; given back when dropped.
#[derive(Debug)]
pub struct ServerLock {
    _file: Option<File>,
}

impl ServerLock {
    /// Takes the right to serve from the database at `url`; an error if another process has it.
    ///
    /// PostgreSQL is shared, and a database in memory is nobody else's: there is nothing to take.
    pub fn take(url: &str) -> Result<Self, StoreError> {
        let Some(path) = beside(url, ".lock") else {
            return Ok(Self { _file: None });
        };
        let opened = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let locked = opened.and_then(|file| match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        });
        match locked {
            Ok(Some(file)) => Ok(Self { _file: Some(file) }),
            Ok(None) => Err(StoreError::InUse {
                url: shown(url),
                lock: path.display().to_string(),
            }),
            Err(error) => {
                // Where the folder is the trouble, opening the database says so next.
                tracing::warn!(
                    %error,
                    "`{}` cannot be locked: a second server on this database would not be refused",
                    path.display()
                );
                Ok(Self { _file: None })
            }
        }
    }
}

/// A place beside the file of the database at `url`, named after it; `None` where the database is no file.
pub fn beside(url: &str, ending: &str) -> Option<PathBuf> {
    let full = full_url(url)?;
    if !full.starts_with("sqlite:") || full.contains(":memory:") {
        return None;
    }
    let options = SqliteConnectOptions::from_str(&full).ok()?;
    let path = options.get_filename();
    let mut name = path
        .canonicalize()
        .unwrap_or_else(|_missing| path.to_path_buf())
        .into_os_string();
    name.push(ending);
    Some(name.into())
}
