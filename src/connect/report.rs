//! How the connectors are, and to which entities they apply: rows of the graph's `connectors` and `explain`.

use std::sync::Arc;

use jiff::Timestamp;

use super::scope::State;
use crate::diagnostic::Diagnostic;
use crate::sdl::Model;

/// One connector: a folder of schema files that knows one kind of upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectorReport {
    pub name: Arc<str>,
    pub instances: Vec<InstanceReport>,
    pub cache: CacheReport,
    /// Else its folder is broken, and never was whole.
    pub is_in_graph: bool,
    /// What is wrong in its folder, which is not in force then.
    pub problems: Vec<Diagnostic>,
}

/// One upstream of a connector, with its own credentials and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceReport {
    pub name: Arc<str>,
    pub health: Health,
    pub breaker: &'static str,
    /// `None` while nothing bounds it, as far as is known.
    pub budget: Option<BudgetReport>,
    /// Sent since the start.
    pub n_requests: u64,
    /// Values that did not have the type that the schema gives them.
    pub n_misfits: u64,
    pub last_error: Option<ErrorReport>,
    /// The sources of the folder that this upstream is not asked by.
    pub gaps: Vec<Gap>,
}

/// A source of a connector that lacks a setting at an instance, beside others that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// As its folder names it.
    pub source: Arc<str>,
    /// What it would give, as schema coordinates.
    pub fields: Vec<String>,
    /// What is missing, by the name of its setting; never a value.
    pub hint: Arc<str>,
}

/// How an upstream is; worse ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Asked and well, or not asked yet.
    Ready,
    NotConfigured,
    /// Some requests fail, or wait for a budget.
    Degraded,
    /// It cannot be asked now.
    Failing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetReport {
    pub limit: u64,
    pub remaining: u64,
    pub reset_at: Option<Timestamp>,
}

/// Of the values that were asked for since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheReport {
    pub hits: u64,
    pub stale: u64,
    pub misses: u64,
}

/// Without the upstream's address or words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReport {
    pub code: &'static str,
    pub message: String,
    pub upstream_status: Option<u16>,
    pub at: Timestamp,
}

/// Whether a connector gives a field of an entity, and what of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub connector: Arc<str>,
    pub field: Arc<str>,
    pub instance: Option<Arc<str>>,
    /// What is asked for: the annotation that says it, and what it comes to. Never anything secret: no expression of a request can read secrets.
    pub keys: Vec<(Box<str>, String)>,
    /// Why the field would be null; `None`: it applies.
    pub state: Option<State>,
    pub hint: Option<Arc<str>>,
}

impl Health {
    /// As the graph shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::NotConfigured => "NOT_CONFIGURED",
            Self::Degraded => "DEGRADED",
            Self::Failing => "FAILING",
        }
    }
}

impl ConnectorReport {
    /// That of its worst instance; without any it is not configured, or not in the graph.
    pub fn health(&self) -> Health {
        let each = self.instances.iter().map(|instance| instance.health);
        let without = match self.is_in_graph {
            true => Health::NotConfigured,
            false => Health::Failing,
        };
        each.max().unwrap_or(without)
    }

    /// The connectors of a schema that nobody runs.
    pub fn unconfigured(model: &Model) -> Vec<Self> {
        let mut names: Vec<Arc<str>> = model
            .sources
            .iter()
            .map(|source| Arc::clone(&source.connector))
            .collect();
        names.sort();
        names.dedup();
        let reports = names.into_iter().map(|name| Self {
            name,
            instances: Vec::new(),
            cache: CacheReport::default(),
            is_in_graph: true,
            problems: Vec::new(),
        });
        reports.collect()
    }
}

impl CacheReport {
    /// The part that was at hand, from 0 to 1; `None` before the first was asked for.
    pub fn hit_ratio(&self) -> Option<f64> {
        let at_hand = self.hits + self.stale;
        let all = at_hand + self.misses;
        // Counts far below 2^52.
        (all > 0).then(|| at_hand as f64 / all as f64)
    }
}
