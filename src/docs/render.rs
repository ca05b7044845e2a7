//! From the Markdown of a page to safe HTML, its headings and its sections. Home of `pulldown_cmark`.
//!
//! | file | what happens |
//! | --- | --- |
//! | `snippets` `include` | other files are put in |
//! | `blocks` | what MkDocs users write beyond `CommonMark` becomes tags with Markdown between them |
//! | `write` | one pass over the parser's events: anchors, links, code, footnotes, sections |
//! | `attributes` `highlight` `inline` `links` | attribute lists; code; emoji, marks, abbreviations; where links lead |
//! | `sanitize` | what of the HTML reaches a reader, whoever wrote it |
//!
//! Bounds, each told as a problem where it is met: a page of 2 MB, with its snippets 4 MB; 500,000 parts; 100 blocks and 100 raw HTML elements within each other; 64 kB of a block of code and 512 kB of a page in colours.

mod attributes;
mod blocks;
mod highlight;
mod include;
mod inline;
mod links;
mod raw;
mod sanitize;
mod snippets;
mod write;

use std::collections::HashSet;

use pulldown_cmark::{Event, Options, Parser};

use super::site::{MAX_PAGE_BYTES, Page, Site, front_matter};
use super::tree::Stamp;
use crate::diagnostic::{Diagnostic, Position, Span};

pub(crate) use blocks::escape;
pub(crate) use links::{asset_url, encode, page_url};
pub(super) use snippets::{MAX_BYTES as MAX_SNIPPET_BYTES, named as named_snippets};

/// A page as readers see it.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Sanitised; links are relative to the page's address, which ends with a slash.
    pub html: String,
    pub toc: Vec<Heading>,
    pub sections: Vec<Section>,
    pub problems: Vec<Diagnostic>,
    /// Anchors of other pages, and of this one, that links name.
    pub(super) wanted: Vec<Wanted>,
    pub(super) anchors: HashSet<String>,
    /// Files that it was made of beside its own.
    pub(super) stamps: Vec<(String, Option<Stamp>)>,
}

/// A heading of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    pub level: u8,
    pub anchor: String,
    pub title: String,
}

/// A heading and the text up to the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Empty for what stands before the first heading.
    pub anchor: String,
    pub title: String,
    pub level: u8,
    /// Without marks; a block ends with a line feed.
    pub text: String,
}

impl Section {
    /// What tells it apart from the others of its docs.
    pub fn key(&self, page: &Page) -> String {
        format!("{}#{}", page.path, self.anchor)
    }
}

/// An anchor that a link names.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) virtual_path: String,
    pub(super) anchor: String,
    pub(super) file: String,
    pub(super) line: u32,
}

/// What is left out where nobody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// For readers.
    Show,
    /// For its sections and problems: no colours, and no HTML.
    Read,
}

/// Renders `text`, the file of `page`; `source` is where the folder of the docs can be seen.
pub fn render(
    site: &Site,
    page: &Page,
    text: &str,
    source: Option<&str>,
    purpose: Purpose,
) -> Rendered {
    if text.len() as u64 > MAX_PAGE_BYTES {
        return too_large(page, text.len() as u64);
    }
    let skip = front_matter(text).map_or(0, |(_, lines)| lines);
    let expanded = snippets::expand(site, &page.file, text, skip);
    let prepared = blocks::prepare(&expanded);
    let mut rendered = write::write(
        &write::Job {
            site,
            page,
            source,
            files: &expanded.files,
            prepared: &prepared,
            purpose,
        },
        options(),
    );
    if purpose == Purpose::Show {
        rendered.html = sanitize::sanitize(&rendered.html);
    }
    rendered.problems.extend(expanded.problems);
    rendered.stamps = expanded.stamps;
    rendered
}

/// A page in place of one that is too large.
pub(super) fn too_large(page: &Page, size: u64) -> Rendered {
    let message = format!(
        "`{}` has {size} bytes; up to {MAX_PAGE_BYTES} are rendered",
        page.file
    );
    let text =
        format!("This page has {size} bytes. Pages of up to {MAX_PAGE_BYTES} bytes are shown.");
    Rendered {
        html: format!("<p>{text}</p>\n"),
        problems: vec![
            Diagnostic::error("docs-limit", page.file.as_str(), message)
                .hint("divide the page; let large data be a file that the page links to"),
        ],
        ..Rendered::default()
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_SUBSCRIPT
        | Options::ENABLE_GFM
}

/// A line of Markdown as HTML without a paragraph around it; not sanitised yet.
fn inline(line: &str) -> String {
    let mut html = String::new();
    for event in Parser::new_ext(line, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) => html.push_str(&inline::text(&text, &Default::default(), true)),
            Event::Code(code) => html.push_str(&format!("<code>{}</code>", escape(&code))),
            Event::Start(pulldown_cmark::Tag::Emphasis) => html.push_str("<em>"),
            Event::End(pulldown_cmark::TagEnd::Emphasis) => html.push_str("</em>"),
            Event::Start(pulldown_cmark::Tag::Strong) => html.push_str("<strong>"),
            Event::End(pulldown_cmark::TagEnd::Strong) => html.push_str("</strong>"),
            _ => {}
        }
    }
    html
}

/// The text of a line of Markdown.
pub(super) fn plain_text(line: &str) -> String {
    let mut plain = String::new();
    for event in Parser::new(line) {
        match event {
            Event::Text(text) | Event::Code(text) => plain.push_str(&text),
            Event::SoftBreak | Event::HardBreak => plain.push(' '),
            _ => {}
        }
    }
    match plain.is_empty() {
        true => line.to_owned(),
        false => plain,
    }
}

/// The place of a whole line.
pub(super) fn at_line(line: u32) -> Span {
    let start = Position { line, column: 1 };
    Span { start, end: start }
}
