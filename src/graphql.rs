//! Queries in, response bytes out: plans, the executor, resolvers. Home of `async_graphql`.
//!
//! [`Engine::execute`] is all that transports need; the engine is also an [`async_graphql::Executor`], for WebSocket and SSE.

mod error;
mod limits;
mod request;
mod transport;

use std::sync::Arc;

pub use error::{Code, Outcome};
pub use limits::Limits;
pub use request::{Request, Response};

use crate::clock::Budget;
use crate::diagnostic::Diagnostic;
use crate::ingest::Catalog;
use crate::sdl::Model;
use crate::store::Store;

/// Answers requests against one schema version; cheap to clone. A reloaded schema is a new engine over the same catalog.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: Arc<Model>,
    catalog: Arc<Catalog>,
    store: Store,
    limits: Limits,
}

impl Engine {
    /// An engine without live fields.
    pub fn new(model: Arc<Model>, catalog: Arc<Catalog>, store: Store, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            model,
            catalog,
            store,
            limits,
        }))
    }

    /// The schema version that requests are answered against.
    pub fn model(&self) -> &Arc<Model> {
        &self.0.model
    }

    /// What is refused, and where the line is.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The answer to `request`; errors are part of it. Dropping the future cancels the work.
    pub async fn execute(&self, _request: &Request<'_>, _budget: Budget) -> Response {
        Response {
            body: br#"{"errors":[{"message":"not implemented"}]}"#.to_vec(),
            outcome: Outcome::Refused(Code::Internal),
        }
    }
}

/// What `model` asks of the engine that it cannot do: resolvers of unknown names.
pub fn check(_model: &Model) -> Vec<Diagnostic> {
    Vec::new()
}
