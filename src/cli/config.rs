//! `config check`, `config print`, and how every command finds its configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::output::{Exit, count, say, write_out, write_problems};
use crate::app::{self, schema};
use crate::config::{Config, DEFAULTS, FILE_NAME, SourceKind, process_environment};
use crate::connect;
use crate::diagnostic::Diagnostic;
use crate::egress::{self, Egress};
use crate::sdl::Model;

/// The named file, else `./callboard.yaml` if it is there, else the defaults.
pub(super) fn load(named: Option<&Path>) -> anyhow::Result<(Option<Config>, Vec<Diagnostic>)> {
    let implied = Path::new(FILE_NAME);
    match named {
        Some(path) if !path.is_file() => {
            anyhow::bail!("there is no file `{}`", path.display())
        }
        Some(path) => {
            std::fs::File::open(path)
                .with_context(|| format!("`{}` cannot be read", path.display()))?;
            Ok(Config::load(path, &process_environment))
        }
        None if implied.exists() => Ok(Config::load(implied, &process_environment)),
        None => {
            let folder = std::env::current_dir().context("there is no current folder")?;
            Ok(Config::defaults(&folder, &process_environment))
        }
    }
}

/// The file that [`load`] reads, if it reads one.
pub(super) fn path_of(named: Option<&Path>) -> Option<PathBuf> {
    let implied = Path::new(FILE_NAME);
    named
        .map(Path::to_path_buf)
        .or_else(|| implied.exists().then(|| implied.to_path_buf()))
}

/// The configuration, or `None` after its problems were written.
pub(super) fn load_or_report(named: Option<&Path>) -> anyhow::Result<Option<Config>> {
    let (config, problems) = load(named)?;
    write_problems(&problems)?;
    if config.is_none() {
        say(&format!("the configuration has {}", count(&problems)));
    }
    Ok(config)
}

pub(super) fn check(named: Option<&Path>) -> anyhow::Result<Exit> {
    let (config, mut problems) = load(named)?;
    if let Some(config) = &config {
        let file: Arc<str> = match path_of(named) {
            Some(path) => path.display().to_string().into(),
            None => "config.default.yaml".into(),
        };
        let loaded = schema::load(config, &schema::Files::default());
        problems.extend(loaded.problems);
        if let Some(model) = &loaded.model {
            problems.extend(unasked(config, model, &file));
        }
        problems.extend(beyond_loopback(config, &file));
        problems.extend(missing_sources(config, &file));
    }
    let exit = write_problems(&problems)?;
    say(&count(&problems));
    Ok(exit)
}

pub(super) fn print(named: Option<&Path>, defaults: bool) -> anyhow::Result<Exit> {
    if defaults {
        write_out(DEFAULTS)?;
        return Ok(Exit::Clean);
    }
    match load_or_report(named)? {
        Some(config) => {
            write_out(config.print())?;
            Ok(Exit::Clean)
        }
        None => Ok(Exit::Errors),
    }
}

/// What `serve` would refuse.
fn beyond_loopback(config: &Config, file: &Arc<str>) -> Option<Diagnostic> {
    let error = app::may_listen(config.server.listen, config.server.allow_anonymous).err()?;
    let problem = Diagnostic::error("config-listen", Arc::clone(file), error.to_string());
    Some(problem.hint(error.hint()))
}

/// Upstreams that `serve` would not ask: a warning, since everything else is served.
fn unasked(config: &Config, model: &Model, file: &Arc<str>) -> Vec<Diagnostic> {
    let egress = match Egress::new(egress::Settings::of(&config.egress)) {
        Ok(egress) => egress,
        Err(error) => {
            let problem = Diagnostic::error("config-egress", Arc::clone(file), error.to_string());
            return vec![problem];
        }
    };
    let unasked = connect::unasked(model, &config.connectors, &egress).into_iter();
    let problems = unasked.map(|unasked| {
        Diagnostic::warning("config-connector", Arc::clone(file), unasked.to_string())
    });
    problems.collect()
}

/// A source that is not there yet may come: a warning.
fn missing_sources<'c>(
    config: &'c Config,
    file: &'c Arc<str>,
) -> impl Iterator<Item = Diagnostic> + 'c {
    config.sources.iter().filter_map(move |source| {
        let SourceKind::File { path, written } = &source.kind;
        let is_glob = written.contains(['*', '?', '[', '{']);
        let message = format!(
            "the source `{}` reads `{written}`, and there is no such file or folder",
            source.name
        );
        (!is_glob && !path.exists()).then(|| {
            Diagnostic::warning("config-source", Arc::clone(file), message)
                .hint("paths are relative to the folder of the configuration file")
        })
    })
}
