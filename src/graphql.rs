//! Queries in, response bytes out: plans, the executor, resolvers. Home of `async_graphql`.
//!
//! In the order in which a request meets them:
//!
//! | file | what happens |
//! | --- | --- |
//! | `request` | what a transport hands in and gets back |
//! | `limits` `document` | the text is bounded, parsed, validated |
//! | `variables` `input` `scalars` | variables and arguments are coerced, by the specification |
//! | `plan` | the operation is compiled; `prepare` keeps what was made |
//! | `writer` `place` | one pass over the snapshot, straight into bytes |
//! | `resolve` `arguments` `filter` | what `@resolver`s, connections and filters mean |
//! | `hole` `execute` `flights` `stored` `definitions` `docs` `found` | what the snapshot does not hold is fetched, group by group, and put in place |
//! | `error` | what a client is told when something is not answered |
//!
//! Why not async-graphql's own executor: it awaits nested siblings one after another, drops keys or whole answers when a field fails, and costs 25 times as much.
//! [`Engine`] stands behind its [`Executor`](async_graphql::Executor), so its transports work all the same.
//!
//! Architecture invariant: an answer reads one snapshot, and the schema version is that snapshot's.

mod arguments;
mod definitions;
mod docs;
mod document;
mod error;
mod execute;
mod filter;
mod flights;
mod found;
mod hole;
mod input;
mod introspection;
mod limits;
mod operations;
mod place;
mod plan;
mod prepare;
mod request;
mod resolve;
mod scalars;
mod states;
mod stored;
mod suggest;
mod transport;
mod variables;
mod writer;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

pub use definitions::operation_node;
pub use docs::{FoundSection, sections as docs_sections};
pub use error::{Code, FieldError, Outcome};
pub use limits::Limits;
pub use operations::{OPERATION_CODES, broken as broken_operations, invalid as invalid_operation};
pub use request::{Request, Response};
pub use resolve::resolvers;

use crate::apis::Shelf;
use crate::clock::Budget;
use crate::connect::{LiveSource, Scope};
use crate::graph::Snapshot;
use crate::ingest::Catalog;
use crate::sdl::Model;
use crate::search::Search;
use crate::store::Store;
use error::{Errors, RequestError};
use execute::Sources;
use prepare::Version;
use writer::{FieldState, Scene};

/// Answers requests; cheap to clone.
///
/// The schema version is the current snapshot's: a reload publishes a snapshot of the new Model, and the next request is answered against it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    version: ArcSwap<Version>,
    catalog: Arc<Catalog>,
    texts: stored::Texts,
    changes: stored::Changes,
    definitions: definitions::Definitions,
    docs: docs::Shelves,
    live: Option<Arc<dyn LiveSource>>,
    search: found::Searches,
    limits: Limits,
}

impl Engine {
    /// An engine that nothing answers live fields for: they are null, which is no error.
    pub fn new(model: Arc<Model>, catalog: Arc<Catalog>, store: Store, limits: Limits) -> Self {
        let shelf = Shelf::usual(store.clone());
        Self::build(model, catalog, store, limits, None, shelf)
    }

    /// An engine whose live fields `live` answers.
    pub fn with_live(
        model: Arc<Model>,
        catalog: Arc<Catalog>,
        store: Store,
        limits: Limits,
        live: Arc<dyn LiveSource>,
    ) -> Self {
        let shelf = Shelf::usual(store.clone());
        Self::build(model, catalog, store, limits, Some(live), shelf)
    }

    /// The same, with API definitions that others have read on `shelf`.
    pub fn with_shelf(
        model: Arc<Model>,
        catalog: Arc<Catalog>,
        store: Store,
        limits: Limits,
        live: Arc<dyn LiveSource>,
        shelf: Shelf,
    ) -> Self {
        Self::build(model, catalog, store, limits, Some(live), shelf)
    }

    fn build(
        model: Arc<Model>,
        catalog: Arc<Catalog>,
        store: Store,
        limits: Limits,
        live: Option<Arc<dyn LiveSource>>,
        shelf: Shelf,
    ) -> Self {
        let definitions = definitions::Definitions::new(store.clone(), shelf, Arc::clone(&catalog));
        Self(Arc::new(Inner {
            version: ArcSwap::from_pointee(Version::new(model, limits.plans)),
            docs: docs::Shelves(Arc::clone(catalog.library())),
            catalog,
            texts: stored::Texts(store.clone()),
            changes: stored::Changes(store),
            definitions,
            live,
            search: found::Searches::new(None),
            limits,
        }))
    }

    /// The same engine, with an index that searches read.
    #[must_use]
    pub fn with_search(self, search: Search) -> Self {
        let Self(inner) = self;
        Self(Arc::new(Inner {
            version: ArcSwap::new(inner.version.load_full()),
            catalog: Arc::clone(&inner.catalog),
            texts: inner.texts.clone(),
            changes: inner.changes.clone(),
            definitions: inner.definitions.clone(),
            docs: inner.docs.clone(),
            live: inner.live.clone(),
            search: found::Searches::new(Some(search)),
            limits: inner.limits.clone(),
        }))
    }

    /// The schema version that requests are answered against.
    pub fn model(&self) -> Arc<Model> {
        Arc::clone(&self.version(&self.0.catalog.snapshot()).model)
    }

    /// What is refused, and where the line is.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The answer to `request`; errors are part of it. Dropping the future cancels the work.
    ///
    /// Without holes it never yields.
    pub async fn execute(&self, request: &Request<'_>, budget: Budget) -> Response {
        let snapshot = self.0.catalog.snapshot();
        let version = self.version(&snapshot);
        match self.answer(request, budget, &snapshot, &version).await {
            Ok(response) => response,
            Err(errors) => refuse(&errors, request.request_id.as_deref()),
        }
    }

    async fn answer(
        &self,
        request: &Request<'_>,
        budget: Budget,
        snapshot: &Arc<Snapshot>,
        version: &Version,
    ) -> Result<Response, Vec<RequestError>> {
        let one = |error| vec![error];
        let operation_name = request.operation_name.as_deref();
        let prepared = version.prepare(&request.query, operation_name, &self.0.limits)?;
        if request.read_only && !prepared.operation_type().is_query() {
            let message = "only queries may come this way; send other operations with POST";
            return Err(one(RequestError::new(Code::MethodNotAllowed, message)));
        }
        let schema = &version.model.schema;
        let given = prepared
            .declared
            .coerce(schema, request.variables.as_ref())?;
        let variant = version.variant(&prepared, &given).map_err(one)?;
        let introspection = version
            .introspection(&prepared, &variant, &given)
            .map_err(one)?;
        let plan = &*variant.plan;
        let mut scope = Scope::new(Arc::clone(snapshot), budget);
        scope.may_act = request.may_act;
        if plan.watched {
            scope = scope.watched();
        }
        if let Some(authorization) = &request.authorization {
            scope = scope.authorized(authorization.clone());
        }
        if request.trace {
            scope = scope.traced();
        }
        let scene = Scene {
            model: &version.model,
            catalog: &self.0.catalog,
            snapshot,
            plan,
            given: &given,
            introspection: introspection.as_deref(),
            states: (0..plan.slots).map(|_| FieldState::default()).collect(),
            response_bytes: self.0.limits.response_bytes,
            budget,
            live: self.0.live.as_deref(),
            request_id: request.request_id.as_deref(),
            scope: Arc::new(scope),
            faults_in_data: request.faults_in_data,
            serial: prepared.operation_type().is_mutation(),
        };
        let sources = Sources {
            texts: &self.0.texts,
            changes: &self.0.changes,
            definitions: &self.0.definitions,
            docs: &self.0.docs,
            live: self.0.live.as_deref(),
            search: &self.0.search,
        };
        Ok(execute::run(&scene, &sources).await)
    }

    /// What is kept for the snapshot's Model; made anew when it is another one.
    fn version(&self, snapshot: &Snapshot) -> Arc<Version> {
        let current = self.0.version.load_full();
        if Arc::ptr_eq(&current.model, snapshot.model()) {
            return current;
        }
        let model = Arc::clone(snapshot.model());
        let next = Arc::new(Version::new(model, self.0.limits.plans));
        self.0.version.store(Arc::clone(&next));
        next
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

/// A response without `data`.
fn refuse(refusals: &[RequestError], request_id: Option<&str>) -> Response {
    let mut errors = Errors::default();
    for refusal in refusals {
        errors.request(refusal);
    }
    let mut body = b"{\"errors\":".to_vec();
    errors.write(request_id, &mut body);
    body.push(b'}');
    let code = refusals.first().map_or(Code::Internal, |error| error.code);
    Response {
        body,
        outcome: Outcome::Refused(code),
        fresh_for: None,
    }
}
