//! Code with classes for its colours, line by line. Home of `syntect`.
//!
//! Classes and not styles, so that the theme has light and dark and a strict content policy holds.
//! They are few and those of Pygments' families: `k` keyword, `s` string, `c` comment, `m` number, `nf` function, `nc` type, `nb` built-in, `nt` tag, `na` attribute, `v` variable, `o` operator, `p` punctuation.

use std::sync::OnceLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::attributes::Attributes;
use super::blocks::escape;

/// Longest block with colours, and longest line in one: above, it is shown plain.
pub(super) const MAX_BYTES: usize = 64 * 1024;
const MAX_LINE: usize = 1_000;

/// What is said behind the marks of a fence.
#[derive(Debug, Default)]
pub(super) struct Info {
    pub(super) language: String,
    title: Option<String>,
    numbers: Option<u64>,
    marked: Vec<(u64, u64)>,
    extra: Attributes,
}

impl Info {
    /// `python title="x.py" linenums="1" hl_lines="2 4-5"`, or all of it in braces.
    pub(super) fn parse(info: &str) -> Self {
        let info = info.trim();
        let (language, rest) = match info.strip_prefix('{') {
            Some(inner) => (String::new(), inner.trim_end_matches('}')),
            None => {
                let end = info.find([' ', '\t', '{', ',', '=']).unwrap_or(info.len());
                // `title="x"` right behind the marks names no language.
                let end = match info.get(end..) {
                    Some(rest) if rest.starts_with('=') => 0,
                    _ => end,
                };
                let (language, rest) = info.split_at_checked(end).unwrap_or((info, ""));
                let rest = rest.trim_start_matches([',', ' ']);
                let rest = rest.strip_prefix('{').unwrap_or(rest);
                (language.to_owned(), rest.trim_end_matches('}'))
            }
        };
        let mut extra = Attributes::parse(rest).unwrap_or_default();
        let language = match language.is_empty() && !extra.classes.is_empty() {
            true => extra.classes.remove(0),
            false => language,
        };
        let numbers = extra.get("linenums").map(|start| {
            let start = start.split(' ').next().unwrap_or_default();
            start.parse().unwrap_or(1)
        });
        let marked = extra.get("hl_lines").map(ranges).unwrap_or_default();
        Self {
            language: language.trim_start_matches('.').to_lowercase(),
            title: extra.get("title").map(str::to_owned),
            numbers,
            marked,
            extra,
        }
    }

    fn is_marked(&self, line: u64) -> bool {
        let mut marked = self.marked.iter();
        marked.any(|(from, to)| (*from..=*to).contains(&line))
    }
}

/// `2 4-5`.
fn ranges(text: &str) -> Vec<(u64, u64)> {
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    words
        .filter_map(|word| match word.split_once('-') {
            Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
            None => word.parse().ok().map(|line| (line, line)),
        })
        .collect()
}

/// A block of code as HTML; `colours` says whether there is time for them.
pub(super) fn block(info: &Info, code: &str, colours: bool) -> String {
    let code = code.strip_suffix('\n').unwrap_or(code);
    if info.language == "mermaid" {
        // A client that draws diagrams finds them by this class.
        return format!("<pre class=\"mermaid\">{}</pre>\n", escape(code));
    }
    let mut html = String::with_capacity(code.len() * 2);
    html.push_str("<div class=\"highlight\">");
    if let Some(title) = &info.title {
        html.push_str(&format!(
            "<span class=\"filename\">{}</span>",
            escape(title)
        ));
    }
    let by_line = info.numbers.is_some() || !info.marked.is_empty();
    let pre = match info.numbers.is_some() {
        true => "<pre class=\"linenums\">",
        false => "<pre>",
    };
    html.push_str(pre);
    let extra: String = info
        .extra
        .classes
        .iter()
        .map(|class| format!(" {}", escape(class)))
        .collect();
    match info.language.is_empty() {
        true => html.push_str("<code>"),
        false => html.push_str(&format!(
            "<code class=\"language-{}{extra}\">",
            escape(&info.language)
        )),
    }
    let syntax = match colours && code.len() <= MAX_BYTES {
        true => syntax(&info.language),
        false => None,
    };
    let mut state = syntax.map(|syntax| (ParseState::new(syntax), ScopeStack::new()));
    let mut text = String::new();
    for (number, line) in (1_u64..).zip(code.split('\n')) {
        if number > 1 && !by_line {
            html.push('\n');
        }
        if by_line {
            let class = if info.is_marked(number) {
                "line hll"
            } else {
                "line"
            };
            match info.numbers {
                Some(start) => {
                    let shown = start.saturating_add(number - 1);
                    html.push_str(&format!("<span class=\"{class}\" data-line=\"{shown}\">"));
                }
                None => html.push_str(&format!("<span class=\"{class}\">")),
            }
        }
        text.clear();
        text.push_str(line);
        text.push('\n');
        let coloured = match &mut state {
            Some((parse, scopes)) if line.len() <= MAX_LINE => {
                spans(parse, scopes, &text, &mut html)
            }
            _ => false,
        };
        if !coloured {
            html.push_str(&escape(line));
            // What a state would say behind a line that it did not see is a guess.
            state = None;
        }
        if by_line {
            html.push_str("\n</span>");
        }
    }
    html.push_str("</code></pre></div>\n");
    html
}

/// Writes one line with its end in spans, but not the end; false if its grammar failed.
fn spans(parse: &mut ParseState, scopes: &mut ScopeStack, line: &str, html: &mut String) -> bool {
    let Ok(ops) = parse.parse_line(line, syntaxes()) else {
        return false;
    };
    let mut from = 0;
    let mut last: Option<&'static str> = None;
    let start = html.len();
    let mut put = |text: &str, class: Option<&'static str>, html: &mut String| {
        let text = text.trim_end_matches('\n');
        if text.is_empty() {
            return;
        }
        if last != class {
            if last.is_some() {
                html.push_str("</span>");
            }
            if let Some(class) = class {
                html.push_str("<span class=\"");
                html.push_str(class);
                html.push_str("\">");
            }
            last = class;
        }
        html.push_str(&escape(text));
    };
    for (at, op) in ops {
        if at > from {
            put(line.get(from..at).unwrap_or_default(), class(scopes), html);
            from = at;
        }
        if scopes.apply(&op).is_err() {
            html.truncate(start);
            return false;
        }
    }
    put(line.get(from..).unwrap_or_default(), class(scopes), html);
    if last.is_some() {
        html.push_str("</span>");
    }
    true
}

/// The class of what stands in these scopes: the innermost that has one.
fn class(scopes: &ScopeStack) -> Option<&'static str> {
    let known = classes();
    scopes.as_slice().iter().rev().find_map(|scope| {
        let mut known = known.iter();
        known
            .find(|(prefix, _)| prefix.is_prefix_of(*scope))
            .map(|(_, class)| *class)
    })
}

/// Scopes of `TextMate` grammars, more exact ones first.
fn classes() -> &'static [(Scope, &'static str)] {
    static CLASSES: OnceLock<Vec<(Scope, &'static str)>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        [
            ("comment", "c"),
            ("punctuation.definition.comment", "c"),
            ("string", "s"),
            ("punctuation.definition.string", "s"),
            ("constant.numeric", "m"),
            ("constant.character.escape", "se"),
            ("constant", "kc"),
            ("keyword.operator", "o"),
            ("keyword", "k"),
            ("storage", "k"),
            ("entity.name.function", "nf"),
            ("variable.function", "nf"),
            ("entity.name.tag", "nt"),
            ("entity.other.attribute-name", "na"),
            ("entity.name", "nc"),
            ("entity.other.inherited-class", "nc"),
            ("support.function", "nb"),
            ("support", "nb"),
            ("variable.parameter", "v"),
            ("variable", "v"),
            ("markup.inserted", "gi"),
            ("markup.deleted", "gd"),
            ("markup.heading", "nf"),
            ("punctuation", "p"),
        ]
        .into_iter()
        .filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, class)))
        .collect()
    })
}

fn syntaxes() -> &'static SyntaxSet {
    static SYNTAXES: OnceLock<SyntaxSet> = OnceLock::new();
    SYNTAXES.get_or_init(SyntaxSet::load_defaults_newlines)
}

/// The grammar of a language, by what people call it.
fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let known = match language {
        "" | "text" | "plain" | "plaintext" | "txt" | "console" | "output" | "none" => return None,
        "shell" | "sh" | "zsh" | "bash" | "shell-session" => "bash",
        "js" | "javascript" | "jsx" | "mjs" | "ts" | "typescript" | "tsx" => "js",
        "golang" => "go",
        "py" | "python3" | "pycon" => "python",
        "yml" => "yaml",
        "rs" => "rust",
        "kt" | "kts" | "kotlin" => "java",
        "jsonc" | "json5" => "json",
        "c++" => "cpp",
        "csharp" | "c#" => "cs",
        "md" => "markdown",
        other => other,
    };
    syntaxes().find_syntax_by_token(known)
}
