//! The whole HTTP surface.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::edge::Edge;
use super::host::Hosts;
use super::{Board, docs, edge, graphql, playground, probes, refusal, webhook};

/// All routes, behind the edge; `more` are the caller's own.
pub(super) fn router(board: Arc<Board>, hosts: Hosts, more: Router<Arc<Board>>) -> Router {
    let edge = Edge {
        board: Arc::clone(&board),
        hosts,
    };
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/webhooks/{connector}", post(webhook::of_connector))
        .route(
            "/webhooks/{connector}/{instance}",
            post(webhook::of_instance),
        )
        .route("/schema.graphql", get(probes::schema))
        .route("/healthz", get(probes::health))
        .route("/readyz", get(probes::ready))
        .route("/metrics", get(probes::metrics))
        .route("/", get(playground::start))
        .route("/assets/{name}", get(playground::asset))
        .route("/docs", get(docs::bare))
        .route("/docs/", get(docs::overview))
        .route("/docs/theme.css", get(docs::theme))
        .route("/docs/icon.svg", get(docs::icon))
        .route("/docs/{*path}", get(docs::page))
        .merge(of_the_playground())
        .merge(more)
        .fallback(playground::nowhere)
        .method_not_allowed_fallback(refusal::method_not_allowed)
        .layer(from_fn_with_state(edge, edge::edge))
        .with_state(board)
}

/// The pages of the web app, and whatever is below them: the app knows what is there.
fn of_the_playground() -> Router<Arc<Board>> {
    let mut router = Router::new();
    for page in playground::PAGES {
        router = router
            .route(&format!("/{page}"), get(playground::within))
            .route(&format!("/{page}/"), get(playground::within))
            .route(&format!("/{page}/{{*rest}}"), get(playground::within));
    }
    router
}
