//! The SDL files of a configuration: the built-in ones, the connectors, and the user's own.
//!
//! A connector folder that is broken costs only itself: the rest is composed without it, or with what it was before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use super::folders::{self, ConnectorFolder};
use crate::config::{Config, SchemaPath, SettingNames};
use crate::connect::BrokenFolder;
use crate::diagnostic::Diagnostic;
use crate::graphql;
use crate::sdl::{self, Model, SdlFile};

/// The codes that finding SDL files adds to those of `sdl`.
pub const CODES: &[(&str, &str)] = &[
    (
        "connector-empty",
        "an entry of `connectorFolders` leads to no connector folder",
    ),
    (
        "connector-name",
        "the name of a connector folder is taken, or cannot be that of a connector",
    ),
    (
        "schema-empty",
        "a folder or glob of `schema` without SDL files",
    ),
    (
        "schema-unreadable",
        "a file of `schema` or of a connector folder cannot be read",
    ),
];

/// The composed schema, what is wrong with it, and which files it was made of.
#[derive(Debug)]
pub struct Loaded {
    /// `None` if any problem is an error that is not a connector folder's own.
    pub model: Option<Model>,
    pub problems: Vec<Diagnostic>,
    pub files: Files,
}

/// What a graph was made of.
#[derive(Debug, Default)]
pub struct Files {
    /// The user's files and folders, for watching.
    pub watched: Vec<PathBuf>,
    /// The connectors in the graph, in the order of their names.
    pub folders: Vec<ConnectorFolder>,
    /// Connectors whose folder is broken: not in the graph, or as they were before.
    pub broken: Vec<BrokenFolder>,
}

/// Reads the built-in schema and what `config` adds; all problems in one run.
///
/// `before` is what is in force: a connector folder that is broken now goes on as it was.
pub fn load(config: &Config, before: &Files) -> Loaded {
    let mut problems = Vec::new();
    let mut watched = Vec::new();
    for path in &config.schema {
        expand(path, &mut watched, &mut problems);
    }
    watched.sort();
    watched.dedup();
    let mut base = sdl::core_files();
    for file in &watched {
        let name: Arc<str> = shown(file).into();
        match std::fs::read_to_string(file) {
            Ok(text) => base.push(SdlFile {
                path: name,
                text,
                connector: None,
            }),
            Err(error) => problems.push(unreadable(&name, &error.to_string())),
        }
    }
    let unusable = problems.iter().any(Diagnostic::is_error);
    let found = folders::find(&config.connector_folders);
    watched.extend(found.watched);
    problems.extend(found.problems);
    let mut composition = Composition {
        base,
        folders: found.folders,
        before,
        broken: Vec::new(),
        problems,
    };
    let mut known: Vec<_> = composition.folders.iter().map(|f| f.name.clone()).collect();
    known.extend(found.broken.iter().cloned());
    composition.folders.retain(|folder| {
        config
            .connector(&folder.name)
            .is_none_or(|connector| connector.enabled)
    });
    for name in &found.broken {
        let within =
            |problem: &&Diagnostic| Path::new(&*problem.file).iter().any(|part| part == &**name);
        let why = composition.problems.iter().filter(within);
        let why = why.cloned().collect();
        composition.fall_back(name, why);
    }
    let model = composition.compose();
    let settings = model
        .as_ref()
        .map(|model| composition.settings(model, &known));
    let misnamed = settings.map(|settings| config.check_connectors(&settings));
    let misnamed = misnamed.unwrap_or_default();
    let usable = !unusable && misnamed.is_empty();
    composition.problems.extend(misnamed);
    Loaded {
        model: model.filter(|_| usable),
        problems: composition.problems,
        files: Files {
            watched,
            folders: composition.folders,
            broken: composition.broken,
        },
    }
}

/// The built-in schema with one connector folder beside it, for judging the folder alone.
pub fn load_folder(folder: &ConnectorFolder) -> (Option<Model>, Vec<Diagnostic>) {
    let composition = Composition {
        base: sdl::core_files(),
        folders: vec![folder.clone()],
        before: &Files::default(),
        broken: Vec::new(),
        problems: Vec::new(),
    };
    composition.attempt(1)
}

/// One load on its way.
struct Composition<'a> {
    /// Of no connector.
    base: Vec<SdlFile>,
    folders: Vec<ConnectorFolder>,
    before: &'a Files,
    broken: Vec<BrokenFolder>,
    problems: Vec<Diagnostic>,
}

impl Composition<'_> {
    /// Takes broken folders away until the rest is whole; `None` if that is not their fault.
    fn compose(&mut self) -> Option<Model> {
        loop {
            let (model, found) = self.attempt(self.folders.len());
            if model.is_some() {
                self.problems.extend(found);
                return model;
            }
            let mut blamed = self.blamed(&found);
            let mut reasons = found;
            if blamed.is_empty() {
                match self.first_that_breaks() {
                    Some((name, why)) => {
                        reasons = why;
                        blamed.push(name);
                    }
                    None => {
                        self.problems.extend(reasons);
                        return None;
                    }
                }
            } else {
                let files = self.files_of(&blamed);
                reasons.retain(|problem| files.contains(&problem.file));
            }
            for name in &blamed {
                let own = match &blamed[..] {
                    // Its errors may show elsewhere.
                    [_] => reasons.clone(),
                    _ => {
                        let files = self.files_of(std::slice::from_ref(name));
                        let own = reasons.iter().filter(|why| files.contains(&why.file));
                        own.cloned().collect()
                    }
                };
                self.fall_back(name, own);
            }
            self.problems.extend(reasons);
        }
    }

    /// Composes the base with the first `n_folders` folders.
    fn attempt(&self, n_folders: usize) -> (Option<Model>, Vec<Diagnostic>) {
        let folders = self.folders.iter().take(n_folders);
        let files: Vec<SdlFile> = self
            .base
            .iter()
            .chain(folders.flat_map(|folder| &folder.sdl))
            .cloned()
            .collect();
        let (model, problems) = sdl::load_for(&files, &graphql::resolvers());
        let usable = !problems.iter().any(Diagnostic::is_error);
        (model.filter(|_| usable), problems)
    }

    /// The folders in whose files there are errors.
    fn blamed(&self, problems: &[Diagnostic]) -> Vec<Arc<str>> {
        let is_at_fault = |folder: &&ConnectorFolder| {
            let mut errors = problems.iter().filter(|problem| problem.is_error());
            errors.any(|error| folder.sdl.iter().any(|file| file.path == error.file))
        };
        let folders = self.folders.iter().filter(is_at_fault);
        folders.map(|folder| Arc::clone(&folder.name)).collect()
    }

    /// For errors that show elsewhere than in the folder that brings them about.
    fn first_that_breaks(&self) -> Option<(Arc<str>, Vec<Diagnostic>)> {
        self.attempt(0).0?;
        let broken = (1..=self.folders.len()).find_map(|n_folders| {
            let (model, why) = self.attempt(n_folders);
            model.is_none().then_some((n_folders, why))
        });
        let (n_folders, why) = broken?;
        let folder = self.folders.get(n_folders - 1)?;
        Some((Arc::clone(&folder.name), why))
    }

    fn files_of(&self, names: &[Arc<str>]) -> Vec<Arc<str>> {
        let folders = self.folders.iter().filter(|f| names.contains(&f.name));
        folders
            .flat_map(|folder| &folder.sdl)
            .map(|file| Arc::clone(&file.path))
            .collect()
    }

    /// What was in force goes on; if that is what is broken, the connector goes.
    fn fall_back(&mut self, name: &Arc<str>, why: Vec<Diagnostic>) {
        let now = self.folders.iter().position(|folder| folder.name == *name);
        let now = now.map(|position| self.folders.remove(position));
        let before = self.before.folders.iter().find(|f| f.name == *name);
        if let Some(before) = before
            && !self.is_broken(name)
            && now.as_ref().is_none_or(|now| now.sdl != before.sdl)
        {
            self.folders.push(before.clone());
            self.folders.sort_by(|a, b| a.name.cmp(&b.name));
        }
        match self.broken.iter_mut().find(|f| f.connector == *name) {
            Some(known) => known.problems.extend(why),
            None => self.broken.push(BrokenFolder {
                connector: Arc::clone(name),
                problems: why,
            }),
        }
    }

    fn is_broken(&self, name: &Arc<str>) -> bool {
        self.broken.iter().any(|folder| folder.connector == *name)
    }

    /// The settings that connectors read; those of connectors that are not in the graph are not known.
    fn settings(
        &self,
        model: &Model,
        known: &[Arc<str>],
    ) -> BTreeMap<Arc<str>, Option<SettingNames>> {
        let mut settings = sdl::settings(model);
        let in_graph =
            |name: &Arc<str>| !self.is_broken(name) && self.folders.iter().any(|f| f.name == *name);
        known
            .iter()
            .map(|name| {
                let names = settings.remove(name).unwrap_or_default();
                (Arc::clone(name), in_graph(name).then_some(names))
            })
            .collect()
    }
}

/// A file, the `*.graphql` files of a folder, or those that a glob matches.
fn expand(path: &SchemaPath, files: &mut Vec<PathBuf>, problems: &mut Vec<Diagnostic>) {
    if path.path.is_file() {
        files.push(path.path.clone());
        return;
    }
    if path.path.is_dir() {
        let before = files.len();
        walk(&path.path, problems, |file| {
            if file
                .extension()
                .is_some_and(|extension| extension == "graphql")
            {
                files.push(file);
            }
        });
        if files.len() == before {
            problems.push(
                Diagnostic::warning(
                    "schema-empty",
                    path.written.as_str(),
                    "there is no `*.graphql` file in this folder",
                )
                .hint("remove it from `schema`, or put a file there"),
            );
        }
        return;
    }
    match base_of_glob(&path.path) {
        Some(base) => expand_glob(path, &base, files, problems),
        None => problems.push(unreadable(&path.written, "there is no such file or folder")),
    }
}

fn expand_glob(
    path: &SchemaPath,
    base: &Path,
    files: &mut Vec<PathBuf>,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(matcher) = glob(path, problems) else {
        return;
    };
    let before = files.len();
    walk(base, problems, |file| {
        if matcher.is_match(&file) {
            files.push(file);
        }
    });
    if files.len() == before {
        problems.push(
            Diagnostic::warning(
                "schema-empty",
                path.written.as_str(),
                "no file matches this glob",
            )
            .hint("check it under `schema`; `*` does not cross folders, `**` does"),
        );
    }
}

fn glob(path: &SchemaPath, problems: &mut Vec<Diagnostic>) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(&path.path.to_string_lossy())
        .literal_separator(true)
        .build();
    match glob {
        Ok(glob) => Some(glob.compile_matcher()),
        Err(error) => {
            problems.push(unreadable(&path.written, &error.kind().to_string()));
            None
        }
    }
}

/// The folders that `path` names or, as a glob, matches.
pub(super) fn matching(path: &SchemaPath, problems: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    if path.path.is_dir() {
        return vec![path.path.clone()];
    }
    let Some(base) = base_of_glob(&path.path) else {
        problems.push(unreadable(&path.written, "there is no such folder"));
        return Vec::new();
    };
    let Some(matcher) = glob(path, problems) else {
        return Vec::new();
    };
    let folders = WalkDir::new(base).sort_by_file_name().into_iter();
    folders
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_dir() && matcher.is_match(entry.path()))
        .map(walkdir::DirEntry::into_path)
        .collect()
}

/// A folder that is not there holds no files.
fn walk(folder: &Path, problems: &mut Vec<Diagnostic>, mut file: impl FnMut(PathBuf)) {
    if !folder.exists() {
        return;
    }
    for entry in WalkDir::new(folder).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() => file(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                let place = error.path().unwrap_or(folder);
                let why = match error.io_error() {
                    Some(error) => error.to_string(),
                    None => "a symlink leads back to its own folder".to_owned(),
                };
                problems.push(unreadable(&shown(place), &why));
            }
        }
    }
}

/// The folders before the first part with a wildcard; `None` if there is no wildcard.
fn base_of_glob(path: &Path) -> Option<PathBuf> {
    let is_wild = |part: &std::ffi::OsStr| part.to_string_lossy().contains(['*', '?', '[', '{']);
    path.iter()
        .any(is_wild)
        .then(|| path.iter().take_while(|part| !is_wild(part)).collect())
}

/// As short as it can be for somebody who stands in the current folder.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}

pub(super) fn unreadable(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error("schema-unreadable", file, format!("cannot be read: {why}"))
        .hint("paths are relative to the configuration file")
}
