//! Live fields, from a schema file over real sockets to the answer.

mod applicability;
mod batches;
mod faults;
mod freshness;
mod pages;
mod providers;
mod sharing;
mod world;
