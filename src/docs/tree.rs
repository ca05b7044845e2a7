//! The only files that docs are read from: those below one folder.
//!
//! Paths are relative to that folder and written with `/`.
//! A path that leads out of it, by `..` or by a symlink, is refused and never opened; pipes and devices are not opened either.

use std::collections::HashSet;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Most files of one tree that are looked at.
pub(super) const MAX_FILES: usize = 10_000;
/// Most folders within each other.
const MAX_DEPTH: usize = 32;

/// A folder, and nothing outside of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tree {
    root: PathBuf,
}

/// What tells whether a file is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    pub modified: SystemTime,
    pub size: u64,
    pub is_folder: bool,
}

/// Why something is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    #[error("there is no file `{0}`")]
    Missing(String),
    #[error("`{0}` leads out of the folder that is read")]
    Outside(String),
    #[error("`{0}` is no file")]
    NoFile(String),
    #[error("`{path}` has {size} bytes, and the limit is {limit}")]
    TooLarge { path: String, size: u64, limit: u64 },
    #[error("`{0}` is not in UTF-8")]
    NoText(String),
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable { path: String, reason: String },
}

/// What a folder holds, however deep.
#[derive(Debug, Default)]
pub struct Walk {
    /// Sorted by path.
    pub files: Vec<(String, Stamp)>,
    /// The folders that were looked into: their times change when a file comes or goes.
    pub folders: Vec<(String, Stamp)>,
    pub refused: Vec<TreeError>,
    /// There are more than `MAX_FILES`, and the rest was left out.
    pub cut: bool,
}

impl TreeError {
    /// The code of its problem.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "docs-link",
            Self::Outside(_) => "docs-outside",
            Self::TooLarge { .. } => "docs-limit",
            Self::NoFile(_) | Self::NoText(_) | Self::Unreadable { .. } => "docs-unreadable",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => "correct the path; it is relative to the file that names it",
            Self::Outside(_) => {
                "keep what the docs need below the folder of their source, as a file and not as a link out of it"
            }
            Self::NoFile(_) => "name a file",
            Self::TooLarge { .. } => "make it smaller, or divide it",
            Self::NoText(_) => "save it in UTF-8",
            Self::Unreadable { .. } => "give the user that runs `callboard` the right to read it",
        }
    }
}

impl Tree {
    /// What is below `root`; `None` if that is no folder.
    pub fn new(root: &Path) -> Option<Self> {
        let root = root.canonicalize().ok()?;
        root.is_dir().then_some(Self { root })
    }

    /// What a file or folder is like now; `None` if it is not there, or not below the root.
    pub fn stamp(&self, path: &str) -> Option<Stamp> {
        self.real(path).ok().and_then(|(_, found)| stamp_of(&found))
    }

    /// Whether a file or folder that was read before is as it was then.
    ///
    /// One look and not one for each folder above it, so links of the file system are followed wherever they lead: it says nothing of whether the path may be read.
    pub(super) fn is_still(&self, path: &str, stamp: Option<Stamp>) -> bool {
        let found = std::fs::metadata(self.root.join(path)).ok();
        let found = found.as_ref().and_then(stamp_of);
        // What may not be read has no stamp: that is told by the long look.
        found == stamp || self.stamp(path) == stamp
    }

    /// The bytes of a file that has at most `limit` of them.
    pub fn read(&self, path: &str, limit: u64) -> Result<(Vec<u8>, Stamp), TreeError> {
        let (real, metadata) = self.real(path)?;
        if !metadata.is_file() {
            return Err(TreeError::NoFile(path.to_owned()));
        }
        if metadata.len() > limit {
            return Err(TreeError::TooLarge {
                path: path.to_owned(),
                size: metadata.len(),
                limit,
            });
        }
        let bytes = std::fs::read(real).map_err(|error| unreadable(path, &error))?;
        let stamp = stamp_of(&metadata).ok_or_else(|| TreeError::NoFile(path.to_owned()))?;
        Ok((bytes, stamp))
    }

    /// The text of a file that has at most `limit` bytes.
    pub fn read_text(&self, path: &str, limit: u64) -> Result<(String, Stamp), TreeError> {
        let (bytes, stamp) = self.read(path, limit)?;
        let text = String::from_utf8(bytes).or(Err(TreeError::NoText(path.to_owned())))?;
        Ok((text.trim_start_matches('\u{feff}').to_owned(), stamp))
    }

    /// All files below `folder` but hidden ones and installed packages.
    pub fn walk(&self, folder: &str) -> Walk {
        let mut walk = Walk::default();
        let mut seen = HashSet::new();
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = open.pop() {
            let (real, stamp) = match self.real(&folder) {
                Ok((real, metadata)) if metadata.is_dir() => match stamp_of(&metadata) {
                    Some(stamp) => (real, stamp),
                    None => continue,
                },
                Ok(_) => continue,
                Err(error) => {
                    walk.refused.push(error);
                    continue;
                }
            };
            // A link to a folder around it would go round for ever.
            if !seen.insert(real.clone()) {
                continue;
            }
            walk.folders.push((folder.clone(), stamp));
            let entries = match std::fs::read_dir(&real) {
                Ok(entries) => entries,
                Err(error) => {
                    walk.refused.push(unreadable(&folder, &error));
                    continue;
                }
            };
            let entries = entries.filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.file_name().into_string().ok()?, entry))
            });
            let mut entries: Vec<_> = entries.filter(|(name, _)| is_shown(name)).collect();
            entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            for (name, entry) in entries {
                let path = join(&folder, &name).unwrap_or(name);
                match self.entry(&path, &entry) {
                    Ok(metadata) if metadata.is_dir() => {
                        if depth < MAX_DEPTH {
                            open.push((path, depth + 1));
                        }
                    }
                    Ok(metadata) if metadata.is_file() => {
                        if walk.files.len() == MAX_FILES {
                            walk.cut = true;
                            break;
                        }
                        walk.files
                            .extend(stamp_of(&metadata).map(|stamp| (path, stamp)));
                    }
                    Ok(_) => {}
                    Err(error) => walk.refused.push(error),
                }
            }
        }
        walk.files.sort_by(|(one, _), (other, _)| one.cmp(other));
        walk
    }

    /// The names in one folder; none if it is not there.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let Ok((real, _)) = self.real(folder) else {
            return Vec::new();
        };
        let Ok(entries) = std::fs::read_dir(real) else {
            return Vec::new();
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.take(MAX_FILES).collect();
        names.sort_unstable();
        names
    }

    /// What is at `path`, an entry of a folder below the root.
    fn entry(&self, path: &str, entry: &DirEntry) -> Result<Metadata, TreeError> {
        // What is no link is where its folder is.
        match entry.metadata() {
            Ok(own) if !own.is_symlink() => Ok(own),
            _ => self.real(path).map(|(_, metadata)| metadata),
        }
    }

    /// Where `path` is without symlinks, below the root.
    fn real(&self, path: &str) -> Result<(PathBuf, Metadata), TreeError> {
        let plain = join("", path).ok_or_else(|| TreeError::Outside(path.to_owned()))?;
        let real = match self.root.join(plain).canonicalize() {
            Ok(real) => real,
            Err(error) => {
                return Err(match error.kind() {
                    io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::InvalidInput => TreeError::Missing(path.to_owned()),
                    _ => unreadable(path, &error),
                });
            }
        };
        if !real.starts_with(&self.root) {
            return Err(TreeError::Outside(path.to_owned()));
        }
        let metadata = std::fs::metadata(&real).map_err(|error| unreadable(path, &error))?;
        Ok((real, metadata))
    }
}

/// `target` as seen from `folder`, without `.` and `..`; `None` if it leaves the root.
pub(super) fn join(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if target.contains('\0') {
        return None;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder that a path is in.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn is_shown(name: &str) -> bool {
    !name.starts_with('.') && name != "node_modules"
}

fn stamp_of(metadata: &Metadata) -> Option<Stamp> {
    Some(Stamp {
        modified: metadata.modified().ok()?,
        size: metadata.len(),
        is_folder: metadata.is_dir(),
    })
}

/// The reason without the path: that of the machine is nobody's business.
fn unreadable(path: &str, error: &io::Error) -> TreeError {
    TreeError::Unreadable {
        path: path.to_owned(),
        reason: error.kind().to_string(),
    }
}
