//! Requests to upstreams. Home of `reqwest`.
//!
//! Pools, deadlines, budgets, breakers, retries, and the rules of what may be reached.
//! What it is not: it knows nothing of fields, of caches, or of what an answer means.
