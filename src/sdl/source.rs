//! The files of a load: positions, and the sink for everything that is wrong in them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use apollo_compiler::ast::{Document, Value};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::{FileId, Parser, SourceMap, SourceSpan};
use apollo_compiler::validation::DiagnosticList;
use apollo_compiler::{Name, Node};

use super::SdlFile;
use super::codes::usual_hint;
use crate::diagnostic::{Diagnostic, Position, Span, closest};

/// How deep selections, lists and objects may nest in a file.
const RECURSION_LIMIT: usize = 128;
/// How many tokens a file may have.
const TOKEN_LIMIT: usize = 1_000_000;

/// Files and what is wrong in them.
#[derive(Debug, Default)]
pub(super) struct Sources {
    files: Vec<File>,
    by_id: HashMap<FileId, usize>,
    pub(super) map: SourceMap,
    pub(super) problems: Vec<Diagnostic>,
}

#[derive(Debug)]
struct File {
    path: Arc<str>,
    text: String,
    /// Byte offset at which each line begins.
    lines: Vec<usize>,
    connector: Option<Arc<str>>,
}

impl Sources {
    /// Parses one file; what cannot be read of it is a problem, the rest is used.
    pub(super) fn parse(&mut self, file: &SdlFile) -> Document {
        let mut parser = Parser::new()
            .recursion_limit(RECURSION_LIMIT)
            .token_limit(TOKEN_LIMIT);
        let (document, errors) = match parser.parse_ast(file.text.as_str(), &*file.path) {
            Ok(document) => (document, None),
            Err(failed) => (failed.partial, Some(failed.errors)),
        };
        let newlines = file.text.match_indices('\n').map(|(at, _)| at + 1);
        for (id, source) in document.sources.iter() {
            self.by_id.insert(*id, self.files.len());
            Arc::make_mut(&mut self.map).insert(*id, Arc::clone(source));
        }
        self.files.push(File {
            path: Arc::clone(&file.path),
            text: file.text.clone(),
            lines: std::iter::once(0).chain(newlines).collect(),
            connector: file.connector.clone(),
        });
        if let Some(errors) = errors {
            self.adopt("syntax", &errors, &|_| None);
        }
        document
    }

    /// Takes over what apollo-compiler found, except on lines where something was found already: that is mostly the same, said again.
    ///
    /// `locate` finds the place of a name in the message, for errors that come without one; those that still have none follow from others.
    pub(super) fn adopt(
        &mut self,
        code: &'static str,
        errors: &DiagnosticList,
        locate: &dyn Fn(&str) -> Option<SourceSpan>,
    ) {
        let some_located = errors.iter().any(|error| error.error.location().is_some());
        let lines: HashSet<(Arc<str>, Option<u32>)> = self.problems.iter().map(line).collect();
        for error in errors.iter() {
            let message = error.error.to_string();
            let message = message.strip_prefix("syntax error: ").unwrap_or(&message);
            let named = || message.split('`').skip(1).step_by(2).find_map(locate);
            let at = error.error.location().or_else(named);
            let mut problem = self.error(code, at, spelled(&message.replace('"', "`")));
            if problem.message == NOTHING {
                let hint = "extend a type of the graph in it, or declare one";
                problem.hint = Some(hint.to_owned());
            }
            let unplaced = problem.span.is_none() && (some_located || !lines.is_empty());
            let follows = unplaced || (code != "syntax" && self.is_broken(&problem.file));
            if !follows && !lines.contains(&line(&problem)) {
                self.add(problem);
            }
        }
    }

    /// All problems, in the order of files and positions.
    pub(super) fn into_problems(self) -> Vec<Diagnostic> {
        let mut problems = self.problems;
        for problem in &mut problems {
            if problem.hint.is_none() {
                problem.hint = usual_hint(problem.code).map(str::to_owned);
            }
        }
        problems.sort_by(|left, right| {
            (&left.file, left.span, left.code).cmp(&(&right.file, right.span, right.code))
        });
        problems
    }

    /// An error at a place; not yet among the problems.
    pub(super) fn error(
        &self,
        code: &'static str,
        at: Option<SourceSpan>,
        message: impl Into<String>,
    ) -> Diagnostic {
        match at.and_then(|at| self.place(at)) {
            Some((file, span)) => Diagnostic::error(code, file, message).at(span),
            None => Diagnostic::error(code, "schema", message),
        }
    }

    /// Reports an error.
    pub(super) fn report(
        &mut self,
        code: &'static str,
        at: Option<SourceSpan>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut problem = self.error(code, at, message);
        problem.hint = hint;
        self.add(problem);
    }

    /// Whether the file of a place could not be parsed as a whole.
    pub(super) fn has_syntax_error(&self, at: Option<SourceSpan>) -> bool {
        at.and_then(|at| self.file(at))
            .is_some_and(|file| self.is_broken(&file.path))
    }

    fn is_broken(&self, path: &Arc<str>) -> bool {
        let syntax = |problem: &&Diagnostic| problem.code == "syntax";
        self.problems
            .iter()
            .filter(syntax)
            .any(|problem| problem.file == *path)
    }

    /// Keeps a problem, once.
    pub(super) fn add(&mut self, problem: Diagnostic) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Something is declared a second time.
    pub(super) fn duplicate(&mut self, what: &str, name: &Name, previous: &Name) {
        let problem = self.error(
            "duplicate",
            name.location(),
            format!("the {what} `{name}` is declared twice"),
        );
        let problem = match previous.location().and_then(|at| self.place(at)) {
            Some((file, span)) => {
                problem.hint(format!("the first one is at {file}:{}", span.start.line))
            }
            None => problem,
        };
        self.problems.push(problem);
    }

    /// A name that stands for nothing.
    pub(super) fn unknown<'a>(
        &mut self,
        code: &'static str,
        what: &str,
        name: &Name,
        candidates: impl IntoIterator<Item = &'a str>,
    ) {
        let problem = self.error(code, name.location(), format!("unknown {what} `{name}`"));
        self.problems.push(match closest(name, candidates) {
            Some(candidate) => problem.hint(format!("did you mean `{candidate}`?")),
            None => problem,
        });
    }

    /// File and span of a location.
    pub(super) fn place(&self, at: SourceSpan) -> Option<(Arc<str>, Span)> {
        let file = self.file(at)?;
        let span = Span {
            start: file.position(at.offset()),
            end: file.position(at.end_offset()),
        };
        Some((Arc::clone(&file.path), span))
    }

    /// The connector folder that a location is in.
    pub(super) fn connector(&self, at: Option<SourceSpan>) -> Option<&Arc<str>> {
        self.file(at?)?.connector.as_ref()
    }

    /// The place of the character `offset` of a string value.
    pub(super) fn place_in_string(
        &self,
        value: &Node<Value>,
        offset: usize,
    ) -> Option<(Arc<str>, Span)> {
        let at = value.location()?;
        let file = self.file(at)?;
        let raw = file.text.get(at.offset()..at.end_offset())?;
        let start = file.position(at.offset() + raw_offset(raw, offset));
        let end = Position {
            column: start.column + 1,
            ..start
        };
        Some((Arc::clone(&file.path), Span { start, end }))
    }

    fn file(&self, at: SourceSpan) -> Option<&File> {
        self.files.get(*self.by_id.get(&at.file_id())?)
    }
}

fn line(problem: &Diagnostic) -> (Arc<str>, Option<u32>) {
    let line = problem.span.map(|span| span.start.line);
    (Arc::clone(&problem.file), line)
}

impl File {
    fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |before| before.chars().count());
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }
}

/// Byte offset in the token `raw` (with quotes and escapes) of the character `offset` of its value.
fn raw_offset(raw: &str, offset: usize) -> usize {
    if raw.starts_with("\"\"\"") {
        // Block strings lose their indentation; their first line is where a short one stands.
        let content = raw.get(3..).unwrap_or_default();
        let lead = content.len() - content.trim_start().len();
        let rest = content.get(lead..).unwrap_or_default();
        return 3 + lead + rest.chars().take(offset).map(char::len_utf8).sum::<usize>();
    }
    let mut chars = raw.char_indices().skip(1).peekable();
    for _ in 0..offset {
        match chars.next() {
            Some((_, '\\')) => match chars.next() {
                Some((_, 'u')) if chars.peek().is_some_and(|(_, c)| *c == '{') => {
                    chars.by_ref().find(|(_, c)| *c == '}');
                }
                Some((_, 'u')) => {
                    chars.nth(3);
                }
                _ => {}
            },
            Some(_) => {}
            None => break,
        }
    }
    chars.next().map_or(raw.len(), |(at, _)| at)
}

/// An empty file, or one of comments alone.
const NOTHING: &str = "the file declares nothing";

/// The parser's names of tokens as they are written.
fn spelled(message: &str) -> String {
    const TOKENS: [(&str, &str); 11] = [
        ("L_CURLY", "`{`"),
        ("R_CURLY", "`}`"),
        ("L_PAREN", "`(`"),
        ("R_PAREN", "`)`"),
        ("L_BRACK", "`[`"),
        ("R_BRACK", "`]`"),
        ("COLON", "`:`"),
        ("AMP", "`&`"),
        ("PIPE", "`|`"),
        ("EQ", "`=`"),
        ("BANG", "`!`"),
    ];
    if message == "Unexpected <EOF>." {
        return NOTHING.to_owned();
    }
    let words = message.split(' ').map(|word| {
        let bare = word.trim_end_matches(',');
        let known = TOKENS.iter().find(|(token, _)| *token == bare);
        known.map_or_else(
            || word.to_owned(),
            |(token, written)| word.replace(token, written),
        )
    });
    words.collect::<Vec<_>>().join(" ")
}
