//! What a page of docs needs in a browser beyond its HTML, which is the same in the graph.
//!
//! What may be wider than the window can be scrolled by keys; an image of another host, which this server's pages do not load, is its text.

/// The HTML of a page as `/docs` shows it; it comes sanitised.
pub(super) fn readable(html: &str) -> String {
    let mut readable = String::with_capacity(html.len() + html.len() / 16);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        readable.push_str(before);
        let end = end_of(tag);
        let (tag, behind) = tag.split_at_checked(end).unwrap_or((tag, ""));
        put(&mut readable, tag);
        rest = behind;
    }
    readable.push_str(rest);
    readable
}

fn put(out: &mut String, tag: &str) {
    for name in ["<pre", "<table"] {
        if let Some(behind) = tag.strip_prefix(name)
            && behind.starts_with([' ', '>'])
        {
            out.push_str(name);
            out.push_str(" tabindex=\"0\"");
            out.push_str(behind);
            return;
        }
    }
    let is_elsewhere = |url: &&str| {
        let url = url.trim_start().to_ascii_lowercase();
        url.starts_with("//") || url.starts_with("https:") || url.starts_with("http:")
    };
    let source = tag
        .starts_with("<img ")
        .then(|| attribute(tag, "src"))
        .flatten();
    match source.filter(is_elsewhere) {
        Some(source) => {
            let text = attribute(tag, "alt").unwrap_or_default();
            out.push_str("<span class=\"cb-elsewhere\" title=\"An image of another host: ");
            out.push_str(source);
            out.push_str("\">");
            out.push_str(&text.replace('<', "&lt;"));
            out.push_str("</span>");
        }
        None => out.push_str(tag),
    }
}

/// The bytes of a tag up to its `>`, which may stand in a value as well.
fn end_of(tag: &str) -> usize {
    let mut in_value = false;
    for (at, byte) in tag.bytes().enumerate() {
        match byte {
            b'"' => in_value = !in_value,
            b'>' if !in_value => return at + 1,
            _ => {}
        }
    }
    tag.len()
}

/// What stands in a value, with its entities.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let at = tag.find(&format!(" {name}=\""))?;
    let value = tag.get(at + name.len() + 3..)?;
    value.split_once('"').map(|(value, _)| value)
}
