//! Leaves an upstream alone that keeps failing.
//!
//! Counts failures up and successes down, so it trips when most of what is asked fails, and not for one bad page among good ones.
//! Open, it refuses at once; after its sleep one request may try: if that succeeds it is closed again, if not it sleeps once more.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// One request, whose end decides.
    HalfOpen,
    /// Nothing.
    Open,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// How a request ended, as far as it says something of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
    /// It says nothing: the caller gave up, or nothing was sent.
    Neutral,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) errors: u32,
    pub(super) sleep: Duration,
}

#[derive(Debug)]
pub(super) struct Breaker(Mutex<State>);

/// The next try, while another's end is awaited: long enough to know it by then.
const PROBE: Duration = Duration::from_secs(1);

impl Default for Breaker {
    fn default() -> Self {
        Self(Mutex::new(State::Closed { failures: 0 }))
    }
}

impl Breaker {
    /// Whether a request would be let through now; if not, when to ask again.
    pub(super) fn peek(&self) -> Result<(), Instant> {
        match &*self.0.lock() {
            State::Closed { .. } => Ok(()),
            State::Open { until } if Instant::now() >= *until => Ok(()),
            State::Open { until } => Err(*until),
            State::Probing => Err(Instant::now() + PROBE),
        }
    }

    /// Lets a request through, or says when to ask again.
    pub(super) fn admit(&self, rules: Rules) -> Result<Admission<'_>, Instant> {
        let mut state = self.0.lock();
        let is_probe = match &*state {
            State::Closed { .. } => false,
            State::Open { until } if Instant::now() >= *until => true,
            State::Open { until } => return Err(*until),
            State::Probing => return Err(Instant::now() + PROBE),
        };
        if is_probe {
            *state = State::Probing;
        }
        Ok(Admission {
            breaker: self,
            rules,
            is_probe,
            verdict: Verdict::Neutral,
        })
    }

    pub(super) fn state(&self) -> BreakerState {
        match &*self.0.lock() {
            State::Closed { .. } => BreakerState::Closed,
            State::Probing => BreakerState::HalfOpen,
            State::Open { until } if Instant::now() >= *until => BreakerState::HalfOpen,
            State::Open { .. } => BreakerState::Open,
        }
    }
}

/// One request under way; dropped without a verdict it has said nothing, and a probe makes room for the next.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    breaker: &'a Breaker,
    rules: Rules,
    pub(super) is_probe: bool,
    verdict: Verdict,
}

impl Admission<'_> {
    pub(super) fn settle(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.0.lock();
        let open = || State::Open {
            until: Instant::now() + self.rules.sleep,
        };
        let next = match (&*state, self.is_probe, self.verdict) {
            (State::Probing, true, Verdict::Good) => State::Closed { failures: 0 },
            (State::Probing, true, Verdict::Bad) => open(),
            (State::Probing, true, Verdict::Neutral) => State::Open {
                until: Instant::now(),
            },
            (State::Closed { failures }, _, Verdict::Good) => State::Closed {
                failures: failures.saturating_sub(1),
            },
            (State::Closed { failures }, _, Verdict::Bad) if failures + 1 >= self.rules.errors => {
                open()
            }
            (State::Closed { failures }, _, Verdict::Bad) => State::Closed {
                failures: failures + 1,
            },
            // Sent before it opened: the probe decides.
            _ => return,
        };
        *state = next;
    }
}
