//! Integration tests: one binary, one file per feature.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod actions;
mod apis;
mod cache;
mod catalog;
mod check;
mod cli;
mod config;
mod connect;
mod connectors;
mod contract;
mod corpus;
mod differential;
mod docs;
mod egress;
mod examples;
mod graphql;
mod holes;
mod ingest;
mod provenance;
mod queries;
mod sdl;
mod search;
mod server;
mod simulate;
mod store;
mod support;
mod webhooks;
mod whole;
