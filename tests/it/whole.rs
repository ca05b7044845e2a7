//! The program as a whole, with upstreams that it has never heard of: replicas on one Redis, claims of descriptors, and the page on how to write a connector.

mod claims;
mod dangling;
mod definitions;
mod readme;
mod replicas;
