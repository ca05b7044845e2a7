//! HTML that stands in the Markdown.

use super::Writer;
use crate::docs::render::blocks::escape;
use crate::docs::render::links::{Led, lead};
use crate::docs::render::raw;

impl Writer<'_> {
    pub(super) fn raw(&mut self, html: &str, at: usize) {
        if let Some(image) = &mut self.image {
            image.alt.push(' ');
            return;
        }
        if !self.raw.admits(html) {
            let max = raw::MAX_OPEN;
            let message =
                format!("HTML with more than {max} elements within each other is shown as text");
            self.told(
                "docs-limit",
                at,
                message,
                "close the tags, or write Markdown",
            );
            let html = escape(html);
            self.out.push_str(&html);
            return;
        }
        self.rendered.anchors.extend(raw::anchors(html));
        let mut leads = Vec::new();
        let followed = raw::followed(html, |written, is_image| {
            let led = lead(self.job.site, self.job.page, written, self.job.source);
            let url = match &led {
                Led::As(url) | Led::Asset(url) | Led::Page { url, .. } => Some(url.clone()),
                Led::Nowhere(_) => Some(String::new()),
            };
            leads.push((led, is_image));
            url
        });
        for (led, is_image) in leads {
            self.judge(&led, at, is_image);
        }
        for what in raw::left_out(html) {
            let hint =
                "nothing runs on these pages, and they load nothing: write Markdown, or link to it";
            self.problem("docs-unsafe", at, format!("{what} is left out"), hint);
        }
        self.out.push_str(&followed);
    }
}
