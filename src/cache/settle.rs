//! What another replica knows, or is about to know: between leading a key and fetching it stands a look into Redis.
//!
//! Each key is looked up together with a lock, in one round trip for a whole batch. A value that may still be told is taken over; whoever gets the lock fetches; who does not waits for the one who has it, for half of his time and at most [`LONGEST_WAIT`], and then fetches himself.

use std::time::Duration;

use tokio::time::Instant;

use super::entry::{Held, NewEntry, State};
use super::flight::Lead;
use super::key::Key;
use super::purge::Position;
use super::remote::{Found, Remote, Token, read_entry};
use super::{Cache, Claim};
use crate::clock::Budget;

/// How long one waits for another replica.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// How often he looks, at first and later.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LATER_LOOK: Duration = Duration::from_millis(100);

/// How long a lock outlives the time of the request that took it, and how long it may be held at all: a replica that dies with it gives it up only then.
const SLACK: Duration = Duration::from_secs(2);
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// What became of a key to fetch.
enum Settled {
    Held(Held),
    /// To be fetched here.
    Lead(Lead),
    /// Another replica is at it.
    Elsewhere(Lead),
}

/// What was found for a key, judged.
enum Verdict {
    /// A value that may be told.
    Taken(NewEntry, Position),
    /// A value that is not better than what is known, or that is worth nothing to anybody (`true`).
    Lock(bool),
    /// No value.
    Found(Found),
}

impl Cache {
    /// For claims: whoever waits for another replica follows.
    pub(super) async fn settle_claims(&self, claims: Vec<Claim>, within: Budget) -> Vec<Claim> {
        let Some(remote) = self.remote() else {
            return claims;
        };
        let mut out: Vec<Option<Claim>> = Vec::with_capacity(claims.len());
        let (mut leads, mut places) = (Vec::new(), Vec::new());
        for (place, claim) in claims.into_iter().enumerate() {
            match claim {
                Claim::Lead(lead) => {
                    leads.push(lead);
                    places.push(place);
                    out.push(None);
                }
                other => out.push(Some(other)),
            }
        }
        let mut waiting = Vec::new();
        let settled = self.consult(remote, leads, within, false).await;
        for (settled, place) in settled.into_iter().zip(places) {
            let claim = match settled {
                Settled::Held(held) => Claim::Held(held),
                Settled::Lead(lead) => Claim::Lead(lead),
                Settled::Elsewhere(lead) => {
                    let follow = self.flights().follow(lead.key(), lead.mark.epoch);
                    waiting.push(lead);
                    Claim::Follow(follow)
                }
            };
            if let Some(slot) = out.get_mut(place) {
                *slot = Some(claim);
            }
        }
        self.wait(waiting, within, false);
        out.into_iter().flatten().collect()
    }

    /// For refreshes behind: what another replica does need not be done here.
    pub(super) async fn settle_leads(&self, leads: Vec<Lead>, within: Budget) -> Vec<Lead> {
        let Some(remote) = self.remote() else {
            return leads;
        };
        let (mut own, mut waiting) = (Vec::new(), Vec::new());
        for settled in self.consult(remote, leads, within, true).await {
            match settled {
                Settled::Held(_) => {}
                Settled::Lead(lead) => own.push(lead),
                Settled::Elsewhere(lead) => waiting.push(lead),
            }
        }
        self.wait(waiting, within, true);
        own
    }

    /// Looks until the other replica is done, or it takes too long; then the next follower leads, if there is one.
    fn wait(&self, leads: Vec<Lead>, within: Budget, refresh: bool) {
        if leads.is_empty() {
            return;
        }
        let cache = self.clone();
        self.tasks().spawn("cache.wait", async move |cancel| {
            let end = Instant::now() + (within.left() / 2).min(LONGEST_WAIT);
            let mut pause = FIRST_LOOK;
            let mut leads = leads;
            while !leads.is_empty() && Instant::now() < end {
                let slept = cancel.run_until_cancelled(tokio::time::sleep(pause)).await;
                let Some((remote, ())) = cache.remote().zip(slept) else {
                    return;
                };
                pause = (pause * 3 / 2).min(LATER_LOOK);
                let settled = cache.consult(remote, leads, within, refresh).await;
                let elsewhere = settled.into_iter().filter_map(|settled| match settled {
                    Settled::Elsewhere(lead) => Some(lead),
                    // Dropped, a lead goes to the next follower together with its lock.
                    Settled::Held(_) | Settled::Lead(_) => None,
                });
                leads = elsewhere.collect();
            }
        });
    }

    /// The answers stand in the order of the leads.
    async fn consult(
        &self,
        remote: &Remote,
        leads: Vec<Lead>,
        within: Budget,
        refresh: bool,
    ) -> Vec<Settled> {
        let keys: Vec<Key> = leads.iter().map(Lead::key).collect();
        if keys.is_empty() || !remote.is_up() {
            return leads.into_iter().map(Settled::Lead).collect();
        }
        let end = remote.patience().min(within.deadline);
        let hold = (within.left() + SLACK).min(LONGEST_HOLD);
        let token = self.token();
        let Some(found) = remote.look_up(&keys, token, hold, end).await else {
            return leads.into_iter().map(Settled::Lead).collect();
        };
        let judged: Vec<(Lead, Verdict)> = leads
            .into_iter()
            .zip(found)
            .map(|(mut lead, found)| {
                let verdict = match found {
                    Found::Value(bytes) => self.judge(&mut lead, &bytes, refresh),
                    other => Verdict::Found(other),
                };
                (lead, verdict)
            })
            .collect();
        let to_lock = judged.iter().filter_map(|(lead, verdict)| match verdict {
            Verdict::Lock(remove) => Some((lead.key(), *remove)),
            _ => None,
        });
        let to_lock: Vec<(Key, bool)> = to_lock.collect();
        let locked = if to_lock.is_empty() {
            None
        } else {
            remote.lock(&to_lock, token, hold, end).await
        };
        let mut locked = locked.into_iter().flatten();
        let settle = |(lead, verdict): (Lead, Verdict)| match verdict {
            Verdict::Taken(new, position) => {
                self.count_shared();
                Settled::Held(lead.adopt(new, position))
            }
            Verdict::Lock(_) => settle(lead, &locked.next().unwrap_or(Found::NoLock), token),
            Verdict::Found(found) => settle(lead, &found, token),
        };
        judged.into_iter().map(settle).collect()
    }

    fn judge(&self, lead: &mut Lead, bytes: &[u8], refresh: bool) -> Verdict {
        let Some((mut new, position)) = read_entry(bytes) else {
            return Verdict::Lock(true);
        };
        let now = self.now();
        // The clock of another replica may be ahead of ours.
        new.life = new.life.not_after(now);
        let state = new.life.state(now);
        let (Some(state), true) = (state, self.spared_shared(&new.tags, position)) else {
            return Verdict::Lock(true);
        };
        let newer = lead
            .previous()
            .is_none_or(|known| known.life().fetched_at < new.life.fetched_at);
        if state == State::Fresh || (state == State::Stale && newer && !refresh) {
            return Verdict::Taken(new, position);
        }
        if newer {
            lead.stand_by(new, position);
        }
        Verdict::Lock(false)
    }
}

fn settle(mut lead: Lead, found: &Found, token: Token) -> Settled {
    match found {
        Found::Locked => {
            lead.lock = Some(token);
            Settled::Lead(lead)
        }
        Found::Elsewhere => Settled::Elsewhere(lead),
        Found::NoLock | Found::Value(_) => Settled::Lead(lead),
    }
}
