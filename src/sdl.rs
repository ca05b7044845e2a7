//! The schema language: SDL with directives in, a [`Model`] out.
//!
//! Pure: files come in as text, diagnostics go out as data.
//! Everything above works on the Model's ids and bindings; that a field is called `owner` or a relation `ownedBy` is known nowhere in Rust.

mod check;
mod codes;
mod compose;
mod declared;
mod diff;
mod directive;
pub mod expr;
mod inherit;
mod model;
mod settings;
mod source;

pub use codes::CODES;
pub use diff::{SchemaChange, diff};
pub use model::*;
pub use settings::{connects, settings};

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use declared::Declared;
use source::Sources;

/// One SDL file, named as the user knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdlFile {
    pub path: Arc<str>,
    pub text: String,
    /// The connector folder that it belongs to; `None` for the core schema and for the user's own files.
    pub connector: Option<Arc<str>>,
}

/// The built-in schema: directives, the root, the core kinds, and the interfaces of live values.
pub fn core_files() -> Vec<SdlFile> {
    let files = [
        (
            "schema/actions.graphql",
            include_str!("../schema/actions.graphql"),
        ),
        (
            "schema/apis.graphql",
            include_str!("../schema/apis.graphql"),
        ),
        (
            "schema/directives.graphql",
            include_str!("../schema/directives.graphql"),
        ),
        (
            "schema/docs.graphql",
            include_str!("../schema/docs.graphql"),
        ),
        (
            "schema/kinds.graphql",
            include_str!("../schema/kinds.graphql"),
        ),
        (
            "schema/live.graphql",
            include_str!("../schema/live.graphql"),
        ),
        (
            "schema/provenance.graphql",
            include_str!("../schema/provenance.graphql"),
        ),
        (
            "schema/query.graphql",
            include_str!("../schema/query.graphql"),
        ),
        (
            "schema/search.graphql",
            include_str!("../schema/search.graphql"),
        ),
    ];
    files
        .map(|(path, text)| SdlFile {
            path: path.into(),
            text: text.to_owned(),
            connector: None,
        })
        .into()
}

/// Reads, checks and composes `files`; all problems of the load are returned, and a Model only if none of them is an error.
///
/// What two files declare both is a problem of the later one; connector folders come after all other files.
pub fn load(files: &[SdlFile]) -> (Option<Model>, Vec<Diagnostic>) {
    load_all(files, None)
}

/// The same for an engine that has these resolvers: any other name that `@resolver` gives is a problem.
pub fn load_for(files: &[SdlFile], resolvers: &[&str]) -> (Option<Model>, Vec<Diagnostic>) {
    load_all(files, Some(resolvers))
}

fn load_all(files: &[SdlFile], resolvers: Option<&[&str]>) -> (Option<Model>, Vec<Diagnostic>) {
    let mut files: Vec<&SdlFile> = files.iter().collect();
    files.sort_by_key(|file| file.connector.clone());
    let mut sources = Sources::default();
    let documents: Vec<_> = files.iter().map(|file| sources.parse(file)).collect();
    let declared = Declared::collect(&documents, &mut sources);
    check::check(&declared, &mut sources);
    let model = compose::compose(declared, &mut sources, resolvers);
    (model, sources.into_problems())
}
