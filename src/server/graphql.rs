//! `/graphql` by the GraphQL-over-HTTP specification.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use futures_util::future::join_all;
use tracing::Instrument as _;

use super::body;
use super::host::Hosts;
use super::media::{self, MediaType};
use super::refusal::Refusal;
use super::{Board, request_id};
use crate::clock::Budget;
use crate::graphql::{Code, Engine, Outcome, Request};
use crate::telemetry::metrics::OperationOutcome;

/// Headers of an answer, those that hyper adds among them.
const HEADERS: usize = 12;
/// `1`: `extensions.callboard` says what upstreams were asked.
const TRACE: HeaderName = HeaderName::from_static("callboard-trace");
/// `data`: failures of upstreams are in `Entity.live` only.
const ERRORS: HeaderName = HeaderName::from_static("callboard-errors");

/// Queries in the URL; nothing that changes anything.
pub(super) async fn get(
    State(board): State<Arc<Board>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let budget = Budget::of(board.limits.request_time);
    media::check_site(&headers)?;
    let media_type = MediaType::accepted(&headers)?;
    let request = from_query_string(uri.query().unwrap_or_default())?;
    let request = wishes(request, &headers, None);
    let _permit = permit(&board)?;
    let answer = execute(&board, &board.engine(), &request, budget).await;
    Ok(respond(answer, media_type))
}

/// One operation as a JSON object, or several as an array.
pub(super) async fn post(
    State(board): State<Arc<Board>>,
    request: HttpRequest,
) -> Result<Response, Refusal> {
    let budget = Budget::of(board.limits.request_time);
    let (parts, incoming) = request.into_parts();
    media::check_site(&parts.headers)?;
    media::check_body_type(&parts.headers)?;
    let media_type = MediaType::accepted(&parts.headers)?;
    let hosts = parts.extensions.get::<Hosts>();
    let bytes = body::read(&board.limits, incoming, &parts.headers, budget).await?;
    let _permit = permit(&board)?;
    let engine = board.engine();
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => {
            let requests: Vec<Request<'_>> =
                serde_json::from_slice(&bytes).map_err(|error| bad_body(&error))?;
            let requests = requests.into_iter();
            let requests: Vec<Request<'_>> = requests
                .map(|request| wishes(request, &parts.headers, hosts))
                .collect();
            let (answers, fresh_for) = batch(&board, &engine, &requests, budget).await?;
            Ok(with_headers(StatusCode::OK, answers, media_type, fresh_for))
        }
        Some(_) => {
            let request: Request<'_> =
                serde_json::from_slice(&bytes).map_err(|error| bad_body(&error))?;
            let request = wishes(request, &parts.headers, hosts);
            let answer = execute(&board, &engine, &request, budget).await;
            Ok(respond(answer, media_type))
        }
        None => Err(Refusal::BadRequest(
            "the body is empty; send `{\"query\": \"…\"}`".to_owned(),
        )),
    }
}

/// Several operations at once, each with its own answer, in order; they share one budget.
async fn batch(
    board: &Board,
    engine: &Engine,
    requests: &[Request<'_>],
    budget: Budget,
) -> Result<(Vec<u8>, Option<Duration>), Refusal> {
    let limit = board.limits.batch;
    if requests.is_empty() || requests.len() > limit {
        return Err(Refusal::BadRequest(format!(
            "an array of {} operations: `limits.batch` allows 1 to {limit}",
            requests.len()
        )));
    }
    let answers = join_all(
        requests
            .iter()
            .map(|request| execute(board, engine, request, budget)),
    )
    .await;
    let fresh_for = answers
        .iter()
        .map(|answer| answer.fresh_for)
        .min()
        .flatten();
    let mut body = vec![b'['];
    for (index, answer) in answers.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&answer.body);
    }
    body.push(b']');
    Ok((body, fresh_for))
}

/// What goes back for one operation.
struct Answer {
    body: Vec<u8>,
    outcome: Answered,
    fresh_for: Option<Duration>,
}

enum Answered {
    Engine(Outcome),
    TimedOut,
}

async fn execute(board: &Board, engine: &Engine, request: &Request<'_>, budget: Budget) -> Answer {
    let started = Instant::now();
    let span = tracing::info_span!(
        "graphql.operation",
        graphql.operation.name = request.operation_name.as_deref()
    );
    let work = engine.execute(request, budget).instrument(span);
    let answer = match tokio::time::timeout_at(budget.deadline, work).await {
        Ok(response) => Answer {
            body: response.body,
            outcome: Answered::Engine(response.outcome),
            fresh_for: response.fresh_for,
        },
        Err(_elapsed) => Answer {
            body: Refusal::Timeout {
                seconds: board.limits.request_time.as_secs(),
            }
            .body(request.request_id.as_deref().unwrap_or_default()),
            outcome: Answered::TimedOut,
            fresh_for: None,
        },
    };
    let outcome = match answer.outcome {
        Answered::Engine(Outcome::Ok) => OperationOutcome::Ok,
        Answered::Engine(Outcome::Partial) => OperationOutcome::Partial,
        Answered::Engine(Outcome::Refused(Code::Internal | Code::Timeout)) | Answered::TimedOut => {
            OperationOutcome::Failed
        }
        Answered::Engine(Outcome::Refused(_)) => OperationOutcome::Refused,
    };
    board
        .metrics
        .operation(outcome, started.elapsed(), answer.body.len());
    answer
}

fn respond(answer: Answer, media_type: MediaType) -> Response {
    let status = match answer.outcome {
        Answered::Engine(Outcome::Ok | Outcome::Partial) => StatusCode::OK,
        Answered::Engine(Outcome::Refused(code)) => status(code, media_type),
        Answered::TimedOut => StatusCode::GATEWAY_TIMEOUT,
    };
    let mut response = with_headers(status, answer.body, media_type, answer.fresh_for);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// Under `application/json` a client cannot tell our 4xx from one of a proxy, so a well-formed request is answered with 200.
fn status(code: Code, media_type: MediaType) -> StatusCode {
    match (code, media_type) {
        (Code::MethodNotAllowed, _) => StatusCode::METHOD_NOT_ALLOWED,
        (Code::Internal, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (Code::Timeout, _) => StatusCode::GATEWAY_TIMEOUT,
        (_, MediaType::Json) => StatusCode::OK,
        (_, MediaType::GraphqlResponse) => StatusCode::BAD_REQUEST,
    }
}

/// What stands beside the operation: its id, what the client wants to be told, and what it may do.
fn wishes<'r>(request: Request<'r>, headers: &'r HeaderMap, hosts: Option<&Hosts>) -> Request<'r> {
    Request {
        // Nobody is known by name yet: only who is on this machine may change things.
        may_act: hosts == Some(&Hosts::Loopback),
        request_id: Some(request_id::of(headers).into()),
        authorization: headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(Into::into),
        trace: headers.get(TRACE).is_some_and(|value| value == "1"),
        faults_in_data: headers.get(ERRORS).is_some_and(|value| value == "data"),
        ..request
    }
}

/// `fresh_for` is that of the live values in the body: without any, nobody knows when the catalog changes.
fn with_headers(
    status: StatusCode,
    body: Vec<u8>,
    media_type: MediaType,
    fresh_for: Option<Duration>,
) -> Response {
    let cache_control = match fresh_for {
        Some(time) => HeaderValue::from_str(&format!("private, max-age={}", time.as_secs())).ok(),
        None => None,
    };
    let cache_control = cache_control.unwrap_or(HeaderValue::from_static("no-store"));
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // With those of the edge: a map that grows is filled anew.
    headers.reserve(HEADERS);
    headers.insert(header::CONTENT_TYPE, media_type.content_type());
    headers.insert(header::CACHE_CONTROL, cache_control);
    let vary = "accept, authorization, callboard-trace, callboard-errors";
    headers.insert(header::VARY, HeaderValue::from_static(vary));
    response
}

/// The right to work on an operation: not before there is a catalog, and not on more than the limit at once.
pub(super) fn permit(board: &Board) -> Result<tokio::sync::SemaphorePermit<'_>, Refusal> {
    if !board.is_ready() {
        return Err(Refusal::NotReady);
    }
    board
        .concurrency
        .try_acquire()
        .map_err(|_exhausted| Refusal::Overloaded {
            limit: board.limits.concurrency,
        })
}

fn bad_body(error: &serde_json::Error) -> Refusal {
    Refusal::BadRequest(format!("the body is no GraphQL request: {error}"))
}

fn from_query_string(query: &str) -> Result<Request<'static>, Refusal> {
    let mut document = None;
    let mut request = Request {
        read_only: true,
        ..Request::new("")
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "query" => document = Some(value.into_owned()),
            "operationName" if !value.is_empty() => {
                request.operation_name = Some(value.into_owned());
            }
            "variables" => request.variables = object("variables", &value)?,
            "extensions" => request.extensions = object("extensions", &value)?,
            _ => {}
        }
    }
    let document = document.ok_or_else(|| {
        Refusal::BadRequest(
            "the URL has no `query`; the SDL is at /schema.graphql, and / explains more".to_owned(),
        )
    })?;
    request.query = document.into();
    Ok(request)
}

fn object(
    name: &str,
    text: &str,
) -> Result<Option<serde_json::Map<String, serde_json::Value>>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text)
        .map_err(|error| Refusal::BadRequest(format!("`{name}` must be a JSON object: {error}")))
}
