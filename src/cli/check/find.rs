//! From the paths of the command line to files, by the rule of the server's sources ([`Place`]).
//!
//! Nothing outside of the root is read, whatever a link, a `$text` or a Location says: the current folder where the path lies in it (the usual checkout), else the path's own folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::report::Item;
use crate::diagnostic::{Diagnostic, Severity};
use crate::ingest::{EMPTY_HINT, Led, Place, Refusal, Selection, Walk, is_glob};

/// A path of the command line.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) place: Place,
    written: PathBuf,
    /// What the user calls the folder where the looking begins.
    base: PathBuf,
}

/// A file that may be read.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Without symlinks.
    pub(super) real: PathBuf,
    /// As the user would name it.
    pub(super) shown: Arc<str>,
    pub(super) start: Arc<Start>,
    /// Whether it is read only if it looks like descriptors.
    pub(super) guess: bool,
}

/// What a path or a target stands for.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<File>,
    pub(super) problems: Vec<Item>,
    /// Whether the user should have named something else.
    pub(super) unreadable: bool,
    /// Whether it is a target that names one file, and no glob.
    pub(super) direct: bool,
}

impl Found {
    fn refuse(&mut self, shown: Arc<str>, refusal: &Refusal, severity: Severity) {
        self.unreadable |= refusal.code() == "unreadable-file";
        self.problems.push(refused(shown, refusal, severity).into());
    }

    fn take(&mut self, start: &Arc<Start>, walk: Walk, is_guess: &dyn Fn(&Path) -> bool) {
        for (path, refusal) in walk.refused {
            let severity = match refusal {
                Refusal::Outside(_) => Severity::Warning,
                _ => Severity::Error,
            };
            self.refuse(start.shown(&path), &refusal, severity);
        }
        for path in walk.files {
            let guess = is_guess(&path);
            self.add(start, path, guess);
        }
    }

    /// Adds the file at `path`, unless a link leads out of the root.
    fn add(&mut self, start: &Arc<Start>, path: PathBuf, guess: bool) {
        let shown = start.shown(&path);
        match start.place.real(&path, &shown) {
            Ok(real) => self.files.push(File {
                path,
                real,
                shown,
                start: Arc::clone(start),
                guess,
            }),
            // What is perhaps no descriptor at all is not worth an error.
            Err(refusal) if guess => {
                self.problems
                    .push(refused(shown, &refusal, Severity::Warning).into());
            }
            Err(refusal) => self.refuse(shown, &refusal, Severity::Error),
        }
    }
}

impl Start {
    /// Where nothing was found: an error, as the user has named it.
    pub(super) fn nothing(&self) -> Item {
        let shown = plain(&self.written);
        let (message, hint) = match self.place.selection {
            Selection::Glob(_) => (
                "no file matches the glob",
                "`**` stands for any number of folders",
            ),
            Selection::File(_) | Selection::Folder => {
                ("there is no descriptor below this folder", EMPTY_HINT)
            }
        };
        Diagnostic::error("unreadable-file", shown, message.to_owned())
            .hint(hint)
            .into()
    }

    pub(super) fn shown(&self, path: &Path) -> Arc<str> {
        if let Ok(below) = path.strip_prefix(&self.place.base) {
            return plain(&self.base.join(below));
        }
        // Only where the root is the current folder is it wider than where the looking begins.
        plain(path.strip_prefix(&self.place.root).unwrap_or(path))
    }
}

impl File {
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.start.place.root)
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, Refusal> {
        let (bytes, _) = self.start.place.read(&self.path, &self.shown)?;
        Ok(bytes)
    }

    /// The files that `target`, written in this file, stands for.
    pub(super) fn target(&self, target: &str) -> Result<Found, Refusal> {
        let mut found = Found::default();
        match self.start.place.follow(self.folder(), target)? {
            Led::File(path) => {
                found.direct = true;
                found.add(&self.start, path, false);
            }
            Led::Files(walk) => found.take(&self.start, walk, &|_| false),
        }
        Ok(found)
    }
}

/// The files that a path of the command line stands for, and where they were looked for.
pub(super) fn named(path: &Path) -> (Option<Arc<Start>>, Found) {
    let mut found = Found::default();
    let shown = plain(path);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let place = match Place::look(&absolute, &shown, limit().as_deref()) {
        Ok(place) => place,
        Err(error) => {
            let problem = Diagnostic::error("unreadable-file", shown, error.to_string());
            found.problems.push(problem.hint(error.hint()).into());
            found.unreadable = true;
            return (None, found);
        }
    };
    let base = match place.selection {
        Selection::Folder => path.to_path_buf(),
        Selection::File(_) => path.parent().unwrap_or(Path::new("")).to_path_buf(),
        Selection::Glob(_) => path
            .components()
            .take_while(|part| !is_glob(Path::new(part.as_os_str())))
            .collect(),
    };
    let walk = Walk::of(&place);
    let start = Arc::new(Start {
        place,
        written: path.to_path_buf(),
        base,
    });
    found.take(&start, walk, &|path| start.place.is_guess(path));
    (Some(start), found)
}

/// The current folder; from `/` it would be no limit at all.
fn limit() -> Option<PathBuf> {
    let current = Path::new(".").canonicalize().ok()?;
    current.parent()?;
    Some(current)
}

/// The problem of a file that is not read.
pub(super) fn refused(shown: Arc<str>, refusal: &Refusal, severity: Severity) -> Diagnostic {
    let mut problem = Diagnostic::error(refusal.code(), shown, refusal.to_string());
    problem.severity = severity;
    problem.hint(refusal.hint())
}

fn plain(path: &Path) -> Arc<str> {
    let plain: PathBuf = path.components().collect();
    let plain = plain.strip_prefix(".").unwrap_or(&plain);
    plain.to_string_lossy().into()
}
