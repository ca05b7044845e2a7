//! One request that changes something: sent once, and judged by whether the upstream may have done it.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::clock::Budget;
use crate::connect::ask::Ask;
use crate::connect::fault;
use crate::connect::request;
use crate::connect::routes::Fetch;
use crate::connect::seam::{Fault, Parent};
use crate::egress::{Call, Failure, Kind, Lane, Reply};
use crate::sdl::Request;
use crate::store::ActionOutcome;

/// What it is done to, and by which request.
pub(super) struct Target {
    pub(super) parent: Parent,
    pub(super) ask: Arc<Ask>,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// Until when, and in whose name.
pub(super) struct Terms<'t> {
    pub(super) budget: Budget,
    pub(super) authorization: Option<&'t SecretString>,
    pub(super) started: Timestamp,
}

/// What the upstream said, or why not, and whether it may have done it all the same.
pub(super) type Sent = Result<Value, (Fault, bool)>;

/// Sends it, and never again.
pub(super) async fn send(fetch: &Fetch, target: &Target, terms: &Terms<'_>) -> Sent {
    let Request::Rest { method, .. } = &fetch.connect.request else {
        let why = "is a GraphQL source, and nothing is done through those yet,";
        let fault = fault::bad_shape(fetch.connector(), &fetch.template, why);
        return Err((fault, false));
    };
    let mut call = Call::get(
        target.path.clone(),
        Arc::clone(&fetch.template),
        terms.budget,
    );
    call.method = request::http_method(*method);
    call.idempotent = false;
    if fetch.is_forwarded {
        call.authorization = terms.authorization.cloned();
    }
    call.lane = Lane::Interactive;
    call.headers = request::headers(target.body.is_some());
    call.body = target
        .body
        .as_ref()
        .map(|body| Bytes::from(body.to_string()));
    target.ask.instance.count_request();
    match target.ask.instance.upstream.send(call).await {
        Ok(reply) => judge(fetch, &reply),
        Err(failure) => {
            let fault = fault::of_failure(&failure, terms.started);
            Err((fault, may_have_arrived(&failure)))
        }
    }
}

fn judge(fetch: &Fetch, reply: &Reply) -> Sent {
    if !(200..300).contains(&reply.status) {
        let fault = fault::of_status(fetch.connector(), &fetch.template, reply.status);
        return Err((fault, reply.status >= 500));
    }
    // Many upstreams say nothing but that it is done.
    let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    Ok(request::evaluate(&fetch.connect.at, &body).into_owned())
}

/// Whether the upstream may have got the request, and done what it says.
fn may_have_arrived(failure: &Failure) -> bool {
    match failure.kind {
        Kind::Timeout { .. } | Kind::Unavailable(_) | Kind::TooLarge { .. } => true,
        Kind::RateLimited { .. }
        | Kind::Away { .. }
        | Kind::CircuitOpen { .. }
        | Kind::BudgetExhausted { .. }
        | Kind::Refused(_)
        | Kind::Unauthorized { .. }
        | Kind::AppKey { .. }
        | Kind::NotInstalled { .. } => false,
    }
}

/// What became of all requests together.
pub(super) fn outcome(all: &[Sent]) -> ActionOutcome {
    let n_done = all.iter().filter(|sent| sent.is_ok()).count();
    let unknown = all.iter().any(|sent| matches!(sent, Err((_, true))));
    match (n_done, unknown) {
        (done, _) if done == all.len() => ActionOutcome::Done,
        (_, true) => ActionOutcome::Unknown,
        (0, false) => ActionOutcome::Failed,
        (_, false) => ActionOutcome::Partial,
    }
}
