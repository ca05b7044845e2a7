//! The lines that a problem is about, drawn for a terminal.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{harmless, line};
use crate::diagnostic::{Diagnostic, Severity, Span};

/// Longer lines are not shown: a terminal would fold them into noise.
const MAX_LINE: usize = 240;

/// The texts of the files that problems are about, read when they are first needed and kept for the next problem of the same file.
#[derive(Debug, Default)]
pub struct Sources {
    last: Option<(Arc<str>, Option<String>)>,
    /// Texts that no file holds.
    given: HashMap<Arc<str>, String>,
}

impl Sources {
    /// Files are read from disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `text` for the contents of `file`.
    pub fn give(&mut self, file: Arc<str>, text: String) {
        self.given.insert(file, text);
    }

    /// The problem with its line, or only the problem where there is no line to show.
    pub(super) fn draw(&mut self, diagnostic: &Diagnostic, colours: bool) -> String {
        let excerpt = diagnostic
            .span
            .and_then(|span| Some((span, self.line(&diagnostic.file, span.start.line)?)));
        let Some((span, source)) = excerpt.filter(|(_, source)| source.len() <= MAX_LINE) else {
            return line(diagnostic);
        };
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Info => Level::INFO,
        };
        let shown = harmless_line(&source);
        let range = range(&shown, span);
        // the place in front of it all, as in the other forms, so that terminals make a link of it
        let snippet = Snippet::source(shown)
            .line_start(usize::try_from(span.start.line).unwrap_or(1))
            .path(harmless(&diagnostic.file))
            .annotation(AnnotationKind::Primary.span(range));
        let mut group = level
            .primary_title(harmless(&diagnostic.message))
            .id(diagnostic.code)
            .element(snippet);
        if let Some(hint) = &diagnostic.hint {
            let hint: Vec<String> = hint.lines().map(harmless).collect();
            group = group.element(Level::HELP.message(hint.join("\n")));
        }
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&[group])
    }

    fn line(&mut self, file: &Arc<str>, number: u32) -> Option<String> {
        if let Some(text) = self.given.get(file) {
            return nth_line(text, number);
        }
        if self.last.as_ref().is_none_or(|(name, _)| name != file) {
            let text = std::fs::read(&**file)
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            self.last = Some((Arc::clone(file), text));
        }
        let (_, text) = self.last.as_ref()?;
        nth_line(text.as_deref()?, number)
    }
}

fn nth_line(text: &str, number: u32) -> Option<String> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    let line = text.lines().nth(index)?;
    Some(line.strip_prefix('\u{FEFF}').unwrap_or(line).to_owned())
}

/// One character for each, so that columns stay what they are.
fn harmless_line(line: &str) -> String {
    line.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{FFFD}',
            c => c,
        })
        .collect()
}

/// The bytes of the line that the span covers, at least one character.
fn range(line: &str, span: Span) -> Range<usize> {
    let byte = |column: u32| {
        let index = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        line.char_indices()
            .nth(index)
            .map_or(line.len(), |(byte, _)| byte)
    };
    let start = byte(span.start.column);
    let end = match span.end.line == span.start.line {
        true => byte(span.end.column),
        false => line.trim_end().len(),
    };
    start..end.max((start + 1).min(line.len())).max(start)
}
