//! What several features' tests share.

pub(crate) mod catalog;
pub(crate) mod postgres;
