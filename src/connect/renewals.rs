//! What was served stale is fetched again behind, together with what else was stale at the time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::ask::Ask;
use super::flights::{Tower, Wanted};
use super::graphql::legs::Part;
use super::provide::Extent;
use super::routes::{Args, Fetch};
use super::runtime::{Inner, together};
use super::scope::Scope;
use super::seam::Parent;
use super::view::View;
use crate::cache::{Key, Lead};
use crate::clock::Budget;
use crate::egress::Lane;

/// So long a refresh waits for others that could go with it.
const GATHER: Duration = Duration::from_millis(2);
/// What nobody waits for may take so long.
pub(super) const REFRESH: Duration = Duration::from_secs(30);

/// A value that was served stale, and is to be fetched again.
pub(super) struct Renewal {
    wanted: Wanted,
    lead: Lead,
    scope: Arc<Scope>,
}

impl Inner {
    /// Has a value fetched again behind, if nobody does yet.
    pub(super) fn renew(
        self: &Arc<Self>,
        fetch: &Arc<Fetch>,
        args: &Arc<Args>,
        (ask, parent): (&Arc<Ask>, &Parent),
        part: Option<Part>,
        scope: &Scope,
    ) {
        let Some(lead) = self.cache().renew(&ask.key) else {
            return;
        };
        let renewal = Renewal {
            wanted: Wanted {
                fetch: Arc::clone(fetch),
                args: Arc::clone(args),
                ask: Arc::clone(ask),
                parent: parent.clone(),
                extent: match part {
                    Some(_) => Extent::of(0),
                    None => Extent::of(self.rows_held(fetch, &ask.key)),
                },
                part,
            },
            lead,
            scope: Arc::new(scope.behind(Budget::of(REFRESH))),
        };
        let mut renewals = self.renewals.lock();
        renewals.push(renewal);
        // The first one starts what carries all that come soon after.
        if renewals.len() > 1 {
            return;
        }
        drop(renewals);
        let runtime = Arc::clone(self);
        self.tasks()
            .spawn("live refresh", move |cancel| async move {
                tokio::time::sleep(GATHER).await;
                let renewals = std::mem::take(&mut *runtime.renewals.lock());
                cancel
                    .run_until_cancelled(Box::pin(runtime.refresh(renewals)))
                    .await;
            });
    }

    /// As far as a list was read, it is read again.
    fn rows_held(&self, fetch: &Fetch, key: &Key) -> usize {
        let held = self.cache().get(key).filter(|_| fetch.rows);
        let view = held.and_then(|held| View::new(fetch, &held.entry).ok());
        view.map_or(1, |view| view.len().max(1))
    }

    async fn refresh(&self, renewals: Vec<Renewal>) {
        // What goes together reads one state of the catalog, and is asked for one caller.
        let mut by_fetch: HashMap<(u32, usize, usize), Vec<Renewal>> = HashMap::new();
        for renewal in renewals {
            let fetch = &renewal.wanted.fetch;
            let snapshot = Arc::as_ptr(&renewal.scope.snapshot).addr();
            let caller = match fetch.reads_viewer {
                true => Arc::as_ptr(&renewal.scope).addr(),
                false => 0,
            };
            let together = (together(&renewal.wanted), snapshot, caller);
            by_fetch.entry(together).or_default().push(renewal);
        }
        let flights = by_fetch.into_values().filter_map(|renewals| {
            let scope = renewals.first().map(|first| Arc::clone(&first.scope))?;
            let tower = Tower {
                cache: self.cache().clone(),
                lane: Lane::Poll,
                budget: scope.budget,
                scope,
                air: Arc::clone(&self.air),
            };
            let renewals = renewals.into_iter();
            let renewals = renewals
                .map(|renewal| (renewal.wanted, renewal.lead))
                .collect();
            Some(async move { tower.renew(renewals).await })
        });
        join_all(flights).await;
    }
}
