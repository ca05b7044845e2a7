//! What is done at upstreams: fields of `Mutation`, and who supplies them.

use std::sync::Arc;

use crate::diagnostic::Span;

/// `@supplies` of a `Mutation` field: what a connector does to objects of one type.
///
/// The payload's own `@connect` is the request, and the payload is what it brings.
#[derive(Debug, Clone)]
pub struct Action {
    pub connector: Arc<str>,
    /// Of `Mutation`.
    pub field: Arc<str>,
    /// The concrete type that implements the field's type.
    pub payload: Arc<str>,
    /// The type of the object whose id is given.
    pub subject: Arc<str>,
    /// Live fields from there to the objects that it is done to; empty: to the object itself.
    pub along: Vec<Arc<str>>,
    pub span: (Arc<str>, Span),
}
