//! The program as a whole, with upstreams that it has never heard of: replicas on one Redis, claims of descriptors, folders that are broken meanwhile, and the page on how to write a connector.

mod claims;
mod dangling;
mod definitions;
mod folders;
mod readme;
mod renamed;
mod replicas;
