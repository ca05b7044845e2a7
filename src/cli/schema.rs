//! `schema print`, `schema check`, `schema diff`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use walkdir::WalkDir;

use super::config::load_or_report;
use super::output::{Exit, count, say, write_out, write_problems};
use super::report::counted;
use crate::app::schema::{self, Files, Loaded};
use crate::config::SchemaPath;
use crate::diagnostic::Diagnostic;
use crate::graphql;
use crate::sdl::{self, SdlFile};

pub(super) fn print(directives: bool, config: Option<&Path>) -> anyhow::Result<Exit> {
    let Some(loaded) = load(config, &[])? else {
        return Ok(Exit::Errors);
    };
    if loaded.problems.iter().any(Diagnostic::is_error) {
        return report(&loaded);
    }
    match &loaded.model {
        Some(model) if directives => write_out(&model.sdl_with_directives)?,
        Some(model) => write_out(&model.sdl)?,
        None => return report(&loaded),
    }
    Ok(Exit::Clean)
}

pub(super) fn check(files: &[PathBuf], config: Option<&Path>) -> anyhow::Result<Exit> {
    match load(config, files)? {
        Some(loaded) => report(&loaded),
        None => Ok(Exit::Errors),
    }
}

pub(super) fn diff(
    old: &Path,
    new: Option<&Path>,
    config: Option<&Path>,
    operations: Option<&Path>,
) -> anyhow::Result<Exit> {
    let documents = operations.map(read_folder).transpose()?;
    let before = read(old)?;
    let after = match new {
        Some(new) => read(new)?,
        None => {
            let Some(loaded) = load(config, &[])? else {
                return Ok(Exit::Errors);
            };
            let Some(model) = &loaded.model else {
                return report(&loaded);
            };
            SdlFile {
                path: "the schema as it is now".into(),
                text: model.sdl.to_string(),
                connector: None,
            }
        }
    };
    let changes = match sdl::diff(&before, &after) {
        Ok(changes) => changes,
        Err(problems) => {
            write_problems(&problems)?;
            say(&count(&problems));
            return Ok(Exit::Usage);
        }
    };
    let text: String = changes.iter().map(|change| format!("{change}\n")).collect();
    write_out(&text)?;
    let breaking = changes.iter().filter(|change| change.breaking).count();
    let all = counted(changes.len(), "change");
    let mut summary = format!("{all}, {breaking} of them breaking");
    let mut broken = Exit::Clean;
    if let Some(documents) = &documents {
        let problems = graphql::broken_operations(&before, &after, documents)
            .context("one of the two is no whole schema, so no operation can be judged by it")?;
        broken = write_problems(&problems)?;
        let files: BTreeSet<_> = problems
            .iter()
            .filter(|problem| problem.is_error())
            .map(|problem| &problem.file)
            .collect();
        summary.push_str(&format!(
            "; {} of {} with operations broken",
            files.len(),
            counted(documents.len(), "file")
        ));
    }
    say(&summary);
    Ok(if breaking > 0 || broken != Exit::Clean {
        Exit::Errors
    } else {
        Exit::Clean
    })
}

fn read(path: &Path) -> anyhow::Result<SdlFile> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("`{}` cannot be read", path.display()))?;
    Ok(SdlFile {
        path: path.display().to_string().into(),
        text,
        connector: None,
    })
}

/// The `*.graphql` and `*.gql` files below a folder.
fn read_folder(folder: &Path) -> anyhow::Result<Vec<SdlFile>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.with_context(|| format!("`{}` cannot be read", folder.display()))?;
        let extension = entry.path().extension().and_then(OsStr::to_str);
        if entry.file_type().is_file() && matches!(extension, Some("graphql" | "gql")) {
            files.push(read(entry.path())?);
        }
    }
    anyhow::ensure!(
        !files.is_empty(),
        "`{}` holds no `*.graphql` file",
        folder.display()
    );
    Ok(files)
}

/// `None` after the problems of the configuration were written.
fn load(config: Option<&Path>, more: &[PathBuf]) -> anyhow::Result<Option<Loaded>> {
    let Some(mut config) = load_or_report(config)? else {
        return Ok(None);
    };
    config.schema.extend(paths(more)?);
    Ok(Some(schema::load(&config, &Files::default())))
}

/// Paths of the command line, as a configuration would have them.
pub(super) fn paths(written: &[PathBuf]) -> anyhow::Result<Vec<SchemaPath>> {
    let path = |path: &PathBuf| {
        Ok(SchemaPath {
            path: std::path::absolute(path)
                .with_context(|| format!("`{}` is no path", path.display()))?,
            written: path.display().to_string(),
        })
    };
    written.iter().map(path).collect()
}

fn report(loaded: &Loaded) -> anyhow::Result<Exit> {
    let exit = write_problems(&loaded.problems)?;
    say(&count(&loaded.problems));
    Ok(exit)
}
