//! The socket of a simulated upstream, and what faults do to its answers.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::fault::Fault;
use super::request::Received;
use super::upstream::{Answered, Upstream};
use crate::sdl::Method;
use crate::tasks::Tasks;

/// The largest body of a request.
const MAX_BODY: usize = 1 << 20;

pub(super) fn start(listener: TcpListener, upstream: Arc<Upstream>, tasks: &Tasks) {
    let router = Router::new().fallback(handle).with_state(upstream);
    tasks.spawn("simulated upstream", |cancel| async move {
        let serving = axum::serve(listener, router).into_future();
        if let Some(Err(error)) = cancel.run_until_cancelled(serving).await {
            tracing::warn!(%error, "a simulated upstream ended: {error}");
        }
    });
}

async fn handle(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    let target = request.uri().to_string();
    let Some(received) = received(request).await else {
        return response(Answered::message(405, "this method is not known here"));
    };
    let (fault, latency) = upstream.receive(&received, &target);
    if !latency.is_zero() {
        sleep(latency).await;
    }
    let Some(fault) = fault else {
        return response(upstream.answer(&received, None));
    };
    match fault {
        Fault::Delay(time) => {
            sleep(time).await;
            response(upstream.answer(&received, None))
        }
        Fault::Silence => std::future::pending().await,
        Fault::WrongType { leaf } => response(upstream.answer(&received, Some(leaf))),
        Fault::Reset => cut_off(upstream.answer(&received, None)),
        Fault::Truncated => {
            let mut answered = upstream.answer(&received, None);
            answered.body = answered.body.slice(..answered.body.len() / 2);
            response(answered)
        }
        Fault::Garbage => response(answer(
            200,
            "application/json",
            "\u{1}\u{2}{[}]not JSON at all",
        )),
        Fault::Html => response(answer(
            200,
            "text/html",
            "<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>",
        )),
        Fault::Status {
            status,
            retry_after,
        } => {
            let mut answered = Answered::message(status, "the simulated upstream says no");
            let header = retry_after.map(|value| ("retry-after".to_owned(), value));
            answered.headers.extend(header);
            response(answered)
        }
        Fault::Endless => endless(),
        Fault::Redirect { to } => {
            let mut answered = Answered::message(302, "elsewhere");
            answered.headers.push(("location".to_owned(), to));
            response(answered)
        }
    }
}

async fn received(request: Request) -> Option<Received> {
    let (parts, body) = request.into_parts();
    let method = match parts.method.as_str() {
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return None,
    };
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let (path, query) = (parts.uri.path(), parts.uri.query());
    Some(Received::new(method, path, query, headers.collect(), &body))
}

fn answer(status: u16, kind: &str, body: &'static str) -> Answered {
    Answered {
        status,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body: Bytes::from_static(body.as_bytes()),
    }
}

fn response(answered: Answered) -> Response {
    let body = Body::from(answered.body);
    with_headers(body, answered.status, &answered.headers)
}

/// Says how long the body is, sends half of it, and closes the connection.
fn cut_off(answered: Answered) -> Response {
    let half = answered.body.slice(..answered.body.len() / 2);
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut off");
    let parts = stream::iter([Ok(half), Err(broken)]);
    let mut headers = answered.headers;
    let length = answered.body.len().max(2).to_string();
    headers.push(("content-length".to_owned(), length));
    with_headers(Body::from_stream(parts), answered.status, &headers)
}

/// A part a millisecond: where all share one thread, whoever reads has to get a turn to say that it is enough.
fn endless() -> Response {
    let blank = Bytes::from_static(&[b' '; 16 * 1024]);
    let parts = stream::repeat(blank).then(async |part| {
        sleep(Duration::from_millis(1)).await;
        Ok::<_, Infallible>(part)
    });
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    with_headers(Body::from_stream(parts), 200, &headers)
}

fn with_headers(body: Body, status: u16, headers: &[(String, String)]) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    for (name, value) in headers {
        let name = HeaderName::try_from(name);
        let value = HeaderValue::try_from(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
