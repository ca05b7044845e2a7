//! What is counted of the cache.
//!
//! Reads are counted millions of times a second, so each thread counts for itself; the sum is made at a scrape.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::{Atomic, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::{Metric, Registrar};

pub(super) const READS: Metric = Metric {
    name: "callboard.cache.reads",
    unit: "",
    labels: &["outcome"],
    help: "Keys asked for: `fresh`, `stale` and `expired` from memory, `shared` from Redis, `followed` another request, `missed`",
};
pub(super) const ENTRIES: Metric = Metric {
    name: "callboard.cache.entries",
    unit: "",
    labels: &[],
    help: "Entries in memory",
};
pub(super) const MEMORY: Metric = Metric {
    name: "callboard.cache.memory",
    unit: "By",
    labels: &[],
    help: "What they take",
};
pub(super) const EVICTED: Metric = Metric {
    name: "callboard.cache.evicted",
    unit: "",
    labels: &[],
    help: "Entries that went for want of memory",
};
pub(super) const REDIS_UP: Metric = Metric {
    name: "callboard.cache.redis.up",
    unit: "",
    labels: &[],
    help: "1 while Redis is used, 0 while it is left alone or there is none",
};
pub(super) const REDIS_DURATION: Metric = Metric {
    name: "callboard.cache.redis.duration",
    unit: "s",
    labels: &[],
    help: "Time of one round trip to Redis",
};

label_values! {
/// What became of asking for a key.
    pub enum CacheOutcome {
        Fresh = "fresh",
        Stale = "stale",
        Expired = "expired",
        Shared = "shared",
        Followed = "followed",
        Missed = "missed",
    }
}

const OUTCOMES: [CacheOutcome; 6] = [
    CacheOutcome::Fresh,
    CacheOutcome::Stale,
    CacheOutcome::Expired,
    CacheOutcome::Shared,
    CacheOutcome::Followed,
    CacheOutcome::Missed,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadLabels {
    outcome: CacheOutcome,
}

type Reads = Counter<u64, Striped>;

/// The cache's own handle; clones count together.
#[derive(Clone, Debug)]
pub struct CacheMetrics {
    family: Family<ReadLabels, Reads>,
    /// In the order of [`OUTCOMES`].
    reads: [Reads; OUTCOMES.len()],
    entries: Gauge<i64, AtomicI64>,
    memory: Gauge<i64, AtomicI64>,
    evicted: Counter<u64, AtomicU64>,
    redis_up: Gauge<i64, AtomicI64>,
    redis_duration: Histogram,
}

impl Default for CacheMetrics {
    fn default() -> Self {
        let family = Family::<ReadLabels, Reads>::default();
        let reads = OUTCOMES.map(|outcome| family.get_or_create(&ReadLabels { outcome }).clone());
        Self {
            family,
            reads,
            entries: Gauge::default(),
            memory: Gauge::default(),
            evicted: Counter::default(),
            redis_up: Gauge::default(),
            redis_duration: super::durations(),
        }
    }
}

impl CacheMetrics {
    pub(super) fn registered(add: &mut Registrar<'_>) -> Self {
        let metrics = Self::default();
        drop(add.metric(READS, metrics.family.clone()));
        drop(add.metric(ENTRIES, metrics.entries.clone()));
        drop(add.metric(MEMORY, metrics.memory.clone()));
        drop(add.metric(EVICTED, metrics.evicted.clone()));
        drop(add.metric(REDIS_UP, metrics.redis_up.clone()));
        drop(add.metric(REDIS_DURATION, metrics.redis_duration.clone()));
        metrics
    }

    pub fn read(&self, outcome: CacheOutcome) {
        self.reads[outcome as usize].inc();
    }

    /// How often something became of asking for a key.
    pub fn reads(&self, outcome: CacheOutcome) -> u64 {
        self.reads[outcome as usize].get()
    }

    pub fn memory(&self, entries: usize, bytes: u64) {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.entries.set(signed(entries as u64));
        self.memory.set(signed(bytes));
    }

    pub fn evicted(&self) {
        self.evicted.inc();
    }

    pub fn redis_up(&self, up: bool) {
        self.redis_up.set(i64::from(up));
    }

    pub fn redis(&self, took: Duration) {
        self.redis_duration.observe(took.as_secs_f64());
    }
}

const STRIPES: usize = 8;

/// A counter in parts that lie far from each other, so that cores do not wait for each other's.
#[derive(Debug, Default)]
pub struct Striped([Stripe; STRIPES]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The part in which this thread counts.
    static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
}

impl Striped {
    pub fn add(&self, number: u64) {
        self.inc_by(number);
    }

    pub fn sum(&self) -> u64 {
        let parts = self.0.iter();
        parts.map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }
}

impl Atomic<u64> for Striped {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    fn inc_by(&self, number: u64) -> u64 {
        let own = OWN.try_with(|own| *own).unwrap_or(0);
        self.0[own].0.fetch_add(number, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.sum()
    }
}
