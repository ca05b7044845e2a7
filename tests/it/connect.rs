//! Live fields, from a schema file over real sockets to the answer.

mod applicability;
mod apps;
mod batches;
mod callers;
mod choosing;
mod faults;
mod freshness;
mod graphql;
mod nodes;
mod pages;
mod paths;
mod people;
mod providers;
mod roots;
mod sharing;
pub(super) mod world;
