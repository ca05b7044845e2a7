//! Answers without data: what was wrong with the request, in the shape of a GraphQL response.
//!
//! | code | status | means |
//! | --- | --- | --- |
//! | `BAD_REQUEST` | 400 | the body or the URL holds no GraphQL request |
//! | `CROSS_SITE` | 403 | a browser sent it on behalf of another site |
//! | `UNAUTHORIZED` | 401 | the delivery to a webhook is not proven to come from its upstream |
//! | `NOT_FOUND` | 404 | there is nothing at this path |
//! | `METHOD_NOT_ALLOWED` | 405 | not with this method |
//! | `NOT_ACCEPTABLE` | 406 | the client accepts none of our media types |
//! | `TIMEOUT` | 408, 504 | the body did not come in time, or the answer was not ready in time |
//! | `PAYLOAD_TOO_LARGE` | 413 | the body is longer than `limits.bodySize`, or `limits.webhookSize` |
//! | `UNSUPPORTED_MEDIA_TYPE` | 415 | the body is not JSON in UTF-8 |
//! | `MISDIRECTED` | 421 | the request names a host that is not loopback, where only loopback is served |
//! | `INTERNAL_SERVER_ERROR` | 500 | our fault; the log says more |
//! | `NOT_CONFIGURED` | 503 | the webhook has no secret in the configuration |
//! | `NOT_READY` | 503 | the catalog is being loaded |
//! | `OVERLOADED` | 503 | `limits.concurrency` requests are worked on already, or as many bytes of deliveries as there is room for |

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::media::MediaType;
use crate::connect::Rejected;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    BadRequest(String),
    #[error("requests from other sites are refused")]
    CrossSite,
    #[error(
        "`{host}` is no name of loopback, and without authentication this server answers to those only; ask for `localhost`, or let a proxy in front send `Host: localhost`, or set `server.allowAnonymous: true`"
    )]
    Misdirected { host: String },
    #[error("there is nothing at `{0}`")]
    NotFound(String),
    #[error("`{method}` is not allowed here; use {allowed}")]
    MethodNotAllowed {
        method: String,
        allowed: &'static str,
    },
    #[error(
        "none of the media types in `accept` is served; ask for `application/graphql-response+json` or `application/json`"
    )]
    NotAcceptable,
    #[error("the body must be sent with `content-type: application/json`, in UTF-8")]
    UnsupportedMediaType,
    #[error(
        "a delivery must be sent as JSON; set the content type of the webhook to `application/json` where it is sent from"
    )]
    DeliveryNotJson,
    #[error("{0}")]
    Delivery(Rejected),
    #[error("the deliveries that are worked on leave no room for this one; send it again later")]
    NoRoom,
    #[error("the body is longer than `{setting}` allows: {limit} bytes")]
    TooLarge { setting: &'static str, limit: u64 },
    #[error("the body did not come within `limits.requestTime`: {seconds} s")]
    SlowBody { seconds: u64 },
    #[error("no answer within `limits.requestTime`: {seconds} s")]
    Timeout { seconds: u64 },
    #[error("the catalog is being loaded")]
    NotReady,
    #[error("`limits.concurrency` requests are worked on already: {limit}")]
    Overloaded { limit: usize },
    #[error("something went wrong on our side")]
    Internal,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Misdirected { .. } => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Delivery(rejected) => status_of(rejected),
            Self::UnsupportedMediaType | Self::DeliveryNotJson => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::NotReady | Self::Overloaded { .. } | Self::NoRoom => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BAD_REQUEST",
            Self::CrossSite => "CROSS_SITE",
            Self::Misdirected { .. } => "MISDIRECTED",
            Self::NotFound(_) => "NOT_FOUND",
            Self::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::Delivery(rejected) => match status_of(rejected) {
                StatusCode::NOT_FOUND => "NOT_FOUND",
                StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
                StatusCode::BAD_REQUEST => "BAD_REQUEST",
                StatusCode::SERVICE_UNAVAILABLE => "NOT_CONFIGURED",
                _ => "INTERNAL_SERVER_ERROR",
            },
            Self::UnsupportedMediaType | Self::DeliveryNotJson => "UNSUPPORTED_MEDIA_TYPE",
            Self::TooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Self::SlowBody { .. } | Self::Timeout { .. } => "TIMEOUT",
            Self::NotReady => "NOT_READY",
            Self::Overloaded { .. } | Self::NoRoom => "OVERLOADED",
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }

    /// The GraphQL response.
    pub(super) fn body(&self, request_id: &str) -> Vec<u8> {
        json!({
            "errors": [{
                "message": self.to_string(),
                "extensions": { "code": self.code(), "requestId": request_id },
            }],
        })
        .to_string()
        .into_bytes()
    }
}

/// What upstreams make of it: they send again after 5xx, and give up after the others.
fn status_of(rejected: &Rejected) -> StatusCode {
    match rejected {
        Rejected::NoConnector { .. } | Rejected::NoWebhook { .. } | Rejected::NoInstance { .. } => {
            StatusCode::NOT_FOUND
        }
        Rejected::NotConfigured { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Rejected::Unsigned { .. } | Rejected::Forged { .. } | Rejected::OutOfTime => {
            StatusCode::UNAUTHORIZED
        }
        Rejected::Malformed { .. } => StatusCode::BAD_REQUEST,
        Rejected::Unread => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        response(self, status)
    }
}

/// The response without its body: that says the request's id, which the edge knows, and gives to [`complete`].
pub(super) fn response(refusal: Refusal, status: StatusCode) -> Response {
    let content_type = (header::CONTENT_TYPE, MediaType::Json.content_type());
    let mut response = (status, [content_type]).into_response();
    match &refusal {
        Refusal::NotReady | Refusal::Overloaded { .. } | Refusal::NoRoom => {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Refusal::MethodNotAllowed { allowed, .. } => {
            let headers = response.headers_mut();
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        // What is left of the body is not read, so the connection cannot be used again.
        Refusal::TooLarge { .. } | Refusal::SlowBody { .. } => {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response.extensions_mut().insert(refusal);
    response
}

/// Gives a refusal its body; other responses stay as they are.
pub(super) fn complete(response: &mut Response, request_id: &str) {
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(refusal.body(request_id));
    }
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Refusal {
    Refusal::MethodNotAllowed {
        method: method.to_string(),
        allowed: match uri.path() {
            "/graphql" => "GET, HEAD, POST",
            path if path.starts_with("/webhooks/") => "POST",
            _ => "GET, HEAD",
        },
    }
}
