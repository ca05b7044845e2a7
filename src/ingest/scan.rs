//! One reading of a file source: blocking work on a thread of its own, handing over what changed part by part.

mod file;
mod locations;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Progress;
use super::guess::Groups;
use super::known::{Known, KnownFiles, Passed};
use super::links::Target;
use super::place::{EMPTY_HINT, Place, PlaceError, Refusal};
use super::walk::{Walk, shown};
use crate::diagnostic::Severity;
use crate::graph::ProblemRecord;
use crate::sdl::Model;
use crate::store::FileChange;

/// A part is handed over when its descriptors have this size.
const PART_BYTES: usize = 16 * 1024 * 1024;

/// Which files are looked at.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// Everything that the source selects.
    All,
    /// These alone, all of them known before; their contents are compared whatever their time says.
    Files(Vec<PathBuf>),
}

/// What one reading needs to know.
pub(super) struct Scan {
    pub source: Arc<str>,
    pub path: PathBuf,
    /// The path as configured.
    pub written: Arc<str>,
    pub model: Arc<Model>,
    /// Of the rules that descriptors are judged by.
    pub fingerprint: Arc<str>,
    pub known: Arc<KnownFiles>,
    /// Judged by the same model.
    pub passed: Arc<Passed>,
    /// Files that the last full reading found problems around.
    pub reported: HashSet<Arc<str>>,
    /// Paths that a watcher has named: read even if their time looks unchanged.
    pub touched: HashSet<PathBuf>,
    pub scope: Scope,
    /// Whether what vanishes stays.
    pub keep_orphans: bool,
    pub now: Timestamp,
    pub progress: watch::Sender<Progress>,
    pub cancel: CancellationToken,
}

/// Part of what a reading found.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub files: Vec<FileChange>,
    pub links: Vec<(Arc<str>, Vec<ProblemRecord>)>,
    pub last: bool,
}

/// What a reading learned.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What to know from now on; `None`: the file is gone.
    pub learned: Vec<(Arc<str>, Option<Known>)>,
    /// The reading failed as a whole.
    pub error: Option<String>,
    /// It was cut short, and must be done again in full.
    pub incomplete: bool,
    /// Files whose contents were read, and those that were parsed as well.
    pub files_read: u64,
    pub files_parsed: u64,
    /// Files that look like no descriptors.
    pub passed: Passed,
    /// Where the source reads, if that could be told.
    pub place: Option<Place>,
    /// Targets and selected files that are not there; they matter when they come.
    pub missing: Vec<PathBuf>,
}

/// A file to look at.
struct Job {
    path: PathBuf,
    real: PathBuf,
    depth: u32,
    /// Whether it is read only if it looks like descriptors.
    guess: bool,
}

struct Run<'a> {
    scan: &'a Scan,
    place: &'a Place,
    out: &'a Sender<Part>,
    part: Part,
    part_bytes: usize,
    outcome: Outcome,
    queue: VecDeque<Job>,
    /// Real paths of files that are in the queue, or were.
    queued: HashSet<PathBuf>,
    /// Those of them that something names, so that they are read whatever they look like.
    named: HashSet<PathBuf>,
    groups: Groups,
    /// Names of the files that are there, or may be.
    present: HashSet<Arc<str>>,
    /// Problems of what files lead to, by file.
    links: HashMap<Arc<str>, Vec<ProblemRecord>>,
    /// The names of the files that the source itself selects.
    own: Vec<Arc<str>>,
    /// Which file names which, by targets that are no globs.
    edges: Vec<(Arc<str>, Target, Arc<str>)>,
}

impl Scan {
    /// Runs the reading; parts go to `out`, the last one with `last` set unless the reading is cut short.
    pub(super) fn run(self, out: &Sender<Part>) -> Outcome {
        let place = match Place::look(&self.path, &self.written, None) {
            Ok(place) => place,
            Err(error) => return self.fail(out, &error),
        };
        let mut run = Run {
            scan: &self,
            place: &place,
            out,
            part: Part::default(),
            part_bytes: 0,
            outcome: Outcome::default(),
            queue: VecDeque::new(),
            queued: HashSet::new(),
            named: HashSet::new(),
            groups: Groups::of(&self.model),
            present: HashSet::new(),
            links: HashMap::new(),
            own: Vec::new(),
            edges: Vec::new(),
        };
        let complete = match &self.scope {
            Scope::All => run.all(),
            Scope::Files(files) => run.some(files),
        };
        let mut outcome = run.outcome;
        outcome.incomplete = !complete;
        outcome.place = Some(place);
        outcome
    }

    /// Nothing can be read: all that was good stays.
    fn fail(&self, out: &Sender<Part>, error: &PlaceError) -> Outcome {
        let hint = match error {
            PlaceError::Missing { .. } => {
                "create it, or correct `path` in the configuration; what was read before is still served"
            }
            PlaceError::Unreadable { .. } => {
                "give the server's user the right to read it; what was read before is still served"
            }
            PlaceError::Glob { .. } => "look at the brackets and braces of the pattern",
        };
        let problem = self.problem(
            &self.written,
            Severity::Error,
            "source-path",
            error.to_string(),
            hint,
        );
        let part = Part {
            // What was found around other files before still stands.
            links: vec![(Arc::clone(&self.written), vec![problem])],
            last: true,
            ..Part::default()
        };
        // Nobody listens when the server goes down; the next start reads again.
        let sent = out.blocking_send(part);
        Outcome {
            error: Some(error.to_string()),
            incomplete: sent.is_err(),
            ..Outcome::default()
        }
    }

    fn problem(
        &self,
        file: &Arc<str>,
        severity: Severity,
        code: &str,
        message: String,
        hint: &str,
    ) -> ProblemRecord {
        ProblemRecord {
            severity,
            code: code.into(),
            message: message.into(),
            hint: Some(hint.into()),
            field: None,
            source: Arc::clone(&self.source),
            file: Arc::clone(file),
            line: None,
            column: None,
            entity_ref: None,
            seen_at: self.now,
        }
    }
}

impl Run<'_> {
    /// Whether it came to its end.
    fn all(&mut self) -> bool {
        let walk = Walk::of(self.place);
        let certain = |path: &PathBuf| !self.place.is_guess(path);
        let found = walk.files.iter().any(certain) || !walk.unreadable.is_empty();
        for (path, refusal) in walk.refused {
            self.refuse(&path, &refusal, Severity::Warning);
        }
        for path in walk.files {
            let guess = self.place.is_guess(&path);
            self.enqueue(path, 0, guess);
        }
        if !self.work() {
            return false;
        }
        if !found && self.own.is_empty() {
            self.nothing_found();
        }
        self.find_cycles();
        self.find_vanished(&walk.unreadable);
        for file in &self.scan.reported {
            self.links.entry(Arc::clone(file)).or_default();
        }
        let links = std::mem::take(&mut self.links);
        self.part.links.extend(links);
        self.part.links.sort_by(|left, right| left.0.cmp(&right.0));
        self.hand_over(true)
    }

    /// Looks at known files only; whatever leads elsewhere than before needs a full reading.
    fn some(&mut self, files: &[PathBuf]) -> bool {
        for path in files {
            let Some(name) = self.place.name(path) else {
                continue;
            };
            let name: Arc<str> = name.into();
            if self.scan.reported.contains(&name) {
                return false;
            }
            let before = self
                .scan
                .known
                .get(&name)
                .map(|known| known.links.targets.clone());
            if self.place.real(path, &name).is_err() {
                return false;
            }
            self.read(&name, path, false);
            let now = self
                .outcome
                .learned
                .iter()
                .rev()
                .find(|(known, _)| *known == name);
            let after = now.and_then(|(_, known)| known.as_ref());
            let moved = after.is_some_and(|after| Some(&after.links.targets) != before.as_ref());
            if moved || !self.links.is_empty() {
                return false;
            }
        }
        self.hand_over(true)
    }

    fn work(&mut self) -> bool {
        while let Some(job) = self.queue.pop_front() {
            if self.scan.cancel.is_cancelled() {
                return false;
            }
            let Some(name) = self.place.name(&job.path) else {
                let refusal = Refusal::NoFile(shown(self.place, &job.path));
                self.refuse(&job.path, &refusal, Severity::Error);
                continue;
            };
            let name: Arc<str> = name.into();
            // What was a descriptor once stays one, so that a slip in its first line does not take its entities away.
            let guess = job.guess
                && !self.named.contains(&job.real)
                && !self.scan.known.contains_key(&name);
            if self.read(&name, &job.path, guess) {
                self.present.insert(Arc::clone(&name));
                if job.depth == 0 {
                    self.own.push(Arc::clone(&name));
                }
                self.follow(&name, &job);
            } else {
                // A `Location` may still name it.
                self.queued.remove(&job.real);
            }
            if self.part_bytes >= PART_BYTES && !self.hand_over(false) {
                return false;
            }
            self.scan
                .progress
                .send_modify(|progress| progress.files += 1);
        }
        true
    }

    /// Takes a file into the queue, once, whatever names lead to it.
    fn enqueue(&mut self, path: PathBuf, depth: u32, guess: bool) {
        let shown = shown(self.place, &path);
        match self.place.real(&path, &shown) {
            Ok(real) => {
                if !guess {
                    self.named.insert(real.clone());
                }
                if self.queued.insert(real.clone()) {
                    self.scan
                        .progress
                        .send_modify(|progress| progress.files_total += 1);
                    self.queue.push_back(Job {
                        path,
                        real,
                        depth,
                        guess,
                    });
                }
            }
            Err(Refusal::Missing(_)) => self.outcome.missing.push(path),
            // What is perhaps no descriptor at all is not worth an error.
            Err(refusal) if guess => self.refuse(&path, &refusal, Severity::Warning),
            Err(refusal) => self.refuse(&path, &refusal, Severity::Error),
        }
    }

    /// A file or folder that is not looked at: what is known of it stays.
    fn refuse(&mut self, path: &Path, refusal: &Refusal, severity: Severity) {
        let name: Arc<str> = shown(self.place, path).into();
        let problem = self.scan.problem(
            &name,
            severity,
            refusal.code(),
            refusal.to_string(),
            refusal.hint(),
        );
        if !matches!(refusal, Refusal::Missing(_) | Refusal::Outside(_)) {
            self.present.insert(Arc::clone(&name));
        }
        self.links.entry(name).or_default().push(problem);
    }

    fn nothing_found(&mut self) {
        let written = Arc::clone(&self.scan.written);
        let problem = self.scan.problem(
            &written,
            Severity::Warning,
            "source-empty",
            format!("no descriptor is found at `{written}`"),
            EMPTY_HINT,
        );
        self.links.entry(written).or_default().push(problem);
    }

    /// Known files that are not there any more take their documents along.
    fn find_vanished(&mut self, unreadable: &[PathBuf]) {
        let mut vanished: Vec<_> = self
            .scan
            .known
            .keys()
            .filter(|name| !self.present.contains(*name))
            .filter(|name| {
                let path = self.place.root.join(&***name);
                !unreadable.iter().any(|folder| path.starts_with(folder))
            })
            .cloned()
            .collect();
        vanished.sort();
        if self.scan.keep_orphans {
            return;
        }
        for name in vanished {
            self.outcome.learned.push((Arc::clone(&name), None));
            self.part.files.push(FileChange {
                file: name,
                state: None,
                documents: Vec::new(),
                failed: Vec::new(),
                problems: Vec::new(),
            });
        }
    }

    /// Whether anybody still wants it.
    fn hand_over(&mut self, last: bool) -> bool {
        self.part.last = last;
        self.part_bytes = 0;
        self.out
            .blocking_send(std::mem::take(&mut self.part))
            .is_ok()
    }
}
