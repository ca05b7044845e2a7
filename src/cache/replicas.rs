//! Purges reach every replica: a log in Redis, which all write and all follow.
//!
//! A log and no message to whoever listens, because a replica that was cut off reads on where it stopped.
//! What it stopped at may be gone when it comes back (the log was trimmed, or Redis lost it): then it cannot know what it missed, so it drops everything, and every replica writes its purges of the last minutes once more.
//! A purge while Redis is away counts in its own process at once, and is written as soon as Redis is back.
//!
//! The place in the log also says what an entry in Redis is worth: it carries the place at which its request was sent, and is dead for everybody who knows of a later purge of one of its tags.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::key::Tag;
use super::purge::{Position, Purges};
use super::remote::{LogLink, Remote, log_behind, log_from};

/// How long one question for news waits in Redis; it also shows that the connection lives.
const WAIT: Duration = Duration::from_secs(1);

/// Between attempts to follow again.
const PAUSE: Duration = Duration::from_millis(250);

/// How long own purges are remembered, to be written again, and how many.
const REMEMBERED: Duration = Duration::from_secs(300);
const MOST_REMEMBERED: usize = 1_024;

/// How many tags one entry of the log carries.
pub(super) const TAGS_AT_ONCE: usize = 256;

/// How many entries are read at once when following begins; the log holds about as many.
const HISTORY: usize = 16_384;

/// What this replica told the others.
#[derive(Debug)]
pub(super) struct Told {
    /// Tells its own entries in the log from those of others.
    origin: u128,
    purges: Mutex<Own>,
}

#[derive(Debug, Default)]
struct Own {
    next: u64,
    purges: VecDeque<OwnPurge>,
}

#[derive(Debug)]
struct OwnPurge {
    number: u64,
    at: Instant,
    /// None: everything.
    tags: Arc<[Tag]>,
    written: bool,
}

impl Told {
    pub(super) fn new(origin: u128) -> Self {
        Self {
            origin,
            purges: Mutex::default(),
        }
    }

    pub(super) fn add(&self, tags: &[Tag]) {
        let mut own = self.purges.lock();
        own.forget_old();
        let chunks: Vec<Arc<[Tag]>> = if tags.is_empty() {
            vec![Arc::default()]
        } else {
            tags.chunks(TAGS_AT_ONCE).map(Arc::from).collect()
        };
        chunks.into_iter().for_each(|tags| own.add(tags));
    }

    /// Writes what is not yet in the log, for as long as that succeeds.
    pub(super) async fn write(&self, remote: &Remote) {
        loop {
            let next = {
                let own = self.purges.lock();
                let unwritten = own.purges.iter().find(|purge| !purge.written);
                unwritten.map(|purge| (purge.number, Arc::clone(&purge.tags)))
            };
            let Some((number, tags)) = next else { return };
            if !remote.log_purge(self.origin, &tags).await {
                return;
            }
            let mut own = self.purges.lock();
            if let Some(purge) = own.purges.iter_mut().find(|purge| purge.number == number) {
                purge.written = true;
            }
        }
    }

    /// The log lost what was written.
    fn write_again(&self) {
        let mut own = self.purges.lock();
        own.forget_old();
        own.purges
            .iter_mut()
            .for_each(|purge| purge.written = false);
    }
}

impl Own {
    fn add(&mut self, tags: Arc<[Tag]>) {
        let mut tags = tags;
        if self.purges.len() >= MOST_REMEMBERED {
            // Too many to tell one by one.
            self.purges.clear();
            tags = Arc::default();
        }
        self.next += 1;
        self.purges.push_back(OwnPurge {
            number: self.next,
            at: Instant::now(),
            tags,
            written: false,
        });
    }

    fn forget_old(&mut self) {
        self.purges
            .retain(|purge| !purge.written || purge.at.elapsed() < REMEMBERED);
    }
}

/// Follows the log for as long as the process runs.
pub(super) async fn follow(
    remote: Remote,
    purges: Arc<Purges>,
    told: Arc<Told>,
    cancel: CancellationToken,
) {
    let follower = Follower {
        remote,
        purges,
        told,
    };
    let forever = async {
        let mut told = false;
        loop {
            let why = match follower.remote.open_log(WAIT * 3).await {
                Ok(mut link) => follower.read(&mut link).await,
                Err(why) => why,
            };
            // Where Redis itself is away this was said already.
            if follower.remote.set_follows(false) {
                told = false;
            }
            if follower.remote.is_linked() && !told {
                told = true;
                tracing::warn!(
                    reason = why,
                    "the log of purges in Redis is not followed, and what else is there not used: {why}"
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    cancel.run_until_cancelled(forever).await;
}

struct Follower {
    remote: Remote,
    purges: Arc<Purges>,
    told: Arc<Told>,
}

/// One entry of the log as Redis gives it: its id, and names and values in turn.
type Line = (String, Vec<Vec<u8>>);

impl Follower {
    /// Catches up, and then takes in what comes; why it ended.
    async fn read(&self, link: &mut LogLink) -> String {
        match self.catch_up(link).await {
            Ok(()) => {}
            Err(why) => return why,
        }
        self.remote.set_follows(true);
        loop {
            self.told.write(&self.remote).await;
            let from = self.purges.position().to_string();
            let news = log_behind(&from, WAIT);
            match ask::<Option<Vec<(String, Vec<Line>)>>>(link, &news).await {
                Ok(news) => {
                    let lines = news.into_iter().flatten().flat_map(|(_, lines)| lines);
                    lines.for_each(|line| self.take_in(&line));
                }
                Err(why) => return why,
            }
        }
    }

    async fn catch_up(&self, link: &mut LogLink) -> Result<(), String> {
        let known = self.purges.position();
        if known != Position::default() {
            let at = known.to_string();
            let there: Vec<Line> = ask(link, &log_from(&at, 1)).await?;
            if there.first().is_some_and(|(id, _)| *id == at) {
                return Ok(());
            }
            tracing::warn!(
                "the log of purges in Redis does not go back to where it was read last: everything that is kept in memory is dropped"
            );
            self.purges.purge_all();
            self.told.write_again();
        }
        let mut lines: Vec<Line> = ask(link, &log_from("-", HISTORY)).await?;
        if lines.is_empty() {
            // A log with a beginning, so that it shows when it is lost.
            self.told.add(&[Tag(0)]);
            self.told.write(&self.remote).await;
            lines = ask(link, &log_from("-", HISTORY)).await?;
        }
        let Some(first) = lines.first().and_then(|(id, _)| id.parse().ok()) else {
            return Err("the log of purges has no beginning".to_owned());
        };
        self.purges.begin(first);
        lines.iter().for_each(|line| self.take_in(line));
        Ok(())
    }

    fn take_in(&self, (id, fields): &Line) {
        let Ok(position) = id.parse::<Position>() else {
            return;
        };
        let field = |name: &[u8]| {
            let mut pairs = fields.chunks_exact(2);
            pairs.find_map(|pair| (pair.first()? == name).then(|| pair.last())?)
        };
        let tags: Vec<Tag> = field(b"t")
            .map(|bytes| bytes.chunks_exact(16))
            .into_iter()
            .flatten()
            .filter_map(|bytes| Some(Tag(u128::from_le_bytes(bytes.try_into().ok()?))))
            .collect();
        let own = format!("{:032x}", self.told.origin);
        // Its own it has counted when it was made.
        let counted = field(b"o").is_some_and(|origin| *origin == own.as_bytes());
        self.purges.take_in(&tags, position, counted);
    }
}

async fn ask<T: redis::FromRedisValue>(
    link: &mut LogLink,
    command: &redis::Cmd,
) -> Result<T, String> {
    let answer: Value = link
        .command(command)
        .await
        .map_err(|error| super::remote::describe(&error))?;
    redis::from_redis_value(answer)
        .map_err(|_other| "the log of purges is something else".to_owned())
}
