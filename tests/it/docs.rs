//! Docs-like-code, from files beside descriptors to the graph and to pages.

mod corpus;
mod hostile;
mod markdown;
mod site;
pub(crate) mod support;
mod whole;
