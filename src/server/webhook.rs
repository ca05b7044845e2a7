//! `/webhooks`: what upstreams tell us by themselves.
//!
//! Anybody may knock, so as little as possible is done before the delivery is proven: the headers are looked at first, then the body is read within its own limit, and bodies of all deliveries share a bounded room.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;
use tracing::Instrument as _;

use super::refusal::Refusal;
use super::{Board, body};
use crate::clock::Budget;
use crate::config::LimitsConfig;
use crate::connect::{Door, Received, Rejected, WebhookHeaders};

/// So many of the longest bodies fit in at once.
const LONGEST: u64 = 4;

/// The bytes of deliveries that may be worked on at once.
pub(super) fn room(limits: &LimitsConfig) -> Semaphore {
    let bytes = limits.webhook_size.saturating_mul(LONGEST);
    let permits = usize::try_from(bytes).unwrap_or(usize::MAX);
    Semaphore::new(permits.min(Semaphore::MAX_PERMITS))
}

/// Whichever instance has the secret that fits.
pub(super) async fn of_connector(
    State(board): State<Arc<Board>>,
    Path(connector): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    deliver(&board, &connector, None, request).await
}

pub(super) async fn of_instance(
    State(board): State<Arc<Board>>,
    Path((connector, instance)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    deliver(&board, &connector, Some(&instance), request).await
}

async fn deliver(
    board: &Board,
    connector: &str,
    instance: Option<&str>,
    request: Request,
) -> Result<Response, Refusal> {
    let budget = Budget::of(board.limits.request_time);
    let (parts, incoming) = request.into_parts();
    let headers = readable(&parts.headers);
    let door = find(board, connector, instance);
    let admitted = door.and_then(|door| match admit(board, &door, &parts.headers, &headers) {
        Ok(()) => Ok(door),
        Err(refusal) => Err(told(&door, refusal)),
    });
    let door = match admitted {
        Ok(door) => door,
        Err(refusal) => {
            // Who is still sending shall see why, and not a closed connection.
            if !parts.headers.contains_key(header::EXPECT) {
                body::discard(incoming).await;
            }
            return Err(refusal);
        }
    };
    let read = read(board, incoming, budget).await;
    let (bytes, _room) = read.map_err(|refusal| told(&door, refusal))?;
    let span = tracing::info_span!("webhook.delivery", connector.name = %door.connector());
    let received = door.receive(headers, bytes).instrument(span).await;
    Ok(answer(received.map_err(Refusal::Delivery)?))
}

fn find(board: &Board, connector: &str, instance: Option<&str>) -> Result<Door, Refusal> {
    let webhooks = board.webhooks().ok_or_else(|| {
        Refusal::Delivery(Rejected::NoConnector {
            connector: connector.into(),
        })
    })?;
    let door = webhooks.door(connector, instance);
    door.map_err(Refusal::Delivery)
}

/// Everything that can be said without the body.
fn admit(
    board: &Board,
    door: &Door,
    headers: &HeaderMap,
    readable: &WebhookHeaders,
) -> Result<(), Refusal> {
    if !is_json(headers) {
        return Err(Refusal::DeliveryNotJson);
    }
    let limit = board.limits.webhook_size;
    if body::announced(headers).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    door.admits(readable).map_err(Refusal::Delivery)
}

/// Whoever set the webhook up finds in the log why nothing comes in; the door has told of what it refused itself.
fn told(door: &Door, refusal: Refusal) -> Refusal {
    match &refusal {
        Refusal::Delivery(_) => {}
        Refusal::NoRoom => door.tell(&refusal),
        malformed => door.turn_away(malformed),
    }
    refusal
}

/// The body, and its place in the room for as long as it is worked on. Room is taken by bytes that came: to announce many costs others nothing.
async fn read(
    board: &Board,
    mut incoming: Body,
    budget: Budget,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
    let limit = board.limits.webhook_size;
    let mut bytes = Vec::new();
    let mut room: Option<OwnedSemaphorePermit> = None;
    let take = |room: &mut Option<OwnedSemaphorePermit>, count: usize| {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let taken = Arc::clone(&board.deliveries).try_acquire_many_owned(count);
        let taken = taken.map_err(|_full| Refusal::NoRoom)?;
        match room {
            Some(room) => room.merge(taken),
            None => *room = Some(taken),
        }
        Ok(())
    };
    loop {
        let frame = timeout_at(budget.deadline, incoming.frame()).await;
        let frame = frame.map_err(|_elapsed| Refusal::SlowBody {
            seconds: board.limits.request_time.as_secs(),
        })?;
        let Some(frame) = frame else {
            return Ok((bytes.into(), room));
        };
        let frame = frame.map_err(|error| {
            let message = format!("the body could not be read: {error}");
            Refusal::BadRequest(message)
        })?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let length = bytes.len() + data.len();
        if length as u64 > limit {
            body::discard(incoming).await;
            return Err(too_large(limit));
        }
        take(&mut room, data.len())?;
        bytes.extend_from_slice(data);
    }
}

fn too_large(limit: u64) -> Refusal {
    Refusal::TooLarge {
        setting: "limits.webhookSize",
        limit,
    }
}

/// Some upstreams send forms unless they are told otherwise, and a signature over a form proves nothing of the JSON in it.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str);
    let Some(value) = value else {
        return true;
    };
    let value = value.unwrap_or_default();
    let name = value.split(';').next().unwrap_or_default().trim();
    let name = name.to_ascii_lowercase();
    name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"))
}

/// By names in lower case; what came in several lines is put together as it could have come in one.
fn readable(headers: &HeaderMap) -> WebhookHeaders {
    let names = headers.keys();
    names
        .map(|name| {
            let lines = headers.get_all(name).iter();
            let lines: Vec<_> = lines
                .map(|line| String::from_utf8_lossy(line.as_bytes()))
                .collect();
            (name.as_str().to_owned(), Value::from(lines.join(", ")))
        })
        .collect()
}

fn answer(received: Received) -> Response {
    let body = match received {
        Received::Purged { tags } => json!({ "outcome": "purged", "tags": tags }),
        Received::Ignored => json!({ "outcome": "ignored" }),
        Received::Duplicate => json!({ "outcome": "duplicate" }),
    };
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body.to_string()).into_response()
}
