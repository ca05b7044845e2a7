//! The program as a whole, with upstreams that it has never heard of: replicas on one Redis, and the page on how to write a connector.

mod readme;
mod replicas;
