//! From the paths of the command line to files: a file is read whatever its name is, a folder is searched for descriptors, a glob is expanded.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobBuilder;
use walkdir::{DirEntry, WalkDir};

use super::files::{File, reason};
use crate::cli::report::Item;
use crate::diagnostic::Diagnostic;

/// What a folder is searched for.
const NAMES: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];

/// What a path stands for.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<File>,
    pub(super) problems: Vec<Item>,
    /// Whether the user should have named something else.
    pub(super) unreadable: bool,
}

impl Found {
    fn fail(&mut self, path: &Path, message: String, hint: &str) {
        let problem = Diagnostic::error("unreadable-file", shown(path), message).hint(hint);
        self.problems.push(problem.into());
        self.unreadable = true;
    }

    /// Adds the file at `path`, unless a link leads out of the root.
    pub(super) fn add(&mut self, path: &Path, root: &Arc<Path>) {
        match path.canonicalize() {
            Ok(real) if real.starts_with(root) => self.files.push(File {
                path: path.to_owned(),
                real,
                shown: shown(path),
                root: Arc::clone(root),
                parents: None,
            }),
            Ok(real) => {
                let message = format!(
                    "the link leads to `{}`, out of `{}`, and is not followed",
                    real.display(),
                    root.display()
                );
                let problem = Diagnostic::error("outside-root", shown(path), message)
                    .hint("put the file itself here, or check the folder that holds both");
                self.problems.push(problem.into());
            }
            Err(error) => self.fail(path, reason(&error), "a link that leads nowhere?"),
        }
    }
}

/// The files that a path of the command line stands for.
pub(super) fn named(path: &Path) -> Found {
    let mut found = Found::default();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            walk(path, &root_of(path), &is_descriptor, &mut found);
            if found.files.is_empty() && found.problems.is_empty() {
                let message = "there is no `catalog-info.yaml` below this folder".to_owned();
                found.fail(
                    path,
                    message,
                    "name the files, or a glob: `catalog/**/*.yaml`",
                );
            }
        }
        Ok(_) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            found.add(path, &root_of(folder));
        }
        Err(_) if is_glob(path) => matching(path, None, &mut found),
        Err(error) => found.fail(path, reason(&error), "name a file, a folder or a glob"),
    }
    found
}

/// The folder beyond which nothing is read when `folder` is checked.
fn root_of(folder: &Path) -> Arc<Path> {
    let folder = or_current(folder);
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    match Path::new(".").canonicalize() {
        // from `/` the current folder would be no limit at all
        Ok(current) if real.starts_with(&current) && current.parent().is_some() => current.into(),
        Ok(_) | Err(_) => real.into(),
    }
}

fn or_current(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// Adds the files that match a glob, found below its part without wildcards.
pub(super) fn matching(pattern: &Path, root: Option<&Arc<Path>>, found: &mut Found) {
    let text = pattern.to_string_lossy();
    let compiled = GlobBuilder::new(text.trim_start_matches("./"))
        .literal_separator(true)
        .build();
    let glob = match compiled {
        Ok(glob) => glob.compile_matcher(),
        Err(error) => {
            let message = format!("the glob cannot be understood: {}", error.kind());
            return found.fail(pattern, message, "for example `catalog/**/*.yaml`");
        }
    };
    let folder: PathBuf = pattern
        .components()
        .take_while(|part| !is_glob(Path::new(part.as_os_str())))
        .collect();
    let root = root.map_or_else(|| root_of(&folder), Arc::clone);
    let wanted = |path: &Path| glob.is_match(path.strip_prefix(".").unwrap_or(path));
    let folder = or_current(&folder);
    if folder.exists() {
        walk(folder, &root, &wanted, found);
    }
    if found.files.is_empty() && found.problems.is_empty() {
        let message = "no file matches the glob".to_owned();
        found.fail(pattern, message, "`**` stands for any number of folders");
    }
}

fn walk(folder: &Path, root: &Arc<Path>, wanted: &dyn Fn(&Path) -> bool, found: &mut Found) {
    let entries = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_entered);
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            // a linked folder is found under its own name when it is inside, and left alone when it is not
            Ok(entry) if entry.path_is_symlink() && entry.path().is_dir() => {}
            Ok(entry) if wanted(entry.path()) => found.add(entry.path(), root),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let message = error.io_error().map_or_else(|| error.to_string(), reason);
                found.fail(
                    &path,
                    message,
                    "grant the right to read it, or name other paths",
                );
            }
        }
    }
}

/// `.git` and what package managers install hold no descriptors of one's own.
fn is_entered(entry: &DirEntry) -> bool {
    let skipped = |name: &str| matches!(name, ".git" | "node_modules");
    entry.depth() == 0
        || !entry.file_type().is_dir()
        || !entry.file_name().to_str().is_some_and(skipped)
}

fn is_descriptor(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| NAMES.contains(&name))
}

/// Whether the path has wildcards.
pub(super) fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

fn shown(path: &Path) -> Arc<str> {
    let plain: PathBuf = path.components().collect();
    let plain = plain.strip_prefix(".").unwrap_or(&plain);
    plain.to_string_lossy().into()
}
