//! Live fields: the connector runtime.
//!
//! Applicability, key, cache, batch, request, decode, map: one pipeline for every source that a schema file declares.
//! Architecture invariant: no connector's name stands here.
