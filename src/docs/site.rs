//! The structure of one tree of docs: which pages there are, in which order, under which titles and paths.
//!
//! With a `mkdocs.yml` it is MkDocs' own; without one the pages are `README.md` and what is in `docs`.
//! Files are known by their **virtual path**: where MkDocs sees them, which is below `docs_dir`, and for included trees below the name of the tree.
//! Links are resolved among virtual paths; only [`Site::file`] leads back to the tree.

mod build;
mod nav;
mod title;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::tree::{Stamp, Tree, folder_of, join, name_of};
use crate::diagnostic::Diagnostic;

pub(super) use build::{build, told};
pub(super) use title::front_matter;

/// Longest Markdown file that is rendered.
pub const MAX_PAGE_BYTES: u64 = 2 * 1024 * 1024;
/// Longest file that is served as it is.
pub const MAX_ASSET_BYTES: u64 = 50 * 1024 * 1024;

/// Files beside a `README.md` that pages may show: what is around it is mostly no docs.
const MEDIA: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "mp4", "webm", "pdf",
];

/// The pages of one tree.
#[derive(Debug)]
pub struct Site {
    pub title: String,
    /// In reading order: those of the navigation, then the others.
    pub pages: Vec<Page>,
    pub nav: Vec<NavItem>,
    /// Of the structure; those of pages are found as they are rendered.
    pub problems: Vec<Diagnostic>,
    pub(super) tree: Tree,
    /// Where the docs are in the tree.
    pub(super) folder: String,
    /// The address of the repository, at its host.
    repository: Option<String>,
    by_path: HashMap<String, usize>,
    by_file: HashMap<String, usize>,
    /// Virtual paths of all files, and where they are in the tree.
    files: BTreeMap<String, String>,
    /// Where pages are, in the tree.
    docs_dir: String,
    /// Whether `{! … !}` on a page puts in another file.
    pub(super) includes: bool,
    /// Whether media beside the pages may be shown as well.
    is_plain: bool,
    /// What all of the above was made of: folders and `mkdocs.yml`s, which say what pages there are.
    frame: Vec<(String, Option<Stamp>)>,
    /// And pages with their snippets.
    texts: Vec<(String, Option<Stamp>)>,
    /// Tells one state of a site from another.
    pub(super) version: u64,
}

/// One Markdown file.
#[derive(Clone, Debug)]
pub struct Page {
    /// What stands behind the address of the docs: `guide/keys`; empty for the first page.
    pub path: String,
    pub title: String,
    /// In the tree.
    pub file: String,
    /// As links see it.
    pub virtual_path: String,
    /// Titles of the sections of the navigation that it is in.
    pub sections: Vec<String>,
    /// Whether the navigation leads to it.
    pub in_nav: bool,
    pub edit_url: Option<String>,
    /// When its file changed.
    pub modified: Option<SystemTime>,
}

/// An entry of the navigation.
#[derive(Clone, Debug)]
pub enum NavItem {
    Page { title: String, page: usize },
    Section { title: String, items: Vec<NavItem> },
    Link { title: String, url: String },
}

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'s> {
    Page(&'s Page),
    /// A file that is served as it is, by its virtual path.
    Asset,
    Nothing,
    /// A file of the tree that is no part of the docs.
    Unpublished,
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        self.virtual_path == other.virtual_path
    }
}

impl Eq for Page {}

impl Site {
    /// The page with this path; `guide/`, `guide/index.md` and `guide.md` will do as well.
    pub fn page(&self, path: &str) -> Option<&Page> {
        let plain = path.trim_matches('/');
        let found = self.by_path.get(plain).or_else(|| {
            let bare = plain.strip_suffix(".md").unwrap_or(plain);
            let bare = bare.strip_suffix(".html").unwrap_or(bare);
            let folder = match name_of(bare).to_ascii_lowercase().as_str() {
                "index" | "readme" => folder_of(bare),
                _ => bare,
            };
            let by_path = self.by_path.get(bare).or_else(|| self.by_path.get(folder));
            by_path.or_else(|| self.by_file.get(plain))
        });
        found.and_then(|page| self.pages.get(*page))
    }

    /// Where readers tell what is wrong: the issues of the repository, at hosts that have them there.
    pub fn issues_url(&self) -> Option<String> {
        let repository = self.repository.as_deref()?;
        let host = repository.split_once("://")?.1.split('/').next()?;
        match host.contains("gitlab") {
            true => Some(format!("{repository}/-/issues")),
            false => Some(format!("{repository}/issues")),
        }
    }

    /// The page that a virtual path is the file of.
    pub fn page_of_file(&self, virtual_path: &str) -> Option<&Page> {
        let page = self.by_file.get(virtual_path)?;
        self.pages.get(*page)
    }

    /// Those before and behind a page.
    pub fn around(&self, page: &Page) -> (Option<&Page>, Option<&Page>) {
        let Some(at) = self.by_file.get(&page.virtual_path).copied() else {
            return (None, None);
        };
        let before = at.checked_sub(1).and_then(|at| self.pages.get(at));
        let behind = self.pages.get(at + 1);
        let shown = |page: &&Page| page.in_nav;
        match page.in_nav {
            true => (before.filter(shown), behind.filter(shown)),
            false => (None, None),
        }
    }

    /// Where a file that is no page is in the tree, if it may be served.
    pub fn file(&self, virtual_path: &str) -> Option<String> {
        let virtual_path = join("", virtual_path)?;
        if let Some(file) = self.files.get(&virtual_path) {
            return Some(file.clone());
        }
        let hidden = virtual_path.split('/').any(|part| part.starts_with('.'));
        let extension = name_of(&virtual_path).rsplit_once('.')?.1;
        let is_media = MEDIA.contains(&extension.to_ascii_lowercase().as_str());
        if !self.is_plain || hidden || !is_media {
            return None;
        }
        let file = join(&self.folder, &virtual_path)?;
        let stamp = self.tree.stamp(&file)?;
        (!stamp.is_folder).then_some(file)
    }

    /// What `path`, written in the file of `page`, leads to, and its virtual path.
    pub(super) fn resolve(&self, page: &Page, path: &str) -> (Target<'_>, String) {
        let folder = folder_of(&page.virtual_path);
        let as_file = match path.strip_prefix('/') {
            Some(path) => join("", path),
            None => join(folder, path),
        };
        // As an address, seen from the page's own, which ends with a slash.
        let as_address = match path.starts_with('/') {
            true => None,
            false => join(&page.path, path),
        };
        for candidate in [as_file.as_ref(), as_address.as_ref()]
            .into_iter()
            .flatten()
        {
            let found = self.at(candidate, path);
            if found != Target::Nothing {
                return (found, candidate.clone());
            }
        }
        let Some(candidate) = as_file else {
            return (Target::Nothing, path.to_owned());
        };
        let in_tree = join(&self.folder, &candidate);
        match in_tree.filter(|file| self.is_plain && self.tree.stamp(file).is_some()) {
            Some(_) => (Target::Unpublished, candidate),
            None => (Target::Nothing, candidate),
        }
    }

    /// Where pages are, in the tree.
    pub(super) fn docs_dir(&self) -> &str {
        &self.docs_dir
    }

    /// Whether a path that is written on a page leads out of the docs.
    pub(super) fn is_outside(&self, page: &Page, path: &str) -> bool {
        !path.starts_with('/') && join(folder_of(&page.virtual_path), path).is_none()
    }

    fn at(&self, candidate: &str, written: &str) -> Target<'_> {
        if let Some(page) = self.page_of_file(candidate) {
            return Target::Page(page);
        }
        if self.files.contains_key(candidate) {
            return Target::Asset;
        }
        let is_markdown = is_markdown(written);
        if let Some(page) = self.by_path.get(candidate).filter(|_| !is_markdown) {
            return self.pages.get(*page).map_or(Target::Nothing, Target::Page);
        }
        match self.file(candidate) {
            Some(_) => Target::Asset,
            None => Target::Nothing,
        }
    }

    /// Tells one state of the docs from another.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Tells one state of the files from another, also after a restart.
    pub fn fingerprint(&self) -> u64 {
        let mut digest = Sha256::new();
        for (path, stamp) in self.frame.iter().chain(&self.texts) {
            let modified = stamp.and_then(|stamp| stamp.modified.duration_since(UNIX_EPOCH).ok());
            let size = stamp.map(|stamp| stamp.size);
            digest.update(format!("{path}\0{modified:?}\0{size:?}\n"));
        }
        let bytes = digest.finalize();
        bytes
            .iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Whether no page has come or gone, and the configuration is as it was.
    pub(super) fn has_its_frame(&self) -> bool {
        let mut frame = self.frame.iter();
        frame.all(|(path, stamp)| self.tree.is_still(path, *stamp))
    }

    /// Whether all texts are as they were.
    pub(super) fn has_its_texts(&self) -> bool {
        let mut texts = self.texts.iter();
        texts.all(|(path, stamp)| self.tree.is_still(path, *stamp))
    }

    /// About as many bytes as it takes in memory.
    pub(super) fn weight(&self) -> u64 {
        let pages: usize = self
            .pages
            .iter()
            .map(|page| 400 + 4 * page.path.len())
            .sum();
        let files: usize = self
            .files
            .iter()
            .map(|(a, b)| 150 + a.len() + b.len())
            .sum();
        let stamps = self.frame.iter().chain(&self.texts);
        let stamps: usize = stamps.map(|(path, _)| 80 + path.len()).sum();
        let problems = self.problems.len() * 400;
        (pages + files + stamps + problems + 1000) as u64
    }
}

/// Whether a file is a page.
pub(super) fn is_markdown(path: &str) -> bool {
    let extension = name_of(path)
        .rsplit_once('.')
        .map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        ["md", "markdown", "mdown", "mkdn", "mkd"]
            .contains(&extension.to_ascii_lowercase().as_str())
    })
}

/// Where the docs of an entity are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub tree: Arc<Tree>,
    /// The folder of `mkdocs.yml` or of `README.md`, in the tree.
    pub folder: String,
    /// Where that folder can be seen, as an address of a host of repositories.
    pub url: Option<String>,
    /// What the site is called if it does not say so itself.
    pub title: String,
}
