//! `/// note | Title`, its settings, and `///` at its end: blocks as `pymdownx.blocks` has them.
//!
//! Their text is not indented; they are within each other by more or fewer slashes, or by their order.

use super::{Block, Kind, MAX_DEPTH, Open, Pass, capital, escape};

/// Most settings of a block.
const MAX_SETTINGS: usize = 20;
/// Admonitions by their own name.
const TYPES: &[&str] = &[
    "abstract",
    "attention",
    "bug",
    "caution",
    "danger",
    "error",
    "example",
    "failure",
    "hint",
    "important",
    "info",
    "note",
    "question",
    "quote",
    "settings",
    "success",
    "tip",
    "warning",
];
/// What `/// html | div.result` may be; anything else is a `div`.
const ELEMENTS: &[&str] = &["blockquote", "div", "figure", "p", "section", "span"];

/// A first line, whose settings may follow.
#[derive(Debug)]
pub(super) struct Pending {
    slashes: usize,
    name: String,
    argument: String,
    settings: Vec<(String, String)>,
    own: usize,
    indent: usize,
    origin: (u32, u32),
}

struct Header<'l> {
    slashes: usize,
    name: &'l str,
    argument: &'l str,
}

fn slashes(rest: &str) -> Option<(usize, &str)> {
    let after = rest.trim_start_matches('/');
    let n = rest.len() - after.len();
    (n >= 3).then_some((n, after))
}

fn header(rest: &str) -> Option<Header<'_>> {
    let (slashes, after) = slashes(rest)?;
    let after = after.strip_prefix(' ')?.trim();
    let (name, argument) = after.split_once('|').unwrap_or((after, ""));
    let name = name.trim();
    let is_known =
        TYPES.contains(&name) || matches!(name, "admonition" | "details" | "html" | "tab");
    is_known.then_some(Header {
        slashes,
        name,
        argument: argument.trim(),
    })
}

/// `type: warning`.
fn setting(rest: &str) -> Option<(String, String)> {
    let (key, value) = rest.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let value = value.trim().trim_matches(['"', '\'']);
    is_key.then(|| (key.to_owned(), value.to_owned()))
}

impl Pending {
    fn setting(&self, key: &str) -> Option<&str> {
        let mut found = self.settings.iter().filter(|(name, _)| name == key);
        found.next().map(|(_, value)| value.as_str())
    }

    fn is_set(&self, key: &str) -> bool {
        self.setting(key)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn is_foldable(&self) -> bool {
        self.name == "details"
    }

    fn admonition(&self) -> Block {
        let is_own_name = TYPES.contains(&self.name.as_str());
        let kind = match is_own_name {
            true => Some(self.name.as_str()),
            false => self.setting("type").filter(|kind| !kind.is_empty()),
        };
        let plain: Option<String> = kind.map(|kind| {
            let is_word = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
            kind.chars().filter(is_word).collect()
        });
        let title = match self.argument.as_str() {
            "" => plain.as_deref().map(capital),
            title => Some(title.to_owned()),
        };
        Block {
            classes: plain.unwrap_or_else(|| "note".to_owned()),
            title: title.or_else(|| self.is_foldable().then(|| "Details".to_owned())),
            folds: self.is_foldable().then(|| self.is_set("open")),
        }
    }

    /// `div.result`: a tag that opens, and one that closes.
    fn element(&self) -> (String, String) {
        let mut parts = self.argument.split(['.', '#', '[']);
        let named = parts.next().unwrap_or_default();
        let name = match ELEMENTS.contains(&named) {
            true => named,
            false => "div",
        };
        let classes: Vec<&str> = self
            .argument
            .split('.')
            .skip(1)
            .filter_map(|class| class.split(['#', '[', ' ']).next())
            .collect();
        let open = format!("<{name} class=\"{}\">", escape(&classes.join(" ")));
        (open, format!("</{name}>"))
    }
}

impl Pass {
    /// Whether a line belongs to what begins or ends a block of slashes; it comes while no fence is open.
    pub(super) fn slashes(
        &mut self,
        own: usize,
        indent: usize,
        rest: &str,
        origin: (u32, u32),
    ) -> bool {
        if let Some(header) = header(rest).filter(|_| self.open.len() < MAX_DEPTH) {
            self.pending = Some(Pending {
                slashes: header.slashes,
                name: header.name.to_owned(),
                argument: header.argument.to_owned(),
                settings: Vec::new(),
                own,
                indent,
                origin,
            });
            return true;
        }
        let Some((n, _)) = slashes(rest).filter(|(_, after)| after.trim().is_empty()) else {
            return false;
        };
        let Some(at) = self
            .open
            .iter()
            .rposition(|open| open.slashes == n && !open.ended)
        else {
            return false;
        };
        while self.open.len() > at + 1 {
            self.close_top(false, origin);
        }
        match self.open.last_mut() {
            // The next one may belong to its set.
            Some(top) if top.kind == Kind::Tab => top.ended = true,
            _ => self.close_top(false, origin),
        }
        self.blank = true;
        true
    }

    /// Takes a setting of the block that begins, or begins it.
    pub(super) fn goes_on_beginning(&mut self, indent: usize, rest: &str) -> bool {
        let Some(mut pending) = self.pending.take() else {
            return false;
        };
        if indent >= pending.indent + 4
            && pending.settings.len() < MAX_SETTINGS
            && let Some(setting) = setting(rest)
        {
            pending.settings.push(setting);
            self.pending = Some(pending);
            return true;
        }
        self.begin(&pending);
        false
    }

    /// Closes the tab that has ended, with its set where none follows.
    pub(super) fn settle(&mut self, indent: usize, next: &str, origin: (u32, u32)) {
        while let Some(top) = self.open.last().filter(|top| top.ended) {
            let follows = header(next)
                .is_some_and(|header| header.name == "tab" && header.slashes == top.slashes);
            let goes_on = follows && indent == top.indent;
            self.close_top(goes_on, origin);
            if goes_on {
                return;
            }
        }
    }

    fn begin(&mut self, pending: &Pending) {
        let (own, indent, origin) = (pending.own, pending.indent, pending.origin);
        let slashes = pending.slashes;
        self.blank = true;
        if pending.name == "tab" {
            let is_open = pending.is_set("select");
            self.open_tab(own, &pending.argument, is_open, origin);
            return self.push(Kind::Tab, indent, slashes);
        }
        if pending.name == "html" {
            let (open, close) = pending.element();
            let spaces = " ".repeat(own.min(200));
            self.emit("", origin);
            self.emit(&format!("{spaces}{open}"), origin);
            self.emit("", origin);
            self.push(Kind::Element, indent, slashes);
            if let Some(top) = self.open.last_mut() {
                top.end = close;
            }
            return;
        }
        let kind = self.open_admonition(own, &pending.admonition(), origin);
        self.push(kind, indent, slashes);
    }

    pub(super) fn push(&mut self, kind: Kind, indent: usize, slashes: usize) {
        self.open.push(Open {
            kind,
            indent,
            slashes,
            ended: false,
            end: String::new(),
        });
    }
}
