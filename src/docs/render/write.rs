//! One pass over the events of the parser, straight into HTML.
//!
//! Our own in place of the parser's, because anchors, attribute lists, footnotes, code and links need to know more than one event, and nesting has a bound.

mod html;
mod leads;
mod lists;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd,
    TextMergeWithOffset,
};

use super::attributes::Attributes;
use super::blocks::{Prepared, escape};
use super::highlight::{self, Info};
use super::raw::Depth;
use super::{Heading, Purpose, Rendered, Section, at_line};
use crate::diagnostic::Diagnostic;
use crate::docs::site::{Page, Site};
use crate::docs::slug::Anchors;
use lists::attribute_lists;

/// Most events of a page.
const MAX_EVENTS: usize = 500_000;
/// Most blocks within each other.
const MAX_DEPTH: usize = 100;
/// Most bytes of code of one page that get colours.
const MAX_COLOURED: usize = 512 * 1024;
/// Most problems of one page.
const MAX_PROBLEMS: usize = 100;
/// Most footnotes of a page.
const MAX_FOOTNOTES: usize = 1_000;
/// Most ways back from one footnote.
const MAX_BACK: usize = 20;
/// Most bytes of a section's text.
const MAX_SECTION: usize = 100_000;

/// What is rendered, and for whom.
pub(super) struct Job<'j> {
    pub(super) site: &'j Site,
    pub(super) page: &'j Page,
    pub(super) source: Option<&'j str>,
    pub(super) files: &'j [String],
    pub(super) prepared: &'j Prepared,
    pub(super) purpose: Purpose,
}

pub(super) fn write(job: &Job<'_>, options: Options) -> Rendered {
    let text = &job.prepared.text;
    let parser = Parser::new_ext(text, options).into_offset_iter();
    let mut events: Vec<(Event<'_>, Range<usize>)> = Vec::new();
    let mut cut = None;
    for (event, range) in TextMergeWithOffset::new(parser) {
        if events.len() == MAX_EVENTS {
            cut = Some(range.start);
            break;
        }
        events.push((event, range));
    }
    let mut writer = Writer {
        job,
        lines: line_starts(text),
        out: String::with_capacity(text.len() * 2),
        rendered: Rendered::default(),
        anchors: Anchors::default(),
        depth: 0,
        raw: Depth::default(),
        told: HashSet::new(),
        heading: None,
        code: None,
        image: None,
        links: Vec::new(),
        footnotes: Footnotes::default(),
        table: Table::default(),
        coloured: 0,
    };
    writer.rendered.sections.push(Section::default());
    let lists = attribute_lists(&mut events);
    for (number, (event, range)) in events.into_iter().enumerate() {
        let given = lists.get(&number);
        writer.event(event, &range, given);
    }
    if let Some(at) = cut {
        let message = format!("the page has more than {MAX_EVENTS} parts; the rest is left out");
        writer.told("docs-limit", at, message, "divide the page");
    }
    writer.finish()
}

struct Writer<'j> {
    job: &'j Job<'j>,
    /// Where each line of the text begins.
    lines: Vec<usize>,
    out: String,
    rendered: Rendered,
    anchors: Anchors,
    depth: usize,
    raw: Depth,
    /// Bounds that were told: once each is enough.
    told: HashSet<&'static str>,
    heading: Option<Open>,
    code: Option<(Info, String)>,
    image: Option<Image>,
    /// End tags of the links that are open.
    links: Vec<&'static str>,
    footnotes: Footnotes,
    table: Table,
    /// Bytes of code that have colours.
    coloured: usize,
}

/// A heading that is being read.
struct Open {
    level: u8,
    id: Option<String>,
    extra: String,
    /// Where its text begins in the HTML.
    from: usize,
    title: String,
}

struct Image {
    led: Option<String>,
    title: String,
    alt: String,
    extra: String,
}

#[derive(Default)]
struct Footnotes {
    /// Labels in the order in which they are referred to.
    order: Vec<String>,
    /// The number of each label, and how often it is referred to.
    counts: HashMap<String, (usize, usize)>,
    texts: HashMap<String, String>,
    /// The labels of the definitions that are being read, with the HTML around them.
    around: Vec<(String, String)>,
}

#[derive(Default)]
struct Table {
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>, given: Option<&Attributes>) {
        match event {
            Event::Start(tag) => self.start(tag, range, given),
            Event::End(end) => self.end(end),
            Event::Text(text) => self.text(&text),
            Event::Code(code) => self.code_span(&code, given),
            Event::Html(html) | Event::InlineHtml(html) => self.raw(&html, range.start),
            Event::SoftBreak => self.space("\n"),
            Event::HardBreak => self.space("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(done) => {
                // What reads it aloud has no other name for it.
                let checked = match done {
                    true => " checked aria-label=\"done\"",
                    false => " aria-label=\"to do\"",
                };
                self.out
                    .push_str(&format!("<input type=\"checkbox\" disabled{checked}> "));
            }
            Event::FootnoteReference(label) => self.reference(&label),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>, given: Option<&Attributes>) {
        let is_block = matches!(tag, Tag::BlockQuote(_) | Tag::List(_) | Tag::Item)
            || matches!(
                tag,
                Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Subscript
            );
        if is_block {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                let message =
                    format!("what is nested more than {MAX_DEPTH} deep is shown without its marks");
                return self.told("docs-limit", range.start, message, "write it flatter");
            }
        }
        let extra = given.map(Attributes::html).unwrap_or_default();
        self.rendered
            .anchors
            .extend(given.and_then(|given| given.id.clone()));
        match tag {
            Tag::Paragraph => self.out.push_str(&format!("<p{extra}>")),
            Tag::Heading {
                level,
                id,
                classes,
                attrs: _,
            } => {
                let mut list = given.cloned().unwrap_or_default();
                list.classes.extend(classes.iter().map(ToString::to_string));
                let id = list.id.take().or(id.map(|id| id.to_string()));
                self.heading = Some(Open {
                    level: level_of(level),
                    id,
                    extra: list.html(),
                    from: self.out.len(),
                    title: String::new(),
                });
            }
            Tag::BlockQuote(kind) => self.quote(kind),
            Tag::CodeBlock(kind) => {
                let info = match &kind {
                    CodeBlockKind::Fenced(info) => Info::parse(info),
                    CodeBlockKind::Indented => Info::default(),
                };
                self.code = Some((info, String::new()));
            }
            Tag::List(None) => self.out.push_str("<ul>\n"),
            Tag::List(Some(1)) => self.out.push_str("<ol>\n"),
            Tag::List(Some(start)) => self.out.push_str(&format!("<ol start=\"{start}\">\n")),
            Tag::Item => self.out.push_str("<li>"),
            Tag::FootnoteDefinition(label) => {
                let around = std::mem::take(&mut self.out);
                self.footnotes.around.push((label.to_string(), around));
            }
            Tag::DefinitionList => self.out.push_str("<dl>\n"),
            Tag::DefinitionListTitle => self.out.push_str("<dt>"),
            Tag::DefinitionListDefinition => self.out.push_str("<dd>"),
            Tag::Table(columns) => {
                self.table.columns = columns;
                self.out.push_str("<table>\n");
            }
            Tag::TableHead => {
                self.table.in_head = true;
                self.table.column = 0;
                self.out.push_str("<thead>\n<tr>");
            }
            Tag::TableRow => {
                self.table.column = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => self.cell(),
            Tag::Emphasis => self.out.push_str(&format!("<em{extra}>")),
            Tag::Strong => self.out.push_str(&format!("<strong{extra}>")),
            Tag::Strikethrough => self.out.push_str(&format!("<del{extra}>")),
            Tag::Subscript => self.out.push_str("<sub>"),
            Tag::Superscript => self.out.push_str("<sup>"),
            Tag::Link {
                link_type,
                dest_url,
                title,
                ..
            } => self.link(link_type, &dest_url, &title, range.start, &extra),
            Tag::Image {
                dest_url, title, ..
            } => {
                let led = self.lead(&dest_url, range.start, true);
                self.image = Some(Image {
                    led,
                    title: title.to_string(),
                    alt: String::new(),
                    extra,
                });
            }
            Tag::HtmlBlock | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, end: TagEnd) {
        let is_block = matches!(
            end,
            TagEnd::BlockQuote(_)
                | TagEnd::List(_)
                | TagEnd::Item
                | TagEnd::Emphasis
                | TagEnd::Strong
                | TagEnd::Strikethrough
                | TagEnd::Subscript
        );
        if is_block {
            self.depth = self.depth.saturating_sub(1);
            if self.depth >= MAX_DEPTH {
                return self.block_end();
            }
        }
        match end {
            TagEnd::Paragraph => {
                self.out.push_str("</p>\n");
                self.block_end();
            }
            TagEnd::Heading(_) => self.heading_end(),
            TagEnd::BlockQuote(None) => self.out.push_str("</blockquote>\n"),
            TagEnd::BlockQuote(Some(_)) => self.out.push_str("</div>\n"),
            TagEnd::CodeBlock => self.code_end(),
            TagEnd::List(false) => self.out.push_str("</ul>\n"),
            TagEnd::List(true) => self.out.push_str("</ol>\n"),
            TagEnd::Item => {
                self.out.push_str("</li>\n");
                self.block_end();
            }
            TagEnd::FootnoteDefinition => {
                if let Some((label, around)) = self.footnotes.around.pop() {
                    let text = std::mem::replace(&mut self.out, around);
                    self.footnotes.texts.entry(label).or_insert(text);
                }
            }
            TagEnd::DefinitionList => self.out.push_str("</dl>\n"),
            TagEnd::DefinitionListTitle => {
                self.out.push_str("</dt>\n");
                self.block_end();
            }
            TagEnd::DefinitionListDefinition => {
                self.out.push_str("</dd>\n");
                self.block_end();
            }
            TagEnd::Table => self.out.push_str("</tbody>\n</table>\n"),
            TagEnd::TableHead => {
                self.table.in_head = false;
                self.out.push_str("</tr>\n</thead>\n<tbody>\n");
                self.block_end();
            }
            TagEnd::TableRow => {
                self.out.push_str("</tr>\n");
                self.block_end();
            }
            TagEnd::TableCell => {
                self.table.column += 1;
                self.out.push_str(match self.table.in_head {
                    true => "</th>",
                    false => "</td>",
                });
                self.plain(" ");
            }
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Strikethrough => self.out.push_str("</del>"),
            TagEnd::Subscript => self.out.push_str("</sub>"),
            TagEnd::Superscript => self.out.push_str("</sup>"),
            TagEnd::Link => {
                let end = self.links.pop().unwrap_or_default();
                self.out.push_str(end);
            }
            TagEnd::Image => self.image_end(),
            TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(text);
            return;
        }
        if let Some(image) = &mut self.image {
            image.alt.push_str(text);
            return;
        }
        self.plain(text);
        let known = &self.job.prepared.abbreviations;
        let html = super::inline::text(text, known, !self.links.is_empty());
        self.out.push_str(&html);
    }

    /// A text for the heading and the section that are being read.
    fn plain(&mut self, text: &str) {
        let text = &*super::inline::without_icons(text);
        if let Some(heading) = &mut self.heading {
            heading.title.push_str(text);
            return;
        }
        if let Some(section) = self.rendered.sections.last_mut()
            && section.text.len() + text.len() <= MAX_SECTION
        {
            section.text.push_str(text);
        }
    }

    fn block_end(&mut self) {
        let ends = self.rendered.sections.last_mut();
        if let Some(section) = ends
            && !section.text.is_empty()
            && !section.text.ends_with('\n')
        {
            section.text.push('\n');
        }
    }

    fn space(&mut self, html: &str) {
        if let Some(image) = &mut self.image {
            image.alt.push(' ');
            return;
        }
        self.plain(" ");
        self.out.push_str(html);
    }

    fn code_span(&mut self, code: &str, given: Option<&Attributes>) {
        if let Some(image) = &mut self.image {
            image.alt.push_str(code);
            return;
        }
        // `#!python x` of inlinehilite: the language is no text.
        let shown = code.strip_prefix("#!").or_else(|| code.strip_prefix(":::"));
        let shown = shown.and_then(|rest| rest.split_once(' '));
        let shown = shown.map_or(code, |(_, code)| code);
        self.plain(shown);
        let extra = given.map(Attributes::html).unwrap_or_default();
        self.out
            .push_str(&format!("<code{extra}>{}</code>", escape(shown)));
    }

    fn code_end(&mut self) {
        let Some((info, code)) = self.code.take() else {
            return;
        };
        self.plain(&code);
        self.block_end();
        if self.job.purpose == Purpose::Read {
            return;
        }
        self.coloured += code.len();
        let colours = self.coloured <= MAX_COLOURED;
        let html = highlight::block(&info, &code, colours);
        self.out.push_str(&html);
    }

    fn quote(&mut self, kind: Option<BlockQuoteKind>) {
        let (class, title) = match kind {
            None => return self.out.push_str("<blockquote>\n"),
            Some(BlockQuoteKind::Note) => ("note", "Note"),
            Some(BlockQuoteKind::Tip) => ("tip", "Tip"),
            Some(BlockQuoteKind::Important) => ("important", "Important"),
            Some(BlockQuoteKind::Warning) => ("warning", "Warning"),
            Some(BlockQuoteKind::Caution) => ("caution", "Caution"),
        };
        self.out.push_str(&format!(
            "<div class=\"admonition {class}\"><p class=\"admonition-title\">{title}</p>\n"
        ));
    }

    fn cell(&mut self) {
        let tag = if self.table.in_head { "th" } else { "td" };
        let align = match self.table.columns.get(self.table.column) {
            Some(Alignment::Left) => " align=\"left\"",
            Some(Alignment::Center) => " align=\"center\"",
            Some(Alignment::Right) => " align=\"right\"",
            Some(Alignment::None) | None => "",
        };
        self.out.push_str(&format!("<{tag}{align}>"));
    }

    fn heading_end(&mut self) {
        let Some(open) = self.heading.take() else {
            return;
        };
        let title = open.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let anchor = match open.id.filter(|id| !id.is_empty()) {
            Some(id) => self.anchors.unique(id),
            None => self.anchors.of_text(&title),
        };
        let inner = self.out.split_off(open.from);
        let (level, id) = (open.level, escape(&anchor));
        let label = escape(&title);
        self.out.push_str(&format!(
            "<h{level} id=\"{id}\"{}>{inner}<a class=\"headerlink\" href=\"#{id}\" title=\"Link to {label}\">#</a></h{level}>\n",
            open.extra
        ));
        self.rendered.anchors.insert(anchor.clone());
        self.block_end();
        self.rendered.toc.push(Heading {
            level,
            anchor: anchor.clone(),
            title: title.clone(),
        });
        self.rendered.sections.push(Section {
            anchor,
            title,
            level,
            text: String::new(),
        });
    }

    fn reference(&mut self, label: &str) {
        let (number, count) = match self.footnotes.counts.get_mut(label) {
            Some((number, count)) => {
                *count += 1;
                (*number, *count)
            }
            None if self.footnotes.order.len() >= MAX_FOOTNOTES => return,
            None => {
                self.footnotes.order.push(label.to_owned());
                let number = self.footnotes.order.len();
                let counted = (number, 1);
                self.footnotes.counts.insert(label.to_owned(), counted);
                counted
            }
        };
        let id = match count {
            1 => format!("fnref:{label}"),
            count => format!("fnref{count}:{label}"),
        };
        self.out.push_str(&format!(
            "<sup id=\"{}\"><a class=\"footnote-ref\" href=\"#fn:{}\">{number}</a></sup>",
            escape(&id),
            escape(label)
        ));
    }

    fn finish(mut self) -> Rendered {
        if !self.footnotes.order.is_empty() {
            self.out.push_str("<div class=\"footnote\">\n<hr>\n<ol>\n");
            for label in std::mem::take(&mut self.footnotes.order) {
                let text = self.footnotes.texts.remove(&label).unwrap_or_default();
                let count = self.footnotes.counts.get(&label).map_or(1, |(_, n)| *n);
                let label = escape(&label);
                self.out.push_str(&format!("<li id=\"fn:{label}\">{text}"));
                for nth in 1..=count.min(MAX_BACK) {
                    let nth = if nth == 1 {
                        String::new()
                    } else {
                        nth.to_string()
                    };
                    self.out.push_str(&format!(
                        "<a class=\"footnote-backref\" href=\"#fnref{nth}:{label}\" title=\"Back to the text\">↩</a>"
                    ));
                }
                self.out.push_str("</li>\n");
            }
            self.out.push_str("</ol>\n</div>\n");
        }
        if self.out.contains("<p>[TOC]</p>") {
            let toc = toc_html(&self.rendered.toc);
            self.out = self.out.replacen("<p>[TOC]</p>", &toc, 1);
        }
        let sections = &mut self.rendered.sections;
        for section in sections.iter_mut() {
            section.text.truncate(section.text.trim_end().len());
        }
        if sections.first().is_some_and(|first| first.text.is_empty()) {
            sections.remove(0);
        }
        self.rendered.html = match self.job.purpose {
            Purpose::Show => self.out,
            Purpose::Read => String::new(),
        };
        self.rendered
    }

    /// File and line of a place in the text.
    fn place(&self, at: usize) -> (String, u32) {
        let line = self.lines.partition_point(|start| *start <= at);
        let origins = &self.job.prepared.origins;
        let (file, line) = origins
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or((0, 1));
        let file = self.job.files.get(file as usize).cloned();
        (file.unwrap_or_else(|| self.job.page.file.clone()), line)
    }

    fn problem(&mut self, code: &'static str, at: usize, message: String, hint: &str) {
        if self.rendered.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let (file, line) = self.place(at);
        let problem = Diagnostic::warning(code, file, message);
        self.rendered
            .problems
            .push(problem.at(at_line(line)).hint(hint));
    }

    /// A bound, told once.
    fn told(&mut self, code: &'static str, at: usize, message: String, hint: &'static str) {
        if self.told.insert(hint) {
            self.problem(code, at, message, hint);
        }
    }
}

fn toc_html(toc: &[Heading]) -> String {
    let items: String = toc
        .iter()
        .map(|heading| {
            format!(
                "<li class=\"level-{}\"><a href=\"#{}\">{}</a></li>\n",
                heading.level,
                escape(&heading.anchor),
                escape(&heading.title)
            )
        })
        .collect();
    format!("<div class=\"toc\"><ul>\n{items}</ul></div>")
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    std::iter::once(0).chain(breaks).collect()
}
