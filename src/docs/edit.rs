//! Where a page can be edited, by MkDocs' rules: `edit_uri_template`, `edit_uri`, else what the host of the repository has by default.

use super::mkdocs::Config;
use super::tree::join;

/// How addresses for editing are made.
#[derive(Debug)]
pub(super) enum Edit {
    Nowhere,
    /// What stands before the path of a file within `dir`.
    Prefix {
        base: String,
        dir: String,
    },
    /// With `{path}` and `{path_noext}` in it.
    Template {
        template: String,
        dir: String,
    },
}

impl Edit {
    /// As a `mkdocs.yml` says; `source` is where the folder of the entity can be seen.
    pub(super) fn of_config(config: &Config, source: Option<&str>, folder: &str) -> Self {
        let dir = config.docs_dir.clone();
        let Some(repo) = config.repo_url.as_deref().filter(|url| is_web(url)) else {
            return match config
                .edit_uri
                .as_deref()
                .or(config.edit_uri_template.as_deref())
            {
                // Said to be nowhere.
                Some("") => Self::Nowhere,
                Some(uri) if is_web(uri) => Self::absolute(config, uri, dir),
                _ => Self::of_folder(source, folder),
            };
        };
        let base = repo.trim_end_matches('/');
        if let Some(template) = config
            .edit_uri_template
            .as_deref()
            .filter(|uri| !uri.is_empty())
        {
            let template = joined(base, template);
            return Self::Template { template, dir };
        }
        let default = || {
            let shown = config.docs_dir.rsplit('/').next().unwrap_or_default();
            match host(base) {
                "github.com" | "gitlab.com" => Some(format!("edit/master/{shown}/")),
                "bitbucket.org" => Some(format!("src/default/{shown}/")),
                _ => None,
            }
        };
        match config.edit_uri.clone().or_else(default) {
            Some(uri) if !uri.is_empty() => {
                let mut base = joined(base, &uri);
                if !base.ends_with('/') && !base.contains(['?', '#']) {
                    base.push('/');
                }
                Self::Prefix { base, dir }
            }
            _ => Self::Nowhere,
        }
    }

    fn absolute(config: &Config, uri: &str, dir: String) -> Self {
        match config.edit_uri_template.as_deref() {
            Some(template) if template == uri => Self::Template {
                template: uri.to_owned(),
                dir,
            },
            _ => Self::Prefix {
                base: format!("{}/", uri.trim_end_matches('/')),
                dir,
            },
        }
    }

    /// By where the folder can be seen: `https://github.com/acme/shop/tree/main/pay/` is edited at `…/edit/main/pay/`.
    pub(super) fn of_folder(source: Option<&str>, folder: &str) -> Self {
        let Some(source) = source.filter(|source| is_web(source)) else {
            return Self::Nowhere;
        };
        let edited = ["/-/tree/", "/tree/"].into_iter().find_map(|mark| {
            let (before, behind) = source.split_once(mark)?;
            Some(format!("{before}{}{behind}", mark.replace("tree", "edit")))
        });
        match edited {
            Some(base) => Self::Prefix {
                base: format!("{}/", base.trim_end_matches('/')),
                dir: folder.to_owned(),
            },
            None => Self::Nowhere,
        }
    }

    /// Where a file of the tree is edited.
    pub(super) fn url(&self, file: &str) -> Option<String> {
        let inner = |dir: &str| match dir.is_empty() {
            true => Some(file.to_owned()),
            false => Some(file.strip_prefix(dir)?.strip_prefix('/')?.to_owned()),
        };
        match self {
            Self::Nowhere => None,
            Self::Prefix { base, dir } => Some(format!("{base}{}", inner(dir)?)),
            Self::Template { template, dir } => {
                let path = join("", &inner(dir)?)?;
                let bare = path
                    .rsplit_once('.')
                    .map_or(path.as_str(), |(bare, _)| bare);
                let filled = template.replace("{path_noext}", bare);
                Some(filled.replace("{path}", &path))
            }
        }
    }
}

/// `uri` as seen from a repository's address.
fn joined(base: &str, uri: &str) -> String {
    if is_web(uri) {
        return uri.to_owned();
    }
    match uri.starts_with(['?', '#']) {
        true => format!("{base}{uri}"),
        false => format!("{base}/{}", uri.trim_start_matches('/')),
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
