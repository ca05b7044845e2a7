//! From a folder to a [`Site`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::nav::{Laid, lay_out};
use super::title::title;
use super::{MAX_PAGE_BYTES, Page, Place, Site, is_markdown};
use crate::diagnostic::Diagnostic;
use crate::docs::edit::Edit;
use crate::docs::mkdocs::{self, Config, NavSpec, NavTarget};
use crate::docs::render::{MAX_SNIPPET_BYTES, named_snippets};
use crate::docs::slug::slugify;
use crate::docs::tree::{MAX_FILES, Stamp, Tree, TreeError, folder_of, join, name_of};

/// Most trees that one navigation includes.
const MAX_INCLUDES: usize = 200;

static VERSIONS: AtomicU64 = AtomicU64::new(0);

/// The docs at a place; `None` if there are none, with what is wrong there.
pub(in crate::docs) fn build(place: &Place) -> (Option<Site>, Vec<Diagnostic>) {
    let mut build = Build::new(place);
    let config = ["mkdocs.yaml", "mkdocs.yml"].into_iter().find_map(|name| {
        let path = join(&place.folder, name)?;
        build.stamp(&path).is_some().then_some(path)
    });
    match config {
        Some(path) => build.with_config(&path),
        None => build.plain(),
    }
}

/// A Markdown file before it has a place in the navigation.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) virtual_path: String,
    pub(super) file: String,
    pub(super) path: String,
    pub(super) title: String,
    pub(super) edit_url: Option<String>,
    pub(super) modified: SystemTime,
    /// Whether nobody misses it where the navigation does not name it.
    pub(super) unlisted: bool,
}

pub(super) struct Build<'p> {
    place: &'p Place,
    tree: &'p Tree,
    pub(super) files: BTreeMap<String, String>,
    pub(super) found: BTreeMap<String, Found>,
    pub(super) problems: Vec<Diagnostic>,
    frame: Vec<(String, Option<Stamp>)>,
    texts: Vec<(String, Option<Stamp>)>,
    docs_dir: String,
    includes: bool,
    included: HashSet<String>,
    /// Files that pages put in, and their own.
    snippets: HashSet<String>,
}

impl<'p> Build<'p> {
    fn new(place: &'p Place) -> Self {
        Self {
            place,
            tree: &place.tree,
            files: BTreeMap::new(),
            found: BTreeMap::new(),
            problems: Vec::new(),
            frame: Vec::new(),
            texts: Vec::new(),
            docs_dir: place.folder.clone(),
            includes: false,
            included: HashSet::new(),
            snippets: HashSet::new(),
        }
    }

    /// What a file is like, which the site depends on from now on.
    fn stamp(&mut self, path: &str) -> Option<Stamp> {
        let stamp = self.tree.stamp(path);
        self.frame.push((path.to_owned(), stamp));
        stamp
    }

    fn config(&mut self, path: &str) -> Config {
        self.stamp(path);
        match self.tree.read_text(path, mkdocs::MAX_BYTES) {
            Ok((text, _)) => mkdocs::read(&text, path),
            Err(error) => {
                let mut config = mkdocs::read("", path);
                config.problems.push(told(&error, path));
                config
            }
        }
    }

    fn with_config(mut self, path: &str) -> (Option<Site>, Vec<Diagnostic>) {
        let mut config = self.config(path);
        self.problems.append(&mut config.problems);
        let edit = Edit::of_config(&config, self.place.url.as_deref(), &self.place.folder);
        self.docs_dir.clone_from(&config.docs_dir);
        self.includes = config.includes;
        self.mount("", &config, path, &edit);
        let laid = match config.nav.take() {
            Some(nav) => {
                self.include(&nav, path, 0);
                lay_out(&mut self, Some((nav, path, String::new())))
            }
            None => lay_out(&mut self, None),
        };
        let title = config.site_name.unwrap_or_else(|| self.place.title.clone());
        let repository = config.repo_url.or_else(|| repository(self.place));
        self.finish(title, laid, false, repository)
    }

    /// `README.md` and what is in `docs`, as they are in the tree.
    fn plain(mut self) -> (Option<Site>, Vec<Diagnostic>) {
        let folder = self.place.folder.clone();
        self.stamp(&folder);
        let edit = Edit::of_folder(self.place.url.as_deref(), &folder);
        let docs = join(&folder, "docs").unwrap_or_default();
        let (start, end) = match folder.is_empty() {
            true => (0, String::new()),
            false => (folder.len() + 1, format!("{folder}/")),
        };
        if self.stamp(&docs).is_some_and(|stamp| stamp.is_folder) {
            for (file, stamp) in self.walk(&docs) {
                let virtual_path = file.get(start..).unwrap_or(&file).to_owned();
                let inner = virtual_path.strip_prefix("docs/").unwrap_or(&virtual_path);
                let path = page_path(inner);
                self.add(virtual_path.clone(), file, path, stamp, &edit, false);
            }
        }
        let is_readme =
            |name: &&String| matches!(name.to_ascii_lowercase().as_str(), "readme.md" | "index.md");
        let names = self.tree.names(&folder);
        let has_index = self.found.values().any(|page| page.path.is_empty());
        if let Some(readme) = names.iter().find(is_readme) {
            let file = format!("{end}{readme}");
            if let Some(stamp) = self.stamp(&file).filter(|stamp| !stamp.is_folder) {
                let path = match has_index {
                    true => "readme".to_owned(),
                    false => String::new(),
                };
                self.add(readme.clone(), file, path, stamp, &edit, false);
            }
        }
        let laid = lay_out(&mut self, None);
        let title = self.place.title.clone();
        let repository = repository(self.place);
        self.finish(title, laid, true, repository)
    }

    fn finish(
        self,
        title: String,
        laid: Laid,
        is_plain: bool,
        repository: Option<String>,
    ) -> (Option<Site>, Vec<Diagnostic>) {
        let Laid { pages, nav } = laid;
        if pages.is_empty() {
            return (None, self.problems);
        }
        let numbered = |key: fn(&Page) -> &String| {
            let mut by: HashMap<String, usize> = HashMap::with_capacity(pages.len());
            for (number, page) in pages.iter().enumerate() {
                by.entry(key(page).clone()).or_insert(number);
            }
            by
        };
        let site = Site {
            title,
            by_path: numbered(|page| &page.path),
            by_file: numbered(|page| &page.virtual_path),
            pages,
            nav,
            problems: self.problems,
            tree: self.tree.clone(),
            folder: self.place.folder.clone(),
            files: self.files,
            docs_dir: self.docs_dir,
            repository,
            includes: self.includes,
            is_plain,
            frame: self.frame,
            texts: self.texts,
            version: VERSIONS.fetch_add(1, Ordering::Relaxed),
        };
        (Some(site), Vec::new())
    }

    /// The files of a `docs_dir` below a prefix of virtual paths.
    fn mount(&mut self, prefix: &str, config: &Config, config_file: &str, edit: &Edit) {
        let dir = config.docs_dir.clone();
        match self.stamp(&dir) {
            Some(stamp) if stamp.is_folder => {}
            _ => {
                let message = format!("there is no folder `{dir}`");
                let problem = Diagnostic::error("docs-missing", config_file, message)
                    .hint("write pages there, or name their folder in `docs_dir`");
                self.problems.push(problem);
                return;
            }
        }
        let start = if dir.is_empty() { 0 } else { dir.len() + 1 };
        for (file, stamp) in self.walk(&dir) {
            let inner = file.get(start..).unwrap_or(&file).to_owned();
            let is_template = inner.starts_with("templates/") && !is_markdown(&inner);
            if is_template || config.exclude_docs.matches(&inner) || is_config(&dir, &file) {
                continue;
            }
            let virtual_path = format!("{prefix}{inner}");
            let path = page_path(&virtual_path);
            let unlisted = config.not_in_nav.matches(&inner);
            self.add(virtual_path, file, path, stamp, edit, unlisted);
        }
        self.drop_double_indexes();
    }

    fn walk(&mut self, folder: &str) -> Vec<(String, Stamp)> {
        let walk = self.tree.walk(folder);
        let folders = walk.folders.into_iter();
        self.frame
            .extend(folders.map(|(path, stamp)| (path, Some(stamp))));
        for error in &walk.refused {
            if !matches!(error, TreeError::Missing(_)) {
                let file = match error {
                    TreeError::Outside(path) => path.as_str(),
                    _ => folder,
                };
                self.problems.push(told(error, file));
            }
        }
        if walk.cut || self.files.len() + walk.files.len() > MAX_FILES {
            let message = format!("there are more than {MAX_FILES} files; the rest is left out");
            let problem = Diagnostic::error("docs-limit", folder, message)
                .hint("divide the docs, and let each part stand on an entity of its own");
            self.problems.push(problem);
        }
        let room = MAX_FILES.saturating_sub(self.files.len());
        walk.files.into_iter().take(room).collect()
    }

    fn add(
        &mut self,
        virtual_path: String,
        file: String,
        path: String,
        stamp: Stamp,
        edit: &Edit,
        unlisted: bool,
    ) {
        if is_markdown(&virtual_path) {
            self.texts.push((file.clone(), Some(stamp)));
            let title = match self.tree.read_text(&file, MAX_PAGE_BYTES) {
                Ok((text, _)) => {
                    self.stamp_snippets(&text);
                    title(&text, &virtual_path)
                }
                // It is told where it is rendered.
                Err(_) => title("", &virtual_path),
            };
            let found = Found {
                virtual_path: virtual_path.clone(),
                edit_url: edit.url(&file),
                modified: stamp.modified,
                file: file.clone(),
                path,
                title,
                unlisted,
            };
            self.found.insert(virtual_path.clone(), found);
        }
        self.files.insert(virtual_path, file);
    }

    /// What a page puts in is a part of it: the site is another one when that has changed.
    fn stamp_snippets(&mut self, text: &str) {
        let mut open = named_snippets(text, self.includes);
        while let Some(name) = open.pop() {
            for folder in [self.place.folder.clone(), self.docs_dir.clone()] {
                let Some(path) = join(&folder, &name) else {
                    continue;
                };
                if self.snippets.len() >= MAX_FILES || !self.snippets.insert(path.clone()) {
                    continue;
                }
                let stamp = self.tree.stamp(&path);
                self.texts.push((path.clone(), stamp));
                if stamp.is_none_or(|stamp| stamp.is_folder) {
                    continue;
                }
                if let Ok((text, _)) = self.tree.read_text(&path, MAX_SNIPPET_BYTES as u64) {
                    open.extend(named_snippets(&text, self.includes));
                }
            }
        }
    }

    /// Where `index.md` and `README.md` are side by side, the first is the page of the folder, as in MkDocs.
    fn drop_double_indexes(&mut self) {
        let is_index = |path: &str| name_of(path) == "index.md";
        let indexes: HashSet<String> = self
            .found
            .keys()
            .filter(|path| is_index(path))
            .map(|path| folder_of(path).to_owned())
            .collect();
        self.found.retain(|path, _| {
            !(name_of(path).eq_ignore_ascii_case("readme.md") && indexes.contains(folder_of(path)))
        });
    }

    /// Mounts what the navigation includes.
    fn include(&mut self, nav: &[NavSpec], from: &str, depth: usize) {
        for spec in nav {
            match &spec.target {
                NavTarget::Section(items) => self.include(items, from, depth),
                NavTarget::Include(pattern) => {
                    let found = self.included_configs(from, pattern);
                    for path in found {
                        self.mount_included(&path, depth);
                    }
                }
                NavTarget::Path(_) => {}
            }
        }
    }

    fn mount_included(&mut self, path: &str, depth: usize) {
        // A cycle, or what is included twice: once is enough.
        if depth > 4 || self.included.len() >= MAX_INCLUDES || !self.included.insert(path.into()) {
            return;
        }
        let mut config = self.config(path);
        self.problems.append(&mut config.problems);
        let prefix = format!("{}/", alias(&config, path));
        let edit = Edit::of_config(&config, self.place.url.as_deref(), &self.place.folder);
        self.mount(&prefix, &config, path, &edit);
        if let Some(nav) = config.nav.take() {
            self.include(&nav, path, depth + 1);
        }
    }

    /// The `mkdocs.yml`s that `!include` names, a glob with one `*` for a folder too.
    pub(super) fn included_configs(&mut self, from: &str, pattern: &str) -> Vec<String> {
        let folder = folder_of(from).to_owned();
        let Some((head, tail)) = pattern.split_once("/*/") else {
            return join(&folder, pattern)
                .filter(|path| self.stamp(path).is_some_and(|stamp| !stamp.is_folder))
                .into_iter()
                .collect();
        };
        let Some(base) = join(&folder, head) else {
            return Vec::new();
        };
        self.stamp(&base);
        let names = self.tree.names(&base);
        let candidates = names.iter().filter(|name| !name.starts_with('.'));
        let candidates: Vec<String> = candidates
            .filter_map(|name| join(&base, &format!("{name}/{tail}")))
            .collect();
        let mut found = candidates;
        found.retain(|path| self.stamp(path).is_some_and(|stamp| !stamp.is_folder));
        found
    }

    /// What an included `mkdocs.yml` says; its problems are told when it is mounted.
    pub(super) fn included_config(&mut self, path: &str) -> (Config, String) {
        let config = self.config(path);
        let prefix = format!("{}/", alias(&config, path));
        (config, prefix)
    }

    pub(super) fn is_unlisted(&self, virtual_path: &str) -> bool {
        self.found
            .get(virtual_path)
            .is_some_and(|page| page.unlisted)
    }
}

/// The name below which the pages of an included tree stand: its `site_name`, as the monorepo plugin has it.
fn alias(config: &Config, path: &str) -> String {
    let name = config.site_name.as_deref().unwrap_or_default();
    let parts: Vec<String> = name.split('/').map(slugify).collect();
    let alias: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    match alias.is_empty() {
        true => name_of(folder_of(path)).to_owned(),
        false => alias.join("/"),
    }
}

/// The address of the repository that the folder of the docs is in.
fn repository(place: &Place) -> Option<String> {
    let (repository, _) = place.url.as_deref()?.split_once("/tree/")?;
    Some(repository.trim_end_matches("/-").to_owned())
}

/// What stands behind the address of the docs for a Markdown file.
pub(super) fn page_path(virtual_path: &str) -> String {
    let stem = virtual_path
        .rsplit_once('.')
        .map_or(virtual_path, |(stem, _)| stem);
    match name_of(stem).to_ascii_lowercase().as_str() {
        "index" | "readme" => folder_of(stem).to_owned(),
        _ => stem.to_owned(),
    }
}

/// Whether a file is no docs although it lies in their folder: `docs_dir: .` would publish `mkdocs.yml`.
fn is_config(dir: &str, file: &str) -> bool {
    folder_of(file) == dir && matches!(name_of(file), "mkdocs.yml" | "mkdocs.yaml")
}

pub(in crate::docs) fn told(error: &TreeError, file: &str) -> Diagnostic {
    Diagnostic::error(error.code(), file, error.to_string()).hint(error.hint())
}
