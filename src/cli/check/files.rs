//! The files that a check reads, and the folder that it does not leave.
//!
//! Nothing outside of the root is read, whatever a link, a `$text` or a Location says: the current folder where the path lies in it (the usual checkout), else the path's own folder.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::catalog::{MAX_FILE_BYTES, Substitutions, TOO_LARGE_HINT, too_large};
use crate::cli::report::Item;
use crate::diagnostic::Diagnostic;

use super::find::{Found, is_glob, matching};

/// A descriptor file that is there.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// As the user would name it.
    pub(super) path: PathBuf,
    /// Without symlinks.
    pub(super) real: PathBuf,
    pub(super) shown: Arc<str>,
    /// Beyond which nothing is read; without symlinks.
    pub(super) root: Arc<Path>,
    /// The files whose Locations led here, nearest first.
    pub(super) parents: Option<Arc<Parent>>,
}

/// A file whose Location led to another.
#[derive(Debug)]
pub(super) struct Parent {
    real: PathBuf,
    parents: Option<Arc<Parent>>,
}

impl File {
    /// The contents, unless there are too many.
    pub(super) fn read(&self) -> Result<Vec<u8>, Box<Item>> {
        let item = |code, message: String, hint: &str| {
            let problem = Diagnostic::error(code, Arc::clone(&self.shown), message);
            Box::new(Item::from(problem.hint(hint)))
        };
        let unreadable = |error: io::Error| {
            item(
                "unreadable-file",
                reason(&error),
                "grant the right to read it",
            )
        };
        let metadata = fs::metadata(&self.real).map_err(unreadable)?;
        if !metadata.is_file() {
            let message = "this is neither a file nor a folder".to_owned();
            return Err(item("unreadable-file", message, "name a file"));
        }
        if metadata.len() > MAX_FILE_BYTES as u64 {
            let message = too_large(metadata.len());
            return Err(item("file-too-large", message, TOO_LARGE_HINT));
        }
        fs::read(&self.real).map_err(unreadable)
    }

    /// The files that `target`, written in this file, stands for; or why there are none.
    pub(super) fn target(&self, target: &str) -> Result<Found, String> {
        if target.ends_with('/') {
            return Err("it must name a file, not a folder".to_owned());
        }
        let path = self.beside(target)?;
        let mut found = Found::default();
        if is_glob(&path) && !path.exists() {
            matching(&path, Some(&self.root), &mut found);
            if found.files.is_empty() {
                return Err("no file matches it".to_owned());
            }
        } else {
            self.inside(&path)?;
            found.add(&path, &self.root);
        }
        for file in &mut found.files {
            file.parents = Some(Arc::new(Parent {
                real: self.real.clone(),
                parents: self.parents.clone(),
            }));
        }
        Ok(found)
    }

    /// Whether this file is read because of `other`, or is it.
    pub(super) fn is_below(&self, other: &File) -> bool {
        let parents =
            std::iter::successors(self.parents.as_deref(), |parent| parent.parents.as_deref());
        let mut reals = parents.map(|parent| &parent.real);
        self.real == other.real || reals.any(|real| *real == other.real)
    }

    /// The real path of a file, which does not lie outside of the root.
    fn inside(&self, path: &Path) -> Result<PathBuf, String> {
        let real = path.canonicalize().map_err(|error| reason(&error))?;
        if !real.starts_with(&self.root) {
            return Err(format!("it is out of `{}`", self.root.display()));
        }
        match real.is_file() {
            true => Ok(real),
            false => Err("it is no file".to_owned()),
        }
    }

    /// The path of `target` seen from this file; one that begins with `/` is seen from the root, as in a repository.
    fn beside(&self, target: &str) -> Result<PathBuf, String> {
        let joined = match target.strip_prefix('/') {
            Some(_) if Path::new(target).starts_with(&self.root) => PathBuf::from(target),
            Some(rest) => self.root.join(rest),
            None => self.path.parent().unwrap_or(Path::new("")).join(target),
        };
        // `a/../b` is `b` also where `a` is not there, so that messages show what is meant
        let mut plain = PathBuf::new();
        for part in joined.components() {
            let up = part == Component::ParentDir
                && matches!(plain.components().next_back(), Some(Component::Normal(_)));
            match part {
                Component::CurDir => {}
                _ if up => {
                    plain.pop();
                }
                _ => plain.push(part),
            }
        }
        match plain.as_os_str().is_empty() {
            true => Err("it names no file".to_owned()),
            false => Ok(plain),
        }
    }
}

/// What substitutions read: files inside the root, relative to the descriptor.
pub(super) struct LocalFiles<'f>(pub(super) &'f File);

impl Substitutions for LocalFiles<'_> {
    fn load(&self, target: &str) -> Result<Vec<u8>, String> {
        if target.contains("://") {
            return Err("it is no file, and nothing is fetched here".to_owned());
        }
        let real = self.0.inside(&self.0.beside(target)?)?;
        let metadata = fs::metadata(&real).map_err(|error| reason(&error))?;
        if metadata.len() > MAX_FILE_BYTES as u64 {
            return Err(too_large(metadata.len()));
        }
        fs::read(&real).map_err(|error| reason(&error))
    }
}

/// In words, without the operating system's number.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "there is no such file or folder".to_owned()
        }
        io::ErrorKind::PermissionDenied => "there is no right to read it".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}
