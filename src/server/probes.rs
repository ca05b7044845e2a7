//! What machines ask: is it alive, is it ready, how is it doing, what is the schema.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Board;
use crate::diagnostic::Severity;
use crate::telemetry::metrics::CatalogFigures;

/// The process answers.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// The first snapshot serves.
pub(super) async fn ready(State(board): State<Arc<Board>>) -> (StatusCode, &'static str) {
    if board.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the catalog is being loaded\n",
        )
    }
}

/// Prometheus text.
pub(super) async fn metrics(State(board): State<Arc<Board>>) -> impl IntoResponse {
    let snapshot = board.catalog().snapshot();
    let mut figures = CatalogFigures {
        entities: snapshot.len(),
        revision: snapshot.revision(),
        ..CatalogFigures::default()
    };
    for problem in snapshot.problems() {
        match problem.severity {
            Severity::Error => figures.errors += 1,
            Severity::Warning => figures.warnings += 1,
            Severity::Info => figures.infos += 1,
        }
    }
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        board.metrics.render(figures),
    )
}

/// The SDL of the current schema version; clients that have it already are told so.
pub(super) async fn schema(State(board): State<Arc<Board>>, headers: HeaderMap) -> Response {
    let engine = board.engine();
    let model = engine.model();
    let tag = format!("\"{}\"", model.fingerprint);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.split(',').any(|known| known.trim() == tag));
    let tag = match HeaderValue::from_str(&tag) {
        Ok(tag) => [(header::ETAG, tag)],
        Err(_not_ascii) => return model.sdl.to_string().into_response(),
    };
    if known {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    // Plain text, so that a browser shows it.
    (tag, model.sdl.to_string()).into_response()
}
