//! One entry: what an upstream said for one key, and how long that may be told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;
use serde_json::Value;
use smallvec::SmallVec;

use super::key::Tag;
use super::purge::Position;
use super::weight;

/// Why a fetch failed; whoever leads a flight decides what it is, and its followers downcast it.
pub type Failure = Arc<dyn std::error::Error + Send + Sync>;

/// What an upstream said.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Its JSON for this key, parsed once.
    Json(Value),
    /// That there is nothing, with the status that said so.
    Absent { status: u16 },
}

/// An entry as the one who fetched it makes it.
#[derive(Clone, Debug)]
pub struct NewEntry {
    pub content: Content,
    pub life: Life,
    /// As the upstream sent it, to ask whether it changed.
    pub etag: Option<Box<str>>,
    /// The same by time.
    pub last_modified: Option<Box<str>>,
    /// What it is purged by.
    pub tags: Box<[Tag]>,
}

impl NewEntry {
    /// Without validators and tags.
    pub fn new(content: Content, life: Life) -> Self {
        Self {
            content,
            life,
            etag: None,
            last_modified: None,
            tags: Box::default(),
        }
    }
}

/// When a value was fetched, and until when it is what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub fetched_at: Timestamp,
    /// Until then it is served as it is.
    pub fresh_until: Timestamp,
    /// Until then it is served while it is fetched again.
    pub stale_until: Timestamp,
    /// Until then it stands in where fetching it again fails.
    pub usable_until: Timestamp,
}

/// How long a value may be told, counted from when it was fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub fresh: Duration,
    /// Behind `fresh`: served while it is fetched again.
    pub stale: Duration,
    /// Behind `stale`: served if it cannot be fetched.
    pub on_failure: Duration,
    /// It is not true any more from then on, whatever the durations say.
    pub until: Option<Timestamp>,
}

impl Life {
    /// The life of what is fetched now.
    pub fn new(fetched_at: Timestamp, terms: Terms) -> Self {
        let bounded = |end: Timestamp| terms.until.map_or(end, |until| end.min(until));
        let fresh_until = later(fetched_at, terms.fresh);
        let stale_until = later(fresh_until, terms.stale);
        let usable_until = later(stale_until, terms.on_failure);
        Self {
            fetched_at,
            fresh_until: bounded(fresh_until),
            stale_until: bounded(stale_until),
            usable_until: bounded(usable_until),
        }
    }

    /// The same, if it was fetched later than `now`, begun now.
    pub(super) fn not_after(self, now: Timestamp) -> Self {
        let ahead = self.fetched_at.duration_since(now);
        if !ahead.is_positive() {
            return self;
        }
        let earlier = |time: Timestamp| time.checked_sub(ahead).unwrap_or(now);
        Self {
            fetched_at: now,
            fresh_until: earlier(self.fresh_until),
            stale_until: earlier(self.stale_until),
            usable_until: earlier(self.usable_until),
        }
    }

    /// What it is at a time; `None` when it is over.
    pub fn state(&self, now: Timestamp) -> Option<State> {
        if now < self.fresh_until {
            Some(State::Fresh)
        } else if now < self.stale_until {
            Some(State::Stale)
        } else if now < self.usable_until {
            Some(State::Expired)
        } else {
            None
        }
    }
}

fn later(start: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| start.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// How an entry may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Fresh,
    /// Serve it now, and fetch it again behind ([`super::Cache::renew`]).
    Stale,
    /// Only if fetching it fails.
    Expired,
}

/// An entry that may be used.
#[derive(Clone, Debug)]
pub struct Held {
    pub entry: Arc<Entry>,
    pub state: State,
}

/// From when on purges count for an entry: before the request that made it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Counted in this process.
    pub(super) epoch: u64,
    /// Counted by all replicas.
    pub(super) position: Position,
}

/// What is kept for one key; shared, never changed.
#[derive(Debug)]
pub struct Entry {
    new: NewEntry,
    pub(super) mark: Mark,
    bytes: u32,
    /// The last purge that was looked at for this entry.
    pub(super) checked: AtomicU64,
    /// Microseconds: no refresh behind before then.
    pause: AtomicI64,
    failures: AtomicU32,
    /// What was made of the JSON, by what made it.
    made: RwLock<SmallVec<[Made; 1]>>,
    /// What that takes, and how much of it the bound of the cache knows.
    made_bytes: AtomicU32,
    counted: AtomicU32,
}

type Made = ((u64, u64), Arc<Value>);

/// More is not remembered beside an entry: it is made again.
const MOST_MADE: usize = 16;

/// After a refresh behind failed: twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Entry {
    pub(super) fn new(new: NewEntry, mark: Mark) -> Self {
        let bytes = weight::of(&new).saturating_add(size_of::<Self>());
        Self {
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            checked: AtomicU64::new(mark.epoch),
            pause: AtomicI64::new(i64::MIN),
            failures: AtomicU32::new(0),
            made: RwLock::default(),
            made_bytes: AtomicU32::new(0),
            counted: AtomicU32::new(0),
            new,
            mark,
        }
    }

    /// One that is not kept: what is left of another where a part could not be fetched.
    pub fn apart(new: NewEntry, mark: Mark) -> Self {
        Self::new(new, mark)
    }

    pub fn content(&self) -> &Content {
        &self.new.content
    }

    /// The JSON; `None` for an entry that says that there is nothing.
    pub fn json(&self) -> Option<&Value> {
        match &self.new.content {
            Content::Json(value) => Some(value),
            Content::Absent { .. } => None,
        }
    }

    /// Something made of the JSON, which goes with the entry; `which` names what makes it.
    ///
    /// It counts in [`bytes`](Self::bytes) once [`Cache::count`](super::Cache::count) was told.
    pub fn made(&self, which: (u64, u64), make: impl FnOnce() -> Value) -> Arc<Value> {
        let known = |made: &[Made]| {
            let mut made = made.iter();
            made.find(|(own, _)| *own == which)
                .map(|(_, value)| Arc::clone(value))
        };
        if let Some(value) = known(&self.made.read()) {
            return value;
        }
        let value = Arc::new(make());
        let mut made = self.made.write();
        if made.len() < MOST_MADE && known(&made).is_none() {
            let bytes = u32::try_from(weight::made(&value)).unwrap_or(u32::MAX);
            self.made_bytes.fetch_add(bytes, Ordering::Relaxed);
            made.push((which, Arc::clone(&value)));
        }
        value
    }

    pub fn life(&self) -> &Life {
        &self.new.life
    }

    pub fn etag(&self) -> Option<&str> {
        self.new.etag.as_deref()
    }

    pub fn last_modified(&self) -> Option<&str> {
        self.new.last_modified.as_deref()
    }

    pub fn tags(&self) -> &[Tag] {
        &self.new.tags
    }

    /// What it takes in memory, allocations and bookkeeping included.
    pub fn bytes(&self) -> u32 {
        let counted = self.counted.load(Ordering::Relaxed);
        self.bytes.saturating_add(counted)
    }

    /// Whether all that was made of it is in [`bytes`](Self::bytes).
    pub(super) fn is_counted(&self) -> bool {
        self.made_bytes.load(Ordering::Relaxed) == self.counted.load(Ordering::Relaxed)
    }

    /// From now on it is. Whoever holds a bound by [`bytes`](Self::bytes) must not look meanwhile.
    pub(super) fn count(&self) {
        let made = self.made_bytes.load(Ordering::Relaxed);
        self.counted.store(made, Ordering::Relaxed);
    }

    pub(super) fn parts(&self) -> &NewEntry {
        &self.new
    }

    pub(super) fn may_refresh(&self, now: Timestamp) -> bool {
        self.pause.load(Ordering::Relaxed) <= now.as_microsecond()
    }

    pub(super) fn refresh_failed(&self, now: Timestamp) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(16);
        let pause = FIRST_PAUSE.saturating_mul(1 << failures).min(LONGEST_PAUSE);
        let end = later(now, pause).as_microsecond();
        self.pause.store(end, Ordering::Relaxed);
    }
}
