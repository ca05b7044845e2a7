//! The pages around the docs: navigation, table of contents, breadcrumbs, and what is said where there is nothing.

use super::readable::readable;
use crate::docs::{
    Docs, Heading, Kept, NavItem, Page, Trouble, asset_url, encode, escape, page_url,
};
use crate::graph::{Ix, Snapshot};

/// One page of the docs of an entity.
pub(super) fn page(snapshot: &Snapshot, ix: Ix, docs: &Docs, page: &Page, kept: &Kept) -> String {
    let site = &docs.site;
    let depth = page.path.split('/').filter(|part| !part.is_empty()).count();
    let root = "../".repeat(depth + 3);
    let title = match page.title == site.title {
        true => escape(&site.title),
        false => format!("{} · {}", escape(&page.title), escape(&site.title)),
    };
    let mut main = String::with_capacity(kept.rendered.html.len() + 4096);
    main.push_str("<article>\n");
    // Without a title of its own it gets the one that the navigation has.
    if !kept.rendered.toc.iter().any(|heading| heading.level == 1) {
        put(&mut main, &format!("<h1>{}</h1>\n", escape(&page.title)));
    }
    main.push_str(&readable(&kept.rendered.html));
    main.push_str("</article>\n");
    let (before, behind) = site.around(page);
    if before.is_some() || behind.is_some() {
        main.push_str("<nav class=\"cb-around\" aria-label=\"Next pages\">");
        put(
            &mut main,
            before
                .map(|to| around(page, to, "← ", "", "prev"))
                .as_deref()
                .unwrap_or("<span></span>"),
        );
        put(
            &mut main,
            behind
                .map(|to| around(page, to, "", " →", "next"))
                .as_deref()
                .unwrap_or("<span></span>"),
        );
        main.push_str("</nav>\n");
    }
    let aside = [
        (page.edit_url.clone(), "Edit this page"),
        (site.issues_url(), "Tell what is wrong"),
    ];
    let aside: Vec<String> = aside
        .into_iter()
        .filter_map(|(url, text)| {
            let url = escape(&url?);
            Some(format!(
                "<a href=\"{url}\" rel=\"noopener noreferrer\">{text}</a>"
            ))
        })
        .collect();
    if !aside.is_empty() {
        put(
            &mut main,
            &format!("<p class=\"cb-meta\">{}</p>\n", aside.join(" · ")),
        );
    }
    let mut nav = String::new();
    items(&mut nav, docs, &site.nav, page);
    let mut crumbs = crumbs(&root, snapshot, ix, Some(&page_url(&page.path, "")));
    for section in &page.sections {
        put(&mut crumbs, &format!("<span>{}</span>", escape(section)));
    }
    crumbs.push_str("<a class=\"cb-to-nav\" href=\"#cb-nav\">All pages ↓</a>");
    let body = format!(
        "<div class=\"cb-shell\">\n<div class=\"cb-nav\" id=\"cb-nav\"><nav aria-label=\"Pages\"><h2>{}</h2>\n{nav}</nav></div>\n<main id=\"cb-main\">\n{main}</main>\n{}</div>\n",
        escape(&site.title),
        toc(&kept.rendered.toc),
    );
    document(&title, &root, &crumbs, &body)
}

/// All docs that there are.
pub(super) fn overview(
    snapshot: &Snapshot,
    docs: Vec<(Ix, Result<Option<Docs>, Trouble>)>,
) -> String {
    let mut list = String::new();
    let n = docs.len();
    for (ix, found) in docs {
        let entity_ref = escape(snapshot.entity_ref(ix));
        let shown = match found {
            Ok(Some(docs)) => format!(
                "<a href=\"{}\"><strong>{}</strong></a><br><small>{entity_ref} · {}</small>",
                address(snapshot, ix),
                escape(&docs.site.title),
                match docs.site.pages.len() {
                    1 => "1 page".to_owned(),
                    n => format!("{n} pages"),
                }
            ),
            Ok(None) => continue,
            Err(trouble) => format!(
                "<strong>{entity_ref}</strong><br><small>{}</small>",
                quoted(&trouble.message)
            ),
        };
        put(&mut list, &format!("<li>{shown}</li>\n"));
    }
    let text = match n {
        0 => "<p>No entity has docs yet. Where a descriptor names the folder of its docs, <code>docs/index.md</code> or <code>README.md</code> in it is the first page.</p>".to_owned(),
        _ => format!("<ul class=\"cb-list\">\n{list}</ul>"),
    };
    let body = format!(
        "<div class=\"cb-shell\"><span></span><main id=\"cb-main\"><article><h1>Docs</h1>\n{text}</article></main></div>\n"
    );
    let crumbs = "<a href=\"../\">Callboard</a><span>Docs</span>";
    document("Docs", "", crumbs, &body)
}

/// What is said where there is nothing; `path` is what was asked for below `/docs/`.
pub(super) fn missing(path: &str, text: &str, docs: Option<(&Snapshot, Ix, &Docs)>) -> String {
    let root = "../".repeat(path.matches('/').count());
    let mut more = String::new();
    if let Some((snapshot, ix, docs)) = docs {
        let base = format!("{root}{}", address(snapshot, ix));
        let wanted = path
            .splitn(4, '/')
            .nth(3)
            .unwrap_or_default()
            .to_lowercase();
        let last = wanted
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let (mut near, others): (Vec<&Page>, Vec<&Page>) = docs
            .site
            .pages
            .iter()
            .partition(|page| !last.is_empty() && page.path.to_lowercase().contains(&last));
        near.extend(others.into_iter().filter(|page| page.in_nav));
        more.push_str("<p>These are its pages:</p>\n<ul>\n");
        for page in near.into_iter().take(30) {
            let url = match page.path.as_str() {
                "" => base.clone(),
                path => format!("{base}{}/", encode(path)),
            };
            put(
                &mut more,
                &format!(
                    "<li><a href=\"{}\">{}</a></li>\n",
                    escape(&url),
                    escape(&page.title)
                ),
            );
        }
        more.push_str("</ul>\n");
    }
    let list = match root.is_empty() {
        true => "./",
        false => root.as_str(),
    };
    let body = format!(
        "<div class=\"cb-shell\"><span></span><main id=\"cb-main\"><article><h1>Nothing here</h1>\n<p>{}</p>\n{more}<p><a href=\"{list}\">All docs</a></p></article></main></div>\n",
        quoted(text)
    );
    let crumbs = format!("<a href=\"{root}../\">Callboard</a><a href=\"{list}\">Docs</a>");
    document("Nothing here", &root, &crumbs, &body)
}

/// A message with what stands in backticks as code.
fn quoted(message: &str) -> String {
    let mut html = String::new();
    for (number, part) in message.split('`').enumerate() {
        match number % 2 {
            0 => html.push_str(&escape(part)),
            _ => html.push_str(&format!("<code>{}</code>", escape(part))),
        }
    }
    html
}

/// `{kind}/{namespace}/{name}/`.
fn address(snapshot: &Snapshot, ix: Ix) -> String {
    format!(
        "{}/",
        encode(&snapshot.entity_ref(ix).replacen(':', "/", 1))
    )
}

fn crumbs(root: &str, snapshot: &Snapshot, ix: Ix, own: Option<&str>) -> String {
    let entity_ref = snapshot.entity_ref(ix);
    let query = format!(
        "{{ entity(ref: \"{entity_ref}\") {{ ref title description links {{ title url }} docs {{ pages {{ path title }} }} }} }}"
    );
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let mut crumbs = format!("<a href=\"{root}../\">Callboard</a><a href=\"{root}\">Docs</a>");
    let own = own.unwrap_or("./");
    put(
        &mut crumbs,
        &format!(
            "<a href=\"{own}\">{}</a><a href=\"{root}../graphql?query={query}\">in the graph</a>",
            escape(entity_ref)
        ),
    );
    crumbs
}

fn around(from: &Page, to: &Page, before: &str, behind: &str, rel: &str) -> String {
    let url = page_url(&from.path, &to.path);
    format!(
        "<a rel=\"{rel}\" href=\"{url}\">{before}{}{behind}</a>",
        escape(&to.title)
    )
}

fn items(out: &mut String, docs: &Docs, nav: &[NavItem], at: &Page) {
    out.push_str("<ul>\n");
    for item in nav {
        match item {
            NavItem::Page { title, page } => {
                let Some(to) = docs.site.pages.get(*page) else {
                    continue;
                };
                let current = match to == at {
                    true => " aria-current=\"page\"",
                    false => "",
                };
                let url = page_url(&at.path, &to.path);
                put(
                    out,
                    &format!(
                        "<li><a href=\"{url}\"{current}>{}</a></li>\n",
                        escape(title)
                    ),
                );
            }
            NavItem::Section {
                title,
                items: inner,
            } => {
                put(
                    out,
                    &format!("<li><span class=\"cb-section\">{}</span>\n", escape(title)),
                );
                items(out, docs, inner, at);
                out.push_str("</li>\n");
            }
            NavItem::Link { title, url } => {
                let url = match url.contains(':') {
                    true => url.clone(),
                    false => asset_url(&at.path, url),
                };
                let web = ["https:", "http:", "mailto:"]
                    .iter()
                    .any(|scheme| url.starts_with(scheme));
                let is_safe = web || !url.contains(':');
                if is_safe {
                    put(
                        out,
                        &format!(
                            "<li><a href=\"{}\" rel=\"noopener noreferrer\">{}</a></li>\n",
                            escape(&url),
                            escape(title)
                        ),
                    );
                }
            }
        }
    }
    out.push_str("</ul>");
}

fn toc(toc: &[Heading]) -> String {
    let shown: Vec<&Heading> = toc
        .iter()
        .filter(|heading| (2..=4).contains(&heading.level))
        .collect();
    if shown.len() < 2 {
        return String::new();
    }
    let mut html = String::from(
        "<aside class=\"cb-toc\"><div><h2>On this page</h2>\n<nav aria-label=\"On this page\"><ul>\n",
    );
    for heading in shown {
        put(
            &mut html,
            &format!(
                "<li class=\"cb-level-{}\"><a href=\"#{}\">{}</a></li>\n",
                heading.level,
                escape(&heading.anchor),
                escape(&heading.title)
            ),
        );
    }
    html.push_str("</ul></nav></div></aside>\n");
    html
}

/// `root` leads from the page to `/docs/`.
fn document(title: &str, root: &str, crumbs: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<link rel=\"icon\" href=\"{root}icon.svg\" type=\"image/svg+xml\">\n<link rel=\"stylesheet\" href=\"{root}theme.css\">\n</head>\n<body>\n<a class=\"cb-skip\" href=\"#cb-main\">To the text</a>\n<header class=\"cb-top\"><nav aria-label=\"Where this is\">{crumbs}</nav></header>\n{body}</body>\n</html>\n"
    )
}

fn put(out: &mut String, text: &str) {
    out.push_str(text);
}
