//! The page at `/`: what this is, and where to go on. Without JavaScript.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;

use super::Board;
use crate::docs::escape;

const PAGE: &str = include_str!("page.html");

/// Title and document of each query on the page; the document is also a link.
const QUERIES: &[(&str, &str)] = &[
    (
        "What is in the catalog",
        "{ facets(by: [\"kind\"]) { values { value count } } }",
    ),
    (
        "Components and their owners",
        "{ components(first: 20) { nodes { ref type owner { name } } totalCount } }",
    ),
    (
        "Descriptors that need work",
        "{ problems(first: 20) { nodes { severity file line message hint } } }",
    ),
];

pub(super) async fn page(State(board): State<Arc<Board>>) -> Html<String> {
    let entities = board.catalog().snapshot().len();
    let queries: String = QUERIES
        .iter()
        .map(|(title, document)| {
            let query: String = url::form_urlencoded::byte_serialize(document.as_bytes()).collect();
            format!(
                "<li><a href=\"/graphql?query={query}\">{title}</a><pre>{}</pre></li>\n",
                escape(document)
            )
        })
        .collect();
    let status = match (board.is_ready(), entities) {
        (false, _) => "The catalog is being loaded.".to_owned(),
        (true, 0) => "The catalog is empty: name your descriptors under <code>sources</code> in <code>callboard.yaml</code>.".to_owned(),
        (true, 1) => "One entity is served.".to_owned(),
        (true, entities) => format!("{entities} entities are served."),
    };
    Html(
        PAGE.replace("{version}", env!("CARGO_PKG_VERSION"))
            .replace("{status}", &status)
            .replace("{queries}", &queries),
    )
}
