//! A folder that is gone when its user is.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context as _;

/// Removed when dropped, with all that is in it.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> anyhow::Result<Self> {
        let base = std::env::temp_dir();
        for attempt in 0..100 {
            let path = base.join(format!("callboard-{}-{attempt}", std::process::id()));
            match create_private(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("no folder can be made in `{}`", base.display()));
                }
            }
        }
        anyhow::bail!("`{}` is full of old folders of ours", base.display())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// For this user alone: the catalog may not be for everybody's eyes.
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "`{}` was left behind: {error}", self.0.display());
        }
    }
}
