//! Docs-like-code: trees of Markdown beside descriptors, as pages. Home of `pulldown_cmark`, `ammonia`, `syntect` and `emojis`.
//!
//! | file | what happens |
//! | --- | --- |
//! | `library` `locate` | which docs an entity has; what is kept of them |
//! | `tree` | files below one folder, and no other file |
//! | `mkdocs` `site` `edit` | what `mkdocs.yml` says; pages, navigation, paths; where a page is edited |
//! | `slug` `render` | anchors; Markdown to safe HTML, headings and sections |
//!
//! Written for what people have: trees for MkDocs with the Material theme and TechDocs' plugins.
//! Nothing of a tree runs, nothing is fetched, and nothing outside of its root is read; what is not followed is a problem at its file and line, and the rest is served.
//!
//! Architecture invariant: it knows entities by the snapshot and files by `tree`; HTTP and GraphQL know it, not the other way round.

mod edit;
mod library;
mod locate;
mod mkdocs;
mod render;
mod site;
mod slug;
mod tree;

pub use library::{Docs, Kept, Library, Shelf, Trouble, examine, key_of, said};
pub use locate::Reference;
pub use render::{Heading, Purpose, Rendered, Section, render};
pub use site::{MAX_ASSET_BYTES, MAX_PAGE_BYTES, NavItem, Page, Place, Site, Target};
pub use tree::{Stamp, Tree, TreeError, Walk};

pub(crate) use render::{asset_url, encode, escape, page_url};

/// Every code that docs add, with what it means, sorted.
pub const CODES: &[(&str, &str)] = &[
    (
        "docs-anchor",
        "a link names a heading that its page does not have",
    ),
    (
        "docs-config",
        "something in a `mkdocs.yml` has no effect, or cannot be used",
    ),
    (
        "docs-limit",
        "a page or a tree is larger than what is rendered",
    ),
    ("docs-link", "a link or an image leads to nothing"),
    (
        "docs-missing",
        "there are no docs where the descriptor says so",
    ),
    ("docs-nav", "the navigation names a page that is not there"),
    (
        "docs-outside",
        "docs, an image, a snippet or a link of the file system leads out of the folder that is read",
    ),
    ("docs-snippet", "a snippet is not there"),
    (
        "docs-source",
        "the descriptor says in a way that is not followed where its docs are",
    ),
    ("docs-unreadable", "a file of the docs cannot be read"),
    (
        "docs-unsafe",
        "HTML or an address on a page that would run or load something is left out",
    ),
];
