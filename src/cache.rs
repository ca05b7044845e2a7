//! What upstreams said, kept in memory and in Redis. Home of `moka` and `redis`.
//!
//! Fresh, stale, negative entries; one flight per key; tags that are purged on every replica.
//! What it is not: it asks no upstream and knows no field.
//!
//! How it is used: [`Cache::get`] for what is at hand; [`Cache::claim`] for the keys that are not, which says for each whether it is held by now, is to be fetched ([`Lead`]) or is fetched by somebody else ([`Follow`]).
//! What was served stale is fetched again behind: [`Cache::renew`] says by whom, and his task begins with [`Cache::settle`].

mod entry;
mod flight;
mod key;
mod memory;
mod purge;
mod weight;

use std::sync::Arc;

use jiff::Timestamp;

use self::flight::{Flights, Joined};
use self::memory::Memory;
use self::purge::Purges;
use crate::clock::{Budget, Clock};
use crate::tasks::Tasks;

pub use entry::{Content, Entry, Failure, Held, Life, Mark, NewEntry, State, Terms};
pub use flight::{Follow, Landed, Lead};
pub use key::{Key, Prefix, Tag};

/// What a cache is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of entries in this process.
    pub memory: u64,
}

/// Both tiers; clones share them.
#[derive(Clone, Debug)]
pub struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    memory: Memory,
    purges: Purges,
    flights: Flights,
}

/// What was found for a key of a [`Cache::claim`].
#[derive(Debug)]
pub enum Claim {
    /// Fresh or stale.
    Held(Held),
    /// To be fetched by the one who asked.
    Lead(Lead),
    /// Fetched by somebody else.
    Follow(Follow),
}

/// What the first tier holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub entries: u64,
    pub bytes: u64,
    /// Since the start, for want of space.
    pub evicted: u64,
}

impl Cache {
    /// Never fails: without Redis the cache is this process's own.
    pub async fn open(settings: Settings, clock: Clock, _tasks: &Tasks) -> Self {
        Self(Arc::new(Inner {
            clock,
            memory: Memory::new(settings.memory),
            purges: Purges::default(),
            flights: Flights::default(),
        }))
    }

    /// What this process holds: fresh, stale, or of use only if the upstream fails. Waits for nothing and allocates nothing.
    pub fn get(&self, key: &Key) -> Option<Held> {
        self.get_at(key, self.now())
    }

    /// The same for many keys of one moment, so that the clock is read once.
    pub fn get_at(&self, key: &Key, now: Timestamp) -> Option<Held> {
        let entry = self.0.memory.get(key)?;
        let state = entry.life().state(now)?;
        // One that is dead stays where it is: taking it away could hit the one that was put there since.
        self.0.purges.spare(&entry).then_some(Held { entry, state })
    }

    /// Finds for each key what is held, or makes the caller lead or follow; the answers stand in the order of the keys.
    ///
    /// What is stale is held; [`Cache::renew`] says who fetches it again. A key that is given twice follows itself, so give it once.
    pub async fn claim(&self, keys: &[Key], _within: Budget) -> Vec<Claim> {
        let now = self.now();
        keys.iter().map(|key| self.join(*key, now)).collect()
    }

    /// Makes the caller fetch again what he was served stale, if nobody does yet and it did not just fail. To be called for every stale answer; costs little.
    pub fn renew(&self, key: &Key) -> Option<Lead> {
        let now = self.now();
        let due = || match self.get_at(key, now) {
            Some(held) => held.state != State::Fresh && held.entry.may_refresh(now),
            None => true,
        };
        (due() && self.0.flights.try_lead(*key, due)).then(|| Lead::new(self, *key))
    }

    /// Which of the keys that were taken over with [`renew`](Cache::renew) are still to be fetched: another replica may have done it, or be at it.
    pub async fn settle(&self, leads: Vec<Lead>, _within: Budget) -> Vec<Lead> {
        leads
    }

    /// To be taken before a request is sent whose answer is [`put`](Cache::put), so that a purge in between counts.
    pub fn mark(&self) -> Mark {
        self.0.purges.mark()
    }

    /// Keeps what came without being asked for, as the other rows of a list.
    pub fn put(&self, key: Key, mark: Mark, new: NewEntry) -> Held {
        let entry = Arc::new(Entry::new(new, mark));
        self.keep(key, &entry);
        self.held(entry)
    }

    /// From now on nothing is served that carries one of the tags and was asked for before, on no replica.
    pub async fn purge(&self, tags: &[Tag]) {
        if !tags.is_empty() {
            self.0.purges.purge(tags);
        }
    }

    /// The same for everything.
    pub async fn purge_all(&self) {
        self.0.purges.purge_all();
    }

    /// What is in memory at the moment.
    pub fn figures(&self) -> Figures {
        let memory = &self.0.memory;
        memory.settle();
        Figures {
            entries: memory.len(),
            bytes: memory.bytes(),
            evicted: memory.evicted(),
        }
    }

    /// The time by which lives are counted.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn join(&self, key: Key, now: Timestamp) -> Claim {
        let look = || {
            let held = self.get_at(&key, now)?;
            (held.state != State::Expired).then_some(held)
        };
        if let Some(held) = look() {
            return Claim::Held(held);
        }
        match self.0.flights.join(key, self.mark().epoch, look) {
            Joined::Held(held) => Claim::Held(held),
            Joined::Leads => Claim::Lead(Lead::new(self, key)),
            Joined::Follows(follow) => Claim::Follow(follow),
        }
    }

    fn keep(&self, key: Key, entry: &Arc<Entry>) {
        self.0.memory.put(key, Arc::clone(entry));
    }

    fn forget(&self, key: &Key) {
        self.0.memory.remove(key);
    }

    /// What may still be used of a key that has to be fetched.
    fn previous(&self, key: &Key) -> Option<Arc<Entry>> {
        self.get(key).map(|held| held.entry)
    }

    /// What was just fetched is served to those who waited for it, also when its life is over by now.
    fn held(&self, entry: Arc<Entry>) -> Held {
        let state = entry.life().state(self.now()).unwrap_or(State::Fresh);
        Held { entry, state }
    }

    fn spared(&self, entry: &Entry) -> bool {
        self.0.purges.spare(entry)
    }

    fn flights(&self) -> &Flights {
        &self.0.flights
    }
}
