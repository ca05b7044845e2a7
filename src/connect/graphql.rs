//! Sources that speak GraphQL: what is selected here decides what an upstream is asked.
//!
//! [`read`] makes of the selected fields' expressions what is wanted of an upstream's object ([`need`]); [`held`] compares it with what is kept; what is missing of all objects of one source travels in [`document`]s, and [`reply`] gives each its own part of the answer.
//! What it is not: nothing here knows an upstream's schema. That documents fit it is checked by tests.

pub(super) mod air;
pub(super) mod all;
pub(super) mod change;
pub(super) mod cost;
mod dialect;
pub(super) mod document;
pub(super) mod flight;
pub(super) mod held;
pub(super) mod legs;
pub(super) mod listed;
pub(super) mod need;
mod provide;
pub(super) mod read;
pub(super) mod reply;
pub(super) mod root;
pub(super) mod route;
pub(super) mod send;
mod told;
