//! What MkDocs users write within a text: emoji, icons, marks, edits, keys, abbreviations, and addresses that become links.

mod symbols;

use std::collections::BTreeMap;

use super::attributes::Attributes;
use super::blocks::escape;
pub(super) use symbols::plain as without_icons;

/// A text as HTML, with what is special in it; `in_link` keeps links out of links.
pub(super) fn text(text: &str, abbreviations: &BTreeMap<String, String>, in_link: bool) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut rest = text;
    // The last character before the rest, for the edges of words.
    let mut before = ' ';
    while !rest.is_empty() {
        let found = match in_link {
            true => None,
            false => address(rest, before),
        };
        let found = found
            .or_else(|| emoji(rest))
            .or_else(|| symbols::icon(rest))
            .or_else(|| edit(rest))
            .or_else(|| symbols::symbol(rest, before))
            .or_else(|| keys(rest))
            .or_else(|| marked(rest, "==", "mark"))
            .or_else(|| marked(rest, "^^", "ins"))
            .or_else(|| raised(rest, '^', "sup"))
            .or_else(|| raised(rest, '~', "sub"))
            .or_else(|| abbreviation(rest, before, abbreviations));
        let taken = match found {
            Some((shown, taken)) => {
                html.push_str(&shown);
                taken
            }
            None => plain(rest, before, abbreviations, &mut html),
        };
        let Some((done, after)) = rest.split_at_checked(taken.max(1)) else {
            html.push_str(&escape(rest));
            break;
        };
        before = done.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    html
}

/// Writes what cannot be the beginning of anything, at least one character, and says how long it is.
fn plain(
    rest: &str,
    before: char,
    abbreviations: &BTreeMap<String, String>,
    html: &mut String,
) -> usize {
    let mut last = before;
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        let begins = matches!(c, ':' | '=' | '^' | '+' | '~' | '{' | '(' | '-' | '<')
            || (matches!(c, 'h' | 'w') && !last.is_alphanumeric())
            || (!abbreviations.is_empty() && !last.is_alphanumeric() && c.is_alphanumeric());
        if begins && at > 0 {
            end = at;
            break;
        }
        last = c;
    }
    html.push_str(&escape(rest.get(..end).unwrap_or_default()));
    end
}

/// At most `n` characters from the beginning: what is looked for further on is nothing.
fn head(text: &str, n: usize) -> &str {
    let end = text.char_indices().nth(n);
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// HTML, and how many bytes of the text it stands for.
type Found = Option<(String, usize)>;

/// `https://…` and `www.…`.
fn address(rest: &str, before: char) -> Found {
    let is_web = rest.starts_with("https://") || rest.starts_with("http://");
    if before.is_alphanumeric() || !(is_web || rest.starts_with("www.")) {
        return None;
    }
    let mut url = head(rest, 2_000)
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '|'))
        .next()?;
    loop {
        let trimmed = url.trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~']);
        // A bracket that was not opened within belongs to the text around.
        let trimmed = match trimmed.strip_suffix(')') {
            Some(inner) if inner.matches('(').count() <= inner.matches(')').count() => inner,
            _ => trimmed,
        };
        if trimmed == url {
            break;
        }
        url = trimmed;
    }
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    if host.is_empty() || !host.contains(|c: char| c.is_alphanumeric()) || host == "www" {
        return None;
    }
    let shown = escape(url);
    let scheme = if is_web { "" } else { "https://" };
    Some((
        format!("<a class=\"magiclink\" href=\"{scheme}{shown}\">{shown}</a>"),
        url.len(),
    ))
}

/// `:tada:`.
fn emoji(rest: &str) -> Found {
    let inner = rest.strip_prefix(':')?;
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-')))?;
    let name = inner.get(..end.min(60))?;
    if name.is_empty() || !inner.get(end..)?.starts_with(':') {
        return None;
    }
    let emoji = emojis::get_by_shortcode(name)?;
    let shown = emoji.as_str();
    Some((
        format!("<span class=\"emoji\" title=\":{name}:\">{shown}</span>"),
        end + 2 + symbols::list(rest, end + 2),
    ))
}

/// `++ctrl+alt+del++`.
fn keys(rest: &str) -> Found {
    let inner = rest.strip_prefix("++")?;
    let end = head(inner, 80).find("++")?;
    let keys = inner.get(..end)?;
    let is_key = |key: &str| {
        let key = key.trim_matches('"');
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    if !keys.split('+').all(is_key) {
        return None;
    }
    let mut shown = String::from("<span class=\"keys\">");
    for (number, key) in keys.split('+').enumerate() {
        if number > 0 {
            shown.push('+');
        }
        let name = match key.trim_matches('"') {
            key if key.len() > 1 => super::blocks::capital(&key.replace('-', " ")),
            key => key.to_uppercase(),
        };
        shown.push_str(&format!("<kbd>{}</kbd>", escape(&name)));
    }
    shown.push_str("</span>");
    Some((shown, end + 4))
}

/// `==marked==` and the like, within one line.
fn marked(rest: &str, mark: &str, tag: &str) -> Found {
    let inner = rest.strip_prefix(mark)?;
    let end = head(inner, 400).find(mark)?;
    let text = inner.get(..end)?;
    let is_tight = !text.is_empty()
        && !text.starts_with([' ', '='])
        && !text.ends_with(' ')
        && !text.contains('\n');
    is_tight.then(|| {
        let shown = format!("<{tag}>{}</{tag}>", escape(text));
        (shown, end + 2 * mark.len())
    })
}

/// `x^2^` and `H~2~O`.
fn raised(rest: &str, mark: char, tag: &str) -> Found {
    let inner = rest.strip_prefix(mark)?;
    let end = inner.find(|c: char| c == mark || c.is_whitespace())?;
    let text = inner
        .get(..end)
        .filter(|text| !text.is_empty() && text.len() <= 40)?;
    // `~/one:~/other` are paths.
    if !inner.get(end..)?.starts_with(mark) || (mark == '~' && text.contains('/')) {
        return None;
    }
    let shown = format!("<{tag}>{}</{tag}>", escape(text));
    Some((shown, end + 2))
}

/// `{++added++}`, `{--removed--}`, `{~~old~>new~~}`, `{==marked==}`, `{>>said<<}`: edits of Critic Markup.
fn edit(rest: &str) -> Found {
    let inner = rest.strip_prefix('{')?;
    let marks = [
        ("++", "++}", "ins"),
        ("--", "--}", "del"),
        ("~~", "~~}", ""),
        ("==", "==}", "mark"),
        (">>", "<<}", "q"),
    ];
    let (begin, end, tag) = marks.iter().find(|(begin, ..)| inner.starts_with(begin))?;
    let inner = inner.strip_prefix(begin)?;
    let length = head(inner, 1_000).find(end)?;
    let text = inner.get(..length)?;
    let shown = match *tag {
        "" => {
            let (old, new) = text.split_once("~>")?;
            format!("<del>{}</del><ins>{}</ins>", escape(old), escape(new))
        }
        "q" => format!("<span class=\"critic comment\">{}</span>", escape(text)),
        tag => format!("<{tag} class=\"critic\">{}</{tag}>", escape(text)),
    };
    Some((shown, 1 + begin.len() + length + end.len()))
}

fn abbreviation(rest: &str, before: char, known: &BTreeMap<String, String>) -> Found {
    if known.is_empty() || before.is_alphanumeric() {
        return None;
    }
    // Sorted: those that begin as the rest does are next to each other.
    let word_end = rest
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(rest.len());
    let word = rest.get(..word_end)?;
    let candidates = known.range(word.to_owned()..).take(20);
    let mut candidates: Vec<(&String, &String)> = candidates
        .take_while(|(short, _)| short.starts_with(word))
        .filter(|(short, _)| {
            let after = rest.strip_prefix(short.as_str());
            after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
        })
        .collect();
    candidates.sort_by_key(|(short, _)| std::cmp::Reverse(short.len()));
    let (short, long) = candidates.first().filter(|_| !word.is_empty())?;
    let shown = format!("<abbr title=\"{}\">{}</abbr>", escape(long), escape(short));
    Some((shown, short.len()))
}
