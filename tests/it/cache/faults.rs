//! Redis has a bad day: answers stay right, whoever waits waits for a bounded time, and all is well again by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use callboard::cache::{Cache, Claim, Landed, NewEntry, PATIENCE, Settings};
use callboard::clock::Clock;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::replicas::{Replica, eventually, in_redis};
use super::{at, key, new_entry, settings, tag, terms, text, within};
use crate::support::redis::Redis;

/// What a claim may take beyond [`PATIENCE`] because this machine does other things too.
const SLACK: Duration = Duration::from_millis(150);

/// With the patience that holds in production.
fn hasty(url: &str) -> Settings {
    Settings {
        patience: PATIENCE,
        ..settings(Some(url))
    }
}

/// Fifty readers who ask for keys that nobody has, each of his own, for as long as it lives.
struct Readers {
    stop: Arc<AtomicBool>,
    /// When each claim came, and how long it took.
    claims: Arc<Mutex<Vec<(Instant, Duration)>>>,
    wrong: Arc<AtomicUsize>,
    tasks: tokio::task::JoinSet<()>,
}

impl Readers {
    fn start(cache: &Cache) -> Self {
        let mut readers = Self {
            stop: Arc::default(),
            claims: Arc::default(),
            wrong: Arc::default(),
            tasks: tokio::task::JoinSet::new(),
        };
        for reader in 0..50 {
            let cache = cache.clone();
            let (stop, claims) = (Arc::clone(&readers.stop), Arc::clone(&readers.claims));
            let wrong = Arc::clone(&readers.wrong);
            readers.tasks.spawn(async move {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = format!("{reader}-{number}");
                    let start = Instant::now();
                    let claimed = cache.claim(&[key(&name)], within()).await.pop();
                    claims.lock().push((start, start.elapsed()));
                    match claimed {
                        Some(Claim::Lead(lead)) => {
                            lead.fill(new_entry(&cache, &name, terms(60, 0, 0), &[]));
                        }
                        _ => _ = wrong.fetch_add(1, Ordering::Relaxed),
                    }
                    // It may be gone: a replica that does not know what was purged meanwhile forgets everything.
                    let held = cache.get(&key(&name));
                    if held.is_some_and(|held| text(&held) != name) {
                        wrong.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        }
        readers
    }

    /// The longest claim since then, and how many took more than half of the patience.
    fn since(&self, start: Instant) -> (Duration, usize) {
        let claims = self.claims.lock();
        let took = claims.iter().filter(|(at, _)| *at >= start);
        let took = took.map(|(_, took)| *took);
        let slow = took.clone().filter(|took| *took > PATIENCE / 2).count();
        (took.max().unwrap_or_default(), slow)
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        assert_eq!(self.wrong.load(Ordering::Relaxed), 0, "wrong answers");
    }
}

async fn some_time(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// It is used again: what one replica keeps, another finds.
pub(super) async fn it_is_back(first: &Replica, second: &Replica) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    eventually("Redis is not used again", || async {
        let name = format!("back-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        first.fill(&name, "x", &[]).await;
        some_time(20).await;
        second.found(&name).await.is_some()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_slow_killed_and_started_again_under_load() {
    let Some(mut redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::with(hasty(&redis.url()), &clock).await;
    let second = Replica::with(hasty(&redis.url()), &clock).await;
    it_is_back(&first, &second).await;
    let readers = Readers::start(&first.cache);
    some_time(300).await;

    // It hangs: who asks at that moment waits once, and from then on nobody does.
    let start = Instant::now();
    redis.pause();
    some_time(1_500).await;
    let (longest, slow) = readers.since(start);
    assert!(longest < PATIENCE + SLACK, "a claim took {longest:?}");
    assert!(slow <= 100, "{slow} claims of 50 readers waited");
    redis.resume();
    it_is_back(&first, &second).await;

    // It dies, and comes back with nothing.
    let start = Instant::now();
    redis.kill();
    some_time(500).await;
    redis.start_again();
    it_is_back(&first, &second).await;
    let (longest, _) = readers.since(start);
    assert!(longest < PATIENCE + SLACK, "a claim took {longest:?}");
    readers.stop().await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_takes_two_seconds_for_an_answer_is_waited_for_once() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let gate = Gate::start(redis.port()).await;
    let first = Replica::with(hasty(&gate.url()), &clock).await;
    let second = Replica::with(hasty(&redis.url()), &clock).await;
    it_is_back(&first, &second).await;
    let readers = Readers::start(&first.cache);
    some_time(300).await;
    let start = Instant::now();
    gate.delay(Duration::from_secs(2));
    some_time(1_500).await;
    let (longest, slow) = readers.since(start);
    assert!(longest < PATIENCE + SLACK, "a claim took {longest:?}");
    assert!(slow <= 100, "{slow} claims of 50 readers waited");
    gate.delay(Duration::ZERO);
    it_is_back(&first, &second).await;
    readers.stop().await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_one_is_still_read_and_still_carries_purges() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let second = Replica::start(&redis.url(), &clock).await;
    for name in ["a", "b"] {
        first.fill(name, "one", &[tag(name)]).await;
    }
    in_redis(&redis, 2).await;
    redis.run(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(
        second.found("a").await.as_deref(),
        Some("one"),
        "it is read"
    );
    let readers = Readers::start(&first.cache);
    some_time(200).await;
    let start = Instant::now();
    first.cache.purge(&[tag("a")]).await;
    eventually("the purge does not come", || async {
        second.cache.get(&key("a")).is_none()
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(second.found("a").await, None);
    assert_eq!(second.found("b").await.as_deref(), Some("one"));
    let minute = Duration::from_secs(60);
    assert_eq!(first.cache.take("budget", 2, minute).await, Ok(Some(1)));
    assert_eq!(second.cache.take("budget", 2, minute).await, Ok(Some(2)));
    let (longest, _) = readers.since(start);
    assert!(longest < PATIENCE + SLACK, "a claim took {longest:?}");
    redis.run(&["CONFIG", "SET", "maxmemory", "0"]).await;
    it_is_back(&first, &second).await;
    readers.stop().await;
}

#[tokio::test]
async fn a_purge_while_redis_is_away_is_told_when_it_is_back() {
    let Some(mut redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let second = Replica::start(&redis.url(), &clock).await;
    first.fill("a", "one", &[tag("t")]).await;
    in_redis(&redis, 1).await;
    assert_eq!(second.found("a").await.as_deref(), Some("one"));
    redis.kill();
    first.cache.purge(&[tag("t")]).await;
    assert!(
        first.cache.get(&key("a")).is_none(),
        "here it counts at once"
    );
    assert!(
        second.cache.get(&key("a")).is_some(),
        "nobody could tell it"
    );
    redis.start_again();
    eventually("the purge does not come", || async {
        second.cache.get(&key("a")).is_none()
    })
    .await;
}

#[tokio::test]
async fn a_purge_that_one_replica_missed_counts_when_it_is_back() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let gate = Gate::start(redis.port()).await;
    let second = Replica::start(&gate.url(), &clock).await;
    for name in ["a", "b"] {
        first.fill(name, "one", &[tag(name)]).await;
    }
    in_redis(&redis, 2).await;
    assert_eq!(second.found("a").await.as_deref(), Some("one"));
    assert_eq!(second.found("b").await.as_deref(), Some("one"));
    gate.close();
    first.cache.purge(&[tag("a")]).await;
    some_time(100).await;
    assert!(second.cache.get(&key("a")).is_some(), "it is cut off");
    gate.open();
    eventually("the purge does not come", || async {
        second.cache.get(&key("a")).is_none()
    })
    .await;
    assert!(
        second.cache.get(&key("b")).is_some(),
        "it read on where it was"
    );
    // What it would read on from is gone: it cannot know what it missed, so it drops all.
    gate.close();
    redis.run(&["FLUSHALL"]).await;
    gate.open();
    eventually("it trusts what it has", || async {
        second.cache.get(&key("b")).is_none()
    })
    .await;
}

/// Passes connections on to Redis, while it is open; answers as late as it is told to.
struct Gate {
    port: u16,
    open: tokio::sync::watch::Sender<bool>,
    delay: Arc<Mutex<Duration>>,
}

impl Gate {
    async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = tokio::sync::watch::Sender::new(true);
        let is_open = open.subscribe();
        let delay = Arc::new(Mutex::new(Duration::ZERO));
        let told = Arc::clone(&delay);
        serve(listener, move |mut client| {
            let mut is_open = is_open.clone();
            let told = Arc::clone(&told);
            async move {
                if !*is_open.borrow() {
                    return;
                }
                let server = tokio::net::TcpStream::connect(("127.0.0.1", to)).await;
                let mut server = server.unwrap();
                let (mut asks, mut hears) = client.split();
                let (mut answers, mut takes) = server.split();
                tokio::select! {
                    _ = tokio::io::copy(&mut asks, &mut takes) => {}
                    () = late(&mut answers, &mut hears, &told) => {}
                    _ = is_open.wait_for(|open| !open) => {}
                }
            }
        });
        Self { port, open, delay }
    }

    fn delay(&self, delay: Duration) {
        *self.delay.lock() = delay;
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn close(&self) {
        self.open.send_replace(false);
    }

    fn open(&self) {
        self.open.send_replace(true);
    }
}

/// Passes answers on, each so much later.
async fn late(answers: &mut ReadHalf<'_>, hears: &mut WriteHalf<'_>, delay: &Mutex<Duration>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = answers.read(&mut buffer).await {
        let delay = *delay.lock();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if hears.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "servers of a test, which end with its runtime"
)]
fn serve<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    answer: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) {
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(answer(client));
        }
    });
}

#[tokio::test]
async fn who_answers_nonsense_is_left_alone() {
    let answers = [
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MOVED 1 127.0.0.1:1\r\n",
        "-CLUSTERDOWN The cluster is down\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-READONLY You can't write against a read only replica.\r\n",
        "-ERR unknown command\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\u{0}\u{1}\u{2}garbage",
        "$99999999999\r\nx",
        "",
    ];
    let clock = Clock::fixed(at(0));
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "redis://127.0.0.1:{}",
            listener.local_addr().unwrap().port()
        );
        serve(listener, move |mut client| async move {
            let mut asked = [0; 4_096];
            while let Ok(1..) = client.read(&mut asked).await {
                if client.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        let replica = Replica::with(hasty(&url), &clock).await;
        let mut longest = Duration::ZERO;
        for number in 0..20 {
            let start = Instant::now();
            replica.fill(&number.to_string(), "x", &[]).await;
            longest = longest.max(start.elapsed());
            assert!(replica.cache.get(&key(&number.to_string())).is_some());
        }
        assert!(longest < PATIENCE + SLACK, "{answer:?}: {longest:?}");
        replica.cache.purge(&[tag("t")]).await;
        assert!(
            replica.cache.take("n", 1, SLACK).await.is_err(),
            "{answer:?}"
        );
        replica.stop().await;
    }
}

#[tokio::test]
async fn one_that_is_not_there_hinders_nobody() {
    let clock = Clock::fixed(at(0));
    let port = crate::support::redis::free_port();
    let start = Instant::now();
    let replica = Replica::with(hasty(&format!("redis://127.0.0.1:{port}")), &clock).await;
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "a start waits a second"
    );
    for name in ["a", "b"] {
        let start = Instant::now();
        replica.fill(name, "x", &[]).await;
        assert!(start.elapsed() < SLACK);
    }
    replica.stop().await;
}

#[tokio::test]
async fn keys_that_hold_something_else_are_as_good_as_none() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let clock = Clock::fixed(at(0));
    let first = Replica::start(&redis.url(), &clock).await;
    let names = ["list", "text", "cut", "other"];
    for name in names {
        first.fill(name, "x", &[]).await;
    }
    in_redis(&redis, names.len()).await;
    let keys = redis.run(&["KEYS", "callboard:{*}"]).await;
    let keys: Vec<String> = redis::from_redis_value(keys).unwrap();
    let [a, b, c, _] = &keys[..] else {
        panic!("{keys:?}");
    };
    redis.run(&["DEL", a]).await;
    redis.run(&["LPUSH", a, "x"]).await;
    redis.run(&["SET", b, "garbage"]).await;
    redis
        .run(&["SETRANGE", c, "20", "garbage, and more of it"])
        .await;
    let second = Replica::start(&redis.url(), &clock).await;
    let mut found = 0;
    for name in names {
        match super::claim(&second.cache, key(name)).await {
            Claim::Held(held) => {
                assert_eq!(text(&held), "x");
                found += 1;
            }
            Claim::Lead(lead) => {
                let new = new_entry(&second.cache, "y", terms(60, 0, 0), &[]);
                lead.fill(NewEntry { ..new });
            }
            Claim::Follow(follow) => {
                let landed = follow.await;
                assert!(matches!(landed, Some(Landed::Held(_))), "{landed:?}");
            }
        }
    }
    assert!(found <= 2, "garbage was read");
    let third = Replica::start(&redis.url(), &clock).await;
    eventually("what is fetched is not put in place of it", || async {
        let mut all = true;
        for name in names {
            all &= third.found(name).await.is_some();
        }
        all
    })
    .await;
}
