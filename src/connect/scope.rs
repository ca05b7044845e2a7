//! What goes with everything that one request asks: its time, its catalog, its caller, and what became of each live field.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use roaring::RoaringBitmap;
use secrecy::SecretString;
use serde_json::Value;

use super::remembered::KnownAsks;
use super::trace::Trace;
use crate::cache::{ByKey, Held, Key};
use crate::clock::Budget;
use crate::graph::{Ix, Snapshot};

/// One request, as sources see it.
pub struct Scope {
    /// The state of the catalog that the whole request reads.
    pub snapshot: Arc<Snapshot>,
    pub budget: Budget,
    /// Who asks: what `$viewer` stands for.
    pub viewer: Option<Arc<Value>>,
    /// The caller's `Authorization` header: for sources that forward it, and for nobody else.
    authorization: Option<Arc<SecretString>>,
    /// Whether whoever asks may change things at upstreams.
    pub may_act: bool,
    /// `None`: nobody asks what became of the live fields.
    outcomes: Option<Mutex<Vec<Outcome>>>,
    /// `None`: nobody asks what upstreams were asked.
    trace: Option<Trace>,
    /// The moment by which is told what is fresh, of all that is at hand.
    moment: OnceLock<Timestamp>,
    /// Of the snapshot.
    lineage: OnceLock<u64>,
    /// What was known of requests when the first was asked about.
    known: OnceLock<KnownAsks>,
    /// Milliseconds for which everything in the answer is fresh.
    fresh_for: AtomicU64,
    /// What is kept for this request alone.
    own: Mutex<ByKey<Held>>,
    /// Sets of entities that sources found, for what is asked of them within the answer.
    sets: Mutex<Vec<Arc<RoaringBitmap>>>,
}

/// What became of one live field of one entity at one upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The entity whose annotations decide; `None` at the root.
    pub entity: Option<Ix>,
    pub field: Arc<str>,
    pub connector: Arc<str>,
    pub instance: Arc<str>,
    pub state: State,
    pub fetched_at: Option<Timestamp>,
    /// The code of the fault.
    pub code: Option<&'static str>,
    pub retry_at: Option<Timestamp>,
    /// What to do about it.
    pub hint: Option<Arc<str>>,
}

/// Why a live value is there, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Fresh,
    Stale,
    /// The upstream has it, and there is nothing in it.
    Empty,
    /// What would say which object is meant is not there.
    NoAnnotation,
    NotFound,
    NotConfigured,
    NotAllowed,
    Failed,
}

impl State {
    /// As the graph shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "FRESH",
            Self::Stale => "STALE",
            Self::Empty => "EMPTY",
            Self::NoAnnotation => "NO_ANNOTATION",
            Self::NotFound => "NOT_FOUND",
            Self::NotConfigured => "NOT_CONFIGURED",
            Self::NotAllowed => "NOT_ALLOWED",
            Self::Failed => "FAILED",
        }
    }
}

impl Scope {
    pub fn new(snapshot: Arc<Snapshot>, budget: Budget) -> Self {
        Self {
            snapshot,
            budget,
            viewer: None,
            authorization: None,
            may_act: false,
            outcomes: None,
            trace: None,
            moment: OnceLock::new(),
            lineage: OnceLock::new(),
            known: OnceLock::new(),
            fresh_for: AtomicU64::new(u64::MAX),
            own: Mutex::default(),
            sets: Mutex::default(),
        }
    }

    /// For work that goes on behind the request, on the same state of the catalog and for the same caller.
    pub(super) fn behind(&self, budget: Budget) -> Self {
        Self {
            viewer: self.viewer.clone(),
            authorization: self.authorization.clone(),
            ..Self::new(Arc::clone(&self.snapshot), budget)
        }
    }

    /// With what the caller sent to prove who he is.
    #[must_use]
    pub fn authorized(self, authorization: SecretString) -> Self {
        Self {
            authorization: Some(Arc::new(authorization)),
            ..self
        }
    }

    pub(super) fn authorization(&self) -> Option<&SecretString> {
        self.authorization.as_deref()
    }

    /// Keeps what becomes of every live field.
    #[must_use]
    pub fn watched(self) -> Self {
        Self {
            outcomes: Some(Mutex::default()),
            ..self
        }
    }

    /// Keeps what upstreams are asked.
    #[must_use]
    pub fn traced(self) -> Self {
        Self {
            trace: Some(Trace::default()),
            ..self
        }
    }

    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Whether anybody asks for outcomes: else they need not be made.
    pub fn is_watched(&self) -> bool {
        self.outcomes.is_some()
    }

    pub fn record(&self, outcome: impl FnOnce() -> Outcome) {
        if let Some(outcomes) = &self.outcomes {
            outcomes.lock().push(outcome());
        }
    }

    /// What became of the live fields so far, in no particular order.
    pub fn outcomes(&self) -> Vec<Outcome> {
        match &self.outcomes {
            Some(outcomes) => outcomes.lock().clone(),
            None => Vec::new(),
        }
    }

    /// The moment by which all that is at hand is fresh or not: the same for the whole request, and looked up once.
    pub(super) fn moment(&self, now: impl FnOnce() -> Timestamp) -> Timestamp {
        *self.moment.get_or_init(now)
    }

    /// The states of the catalog in which an entity's index means the same entity as here.
    pub(super) fn lineage(&self) -> u64 {
        *self.lineage.get_or_init(|| self.snapshot.lineage())
    }

    /// What is remembered of requests: looked up once, so that who asks for hundreds of fields shares no count with others.
    pub(super) fn known(&self, all: impl FnOnce() -> KnownAsks) -> &KnownAsks {
        self.known.get_or_init(all)
    }

    /// What this request fetched and nobody else may be given.
    pub(super) fn own(&self, key: &Key) -> Option<Held> {
        self.own.lock().get(key).cloned()
    }

    /// What this request fetched may be otherwise now.
    pub(super) fn forget_own(&self) {
        self.own.lock().clear();
    }

    pub(super) fn keep(&self, all: impl Iterator<Item = (Key, Held)>) {
        self.own.lock().extend(all);
    }

    /// Keeps a set of entities; by the number it is found again.
    pub fn keep_set(&self, set: RoaringBitmap) -> usize {
        let mut sets = self.sets.lock();
        sets.push(Arc::new(set));
        sets.len() - 1
    }

    pub fn kept_set(&self, number: usize) -> Option<Arc<RoaringBitmap>> {
        self.sets.lock().get(number).cloned()
    }

    /// Something in the answer is fresh for this long.
    pub fn fresh_for(&self, time: Duration) {
        self.fresh_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }

    /// The same until a moment, which is looked at `now`.
    pub(super) fn fresh_until(&self, until: Timestamp, now: Timestamp) {
        let left = until.as_millisecond().saturating_sub(now.as_millisecond());
        self.fresh_millis(u64::try_from(left).unwrap_or_default());
    }

    fn fresh_millis(&self, millis: u64) {
        // Mostly something else is fresh for no longer, and nothing has to be written.
        if millis < self.fresh_for.load(Ordering::Relaxed) {
            self.fresh_for.fetch_min(millis, Ordering::Relaxed);
        }
    }

    /// For how long everything live in the answer is fresh; `None` without anything live.
    pub fn least_fresh(&self) -> Option<Duration> {
        match self.fresh_for.load(Ordering::Relaxed) {
            u64::MAX => None,
            millis => Some(Duration::from_millis(millis)),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
