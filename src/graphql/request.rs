//! A request as transports hand it in, and the answer that they send.

use std::borrow::Cow;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::Outcome;

/// The parameters of GraphQL-over-HTTP; deserialises from its JSON body.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    #[serde(borrow)]
    pub query: Cow<'a, str>,
    #[serde(default)]
    pub operation_name: Option<String>,
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
    #[serde(default)]
    pub extensions: Option<Map<String, Value>>,
    /// Refuse mutations, as GET must.
    #[serde(skip)]
    pub read_only: bool,
    /// Whether whoever asks may change things at upstreams: the transport knows who can reach it.
    #[serde(skip)]
    pub may_act: bool,
    /// What the transport calls this request; every error says it, so that a client's report leads to the log.
    #[serde(skip)]
    pub request_id: Option<Cow<'a, str>>,
    /// The caller's `Authorization` header, for upstreams that are asked in his name.
    #[serde(skip)]
    pub authorization: Option<SecretString>,
    /// Say in `extensions.callboard` what upstreams were asked.
    #[serde(skip)]
    pub trace: bool,
    /// Leave upstream failures out of `errors`: `Entity.live` tells them, and clients that throw an answer away at its first error keep it.
    #[serde(skip)]
    pub faults_in_data: bool,
}

impl<'a> Request<'a> {
    /// A request without variables.
    pub fn new(query: impl Into<Cow<'a, str>>) -> Self {
        Self {
            query: query.into(),
            ..Self::default()
        }
    }
}

/// The whole JSON response, and how the request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub body: Vec<u8>,
    pub outcome: Outcome,
    /// For how long all live values in it are fresh; `None` where there are none, or an error.
    pub fresh_for: Option<Duration>,
}
