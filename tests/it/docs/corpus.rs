//! Docs as people have them: every tree renders, and no link leads to nothing that the source does not already have.
//!
//! The files are other people's and stay outside of the repository: `../shared/corpus/docs`, or the folder that `CALLBOARD_SHARED` names.

#![expect(
    clippy::print_stderr,
    reason = "what was found in whose docs is for who runs it"
)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use callboard::docs::examine;
use serde_json::Value;

use super::support::{Served, component};

#[expect(
    clippy::disallowed_methods,
    reason = "where the files are is a matter of the machine that tests run on"
)]
fn corpus() -> Option<PathBuf> {
    let named = std::env::var("CALLBOARD_SHARED").ok().map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = named.unwrap_or(beside).join("corpus/docs");
    folder.join("index.json").exists().then_some(folder)
}

/// Values of an attribute, as a browser would find them in HTML that we made.
fn values(html: &str, attribute: &str) -> Vec<String> {
    let mark = format!(" {attribute}=\"");
    let tags = html.split('<').skip(1);
    let tags = tags.filter_map(|rest| rest.split('>').next());
    tags.filter_map(|tag| tag.split(&mark).nth(1)?.split('"').next())
        .map(|value| value.replace("&amp;", "&"))
        .collect()
}

/// How many tabs and admonitions the pages of a folder have, beside those that they show in code.
fn written(folder: &Path) -> (usize, usize) {
    let (mut tabs, mut notes) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let inner = written(&path);
            (tabs, notes) = (tabs + inner.0, notes + inner.1);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut fence: Option<String> = None;
            for line in text.lines().map(str::trim) {
                let mark: String = line
                    .chars()
                    .take_while(|c| matches!(c, '`' | '~'))
                    .collect();
                match &fence {
                    Some(open) if mark.len() >= open.len() && mark == line => fence = None,
                    Some(_) => {}
                    None if mark.len() >= 3 => fence = Some(mark),
                    None => {
                        tabs += usize::from(line.starts_with("=== \""));
                        notes += usize::from(line.starts_with("!!! ") || line.starts_with("??? "));
                    }
                }
            }
        }
    }
    (tabs, notes)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => {
                std::fs::copy(&path, &target).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tree_renders_without_broken_links() {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no docs in ../shared/corpus (CALLBOARD_SHARED names another folder)");
        return;
    };
    let index = std::fs::read_to_string(corpus.join("index.json")).unwrap();
    let index: Vec<Value> = serde_json::from_str(&index).unwrap();
    assert!(!index.is_empty());
    for tree in &index {
        let id = tree["id"].as_str().unwrap();
        walk(id, &corpus.join(id), &tree["features"]).await;
    }
}

async fn walk(id: &str, folder: &Path, features: &Value) {
    let served = Served::start(&[(
        "catalog-info.yaml",
        &component("backstage.io/techdocs-ref: dir:./tree"),
    )])
    .await;
    copy(folder, &served.catalog.path("tree"));
    let has_home = ["mkdocs.yml", "mkdocs.yaml", "README.md", "docs"]
        .iter()
        .any(|name| folder.join(name).exists());
    if !has_home {
        // A folder of pages alone: what its `mkdocs.yml` would say.
        served
            .catalog
            .write("tree/mkdocs.yml", "site_name: x\ndocs_dir: .\n");
    }
    let data = served.ask("{ component(ref: \"shop\") { docs { pages { path url html title toc { anchor } } } } }").await;
    let pages = data["component"]["docs"]["pages"].as_array();
    let pages = pages.unwrap_or_else(|| panic!("{id}: {data}"));
    assert!(!pages.is_empty(), "{id}");
    let text = |page: &Value, name: &str| page[name].as_str().unwrap().to_owned();
    let htmls: HashMap<String, String> = pages
        .iter()
        .map(|page| (text(page, "url"), text(page, "html")))
        .collect();
    let anchors: HashMap<&String, HashSet<String>> = htmls
        .iter()
        .map(|(url, html)| (url, values(html, "id").into_iter().collect()))
        .collect();
    let base = url::Url::parse("http://docs.test/").unwrap();
    let (mut links, mut broken) = (0, Vec::new());
    let mut assets = BTreeMap::new();
    for (page, html) in &htmls {
        for never in ["<script", "javascript:", " onerror", "<iframe", "<style"] {
            let shown = html.replace("&lt;", "");
            assert!(
                never == "javascript:" || !shown.contains(never),
                "{id} {page}: {never}"
            );
        }
        let own = base.join(page).unwrap();
        for link in values(html, "href").into_iter().chain(values(html, "src")) {
            let Ok(to) = own.join(&link) else { continue };
            if to.host_str() != Some("docs.test") {
                continue;
            }
            links += 1;
            let anchor = to.fragment().map(str::to_owned);
            match htmls.get(to.path()) {
                Some(_) => {
                    let known = anchors.get(&to.path().to_owned());
                    let decoded =
                        anchor.filter(|anchor| !anchor.is_empty() && !anchor.contains('%'));
                    if let Some(anchor) = decoded
                        && !known.is_some_and(|known| known.contains(&anchor))
                    {
                        broken.push(format!("{page} -> {link}"));
                    }
                }
                None => drop(assets.insert(to.path().to_owned(), (page.clone(), link))),
            }
        }
    }
    for (path, (page, link)) in assets {
        if served.fetch(&path, &[]).await.status != 200 {
            broken.push(format!("{page} -> {link} (file)"));
        }
    }
    let root = served.catalog.path("");
    let reference = callboard::docs::Reference {
        target: "dir:./tree".to_owned(),
        ..Default::default()
    };
    let problems = examine(&root, "", &reference).unwrap();
    // An anchor that the source does not have is told, and stays as it is written.
    let told = problems
        .iter()
        .filter(|problem| problem.code == "docs-anchor")
        .count();
    eprintln!(
        "{id}: {} pages, {links} links, {} broken, {} problems",
        pages.len(),
        broken.len(),
        problems.len()
    );
    let files = broken
        .iter()
        .filter(|broken| broken.ends_with("(file)"))
        .count();
    assert_eq!(files, 0, "{id}: {broken:#?}");
    assert!(broken.len() <= told, "{id}: {broken:#?}\n{problems:#?}");
    let count = |what: &str| {
        htmls
            .values()
            .map(|html| html.matches(what).count())
            .sum::<usize>()
    };
    let expected = |name: &str| usize::try_from(features[name].as_u64().unwrap_or(0)).unwrap();
    let (tabs, notes) = written(folder);
    let shown = count("class=\"admonition ");
    assert!(
        shown * 10 >= notes * 9,
        "{id}: {shown} of {notes} admonitions"
    );
    let shown = count("<details class=\"tab\"");
    assert!(shown * 10 >= tabs * 9, "{id}: {shown} of {tabs} tabs");
    assert!(expected("tables") == 0 || count("<table>") > 0, "{id}");
    assert!(
        expected("fences") == 0 || count("<pre>") + count("<pre class") > 0,
        "{id}"
    );
}
