//! What a page is called: what its front matter says, else its first heading, else its file.

use crate::docs::tree::name_of;

/// Keys that a front matter without marks begins with, as MkDocs reads it.
const KEYS: &[&str] = &[
    "title",
    "description",
    "summary",
    "author",
    "authors",
    "date",
    "template",
    "hide",
    "tags",
];

/// The front matter of a page, and how many lines of the file it takes.
pub(in crate::docs) fn front_matter(text: &str) -> Option<(&str, usize)> {
    let Some(rest) = text.strip_prefix("---") else {
        return unmarked(text);
    };
    let rest = rest
        .trim_start_matches([' ', '\t', '\r'])
        .strip_prefix('\n')?;
    let mut length = 0;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((rest.get(..length)?, number + 2));
        }
        length += line.len();
    }
    None
}

/// `title: …` and the like right at the beginning, up to an empty line.
fn unmarked(text: &str) -> Option<(&str, usize)> {
    let (first, _) = text.split_once(':')?;
    if !KEYS.iter().any(|key| first.eq_ignore_ascii_case(key)) {
        return None;
    }
    let mut length = 0;
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_end();
        let goes_on = line.starts_with("    ")
            || bare.split_once(':').is_some_and(|(key, _)| {
                !key.is_empty()
                    && key
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            });
        if !goes_on {
            // A heading right behind it, or a text: then the line above was one as well.
            return bare.is_empty().then_some((text.get(..length)?, n));
        }
        length += line.len();
    }
    None
}

/// A value of the front matter, of those that are one line long.
fn meta<'t>(front: &'t str, key: &str) -> Option<&'t str> {
    let line = front.lines().find_map(|line| {
        let (before, behind) = line.split_at_checked(key.len())?;
        before.eq_ignore_ascii_case(key).then_some(behind)
    })?;
    let value = line.strip_prefix(':')?.trim();
    let quoted = |mark| value.strip_prefix(mark)?.strip_suffix(mark);
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    (!value.is_empty()).then_some(value)
}

/// What a page is called that the navigation gives no title.
pub(super) fn title(text: &str, file: &str) -> String {
    let (front, start) = front_matter(text).unwrap_or_default();
    if let Some(title) = meta(front, "title") {
        return title.to_owned();
    }
    heading(text, start).unwrap_or_else(|| of_file(file))
}

/// The first heading, if it is one of the first level.
fn heading(text: &str, start: usize) -> Option<String> {
    let mut fence: Option<&str> = None;
    let mut before = "";
    for line in text.lines().skip(start) {
        let bare = line.trim();
        if let Some(mark) = fence {
            if bare.starts_with(mark) {
                fence = None;
            }
            continue;
        }
        fence = ["```", "~~~"]
            .into_iter()
            .find(|mark| bare.starts_with(mark));
        if fence.is_some() || line.starts_with("    ") {
            continue;
        }
        if let Some(rest) = bare.strip_prefix('#') {
            // One of a lower level first: the page has no title of its own.
            let is_title = rest.starts_with([' ', '\t']);
            return is_title
                .then(|| plain(rest))
                .filter(|text| !text.is_empty());
        }
        if !bare.is_empty() && bare.chars().all(|c| c == '=') && !before.is_empty() {
            return Some(plain(before));
        }
        before = bare;
    }
    None
}

/// A heading without its marks.
fn plain(heading: &str) -> String {
    let heading = heading.trim().trim_end_matches('#').trim_end();
    let heading = match heading
        .strip_suffix('}')
        .and_then(|rest| rest.rsplit_once('{'))
    {
        Some((text, _)) => text.trim_end(),
        None => heading,
    };
    crate::docs::render::plain_text(heading)
}

/// `rotate-the-keys.md` is called `Rotate the keys`, and `keys/index.md` after its folder.
fn of_file(file: &str) -> String {
    let name = name_of(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let name = match stem.to_ascii_lowercase().as_str() {
        "index" | "readme" => match file.rsplit_once('/') {
            Some((folder, _)) => name_of(folder),
            None => "Home",
        },
        _ => stem,
    };
    let words = name.replace(['-', '_'], " ");
    let mut chars = words.chars();
    match chars.next() {
        Some(first) if words.to_lowercase() == words => first.to_uppercase().chain(chars).collect(),
        _ => words,
    }
}
