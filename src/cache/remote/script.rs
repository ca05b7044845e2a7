//! What Redis does in one step, and the names of the keys that it does it with.
//!
//! Sent as text each time: a server that was started anew, or took over, knows no scripts, and the text is shorter than a round trip is long.

use std::time::Duration;

use redis::Cmd;

use crate::cache::key::{Key, Tag};

/// The log of purges.
pub(super) const LOG: &str = "callboard:purges";

/// How many purges the log holds, near enough.
const LOG_LENGTH: usize = 4_096;

/// From Redis 7 on a script says that it may run while memory is full; before, it is not asked.
const WHEN_FULL: &str = "#!lua flags=allow-oom\n";

/// The value, or else the lock: 1 it is ours, 0 another's, 2 it cannot be taken.
const LOOK_UP: &str = "\
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' then return {value, 0} end
local lock = redis.pcall('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
if type(lock) ~= 'table' then return {false, 0} end
if lock.ok then return {false, 1} end
return {false, 2}";

/// Takes the lock although there is a value; one that is of no use to anybody is taken away.
const LOCK: &str = "\
if ARGV[3] == '1' then redis.pcall('DEL', KEYS[1]) end
local lock = redis.pcall('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
if type(lock) ~= 'table' then return {false, 0} end
if lock.ok then return {false, 1} end
return {false, 2}";

/// The value and the lock go in one step, so that nobody sees neither. Not run while memory is full.
const WRITE: &str = "\
local done = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if redis.pcall('GET', KEYS[2]) == ARGV[1] then redis.pcall('DEL', KEYS[2]) end
return done";

/// The lock goes, and the value too if told so.
const LET_GO: &str = "\
if ARGV[2] == '1' then redis.pcall('DEL', KEYS[1]) end
if redis.pcall('GET', KEYS[2]) == ARGV[1] then redis.pcall('DEL', KEYS[2]) end
return 1";

const LOG_PURGE: &str =
    "return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'o', ARGV[2], 't', ARGV[3])";

/// Adds one, unless the ceiling is reached; a counter that does not end gets its end.
const TAKE: &str = "\
local sum = tonumber(redis.call('GET', KEYS[1])) or 0
if sum >= tonumber(ARGV[1]) then return -1 end
sum = redis.call('INCR', KEYS[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return sum";

const NOTE: &str = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])";

/// Makes commands for one server, by what it can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scripts {
    /// Whether it knows [`WHEN_FULL`].
    pub(super) flags: bool,
}

/// Says whose a lock is.
pub(in crate::cache) type Token = u128;

impl Scripts {
    /// Asks whether scripts are run, with flags or without.
    pub(super) fn probe(flags: bool) -> Cmd {
        Self { flags }.eval("return 1", 0)
    }

    pub(super) fn look_up(self, key: Key, token: Token, hold: Duration) -> Cmd {
        let mut command = self.on_entry(LOOK_UP, key);
        command.arg(hex(token)).arg(millis(hold));
        command
    }

    pub(super) fn lock(self, key: Key, token: Token, hold: Duration, remove: bool) -> Cmd {
        let mut command = self.on_entry(LOCK, key);
        command
            .arg(hex(token))
            .arg(millis(hold))
            .arg(u8::from(remove));
        command
    }

    pub(super) fn let_go(self, key: Key, token: Option<Token>, remove: bool) -> Cmd {
        let mut command = self.on_entry(LET_GO, key);
        command.arg(owner(token)).arg(u8::from(remove));
        command
    }

    pub(super) fn write(self, key: Key, token: Option<Token>, bytes: &[u8], ttl: Duration) -> Cmd {
        let mut command = Self { flags: false }.on_entry(WRITE, key);
        command.arg(owner(token)).arg(bytes).arg(millis(ttl));
        command
    }

    pub(super) fn log_purge(self, origin: u128, tags: &[Tag]) -> Cmd {
        let bytes: Vec<u8> = tags.iter().flat_map(|tag| tag.0.to_le_bytes()).collect();
        let mut command = self.eval(LOG_PURGE, 1);
        command.arg(LOG).arg(LOG_LENGTH).arg(hex(origin)).arg(bytes);
        command
    }

    pub(super) fn take(self, name: &str, ceiling: u64, ttl: Duration) -> Cmd {
        let mut command = self.eval(TAKE, 1);
        command.arg(shared(name)).arg(ceiling).arg(millis(ttl));
        command
    }

    pub(super) fn note(self, name: &str, note: &str, ttl: Duration) -> Cmd {
        let mut command = self.eval(NOTE, 1);
        command.arg(shared(name)).arg(note).arg(millis(ttl));
        command
    }

    fn on_entry(self, script: &str, key: Key) -> Cmd {
        let mut command = self.eval(script, 2);
        command.arg(entry(key)).arg(format!("{}:lock", entry(key)));
        command
    }

    fn eval(self, script: &str, keys: usize) -> Cmd {
        let mut command = redis::cmd("EVAL");
        let flags = if self.flags { WHEN_FULL } else { "" };
        command.arg(format!("{flags}{script}")).arg(keys);
        command
    }
}

/// Shows whether the server takes writes, and whether it is the right one for any key.
pub(super) fn probe_write() -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg("callboard:probe").arg(1).arg("PX").arg(1_000);
    command
}

/// What the log holds from `from` on, `count` purges at most.
pub(in crate::cache) fn log_from(from: &str, count: usize) -> Cmd {
    let mut command = redis::cmd("XRANGE");
    command.arg(LOG).arg(from).arg("+").arg("COUNT").arg(count);
    command
}

/// What comes to the log behind `from`, as soon as something comes.
pub(in crate::cache) fn log_behind(from: &str, wait: Duration) -> Cmd {
    let mut command = redis::cmd("XREAD");
    command
        .arg("COUNT")
        .arg(1_024)
        .arg("BLOCK")
        .arg(millis(wait));
    command.arg("STREAMS").arg(LOG).arg(from);
    command
}

pub(super) fn noted(name: &str) -> Cmd {
    let mut command = redis::cmd("GET");
    command.arg(shared(name));
    command
}

/// The braces keep what belongs to one key on one node of a cluster.
fn entry(key: Key) -> String {
    format!("callboard:{{{:032x}}}", key.0)
}

fn shared(name: &str) -> String {
    format!("callboard:shared:{name}")
}

/// No token is that of no lock.
fn owner(token: Option<Token>) -> String {
    token.map_or_else(|| "-".to_owned(), hex)
}

fn hex(number: u128) -> String {
    format!("{number:032x}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, i64::MAX as u64 / 2)
}
