//! What MkDocs users write that is not `CommonMark`, as blocks: admonitions (`!!!`), what unfolds (`???`), tabs (`===`), blocks of slashes (`///`), Markdown in HTML, abbreviations.
//!
//! A pass over the lines before they are parsed.
//! Each such block becomes HTML tags on lines of their own with its text between them, dedented: `CommonMark` reads text between such tags as Markdown, in lists too, so one parse sees the whole page with its references and footnotes.
//! Fences are left alone.

mod slashes;

use std::collections::BTreeMap;

use super::snippets::{Expanded, Line};
use slashes::Pending;

/// Most abbreviations of a page.
const MAX_ABBREVIATIONS: usize = 500;
/// Most blocks within each other.
const MAX_DEPTH: usize = 32;

/// A page as `CommonMark` can read it.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) text: String,
    /// For each line of the text: the file and the line that it comes from.
    pub(super) origins: Vec<(u32, u32)>,
    pub(super) abbreviations: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Admonition,
    Details,
    /// A tab, within a set that is open beneath it.
    Tab,
    Element,
}

struct Open {
    kind: Kind,
    /// Column of its mark.
    indent: usize,
    /// How many begin and end it; none where it ends with its indentation.
    slashes: usize,
    /// Whether its end was there, and what comes next says if its set goes on.
    ended: bool,
    /// The end tag of an element.
    end: String,
}

struct Fence {
    mark: char,
    length: usize,
}

struct Pass {
    out: Prepared,
    open: Vec<Open>,
    pending: Option<Pending>,
    fence: Option<Fence>,
    /// Column of the innermost list mark above.
    list: Option<usize>,
    blank: bool,
    sets: u32,
    /// Tags with `markdown` in them that are open.
    html: Vec<String>,
}

pub(super) fn prepare(expanded: &Expanded) -> Prepared {
    let mut pass = Pass {
        out: Prepared::default(),
        open: Vec::new(),
        pending: None,
        fence: None,
        list: None,
        blank: true,
        sets: 0,
        html: Vec::new(),
    };
    for line in &expanded.lines {
        pass.line(line);
    }
    let end = expanded
        .lines
        .last()
        .map_or((0, 1), |line| (line.file, line.number));
    pass.goes_on_beginning(0, "");
    pass.close_to(0, None, end);
    pass.out
}

impl Pass {
    fn emit(&mut self, text: &str, origin: (u32, u32)) {
        self.out.text.push_str(text);
        self.out.text.push('\n');
        self.out.origins.push(origin);
    }

    fn line(&mut self, line: &Line) {
        let origin = (line.file, line.number);
        let (indent, rest) = indentation(&line.text);
        if self.goes_on_beginning(indent, rest) {
            return;
        }
        if rest.is_empty() {
            self.blank = true;
            return self.emit("", origin);
        }
        self.settle(indent, rest, origin);
        self.close_to(indent, Some(rest), origin);
        let own = indent.saturating_sub(4 * self.indented());
        if let Some(fence) = &self.fence {
            if closes(rest, fence) {
                self.fence = None;
            }
        } else if let Some(fence) = opens_fence(rest) {
            self.fence = Some(fence);
        } else {
            self.track_list(own, rest);
            if self.starts(own, indent, rest, origin) {
                self.blank = true;
                return;
            }
            if own < 4 && self.abbreviation(rest) {
                return;
            }
            self.html(own, rest, origin);
        }
        let stands_alone = is_void(rest, self.blank, own == 0);
        self.blank = false;
        let spaces = " ".repeat(own.min(200));
        self.emit(&format!("{spaces}{rest}"), origin);
        if self.fence.is_none() && (stands_alone || opens_markdown(rest)) {
            self.emit("", origin);
        }
    }

    /// How many open blocks have their text indented.
    fn indented(&self) -> usize {
        self.open.iter().filter(|open| open.slashes == 0).count()
    }

    /// Closes what a line that begins at `indent` is no part of.
    fn close_to(&mut self, indent: usize, next: Option<&str>, origin: (u32, u32)) {
        while let Some(top) = self.open.last() {
            let inside = match top.slashes {
                0 => top.indent + 4,
                _ => top.indent,
            };
            if indent >= inside && next.is_some() {
                return;
            }
            let is_beside = indent == top.indent && top.kind == Kind::Tab && top.slashes == 0;
            let goes_on =
                is_beside && next.is_some_and(|next| tab(next).is_some_and(|tab| !tab.new));
            self.close_top(goes_on, origin);
        }
    }

    /// Closes the innermost block; the set of a tab may go on with the next one.
    fn close_top(&mut self, goes_on: bool, origin: (u32, u32)) {
        let Some(top) = self.open.pop() else {
            return;
        };
        if let Some(fence) = self.fence.take() {
            let mark = fence.mark.to_string().repeat(fence.length);
            self.emit(&mark, origin);
        }
        let spaces = " ".repeat(top.indent.saturating_sub(4 * self.indented()).min(200));
        let end = match (top.kind, goes_on) {
            (Kind::Admonition, _) => "</div>",
            (Kind::Details, _) | (Kind::Tab, true) => "</details>",
            (Kind::Tab, false) => "</details></div>",
            (Kind::Element, _) => top.end.as_str(),
        };
        self.emit("", origin);
        self.emit(&format!("{spaces}{end}"), origin);
        match goes_on {
            true => self.sets |= SET_GOES_ON,
            false => self.emit("", origin),
        }
    }

    fn track_list(&mut self, own: usize, rest: &str) {
        if is_list_item(rest) {
            self.list = Some(match self.list {
                Some(list) if own > list => list,
                _ => own,
            });
        } else if self.blank && self.list.is_some_and(|list| own <= list) {
            self.list = None;
        }
    }

    /// Whether the line begins or ends a block of ours.
    fn starts(&mut self, own: usize, indent: usize, rest: &str, origin: (u32, u32)) -> bool {
        let is_code = own >= 4 && self.list.is_none_or(|list| own <= list);
        if !is_code && rest.starts_with("///") && self.slashes(own, indent, rest, origin) {
            return true;
        }
        if is_code || self.open.len() >= MAX_DEPTH {
            self.sets &= !SET_GOES_ON;
            return false;
        }
        if let Some(tab) = tab(rest) {
            self.open_tab(own, tab.title, tab.selected, origin);
            self.push(Kind::Tab, indent, 0);
            return true;
        }
        self.sets &= !SET_GOES_ON;
        let Some(block) = admonition(rest) else {
            return false;
        };
        let kind = self.open_admonition(own, &block, origin);
        self.push(kind, indent, 0);
        true
    }

    /// In the set that goes on, else in one of its own.
    fn open_tab(&mut self, own: usize, title: &str, selected: bool, origin: (u32, u32)) {
        let goes_on = self.sets & SET_GOES_ON != 0;
        self.sets &= !SET_GOES_ON;
        if !goes_on {
            self.sets += 1;
            self.emit("", origin);
        }
        let set = self.sets;
        let begin = match goes_on {
            true => "",
            false => "<div class=\"tabs\">",
        };
        let open = match goes_on && !selected {
            true => "",
            false => " open",
        };
        let spaces = " ".repeat(own.min(200));
        let title = super::inline(title);
        self.emit(
            &format!("{spaces}{begin}<details class=\"tab\" name=\"tabs-{set}\"{open}><summary>{title}</summary>"),
            origin,
        );
        self.emit("", origin);
    }

    fn open_admonition(&mut self, own: usize, block: &Block, origin: (u32, u32)) -> Kind {
        let spaces = " ".repeat(own.min(200));
        let classes = escape(&block.classes);
        let title = block.title.as_deref().map(super::inline);
        let (kind, tags) = match block.folds {
            None => (
                Kind::Admonition,
                match title {
                    Some(title) => format!(
                        "<div class=\"admonition {classes}\"><p class=\"admonition-title\">{title}</p>"
                    ),
                    None => format!("<div class=\"admonition {classes}\">"),
                },
            ),
            Some(is_open) => {
                let open = if is_open { " open" } else { "" };
                let title = title.unwrap_or_default();
                (
                    Kind::Details,
                    format!(
                        "<details class=\"admonition {classes}\"{open}><summary class=\"admonition-title\">{title}</summary>"
                    ),
                )
            }
        };
        self.emit("", origin);
        self.emit(&format!("{spaces}{tags}"), origin);
        self.emit("", origin);
        kind
    }

    fn abbreviation(&mut self, rest: &str) -> bool {
        let parsed = rest.strip_prefix("*[").and_then(|rest| {
            let (short, long) = rest.split_once("]:")?;
            Some((short.trim(), long.trim()))
        });
        let Some((short, long)) = parsed.filter(|(short, _)| !short.is_empty()) else {
            return false;
        };
        if self.out.abbreviations.len() < MAX_ABBREVIATIONS {
            let long = long.trim_matches(['"', '\'']);
            self.out
                .abbreviations
                .insert(short.to_owned(), long.to_owned());
        }
        true
    }

    /// Keeps the end tag of an element with `markdown` in it apart from the Markdown before it.
    fn html(&mut self, own: usize, rest: &str, origin: (u32, u32)) {
        if !rest.starts_with('<') || own >= 4 {
            return;
        }
        if opens_markdown(rest) {
            let name: String = rest
                .chars()
                .skip(1)
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            self.html.push(name);
            self.emit("", origin);
        } else if let Some(name) = self.html.last()
            && rest
                .strip_prefix("</")
                .is_some_and(|rest| rest.starts_with(name.as_str()))
        {
            self.html.pop();
            self.emit("", origin);
        }
    }
}

/// In [`Pass::sets`]: the set of the tab that was just closed goes on.
const SET_GOES_ON: u32 = 1 << 31;

/// Columns of white space before the text of a line, and the text.
fn indentation(line: &str) -> (usize, &str) {
    let mut columns = 0;
    for (at, c) in line.char_indices() {
        match c {
            ' ' => columns += 1,
            '\t' => columns += 4 - columns % 4,
            _ => {
                return (
                    columns,
                    line.get(at..).unwrap_or_default().trim_end_matches('\r'),
                );
            }
        }
    }
    (columns, "")
}

fn opens_fence(rest: &str) -> Option<Fence> {
    // In a list item or a quote it begins behind the marks.
    let bare = rest.trim_start_matches(['>', ' ']);
    let bare = match is_list_item(bare) {
        true => bare
            .split_once(' ')
            .map_or("", |(_, rest)| rest.trim_start()),
        false => bare,
    };
    let mark = bare
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let length = bare.chars().take_while(|c| *c == mark).count();
    let info = bare.trim_start_matches(mark);
    (length >= 3 && !(mark == '`' && info.contains('`'))).then_some(Fence { mark, length })
}

fn closes(rest: &str, fence: &Fence) -> bool {
    let bare = rest.trim_start_matches(['>', ' ']).trim_end();
    bare.chars().all(|c| c == fence.mark) && bare.chars().count() >= fence.length
}

fn is_list_item(rest: &str) -> bool {
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let after = match rest.len() - digits.len() {
        0 => rest.strip_prefix(['-', '*', '+']),
        1..=9 => digits.strip_prefix(['.', ')']),
        _ => None,
    };
    after.is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t']))
}

/// Whether a line is an element that has no end: what is behind it is Markdown again, which `CommonMark` sees only behind an empty line.
fn is_void(rest: &str, begins: bool, unindented: bool) -> bool {
    let inner = rest.trim_end().strip_prefix('<');
    let name = inner.and_then(|rest| rest.strip_suffix('>'));
    let name = name.map(|name| name.trim_end_matches('/').trim_end());
    name.is_some_and(|name| match name {
        "hr" | "HR" => begins || unindented,
        "br" | "BR" => begins,
        _ => false,
    })
}

/// Whether a line opens an element whose text is Markdown.
fn opens_markdown(rest: &str) -> bool {
    let Some((tag, _)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
        return false;
    };
    let is_name = tag.starts_with(|c: char| c.is_ascii_alphabetic());
    is_name
        && tag.split_ascii_whitespace().skip(1).any(|word| {
            matches!(
                word,
                "markdown"
                    | "markdown=\"1\""
                    | "markdown=\"block\""
                    | "markdown=\"span\""
                    | "markdown=1"
                    | "markdown='1'"
            )
        })
}

struct Tab<'l> {
    title: &'l str,
    new: bool,
    selected: bool,
}

/// `=== "Title"`.
fn tab(rest: &str) -> Option<Tab<'_>> {
    let after = rest.strip_prefix("===")?;
    let options = after.len() - after.trim_start_matches(['!', '+']).len();
    let (options, title) = after.split_at_checked(options)?;
    let title = title.strip_prefix(' ')?.trim();
    let quoted = |mark: char| title.strip_prefix(mark)?.strip_suffix(mark);
    Some(Tab {
        title: quoted('"').or_else(|| quoted('\''))?,
        new: options.contains('!'),
        selected: options.contains('+'),
    })
}

struct Block {
    classes: String,
    title: Option<String>,
    /// Of what unfolds: whether it is open.
    folds: Option<bool>,
}

/// `!!! note "Title"`, `??? note`, `???+ note`.
fn admonition(rest: &str) -> Option<Block> {
    let (folds, after) = match rest.strip_prefix("!!!") {
        Some(after) => (None, after),
        None => {
            let after = rest.strip_prefix("???")?;
            match after.strip_prefix('+') {
                Some(after) => (Some(true), after),
                None => (Some(false), after),
            }
        }
    };
    let after = after.trim();
    let (types, title) = match after.find('"') {
        Some(at) => {
            let (types, title) = after.split_at_checked(at)?;
            let title = title.strip_prefix('"')?.strip_suffix('"')?;
            (types.trim(), Some(title))
        }
        None => (after, None),
    };
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    if !types.chars().all(is_word) || (types.is_empty() && (folds.is_none() || title.is_none())) {
        return None;
    }
    let classes = types.to_lowercase();
    let first = classes.split(' ').next().unwrap_or_default();
    let title = match title {
        Some("") => None,
        Some(title) => Some(title.to_owned()),
        None => Some(capital(first)),
    };
    Some(Block {
        classes: if classes.is_empty() {
            "note".to_owned()
        } else {
            classes
        },
        title,
        folds,
    })
}

pub(super) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Text as HTML shows it.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
