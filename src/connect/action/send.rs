//! One request that changes something: sent once, and judged by whether the upstream may have done it.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::clock::Budget;
use crate::connect::ask::Ask;
use crate::connect::fault;
use crate::connect::graphql::change::{Change, Outcome};
use crate::connect::graphql::reply::Trouble;
use crate::connect::graphql::send as graphql;
use crate::connect::instances::Instance;
use crate::connect::json;
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
    /// Of a graph: what is done there.
    pub(super) change: Option<Change>,
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
    let instance = &target.ask.instance;
    let (mut call, document) = match (&fetch.connect.request, &target.change) {
        (Request::Rest { method, .. }, _) => {
            let (path, template) = (target.path.clone(), Arc::clone(&fetch.template));
            let mut call = Call::get(path, template, terms.budget);
            call.method = request::http_method(*method);
            call.headers = request::headers(target.body.is_some());
            let body = target.body.as_ref();
            call.body = body.map(|body| Bytes::from(body.to_string()));
            (call, None)
        }
        (Request::Graphql { .. }, Some(change)) => {
            let document = change.document(&instance.connections);
            let cost = change.cost(&instance.connections);
            let call = graphql::call(instance, &fetch.template, &document, cost, terms.budget);
            (call, Some(change))
        }
        (Request::Graphql { .. }, None) => {
            let why = "was not asked, since what is to be sent names no field of its graph,";
            let fault = fault::bad_shape(fetch.connector(), &fetch.template, why);
            return Err((fault, false));
        }
    };
    call.idempotent = false;
    if fetch.is_forwarded {
        call.authorization = terms.authorization.cloned();
    }
    call.lane = Lane::Interactive;
    instance.count_request();
    match (instance.upstream.send(call).await, document) {
        (Ok(reply), None) => judge(fetch, &reply),
        (Ok(reply), Some(change)) => judge_graph(fetch, instance, change, &reply).await,
        (Err(failure), _) => {
            let fault = fault::of_failure(&failure, terms.started);
            Err((fault, may_have_arrived(&failure)))
        }
    }
}

/// Some say with a status that there are errors, and some within an answer.
async fn judge_graph(fetch: &Fetch, instance: &Instance, change: &Change, reply: &Reply) -> Sent {
    let body: Option<Value> = json::read(&reply.body).ok();
    if let Some(body) = &body
        && let Some(fault) = graphql::heed(fetch, instance, &fetch.template, body, reply).await
    {
        // Whoever is told to slow down was not served.
        return Err((fault, false));
    }
    let is_well = (200..300).contains(&reply.status);
    let answers = |body: &Value| is_well || body.get("errors").is_some();
    let Some(body) = body.filter(answers) else {
        let fault = match is_well {
            true => fault::bad_shape(fetch.connector(), &fetch.template, "gave no JSON"),
            false => fault::of_status(fetch.connector(), &fetch.template, reply.status),
        };
        return Err((fault, is_well || reply.status >= 500));
    };
    let reason = |trouble: Trouble| graphql::reason(fetch, instance, trouble);
    match change.outcome(body, &instance.connections, &reason) {
        Outcome::Done(value) => Ok(value),
        Outcome::Failed(trouble) => {
            let fault = graphql::fault(fetch, instance, trouble);
            Err((fault, trouble == Trouble::Timeout))
        }
        Outcome::Misshapen => {
            let why = "gave no answer to a GraphQL request";
            let fault = fault::bad_shape(fetch.connector(), &fetch.template, why);
            Err((fault, true))
        }
    }
}

fn judge(fetch: &Fetch, reply: &Reply) -> Sent {
    if !(200..300).contains(&reply.status) {
        let fault = fault::of_status(fetch.connector(), &fetch.template, reply.status);
        return Err((fault, reply.status >= 500));
    }
    // Many upstreams say nothing but that it is done.
    let body = json::read(&reply.body).unwrap_or(Value::Null);
    Ok(request::evaluate(&fetch.connect.at, &body).into_owned())
}

/// Whether the upstream may have got the request, and done what it says.
fn may_have_arrived(failure: &Failure) -> bool {
    match failure.kind {
        Kind::Timeout { .. } | Kind::Unavailable(_) | Kind::TooLarge { .. } | Kind::Packed => true,
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
