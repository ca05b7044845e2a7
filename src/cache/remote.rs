//! The second tier: what replicas have in common, in Redis or Valkey.
//!
//! Redis is a help and never a condition. Every question to it that somebody waits for has some patience ([`PATIENCE`]), all round trips of one claim together; one that is not answered in time, or answered by an error that concerns the server and not the key, makes it count as away.
//! While it is away nobody asks it: a task connects again in the background, and it is back once it answers in time.
//! So a Redis that stops, hangs, restarts or turns to nonsense costs those who happen to be asking at that moment that much once, and nobody else anything.
//! One that is full is still read; it is asked every [`FULL_PAUSE`] whether it takes values again.

mod link;
mod script;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::link::Link;
use self::script::Scripts;
pub(super) use self::script::Token;
use super::entry::{Entry, NewEntry};
use super::key::{Key, Tag};
use super::purge::Position;
use crate::clock::Clock;
use crate::config::RedisConfig;
use crate::tasks::Tasks;
use crate::telemetry::metrics::CacheMetrics;

/// How long somebody may wait for Redis, once, unless the configuration says otherwise.
pub const PATIENCE: Duration = Duration::from_millis(50);

/// The same for what nobody waits for.
const WRITE_PATIENCE: Duration = Duration::from_secs(1);

/// Between attempts to connect: twice as long each time, also for a server that went away soon after it came.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const CALM: Duration = Duration::from_secs(10);

const FULL_PAUSE: Duration = Duration::from_secs(1);

/// How many writes wait at most; what comes while so many wait is not shared.
const WRITES: usize = 1_024;
const WRITES_AT_ONCE: usize = 64;

/// Redis as the cache sees it; clones share it.
#[derive(Clone)]
pub(super) struct Remote(Arc<Shared>);

struct Shared {
    config: RedisConfig,
    patience: Duration,
    clock: Clock,
    metrics: CacheMetrics,
    up: RwLock<Option<Up>>,
    generation: AtomicU64,
    lost: Notify,
    /// Whether the log of purges is followed: without it, what Redis holds cannot be judged.
    follows: AtomicBool,
    /// Told when both are so for the first time.
    ready: watch::Sender<bool>,
    writes: mpsc::Sender<Write>,
    full_until: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Up {
    link: Link,
    scripts: Scripts,
    generation: u64,
}

/// What looking up a key, or locking it, gave.
pub(super) enum Found {
    Value(Vec<u8>),
    /// The lock is ours.
    Locked,
    /// The lock is another replica's.
    Elsewhere,
    /// There is none to be had.
    NoLock,
}

enum Write {
    Keep(Key, Arc<Entry>, Option<Token>),
    LetGo(Key, Option<Token>, /* the value too */ bool),
}

impl Remote {
    /// Starts the tasks that keep it.
    pub(super) fn start(
        config: RedisConfig,
        patience: Duration,
        clock: Clock,
        metrics: CacheMetrics,
        tasks: &Tasks,
    ) -> Self {
        let (writes, receiver) = mpsc::channel(WRITES);
        let remote = Self(Arc::new(Shared {
            config,
            patience,
            clock,
            metrics,
            up: RwLock::new(None),
            generation: AtomicU64::new(0),
            lost: Notify::new(),
            follows: AtomicBool::new(false),
            ready: watch::Sender::new(false),
            writes,
            full_until: Mutex::new(None),
        }));
        let keeper = remote.clone();
        tasks.spawn("cache.redis", async move |cancel| keeper.keep(cancel).await);
        let writer = remote.clone();
        tasks.spawn("cache.write", async move |cancel| {
            writer.write(receiver, cancel).await;
        });
        remote
    }

    /// Waits until it can be asked, at most so long.
    pub(super) async fn ready_within(&self, time: Duration) {
        let mut ready = self.0.ready.subscribe();
        // Not to be ready is no error: it will be, or the cache goes on without.
        drop(tokio::time::timeout(time, ready.wait_for(|ready| *ready)).await);
    }

    /// Whether it is worth asking.
    pub(super) fn is_up(&self) -> bool {
        self.0.follows.load(Ordering::Acquire) && self.0.up.read().is_some()
    }

    /// Whether it is connected, whatever else is missing.
    pub(super) fn is_linked(&self) -> bool {
        self.0.up.read().is_some()
    }

    /// What it was before.
    pub(super) fn set_follows(&self, follows: bool) -> bool {
        let before = self.0.follows.swap(follows, Ordering::AcqRel);
        self.0.ready.send_if_modified(|ready| {
            let is = !*ready && self.is_up();
            *ready |= is;
            is
        });
        before
    }

    /// When whoever asks now has waited long enough.
    pub(super) fn patience(&self) -> Instant {
        Instant::now() + self.0.patience
    }

    /// How long somebody waits for it.
    pub(super) fn patience_of(&self) -> Duration {
        self.0.patience
    }

    /// The value of each key, or else its lock, held for `hold` at most. `None`: Redis is away.
    pub(super) async fn look_up(
        &self,
        keys: &[Key],
        token: Token,
        hold: Duration,
        end: Instant,
    ) -> Option<Vec<Found>> {
        let look_up = |scripts: Scripts| {
            let commands = keys.iter().map(|key| scripts.look_up(*key, token, hold));
            commands.collect()
        };
        Some(found(self.ask(end, look_up).await?))
    }

    /// The locks of keys that have a value; `true`: the value is worth nothing, and goes.
    pub(super) async fn lock(
        &self,
        keys: &[(Key, bool)],
        token: Token,
        hold: Duration,
        end: Instant,
    ) -> Option<Vec<Found>> {
        let lock = |scripts: Scripts| {
            let commands = keys
                .iter()
                .map(|(key, remove)| scripts.lock(*key, token, hold, *remove));
            commands.collect()
        };
        Some(found(self.ask(end, lock).await?))
    }

    /// Shares an entry soon, and gives up the lock that was held for it.
    pub(super) fn keep_entry(&self, key: Key, entry: Arc<Entry>, token: Option<Token>) {
        self.later(Write::Keep(key, entry, token));
    }

    /// Gives up the lock soon; with `remove` the value as well.
    pub(super) fn let_go(&self, key: Key, token: Option<Token>, remove: bool) {
        if token.is_some() || remove {
            self.later(Write::LetGo(key, token, remove));
        }
    }

    fn later(&self, write: Write) {
        if self.is_linked() && self.0.writes.try_send(write).is_err() {
            tracing::debug!("an entry is not shared: too many wait to be written");
        }
    }

    /// Writes a purge into the log; none is one of everything. `false`: not now.
    pub(super) async fn log_purge(&self, origin: u128, tags: &[Tag]) -> bool {
        let purge = |scripts: Scripts| vec![scripts.log_purge(origin, tags)];
        let answers = self.ask(self.patience(), purge).await;
        matches!(answers.as_deref(), Some([Ok(_)]))
    }

    /// Adds one to a counter that all replicas share, unless it has reached the ceiling.
    pub(super) async fn take(
        &self,
        name: &str,
        ceiling: u64,
        ttl: Duration,
    ) -> Option<Option<u64>> {
        let take = |scripts: Scripts| vec![scripts.take(name, ceiling, ttl)];
        let sum: i64 = self.one(take).await?;
        Some(u64::try_from(sum).ok())
    }

    pub(super) async fn note(&self, name: &str, note: &str, ttl: Duration) -> Option<()> {
        let write = |scripts: Scripts| vec![scripts.note(name, note, ttl)];
        self.one::<String>(write).await.map(drop)
    }

    pub(super) async fn note_all(&self, notes: &[(String, String)], ttl: Duration) -> Option<()> {
        let write = |scripts: Scripts| {
            let each = notes.iter();
            each.map(|(name, note)| scripts.note(name, note, ttl))
                .collect()
        };
        self.ask(self.patience(), write).await.map(drop)
    }

    pub(super) async fn noted(&self, name: &str) -> Option<Option<String>> {
        self.one(|_| vec![script::noted(name)]).await
    }

    async fn one<T: redis::FromRedisValue>(
        &self,
        make: impl FnOnce(Scripts) -> Vec<Cmd>,
    ) -> Option<T> {
        let answer = self.ask(self.patience(), make).await?.pop()?.ok()?;
        redis::from_redis_value(answer).ok()
    }

    /// Sends all commands at once. `None`: Redis is away.
    async fn ask(
        &self,
        end: Instant,
        make: impl FnOnce(Scripts) -> Vec<Cmd>,
    ) -> Option<Vec<RedisResult<Value>>> {
        let up = self.0.up.read().clone()?;
        let commands = make(up.scripts);
        let start = Instant::now();
        let Ok(answers) = tokio::time::timeout_at(end, up.link.commands(&commands)).await else {
            self.lose(up.generation, "it gives no answer in time");
            return None;
        };
        self.0.metrics.redis(start.elapsed());
        let errors = answers.iter().filter_map(|answer| answer.as_ref().err());
        if let Some(error) = errors.clone().find(|error| concerns_the_server(error)) {
            self.lose(up.generation, &describe(error));
            return None;
        }
        Some(answers)
    }

    /// From now on nobody asks it, until it is found again.
    fn lose(&self, generation: u64, why: &str) {
        {
            let mut up = self.0.up.write();
            // Many notice at once; and one that noticed late must not take down the next connection.
            if up.as_ref().is_none_or(|up| up.generation != generation) {
                return;
            }
            *up = None;
        }
        self.0.metrics.redis_up(false);
        tracing::warn!(reason = why, "Redis is left alone for a while: {why}");
        self.0.lost.notify_one();
    }

    /// Connects, and again whenever the connection is lost.
    async fn keep(self, cancel: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let Some(found) = cancel.run_until_cancelled(self.find()).await else {
                return;
            };
            match found {
                Ok(()) => {
                    if told {
                        tracing::warn!("Redis is used again");
                    } else {
                        tracing::info!("Redis is used");
                    }
                    told = true;
                    let came = Instant::now();
                    if cancel
                        .run_until_cancelled(self.0.lost.notified())
                        .await
                        .is_none()
                    {
                        return;
                    }
                    if came.elapsed() > CALM {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(why) if !told => {
                    told = true;
                    tracing::warn!(
                        reason = why,
                        "Redis cannot be used, the cache goes on without it: {why}"
                    );
                }
                Err(why) => tracing::debug!(reason = why, "Redis is still away: {why}"),
            }
            if cancel
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Connects and tries it out.
    async fn find(&self) -> Result<(), String> {
        let opened = Link::open(&self.0.config, WRITE_PATIENCE).await;
        let mut link = opened.map_err(|error| describe(&error))?;
        let within = Instant::now() + self.0.patience.max(PATIENCE);
        let probes = async {
            let flags = link.command(&Scripts::probe(true)).await.is_ok();
            let runs = flags || link.command(&Scripts::probe(false)).await.is_ok();
            (flags, runs, link.command(&script::probe_write()).await)
        };
        let Ok((flags, runs, written)) = tokio::time::timeout_at(within, probes).await else {
            return Err("it gives no answer in time".to_owned());
        };
        match written {
            Err(error) if !refuses_writes(&error) => return Err(describe(&error)),
            _ if !runs => return Err("it runs no scripts (`EVAL`) for us".to_owned()),
            _ => {}
        }
        let generation = self.0.generation.fetch_add(1, Ordering::Relaxed) + 1;
        *self.0.up.write() = Some(Up {
            link,
            scripts: Scripts { flags },
            generation,
        });
        self.0.metrics.redis_up(true);
        self.set_follows(self.0.follows.load(Ordering::Acquire));
        Ok(())
    }

    async fn write(self, mut writes: mpsc::Receiver<Write>, cancel: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            let received = writes.recv_many(&mut batch, WRITES_AT_ONCE);
            if cancel.run_until_cancelled(received).await.is_none() {
                return;
            }
            let full = self
                .0
                .full_until
                .lock()
                .is_some_and(|end| Instant::now() < end);
            let now = self.0.clock.now();
            let mut tried = false;
            let commands = |scripts: Scripts| {
                let command = |write| match write {
                    Write::Keep(key, entry, token) => {
                        let left = now.duration_until(entry.life().usable_until);
                        let ttl = Duration::try_from(left).ok().filter(|left| !left.is_zero());
                        let bytes = ttl.filter(|_| !full).zip(wire::encode(&entry));
                        match bytes {
                            Some((ttl, bytes)) => {
                                tried = true;
                                scripts.write(key, token, &bytes, ttl)
                            }
                            None => scripts.let_go(key, token, false),
                        }
                    }
                    Write::LetGo(key, token, remove) => scripts.let_go(key, token, remove),
                };
                batch.drain(..).map(command).collect()
            };
            if let Some(answers) = self.ask(Instant::now() + WRITE_PATIENCE, commands).await {
                self.written(&answers, tried);
            }
            batch.clear();
        }
    }

    /// Notices when it is full and when no longer.
    fn written(&self, answers: &[RedisResult<Value>], tried: bool) {
        let refused = answers.iter().find_map(|answer| match answer {
            Err(error) if refuses_writes(error) => Some(describe(error)),
            _ => None,
        });
        let mut full_until = self.0.full_until.lock();
        match refused {
            Some(why) => {
                if full_until.is_none() {
                    tracing::warn!(
                        reason = why,
                        "Redis takes no values, and is only read: {why}"
                    );
                }
                *full_until = Some(Instant::now() + FULL_PAUSE);
            }
            None if full_until.is_some() && tried => {
                *full_until = None;
                tracing::warn!("Redis takes values again");
            }
            None => {}
        }
    }
}

fn found(answers: Vec<RedisResult<Value>>) -> Vec<Found> {
    let found = |answer: RedisResult<Value>| {
        let (value, lock): (Option<Vec<u8>>, i64) = redis::from_redis_value(answer.ok()?).ok()?;
        Some(match (value, lock) {
            (Some(value), _) => Found::Value(value),
            (None, 1) => Found::Locked,
            (None, 0) => Found::Elsewhere,
            _ => Found::NoLock,
        })
    };
    // An answer that is none of these helps nobody, and hinders nobody.
    answers
        .into_iter()
        .map(|answer| found(answer).unwrap_or(Found::NoLock))
        .collect()
}

/// Whether an error says something of the server, and not of one key.
fn concerns_the_server(error: &RedisError) -> bool {
    let own = matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::ExecAbort)
            | ErrorKind::UnexpectedReturnType
    );
    let of_key = error.code() == Some("WRONGTYPE");
    !(own || of_key || refuses_writes(error))
}

fn refuses_writes(error: &RedisError) -> bool {
    matches!(error.code(), Some("OOM" | "MISCONF" | "NOREPLICAS"))
}

/// Without addresses and what the server says in its own words.
pub(super) fn describe(error: &RedisError) -> String {
    match error.code() {
        Some(code) => format!("it answers `{code}`"),
        None if error.is_timeout() => "it gives no answer in time".to_owned(),
        None if error.is_connection_refusal() => "it refuses the connection".to_owned(),
        None if error.is_connection_dropped() => "it closed the connection".to_owned(),
        None => format!("{} ({:?})", error.category(), error.kind()),
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Remote")
            .field("up", &self.is_up())
            .finish()
    }
}

/// What one replica left for the others.
pub(super) fn read_entry(bytes: &[u8]) -> Option<(NewEntry, Position)> {
    wire::decode(bytes)
}

pub(super) use self::link::Link as LogLink;
pub(super) use self::script::{log_behind, log_from};

impl Remote {
    /// A connection of its own for whoever waits for the log.
    pub(super) async fn open_log(&self, patience: Duration) -> Result<LogLink, String> {
        let opened = Link::open(&self.0.config, patience).await;
        opened.map_err(|error| describe(&error))
    }
}
