//! What of a page's HTML reaches a reader. Home of `ammonia`.
//!
//! The rules, applied to all of it after everything else, whoever wrote it:
//!
//! - **Tags**: text, headings, lists, tables, links, images, quotes, code, `details`, `figure`, ruby, and the check boxes of task lists, which are disabled. No `script`, `style`, `iframe`, `object`, `embed`, `form`, `svg`, `math`, `link`, `meta`, `base`, `video`: of `script` and `style` the text goes, too.
//! - **Attributes**: `class`, `id`, `title`, `lang`, `dir`, `align`, `data-line`, and what the tag needs. No `style` and nothing that begins with `on`. Classes that begin with `cb-` are the theme's and are taken away, ids have no spaces or quotes.
//! - **Schemes** of addresses: `http`, `https`, `mailto`, `tel`, `sms`, `ftp`, `ftps`, `matrix`, `xmpp`, `callto`, and relative ones. No `javascript:`, no `data:`, also none for images.
//! - Links get `rel="noopener noreferrer"`. Comments go.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use ammonia::Builder;

const SCHEMES: &[&str] = &[
    "http", "https", "mailto", "tel", "sms", "ftp", "ftps", "matrix", "xmpp", "callto",
];

/// The scheme of an address that is taken away.
pub(super) fn unsafe_scheme(url: &str) -> Option<String> {
    // A browser looks away from them, so they hide nothing.
    let is_seen = |c: &char| !c.is_ascii_whitespace() && !c.is_ascii_control();
    let (scheme, _) = url.split_once(':')?;
    let scheme: String = scheme.chars().filter(is_seen).take(40).collect();
    let scheme = scheme.to_ascii_lowercase();
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    (is_scheme && !SCHEMES.contains(&scheme.as_str())).then_some(scheme)
}

/// HTML with nothing in it that runs, loads what nobody asked for, or looks like a part of the server.
pub(super) fn sanitize(html: &str) -> String {
    shown(&builder().clean(&set_aside(html)).to_string())
}

/// Entities and what stands for them while a page is sanitised: the parser takes the square of the time for many of them.
///
/// None of them means anything to it but text, in a text and in an attribute, so they may be looked away from; what stands for them are code points that are no characters.
const ASIDE: &[(&str, char)] = &[
    ("&amp;", '\u{FDD0}'),
    ("&lt;", '\u{FDD1}'),
    ("&gt;", '\u{FDD2}'),
    ("&quot;", '\u{FDD3}'),
    ("&#39;", '\u{FDD4}'),
];
/// So many others of one page are read; what comes behind them is shown as it is written.
const MAX_ENTITIES: usize = 2_000;

fn set_aside(html: &str) -> String {
    let mut aside = String::with_capacity(html.len());
    let mut others = 0;
    let mut rest = html;
    while let Some(at) = rest.find([
        '&', '\u{FDD0}', '\u{FDD1}', '\u{FDD2}', '\u{FDD3}', '\u{FDD4}',
    ]) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        aside.push_str(before);
        let known = ASIDE.iter().find(|(entity, _)| from.starts_with(entity));
        let taken = match known {
            Some((entity, mark)) => {
                aside.push(*mark);
                entity.len()
            }
            None if from.starts_with('&') => {
                others += 1;
                let is_entity = from
                    .chars()
                    .nth(1)
                    .is_some_and(|next| next == '#' || next.is_ascii_alphabetic());
                aside.push(match is_entity && others <= MAX_ENTITIES {
                    true => '&',
                    false => '\u{FDD0}',
                });
                1
            }
            // Nobody writes these.
            None => {
                aside.push('\u{FFFD}');
                '\u{FDD0}'.len_utf8()
            }
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    aside.push_str(rest);
    aside
}

fn shown(clean: &str) -> String {
    let mut shown = String::with_capacity(clean.len() + 16);
    for c in clean.chars() {
        match ASIDE.iter().find(|(_, mark)| *mark == c) {
            Some((entity, _)) => shown.push_str(entity),
            None => shown.push(c),
        }
    }
    shown
}

fn builder() -> &'static Builder<'static> {
    static BUILDER: OnceLock<Builder<'static>> = OnceLock::new();
    BUILDER.get_or_init(|| {
        let mut builder = Builder::default();
        builder
            .add_tags([
                "section",
                "input",
                "label",
                "details",
                "summary",
                "figure",
                "figcaption",
            ])
            .rm_tags(["map", "area"])
            .add_generic_attributes(["class", "id", "dir", "align", "data-line"])
            .add_tag_attributes("details", ["open", "name"])
            .add_tag_attributes("input", ["type", "disabled", "checked", "aria-label"])
            .add_tag_attributes("img", ["loading"])
            .add_tag_attributes("td", ["colspan", "rowspan"])
            .add_tag_attributes("th", ["colspan", "rowspan"])
            .set_tag_attribute_value("input", "type", "checkbox")
            .set_tag_attribute_value("input", "disabled", "")
            .url_schemes(HashSet::from_iter(SCHEMES.iter().copied()))
            .link_rel(Some("noopener noreferrer"))
            .attribute_filter(|_, attribute, value| filter(attribute, value));
        builder
    })
}

fn filter<'v>(attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
    match attribute {
        "class" if value.contains("cb-") => {
            let kept = value.split_ascii_whitespace();
            let kept: Vec<&str> = kept.filter(|class| !class.starts_with("cb-")).collect();
            (!kept.is_empty()).then(|| kept.join(" ").into())
        }
        "id" => {
            let odd = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`');
            let is_own = value.starts_with("cb-");
            (!value.is_empty() && !is_own && !value.contains(odd)).then_some(value.into())
        }
        _ => Some(value.into()),
    }
}
