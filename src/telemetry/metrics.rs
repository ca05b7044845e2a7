//! The closed catalogue of metrics: names, units and labels, and where they are counted.
//!
//! Names are OpenTelemetry's where it has one, else `callboard.<area>.<thing>`; the Prometheus text has `_` for `.`, and the unit behind the name.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric as Instrument, Registry, Unit};

/// One line of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    /// `s` or `By`; empty for things that are counted.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const HTTP_DURATION: Metric = Metric {
    name: "http.server.request.duration",
    unit: "s",
    labels: &[
        "http.request.method",
        "http.route",
        "http.response.status_class",
    ],
    help: "Time from the headers of a request to the headers of its response",
};
const HTTP_ACTIVE: Metric = Metric {
    name: "http.server.active_requests",
    unit: "",
    labels: &[],
    help: "Requests that are worked on",
};
const HTTP_CONNECTIONS: Metric = Metric {
    name: "callboard.http.connections",
    unit: "",
    labels: &[],
    help: "Open connections",
};
const GRAPHQL_DURATION: Metric = Metric {
    name: "callboard.graphql.operation.duration",
    unit: "s",
    labels: &["outcome"],
    help: "Time of one operation in the engine",
};
const GRAPHQL_RESPONSE_SIZE: Metric = Metric {
    name: "callboard.graphql.response.size",
    unit: "By",
    labels: &[],
    help: "Bytes of answers",
};
const CATALOG_ENTITIES: Metric = Metric {
    name: "callboard.catalog.entities",
    unit: "",
    labels: &[],
    help: "Entities that are served",
};
const CATALOG_REVISION: Metric = Metric {
    name: "callboard.catalog.revision",
    unit: "",
    labels: &[],
    help: "The last change that is served",
};
const CATALOG_PROBLEMS: Metric = Metric {
    name: "callboard.catalog.problems",
    unit: "",
    labels: &["severity"],
    help: "Problems in descriptors",
};
const CONNECTOR_DURATION: Metric = Metric {
    name: "callboard.connector.request.duration",
    unit: "s",
    labels: &["connector.name", "outcome"],
    help: "Time of one request to an upstream, waits and retries included",
};
const CONNECTOR_RETRIES: Metric = Metric {
    name: "callboard.connector.retries",
    unit: "",
    labels: &["connector.name"],
    help: "Attempts after the first",
};
const CONNECTOR_BREAKER: Metric = Metric {
    name: "callboard.connector.breaker.state",
    unit: "",
    labels: &["connector.name", "source", "instance"],
    help: "0 closed, 1 half open, 2 open",
};
const CONNECTOR_BUDGET: Metric = Metric {
    name: "callboard.connector.budget.remaining",
    unit: "",
    labels: &["connector.name", "source", "instance"],
    help: "Requests that may still be made, of the limit that has relatively least left",
};
const WEBHOOK_DURATION: Metric = Metric {
    name: "callboard.webhook.delivery.duration",
    unit: "s",
    labels: &["connector.name", "outcome"],
    help: "Time from the body of a delivery to its tags being stale here and told to the other replicas",
};
const RELOADS: Metric = Metric {
    name: "callboard.reloads",
    unit: "",
    labels: &["outcome"],
    help: "Reloads of schema and configuration",
};

/// Declares an enum whose values are label values: each with the text that it has in the output.
macro_rules! label_values {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility enum $name {
            $($variant,)*
        }

        impl $name {
            /// As it stands in the output.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
                fmt::Write::write_str(encoder, self.as_str())
            }
        }
    };
}

mod cache;
mod definitions;

pub use cache::{CacheMetrics, CacheOutcome, Striped};
pub use definitions::{DefinitionFrom, DefinitionMetrics};

/// All metrics there are.
pub const CATALOGUE: &[Metric] = &[
    HTTP_DURATION,
    HTTP_ACTIVE,
    HTTP_CONNECTIONS,
    GRAPHQL_DURATION,
    GRAPHQL_RESPONSE_SIZE,
    CATALOG_ENTITIES,
    CATALOG_REVISION,
    CATALOG_PROBLEMS,
    CONNECTOR_DURATION,
    CONNECTOR_RETRIES,
    CONNECTOR_BREAKER,
    CONNECTOR_BUDGET,
    WEBHOOK_DURATION,
    RELOADS,
    definitions::READ,
    cache::READS,
    cache::ENTRIES,
    cache::MEMORY,
    cache::EVICTED,
    cache::REDIS_UP,
    cache::REDIS_DURATION,
];

label_values! {
    pub enum Method {
        Get = "GET",
        Head = "HEAD",
        Post = "POST",
        Other = "_OTHER",
    }
}

label_values! {
/// The routes of the server; what is at none of them is `Unknown`.
    pub enum Route {
        Graphql = "/graphql",
        Schema = "/schema.graphql",
        Health = "/healthz",
        Ready = "/readyz",
        Metrics = "/metrics",
        Webhooks = "/webhooks/{connector}",
        Docs = "/docs",
        Playground = "/",
        Unknown = "unknown",
    }
}

impl Route {
    /// The route of a path.
    pub fn of(path: &str) -> Self {
        match path {
            "/graphql" => Self::Graphql,
            "/schema.graphql" => Self::Schema,
            "/healthz" => Self::Health,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/" => Self::Playground,
            _ if path.starts_with("/webhooks/") => Self::Webhooks,
            _ if path == "/docs" || path.starts_with("/docs/") => Self::Docs,
            _ => match path.split('/').nth(1) {
                Some("assets" | "query" | "graph" | "catalog" | "status") => Self::Playground,
                _ => Self::Unknown,
            },
        }
    }
}

label_values! {
    pub enum StatusClass {
        Success = "2xx",
        Redirect = "3xx",
        Client = "4xx",
        Server = "5xx",
    }
}

impl StatusClass {
    pub fn of(status: u16) -> Self {
        match status {
            ..300 => Self::Success,
            300..400 => Self::Redirect,
            400..500 => Self::Client,
            500.. => Self::Server,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HttpLabels {
    pub http_request_method: Method,
    pub http_route: Route,
    pub http_response_status_class: StatusClass,
}

label_values! {
/// How an operation ended.
    pub enum OperationOutcome {
        Ok = "ok",
        Partial = "partial",
        Refused = "refused",
        Failed = "failed",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    outcome: OperationOutcome,
}

label_values! {
    pub enum ReloadOutcome {
        Done = "done",
        Unchanged = "unchanged",
        Refused = "refused",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    outcome: ReloadOutcome,
}

label_values! {
    pub enum SeverityLabel {
        Error = "error",
        Warning = "warning",
        Info = "info",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeverityLabels {
    severity: SeverityLabel,
}

label_values! {
/// How a request to an upstream ended.
    pub enum ConnectorOutcome {
        Ok = "ok",
        Rejected = "rejected",
        Timeout = "timeout",
        Unavailable = "unavailable",
        RateLimited = "rate_limited",
        Unauthorized = "unauthorized",
        CircuitOpen = "circuit_open",
        BudgetExhausted = "budget_exhausted",
        TooLarge = "too_large",
        Refused = "refused",
        Cancelled = "cancelled",
    }
}

label_values! {
/// What became of a delivery to a webhook.
    pub enum WebhookOutcome {
        Purged = "purged",
        Ignored = "ignored",
        Duplicate = "duplicate",
        Unauthorized = "unauthorized",
        Malformed = "malformed",
        NotConfigured = "not_configured",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    connector_name: String,
    outcome: WebhookOutcome,
}

/// Names of connectors, sources and instances are bounded by what the operator has written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectorOutcomeLabels {
    connector_name: String,
    outcome: ConnectorOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectorLabels {
    connector_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    connector_name: String,
    source: String,
    instance: String,
}

/// The metrics of one upstream, found once.
#[derive(Clone, Debug)]
pub struct UpstreamMetrics {
    connector: String,
    duration: Histograms<ConnectorOutcomeLabels>,
    /// Of the outcome that nearly all requests have.
    ok: Histogram,
    retries: Counter,
    breaker: Gauge<i64, AtomicI64>,
    budget: Gauge<i64, AtomicI64>,
}

impl UpstreamMetrics {
    pub fn request(&self, outcome: ConnectorOutcome, took: Duration) {
        let took = took.as_secs_f64();
        if outcome == ConnectorOutcome::Ok {
            return self.ok.observe(took);
        }
        let labels = ConnectorOutcomeLabels {
            connector_name: self.connector.clone(),
            outcome,
        };
        self.duration.get_or_create(&labels).observe(took);
    }

    pub fn retry(&self) {
        self.retries.inc();
    }

    /// 0 closed, 1 half open, 2 open.
    pub fn breaker(&self, state: i64) {
        self.breaker.set(state);
    }

    pub fn budget(&self, remaining: u64) {
        self.budget
            .set(i64::try_from(remaining).unwrap_or(i64::MAX));
    }
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// What a catalog looks like at the moment of a scrape.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatalogFigures {
    pub entities: usize,
    pub revision: u64,
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
}

/// The counters of one server; nothing is global.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    http_duration: Histograms<HttpLabels>,
    http_active: Gauge<i64, AtomicI64>,
    http_connections: Gauge<i64, AtomicI64>,
    graphql_duration: Histograms<OperationLabels>,
    graphql_response_size: Counter<u64, AtomicU64>,
    catalog_entities: Gauge<i64, AtomicI64>,
    catalog_revision: Gauge<i64, AtomicI64>,
    catalog_problems: Family<SeverityLabels, Gauge<i64, AtomicI64>>,
    connector_duration: Histograms<ConnectorOutcomeLabels>,
    connector_retries: Family<ConnectorLabels, Counter>,
    connector_breaker: Family<UpstreamLabels, Gauge<i64, AtomicI64>>,
    connector_budget: Family<UpstreamLabels, Gauge<i64, AtomicI64>>,
    webhook_duration: Histograms<WebhookLabels>,
    reloads: Family<ReloadLabels, Counter>,
    definitions: DefinitionMetrics,
    cache: CacheMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let mut add = Registrar(&mut registry);
        let reloads = add.metric(RELOADS, Family::<ReloadLabels, Counter>::default());
        for outcome in [
            ReloadOutcome::Done,
            ReloadOutcome::Unchanged,
            ReloadOutcome::Refused,
        ] {
            // Named before the first of them happens, so that an alert can be written.
            drop(reloads.get_or_create(&ReloadLabels { outcome }));
        }
        Self {
            http_duration: add.metric(HTTP_DURATION, Histograms::new_with_constructor(durations)),
            http_active: add.metric(HTTP_ACTIVE, Gauge::default()),
            http_connections: add.metric(HTTP_CONNECTIONS, Gauge::default()),
            graphql_duration: add.metric(
                GRAPHQL_DURATION,
                Histograms::new_with_constructor(durations),
            ),
            graphql_response_size: add.metric(GRAPHQL_RESPONSE_SIZE, Counter::default()),
            catalog_entities: add.metric(CATALOG_ENTITIES, Gauge::default()),
            catalog_revision: add.metric(CATALOG_REVISION, Gauge::default()),
            catalog_problems: add.metric(CATALOG_PROBLEMS, Family::default()),
            connector_duration: add.metric(
                CONNECTOR_DURATION,
                Histograms::new_with_constructor(durations),
            ),
            connector_retries: add.metric(CONNECTOR_RETRIES, Family::default()),
            connector_breaker: add.metric(CONNECTOR_BREAKER, Family::default()),
            connector_budget: add.metric(CONNECTOR_BUDGET, Family::default()),
            webhook_duration: add.metric(
                WEBHOOK_DURATION,
                Histograms::new_with_constructor(durations),
            ),
            reloads,
            definitions: DefinitionMetrics::registered(&mut add),
            cache: CacheMetrics::registered(&mut add),
            registry,
        }
    }
}

impl Metrics {
    pub fn request_started(&self) {
        self.http_active.inc();
    }

    /// Also of a request whose client went away before it was answered.
    pub fn request_ended(&self) {
        self.http_active.dec();
    }

    pub fn response(&self, labels: HttpLabels, took: Duration) {
        self.http_duration
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    pub fn connection_opened(&self) {
        self.http_connections.inc();
    }

    pub fn connection_closed(&self) {
        self.http_connections.dec();
    }

    pub fn operation(&self, outcome: OperationOutcome, took: Duration, bytes: usize) {
        self.graphql_duration
            .get_or_create(&OperationLabels { outcome })
            .observe(took.as_secs_f64());
        self.graphql_response_size.inc_by(bytes as u64);
    }

    pub fn reload(&self, outcome: ReloadOutcome) {
        self.reloads.get_or_create(&ReloadLabels { outcome }).inc();
    }

    /// A delivery came; `connector` is one that there is.
    pub fn webhook(&self, connector: &str, outcome: WebhookOutcome, took: Duration) {
        let labels = WebhookLabels {
            connector_name: connector.to_owned(),
            outcome,
        };
        self.webhook_duration
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// The metrics of one upstream.
    pub fn upstream(&self, connector: &str, source: &str, instance: &str) -> UpstreamMetrics {
        let connector_name = connector.to_owned();
        let upstream = UpstreamLabels {
            connector_name: connector_name.clone(),
            source: source.to_owned(),
            instance: instance.to_owned(),
        };
        let ok = ConnectorOutcomeLabels {
            connector_name: connector_name.clone(),
            outcome: ConnectorOutcome::Ok,
        };
        let retries = ConnectorLabels { connector_name };
        UpstreamMetrics {
            connector: connector.to_owned(),
            duration: self.connector_duration.clone(),
            ok: self.connector_duration.get_or_create(&ok).clone(),
            retries: self.connector_retries.get_or_create(&retries).clone(),
            breaker: self.connector_breaker.get_or_create(&upstream).clone(),
            budget: self.connector_budget.get_or_create(&upstream).clone(),
        }
    }

    /// For the shelf of definitions, which counts for itself.
    pub fn definitions(&self) -> &DefinitionMetrics {
        &self.definitions
    }

    /// For the cache, which counts for itself.
    pub fn cache(&self) -> &CacheMetrics {
        &self.cache
    }

    /// All metrics as text in the form of `OpenMetrics`, which Prometheus reads.
    pub fn render(&self, catalog: CatalogFigures) -> String {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.catalog_entities.set(signed(catalog.entities as u64));
        self.catalog_revision.set(signed(catalog.revision));
        for (severity, count) in [
            (SeverityLabel::Error, catalog.errors),
            (SeverityLabel::Warning, catalog.warnings),
            (SeverityLabel::Info, catalog.infos),
        ] {
            self.catalog_problems
                .get_or_create(&SeverityLabels { severity })
                .set(signed(count as u64));
        }
        let mut out = String::new();
        // Writing to a string cannot fail; if it could, half a text would be worse than what is there.
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(error) => {
                tracing::error!(%error, "metrics could not be written");
                String::new()
            }
        }
    }
}

struct Registrar<'a>(&'a mut Registry);

impl Registrar<'_> {
    fn metric<M: Instrument + Clone>(&mut self, metric: Metric, instrument: M) -> M {
        let name = metric.name.replace('.', "_");
        match metric.unit {
            "s" => {
                self.0
                    .register_with_unit(name, metric.help, Unit::Seconds, instrument.clone());
            }
            "By" => {
                self.0
                    .register_with_unit(name, metric.help, Unit::Bytes, instrument.clone());
            }
            _ => self.0.register(name, metric.help, instrument.clone()),
        }
        instrument
    }
}

/// From 0.1 ms, which is a page from memory, to 10 s.
fn durations() -> Histogram {
    Histogram::new([
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
        2.5, 5.0, 10.0,
    ])
}
