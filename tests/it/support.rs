//! What several features' tests share.

pub(crate) mod app_host;
pub(crate) mod catalog;
pub(crate) mod engine;
pub(crate) mod log;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod server;
pub(crate) mod upstream;

use std::io::Write as _;

/// One line that is seen also when the test passes: what a test leaves out.
pub(crate) fn say(line: &str) {
    // Not through `eprintln!`, which the test harness keeps to itself unless the test fails.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
