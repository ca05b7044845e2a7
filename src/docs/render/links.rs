//! Where links and images of a page lead: files become the addresses of pages and assets, as seen from the page's own.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::docs::site::{Page, Site, Target};

/// What became of the address of a link or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// Not ours to judge: elsewhere, or within the page.
    As(String),
    /// To an anchor of a page of these docs.
    Page {
        url: String,
        virtual_path: String,
        anchor: Option<String>,
    },
    Asset(String),
    /// Nothing is there, with what was looked for.
    Nowhere(String),
}

/// Looks at `written`, the address of a link on `page`.
pub(super) fn lead(site: &Site, page: &Page, written: &str, source: Option<&str>) -> Led {
    let bare = written.trim();
    if bare.is_empty() || bare.starts_with('?') || bare.starts_with("//") || has_scheme(bare) {
        return Led::As(bare.to_owned());
    }
    let (before, anchor) = match bare.split_once('#') {
        Some((before, anchor)) => (before, Some(anchor)),
        None => (bare, None),
    };
    let (path, query) = match before.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (before, None),
    };
    let anchored = anchor.map(decode);
    if path.is_empty() {
        return Led::Page {
            url: bare.to_owned(),
            virtual_path: page.virtual_path.clone(),
            anchor: anchored,
        };
    }
    let path = decode(path);
    let mut tail = String::new();
    if let Some(query) = query {
        tail.push_str(&format!("?{query}"));
    }
    if let Some(anchor) = anchor {
        tail.push_str(&format!("#{anchor}"));
    }
    let (target, virtual_path) = site.resolve(page, &path);
    match target {
        Target::Page(to) => Led::Page {
            url: format!("{}{tail}", page_url(&page.path, &to.path)),
            virtual_path: to.virtual_path.clone(),
            anchor: anchored,
        },
        Target::Asset => Led::Asset(format!("{}{tail}", asset_url(&page.path, &virtual_path))),
        Target::Unpublished => match source {
            Some(source) => {
                let source = source.trim_end_matches('/');
                Led::As(format!("{source}/{}{tail}", encode(&virtual_path)))
            }
            None => Led::As(String::new()),
        },
        Target::Nothing => Led::Nowhere(path),
    }
}

/// The address of a page as seen from that of another; both end with a slash.
pub(crate) fn page_url(from: &str, to: &str) -> String {
    match (up(from), to) {
        (up, "") if up.is_empty() => "./".to_owned(),
        (up, "") => up,
        (up, to) => format!("{up}{}/", encode(to)),
    }
}

/// The address of a file as seen from that of a page.
pub(crate) fn asset_url(from: &str, virtual_path: &str) -> String {
    format!("{}{}", up(from), encode(virtual_path))
}

fn up(from: &str) -> String {
    let parts = from.split('/').filter(|part| !part.is_empty());
    "../".repeat(parts.count())
}

fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// `%20` and the like as what they stand for; what is no UTF-8 stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map_or_else(|_no_text| text.to_owned(), Cow::into_owned)
}

/// What stands in the path of an address as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b'@');

/// A path as it stands in an address.
pub(crate) fn encode(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}
