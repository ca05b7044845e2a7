//! The descriptors of a place, in an order that is always the same.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::place::{self, Pattern, Place, Refusal, Selection};

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub files: Vec<PathBuf>,
    pub refused: Vec<(PathBuf, Refusal)>,
    /// What could not be looked into: what is known below it may still be there.
    pub unreadable: Vec<PathBuf>,
}

impl Walk {
    /// All descriptors that the source selects.
    pub(crate) fn of(place: &Place) -> Self {
        match &place.selection {
            Selection::File(file) => Self {
                files: vec![file.clone()],
                ..Self::default()
            },
            Selection::Folder => Self::below(place, &place.base, &place::enters, &|path| {
                place.selects(path)
            }),
            Selection::Glob(pattern) => Self::matching(place, pattern),
        }
    }

    /// The files that match a glob.
    pub(crate) fn matching(place: &Place, pattern: &Pattern) -> Self {
        let enters = |name: &OsStr| pattern.enters(name);
        Self::below(place, &pattern.folder, &enters, &|path| {
            pattern.matches(path)
        })
    }

    /// Files below `folder` that `selects` takes.
    ///
    /// Links to folders are not entered: within the root they lead to what is found anyway, and out of it they must not.
    fn below(
        place: &Place,
        folder: &Path,
        enters: &dyn Fn(&OsStr) -> bool,
        selects: &dyn Fn(&Path) -> bool,
    ) -> Self {
        let mut walk = Self::default();
        let entries = WalkDir::new(folder)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| {
                entry.depth() == 0 || !entry.file_type().is_dir() || enters(entry.file_name())
            });
        for entry in entries {
            match entry {
                Ok(entry) => walk.visit(place, entry, selects),
                Err(error) => walk.fail(place, &error),
            }
        }
        walk
    }

    fn visit(&mut self, place: &Place, entry: DirEntry, selects: &dyn Fn(&Path) -> bool) {
        let file_type = entry.file_type();
        if file_type.is_dir() {
            return;
        }
        if file_type.is_symlink() && entry.path().is_dir() {
            let shown = shown(place, entry.path());
            if let Err(refusal @ Refusal::Outside(_)) = place.real(entry.path(), &shown) {
                self.refused.push((entry.into_path(), refusal));
            }
        } else if selects(entry.path()) {
            self.files.push(entry.into_path());
        }
    }

    fn fail(&mut self, place: &Place, error: &walkdir::Error) {
        let Some(path) = error.path() else {
            return;
        };
        if error
            .io_error()
            .is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            // It went while we walked: as if it had never been there.
            return;
        }
        let source = match error.io_error() {
            Some(source) => io::Error::new(source.kind(), source.to_string()),
            None => io::Error::other(error.to_string()),
        };
        let refusal = Refusal::Unreadable {
            path: shown(place, path),
            source,
        };
        self.unreadable.push(path.to_path_buf());
        self.refused.push((path.to_path_buf(), refusal));
    }
}

/// A path for a message.
pub(crate) fn shown(place: &Place, path: &Path) -> String {
    place
        .name(path)
        .unwrap_or_else(|| path.to_string_lossy().into_owned())
}
