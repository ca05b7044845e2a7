//! One document to one upstream, and the words for what goes wrong.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::cost::Cost;
use super::document::Document;
use super::reply::Trouble as Wrong;
use crate::clock::Budget;
use crate::connect::fault;
use crate::connect::instances::Instance;
use crate::connect::json;
use crate::connect::request::{self, Terms, Trouble};
use crate::connect::routes::Fetch;
use crate::connect::seam::Fault;
use crate::egress::{Call, HeaderName, HeaderValue, Method, Reply};

/// An upstream's answer.
pub(in crate::connect) struct Sent {
    pub(in crate::connect) body: Value,
    /// It forbids keeping it.
    pub(in crate::connect) no_store: bool,
}

/// The request that brings a document to an upstream.
pub(in crate::connect) fn call(
    instance: &Instance,
    names: &Arc<str>,
    document: &Document,
    cost: Cost,
    budget: Budget,
) -> Call {
    let body = json!({ "query": document.text, "variables": document.variables });
    let mut call = Call::get("", Arc::clone(names), budget);
    call.method = Method::POST;
    call.cost = cost.points(&instance.document);
    call.headers = ["accept", "content-type"]
        .map(|name| {
            let json = HeaderValue::from_static("application/json");
            (HeaderName::from_static(name), json)
        })
        .into();
    call.body = Some(Bytes::from(body.to_string()));
    call
}

/// Sends a document; a read does no harm when it is sent twice.
pub(in crate::connect) async fn send(
    fetch: &Fetch,
    instance: &Instance,
    names: &Arc<str>,
    document: &Document,
    cost: Cost,
    terms: Terms<'_>,
) -> Result<Sent, Trouble> {
    let mut call = call(instance, names, document, cost, terms.budget);
    call.idempotent = true;
    call.lane = terms.lane;
    // Only he is asked in the caller's name who is to be.
    if fetch.is_forwarded {
        call.authorization = terms.authorization.cloned();
    }
    if terms.divisible {
        call.expects.extend(request::TOO_MUCH);
    }
    instance.count_request();
    let sent = instance.upstream.send(call).await;
    if let Some(trace) = terms.trace {
        request::note(trace, fetch, instance, ("POST", names), &sent);
    }
    let reply = sent.map_err(|failure| request::trouble(&failure, terms))?;
    let parsed = json::read(&reply.body).ok();
    if let Some(body) = &parsed
        && let Some(fault) = heed(fetch, instance, names, body, &reply).await
    {
        return Err(Trouble::Fault(fault));
    }
    let answers = parsed
        .as_ref()
        .is_some_and(|body| body.get("errors").is_some());
    match (reply.status, parsed) {
        (200..=299, Some(body)) => Ok(Sent {
            body,
            no_store: request::is_no_store(&reply.headers),
        }),
        (200..=299, None) => {
            let fault = fault::bad_shape(fetch.connector(), names, "gave no JSON");
            let trouble = Trouble::Fault(fault.with("upstreamStatus", reply.status));
            request::tell(instance, &trouble);
            Err(trouble)
        }
        (status, _) if terms.divisible && request::TOO_MUCH.contains(&status) => {
            let fault = fault::of_status(fetch.connector(), names, status);
            Err(Trouble::TooMuch(fault))
        }
        // Some say with a status that there are errors.
        (_, Some(body)) if answers => Ok(Sent {
            body,
            no_store: true,
        }),
        (status, _) => {
            let fault = fault::of_status(fetch.connector(), names, status);
            Err(Trouble::Fault(fault))
        }
    }
}

/// An answer of nothing but errors may say that there were too many requests, with a status that says nothing.
pub(in crate::connect) async fn heed(
    fetch: &Fetch,
    instance: &Instance,
    names: &Arc<str>,
    body: &Value,
    reply: &Reply,
) -> Option<Fault> {
    let is_nothing = body.get("data").is_none_or(|data| match data {
        Value::Object(fields) => fields.values().all(Value::is_null),
        data => data.is_null(),
    });
    let errors = body.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten().filter(|_| is_nothing) {
        let words = error.get("message").and_then(Value::as_str);
        let words = words.unwrap_or_default();
        let upstream = &instance.upstream;
        if let Some(wait) = upstream.heed(words, reply.status, &reply.headers).await {
            let (connector, wrong) = (fetch.connector(), Wrong::RateLimited);
            let message = format!("`{connector}` {} at `{names}`", wrong.words());
            let fault = Fault::new(wrong.code(), message)
                .with("connector", &**connector)
                .with("upstreamStatus", reply.status);
            return Some(fault.with("retryAfter", wait.as_secs()));
        }
    }
    None
}

/// What clients are told of an error in an answer.
pub(in crate::connect) fn fault(fetch: &Fetch, instance: &Instance, wrong: Wrong) -> Fault {
    let connector = fetch.connector();
    let message = format!("`{connector}` {} at `{}`", wrong.words(), fetch.template);
    let fault = Fault::new(wrong.code(), message).with("connector", &**connector);
    let budget = instance.upstream.status().budget;
    match budget.filter(|_| wrong == Wrong::RateLimited) {
        Some(budget) => {
            let now = instance.upstream.now();
            let seconds = budget.reset_at.duration_since(now).as_secs().max(0) + 1;
            fault.with("retryAfter", seconds)
        }
        None => fault,
    }
}

/// The same, to stand in JSON.
pub(in crate::connect) fn reason(fetch: &Fetch, instance: &Instance, wrong: Wrong) -> Value {
    reason_of(&fault(fetch, instance, wrong))
}

/// A fault, to stand in JSON as the reason of a null.
pub(in crate::connect) fn reason_of(fault: &Fault) -> Value {
    json!({ "code": fault.code, "message": fault.message, "extensions": fault.extensions })
}

/// The fault that stands in JSON as the reason of a null.
pub(in crate::connect) fn fault_in(reason: &Value) -> Fault {
    let code = reason.get("code").and_then(Value::as_str);
    let message = reason.get("message").and_then(Value::as_str);
    let extensions = reason.get("extensions").and_then(Value::as_object);
    Fault {
        code: fault::known_code(code.unwrap_or_default()),
        message: message.unwrap_or_default().to_owned(),
        extensions: extensions.map_or_else(Map::new, Clone::clone),
    }
}
