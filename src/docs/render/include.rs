//! `{! file !}` and `{! file !lines=1-3 7}`: how `markdown_include` names a file whose text stands there.
//!
//! Only read where the `mkdocs.yml` names that extension: elsewhere it is a text like any other.

/// What stands in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark<'l> {
    pub(super) before: &'l str,
    pub(super) path: &'l str,
    /// Each as a snippet names it: `first:last`; empty for the whole file.
    pub(super) parts: Vec<String>,
    pub(super) after: &'l str,
}

pub(super) fn mark(line: &str) -> Option<Mark<'_>> {
    let (before, rest) = line.split_once("{!")?;
    let (path, rest) = rest.split_once('!')?;
    let (said, after) = rest.split_once('}')?;
    let path = path.trim();
    if path.is_empty() {
        return None;
    }
    let parts = match said {
        "" => Vec::new(),
        said => {
            let blocks = said.strip_prefix("lines=")?.split_whitespace();
            blocks.map(part).collect::<Option<_>>()?
        }
    };
    Some(Mark {
        before,
        path,
        parts,
        after,
    })
}

fn part(block: &str) -> Option<String> {
    let (first, last) = block.split_once('-').unwrap_or((block, block));
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    Some(format!("{first}:{last}"))
}
