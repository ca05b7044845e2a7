//! `--8<-- "file"` and `{! file !}`: other files of the tree in a page, as `pymdownx.snippets` and `markdown_include` put them there.
//!
//! Paths are relative to the folder of the docs, else to `docs_dir`; nothing outside of the tree is read, and nothing is fetched.

use super::include::{Mark, mark};
use crate::diagnostic::{Diagnostic, Position, Span};
use crate::docs::site::Site;
use crate::docs::tree::{Stamp, TreeError, join};

/// Most snippets within each other.
const MAX_DEPTH: usize = 8;
/// Most files that one page includes.
const MAX_FILES: usize = 200;
/// Most bytes of a page with all that it includes.
pub(in crate::docs) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A line and where it was read.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// Into [`Expanded::files`].
    pub(super) file: u32,
    /// From 1.
    pub(super) number: u32,
}

/// The lines of a page, with those of its snippets.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) lines: Vec<Line>,
    /// Files that lines come from, the page's own first.
    pub(super) files: Vec<String>,
    /// Snippets that were looked at, so that a change is seen.
    pub(super) stamps: Vec<(String, Option<Stamp>)>,
    pub(super) problems: Vec<Diagnostic>,
    bytes: usize,
}

pub(super) fn expand(site: &Site, file: &str, text: &str, skip: usize) -> Expanded {
    let mut expanded = Expanded {
        files: vec![file.to_owned()],
        ..Expanded::default()
    };
    let lines = text.lines().zip(1_u32..).skip(skip);
    expanded.add(site, lines, 0, "", 0);
    expanded
}

/// The files that a text names to be put in, as it names them; those of its snippets are not among them.
pub(in crate::docs) fn named(text: &str, includes: bool) -> Vec<String> {
    let mut named: Vec<String> = match includes {
        true => text
            .lines()
            .filter_map(|line| Some(mark(line)?.path.to_owned()))
            .collect(),
        false => Vec::new(),
    };
    // Most pages have none.
    if memchr::memmem::find(text.as_bytes(), b"8<-").is_none() {
        return named;
    }
    let mut in_block = false;
    for line in text.lines() {
        let name = match cut(line) {
            Some(cut) if cut.escaped || cut.rest.starts_with('[') => continue,
            Some(cut) if cut.rest.is_empty() => {
                in_block = !in_block;
                continue;
            }
            Some(cut) => cut.rest.trim_matches(['"', '\'']),
            None if in_block => line.trim(),
            None => continue,
        };
        let path = name.split_once(':').map_or(name, |(path, _)| path);
        if !path.is_empty() && !name.starts_with(';') && !name.contains("://") {
            named.push(path.to_owned());
        }
    }
    named
}

/// A line of the form `--8<-- rest`, with its indentation.
struct Cut<'l> {
    indent: &'l str,
    escaped: bool,
    rest: &'l str,
}

fn cut(line: &str) -> Option<Cut<'_>> {
    // Most lines of a page have none.
    memchr::memmem::find(line.as_bytes(), b"8<-")?;
    let bare = line.trim_start();
    let indent = line.get(..line.len() - bare.len())?;
    let (escaped, marks) = match bare.strip_prefix(';') {
        Some(marks) => (true, marks),
        None => (false, bare),
    };
    let rest = marks.trim_start_matches('-');
    let rest = (rest.len() < marks.len()).then_some(rest)?;
    let rest = rest.strip_prefix("8<")?;
    let after = rest.trim_start_matches('-');
    let is_cut = after.len() < rest.len() && (after.is_empty() || after.starts_with([' ', '\t']));
    is_cut.then(|| Cut {
        indent,
        escaped,
        rest: after.trim(),
    })
}

impl Expanded {
    fn add<'t>(
        &mut self,
        site: &Site,
        lines: impl Iterator<Item = (&'t str, u32)>,
        file: u32,
        indent: &str,
        depth: usize,
    ) {
        let mut in_block = false;
        for (line, number) in lines {
            let cut = cut(line);
            match cut {
                Some(cut) if cut.escaped => {
                    let line = format!(
                        "{}{}",
                        cut.indent,
                        line.trim_start().trim_start_matches(';')
                    );
                    self.push(format!("{indent}{line}"), file, number);
                }
                Some(cut) if cut.rest.is_empty() => in_block = !in_block,
                Some(cut) if cut.rest.starts_with('[') => {}
                Some(cut) => {
                    let name = cut.rest.trim_matches(['"', '\'']);
                    let indent = format!("{indent}{}", cut.indent);
                    self.include(site, name, (file, number), &indent, depth);
                }
                None if in_block => {
                    let bare = line.trim();
                    if !bare.is_empty() {
                        let own = line.get(..line.len() - line.trim_start().len());
                        let indent = format!("{indent}{}", own.unwrap_or_default());
                        self.include(site, bare, (file, number), &indent, depth);
                    }
                }
                None => match mark(line).filter(|_| site.includes) {
                    Some(mark) => self.included(site, &mark, (file, number), indent, depth),
                    None => self.push(format!("{indent}{line}"), file, number),
                },
            }
        }
    }

    /// A line with a file in it.
    fn included(
        &mut self,
        site: &Site,
        mark: &Mark<'_>,
        at: (u32, u32),
        indent: &str,
        depth: usize,
    ) {
        let start = self.lines.len();
        let is_alone = mark.before.trim().is_empty();
        let inner = match is_alone {
            true => format!("{indent}{}", mark.before),
            false => indent.to_owned(),
        };
        match mark.parts.as_slice() {
            [] => self.include(site, mark.path, at, &inner, depth),
            parts => {
                for part in parts {
                    self.include(site, &format!("{}:{part}", mark.path), at, &inner, depth);
                }
            }
        }
        if self.lines.len() == start {
            return self.push(format!("{indent}{}{}", mark.before, mark.after), at.0, at.1);
        }
        if let Some(first) = self.lines.get_mut(start).filter(|_| !is_alone) {
            let text = first.text.get(indent.len()..).unwrap_or_default();
            first.text = format!("{indent}{}{text}", mark.before);
        }
        if let Some(last) = self.lines.last_mut() {
            last.text.push_str(mark.after);
        }
    }

    fn push(&mut self, text: String, file: u32, number: u32) {
        self.bytes += text.len() + 1;
        if self.bytes <= MAX_BYTES || file == 0 {
            self.lines.push(Line { text, file, number });
        }
    }

    fn include(&mut self, site: &Site, name: &str, at: (u32, u32), indent: &str, depth: usize) {
        if name.starts_with(';') || name.is_empty() {
            return;
        }
        if name.contains("://") {
            let message = format!("the snippet `{name}` is elsewhere, and nothing is fetched");
            return self.told("docs-snippet", at, message, "copy it into the docs");
        }
        if depth >= MAX_DEPTH || self.stamps.len() >= MAX_FILES || self.bytes > MAX_BYTES {
            let message = format!(
                "the snippet `{name}` is left out: at most {MAX_DEPTH} within each other, {MAX_FILES} files and {MAX_BYTES} bytes"
            );
            return self.told("docs-limit", at, message, "include less on one page");
        }
        let (path, part) = match name.split_once(':') {
            Some((path, part)) => (path, Some(part)),
            None => (name, None),
        };
        let folders = [site.folder.as_str(), site.docs_dir()];
        let mut last = TreeError::Outside(path.to_owned());
        for folder in folders {
            let Some(joined) = join(folder, path) else {
                continue;
            };
            let read = site.tree.read_text(&joined, MAX_BYTES as u64);
            self.stamps.push((joined.clone(), site.tree.stamp(&joined)));
            match read {
                Ok((text, _)) => return self.insert(site, &text, joined, part, at, indent, depth),
                Err(error) => last = error,
            }
        }
        let code = match last {
            TreeError::Missing(_) => "docs-snippet",
            _ => last.code(),
        };
        self.told(
            code,
            at,
            format!("the snippet is not read: {last}"),
            last.hint(),
        );
    }

    #[expect(clippy::too_many_arguments, reason = "one call, out of a loop")]
    fn insert(
        &mut self,
        site: &Site,
        text: &str,
        path: String,
        part: Option<&str>,
        at: (u32, u32),
        indent: &str,
        depth: usize,
    ) {
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(path);
        let all: Vec<(&str, u32)> = text.lines().zip(1_u32..).collect();
        let chosen = match part {
            None => Some(all.as_slice()),
            Some(part) => lines_of(&all, part).or_else(|| section(&all, part)),
        };
        match chosen {
            Some(lines) => self.add(site, lines.iter().copied(), file, indent, depth + 1),
            None => {
                let message = format!("the snippet has no section `{}`", part.unwrap_or_default());
                let hint = "mark it in the file with `--8<-- [start:name]` and `--8<-- [end:name]`";
                self.told("docs-snippet", at, message, hint);
            }
        }
    }

    fn told(&mut self, code: &'static str, at: (u32, u32), message: String, hint: &str) {
        let file = self.files.get(at.0 as usize).cloned().unwrap_or_default();
        let start = Position {
            line: at.1,
            column: 1,
        };
        let span = Span { start, end: start };
        let problem = Diagnostic::warning(code, file, message);
        self.problems.push(problem.at(span).hint(hint));
    }
}

/// `2:5`, `:5` or `2`: lines, both ends counted from 1.
fn lines_of<'l, 't>(all: &'l [(&'t str, u32)], part: &str) -> Option<&'l [(&'t str, u32)]> {
    let number = |text: &str, default: usize| match text {
        "" => Some(default),
        text => text.parse::<usize>().ok(),
    };
    let (start, end) = match part.split_once(':') {
        Some((start, end)) => (number(start, 1)?, number(end, all.len())?),
        None => (number(part, 1)?, all.len()),
    };
    let end = end.min(all.len());
    Some(all.get(start.max(1) - 1..end).unwrap_or_default())
}

fn section<'l, 't>(all: &'l [(&'t str, u32)], name: &str) -> Option<&'l [(&'t str, u32)]> {
    let mark = |kind: &str| format!("[{kind}:{name}]");
    let (start, end) = (mark("start"), mark("end"));
    let at = |wanted: &str| {
        all.iter()
            .position(|(line, _)| line.contains("8<-") && line.contains(wanted))
    };
    let start = at(&start)? + 1;
    let end = at(&end).unwrap_or(all.len());
    all.get(start..end)
}
