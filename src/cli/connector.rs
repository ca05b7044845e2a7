//! `connector check`, `connector test` and `connector new`.

mod contract;
mod differ;
mod replay;
mod skeleton;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

pub(super) use replay::test;

use super::config::load_or_report;
use super::output::{Exit, count, say, write_out, write_problems};
use super::report::counted;
use crate::app;
use crate::app::folders::{ConnectorFolder, bad_name};
use crate::app::schema;
use crate::connect::example::Example;
use crate::diagnostic::Diagnostic;
use crate::graphql;
use crate::sdl::{Model, SdlFile};
use crate::simulate;

/// What the README of every connector has.
const SECTIONS: [&str; 3] = ["Setup", "Types", "Limits"];

/// Judges the folder, or else all that are configured and all that the program carries.
pub(super) fn check(folder: Option<&Path>) -> anyhow::Result<Exit> {
    let Some(found) = folders(folder)? else {
        return Ok(Exit::Errors);
    };
    let mut all = found.problems;
    for (folder, problems) in found.folders {
        let (examples, problems) = judge(&folder, problems);
        say(&format!(
            "{}: {}, {}: {}",
            folder.name,
            counted(folder.sdl.len(), "SDL file"),
            counted(examples.len(), "example"),
            count(&problems)
        ));
        all.extend(problems);
    }
    Ok(write_problems(&all)?)
}

/// Connector folders, each with what was wrong in reading it.
struct Folders {
    folders: Vec<(ConnectorFolder, Vec<Diagnostic>)>,
    /// Of none of them.
    problems: Vec<Diagnostic>,
}

/// The folder that is named, or else those of `./callboard.yaml` and the built-in ones; `None` after problems of the configuration were written.
fn folders(named: Option<&Path>) -> anyhow::Result<Option<Folders>> {
    if let Some(folder) = named {
        return Ok(Some(Folders {
            folders: vec![read(folder)?],
            problems: Vec::new(),
        }));
    }
    let Some(config) = load_or_report(None)? else {
        return Ok(None);
    };
    let found = app::folders::find(&config.connector_folders);
    let folders = found.folders.into_iter();
    Ok(Some(Folders {
        folders: folders.map(|folder| (folder, Vec::new())).collect(),
        problems: found.problems,
    }))
}

/// Writes the folder; one that is there already is left alone.
pub(super) fn new(folder: &Path) -> anyhow::Result<Exit> {
    let name = folder.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default();
    if let Some(problem) = bad_name(&name, folder) {
        write_problems(&[problem])?;
        return Ok(Exit::Usage);
    }
    if folder.exists() {
        bail!("`{}` is there already", folder.display());
    }
    for (file, text) in skeleton::files(&name) {
        let path = folder.join(&file);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
        write_out(&format!("{}\n", path.display()))?;
    }
    say(&format!(
        "next: `callboard connector check {0}`, then name `{0}` under `connectorFolders`",
        folder.display()
    ));
    Ok(Exit::Clean)
}

/// The folder, by its own name also where it is `.`.
fn read(folder: &Path) -> anyhow::Result<(ConnectorFolder, Vec<Diagnostic>)> {
    let absolute = fs::canonicalize(folder)
        .with_context(|| format!("`{}` cannot be read", folder.display()))?;
    if !absolute.is_dir() {
        bail!("`{}` is no folder", folder.display());
    }
    let (read, problems) = ConnectorFolder::read(&absolute);
    if read.sdl.is_empty() {
        bail!(
            "there is no `*.graphql` file in `{}`; `callboard connector new NAME` writes a folder to start from",
            folder.display()
        );
    }
    Ok((read, problems))
}

/// All that can be said without asking anything of an upstream.
fn judge(
    folder: &ConnectorFolder,
    mut problems: Vec<Diagnostic>,
) -> (Vec<Example>, Vec<Diagnostic>) {
    let mut examples = Vec::new();
    for file in &folder.examples {
        let (example, found) = Example::parse(&file.path, &file.text);
        problems.extend(found);
        examples.extend(example);
    }
    let (model, found) = schema::load_folder(folder);
    problems.extend(found);
    problems.extend(readme(folder));
    if let Some(model) = &model {
        for example in &examples {
            problems.extend(bad_query(model, example));
        }
        // Where an example is missing, all that it answers would be told as well.
        if examples.len() == folder.examples.len() {
            problems.extend(simulate::check(model, &folder.name, &examples));
        }
    }
    problems.sort_by(|a, b| (&a.file, a.span).cmp(&(&b.file, b.span)));
    (examples, problems)
}

fn bad_query(model: &Model, example: &Example) -> Vec<Diagnostic> {
    let document = SdlFile {
        path: Arc::clone(&example.file),
        text: example.query.to_string(),
        connector: None,
    };
    let problems = graphql::invalid_operation(model, &document).into_iter();
    problems
        // Positions within the query are none of the file.
        .map(|problem| problem.at(example.query_span))
        .collect()
}

fn readme(folder: &ConnectorFolder) -> Vec<Diagnostic> {
    let hint =
        "it says how to set the connector up, what it adds to the graph, and what it cannot do";
    let Some(readme) = &folder.readme else {
        let file = folder.sdl.first().map(|file| Arc::clone(&file.path));
        let message = "the connector has no `README.md`";
        let problem = Diagnostic::error("connector-readme", file.unwrap_or_default(), message);
        return vec![problem.hint(hint)];
    };
    let has = |section: &str| {
        let mut lines = readme.text.lines();
        lines.any(|line| line.starts_with('#') && line.trim_matches(['#', ' ']) == section)
    };
    let missing = SECTIONS.into_iter().filter(|section| !has(section));
    missing
        .map(|section| {
            let message = format!("the README has no section `{section}`");
            Diagnostic::error("connector-readme", Arc::clone(&readme.path), message).hint(hint)
        })
        .collect()
}
