//! What several features' tests share.

pub(crate) mod catalog;
pub(crate) mod engine;
pub(crate) mod postgres;
pub(crate) mod server;
