//! The navigation: what `nav` says, else the folders as they are.

use std::collections::{BTreeMap, HashMap};

use super::build::{Build, Found};
use super::{NavItem, Page, is_markdown};
use crate::diagnostic::{Diagnostic, Span};
use crate::docs::mkdocs::{NavSpec, NavTarget};
use crate::docs::tree::{folder_of, join, name_of};

/// Most sections within each other where trees include trees.
const MAX_DEPTH: usize = 24;

/// Pages in their order.
pub(super) struct Laid {
    pub(super) pages: Vec<Page>,
    pub(super) nav: Vec<NavItem>,
}

/// Lays out the pages that were found: by a `nav` (with its file, and the prefix of its virtual paths), or by folders.
pub(super) fn lay_out(build: &mut Build<'_>, nav: Option<(Vec<NavSpec>, &str, String)>) -> Laid {
    let mut layout = Layout {
        pages: Vec::new(),
        placed: HashMap::new(),
        build,
    };
    let items = match nav {
        Some((nav, file, prefix)) => layout.specs(&nav, file, &prefix, &[], 0),
        None => {
            let files: Vec<String> = layout.build.found.keys().cloned().collect();
            layout.folders(&files)
        }
    };
    layout.others();
    Laid {
        pages: layout.pages,
        nav: items,
    }
}

struct Layout<'b, 'p> {
    pages: Vec<Page>,
    placed: HashMap<String, usize>,
    build: &'b mut Build<'p>,
}

impl Layout<'_, '_> {
    fn specs(
        &mut self,
        nav: &[NavSpec],
        file: &str,
        prefix: &str,
        sections: &[String],
        depth: usize,
    ) -> Vec<NavItem> {
        let mut items = Vec::with_capacity(nav.len());
        if depth > MAX_DEPTH {
            return items;
        }
        for spec in nav {
            match &spec.target {
                NavTarget::Section(inner) => {
                    let title = spec.title.clone().unwrap_or_default();
                    let mut sections = sections.to_vec();
                    sections.push(title.clone());
                    let inner = self.specs(inner, file, prefix, &sections, depth + 1);
                    items.push(NavItem::Section {
                        title,
                        items: inner,
                    });
                }
                NavTarget::Include(pattern) => {
                    items.extend(self.included(spec, pattern, file, sections, depth));
                }
                NavTarget::Path(path) => {
                    items.extend(self.path(spec, path, file, prefix, sections));
                }
            }
        }
        items
    }

    fn path(
        &mut self,
        spec: &NavSpec,
        path: &str,
        file: &str,
        prefix: &str,
        sections: &[String],
    ) -> Option<NavItem> {
        if path.contains("://") || path.starts_with("mailto:") {
            return Some(NavItem::Link {
                title: spec.title.clone().unwrap_or_else(|| path.to_owned()),
                url: path.to_owned(),
            });
        }
        let plain = path.split(['#', '?']).next().unwrap_or_default();
        let virtual_path = join(prefix, plain).unwrap_or_default();
        match self.build.found.get(&virtual_path).cloned() {
            Some(found) => {
                let title = spec.title.clone().unwrap_or_else(|| found.title.clone());
                let page = self.place(&found, &title, sections, true);
                Some(NavItem::Page { title, page })
            }
            None if self.build.files.contains_key(&virtual_path) && !is_markdown(plain) => {
                let title = spec.title.clone();
                Some(NavItem::Link {
                    title: title.unwrap_or_else(|| name_of(plain).to_owned()),
                    url: virtual_path,
                })
            }
            None => {
                let message = format!("`nav` names `{path}`, and there is no such page");
                let hint = match plain.starts_with('/') {
                    true => "paths in `nav` are relative to `docs_dir`",
                    false => "correct the path, which is relative to `docs_dir`, or write the page",
                };
                self.told("docs-nav", file, spec.span, message, hint);
                None
            }
        }
    }

    fn included(
        &mut self,
        spec: &NavSpec,
        pattern: &str,
        file: &str,
        sections: &[String],
        depth: usize,
    ) -> Vec<NavItem> {
        let configs = self.build.included_configs(file, pattern);
        if configs.is_empty() {
            let message = format!(
                "`{pattern}` includes nothing: there is no such file below the folder that is read"
            );
            let hint = "name the `mkdocs.yml` of the other docs, relative to this file";
            self.told("docs-nav", file, spec.span, message, hint);
            return Vec::new();
        }
        let many = configs.len() > 1;
        let mut found = Vec::new();
        for config_file in configs {
            let (mut config, prefix) = self.build.included_config(&config_file);
            let title = match (&spec.title, many) {
                (Some(title), false) => title.clone(),
                _ => config.site_name.clone().unwrap_or_else(|| prefix.clone()),
            };
            let mut inner_sections = sections.to_vec();
            if many {
                inner_sections.extend(spec.title.clone());
            }
            inner_sections.push(title.clone());
            let items = match config.nav.take() {
                Some(nav) => self.specs(&nav, &config_file, &prefix, &inner_sections, depth + 1),
                None => {
                    let all = self.build.found.keys();
                    let own: Vec<String> = all
                        .filter(|path| path.starts_with(&prefix))
                        .cloned()
                        .collect();
                    own.iter()
                        .filter_map(|path| {
                            let found = self.build.found.get(path).cloned()?;
                            let title = found.title.clone();
                            let page = self.place(&found, &title, &inner_sections, true);
                            Some(NavItem::Page { title, page })
                        })
                        .collect()
                }
            };
            found.push(NavItem::Section { title, items });
        }
        match (&spec.title, many) {
            (Some(title), true) => vec![NavItem::Section {
                title: title.clone(),
                items: found,
            }],
            _ => found,
        }
    }

    /// Folders become sections, with the page of the folder first.
    fn folders(&mut self, files: &[String]) -> Vec<NavItem> {
        let mut root = Folder::default();
        for file in files {
            let path = match self.build.found.get(file) {
                Some(found) => found.path.clone(),
                None => continue,
            };
            let is_index = matches!(page_name(file).as_str(), "index" | "readme");
            let folder = if is_index {
                path.as_str()
            } else {
                folder_of(&path)
            };
            let mut at = &mut root;
            for part in folder.split('/').filter(|part| !part.is_empty()) {
                at = at.folders.entry(part.to_owned()).or_default();
            }
            match is_index {
                true => at.pages.insert(0, file.clone()),
                false => at.pages.push(file.clone()),
            }
        }
        self.folder(&root, &[])
    }

    fn folder(&mut self, folder: &Folder, sections: &[String]) -> Vec<NavItem> {
        let mut items = Vec::new();
        for file in &folder.pages {
            if let Some(found) = self.build.found.get(file).cloned() {
                let title = found.title.clone();
                let page = self.place(&found, &title, sections, true);
                items.push(NavItem::Page { title, page });
            }
        }
        for (name, inner) in &folder.folders {
            let title = words(name);
            let mut sections = sections.to_vec();
            sections.push(title.clone());
            let inner = self.folder(inner, &sections);
            if !inner.is_empty() {
                items.push(NavItem::Section {
                    title,
                    items: inner,
                });
            }
        }
        items
    }

    /// Pages that the navigation does not name are there all the same.
    fn others(&mut self) {
        let all: Vec<Found> = self.build.found.values().cloned().collect();
        for found in all {
            if !self.placed.contains_key(&found.virtual_path) {
                let title = found.title.clone();
                self.place(&found, &title, &[], false);
            }
        }
    }

    fn place(&mut self, found: &Found, title: &str, sections: &[String], in_nav: bool) -> usize {
        let number = self.pages.len();
        if let Some(known) = self.placed.get(&found.virtual_path) {
            return *known;
        }
        self.placed.insert(found.virtual_path.clone(), number);
        let in_nav =
            in_nav && !(sections.is_empty() && self.build.is_unlisted(&found.virtual_path));
        self.pages.push(Page {
            path: found.path.clone(),
            title: title.to_owned(),
            file: found.file.clone(),
            virtual_path: found.virtual_path.clone(),
            sections: sections.to_vec(),
            in_nav,
            edit_url: found.edit_url.clone(),
            modified: Some(found.modified),
        });
        number
    }

    fn told(&mut self, code: &'static str, file: &str, span: Span, message: String, hint: &str) {
        let problem = Diagnostic::warning(code, file, message);
        self.build.problems.push(problem.at(span).hint(hint));
    }
}

/// Pages and folders of one folder.
#[derive(Default)]
struct Folder {
    pages: Vec<String>,
    folders: BTreeMap<String, Folder>,
}

fn page_name(file: &str) -> String {
    let name = name_of(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.to_ascii_lowercase()
}

/// The name of a folder as a title.
fn words(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => words,
    }
}
