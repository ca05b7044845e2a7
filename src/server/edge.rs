//! What every request meets first: it gets an id and a span, a panic becomes a plain 500, and the response gets the headers that every response has.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method as HttpMethod, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::host::Hosts;
use super::in_flight::{Entry, Guard};
use super::refusal::{self, Refusal};
use super::{Board, request_id};
use crate::telemetry::metrics::{HttpLabels, Method, Metrics, Route, StatusClass};

/// Nothing but what the server itself sends, and in nobody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the edge knows.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) board: Arc<Board>,
    pub(super) hosts: Hosts,
}

pub(super) async fn edge(
    State(Edge { board, hosts }): State<Edge>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let route = Route::of(request.uri().path());
    let method = method(request.method());
    let id = board.request_ids.id(request.headers());
    let _seen = Seen::new(
        &board,
        Entry {
            method,
            route,
            id: id.clone(),
        },
    );
    let span = tracing::info_span!(
        "http.request",
        request.id = id.to_str().unwrap_or_default(),
        http.request.method = method.as_str(),
        http.route = route.as_str(),
    );
    let mut response = match hosts.check(&request) {
        Ok(()) => {
            request.headers_mut().insert(request_id::HEADER, id.clone());
            request.extensions_mut().insert(hosts);
            let work = AssertUnwindSafe(next.run(request)).catch_unwind();
            let done = work.instrument(span.clone()).await;
            // The panic hook has logged it, inside the span.
            done.unwrap_or_else(|_panic| Refusal::Internal.into_response())
        }
        Err(refusal) => refusal.into_response(),
    };
    refusal::complete(&mut response, id.to_str().unwrap_or_default());
    add_headers(response.headers_mut(), id);
    let took = started.elapsed();
    board.metrics.response(
        HttpLabels {
            http_request_method: method,
            http_route: route,
            http_response_status_class: StatusClass::of(response.status().as_u16()),
        },
        took,
    );
    span.in_scope(|| log(response.status(), took));
    response
}

fn method(method: &HttpMethod) -> Method {
    match *method {
        HttpMethod::GET => Method::Get,
        HttpMethod::HEAD => Method::Head,
        HttpMethod::POST => Method::Post,
        _ => Method::Other,
    }
}

fn log(status: StatusCode, took: std::time::Duration) {
    let http_status = status.as_u16();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if status.is_server_error() {
        tracing::warn!(
            http.response.status_code = http_status,
            duration_ms,
            "answered with {http_status} after {duration_ms} ms"
        );
    } else {
        tracing::debug!(
            http.response.status_code = http_status,
            duration_ms,
            "answered with {http_status} after {duration_ms} ms"
        );
    }
}

fn add_headers(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert(request_id::HEADER, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    // Docs and the playground have their own.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
}

/// The request is counted and listed as long as this lives: also when the client goes away and the future is dropped.
struct Seen<'a> {
    _listed: Guard<'a>,
    metrics: &'a Metrics,
}

impl<'a> Seen<'a> {
    fn new(board: &'a Board, entry: Entry) -> Self {
        board.metrics.request_started();
        Self {
            _listed: board.in_flight.enter(entry),
            metrics: &board.metrics,
        }
    }
}

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        self.metrics.request_ended();
    }
}
