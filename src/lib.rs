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
//! | [`store`] | SQL, the durable truth |
//! | [`ingest`] | descriptors into the store and on into the snapshot |
//! | [`graphql`] | plans, the executor, resolvers |
//! | [`server`] | HTTP |
//! | [`app`] [`cli`] | wiring and commands |

pub mod clock;
pub mod diagnostic;
pub mod tasks;

pub mod config;

pub mod sdl;

pub mod catalog;
pub mod telemetry;

pub mod graph;

pub mod store;

pub mod ingest;

pub mod graphql;

pub mod server;

pub mod app;
pub mod cli;
