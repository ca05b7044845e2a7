//! From a path that people write (a file, a folder, a glob) to the files that it stands for, and beyond which folder nothing is read.
//!
//! The server's sources and `callboard check` read by this one rule; they differ in the root.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::walk::Walk;
use crate::catalog::{MAX_FILE_BYTES, TOO_LARGE_HINT, too_large};

/// File names that are descriptors in a folder, whatever the files say.
const DESCRIPTORS: [&str; 2] = ["catalog-info.yaml", "catalog-info.yml"];

/// What is looked for where nothing was found.
pub(crate) const EMPTY_HINT: &str = "in a folder `catalog-info.yaml` is read, and other YAML files in which a document begins like a descriptor (`apiVersion: backstage.io/v1alpha1`, or that of a kind of your own, and `kind`); a glob such as `catalog/**/*.yaml` reads whatever it matches";

/// A configured path, looked at.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The folder beyond which nothing is read, without symlinks.
    pub root: PathBuf,
    /// Where the looking begins, in the root: the folder of the file, the folder itself, or the part of the glob without wildcards.
    pub base: PathBuf,
    pub selection: Selection,
}

/// Which files below the base are descriptors.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    File(PathBuf),
    Folder,
    Glob(Pattern),
}

/// A glob, cut at its first wildcard.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub folder: PathBuf,
    /// Matches paths relative to the folder.
    matcher: GlobMatcher,
    /// Whether the pattern itself names a folder that begins with a dot.
    hidden: bool,
    /// Whether it names `node_modules`.
    modules: bool,
}

/// What a `Location` target stands for.
#[derive(Debug)]
pub(crate) enum Led {
    File(PathBuf),
    Files(Walk),
}

/// Why nothing at all can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("`{path}` does not exist")]
    Missing { path: String },
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("`{path}` is no glob: {reason}")]
    Glob { path: String, reason: String },
}

impl PlaceError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "name a file, a folder or a glob that is there",
            Self::Unreadable { .. } => "give the user that runs `callboard` the right to read it",
            Self::Glob { .. } => "look at the brackets and braces of the pattern",
        }
    }
}

/// Why a path is not followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no file `{0}`")]
    Missing(String),
    #[error("`{0}` leads out of the folder that is read")]
    Outside(String),
    #[error("`{0}` is no file")]
    NoFile(String),
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{}", too_large(*.0))]
    TooLarge(u64),
    #[error("`{path}` is no glob: {reason}")]
    Glob { path: String, reason: String },
    #[error("no file matches `{0}`")]
    NoMatch(String),
}

impl Refusal {
    /// The code of its problem.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::Unreadable { .. } => "unreadable-file",
            Self::Outside(_) => "outside-root",
            Self::NoFile(_) => "no-file",
            Self::TooLarge(_) => "file-too-large",
            Self::Glob { .. } | Self::NoMatch(_) => "location-target",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "correct the path, or write `presence: optional` if the file may be missing"
            }
            Self::Outside(_) => {
                "move the file below the folder that is read, or read the folder that holds both"
            }
            Self::NoFile(_) => {
                "name a file; `./folder/**/catalog-info.yaml` reads the files of a folder"
            }
            Self::Unreadable { .. } => "give the user that runs `callboard` the right to read it",
            Self::TooLarge(_) => TOO_LARGE_HINT,
            Self::Glob { .. } => "look at the brackets and braces of the pattern",
            Self::NoMatch(_) => {
                "correct the pattern, or write `presence: optional` if there may be none"
            }
        }
    }
}

impl Place {
    /// Looks at `path`, which is absolute; `written` is what people know it by.
    ///
    /// Nothing outside of `limit` (without symlinks) is read if the path lies in it, and else nothing outside of the path's own folder.
    pub(crate) fn look(
        path: &Path,
        written: &str,
        limit: Option<&Path>,
    ) -> Result<Self, PlaceError> {
        let metadata = std::fs::metadata(path);
        let (base, selection) = match metadata {
            Ok(metadata) if metadata.is_dir() => (path.to_path_buf(), Selection::Folder),
            Ok(_) => (folder_of(path), Selection::File(PathBuf::new())),
            Err(_) if is_glob(path) => {
                let pattern = Pattern::new(path).map_err(|reason| PlaceError::Glob {
                    path: written.to_owned(),
                    reason,
                })?;
                (pattern.folder.clone(), Selection::Glob(pattern))
            }
            Err(error) => return Err(unreadable(written, error)),
        };
        let base = base
            .canonicalize()
            .map_err(|error| unreadable(written, error))?;
        // A folder that may not be listed would otherwise look as if all of its files had vanished.
        std::fs::read_dir(&base).map_err(|error| unreadable(written, error))?;
        let selection = match (selection, path.file_name()) {
            (Selection::File(_), Some(name)) => Selection::File(base.join(name)),
            (Selection::Glob(pattern), _) => Selection::Glob(Pattern {
                folder: base.clone(),
                ..pattern
            }),
            (selection, _) => selection,
        };
        let root = limit
            .filter(|limit| base.starts_with(limit))
            .map_or_else(|| base.clone(), Path::to_path_buf);
        Ok(Self {
            root,
            base,
            selection,
        })
    }

    /// Whether a file with this path may be a descriptor of the source by its name.
    pub(crate) fn selects(&self, path: &Path) -> bool {
        match &self.selection {
            Selection::File(file) => file == path,
            Selection::Folder => is_yaml(path),
            Selection::Glob(pattern) => pattern.matches(path),
        }
    }

    /// Whether a file that is found here is read only if it looks like descriptors: in a folder all but `catalog-info.yaml`.
    pub(crate) fn is_guess(&self, path: &Path) -> bool {
        let is_named = |name| DESCRIPTORS.iter().any(|descriptor| name == *descriptor);
        matches!(self.selection, Selection::Folder) && !path.file_name().is_some_and(is_named)
    }

    /// The files that `target`, written in a file of `folder`, stands for.
    pub(crate) fn follow(&self, folder: &Path, target: &str) -> Result<Led, Refusal> {
        let path = self.target(folder, target)?;
        if is_glob(Path::new(target)) && !path.exists() {
            let pattern = Pattern::new(&path).map_err(|reason| Refusal::Glob {
                path: target.to_owned(),
                reason,
            })?;
            let walk = Walk::matching(self, &pattern);
            return match walk.files.is_empty() && walk.refused.is_empty() {
                true => Err(Refusal::NoMatch(target.to_owned())),
                false => Ok(Led::Files(walk)),
            };
        }
        self.real(&path, target)?;
        Ok(Led::File(path))
    }

    /// The contents of a file in the root, unless there are too many.
    pub(crate) fn read(&self, path: &Path, shown: &str) -> Result<(Vec<u8>, Metadata), Refusal> {
        let real = self.real(path, shown)?;
        let unreadable = |source| Refusal::Unreadable {
            path: shown.to_owned(),
            source,
        };
        let metadata = std::fs::metadata(&real).map_err(unreadable)?;
        if metadata.len() > MAX_FILE_BYTES as u64 {
            return Err(Refusal::TooLarge(metadata.len()));
        }
        let bytes = std::fs::read(&real).map_err(unreadable)?;
        Ok((bytes, metadata))
    }

    /// The path as people know it: relative to the root, with `/`; `None` outside of it, and for names that are no Unicode.
    pub(crate) fn name(&self, path: &Path) -> Option<String> {
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
    pub(crate) fn target(&self, folder: &Path, target: &str) -> Result<PathBuf, Refusal> {
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
    pub(crate) fn real(&self, path: &Path, shown: &str) -> Result<PathBuf, Refusal> {
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
pub(crate) fn is_glob(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"*?[{".contains(byte))
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

impl Pattern {
    /// Compiles a glob, in which `*` stays within a folder; or says why it is none.
    pub(crate) fn new(path: &Path) -> Result<Self, String> {
        let mut folder = PathBuf::new();
        let mut pattern = PathBuf::new();
        for component in path.components() {
            if pattern.as_os_str().is_empty() && !is_glob(Path::new(component.as_os_str())) {
                folder.push(component);
            } else {
                pattern.push(component);
            }
        }
        let pattern = pattern.to_string_lossy();
        let matcher = GlobBuilder::new(&pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| error.kind().to_string())?
            .compile_matcher();
        Ok(Self {
            folder,
            matcher,
            hidden: pattern.starts_with('.') || pattern.contains("/."),
            modules: pattern.contains(MODULES),
        })
    }

    pub(crate) fn matches(&self, path: &Path) -> bool {
        path.strip_prefix(&self.folder)
            .is_ok_and(|relative| self.matcher.is_match(relative))
    }

    /// Whether a walk enters a folder of this name: `.git` and what package managers install only if the pattern says so.
    pub(crate) fn enters(&self, name: &OsStr) -> bool {
        (self.hidden || !is_hidden(name)) && (self.modules || name != MODULES)
    }
}

/// What package managers install holds no descriptors of one's own.
const MODULES: &str = "node_modules";

/// Whether the walk of a folder enters a folder of this name: `.git`, installed packages and build outputs hold no descriptors of one's own.
pub(crate) fn enters(name: &OsStr) -> bool {
    !is_hidden(name) && name != MODULES && name != "target"
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
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
