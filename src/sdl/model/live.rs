//! The part of a Model that is fetched: upstreams, requests, caching, webhooks.
//!
//! What the directives of connectors say, checked and compiled; the connector runtime runs it.

use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::Span;
use crate::sdl::expr::{Expr, Template};

/// `@source`.
#[derive(Debug)]
pub struct UpstreamSource {
    pub connector: Arc<str>,
    pub name: Arc<str>,
    pub kind: SourceType,
    pub url: Expr,
    pub auth: Option<UpstreamAuth>,
    pub headers: Vec<(Box<str>, Expr)>,
    pub limits: Limits,
    pub connections: Connections,
    pub span: (Arc<str>, Span),
}

/// What an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceType {
    Rest,
    Graphql,
    Subgraph,
}

/// How a source proves who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    None,
    Bearer,
    Basic,
    Header,
    Oauth2Client,
    GithubApp,
    Forward,
}

/// `Auth`, of a source.
#[derive(Debug, Clone)]
pub struct UpstreamAuth {
    pub kind: AuthType,
    pub token: Option<Expr>,
    pub user: Option<Expr>,
    pub header: Option<Box<str>>,
    pub prefix: Option<Box<str>>,
    pub app_id: Option<Expr>,
    pub installation: Option<Expr>,
    pub key: Option<Expr>,
    pub token_url: Option<Expr>,
    pub scopes: Vec<Box<str>>,
}

/// `Limits`, of a source; `None` is the engine's default.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub concurrency: Option<u32>,
    pub per_minute: Option<u32>,
    pub budget_floor: Option<f64>,
    pub breaker_errors: Option<u32>,
    pub breaker_sleep: Option<Duration>,
    pub max_bytes: Option<u64>,
    /// What stands in a refusal that means too many requests.
    pub limit_phrases: Vec<Box<str>>,
    /// How long nothing is sent after one.
    pub limit_pause: Option<Duration>,
    pub document: DocumentLimits,
}

/// What documents cost a GraphQL source, as it counts before it answers; `None`: it does not count so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Items of connections that one document may ask for.
    pub max_items: Option<u32>,
    /// Objects that one document may ask for: each field that gives one, once for every object that it may be asked of.
    pub max_objects: Option<u32>,
    /// How many connections, each once for every object that it may be asked of, take one point of what the source counts in its headers.
    pub connections_per_point: Option<u32>,
    /// The same of objects.
    pub objects_per_point: Option<u32>,
}

/// How a GraphQL source gives the items of its connections, and what it calls their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    pub items: ConnectionItems,
    pub total: Box<str>,
}

/// Where the items of a connection stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionItems {
    /// In `nodes`.
    Nodes,
    /// In `edges { node }`.
    Edges,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            items: ConnectionItems::Nodes,
            total: "totalCount".into(),
        }
    }
}

/// `@connect`.
#[derive(Debug)]
pub struct Connect {
    pub connector: Arc<str>,
    /// Position in [`Model::sources`](super::Model::sources).
    pub source: usize,
    pub request: Request,
    pub body: Option<Expr>,
    pub lets: Vec<Let>,
    pub instance: Option<Expr>,
    pub at: Expr,
    pub batch: Option<Batch>,
    pub page: Option<Page>,
    pub null_on: Vec<u16>,
    pub purge: Vec<Template>,
    pub span: (Arc<str>, Span),
}

/// What `@connect` asks its source.
#[derive(Debug, Clone)]
pub enum Request {
    Rest {
        method: Method,
        template: Template,
    },
    /// A root selection of the upstream's graph.
    Graphql {
        selection: Expr,
    },
}

/// How a REST source is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A name that the request gives to a value.
#[derive(Debug, Clone)]
pub struct Let {
    pub name: Box<str>,
    pub value: Expr,
    pub upstream_type: Option<Box<str>>,
}

/// How many keys travel in one request.
#[derive(Debug, Clone)]
pub struct Batch {
    pub style: BatchStyle,
    pub key: Option<Expr>,
    pub matches: Option<Expr>,
    pub max: u32,
}

/// How keys stand in the request, and rows in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStyle {
    List,
    Alias,
    Entities,
    Collection,
}

/// How the upstream's pages become `first` and `after`.
#[derive(Debug, Clone)]
pub struct Page {
    pub style: PageStyle,
    pub size: Option<Box<str>>,
    pub max_size: u32,
    pub cursor: Option<Box<str>>,
    pub next: Option<Expr>,
    pub more: Option<Expr>,
    pub total: Option<Expr>,
    pub max_pages: u32,
    /// All pages are one answer: they are read and put together before `at` looks at them.
    pub whole: bool,
}

/// Where the upstream says how its list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStyle {
    Link,
    Cursor,
    Offset,
    Page,
    Relay,
}

/// `@merge`.
#[derive(Debug, Clone)]
pub struct Merge {
    pub order_by: Option<Box<str>>,
    pub descending: bool,
}

/// `@where`: which items of a live list are shown, unless its arguments say so.
#[derive(Debug)]
pub struct Where {
    /// The field of the items that is looked at.
    pub field: Arc<str>,
    pub lets: Vec<Let>,
    /// What it is compared with, made of the nearest entity and the arguments; null: all items are shown.
    pub wanted: Expr,
    pub compared: Compared,
}

/// How a field of an item is compared with what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// It is one of the values.
    Is,
    /// It is a path that fits one of the globs, or stands in a folder that does.
    Fits,
}

/// `@cache`.
#[derive(Debug, Clone)]
pub struct CachePolicy {
    pub max_age: Duration,
    pub stale: Duration,
    pub until: Option<Expr>,
    pub viewer_scoped: bool,
    pub tags: Vec<Template>,
}

/// `@auth`.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Any of, all of.
    pub scopes: Vec<Vec<Box<str>>>,
    pub owner: bool,
}

/// `@webhook`.
#[derive(Debug)]
pub struct Webhook {
    pub connector: Arc<str>,
    pub source: usize,
    pub event: Expr,
    pub on: Vec<Box<str>>,
    pub signature: Signature,
    pub purge: Vec<Template>,
}

/// `Signature`, of a webhook.
#[derive(Debug)]
pub struct Signature {
    pub scheme: SignatureScheme,
    pub header: Box<str>,
    pub secret: Expr,
    pub prefix: Option<Box<str>>,
    pub delivery_id: Option<Expr>,
}

/// How a webhook proves where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureScheme {
    HmacSha256Hex,
    HmacSha256Timestamped,
    SharedToken,
}
