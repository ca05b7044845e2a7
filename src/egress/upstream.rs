//! One upstream, and the way of a request to it: slot, breaker, budget, credential, exchange, retry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderMap;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Shared;
use super::app::{self, App, Installation};
use super::breaker::Rules;
use super::budget::{Budgets, Denied, Terms};
use super::call::{Call, Reply};
use super::credential::Credential;
use super::exchange::{Answer, Base};
use super::failure::{Failure, Kind, Place, Refusal, Why};
use super::join;
use super::judge::{self, Judged};
use super::retry::{Again, Miss, pause};
use super::slots::{NoSlot, Slots};
use super::spec::{Limits, SpecError, UpstreamSpec, is_transport};
use super::standing::Standing;
use crate::telemetry::metrics::{ConnectorOutcome, UpstreamMetrics};

/// One upstream as one connector sees it; see [`super::Egress::upstream`].
pub struct Upstream {
    pub(super) spec: Arc<UpstreamSpec>,
    pub(super) base: Arc<Base>,
    /// Those of all requests, and the credential where it is the same for all.
    pub(super) headers: HeaderMap,
    /// Who signs in, where that is an app.
    pub(super) app: Option<Arc<App>>,
    /// As which of the app's installations.
    pub(super) installation: Option<Arc<Installation>>,
    pub(super) budgets: Arc<Budgets>,
    slots: Arc<Slots>,
    pub(super) standing: Arc<Standing>,
    pub(super) shared: Arc<Shared>,
}

/// An upstream that was given less time than this has not failed by being late.
const FAIR: Duration = Duration::from_millis(250);

impl Upstream {
    pub(super) fn new(
        spec: UpstreamSpec,
        standing: Arc<Standing>,
        shared: Arc<Shared>,
    ) -> Result<Self, SpecError> {
        let mut headers = spec.header_map()?;
        if let Some((name, value)) = spec.credential.fixed()? {
            headers.insert(name, value);
        }
        let base = shared.clients.base(&spec.base);
        Ok(Self {
            base: Arc::new(base.map_err(|_nowhere| SpecError::Scheme)?),
            headers,
            app: matches!(spec.credential, Credential::App(_))
                .then(|| shared.app(&spec.credential)),
            installation: None,
            budgets: Arc::clone(&standing.budgets),
            slots: standing.slots(spec.limits.concurrency),
            standing,
            shared,
            spec: Arc::new(spec),
        })
    }

    /// Whether it is asked as an app, and so for one account at a time: see [`Self::installed`].
    pub fn is_app(&self) -> bool {
        self.app.is_some()
    }

    /// The same upstream, asked as the app is installed for an account: with a token and a budget of its own, and the same breaker and slots.
    ///
    /// `account` is a name, or `#` and the number of the installation; `None` for what can be neither, and for an upstream that is not asked as an app.
    pub fn installed(&self, account: &str) -> Option<Self> {
        let app = self.app.as_ref().filter(|_| app::is_account(account))?;
        // Names of accounts are the same in whatever case.
        let account: Arc<str> = account.to_lowercase().into();
        let budgets = {
            let mut known = self.standing.accounts.lock();
            app::make_room(&mut known);
            let own = known.entry(Arc::clone(&account)).or_insert_with(|| {
                let key: Arc<str> = format!("{}:{account}", self.standing.budgets.key).into();
                self.shared.budgets(&key)
            });
            Arc::clone(own)
        };
        Some(Self {
            spec: Arc::clone(&self.spec),
            base: Arc::clone(&self.base),
            headers: self.headers.clone(),
            installation: Some(app.installation(&account)),
            app: Some(Arc::clone(app)),
            budgets,
            slots: Arc::clone(&self.slots),
            standing: Arc::clone(&self.standing),
            shared: Arc::clone(&self.shared),
        })
    }

    /// Sends a request and waits for its reply, until the call's budget is over.
    ///
    /// Dropped, it gives up: the connection is closed, and slot, probe and budget are free for the next.
    pub async fn send(&self, call: Call) -> Result<Reply, Failure> {
        let span = tracing::info_span!(
            "connector.request",
            connector.name = &*self.spec.connector,
            connector.source = &*self.spec.source,
            connector.instance = &*self.spec.instance,
            connector.template = &*call.template,
            status = tracing::field::Empty,
            attempts = tracing::field::Empty,
        );
        let mut count = Count {
            metrics: &self.standing.metrics,
            started: Instant::now(),
            outcome: ConnectorOutcome::Cancelled,
        };
        let mut attempts = 0;
        let work = self.run(&call, &mut attempts);
        let result = work.instrument(span.clone()).await;
        let elapsed = count.started.elapsed();
        span.record("attempts", attempts);
        match result {
            Ok(answer) => {
                span.record("status", answer.status);
                count.outcome = match answer.status {
                    ..400 => ConnectorOutcome::Ok,
                    400.. => ConnectorOutcome::Rejected,
                };
                Ok(Reply {
                    status: answer.status,
                    headers: answer.headers,
                    body: answer.body,
                    elapsed,
                    attempts,
                })
            }
            Err(kind) => {
                count.outcome = kind.outcome();
                if let Some(status) = kind.status() {
                    span.record("status", status);
                }
                let failure = Failure {
                    place: self.place(call.template),
                    kind,
                    attempts,
                    elapsed,
                };
                span.in_scope(|| self.note(&failure));
                Err(failure)
            }
        }
    }

    /// The part of an absolute or relative link below the base URL, for [`Call::path_and_query`]; a link that leads elsewhere is refused.
    pub fn below(&self, link: &str) -> Result<String, Refusal> {
        join::below(&self.spec.base, link)
    }

    /// The time by which its limits are counted.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub fn connector(&self) -> &Arc<str> {
        &self.spec.connector
    }

    pub fn source(&self) -> &Arc<str> {
        &self.spec.source
    }

    pub fn instance(&self) -> &Arc<str> {
        &self.spec.instance
    }

    pub fn limits(&self) -> &Limits {
        &self.spec.limits
    }

    pub(super) fn place(&self, template: Arc<str>) -> Place {
        Place {
            connector: Arc::clone(&self.spec.connector),
            source: Arc::clone(&self.spec.source),
            instance: Arc::clone(&self.spec.instance),
            template,
        }
    }

    /// Attempt after attempt.
    async fn run(&self, call: &Call, attempts: &mut u32) -> Result<Answer, Kind> {
        let target = join::join(&self.spec.base, &call.path_and_query).map_err(Kind::Refused)?;
        if call.headers.iter().any(|(name, _)| is_transport(name)) {
            return Err(Kind::Refused(Refusal::Header));
        }
        let mut last = None;
        let mut is_refreshed = false;
        loop {
            let before = *attempts;
            let miss = match self.attempt(call, &target, attempts).await {
                Ok(answer) => return Ok(answer),
                Err(miss) => miss,
            };
            if *attempts == before {
                // What we did not send tells less than how the attempt before it ended.
                return Err(last.unwrap_or(miss.kind));
            }
            let is_stale_token = matches!(miss.kind, Kind::Unauthorized { status: Some(401) })
                && matches!(
                    self.spec.credential,
                    Credential::OAuth2 { .. } | Credential::App(_)
                );
            if is_stale_token && !is_refreshed {
                is_refreshed = true;
                last = Some(miss.kind);
                continue;
            }
            let Some(pause) = self.pause(call, miss.again, *attempts) else {
                return Err(miss.kind);
            };
            last = Some(miss.kind);
            tokio::time::sleep(pause).await;
        }
    }

    /// How long to wait before another attempt, if there is to be one.
    fn pause(&self, call: &Call, again: Again, attempts: u32) -> Option<Duration> {
        if !call.idempotent || attempts > self.spec.limits.retries {
            return None;
        }
        let pause = pause(again, attempts, call.budget.left())?;
        (pause <= self.spec.limits.timeout).then_some(pause)
    }

    async fn attempt(&self, call: &Call, target: &str, attempts: &mut u32) -> Result<Answer, Miss> {
        let called = Instant::now();
        let breaker = &self.standing.breaker;
        breaker.peek().map_err(|until| self.open(until))?;
        let slot = self.slots.enter(call.lane, call.budget.deadline).await;
        let _slot = slot.map_err(|no_slot| self.no_slot(no_slot, called))?;
        if call.budget.is_over() {
            return Err(late(called));
        }
        let admission = match breaker.try_admit(self.rules()) {
            Some(admission) => admission,
            None => {
                let waiting = breaker.admit(self.rules());
                let waited = tokio::time::timeout_at(call.budget.deadline, waiting).await;
                waited.map_err(|_elapsed| late(called))?
            }
        };
        let admission = admission.map_err(|until| self.open(until))?;
        let spent = self.spend(call).await?;

        *attempts += 1;
        if *attempts > 1 {
            self.standing.metrics.retry();
        }
        let started = Instant::now();
        let deadline = call.budget.deadline.min(started + self.spec.limits.timeout);
        let answer = match tokio::time::timeout_at(deadline, self.exchange(call, target)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Kind::Timeout {
                after: started.elapsed(),
            }),
        };
        let was_fair = deadline.duration_since(started) >= FAIR.min(self.spec.limits.timeout);
        let Judged {
            verdict,
            pause,
            outcome,
        } = judge::judge(
            answer,
            spent,
            judge::Rules {
                call,
                limits: &self.spec.limits,
                clock: &self.shared.clock,
                was_fair,
            },
        );
        admission.settle(verdict);
        self.tell_changes();
        if let Some((pause, status)) = pause {
            self.publish_pause(pause, status).await;
        }
        outcome
    }

    fn rules(&self) -> Rules {
        Rules {
            errors: self.spec.limits.breaker_errors,
            sleep: self.spec.limits.breaker_sleep,
        }
    }

    pub(super) fn terms(&self, lane: super::Lane) -> Terms {
        Terms {
            lane,
            share: self.spec.share,
            floor: self.spec.limits.budget_floor,
            per_minute: self.spec.limits.per_minute,
        }
    }

    fn open(&self, until: Instant) -> Miss {
        Kind::CircuitOpen {
            retry_at: self.at(until),
        }
        .into()
    }

    fn no_slot(&self, no_slot: NoSlot, called: Instant) -> Miss {
        // The breaker may have opened while others' requests filled the slots.
        if let Err(until) = self.standing.breaker.peek() {
            return self.open(until);
        }
        match no_slot {
            NoSlot::Crowded => Kind::Unavailable(Why::Crowded).into(),
            NoSlot::Late => late(called),
        }
    }

    pub(super) fn denied(&self, denied: Denied) -> Miss {
        match denied {
            Denied::Paused(pause) => Kind::not_now(pause.status, self.at(pause.until)),
            Denied::Exhausted { until } => Kind::BudgetExhausted {
                retry_at: self.at(until),
            },
        }
        .into()
    }

    /// A moment of the process's own time, by the clock on the wall.
    pub(super) fn at(&self, moment: Instant) -> Timestamp {
        let now = self.shared.clock.now();
        let ahead = moment.saturating_duration_since(Instant::now());
        now.checked_add(ahead).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn budgets(&self) -> &Arc<Budgets> {
        &self.budgets
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

/// The caller's time was over before anything was sent.
fn late(called: Instant) -> Miss {
    Kind::Timeout {
        after: called.elapsed(),
    }
    .into()
}

/// Its own names, and nothing secret.
impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("connector", &self.spec.connector)
            .field("source", &self.spec.source)
            .field("instance", &self.spec.instance)
            .finish_non_exhaustive()
    }
}

/// Counts a request once, also one that nobody waits for any more.
struct Count<'a> {
    metrics: &'a UpstreamMetrics,
    started: Instant,
    outcome: ConnectorOutcome,
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.metrics.request(self.outcome, self.started.elapsed());
    }
}
