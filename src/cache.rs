//! What upstreams said, kept in memory and in Redis. Home of `moka` and `redis`.
//!
//! Fresh, stale, negative entries; one flight per key; tags that are purged on every replica.
//! What it is not: it asks no upstream and knows no field.
