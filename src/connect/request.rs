//! One request to an upstream: filled in, sent, judged and decoded.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::Value;

use super::ask::Bound;
use super::encode::{Unfit, has_param, with_param};
use super::fault;
use super::instances::Instance;
use super::json;
use super::routes::Fetch;
use super::seam::Fault;
use super::trace::{Exchange, Trace};
use crate::cache::Entry;
use crate::clock::Budget;
use crate::egress::{
    Call, Failure, HeaderMap, HeaderName, HeaderValue, Kind, Lane, Method, Reply, Validators,
};
use crate::sdl::expr::{Expr, Node, Path, Root, Scope as Names, Step};
use crate::sdl::{self, Request};

/// Statuses by which an upstream says that it was asked for too much at once.
pub(super) const TOO_MUCH: [u16; 4] = [413, 414, 502, 504];

/// Names that are read once, and not for every request.
const ACCEPT: HeaderName = HeaderName::from_static("accept");
const CONTENT_TYPE: HeaderName = HeaderName::from_static("content-type");
const CACHE_CONTROL: HeaderName = HeaderName::from_static("cache-control");

/// A request, ready to be sent.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    body: Option<Value>,
}

/// For whom, and until when.
#[derive(Clone, Copy)]
pub(super) struct Terms<'t> {
    pub(super) lane: Lane,
    pub(super) budget: Budget,
    /// Where requests are noted, if anybody wants to see them.
    pub(super) trace: Option<&'t Trace>,
    pub(super) started: jiff::Timestamp,
    /// What the caller proves with who he is.
    pub(super) authorization: Option<&'t SecretString>,
    /// Whether less could be asked for if this is too much.
    pub(super) divisible: bool,
}

/// What an upstream said.
pub(super) enum Said {
    /// Its JSON, where `at` has not been applied yet.
    Body(Value, HeaderMap),
    /// What is known is still right.
    Unchanged,
    /// There is nothing, by a status of `nullOn`.
    Absent(u16),
}

/// Why it said nothing of use.
#[derive(Debug)]
pub(super) enum Trouble {
    Fault(Fault),
    /// Half of it may be answered.
    TooMuch(Fault),
    /// The time of the one who asked was over: that says nothing of the upstream.
    TooLate(Fault),
}

impl Trouble {
    pub(super) fn is_too_much(&self) -> bool {
        matches!(self, Self::TooMuch(_))
    }

    pub(super) fn is_too_late(&self) -> bool {
        matches!(self, Self::TooLate(_))
    }

    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) | Self::TooMuch(fault) | Self::TooLate(fault) => fault,
        }
    }
}

impl Asked {
    pub(super) fn new(bound: &Bound<'_>, batch: Option<&Value>) -> Result<Self, Unfit> {
        let (path, body) = bound.fill(batch)?;
        Ok(Self { path, body })
    }

    /// The request of one that is asked without a batch: its shape is all of it.
    pub(super) fn of_shape(shape: &str) -> Self {
        let (path, body) = match shape.split_once('\n') {
            Some((path, body)) => (path, serde_json::from_str(body).ok()),
            None => (shape, None),
        };
        Self {
            path: path.to_owned(),
            body,
        }
    }

    /// The same request elsewhere in a list.
    pub(super) fn at(&self, path: String) -> Self {
        Self {
            path,
            body: self.body.clone(),
        }
    }

    /// With a parameter set: a member of the body, where there is one and the query does not name it.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        match &mut self.body {
            Some(Value::Object(members)) if !has_param(&self.path, name) => {
                members.insert(name.to_owned(), value);
            }
            _ => {
                let text = match &value {
                    Value::String(text) => Cow::Borrowed(&**text),
                    other => Cow::Owned(other.to_string()),
                };
                self.path = with_param(&self.path, name, &text);
            }
        }
        self
    }

    /// Sends it.
    pub(super) async fn send(
        &self,
        fetch: &Fetch,
        instance: &Instance,
        terms: Terms<'_>,
        known: Option<&Arc<Entry>>,
    ) -> Result<Said, Trouble> {
        let Request::Rest { method, .. } = &fetch.connect.request else {
            // Those go another way.
            let why = "is a GraphQL source, and has no path,";
            return Err(Trouble::Fault(fault::bad_shape(
                fetch.connector(),
                &fetch.template,
                why,
            )));
        };
        let mut call = Call::get(self.path.clone(), Arc::clone(&fetch.template), terms.budget);
        call.method = http_method(*method);
        // A read that is written as POST does no harm when it is sent twice.
        call.idempotent = matches!(method, sdl::Method::Get | sdl::Method::Post);
        call.lane = terms.lane;
        call.headers = headers(self.body.is_some());
        call.body = self.body.as_ref().map(|body| Bytes::from(body.to_string()));
        // Only he is asked in the caller's name who is to be.
        if fetch.is_forwarded {
            call.authorization = terms.authorization.cloned();
        }
        call.validators = validators(known);
        call.expects.clone_from(&fetch.connect.null_on);
        if terms.divisible {
            call.expects.extend(TOO_MUCH);
        }
        instance.count_request();
        let sent = instance.upstream.send(call).await;
        if let Some(trace) = terms.trace {
            note(
                trace,
                fetch,
                instance,
                (method_name(*method), &fetch.template),
                &sent,
            );
        }
        match sent {
            Ok(reply) => {
                let said = judge(fetch, reply, terms.divisible);
                if let Err(trouble) = &said {
                    tell(instance, trouble);
                }
                said
            }
            Err(failure) => Err(trouble(&failure, terms)),
        }
    }
}

/// An answer that nobody can read is told of as the upstream's last error: whoever runs the server sees what clients see.
pub(super) fn tell(instance: &Instance, trouble: &Trouble) {
    if let Trouble::Fault(fault) = trouble
        && fault.code == fault::BAD_SHAPE
    {
        instance.upstream.told(fault.code, fault.message.clone());
    }
}

pub(super) fn note(
    trace: &Trace,
    fetch: &Fetch,
    instance: &Instance,
    (method, template): (&'static str, &Arc<str>),
    sent: &Result<Reply, Failure>,
) {
    let (status, elapsed, bytes) = match sent {
        Ok(reply) => (Some(reply.status), reply.elapsed, reply.bytes()),
        Err(failure) => (failure.status(), failure.elapsed, 0),
    };
    trace.exchange(
        fetch.connector(),
        Exchange {
            instance: Arc::clone(&instance.name),
            method,
            template: Arc::clone(template),
            brings: Arc::clone(&fetch.type_name),
            status,
            elapsed,
            bytes: bytes as u64,
        },
    );
    if let Some(budget) = instance.upstream.status().budget {
        trace.budget_left(fetch.connector(), budget.remaining);
    }
}

fn method_name(method: sdl::Method) -> &'static str {
    match method {
        sdl::Method::Get => "GET",
        sdl::Method::Post => "POST",
        sdl::Method::Put => "PUT",
        sdl::Method::Patch => "PATCH",
        sdl::Method::Delete => "DELETE",
    }
}

pub(super) fn http_method(method: sdl::Method) -> Method {
    match method {
        sdl::Method::Get => Method::GET,
        sdl::Method::Post => Method::POST,
        sdl::Method::Put => Method::PUT,
        sdl::Method::Patch => Method::PATCH,
        sdl::Method::Delete => Method::DELETE,
    }
}

pub(super) fn headers(body: bool) -> Vec<(HeaderName, HeaderValue)> {
    let json = HeaderValue::from_static("application/json");
    let mut headers = vec![(ACCEPT, json.clone())];
    if body {
        headers.push((CONTENT_TYPE, json));
    }
    headers
}

fn validators(known: Option<&Arc<Entry>>) -> Validators {
    let header = |text: Option<&str>| text.and_then(|text| HeaderValue::from_str(text).ok());
    match known {
        None => Validators::default(),
        Some(known) => Validators {
            etag: header(known.etag()),
            last_modified: header(known.last_modified()),
        },
    }
}

pub(super) fn trouble(failure: &Failure, terms: Terms<'_>) -> Trouble {
    let elapsed = jiff::SignedDuration::try_from(failure.elapsed).unwrap_or_default();
    let now = terms.started.checked_add(elapsed).unwrap_or(terms.started);
    let fault = fault::of_failure(failure, now);
    match failure.kind {
        Kind::Timeout { .. } if terms.budget.is_over() => Trouble::TooLate(fault),
        Kind::Timeout { .. } if terms.divisible => Trouble::TooMuch(fault),
        _ => Trouble::Fault(fault),
    }
}

fn judge(fetch: &Fetch, reply: Reply, divisible: bool) -> Result<Said, Trouble> {
    let connector = fetch.connector();
    match reply.status {
        304 => Ok(Said::Unchanged),
        status if fetch.connect.null_on.contains(&status) => Ok(Said::Absent(status)),
        204 => Ok(Said::Absent(204)),
        200..=299 => match json::read(&reply.body) {
            Ok(body) => Ok(Said::Body(body, reply.headers)),
            Err(_no_json) => {
                let why = "gave no JSON";
                let fault = fault::bad_shape(connector, &fetch.template, why);
                Err(Trouble::Fault(fault.with("upstreamStatus", reply.status)))
            }
        },
        status => {
            let fault = fault::of_status(connector, &fetch.template, status);
            match divisible && TOO_MUCH.contains(&status) {
                true => Err(Trouble::TooMuch(fault)),
                false => Err(Trouble::Fault(fault)),
            }
        }
    }
}

/// Whether an upstream forbids keeping its answer.
pub(super) fn is_no_store(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CACHE_CONTROL).iter();
    values.any(|value| {
        let words = value.to_str().unwrap_or_default().split(',');
        words
            .map(str::trim)
            .any(|word| word.eq_ignore_ascii_case("no-store"))
    })
}

/// A header as text.
pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<Box<str>> {
    headers.get(name)?.to_str().ok().map(Into::into)
}

/// What `at` says of a body; taken out of it where it stands there as it is.
pub(super) fn take(at: &Expr, body: &mut Value) -> Value {
    if let Node::Path(path) = at.node()
        && let Some(found) = place(path, body)
    {
        return found.take();
    }
    let whole = std::mem::take(body);
    let found = evaluate(at, &whole).into_owned();
    *body = whole;
    found
}

pub(super) fn evaluate<'v>(expr: &'v Expr, body: &'v Value) -> std::borrow::Cow<'v, Value> {
    expr.eval(&Names {
        this: Some(body),
        body: Some(body),
        ..Names::default()
    })
}

/// The value at a path of names; a `[]` at its end is the list itself.
fn place<'v>(path: &Path, body: &'v mut Value) -> Option<&'v mut Value> {
    if !matches!(path.root, Root::This | Root::Body) {
        return None;
    }
    let mut at = body;
    for (position, step) in path.steps.iter().enumerate() {
        match step {
            Step::Name(name, args) if args.is_empty() => at = at.get_mut(&**name)?,
            Step::Each if position + 1 == path.steps.len() && at.is_array() => {}
            _ => return None,
        }
    }
    Some(at)
}
