//! Links and images of a page: where they lead, and what is told of those that lead to nothing.

use pulldown_cmark::LinkType;

use super::Writer;
use crate::docs::render::Wanted;
use crate::docs::render::blocks::escape;
use crate::docs::render::links::{Led, lead};
use crate::docs::render::sanitize::unsafe_scheme;

impl Writer<'_> {
    pub(super) fn link(
        &mut self,
        link_type: LinkType,
        written: &str,
        title: &str,
        at: usize,
        extra: &str,
    ) {
        let led = match link_type {
            LinkType::Email => Some(format!("mailto:{written}")),
            _ => self.lead(written, at, false),
        };
        let title = match title.is_empty() {
            true => String::new(),
            false => format!(" title=\"{}\"", escape(title)),
        };
        match led.filter(|url| !url.is_empty()) {
            Some(url) => {
                let url = escape(&url);
                self.out
                    .push_str(&format!("<a href=\"{url}\"{title}{extra}>"));
                self.links.push("</a>");
            }
            None => {
                self.out.push_str("<span class=\"broken-link\">");
                self.links.push("</span>");
            }
        }
    }

    pub(super) fn image_end(&mut self) {
        let Some(image) = self.image.take() else {
            return;
        };
        self.plain(&image.alt);
        let alt = escape(&image.alt);
        let title = match image.title.is_empty() {
            true => String::new(),
            false => format!(" title=\"{}\"", escape(&image.title)),
        };
        let shown = match image.led {
            Some(url) => {
                let url = escape(&url);
                format!("<img src=\"{url}\" alt=\"{alt}\"{title}{}>", image.extra)
            }
            None => format!("<span class=\"broken-link\">{alt}</span>"),
        };
        self.out.push_str(&shown);
    }

    /// Where a link or an image leads; `None`: nowhere, which is told.
    pub(super) fn lead(&mut self, written: &str, at: usize, is_image: bool) -> Option<String> {
        let led = lead(self.job.site, self.job.page, written, self.job.source);
        self.judge(&led, at, is_image);
        match led {
            Led::As(url) | Led::Asset(url) | Led::Page { url, .. } => Some(url),
            Led::Nowhere(_) => None,
        }
    }

    pub(super) fn judge(&mut self, led: &Led, at: usize, is_image: bool) {
        match led {
            Led::Page {
                virtual_path,
                anchor: Some(anchor),
                ..
            } if !anchor.is_empty() => {
                let (file, line) = self.place(at);
                self.rendered.wanted.push(Wanted {
                    virtual_path: virtual_path.clone(),
                    anchor: anchor.clone(),
                    file,
                    line,
                });
            }
            Led::Nowhere(path) => {
                let what = if is_image { "image" } else { "link" };
                let leaves = self.job.site.is_outside(self.job.page, path);
                let (code, message, hint) = match leaves {
                    true => (
                        "docs-outside",
                        format!("the {what} `{path}` leads out of the folder of the docs"),
                        "move the file into the docs, or link to where it can be seen",
                    ),
                    false => (
                        "docs-link",
                        format!("the {what} `{path}` leads to nothing"),
                        "correct the path, which is relative to this file, or write what is missing",
                    ),
                };
                self.problem(code, at, message, hint);
            }
            Led::As(url) => {
                if let Some(scheme) = unsafe_scheme(url) {
                    let what = if is_image { "image" } else { "link" };
                    let message = format!("the address `{scheme}:` of the {what} is left out");
                    let hint = "link by `https:`, `mailto:` or a relative path; keep an image as a file beside the page";
                    self.problem("docs-unsafe", at, message, hint);
                }
            }
            Led::Asset(_) | Led::Page { .. } => {}
        }
    }
}
