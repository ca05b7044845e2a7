//! Upstreams made from the examples of connectors, on real sockets.
//!
//! `callboard demo` shows live data with them, and the tests switch faults on in them.
