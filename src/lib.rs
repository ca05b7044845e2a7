//! Callboard: a software catalog as one GraphQL graph.
//!
//! ARCHITECTURE.md is the map.
//! The modules below stand in reading order, lowest layer first; a module imports only from those above its own line.
//!
//! | layer | what it is |
//! | --- | --- |
//! | [`clock`] [`tasks`] [`diagnostic`] | time, background work, problems in user files |
//! | [`config`] | `callboard.yaml` as plain data |
//! | [`sdl`] | SDL and directives to [`sdl::Model`] |
//! | [`catalog`] [`telemetry`] | descriptors to entities, judged by the Model; names of metrics |
//! | [`graph`] | the immutable snapshot: indexes, filters, pages, traversal |
//! | [`store`] [`cache`] [`egress`] [`search`] | one outside system each: SQL, the durable truth; what upstreams said, in memory and Redis; requests to upstreams; the search index |
//! | [`connect`] [`apis`] | live fields: the connector runtime; API definitions from text to operations |
//! | [`docs`] | trees of Markdown to pages |
//! | [`ingest`] | descriptors into the store and on into the snapshot |
//! | [`graphql`] | plans, the executor, resolvers |
//! | [`simulate`] [`server`] | upstreams made from examples; HTTP |
//! | [`app`] [`cli`] | wiring and commands |

pub mod clock;
pub mod diagnostic;
pub mod tasks;

pub mod config;

pub mod sdl;

pub mod catalog;
pub mod telemetry;

pub mod graph;

pub mod cache;
pub mod egress;
pub mod search;
pub mod store;

pub mod apis;
pub mod connect;

pub mod docs;

pub mod ingest;

pub mod graphql;

pub mod server;
pub mod simulate;

pub mod app;
pub mod cli;
