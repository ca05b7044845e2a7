//! `callboard check`: descriptors judged offline, by the server's own rules.
//!
//! Files are read one after the other and forgotten: only refs, and where references stand, are kept for what can be said of all files together (refs that are claimed twice, references that lead nowhere).
//! `Location` targets that are files are followed as the server would.

mod files;
mod find;
mod together;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use self::files::{File, LocalFiles};
use self::find::{Found, named};
use self::together::Together;
use super::report::{self, Format, Item, Sources, Terminal};
use crate::catalog::{self, LocationTarget, Problem, Reading};
use crate::diagnostic::Diagnostic;
use crate::sdl::Model;

/// What `check` is asked.
#[derive(Clone, Debug, Default)]
pub struct CheckArgs {
    /// Files, folders (all `catalog-info.yaml` and `.yml` below) and globs.
    pub paths: Vec<PathBuf>,
    pub format: Format,
    /// What the reader of the text form can show.
    pub terminal: Terminal,
}

/// How a check ended; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Warnings allowed.
    Clean = 0,
    Errors = 1,
    /// A path that is not there, or cannot be read.
    Unreadable = 2,
}

/// The end of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub verdict: Verdict,
    /// One line for stderr.
    pub summary: String,
}

/// The codes that `check` gives beside those of `catalog`.
pub const CODES: &[(&str, &str)] = &[
    (
        "dangling-reference",
        "a reference leads to nothing that was checked",
    ),
    ("duplicate-ref", "two documents describe the same entity"),
    (
        "location-cycle",
        "a Location leads back to a file that leads to it",
    ),
    (
        "location-target",
        "a Location's target is not there, or is not read",
    ),
    (
        "outside-root",
        "a link leads out of the folder that is checked",
    ),
    ("unreadable-file", "a file or folder cannot be read"),
];

/// Checks all that `args` names against `model`, and writes the problems to `out`.
pub fn run(args: &CheckArgs, model: &Model, out: &mut dyn io::Write) -> io::Result<Checked> {
    let mut check = Check {
        model,
        queue: VecDeque::new(),
        seen: HashSet::new(),
        together: Together::default(),
        outcome: Outcome::default(),
    };
    for path in &args.paths {
        check.enqueue(named(path));
    }
    while let Some(file) = check.queue.pop_front() {
        check.file(&file);
    }
    check.outcome.items.extend(check.together.finish());
    report::sort(&mut check.outcome.items);
    check.outcome.write(args, out)?;
    Ok(check.outcome.checked())
}

struct Check<'m> {
    model: &'m Model,
    queue: VecDeque<File>,
    /// Without symlinks, so that no file is read twice.
    seen: HashSet<PathBuf>,
    together: Together,
    outcome: Outcome,
}

impl Check<'_> {
    fn enqueue(&mut self, found: Found) {
        self.outcome.unreadable |= found.unreadable;
        self.outcome.items.extend(found.problems);
        for file in found.files {
            if self.seen.insert(file.real.clone()) {
                self.queue.push_back(file);
            }
        }
    }

    fn file(&mut self, file: &File) {
        self.outcome.n_files += 1;
        let bytes = match file.read() {
            Ok(bytes) => bytes,
            Err(item) => {
                self.outcome.unreadable |= item.diagnostic.code == "unreadable-file";
                self.outcome.items.push(*item);
                return;
            }
        };
        let mut reading = catalog::read(self.model, &bytes, &LocalFiles(file));
        self.outcome.n_documents += reading.documents;
        self.outcome.n_entities += reading.entities.len();
        self.follow(file, &reading);
        self.together.add(&file.shown, &mut reading);
        let items = reading.problems.into_iter();
        self.outcome
            .items
            .extend(items.map(|problem| item(&file.shown, problem)));
    }

    /// Reads the files that Locations name, too.
    fn follow(&mut self, file: &File, reading: &Reading) {
        for target in &reading.targets {
            // an absolute URL is for the server to fetch; a relative one is beside the file in a checkout as well
            if target.target.contains("://") {
                continue;
            }
            match file.target(&target.target) {
                Ok(found) => {
                    for back in found.files.iter().filter(|found| file.is_below(found)) {
                        self.outcome.items.push(cycle(file, target, back));
                    }
                    self.enqueue(found);
                }
                Err(_) if target.optional => {}
                Err(why) => self.outcome.items.push(unmet(file, target, &why)),
            }
        }
    }
}

/// What was read, and what is wrong with it.
#[derive(Default)]
struct Outcome {
    n_files: usize,
    n_documents: u32,
    n_entities: usize,
    items: Vec<Item>,
    unreadable: bool,
}

impl Outcome {
    fn write(&self, args: &CheckArgs, out: &mut dyn io::Write) -> io::Result<()> {
        match args.format {
            Format::Text => report::text(out, &self.items, &mut Sources::new(), args.terminal),
            Format::Github => report::github(out, &self.items),
            Format::Sarif => report::sarif(out, &self.items),
            Format::Json => {
                let value = json!({
                    "files": self.n_files,
                    "documents": self.n_documents,
                    "entities": self.n_entities,
                    "problems": report::problems_json(&self.items),
                });
                report::json_line(out, &value)
            }
        }
    }

    fn checked(&self) -> Checked {
        let errors = self.items.iter().any(|item| item.diagnostic.is_error());
        let verdict = match (self.unreadable, errors) {
            (true, _) => Verdict::Unreadable,
            (false, true) => Verdict::Errors,
            (false, false) => Verdict::Clean,
        };
        let documents = usize::try_from(self.n_documents).unwrap_or(usize::MAX);
        let summary = format!(
            "{}, {}, {}: {}",
            report::counted(self.n_files, "file"),
            report::counted(documents, "document"),
            report::counted(self.n_entities, "entity"),
            report::counts(&self.items)
        );
        Checked { verdict, summary }
    }
}

/// A problem of `catalog` in the file that it was found in.
fn item(file: &Arc<str>, problem: Problem) -> Item {
    Item {
        diagnostic: Diagnostic {
            code: problem.code,
            severity: problem.severity,
            message: problem.message,
            file: Arc::clone(file),
            span: problem.span,
            hint: problem.hint,
        },
        document: problem.document,
        field: problem.field,
        entity_ref: problem.entity_ref.map(|entity_ref| entity_ref.to_string()),
    }
}

/// A target that is not read: a warning, because the Location itself is good, and its targets may be elsewhere when one repository is checked.
fn unmet(file: &File, target: &LocationTarget, why: &str) -> Item {
    let message = format!("the target `{}` is not read: {why}", target.target);
    let problem = Diagnostic::warning("location-target", Arc::clone(&file.shown), message)
        .hint("name a file relative to this one: `./services/catalog-info.yaml`; `presence: optional` says that it may be missing");
    at_target(problem, target)
}

fn cycle(file: &File, target: &LocationTarget, back: &File) -> Item {
    let message = format!(
        "the target `{}` leads back to `{}`, through which this file is read",
        target.target, back.shown
    );
    let problem = Diagnostic::warning("location-cycle", Arc::clone(&file.shown), message)
        .hint("remove one of the two targets; each file is read once");
    at_target(problem, target)
}

fn at_target(diagnostic: Diagnostic, target: &LocationTarget) -> Item {
    Item {
        diagnostic: diagnostic.at(target.span),
        document: Some(target.document),
        field: Some(target.field.to_string()),
        entity_ref: Some(target.location.to_string()),
    }
}
