//! The steps of a budget that replicas take together, on top of what each counts for itself.
//!
//! A request a minute is taken from the ledger as well; a pause is published, and looked for once a second.
//! While the ledger is down each replica counts alone, and the upstream's own refusals bound what that may cost.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::budget::{Denied, Spent};
use super::call::Call;
use super::retry::Miss;
use super::upstream::Upstream;

const MINUTE: i64 = 60;
/// A counter outlives its minute, as clocks differ.
const COUNTED: Duration = Duration::from_secs(120);
/// A window that ends within this is waited for.
const NEAR: Duration = Duration::from_secs(2);

impl Upstream {
    /// Takes a request out of the budget, or says why not.
    ///
    /// The end of a window that is near is waited for, if the call has that long: many upstreams count by the second.
    pub(super) async fn spend(&self, call: &Call) -> Result<Spent, Miss> {
        loop {
            let denied = match self.take(call).await {
                Ok(spent) => return Ok(spent),
                Err(denied) => denied,
            };
            match denied {
                Denied::Exhausted { until }
                    if until <= Instant::now() + NEAR && until < call.budget.deadline =>
                {
                    sleep_until(until).await
                }
                _ => return Err(self.denied(denied)),
            }
        }
    }

    async fn take(&self, call: &Call) -> Result<Spent, Denied> {
        self.hear_pause().await;
        let terms = self.terms(call.lane);
        let spent =
            self.budgets()
                .take(terms, call.resource.as_ref(), &call.template, call.cost)?;
        let (Some(ledger), Some(ceiling)) = (&self.shared().ledger, terms.ceiling()) else {
            return Ok(spent);
        };
        let second = self.shared().clock.now().as_second();
        let key = format!("minute:{}:{}", self.budgets().key, second / MINUTE);
        // A ledger that is down leaves what was counted here.
        if let Ok(None) = ledger.take(&key, ceiling, COUNTED).await {
            spent.give_back();
            let left = MINUTE - second.rem_euclid(MINUTE);
            let until = Instant::now() + Duration::from_secs(left.unsigned_abs());
            return Err(Denied::Exhausted { until });
        }
        Ok(spent)
    }

    /// Takes over a pause that another replica was told of.
    async fn hear_pause(&self) {
        let Some(ledger) = &self.shared().ledger else {
            return;
        };
        if !self.budgets().is_time_to_hear() {
            return;
        }
        let Ok(Some(note)) = ledger.noted(&self.pause_key()).await else {
            return;
        };
        let Some((until, status)) = note.split_once(' ') else {
            return;
        };
        let (Ok(until), Ok(status)) = (until.parse::<i64>(), status.parse()) else {
            return;
        };
        let left = until.saturating_sub(self.shared().clock.now().as_millisecond());
        if let Ok(left) = u64::try_from(left) {
            self.budgets()
                .pause(Some(Duration::from_millis(left)), status);
        }
    }

    /// Tells the other replicas of a pause.
    pub(super) async fn publish_pause(&self, pause: Duration, status: u16) {
        let Some(ledger) = &self.shared().ledger else {
            return;
        };
        let now = self.shared().clock.now();
        let until = now.checked_add(pause).unwrap_or(now).as_millisecond();
        let note = format!("{until} {status}");
        if ledger.note(&self.pause_key(), &note, pause).await.is_err() {
            tracing::debug!("a pause could not be told to the other replicas");
        }
    }

    fn pause_key(&self) -> String {
        format!("pause:{}", self.budgets().key)
    }
}
