//! Where a file source reads: which files are its descriptors, and beyond which folder nothing is read.

use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

/// File names that are descriptors in a folder.
const DESCRIPTORS: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];

/// A configured path, looked at.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The folder beyond which nothing is read, without symlinks: the folder of the file, the folder itself, or the part of the glob without wildcards.
    pub root: PathBuf,
    pub selection: Selection,
}

/// Which files below the root are descriptors.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    File(PathBuf),
    Folder,
    /// Matches paths relative to the root.
    Glob {
        matcher: GlobMatcher,
        /// Whether the pattern itself names a folder that begins with a dot.
        hidden: bool,
    },
}

/// Why nothing at all can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("`{path}` does not exist")]
    Missing { path: String },
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("`{path}` is no glob: {reason}")]
    Glob { path: String, reason: String },
}

/// Why a path is not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is no file `{0}`")]
    Missing(String),
    #[error("`{0}` leads out of the folder of the source")]
    Outside(String),
    #[error("`{0}` is no file")]
    NoFile(String),
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
}

impl Place {
    /// Looks at `path`, which is absolute; `written` is what people know it by.
    pub(super) fn look(path: &Path, written: &str) -> Result<Self, PlaceError> {
        let metadata = std::fs::metadata(path);
        let (root, selection) = match metadata {
            Ok(metadata) if metadata.is_dir() => (path.to_path_buf(), Selection::Folder),
            Ok(_) => (folder_of(path), Selection::File(PathBuf::new())),
            Err(_) if is_glob(path) => split_glob(path, written)?,
            Err(error) => return Err(unreadable(written, error)),
        };
        let root = root
            .canonicalize()
            .map_err(|error| unreadable(written, error))?;
        // A folder that may not be listed would otherwise look as if all of its files had vanished.
        std::fs::read_dir(&root).map_err(|error| unreadable(written, error))?;
        let selection = match (selection, path.file_name()) {
            (Selection::File(_), Some(name)) => Selection::File(root.join(name)),
            (selection, _) => selection,
        };
        Ok(Self { root, selection })
    }

    /// Whether a file with this path is a descriptor of the source by its name.
    pub(super) fn selects(&self, path: &Path) -> bool {
        match &self.selection {
            Selection::File(file) => file == path,
            Selection::Folder => path
                .file_name()
                .is_some_and(|name| DESCRIPTORS.iter().any(|descriptor| name == *descriptor)),
            Selection::Glob { matcher, .. } => path
                .strip_prefix(&self.root)
                .is_ok_and(|relative| matcher.is_match(relative)),
        }
    }

    /// Whether a walk enters this folder: those with a dot (`.git`) only if the pattern says so.
    pub(super) fn enters(&self, name: &std::ffi::OsStr) -> bool {
        let hidden = name.as_encoded_bytes().starts_with(b".");
        !hidden || matches!(self.selection, Selection::Glob { hidden: true, .. })
    }

    /// The path as people know it: relative to the root, with `/`; `None` outside of it, and for names that are no Unicode.
    pub(super) fn name(&self, path: &Path) -> Option<String> {
        let relative = path.strip_prefix(&self.root).ok()?;
        let mut name = String::new();
        for component in relative.components() {
            if !name.is_empty() {
                name.push('/');
            }
            name.push_str(component.as_os_str().to_str()?);
        }
        (!name.is_empty()).then_some(name)
    }

    /// The path that `target`, written in a file of `folder`, stands for, not leaving the root by `..`.
    ///
    /// `/x` is meant from the root, as it is in a repository, unless it is a path below the root already.
    pub(super) fn target(&self, folder: &Path, target: &str) -> Result<PathBuf, Refusal> {
        let path = Path::new(target);
        let joined = if !path.is_absolute() {
            folder.join(path)
        } else if path.starts_with(&self.root) {
            path.to_path_buf()
        } else {
            self.root.join(path.strip_prefix("/").unwrap_or(path))
        };
        let mut plain = PathBuf::new();
        for component in joined.components() {
            match component {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                    plain.push(component);
                }
            }
        }
        match plain.starts_with(&self.root) {
            true => Ok(plain),
            false => Err(Refusal::Outside(target.to_owned())),
        }
    }

    /// The file behind `path` without symlinks, which lies in the root and can be read as a file.
    pub(super) fn real(&self, path: &Path, shown: &str) -> Result<PathBuf, Refusal> {
        let real = path.canonicalize().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Refusal::Missing(shown.to_owned())
            }
            _ => Refusal::Unreadable {
                path: shown.to_owned(),
                source,
            },
        })?;
        if !real.starts_with(&self.root) {
            return Err(Refusal::Outside(shown.to_owned()));
        }
        // A pipe or a device would keep the reader waiting for ever.
        match real.is_file() {
            true => Ok(real),
            false => Err(Refusal::NoFile(shown.to_owned())),
        }
    }
}

/// Whether `path` has wildcards.
pub(super) fn is_glob(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"*?[{".contains(byte))
}

/// Compiles a pattern; `*` stays within a folder.
pub(super) fn glob(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
}

/// Cuts a glob into the folder before its first wildcard, and the rest.
fn split_glob(path: &Path, written: &str) -> Result<(PathBuf, Selection), PlaceError> {
    let mut root = PathBuf::new();
    let mut pattern = PathBuf::new();
    for component in path.components() {
        if pattern.as_os_str().is_empty() && !is_glob(Path::new(component.as_os_str())) {
            root.push(component);
        } else {
            pattern.push(component);
        }
    }
    let pattern = pattern.to_string_lossy();
    let matcher = glob(&pattern).map_err(|error| PlaceError::Glob {
        path: written.to_owned(),
        reason: error.kind().to_string(),
    })?;
    let hidden = pattern.starts_with('.') || pattern.contains("/.");
    Ok((root, Selection::Glob { matcher, hidden }))
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent()
        .map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

fn unreadable(written: &str, source: io::Error) -> PlaceError {
    let path = written.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PlaceError::Missing { path },
        _ => PlaceError::Unreadable { path, source },
    }
}
