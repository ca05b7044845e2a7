//! Every document that can be made fits the schema of the upstream that it is for.

#![expect(clippy::print_stderr, reason = "says what was not checked")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use callboard::connect::upstream_documents;
use callboard::sdl::{Model, SourceType};

use super::SDL;
use crate::support::engine::model;

/// What the forge would publish.
const FORGE: &str = r#"
    type Query { repository(owner: String!, name: String!): Repository }
    type Repository {
      id: ID!
      url: String
      stargazerCount: Int!
      defaultBranch: Branch
      topics(first: Int, last: Int): TopicConnection!
      owner: Owner!
      license: License
      releases(first: Int, last: Int, after: String): ReleaseConnection!
      changes(first: Int, after: String, states: [String!], orderBy: ChangeOrder): ChangeConnection!
    }
    interface Owner { login: String! }
    type Person implements Owner { login: String! }
    type Branch { name: String! }
    type License { key: String name: String }
    type Topic { name: String! }
    type TopicConnection { nodes: [Topic] pageInfo: PageInfo! totalCount: Int! }
    type Release { tagName: String! }
    type ReleaseConnection { nodes: [Release] pageInfo: PageInfo! totalCount: Int! }
    input ChangeOrder { field: ChangeField! direction: Direction! }
    enum ChangeField { UPDATED CREATED }
    enum Direction { ASC DESC }
    type Change { id: ID! url: String number: Int! title: String! author: Owner checks: Checks
      reviews(first: Int, after: String): ReviewConnection }
    union Checks = Rollup | Single
    type Rollup { ok: Boolean! }
    type Single { ok: String! }
    type ChangeConnection { nodes: [Change] pageInfo: PageInfo! totalCount: Int! }
    type Review { id: ID! url: String verdict: String! }
    type ReviewConnection { nodes: [Review] pageInfo: PageInfo! totalCount: Int! }
    type PageInfo { hasNextPage: Boolean! endCursor: String }
"#;

/// What is wrong with the documents of a connector, by the schema that its upstream publishes.
fn problems(model: &Arc<Model>, connector: &str, schema: &Valid<Schema>) -> Vec<String> {
    let documents = upstream_documents(model, connector);
    assert!(!documents.is_empty(), "`{connector}` asks nothing");
    let mut problems = Vec::new();
    for document in documents {
        let checked =
            ExecutableDocument::parse_and_validate(schema, &document.text, "upstream.graphql");
        if let Err(broken) = checked {
            problems.push(format!(
                "{}:\n{}\n{}",
                document.coordinate, broken.errors, document.text
            ));
        }
    }
    problems
}

#[test]
fn documents_fit_the_schema_of_their_upstream() {
    let model = model(&[("connectors/forge/forge.graphql", SDL)]);
    let schema = Schema::parse_and_validate(FORGE, "forge.graphql").unwrap();
    let found = problems(&model, "forge", &schema);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_field_that_the_upstream_has_not_is_found() {
    let model = model(&[("connectors/forge/forge.graphql", SDL)]);
    let other = FORGE.replace("stargazerCount: Int!", "starCount: Int!");
    let schema = Schema::parse_and_validate(&other, "forge.graphql").unwrap();
    let found = problems(&model, "forge", &schema);
    assert!(
        found
            .iter()
            .any(|problem| problem.contains("stargazerCount"))
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "where data that is not in the repository stands"
)]
/// Published schemas are no part of this repository: where they are at hand, the built-in connectors are held against them.
#[test]
fn documents_of_built_in_connectors_fit_published_schemas() {
    let shared = std::env::var("CALLBOARD_SHARED").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let folders = callboard::app::folders::built_in();
    let files: Vec<(&str, &str)> = folders
        .iter()
        .flat_map(|folder| &folder.sdl)
        .map(|file| (&*file.path, file.text.as_str()))
        .collect();
    let model = model(&files);
    let graphs = model.sources.iter();
    for source in graphs.filter(|source| source.kind == SourceType::Graphql) {
        let folder = shared
            .join("contracts")
            .join(&*source.connector)
            .join("graphql");
        let Some(schema) = published(&folder) else {
            eprintln!(
                "not checked: no published schema of `{}` is at hand",
                source.connector
            );
            continue;
        };
        let found = problems(&model, &source.connector, &schema);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// The largest schema of a folder: others are parts of it.
fn published(folder: &Path) -> Option<Valid<Schema>> {
    let files = std::fs::read_dir(folder).ok()?;
    let files = files.filter_map(|file| file.ok().map(|file| file.path()));
    let schemas = files.filter(|path| path.extension().is_some_and(|end| end == "graphql"));
    let largest =
        schemas.max_by_key(|path| std::fs::metadata(path).map_or(0, |data| data.len()))?;
    let text = std::fs::read_to_string(&largest).unwrap();
    // Published ones repeat fields here and there; what is repeated is taken once.
    let schema = Schema::parse(text, &largest).unwrap_or_else(|broken| broken.partial);
    Some(Valid::assume_valid(schema))
}
