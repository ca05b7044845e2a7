//! Docs-like-code, from files beside descriptors to the graph and to pages.

mod corpus;
mod hostile;
mod markdown;
mod site;
mod support;
mod whole;
