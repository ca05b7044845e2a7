//! From what a descriptor says to a folder: `dir:` beside it, `url:` where that leads into what is read already.

use serde_json::Value;

use super::library::Trouble;
use super::tree::join;

/// What a descriptor says of its docs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// `dir:.` or `url:https://…`.
    pub target: String,
    /// Another entity whose docs these are.
    pub entity: Option<String>,
    /// Where the descriptor's folder can be seen, as `url:https://…`.
    pub location: Option<String>,
    pub title: String,
}

impl Reference {
    /// What the expression of the schema yielded; `None` where it names no docs.
    pub(super) fn read(said: &Value) -> Option<Self> {
        let text = |name: &str| {
            let text = said.get(name)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let (target, entity) = (text("ref"), text("entity"));
        if target.is_none() && entity.is_none() {
            return None;
        }
        Some(Self {
            target: target.unwrap_or_default(),
            entity,
            location: text("location"),
            title: text("title").unwrap_or_default(),
        })
    }
}

/// The folder that `target` names, beside a descriptor in `folder` that can be seen at one of `locations`, and where it can be seen itself.
pub(super) fn beside(
    folder: &str,
    target: &str,
    locations: &[Option<&str>],
) -> Result<(String, Option<String>), Trouble> {
    let mut bases = locations.iter().flatten().filter_map(|at| folder_url(at));
    if let Some(path) = target.strip_prefix("dir:") {
        let path = path.trim();
        let found = join(folder, path).filter(|_| !path.starts_with('/'));
        let found = found.ok_or_else(|| Trouble {
            code: "docs-outside",
            ..Trouble::new(
                format!("`{target}` leads out of the folder that its source reads"),
                "name a folder below it, relative to the descriptor: `dir:.` or `dir:./handbook`",
            )
        })?;
        let url = bases.next().and_then(|base| seen_at(&base, path));
        return Ok((found, url));
    }
    if let Some(url) = target.strip_prefix("url:") {
        let wanted = folder_url(url.trim()).unwrap_or_default();
        for base in bases {
            if let Some(rest) = wanted.strip_prefix(&base)
                && let Some(found) = join(folder, rest)
            {
                return Ok((found, Some(wanted)));
            }
            if let Some(rest) = base.strip_prefix(&wanted) {
                let ups = "../".repeat(rest.split('/').filter(|part| !part.is_empty()).count());
                if let Some(found) = join(folder, &ups) {
                    return Ok((found, Some(wanted)));
                }
            }
        }
        return Err(Trouble::new(
            format!("`{target}` leads into nothing that a source reads"),
            "write `dir:.` for docs beside the descriptor, or let the descriptor say at which address its own folder can be seen, so that this one is known to lead there",
        ));
    }
    Err(Trouble::new(
        format!("`{target}` is neither `dir:` nor `url:`"),
        "write `dir:.` for docs beside the descriptor",
    ))
}

/// The address of a folder, with a slash at its end; of a file the one that it is in.
fn folder_url(at: &str) -> Option<String> {
    let url = at.strip_prefix("url:").unwrap_or(at);
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return None;
    }
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let url = url.replacen("/-/blob/", "/-/tree/", 1);
    let url = url.replacen("/blob/", "/tree/", 1);
    let is_file = url
        .rsplit('/')
        .next()
        .is_some_and(|name| name.ends_with(".yaml") || name.ends_with(".yml"));
    Some(match is_file {
        true => {
            let (folder, _) = url.rsplit_once('/')?;
            format!("{folder}/")
        }
        false => format!("{}/", url.trim_end_matches('/')),
    })
}

/// `path` as seen from the address of a folder, not above the repository's branch.
fn seen_at(base: &str, path: &str) -> Option<String> {
    let (before, behind) = base.split_once("/tree/")?;
    let (branch, folder) = behind.split_once('/').unwrap_or((behind, ""));
    let folder = join(folder, path)?;
    Some(match folder.as_str() {
        "" => format!("{before}/tree/{branch}/"),
        folder => format!("{before}/tree/{branch}/{folder}/"),
    })
}

/// Whether a file's address can be made from that of its folder.
pub(super) fn is_folder_url(url: &str) -> bool {
    url.contains("/tree/")
}
