//! Where words go, and how a command ends.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use super::report::{self, Item, Sources, Terminal};
use crate::config;
use crate::diagnostic::Diagnostic;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Clean,
    Errors,
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Errors => 1,
            Exit::Usage => 2,
        })
    }
}

/// What stdout can show: excerpts and colours only where a person looks.
pub(super) fn terminal() -> Terminal {
    let there = io::stdout().is_terminal();
    Terminal {
        excerpts: there,
        colours: there && config::process_environment("NO_COLOR").is_none(),
    }
}

/// To stdout; a reader that has gone (`| head`) is no error.
pub(super) fn write_out(text: &str) -> io::Result<()> {
    write_bytes(text.as_bytes())
}

/// The same for bytes.
pub(super) fn write_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// One line to stderr; when that is gone there is nobody to tell.
pub(super) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// All of `problems` to stdout; how a command ends that has nothing else to say.
pub(super) fn write_problems(problems: &[Diagnostic]) -> io::Result<Exit> {
    let items: Vec<Item> = problems.iter().cloned().map(Item::from).collect();
    let mut text = Vec::new();
    report::text(&mut text, &items, &mut Sources::new(), terminal())?;
    write_bytes(&text)?;
    Ok(if problems.iter().any(is_unreadable) {
        Exit::Usage
    } else if problems.iter().any(Diagnostic::is_error) {
        Exit::Errors
    } else {
        Exit::Clean
    })
}

/// Whether it says that an input is not there or cannot be read.
pub(super) fn is_unreadable(problem: &Diagnostic) -> bool {
    problem.is_error() && matches!(problem.code, "config-file" | "schema-unreadable")
}

/// `1 error, 2 warnings`.
pub(super) fn count(problems: &[Diagnostic]) -> String {
    let items: Vec<Item> = problems.iter().cloned().map(Item::from).collect();
    report::counts(&items)
}
