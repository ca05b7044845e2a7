//! Problems in the forms that their readers want: a person, a program, GitHub's annotations, SARIF.
//!
//! Everything that a file says is made harmless here: control characters would otherwise forge lines or steer a terminal.

mod excerpt;
mod sarif;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use serde_json::{Value, json};

pub use excerpt::Sources;

use crate::diagnostic::{Diagnostic, Severity};

/// How problems are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `file:line:col: severity[code]: message`
    #[default]
    Text,
    /// One object.
    Json,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

impl Format {
    /// As on the command line.
    pub const NAMES: [&str; 4] = ["text", "json", "github", "sarif"];
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "github" => Ok(Self::Github),
            "sarif" => Ok(Self::Sarif),
            _ => Err(format!(
                "`{name}` is no format; use one of {}",
                Self::NAMES.join(", ")
            )),
        }
    }
}

/// A problem with what is known of it beyond its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub diagnostic: Diagnostic,
    /// Counts from 0 within the file.
    pub document: Option<u32>,
    /// The path in the document.
    pub field: Option<String>,
    pub entity_ref: Option<String>,
}

impl From<Diagnostic> for Item {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostic,
            document: None,
            field: None,
            entity_ref: None,
        }
    }
}

/// What a person's terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Draw excerpts of the sources.
    pub excerpts: bool,
    pub colours: bool,
}

/// Writes `items` as text.
pub fn text(
    out: &mut dyn io::Write,
    items: &[Item],
    sources: &mut Sources,
    terminal: Terminal,
) -> io::Result<()> {
    for item in items {
        if terminal.excerpts {
            writeln!(
                out,
                "{}\n",
                sources.draw(&item.diagnostic, terminal.colours)
            )?;
        } else {
            writeln!(out, "{}", line(&item.diagnostic))?;
        }
    }
    Ok(())
}

/// `file:line:col: severity[code]: message`, and the hint on lines of its own.
pub fn line(diagnostic: &Diagnostic) -> String {
    let start = diagnostic.span.unwrap_or_default().start;
    let mut line = format!(
        "{}:{}:{}: {}[{}]: {}",
        harmless(&diagnostic.file),
        start.line.max(1),
        start.column.max(1),
        diagnostic.severity.as_str(),
        diagnostic.code,
        harmless(&diagnostic.message)
    );
    if let Some(hint) = &diagnostic.hint {
        for (index, part) in hint.lines().enumerate() {
            line.push_str(if index == 0 { "\n  hint: " } else { "\n    " });
            line.push_str(&harmless(part));
        }
    }
    line
}

/// The list of problems of the `json` form.
pub fn problems_json(items: &[Item]) -> Value {
    items.iter().map(problem_json).collect()
}

fn problem_json(item: &Item) -> Value {
    let diagnostic = &item.diagnostic;
    let start = diagnostic.span.map(|span| span.start);
    json!({
        "file": &*diagnostic.file,
        "line": start.map(|start| start.line),
        "column": start.map(|start| start.column),
        "document": item.document,
        "field": item.field,
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "entityRef": item.entity_ref,
    })
}

/// Writes `items` as GitHub workflow commands.
pub fn github(out: &mut dyn io::Write, items: &[Item]) -> io::Result<()> {
    for item in items {
        let diagnostic = &item.diagnostic;
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let mut line = format!("::{command} file={}", property(&diagnostic.file));
        if let Some(span) = diagnostic.span {
            let place = (span.start.line, span.start.column);
            write!(line, ",line={},col={}", place.0, place.1).map_err(io::Error::other)?;
        }
        let mut message = harmless(&diagnostic.message);
        if let Some(hint) = &diagnostic.hint {
            let lines: Vec<String> = hint.lines().map(harmless).collect();
            message.push_str("\nhint: ");
            message.push_str(&lines.join("\n"));
        }
        writeln!(
            out,
            "{line},title={}::{}",
            property(diagnostic.code),
            data(&message)
        )?;
    }
    Ok(())
}

/// Writes `items` as SARIF.
pub fn sarif(out: &mut dyn io::Write, items: &[Item]) -> io::Result<()> {
    json_line(out, &sarif::log(items))
}

/// Writes `value` and ends the line.
pub fn json_line(out: &mut dyn io::Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// `2 errors, 1 warning`; what there is none of is left out.
pub fn counts(items: &[Item]) -> String {
    let mut by_severity: HashMap<Severity, usize> = HashMap::new();
    for item in items {
        *by_severity.entry(item.diagnostic.severity).or_default() += 1;
    }
    let parts: Vec<String> = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "note"),
    ]
    .into_iter()
    .filter_map(|(severity, word)| Some(counted(*by_severity.get(&severity)?, word)))
    .collect();
    match parts.is_empty() {
        true => "no problems".to_owned(),
        false => parts.join(", "),
    }
}

/// `1 file`, `2 files`.
pub fn counted(count: usize, word: &str) -> String {
    match (count, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {word}s"),
    }
}

/// In the order of files, lines and columns.
pub fn sort(items: &mut [Item]) {
    let key = |item: &Item| -> (Arc<str>, Option<crate::diagnostic::Position>) {
        let diagnostic = &item.diagnostic;
        (
            Arc::clone(&diagnostic.file),
            diagnostic.span.map(|span| span.start),
        )
    };
    items.sort_by_key(key);
}

/// The text without anything that would move a cursor or end a line.
fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => harmless.push(' '),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') =>
            {
                harmless.extend(c.escape_default());
            }
            c => harmless.push(c),
        }
    }
    harmless
}

/// The escapes of a workflow command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The escapes of a workflow command's property.
fn property(text: &str) -> String {
    data(&harmless(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}
