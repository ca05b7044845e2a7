//! Connector folders: those that the program carries, and the user's own.
//!
//! A folder is read as text; what the text means is the business of `sdl` and `connect`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::schema::{matching, shown, unreadable};
use crate::config::SchemaPath;
use crate::diagnostic::Diagnostic;
use crate::sdl::SdlFile;

/// The files of `connectors/`, as they were when the program was built.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/connectors.rs"));

/// One connector, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorFolder {
    /// The folder's name, which is the connector's name everywhere.
    pub name: Arc<str>,
    /// Where it is; `None`: the program carries it.
    pub path: Option<PathBuf>,
    /// `*.graphql`, in the order of their names.
    pub sdl: Vec<SdlFile>,
    /// `examples/*.yaml`, in the order of their names.
    pub examples: Vec<TextFile>,
    /// `README.md`
    pub readme: Option<TextFile>,
}

/// A file that was read, named as the user knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    pub path: Arc<str>,
    pub text: String,
}

/// What `connectorFolders` leads to.
#[derive(Debug, Default)]
pub struct Found {
    pub folders: Vec<ConnectorFolder>,
    /// Names of folders of which something cannot be read.
    pub broken: Vec<Arc<str>>,
    /// Files and folders whose change may change the graph.
    pub watched: Vec<PathBuf>,
    pub problems: Vec<Diagnostic>,
}

impl ConnectorFolder {
    fn new(name: &str, path: Option<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path,
            sdl: Vec::new(),
            examples: Vec::new(),
            readme: None,
        }
    }

    fn add(&mut self, relative: &str, file: TextFile) {
        if relative == "README.md" {
            self.readme = Some(file);
        } else if relative.ends_with(".graphql") {
            self.sdl.push(SdlFile {
                path: file.path,
                text: file.text,
                connector: Some(Arc::clone(&self.name)),
            });
        } else {
            self.examples.push(file);
        }
    }

    /// Reads the folder at `path`; what cannot be read is a problem, the rest is there.
    pub fn read(path: &Path) -> (Self, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let mut folder = Self::new(&name.unwrap_or_default(), Some(path.to_path_buf()));
        problems.extend(bad_name(&folder.name, path));
        for file in relevant_files(path, &mut problems) {
            let shown: Arc<str> = shown(&file).into();
            match std::fs::read_to_string(&file) {
                Ok(text) => {
                    let relative = file.strip_prefix(path).unwrap_or(&file);
                    let relative = relative.to_string_lossy();
                    folder.add(&relative, TextFile { path: shown, text });
                }
                Err(error) => problems.push(unreadable(&shown, &error.to_string())),
            }
        }
        (folder, problems)
    }
}

/// The connectors that the program carries, in the order of their names.
pub fn built_in() -> Vec<ConnectorFolder> {
    let mut folders: Vec<ConnectorFolder> = Vec::new();
    for (path, text) in BUILT_IN {
        let Some((name, relative)) = path.split_once('/') else {
            continue;
        };
        if folders.last().is_none_or(|last| *last.name != *name) {
            folders.push(ConnectorFolder::new(name, None));
        }
        if let Some(folder) = folders.last_mut() {
            let file = TextFile {
                path: format!("connectors/{path}").into(),
                text: (*text).to_owned(),
            };
            folder.add(relative, file);
        }
    }
    folders
}

/// The connectors that the program carries together with those that `paths` lead to, which take the place of built-in ones of the same name.
pub fn find(paths: &[SchemaPath]) -> Found {
    let mut found = Found::default();
    for path in paths {
        let before = found.folders.len() + found.broken.len();
        for folder in connector_folders(path, &mut found) {
            found.take(&folder);
        }
        if found.folders.len() + found.broken.len() == before && found.problems.is_empty() {
            let message = "there is no folder with `*.graphql` files here";
            found.problems.push(
                Diagnostic::warning("connector-empty", path.written.as_str(), message)
                    .hint("`connectorFolders` takes connector folders, folders of such folders, and globs"),
            );
        }
    }
    for folder in built_in() {
        let taken = found.folders.iter().any(|own| own.name == folder.name);
        if !taken && !found.broken.contains(&folder.name) {
            found.folders.push(folder);
        }
    }
    found.folders.sort_by(|a, b| a.name.cmp(&b.name));
    found.watched.sort();
    found.watched.dedup();
    found
}

impl Found {
    fn take(&mut self, path: &Path) {
        let (folder, problems) = ConnectorFolder::read(path);
        self.watched.push(path.to_path_buf());
        self.watched.extend(
            folder
                .sdl
                .iter()
                .map(|file| path.join(file_name(&file.path))),
        );
        let other = self.folders.iter().find(|other| other.name == folder.name);
        if let Some(other) = other.and_then(|other| other.path.as_ref()) {
            if other != path {
                let message = format!(
                    "there are two connector folders with the name `{}`",
                    folder.name
                );
                self.problems.push(
                    Diagnostic::error("connector-name", shown(path), message).hint(format!(
                        "the other one is `{}`; rename one of them",
                        shown(other)
                    )),
                );
            }
            return;
        }
        if problems.is_empty() {
            self.folders.push(folder);
        } else {
            self.broken.push(folder.name);
            self.problems.extend(problems);
        }
    }
}

/// The folder itself if it has `*.graphql` files, else those in it that do.
fn connector_folders(path: &SchemaPath, found: &mut Found) -> Vec<PathBuf> {
    let roots = matching(path, &mut found.problems);
    let mut folders = Vec::new();
    for root in roots {
        found.watched.push(root.clone());
        if has_sdl(&root) {
            folders.push(root);
            continue;
        }
        let mut inner = entries(&root, &mut found.problems);
        inner.retain(|path| path.is_dir());
        found.watched.extend(inner.iter().cloned());
        folders.extend(inner.into_iter().filter(|path| has_sdl(path)));
    }
    folders
}

fn has_sdl(folder: &Path) -> bool {
    let mut unread = Vec::new();
    entries(folder, &mut unread)
        .iter()
        .any(|path| has_extension(path, "graphql"))
}

/// `*.graphql`, `README.md` and `examples/*.yaml`, sorted.
fn relevant_files(folder: &Path, problems: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut files = entries(folder, problems);
    files.retain(|path| has_extension(path, "graphql") || path.ends_with("README.md"));
    let examples = folder.join("examples");
    if examples.is_dir() {
        let mut inner = entries(&examples, problems);
        inner.retain(|path| has_extension(path, "yaml"));
        files.extend(inner);
    }
    files
}

/// What is directly in a folder, sorted.
fn entries(folder: &Path, problems: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
    });
    match read {
        Ok(mut paths) => {
            paths.sort();
            paths
        }
        Err(error) => {
            problems.push(unreadable(&shown(folder), &error.to_string()));
            Vec::new()
        }
    }
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension == wanted)
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The name stands in configuration, URLs and cache keys.
pub fn bad_name(name: &str, path: &Path) -> Option<Diagnostic> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits);
    (!good).then(|| {
        Diagnostic::error(
            "connector-name",
            shown(path),
            format!("`{name}` is no name of a connector"),
        )
        .hint("rename the folder: lower-case letters, digits and `-`, a letter first")
    })
}
