//! How much may be asked: one account for everyone who asks the same host with the same credential.
//!
//! Three things bound it: the requests of any minute (`perMinute`), the windows that the upstream tells of in its headers, and a pause that it asked for.
//! Of a told window the lowest word counts, less what is under way; so neither answers that overtake each other nor many askers at once can overdraw it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::call::Lane;
use super::limit_headers::{AllSaid, Said};

/// The account of one host and credential.
#[derive(Debug)]
pub(super) struct Budgets {
    /// Names it in the shared ledger; a hash, from which nothing can be read back.
    pub(super) key: Arc<str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    resources: HashMap<Arc<str>, Resource>,
    /// What the upstream said a template counts against.
    learnt: HashMap<Arc<str>, Arc<str>>,
    minute: VecDeque<Instant>,
    pause: Option<Pause>,
    /// Refusals in a row that did not say how long.
    strikes: u32,
    /// When the ledger was last asked for a pause.
    heard: Option<Instant>,
}

/// One of the upstream's limits.
#[derive(Debug, Default)]
struct Resource {
    windows: Vec<Window>,
    in_flight: u64,
}

#[derive(Debug)]
struct Window {
    name: Cow<'static, str>,
    limit: u64,
    /// The least that was said to remain, less what was sent without an answer.
    low: u64,
    /// Our own requests in it.
    used: u64,
    reset: Instant,
}

/// Nothing is sent until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) until: Instant,
    pub(super) status: u16,
}

/// What a request may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) lane: Lane,
    pub(super) share: f64,
    pub(super) floor: f64,
    pub(super) per_minute: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    Paused(Pause),
    Exhausted { until: Instant },
}

/// What is left, of the window that has relatively least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) reset: Instant,
}

impl Left {
    /// Which of two has relatively less.
    pub(super) fn by_share(one: &Self, other: &Self) -> Ordering {
        let share = |left: &Self| left.remaining as f64 / left.limit.max(1) as f64;
        share(one).total_cmp(&share(other))
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// A window whose end was not told.
pub(super) const UNTOLD_RESET: Duration = MINUTE;
/// Two ends this close are the same window's: told in whole seconds, they waver.
const SAME_WINDOW: Duration = Duration::from_secs(5);
/// The upstream's names are kept for so many limits and templates, and so many windows each.
const MOST_RESOURCES: usize = 64;
const MOST_TEMPLATES: usize = 4096;
const MOST_WINDOWS: usize = 16;
/// However long it is told to, an upstream is asked again after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// The first pause where none was told; doubled with each refusal, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How often the ledger is asked whether another replica was told to pause.
const HEAR_EVERY: Duration = Duration::from_secs(1);

impl Terms {
    /// How many requests a minute this lane may have sent, if that is limited.
    pub(super) fn ceiling(&self) -> Option<u64> {
        let ours = part(u64::from(self.per_minute?), self.share).max(1);
        Some(part(ours, 1.0 - self.lane.reserve()))
    }

    /// How much of a told window stays untouched.
    fn reserve(&self, limit: u64) -> u64 {
        limit - part(limit, 1.0 - self.floor.max(self.lane.reserve()))
    }
}

/// `part` of `whole`, rounded down; the sum forgives what floating point gets wrong.
fn part(whole: u64, part: f64) -> u64 {
    (whole as f64 * part + 1e-6) as u64
}

impl Budgets {
    pub(super) fn new(key: Arc<str>) -> Self {
        Self {
            key,
            state: Mutex::default(),
        }
    }

    /// Takes one request out of everything that bounds it, or nothing out of anything.
    pub(super) fn take(
        self: &Arc<Self>,
        terms: Terms,
        resource: Option<&Arc<str>>,
        template: &Arc<str>,
        cost: u64,
    ) -> Result<Spent, Denied> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(pause) = state.pause(now) {
            return Err(Denied::Paused(pause));
        }
        let learnt = || state.learnt.get(template).cloned();
        let name = resource.cloned().or_else(learnt).unwrap_or_default();
        if let Some(resource) = state.resources.get_mut(&name) {
            resource.check(terms, cost, now)?;
        }
        state.check_minute(terms, now)?;
        let resource = state.resources.entry(Arc::clone(&name)).or_default();
        resource.in_flight += cost;
        for window in &mut resource.windows {
            window.used += cost;
        }
        if terms.per_minute.is_some() {
            state.minute.push_back(now);
        }
        Ok(Spent {
            budgets: Arc::clone(self),
            resource: name,
            cost,
            is_counted: terms.per_minute.is_some(),
            is_answered: false,
        })
    }

    /// Lets nothing out for `wait`, or for as long as seems right where that was not said; gives how long that is.
    pub(super) fn pause(&self, wait: Option<Duration>, status: u16) -> Duration {
        let mut state = self.state.lock();
        let now = Instant::now();
        let wait = match wait {
            Some(wait) => wait.min(LONGEST_PAUSE),
            // Sent together with the one whose refusal began the pause: that is one refusal, and not a row of them.
            None if let Some(pause) = state.pause(now) => pause.until - now,
            None => {
                let wait = FIRST_PAUSE
                    .saturating_mul(1 << state.strikes.min(6))
                    .min(MINUTE);
                state.strikes += 1;
                wait
            }
        };
        let until = now + wait;
        if state.pause.is_none_or(|pause| pause.until < until) {
            state.pause = Some(Pause { until, status });
        }
        wait
    }

    /// Whether the ledger was not asked for a while; if so, the caller asks it.
    pub(super) fn is_time_to_hear(&self) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock();
        let is_time = state.heard.is_none_or(|heard| heard + HEAR_EVERY <= now);
        if is_time {
            state.heard = Some(now);
        }
        is_time
    }

    /// What is left now, for status and metrics.
    pub(super) fn left(&self, per_minute: Option<u64>) -> Option<Left> {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.forget(now);
        let minute = per_minute.map(|limit| Left {
            limit,
            remaining: limit.saturating_sub(state.minute.len() as u64),
            reset: state.minute.front().map_or(now, |first| *first + MINUTE),
        });
        let told = state.resources.values().flat_map(|resource| {
            resource
                .windows
                .iter()
                .filter(|window| window.reset > now)
                .map(|window| Left {
                    limit: window.limit,
                    remaining: window.low.saturating_sub(resource.in_flight),
                    reset: window.reset,
                })
        });
        told.chain(minute).min_by(Left::by_share)
    }
}

impl State {
    fn pause(&mut self, now: Instant) -> Option<Pause> {
        self.pause = self.pause.filter(|pause| pause.until > now);
        self.pause
    }

    fn forget(&mut self, now: Instant) {
        while self
            .minute
            .front()
            .is_some_and(|first| *first + MINUTE <= now)
        {
            self.minute.pop_front();
        }
    }

    fn check_minute(&mut self, terms: Terms, now: Instant) -> Result<(), Denied> {
        let Some(ceiling) = terms.ceiling() else {
            return Ok(());
        };
        self.forget(now);
        let used = self.minute.len();
        match (used as u64) < ceiling {
            true => Ok(()),
            false => {
                // The first of those whose going makes room.
                let index = used.saturating_sub(usize::try_from(ceiling).unwrap_or(used));
                let first = self.minute.get(index.min(used.saturating_sub(1))).copied();
                let until = first.unwrap_or(now) + MINUTE;
                Err(Denied::Exhausted { until })
            }
        }
    }

    /// The name under which a limit is kept; beyond the bound all share one.
    fn intern(&self, name: &str) -> Arc<str> {
        match self.resources.get_key_value(name) {
            Some((name, _)) => Arc::clone(name),
            None if self.resources.len() < MOST_RESOURCES => name.into(),
            None => Arc::default(),
        }
    }
}

impl Resource {
    fn check(&mut self, terms: Terms, cost: u64, now: Instant) -> Result<(), Denied> {
        self.windows.retain(|window| window.reset > now);
        for window in &self.windows {
            let remaining = window.low.saturating_sub(self.in_flight);
            // What costs more than there ever is may go when all of that is there.
            let reserve = terms.reserve(window.limit);
            let cost = cost.min(window.limit - reserve);
            let is_over = remaining < reserve.saturating_add(cost);
            let is_others = terms.share < 1.0 && window.used >= part(window.limit, terms.share);
            if is_over || is_others {
                return Err(Denied::Exhausted {
                    until: window.reset,
                });
            }
        }
        Ok(())
    }

    fn hear(&mut self, said: Said, now: Instant) {
        let reset = now + said.reset.unwrap_or(UNTOLD_RESET);
        self.windows.retain(|window| window.reset > now);
        let has_room = self.windows.len() < MOST_WINDOWS;
        let known = self
            .windows
            .iter_mut()
            .find(|window| window.name == said.window);
        let limit = said.limit.unwrap_or(0).max(said.remaining);
        match known {
            Some(window) if window.reset + SAME_WINDOW < reset => {
                window.limit = limit;
                window.low = said.remaining;
                window.used = 0;
                window.reset = reset;
            }
            // Of the window before, overtaken by an answer of this one.
            Some(window) if reset + SAME_WINDOW < window.reset => {}
            Some(window) => {
                window.limit = window.limit.max(limit);
                window.low = window.low.min(said.remaining);
            }
            None if has_room && reset > now => {
                self.windows.push(Window {
                    name: said.window,
                    limit,
                    low: said.remaining,
                    used: self.in_flight + 1,
                    reset,
                });
            }
            None => {}
        }
    }
}

/// One request that was taken out; dropped without an answer it counts as used.
#[derive(Debug)]
pub(super) struct Spent {
    budgets: Arc<Budgets>,
    resource: Arc<str>,
    cost: u64,
    /// Whether it stands among the requests of this minute.
    is_counted: bool,
    is_answered: bool,
}

impl Spent {
    /// Takes over what the upstream said in its answer.
    pub(super) fn answered(mut self, said: AllSaid, resource: Option<&str>, template: &Arc<str>) {
        self.is_answered = true;
        let now = Instant::now();
        let mut state = self.budgets.state.lock();
        let heard = match resource {
            Some(name) => {
                let name = state.intern(name);
                if state.learnt.len() < MOST_TEMPLATES || state.learnt.contains_key(template) {
                    state.learnt.insert(Arc::clone(template), Arc::clone(&name));
                }
                name
            }
            None => Arc::clone(&self.resource),
        };
        // Under way until now, wherever it was thought to belong.
        if let Some(resource) = state.resources.get_mut(&self.resource) {
            resource.in_flight = resource.in_flight.saturating_sub(self.cost);
        }
        if !said.is_empty() {
            let resource = state.resources.entry(heard).or_default();
            said.into_iter().for_each(|said| resource.hear(said, now));
        }
    }

    /// Nothing is let out for `wait`; see [`Budgets::pause`].
    pub(super) fn pause(&self, wait: Option<Duration>, status: u16) -> Duration {
        self.budgets.pause(wait, status)
    }

    /// Puts back what was taken: nothing was sent.
    pub(super) fn give_back(mut self) {
        self.is_answered = true;
        let mut state = self.budgets.state.lock();
        if self.is_counted {
            state.minute.pop_back();
        }
        if let Some(resource) = state.resources.get_mut(&self.resource) {
            resource.in_flight = resource.in_flight.saturating_sub(self.cost);
            for window in &mut resource.windows {
                window.used = window.used.saturating_sub(self.cost);
            }
        }
    }

    /// A row of refusals ends when something else comes.
    pub(super) fn was_welcome(&self) {
        self.budgets.state.lock().strikes = 0;
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let mut state = self.budgets.state.lock();
        if let Some(resource) = state.resources.get_mut(&self.resource) {
            resource.in_flight = resource.in_flight.saturating_sub(self.cost);
            for window in &mut resource.windows {
                window.low = window.low.saturating_sub(self.cost);
            }
        }
    }
}
