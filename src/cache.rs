//! What upstreams said, kept in memory and in Redis. Home of `redis`.
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
mod remote;
mod replicas;
mod settle;
mod shared;
mod weight;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use self::flight::{Flights, Joined};
use self::memory::Memory;
use self::purge::Purges;
use self::remote::{Remote, Token};
use self::replicas::Told;
use crate::clock::{Budget, Clock};
use crate::config::{CacheConfig, RedisConfig};
use crate::tasks::Tasks;
use crate::telemetry::metrics::{CacheMetrics, CacheOutcome};

pub use entry::{Content, Entry, Failure, Held, Life, Mark, NewEntry, State, Terms};
pub use flight::{Follow, Landed, Lead};
pub use key::{ByKey, Key, Prefix, Tag};
pub use remote::PATIENCE;
pub use settle::LONGEST_WAIT;
pub use shared::NothingShared;

/// How long a start waits for Redis, so that the first requests find what other replicas know.
const START: Duration = Duration::from_secs(1);

/// What a cache is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of entries in this process.
    pub memory: u64,
    /// What replicas have in common.
    pub redis: Option<RedisConfig>,
    /// How long somebody may wait for Redis; mostly [`PATIENCE`].
    pub patience: Duration,
}

impl From<&CacheConfig> for Settings {
    fn from(config: &CacheConfig) -> Self {
        Self {
            memory: config.memory,
            redis: config.redis.clone(),
            patience: config.redis_patience,
        }
    }
}

/// Both tiers; clones share them.
#[derive(Clone, Debug)]
pub struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    tasks: Tasks,
    metrics: CacheMetrics,
    memory: Memory,
    purges: Arc<Purges>,
    flights: Flights,
    remote: Option<Remote>,
    told: Arc<Told>,
    /// Tells this process from others; locks are numbered from here.
    origin: Token,
    locks: AtomicU64,
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
    /// Never fails: without Redis the cache is this process's own. Waits a second at most for a Redis that is away.
    pub async fn open(
        settings: Settings,
        clock: Clock,
        metrics: CacheMetrics,
        tasks: &Tasks,
    ) -> Self {
        let random = RandomState::new();
        let half = |which: u8| u128::from(random.hash_one(which));
        let origin = half(0) << 64 | half(1);
        let purges = Arc::new(Purges::default());
        let told = Arc::new(Told::new(origin));
        let remote = settings.redis.map(|config| {
            let (clock, metrics) = (clock.clone(), metrics.clone());
            let remote = Remote::start(config, settings.patience, clock, metrics, tasks);
            let (follower, purges, told) = (remote.clone(), Arc::clone(&purges), Arc::clone(&told));
            tasks.spawn("cache.purges", async move |cancel| {
                replicas::follow(follower, purges, told, cancel).await;
            });
            remote
        });
        if let Some(remote) = &remote {
            remote.ready_within(START).await;
        }
        Self(Arc::new(Inner {
            clock,
            tasks: tasks.clone(),
            memory: Memory::new(settings.memory, metrics.clone()),
            metrics,
            purges,
            flights: Flights::default(),
            remote,
            told,
            origin,
            locks: AtomicU64::new(0),
        }))
    }

    /// What this process holds: fresh, stale, or of use only if the upstream fails. Waits for nothing and allocates nothing.
    pub fn get(&self, key: &Key) -> Option<Held> {
        self.get_at(key, self.now())
    }

    /// The same for many keys of one moment, so that the clock is read once.
    pub fn get_at(&self, key: &Key, now: Timestamp) -> Option<Held> {
        let held = self.find(key, now)?;
        self.0.metrics.read(match held.state {
            State::Fresh => CacheOutcome::Fresh,
            State::Stale => CacheOutcome::Stale,
            State::Expired => CacheOutcome::Expired,
        });
        Some(held)
    }

    fn find(&self, key: &Key, now: Timestamp) -> Option<Held> {
        let entry = self.0.memory.get(key)?;
        let state = entry.life().state(now)?;
        // One that is dead stays where it is: taking it away could hit the one that was put there since.
        self.0.purges.spare(&entry).then_some(Held { entry, state })
    }

    /// Finds for each key what is held, or makes the caller lead or follow; the answers stand in the order of the keys.
    ///
    /// What is stale is held; [`Cache::renew`] says who fetches it again. A key that is given twice follows itself, so give it once.
    pub async fn claim(&self, keys: &[Key], within: Budget) -> Vec<Claim> {
        let now = self.now();
        let claims = keys.iter().map(|key| self.join(*key, now)).collect();
        let claims = self.settle_claims(claims, within).await;
        for claim in &claims {
            match claim {
                Claim::Held(_) => {}
                Claim::Lead(_) => self.0.metrics.read(CacheOutcome::Missed),
                Claim::Follow(_) => self.0.metrics.read(CacheOutcome::Followed),
            }
        }
        claims
    }

    /// Makes the caller fetch again what he was served stale, if nobody does yet and it did not just fail. To be called for every stale answer; costs little.
    pub fn renew(&self, key: &Key) -> Option<Lead> {
        let now = self.now();
        let due = || match self.find(key, now) {
            Some(held) => held.state != State::Fresh && held.entry.may_refresh(now),
            None => true,
        };
        (due() && self.0.flights.try_lead(*key, due)).then(|| Lead::new(self, *key))
    }

    /// Which of the keys that were taken over with [`renew`](Cache::renew) are still to be fetched: another replica may have done it, or be at it.
    pub async fn settle(&self, leads: Vec<Lead>, within: Budget) -> Vec<Lead> {
        self.settle_leads(leads, within).await
    }

    /// To be taken before a request is sent whose answer is [`put`](Cache::put), so that a purge in between counts.
    pub fn mark(&self) -> Mark {
        self.0.purges.mark()
    }

    /// Keeps what came without being asked for, as the other rows of a list.
    pub fn put(&self, key: Key, mark: Mark, new: NewEntry) -> Held {
        let entry = Arc::new(Entry::new(new, mark));
        self.keep(key, &entry, None);
        self.held(entry)
    }

    /// From now on nothing is served that carries one of the tags and was asked for before: here at once, by the other replicas as soon as Redis tells them.
    ///
    /// Takes at most [`PATIENCE`]; while Redis is away they are told when it is back.
    pub async fn purge(&self, tags: &[Tag]) {
        if !tags.is_empty() {
            self.0.purges.purge(tags);
            self.tell(tags).await;
        }
    }

    /// The same for everything.
    pub async fn purge_all(&self) {
        self.0.purges.purge_all();
        self.tell(&[]).await;
    }

    async fn tell(&self, tags: &[Tag]) {
        if let Some(remote) = &self.0.remote {
            self.0.told.add(tags);
            self.0.told.write(remote).await;
        }
    }

    /// To be called for an entry of which something was [made](Entry::made): it counts in the bound then. Costs nothing where nothing is new.
    pub fn count(&self, key: &Key, entry: &Arc<Entry>) {
        if !entry.is_counted() {
            self.0.memory.count(key, entry);
        }
    }

    /// What is in memory at the moment.
    pub fn figures(&self) -> Figures {
        let memory = &self.0.memory;
        Figures {
            entries: memory.len() as u64,
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
            let held = self.find(&key, now)?;
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

    fn keep(&self, key: Key, entry: &Arc<Entry>, lock: Option<Token>) {
        self.keep_here(key, entry);
        if let Some(remote) = &self.0.remote {
            remote.keep_entry(key, Arc::clone(entry), lock);
        }
    }

    fn keep_here(&self, key: Key, entry: &Arc<Entry>) {
        self.0.memory.put(key, Arc::clone(entry));
    }

    fn forget(&self, key: &Key, lock: Option<Token>) {
        self.0.memory.remove(key);
        if let Some(remote) = &self.0.remote {
            remote.let_go(*key, lock, true);
        }
    }

    fn let_go(&self, key: Key, lock: Token) {
        if let Some(remote) = &self.0.remote {
            remote.let_go(key, Some(lock), false);
        }
    }

    /// What may still be used of a key that has to be fetched.
    fn previous(&self, key: &Key) -> Option<Arc<Entry>> {
        self.find(key, self.now()).map(|held| held.entry)
    }

    /// What was just fetched is served to those who waited for it, also when its life is over by now.
    fn held(&self, entry: Arc<Entry>) -> Held {
        let state = entry.life().state(self.now()).unwrap_or(State::Fresh);
        Held { entry, state }
    }

    fn spared(&self, entry: &Entry) -> bool {
        self.0.purges.spare(entry)
    }

    fn spared_shared(&self, tags: &[Tag], since: purge::Position) -> bool {
        self.0.purges.spare_shared(tags, since)
    }

    fn count_shared(&self) {
        self.0.metrics.read(CacheOutcome::Shared);
    }

    fn flights(&self) -> &Flights {
        &self.0.flights
    }

    fn remote(&self) -> Option<&Remote> {
        self.0.remote.as_ref()
    }

    fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// For a lock that nobody else has.
    fn token(&self) -> Token {
        let number = self.0.locks.fetch_add(1, Ordering::Relaxed);
        self.0.origin.wrapping_add(u128::from(number))
    }
}
