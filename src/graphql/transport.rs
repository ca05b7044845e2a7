//! The engine behind async-graphql's [`Executor`], whose integrations give WebSocket and SSE.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Data, Executor};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Engine, Request};
use crate::clock::Budget;

/// Without a [`Budget`] in the request's data a request has this long.
const DEFAULT_TIME: Duration = Duration::from_secs(30);

/// Our response, taken apart as far as async-graphql wants it.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Vec<async_graphql::ServerError>,
}

impl Executor for Engine {
    async fn execute(&self, request: async_graphql::Request) -> async_graphql::Response {
        let budget = request
            .data
            .get(&std::any::TypeId::of::<Budget>())
            .and_then(|budget| budget.downcast_ref::<Budget>())
            .copied()
            .unwrap_or_else(|| Budget::of(DEFAULT_TIME));
        let own = Request {
            query: request.query.into(),
            operation_name: request.operation_name,
            variables: variables(&request.variables),
            ..Request::default()
        };
        let response = Engine::execute(self, &own, budget).await;
        into_parts(&response.body)
    }

    fn execute_stream(
        &self,
        request: async_graphql::Request,
        _session: Option<Arc<Data>>,
    ) -> BoxStream<'static, async_graphql::Response> {
        let engine = self.clone();
        stream::once(async move { Executor::execute(&engine, request).await }).boxed()
    }
}

fn variables(variables: &async_graphql::Variables) -> Option<Map<String, Value>> {
    match serde_json::to_value(variables) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

fn into_parts(body: &[u8]) -> async_graphql::Response {
    match serde_json::from_slice::<Parts<'_>>(body) {
        Ok(parts) => {
            let mut response = async_graphql::Response::from_errors(parts.errors);
            if let Some(data) = parts.data {
                // Goes through as raw JSON: the bytes are not read again.
                response.data = async_graphql::to_value(data).unwrap_or_default();
            }
            response
        }
        Err(error) => async_graphql::Response::from_errors(vec![async_graphql::ServerError::new(
            error.to_string(),
            None,
        )]),
    }
}
