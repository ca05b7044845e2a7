//! Live fields: the connector runtime.
//!
//! Applicability, key, cache, batch, request, decode, map: one pipeline for every source that a schema file declares.
//! [`seam`](LiveSource) is what the executor asks, and what it is given; a [`Scope`] goes with everything that one request asks.
//! Architecture invariant: no connector's name stands here.

mod action;
mod annotated;
mod answer;
mod ask;
mod chains;
mod claimed;
mod collections;
mod cursor;
mod encode;
pub mod example;
mod fault;
mod filter;
mod flights;
mod folders;
mod graphql;
mod instances;
mod json;
mod kept;
mod lineup;
mod live;
mod nodes;
mod pages;
mod provide;
mod remembered;
mod renewals;
mod report;
mod reports;
mod request;
mod routes;
mod rows;
mod runtime;
mod scope;
mod seam;
mod selected;
mod shown;
mod trace;
mod view;
mod way;
mod webhooks;
mod wish;

pub use action::Actions;
pub use claimed::{CLAIM_CODES, Claimed};
pub use folders::{BrokenFolder, BrokenFolders};
pub use graphql::all::{UpstreamDocument, upstream_documents};
pub use instances::{Unasked, unasked};
pub use live::{LiveObject, Origin};
pub use report::{
    BudgetReport, CacheReport, ConnectorReport, ErrorReport, Gap, Health, InstanceReport, Match,
};
pub use runtime::{Misfit, Runtime};
pub use scope::{Outcome, Scope, State};
pub use seam::{
    Answer, Fault, Fetched, FetchedPage, Group, Item, LiveField, LiveSource, Parent, Sight,
};
pub use selected::{Selected, SelectedField, is_selective};
pub use trace::{Exchange, Found, Trace};
pub use way::{Crossed, Stage, Way};
pub use webhooks::{Deliveries, Door, Headers as WebhookHeaders, Received, Rejected, Webhooks};
