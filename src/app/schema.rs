//! The SDL files of a configuration: the built-in ones and the user's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobBuilder;
use walkdir::WalkDir;

use crate::config::SchemaPath;
use crate::diagnostic::Diagnostic;
use crate::graphql;
use crate::sdl::{self, Model, SdlFile};

/// The composed schema, what is wrong with it, and which files it was made of.
#[derive(Debug)]
pub struct Loaded {
    /// `None` if any problem is an error.
    pub model: Option<Model>,
    pub problems: Vec<Diagnostic>,
    /// The user's files, for watching.
    pub files: Vec<PathBuf>,
}

/// Reads the built-in schema and `paths`; all problems in one run.
pub fn load(paths: &[SchemaPath]) -> Loaded {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        expand(path, &mut files, &mut problems);
    }
    files.sort();
    files.dedup();
    let mut sdl_files = sdl::core_files();
    for file in &files {
        let name: Arc<str> = shown(file).into();
        match std::fs::read_to_string(file) {
            Ok(text) => sdl_files.push(SdlFile {
                path: name,
                text,
                connector: None,
            }),
            Err(error) => problems.push(unreadable(&name, &error.to_string())),
        }
    }
    let (model, found) = sdl::load(&sdl_files);
    problems.extend(found);
    if let Some(model) = &model {
        problems.extend(graphql::check(model));
    }
    let usable = !problems.iter().any(Diagnostic::is_error);
    Loaded {
        model: model.filter(|_| usable),
        problems,
        files,
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
    let glob = GlobBuilder::new(&path.path.to_string_lossy())
        .literal_separator(true)
        .build();
    let matcher = match glob {
        Ok(glob) => glob.compile_matcher(),
        Err(error) => {
            problems.push(unreadable(&path.written, &error.kind().to_string()));
            return;
        }
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
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn unreadable(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error("schema-unreadable", file, format!("cannot be read: {why}"))
        .hint("`schema` takes SDL files, folders and globs, relative to the configuration file")
}
