//! `callboard check`: descriptors judged offline, by the server's own rules.
//!
//! Files are read one after the other and forgotten: only refs, and where references stand, are kept for what can be said of all files together (refs that are claimed twice, references that lead nowhere).
//! `Location` targets that are files are followed as the server would.

mod docs;
mod find;
mod together;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use self::find::{File, Found, Start, named, refused};
use self::together::Together;
use super::output;
use super::report::{self, Format, Item, Sources, Terminal};
use crate::apis::{self, PlacedText, place};
use crate::catalog::{self, FileText, LocationTarget, Problem, Reading};
use crate::diagnostic::{Diagnostic, Position, Severity, Span};
use crate::ingest::{Groups, Includes, Refusal, closing, unread_type};
use crate::sdl::Model;

/// What `check` is asked.
#[derive(Clone, Debug, Default)]
pub struct CheckArgs {
    /// Files, folders (their `catalog-info.yaml`, and other YAML files that look like descriptors) and globs.
    pub paths: Vec<PathBuf>,
    pub format: Format,
    /// What the reader of the text form can show.
    pub terminal: Terminal,
    /// What is wrong with the configuration and the schema that descriptors are judged by; written with what is wrong with them.
    pub before: Vec<Diagnostic>,
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
    ("location-type", "targets of this type are not read"),
    (
        "location-target",
        "a Location's target is not there, or is not read",
    ),
    (
        "no-file",
        "what should be a file is a folder, a pipe or a device",
    ),
    (
        "outside-root",
        "a target or a link leads out of the folder that is read",
    ),
    ("unreadable-file", "a file or folder cannot be read"),
];

/// Checks all that `args` names against `model`, and writes the problems to `out`.
pub fn run(args: &CheckArgs, model: &Model, out: &mut dyn io::Write) -> io::Result<Checked> {
    let mut check = Check {
        model,
        groups: Groups::of(model),
        queue: VecDeque::new(),
        seen: HashSet::new(),
        named: HashSet::new(),
        passed: HashSet::new(),
        told: HashSet::new(),
        edges: Vec::new(),
        together: Together::default(),
        outcome: Outcome::before(args),
    };
    let mut starts = Vec::new();
    for path in &args.paths {
        let (start, found) = named(path);
        let files: Vec<_> = found.files.iter().map(|file| file.real.clone()).collect();
        if let Some(start) = start
            && found.problems.is_empty()
        {
            starts.push((start, files));
        }
        check.enqueue(found);
    }
    while let Some(file) = check.queue.pop_front() {
        check.file(&file);
    }
    check.find_empty(&starts);
    let edges = std::mem::take(&mut check.edges);
    for (_, (file, target)) in closing(starts.into_iter().flat_map(|(_, files)| files), edges) {
        check.outcome.items.push(cycle(&file, &target));
    }
    check.outcome.items.extend(check.together.finish());
    report::sort(&mut check.outcome.items);
    check.outcome.write(args, out)?;
    Ok(check.outcome.checked())
}

/// Writes what stood in the way of a check, in the form that was asked for: nothing was read, and the reader of JSON still gets its one object.
pub fn refuse(args: &CheckArgs, out: &mut dyn io::Write) -> io::Result<Checked> {
    let mut outcome = Outcome::before(args);
    report::sort(&mut outcome.items);
    outcome.write(args, out)?;
    let checked = outcome.checked();
    Ok(Checked {
        summary: format!("nothing was checked: {}", report::counts(&outcome.items)),
        ..checked
    })
}

struct Check<'m> {
    model: &'m Model,
    groups: Groups,
    queue: VecDeque<File>,
    /// Without symlinks, so that no file is read twice.
    seen: HashSet<PathBuf>,
    /// Those of them that something names, so that they are read whatever they look like.
    named: HashSet<PathBuf>,
    /// Files that look like no descriptors.
    passed: HashSet<PathBuf>,
    /// What was told of definitions: file, place and message.
    told: HashSet<(String, Position, String)>,
    /// Which file names which, by targets that are no globs.
    edges: Vec<(PathBuf, (Arc<str>, LocationTarget), PathBuf)>,
    together: Together,
    outcome: Outcome,
}

impl Check<'_> {
    fn enqueue(&mut self, found: Found) {
        self.outcome.unreadable |= found.unreadable;
        self.outcome.items.extend(found.problems);
        for file in found.files {
            if !file.guess {
                self.named.insert(file.real.clone());
            }
            if self.seen.insert(file.real.clone()) {
                self.queue.push_back(file);
            }
        }
    }

    fn file(&mut self, file: &File) {
        let guess = file.guess && !self.named.contains(&file.real);
        let bytes = match file.read() {
            Ok(bytes) if guess && !self.groups.are_in(&bytes) => return self.pass_over(file),
            Err(Refusal::TooLarge(_)) if guess && !self.groups.begin(&file.real) => {
                return self.pass_over(file);
            }
            Ok(bytes) => bytes,
            Err(refusal) => {
                self.outcome.n_files += 1;
                self.outcome.unreadable |= refusal.code() == "unreadable-file";
                let problem = refused(Arc::clone(&file.shown), &refusal, Severity::Error);
                self.outcome.items.push(problem.into());
                return;
            }
        };
        self.outcome.n_files += 1;
        let includes = Includes::new(&file.start.place, file.folder());
        let mut reading = catalog::read(self.model, &bytes, &includes);
        self.outcome.n_documents += reading.documents;
        self.outcome.n_entities += reading.entities.len();
        self.follow(file, &reading);
        self.definitions(file, &bytes, &reading);
        let of_docs = docs::check(self.model, file, &reading.entities);
        self.outcome.items.extend(of_docs);
        self.together.add(&file.shown, &mut reading);
        let items = reading.problems.into_iter();
        self.outcome
            .items
            .extend(items.map(|problem| item(&file.shown, problem)));
    }

    /// What is wrong in the API definitions of a file, at the files that they are in.
    fn definitions(&mut self, file: &File, bytes: &[u8], reading: &Reading) {
        let mut text_of_file = None;
        for entity in &reading.entities {
            let Some(kind) = entity.kind else { continue };
            let fields = place::fields(self.model, kind);
            for own in place::of_descriptor(self.model, kind, &fields, &entity.descriptor) {
                let PlacedText::Here(text) = &own.text else {
                    continue;
                };
                let definition = apis::read(text, own.hint.as_deref());
                let mut found = apis::told(&definition)
                    .filter(|problem| problem.severity != Severity::Info)
                    .peekable();
                let stands = found.peek().and_then(|_| {
                    let text = text_of_file.get_or_insert_with(|| {
                        FileText::new(String::from_utf8_lossy(bytes).into_owned())
                    });
                    text.place(entity.line, own.path.as_deref()?)
                });
                for problem in found {
                    let (shown, at) =
                        apis::placed(&problem, &file.shown, entity.line, stands.as_ref());
                    // A file that several entities include has its mistakes once.
                    let once = (shown.clone(), at, problem.message.clone());
                    if !self.told.insert(once) {
                        continue;
                    }
                    self.outcome.items.push(Item {
                        diagnostic: Diagnostic {
                            code: problem.code,
                            severity: problem.severity,
                            message: problem.message.clone(),
                            file: shown.into(),
                            span: Some(Span { start: at, end: at }),
                            hint: problem.hint.clone(),
                        },
                        document: Some(entity.document),
                        field: own.path.as_deref().map(str::to_owned),
                        entity_ref: Some(entity.entity_ref.to_string()),
                    });
                }
            }
        }
    }

    fn pass_over(&mut self, file: &File) {
        // A Location may still name it.
        self.seen.remove(&file.real);
        self.passed.insert(file.real.clone());
    }

    /// Paths that stand for nothing that was read.
    fn find_empty(&mut self, starts: &[(Arc<Start>, Vec<PathBuf>)]) {
        self.outcome.n_passed = self.passed.difference(&self.seen).count();
        for (start, files) in starts {
            if !files.iter().any(|file| self.seen.contains(file)) {
                self.outcome.unreadable = true;
                self.outcome.items.push(start.nothing());
            }
        }
    }

    /// Reads the files that Locations name, too.
    fn follow(&mut self, file: &File, reading: &Reading) {
        for target in &reading.targets {
            let kind = target.kind.as_deref().unwrap_or("file");
            if !matches!(kind, "file" | "url") {
                self.outcome.items.push(unread(file, target, kind));
                continue;
            }
            // an absolute URL is for the server to fetch; a relative one is beside the file in a checkout as well
            if target.target.contains("://") {
                continue;
            }
            match file.target(&target.target) {
                Ok(found) => {
                    for to in found.files.iter().filter(|_| found.direct) {
                        let leading = (Arc::clone(&file.shown), target.clone());
                        self.edges
                            .push((file.real.clone(), leading, to.real.clone()));
                    }
                    self.enqueue(found);
                }
                Err(Refusal::Missing(_) | Refusal::NoMatch(_)) if target.optional => {}
                Err(why) => self.outcome.items.push(unmet(file, target, &why)),
            }
        }
    }
}

/// What was read, and what is wrong with it.
#[derive(Default)]
struct Outcome {
    n_files: usize,
    /// YAML files in folders that look like no descriptors.
    n_passed: usize,
    n_documents: u32,
    n_entities: usize,
    items: Vec<Item>,
    unreadable: bool,
}

impl Outcome {
    fn before(args: &CheckArgs) -> Self {
        Self {
            unreadable: args.before.iter().any(output::is_unreadable),
            items: args.before.iter().cloned().map(Item::from).collect(),
            ..Self::default()
        }
    }

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
        let mut summary = format!(
            "{}, {}, {}: {}",
            report::counted(self.n_files, "file"),
            report::counted(documents, "document"),
            report::counted(self.n_entities, "entity"),
            report::counts(&self.items)
        );
        match self.n_passed {
            0 => {}
            1 => summary.push_str("; 1 other YAML file is no descriptor"),
            n => summary.push_str(&format!("; {n} other YAML files are no descriptors")),
        }
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

/// A target that is not read: a warning where the server has an error, because the Location itself is good, and its targets may be elsewhere when one repository is checked.
fn unmet(file: &File, target: &LocationTarget, refusal: &Refusal) -> Item {
    let code = match refusal {
        Refusal::Outside(_) => refusal.code(),
        _ => "location-target",
    };
    let message = refusal.to_string();
    let problem = Diagnostic::warning(code, Arc::clone(&file.shown), message).hint(refusal.hint());
    at_target(problem, target)
}

fn unread(file: &File, target: &LocationTarget, kind: &str) -> Item {
    let (code, message, hint) = unread_type(kind);
    let problem = Diagnostic {
        severity: Severity::Info,
        ..Diagnostic::warning(code, Arc::clone(&file.shown), message).hint(hint)
    };
    at_target(problem, target)
}

fn cycle(file: &Arc<str>, target: &LocationTarget) -> Item {
    let message = format!(
        "`{}` leads back to this file: a cycle of locations",
        target.target
    );
    let problem = Diagnostic::warning("location-cycle", Arc::clone(file), message)
        .hint("remove this target; every file of the cycle is read once");
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
