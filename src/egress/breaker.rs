//! Leaves an upstream alone that keeps failing.
//!
//! Counts failures up and successes down, so it trips when most of what is asked fails, and not for one bad page among good ones.
//! Open, it refuses at once; after its sleep one request may try: if that succeeds it is closed again, if not it sleeps once more.
//!
//! What is under way when an upstream fails has been sent, however soon the breaker opens.
//! So not more than a few are under way at a time without a success since the first of them was sent, and once there are failures no more than it takes to open; the others wait for how those end.
//! An upstream that answers is not slowed down: every success makes room for as many again.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
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
    Closed(Standing),
    Open { until: Instant },
    Probing,
}

/// A closed breaker's view of its upstream.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    failures: u32,
    under_way: u32,
    /// Of those, sent since the last success.
    unproven: u32,
    /// Counts successes.
    successes: u64,
}

impl Standing {
    fn has_room(&self, rules: Rules) -> bool {
        let left = rules.errors.saturating_sub(self.failures).max(1);
        self.unproven < UNPROVEN.max(rules.errors) && (self.failures == 0 || self.under_way < left)
    }
}

/// So many are under way at most without a success since.
const UNPROVEN: u32 = 16;

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
pub(super) struct Breaker {
    state: Mutex<State>,
    /// Something ended: whoever waits may look again.
    ended: Notify,
}

/// The next try, while another's end is awaited: long enough to know it by then.
const PROBE: Duration = Duration::from_secs(1);

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: Mutex::new(State::Closed(Standing::default())),
            ended: Notify::new(),
        }
    }
}

impl Breaker {
    /// Whether a request would be let through now; if not, when to ask again.
    pub(super) fn peek(&self) -> Result<(), Instant> {
        match &*self.state.lock() {
            State::Closed(_) => Ok(()),
            State::Open { until } if Instant::now() >= *until => Ok(()),
            State::Open { until } => Err(*until),
            State::Probing => Err(Instant::now() + PROBE),
        }
    }

    /// Lets a request through, when there is room for it, or says when to ask again.
    pub(super) async fn admit(&self, rules: Rules) -> Result<Admission<'_>, Instant> {
        loop {
            // Before the look, so that nothing that ends in between is missed.
            let ended = self.ended.notified();
            if let Some(admitted) = self.try_admit(rules) {
                return admitted;
            }
            ended.await;
        }
    }

    /// The same at once; `None` where it has to wait.
    pub(super) fn try_admit(&self, rules: Rules) -> Option<Result<Admission<'_>, Instant>> {
        let mut state = self.state.lock();
        let as_of = match &mut *state {
            State::Closed(standing) if standing.has_room(rules) => {
                standing.under_way += 1;
                standing.unproven += 1;
                Some(standing.successes)
            }
            State::Closed(_) => return None,
            State::Open { until } if Instant::now() >= *until => {
                *state = State::Probing;
                None
            }
            State::Open { until } => return Some(Err(*until)),
            State::Probing => return Some(Err(Instant::now() + PROBE)),
        };
        Some(Ok(Admission {
            breaker: self,
            rules,
            as_of,
            verdict: Verdict::Neutral,
        }))
    }

    pub(super) fn state(&self) -> BreakerState {
        match &*self.state.lock() {
            State::Closed(_) => BreakerState::Closed,
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
    /// How many successes there were when it was sent; `None` for a probe.
    as_of: Option<u64>,
    verdict: Verdict,
}

impl Admission<'_> {
    pub(super) fn settle(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state.lock();
        let open = || State::Open {
            until: Instant::now() + self.rules.sleep,
        };
        let next = match (&mut *state, self.as_of, self.verdict) {
            (State::Probing, None, Verdict::Good) => Some(State::Closed(Standing::default())),
            (State::Probing, None, Verdict::Bad) => Some(open()),
            (State::Probing, None, Verdict::Neutral) => Some(State::Open {
                until: Instant::now(),
            }),
            (State::Closed(standing), Some(as_of), verdict) => {
                standing.under_way = standing.under_way.saturating_sub(1);
                if standing.successes == as_of {
                    standing.unproven = standing.unproven.saturating_sub(1);
                }
                match verdict {
                    Verdict::Good => {
                        standing.failures = standing.failures.saturating_sub(1);
                        standing.successes += 1;
                        standing.unproven = 0;
                    }
                    Verdict::Bad => standing.failures += 1,
                    Verdict::Neutral => {}
                }
                (standing.failures >= self.rules.errors).then(open)
            }
            // Sent before it opened: the probe decides.
            _ => None,
        };
        if let Some(next) = next {
            *state = next;
        }
        drop(state);
        self.breaker.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Admission, Breaker, BreakerState, Rules, Verdict};

    const RULES: Rules = Rules {
        errors: 5,
        sleep: Duration::from_secs(60),
    };

    /// As many as are let through now.
    fn fill<'b>(breaker: &'b Breaker, sent: &mut Vec<Admission<'b>>) -> usize {
        let before = sent.len();
        while let Some(Ok(admission)) = breaker.try_admit(RULES) {
            sent.push(admission);
        }
        sent.len() - before
    }

    #[tokio::test]
    async fn every_success_makes_room_and_a_failure_takes_it() {
        let breaker = Breaker::default();
        let mut sent = Vec::new();
        assert_eq!(fill(&breaker, &mut sent), 16);
        sent.remove(0).settle(Verdict::Good);
        assert_eq!(fill(&breaker, &mut sent), 16);
        // Those of before the success prove nothing, however they end.
        sent.remove(0).settle(Verdict::Neutral);
        assert_eq!(fill(&breaker, &mut sent), 0);
        sent.remove(0).settle(Verdict::Bad);
        assert_eq!(fill(&breaker, &mut sent), 0);
        // Four are missing until it opens, and no more are under way then.
        sent.truncate(2);
        assert_eq!(fill(&breaker, &mut sent), 2);
        for admission in sent.drain(..) {
            admission.settle(Verdict::Bad);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(matches!(breaker.try_admit(RULES), Some(Err(_))));
    }
}
