//! `mkdocs.yml`: what it says of pages, and what of it is not followed.
//!
//! It is read as data and nothing in it runs: hooks, plugins, Python tags and what inherits from other files have no effect, and each is told at its line.
//! The keys that are let through are those that Backstage's TechDocs lets through.

use globset::{GlobBuilder, GlobMatcher};

use super::tree::{folder_of, join};
use crate::catalog::yaml::{self, Content, Node};
use crate::diagnostic::{Diagnostic, Severity, Span};

/// Longest `mkdocs.yml`.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;
/// Most entries of a `nav`, sections and all.
const MAX_NAV: usize = 10_000;
/// Most sections within each other.
const MAX_NAV_DEPTH: usize = 16;

/// Keys that mean something to MkDocs; any other one is left out.
const KEYS: &[&str] = &[
    "site_name",
    "site_url",
    "site_description",
    "site_author",
    "repo_url",
    "repo_name",
    "edit_uri",
    "edit_uri_template",
    "docs_dir",
    "site_dir",
    "nav",
    "exclude_docs",
    "not_in_nav",
    "theme",
    "plugins",
    "markdown_extensions",
    "extra",
    "extra_css",
    "use_directory_urls",
    "strict",
    "dev_addr",
    "watch",
    "copyright",
    "remote_branch",
    "remote_name",
    "validation",
    "google_analytics",
];

/// Python names that stand for what is done here anyway.
const HARMLESS_TAGS: &[&str] = &[
    "python/name:material.extensions.emoji.twemoji",
    "python/name:material.extensions.emoji.to_svg",
    "python/object/apply:pymdownx.slugs.slugify",
];

/// What a `mkdocs.yml` says.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) site_name: Option<String>,
    /// Below the folder of the file, or `None` where it says something that cannot be.
    pub(super) docs_dir: String,
    pub(super) nav: Option<Vec<NavSpec>>,
    pub(super) repo_url: Option<String>,
    pub(super) edit_uri: Option<String>,
    pub(super) edit_uri_template: Option<String>,
    pub(super) exclude_docs: Patterns,
    pub(super) not_in_nav: Patterns,
    /// Whether pages put in other files by `{! … !}`.
    pub(super) includes: bool,
    pub(super) problems: Vec<Diagnostic>,
}

/// An entry of a `nav`.
#[derive(Clone, Debug)]
pub(super) struct NavSpec {
    pub(super) title: Option<String>,
    pub(super) span: Span,
    pub(super) target: NavTarget,
}

#[derive(Clone, Debug)]
pub(super) enum NavTarget {
    /// A file below `docs_dir`, or an address.
    Path(String),
    /// `!include`: the pages of another `mkdocs.yml`; a glob with `*include`.
    Include(String),
    Section(Vec<NavSpec>),
}

/// Lines of a `.gitignore`.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<(bool, GlobMatcher)>);

impl Patterns {
    fn parse(text: &str) -> (Self, Vec<String>) {
        let (mut patterns, mut bad) = (Vec::new(), Vec::new());
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (excludes, pattern) = match line.strip_prefix('!') {
                Some(pattern) => (false, pattern),
                None => (true, line),
            };
            let whole = pattern.trim_end_matches('/');
            let anchored = whole.contains('/');
            let plain = whole.trim_start_matches('/');
            let prefix = if anchored { "" } else { "**/" };
            let both = format!("{{{prefix}{plain},{prefix}{plain}/**}}");
            match GlobBuilder::new(&both).literal_separator(true).build() {
                Ok(glob) => patterns.push((excludes, glob.compile_matcher())),
                Err(_) => bad.push(line.to_owned()),
            }
        }
        (Self(patterns), bad)
    }

    /// Whether the last line that fits excludes the path.
    pub(super) fn matches(&self, path: &str) -> bool {
        let last = self.0.iter().rev().find(|(_, glob)| glob.is_match(path));
        last.is_some_and(|(excludes, _)| *excludes)
    }
}

/// Reads `text`, the `mkdocs.yml` at `file`.
pub(super) fn read(text: &str, file: &str) -> Config {
    let readable = yaml::readable(text);
    let parsed = yaml::parse(&readable, 0);
    let mut config = Config {
        docs_dir: join(folder_of(file), "docs").unwrap_or_default(),
        ..Config::default()
    };
    for problem in parsed.problems {
        config.problems.extend(yaml_problem(file, problem));
    }
    let Some(root) = parsed.root else {
        return config;
    };
    let mut reader = Reader {
        file,
        config,
        entries: 0,
    };
    if !matches!(root.value, Content::Map(_)) {
        let message = format!("`mkdocs.yml` should be an object, not {}", root.type_name());
        reader.warn(
            root.span,
            message,
            "write `site_name: …` and `nav: […]` in it",
        );
        return reader.config;
    }
    for entry in root.entries() {
        if !KEYS.contains(&&*entry.key) {
            let message = format!("`{}` has no effect here", shown(&entry.key));
            reader.warn(
                entry.key_span,
                message,
                "nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere",
            );
        }
    }
    reader.root(&root);
    reader.config
}

struct Reader<'f> {
    file: &'f str,
    config: Config,
    entries: usize,
}

impl Reader<'_> {
    fn warn(&mut self, span: Span, message: String, hint: &str) {
        let problem = Diagnostic::warning("docs-config", self.file, message);
        self.config.problems.push(problem.at(span).hint(hint));
    }

    fn root(&mut self, root: &Node<'_>) {
        self.config.site_name = self.text(root, "site_name");
        self.config.repo_url = self.text(root, "repo_url");
        self.config.edit_uri = self.text(root, "edit_uri");
        self.config.edit_uri_template = self.text(root, "edit_uri_template");
        self.config.exclude_docs = self.patterns(root, "exclude_docs");
        self.config.not_in_nav = self.patterns(root, "not_in_nav");
        self.config.includes = root.get("markdown_extensions").is_some_and(includes);
        if let Some(node) = root.get("docs_dir").filter(|node| !is_null(node)) {
            self.docs_dir(node);
        }
        if let Some(nav) = root.get("nav").filter(|node| !is_null(node)) {
            self.config.nav = match &nav.value {
                Content::List(_) => Some(self.nav(nav, 0)),
                _ => {
                    let message = format!("`nav` should be a list, not {}", nav.type_name());
                    self.warn(
                        nav.span,
                        message,
                        "write `nav: [index.md, Guide: guide.md]`",
                    );
                    None
                }
            };
        }
    }

    fn docs_dir(&mut self, node: &Node<'_>) {
        let written = node.as_str().unwrap_or_default();
        let inside = match written.starts_with('/') || written.is_empty() {
            true => None,
            false => join(folder_of(self.file), written),
        };
        let is_below = |dir: &String| {
            let own = folder_of(self.file);
            own.is_empty() || dir == own || dir.starts_with(&format!("{own}/"))
        };
        match inside.filter(is_below) {
            Some(dir) => self.config.docs_dir = dir,
            None => {
                let message = format!(
                    "`docs_dir` `{}` is not below this file's folder",
                    shown(written)
                );
                let problem = Diagnostic::error("docs-outside", self.file, message)
                    .at(node.span)
                    .hint("name a folder beside `mkdocs.yml`; `docs` is read instead");
                self.config.problems.push(problem);
            }
        }
    }

    fn text(&mut self, root: &Node<'_>, key: &str) -> Option<String> {
        let node = root.get(key).filter(|node| !is_null(node))?;
        match &node.value {
            Content::String(text) => Some(text.trim().to_owned()),
            Content::Number(number) => Some(number.to_string()),
            _ => {
                let message = format!("`{key}` should be a string, not {}", node.type_name());
                self.warn(node.span, message, "write it in quotes");
                None
            }
        }
    }

    fn patterns(&mut self, root: &Node<'_>, key: &str) -> Patterns {
        let Some(text) = self.text(root, key) else {
            return Patterns::default();
        };
        let (patterns, bad) = Patterns::parse(&text);
        let span = root.get(key).map(|node| node.span).unwrap_or_default();
        for line in bad {
            let message = format!("`{}` in `{key}` is no pattern", shown(&line));
            self.warn(
                span,
                message,
                "write patterns as in a `.gitignore`, one a line",
            );
        }
        patterns
    }

    fn nav(&mut self, list: &Node<'_>, depth: usize) -> Vec<NavSpec> {
        let Content::List(items) = &list.value else {
            return Vec::new();
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            self.entries += 1;
            if self.entries > MAX_NAV || depth > MAX_NAV_DEPTH {
                let message = format!(
                    "`nav` has more than {MAX_NAV} entries, or more than {MAX_NAV_DEPTH} levels"
                );
                self.warn(item.span, message, "what comes from here on is left out");
                return found;
            }
            match &item.value {
                Content::String(path) => found.push(target(None, path, item.span)),
                Content::Map(entries) => {
                    for entry in entries {
                        let title = Some(entry.key.clone().into_owned());
                        match &entry.value.value {
                            Content::String(path) => {
                                found.push(target(title, path, entry.value.span));
                            }
                            Content::List(_) => found.push(NavSpec {
                                title,
                                span: entry.key_span,
                                target: NavTarget::Section(self.nav(&entry.value, depth + 1)),
                            }),
                            _ => self.no_entry(&entry.value),
                        }
                    }
                }
                _ => self.no_entry(item),
            }
        }
        found
    }

    fn no_entry(&mut self, node: &Node<'_>) {
        let message = format!("an entry of `nav` cannot be {}", node.type_name());
        self.warn(
            node.span,
            message,
            "write `Title: page.md`, `page.md`, or `Title: [ … ]` for a section",
        );
    }
}

fn target(title: Option<String>, written: &str, span: Span) -> NavSpec {
    let written = written.trim();
    let included = written
        .strip_prefix("!include ")
        .or_else(|| written.strip_prefix("*include "));
    let target = match included {
        Some(path) => NavTarget::Include(path.trim().to_owned()),
        None => NavTarget::Path(written.to_owned()),
    };
    NavSpec {
        title,
        span,
        target,
    }
}

fn yaml_problem(file: &str, problem: yaml::YamlProblem) -> Option<Diagnostic> {
    let harmless = HARMLESS_TAGS
        .iter()
        .any(|tag| problem.message.contains(tag));
    // `!ENV`, `!relative` and Python names have no effect; that is what the message says.
    if problem.code == "yaml-tag" && harmless {
        return None;
    }
    let diagnostic = match problem.severity {
        Severity::Error => Diagnostic::error(problem.code, file, problem.message),
        Severity::Warning | Severity::Info => {
            Diagnostic::warning(problem.code, file, problem.message)
        }
    };
    let diagnostic = diagnostic.at(problem.span);
    Some(match problem.hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    })
}

/// Whether the extension is listed whose marks are read only then; with or without settings.
fn includes(extensions: &Node<'_>) -> bool {
    let named = |name: &str| matches!(name, "markdown_include" | "markdown_include.include");
    let in_map = |node: &Node<'_>| node.entries().iter().any(|entry| named(&entry.key));
    match &extensions.value {
        Content::List(items) => items
            .iter()
            .any(|item| item.as_str().is_some_and(named) || in_map(item)),
        _ => in_map(extensions),
    }
}

fn is_null(node: &Node<'_>) -> bool {
    matches!(node.value, Content::Null)
}

/// The beginning of what somebody wrote, for a message.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
