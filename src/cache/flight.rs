//! One flight per key: whoever comes first leads, and all others follow.
//!
//! A leader that goes away (its request was cancelled) hands over to a follower, who then leads. A leader that fails tells its followers, and nobody else: the next one who asks leads a new flight.
//! Who came after a purge is not given what was asked for before it: for him the flight goes on.
//!
//! Whoever holds [`Lead`]s and [`Follow`]s must work on what he leads without waiting for what he follows first; two batches that wait for each other would wait until their deadlines.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Cache;
use super::entry::{Entry, Failure, Held, Life, Mark, NewEntry};
use super::key::{Key, Same};
use super::purge::Position;
use super::remote::Token;

const SHARDS: usize = 16;

/// The flights of this process.
#[derive(Debug)]
pub(super) struct Flights {
    shards: [Mutex<HashMap<Key, Waiters, Same>>; SHARDS],
}

type Waiters = VecDeque<Waiter>;

#[derive(Debug)]
struct Waiter {
    /// The count of purges when it came.
    epoch: u64,
    sender: oneshot::Sender<Landed>,
}

impl Default for Flights {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

/// What became of asking for a place in a flight.
pub(super) enum Joined {
    /// It landed in the meantime.
    Held(Held),
    Leads,
    Follows(Follow),
}

impl Flights {
    /// `look` is asked once more under the lock: a flight lands in the cache before it is taken off here.
    pub(super) fn join(&self, key: Key, epoch: u64, look: impl FnOnce() -> Option<Held>) -> Joined {
        match self.shard(key).lock().entry(key) {
            Slot::Occupied(mut flight) => Joined::Follows(follow(key, epoch, flight.get_mut())),
            Slot::Vacant(slot) => match look() {
                Some(held) => Joined::Held(held),
                None => {
                    slot.insert(Waiters::new());
                    Joined::Leads
                }
            },
        }
    }

    /// Leads, if nobody does.
    pub(super) fn try_lead(&self, key: Key, look: impl FnOnce() -> bool) -> bool {
        match self.shard(key).lock().entry(key) {
            Slot::Vacant(slot) if look() => {
                slot.insert(Waiters::new());
                true
            }
            _ => false,
        }
    }

    /// A follower of a flight that is known to be in the air.
    pub(super) fn follow(&self, key: Key, epoch: u64) -> Follow {
        let mut shard = self.shard(key).lock();
        follow(key, epoch, shard.entry(key).or_default())
    }

    /// Ends the flight; those who waited.
    fn land(&self, key: Key) -> Waiters {
        self.shard(key).lock().remove(&key).unwrap_or_default()
    }

    /// Those who came while no more than `epoch` was purged; the others go on waiting.
    fn take_before(&self, key: Key, epoch: u64) -> Waiters {
        let mut shard = self.shard(key).lock();
        let Some(waiters) = shard.get_mut(&key) else {
            return Waiters::new();
        };
        let (taken, left) = waiters.drain(..).partition(|waiter| waiter.epoch <= epoch);
        *waiters = left;
        taken
    }

    /// The next one who waits; without one the flight is over.
    fn next(&self, key: Key) -> Option<Waiter> {
        let mut shard = self.shard(key).lock();
        let waiter = shard.get_mut(&key).and_then(VecDeque::pop_front);
        if waiter.is_none() {
            shard.remove(&key);
        }
        waiter
    }

    fn shard(&self, key: Key) -> &Mutex<HashMap<Key, Waiters, Same>> {
        // The low bits place a key in the shard's own map.
        &self.shards[(key.0 >> 64) as usize % SHARDS]
    }
}

fn follow(key: Key, epoch: u64, waiters: &mut Waiters) -> Follow {
    // A key that is waited for again and again without landing should not grow by those who gave up.
    if waiters.len() >= 64 && waiters.len().is_power_of_two() {
        waiters.retain(|waiter| !waiter.sender.is_closed());
    }
    let (sender, landed) = oneshot::channel();
    waiters.push_back(Waiter { epoch, sender });
    Follow { key, landed }
}

/// How a flight ended for a follower.
#[derive(Debug)]
pub enum Landed {
    /// With a value.
    Held(Held),
    /// With the leader's failure.
    Failed(Failure),
    /// Its leader went away: now it is for this one to fetch.
    Lead(Lead),
}

/// Waits for another's flight; a future.
#[derive(Debug)]
pub struct Follow {
    key: Key,
    landed: oneshot::Receiver<Landed>,
}

impl Follow {
    pub fn key(&self) -> Key {
        self.key
    }
}

impl Future for Follow {
    /// `None` only while the process shuts down.
    type Output = Option<Landed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.landed).poll(context).map(Result::ok)
    }
}

/// The duty to fetch one key. Dropped without an answer, it goes to the next follower.
#[derive(Debug)]
pub struct Lead {
    cache: Cache,
    key: Key,
    pub(super) mark: Mark,
    previous: Option<Arc<Entry>>,
    /// Of Redis, against other replicas.
    pub(super) lock: Option<Token>,
    landed: bool,
}

impl Lead {
    pub(super) fn new(cache: &Cache, key: Key) -> Self {
        Self {
            cache: cache.clone(),
            key,
            mark: cache.mark(),
            previous: cache.previous(&key),
            lock: None,
            landed: false,
        }
    }

    pub fn key(&self) -> Key {
        self.key
    }

    /// What is known and may still be used: its validators go with the request, and it stands in if the request fails.
    pub fn previous(&self) -> Option<&Arc<Entry>> {
        self.previous.as_ref()
    }

    /// Keeps the value and gives it to the followers.
    pub fn fill(mut self, new: NewEntry) -> Held {
        let entry = Arc::new(Entry::new(new, self.mark));
        let lock = self.lock.take();
        self.cache.keep(self.key, &entry, lock);
        self.land_with(entry)
    }

    /// Takes over what another replica fetched.
    pub(super) fn adopt(self, new: NewEntry, position: Position) -> Held {
        let entry = self.others(new, position);
        self.cache.keep_here(self.key, &entry);
        self.land_with(entry)
    }

    /// Knows from now on what another replica fetched, which is to be fetched again.
    pub(super) fn stand_by(&mut self, new: NewEntry, position: Position) {
        let entry = self.others(new, position);
        self.cache.keep_here(self.key, &entry);
        self.previous = Some(entry);
    }

    fn others(&self, new: NewEntry, position: Position) -> Arc<Entry> {
        let epoch = self.mark.epoch;
        Arc::new(Entry::new(new, Mark { epoch, position }))
    }

    /// The upstream said that nothing changed (304): what is known has a new life. `None` if nothing is known.
    pub fn renew(self, life: Life) -> Option<Held> {
        let previous = self.previous.clone()?;
        let new = NewEntry {
            life,
            ..previous.parts().clone()
        };
        Some(self.fill(new))
    }

    /// Gives the value to the followers, who asked for the same at the same time, and keeps nothing (`no-store`).
    pub fn share(mut self, new: NewEntry) -> Held {
        let lock = self.lock.take();
        self.cache.forget(&self.key, lock);
        let entry = Arc::new(Entry::new(new, self.mark));
        self.land_with(entry)
    }

    /// Gives the failure to the followers. What is known stays, and if it may be served it is not fetched again for a while.
    ///
    /// A failure that is the leader's own affair, as its deadline, is better dropped than told.
    pub fn fail(mut self, failure: &Failure) {
        if let Some(previous) = &self.previous {
            previous.refresh_failed(self.cache.now());
        }
        self.landed = true;
        self.release();
        for waiter in self.cache.flights().land(self.key) {
            // One who gave up waiting is not told.
            drop(waiter.sender.send(Landed::Failed(Arc::clone(failure))));
        }
    }

    fn land_with(mut self, entry: Arc<Entry>) -> Held {
        self.landed = true;
        let flights = self.cache.flights();
        let overtaken = !self.cache.spared(&entry);
        let waiters = if overtaken {
            flights.take_before(self.key, self.mark.epoch)
        } else {
            flights.land(self.key)
        };
        let held = self.cache.held(entry);
        for waiter in waiters {
            drop(waiter.sender.send(Landed::Held(held.clone())));
        }
        if overtaken {
            self.hand_over();
        }
        held
    }

    /// Lets other replicas fetch.
    fn release(&mut self) {
        if let Some(lock) = self.lock.take() {
            self.cache.let_go(self.key, lock);
        }
    }

    /// To the first who still waits, or to nobody: then the flight is over.
    fn hand_over(&mut self) {
        let Some(mut waiter) = self.cache.flights().next(self.key) else {
            self.release();
            return;
        };
        // A new request will be sent, so the mark is a new one.
        let mut lead = Self::new(&self.cache, self.key);
        lead.lock = self.lock.take();
        loop {
            match waiter.sender.send(Landed::Lead(lead)) {
                Err(Landed::Lead(back)) => lead = back,
                _ => return,
            }
            match self.cache.flights().next(self.key) {
                Some(next) => waiter = next,
                None => {
                    lead.landed = true;
                    lead.release();
                    return;
                }
            }
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.landed {
            self.landed = true;
            self.hand_over();
        }
    }
}
