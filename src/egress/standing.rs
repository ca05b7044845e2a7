//! How an upstream is doing: what was learnt of it, and what is told to whoever watches.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use url::Url;

use super::Lane;
use super::breaker::{Breaker, BreakerState};
use super::budget::{Budgets, Left};
use super::failure::{Failure, Kind};
use super::slots::Slots;
use super::spec::UpstreamSpec;
use super::token::TokenCell;
use super::upstream::Upstream;
use crate::telemetry::metrics::{Metrics, UpstreamMetrics};

/// What is learnt of an upstream, and outlives a reload.
pub(super) struct Standing {
    pub(super) breaker: Breaker,
    pub(super) budgets: Arc<Budgets>,
    /// Those of an app's installations, by account: each has limits of its own.
    pub(super) accounts: Mutex<HashMap<Arc<str>, Arc<Budgets>>>,
    pub(super) token: TokenCell,
    slots: Mutex<Arc<Slots>>,
    pub(super) last_error: Mutex<Option<LastError>>,
    /// What was told last, so that changes are told once.
    pub(super) told_state: Mutex<BreakerState>,
    pub(super) metrics: UpstreamMetrics,
}

/// Whose standing it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StandingKey {
    connector: Arc<str>,
    source: Arc<str>,
    instance: Arc<str>,
    base: Url,
    account: Arc<str>,
}

impl StandingKey {
    pub(super) fn of(spec: &UpstreamSpec) -> Self {
        Self {
            connector: Arc::clone(&spec.connector),
            source: Arc::clone(&spec.source),
            instance: Arc::clone(&spec.instance),
            base: spec.base.clone(),
            account: spec.budget_key(),
        }
    }
}

impl Standing {
    pub(super) fn new(spec: &UpstreamSpec, budgets: Arc<Budgets>, metrics: &Metrics) -> Self {
        Self {
            breaker: Breaker::default(),
            budgets,
            accounts: Mutex::default(),
            token: TokenCell::default(),
            slots: Mutex::new(Arc::new(Slots::new(spec.limits.concurrency))),
            last_error: Mutex::default(),
            told_state: Mutex::new(BreakerState::Closed),
            metrics: metrics.upstream(&spec.connector, &spec.source, &spec.instance),
        }
    }

    /// The slots, new ones if there are to be more or fewer.
    pub(super) fn slots(&self, size: usize) -> Arc<Slots> {
        let mut slots = self.slots.lock();
        if slots.size != size {
            *slots = Arc::new(Slots::new(size));
        }
        Arc::clone(&slots)
    }
}

/// How an upstream is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub breaker: BreakerState,
    /// `None` while nothing bounds it, as far as is known.
    pub budget: Option<BudgetStatus>,
    pub last_error: Option<LastError>,
}

/// What may still be asked, of the limit that has relatively least left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetStatus {
    pub limit: u64,
    pub remaining: u64,
    pub reset_at: Timestamp,
}

/// The last failure that was the upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    pub at: Timestamp,
    pub code: &'static str,
    pub message: String,
}

/// The same failure is a warning once in this time.
const SAME_WARNING: i64 = 10;

impl Upstream {
    /// How it is doing now.
    pub fn status(&self) -> Status {
        let terms = self.terms(Lane::Interactive);
        let own = self.budgets.left(terms.ceiling());
        // Of an app as a whole: the installation that has least.
        let accounts = self.standing.accounts.lock();
        let of_accounts = accounts
            .values()
            .filter(|_| self.installation.is_none())
            .filter_map(|budgets| budgets.left(terms.ceiling()));
        let left = own.into_iter().chain(of_accounts).min_by(Left::by_share);
        drop(accounts);
        Status {
            breaker: self.standing.breaker.state(),
            budget: left.map(|left| BudgetStatus {
                limit: left.limit,
                remaining: left.remaining,
                reset_at: self.at(left.reset),
            }),
            last_error: self.standing.last_error.lock().clone(),
        }
    }

    /// Breaker and budget, for whoever watches.
    pub(super) fn tell_changes(&self) {
        let metrics = &self.standing.metrics;
        let terms = self.terms(Lane::Interactive);
        if let Some(left) = self.budgets.left(terms.ceiling()) {
            metrics.budget(left.remaining);
        }
        let state = self.standing.breaker.state();
        let mut told = self.standing.told_state.lock();
        if std::mem::replace(&mut *told, state) == state {
            return;
        }
        let place = self.place("".into());
        match state {
            BreakerState::Closed => {
                metrics.breaker(0);
                tracing::info!("{place} answers again");
            }
            BreakerState::HalfOpen => metrics.breaker(1),
            BreakerState::Open => {
                metrics.breaker(2);
                let sleep = self.spec.limits.breaker_sleep;
                tracing::warn!("{place} failed too often and is left alone for {sleep:?}");
            }
        }
    }

    /// Keeps the last failure, and logs what is new.
    pub(super) fn note(&self, failure: &Failure) {
        let is_theirs = !matches!(
            failure.kind,
            Kind::CircuitOpen { .. } | Kind::BudgetExhausted { .. }
        );
        if !is_theirs {
            tracing::debug!(code = failure.code(), "{failure}");
            return;
        }
        self.told(failure.code(), failure.to_string());
    }

    /// A reply that came, and that nothing can be made of: the last error like one that did not come.
    pub(crate) fn told(&self, code: &'static str, message: String) {
        let at = self.shared.clock.now();
        let error = LastError { at, code, message };
        let mut last = self.standing.last_error.lock();
        let is_known = last.as_ref().is_some_and(|before| {
            let ago = at.as_second() - before.at.as_second();
            before.code == code && ago < SAME_WARNING
        });
        let message = &error.message;
        match is_known {
            true => tracing::debug!(code, "{message}"),
            false => tracing::warn!(code, "{message}"),
        }
        *last = Some(error);
    }
}
