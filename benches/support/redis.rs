//! What a Redis that is well, slow, hung, full or gone adds to a query that has to ask its upstream.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callboard::clock::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Runtime;

use crate::figures::{Figures, median};
use crate::linked::Linked;
use crate::load::{self, Caller};
use crate::upstream::Upstream;

/// What the slow one takes for each answer.
const SLOW: Duration = Duration::from_secs(2);

/// A server that keeps nothing on disk; it ends with the value.
struct Redis {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Redis {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let server = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Self {
            server,
            port,
            _folder: folder,
        })
    }

    /// It keeps its connections, and answers nothing.
    fn hang(&self) {
        let id = self.server.id().to_string();
        let done = Command::new("kill").args(["-STOP", &id]).status();
        assert!(done.expect("kill runs").success());
    }

    /// It takes no values any more.
    fn fill(&self) {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).expect("Redis");
        stream
            .write_all(b"CONFIG SET maxmemory 1\r\n")
            .expect("Redis");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("Redis");
        assert_eq!(&answer, b"+OK\r\n");
    }
}

/// Passes on to Redis; what comes back comes at once, or later.
struct Gate {
    address: SocketAddr,
    slow: Arc<AtomicBool>,
}

impl Gate {
    async fn start(to: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let slow = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&slow);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, None));
                tokio::spawn(pass(from_server, to_client, Some(Arc::clone(&told))));
            }
        });
        Self { address, slow }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, slow: Option<Arc<AtomicBool>>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if slow
            .as_ref()
            .is_some_and(|slow| slow.load(Ordering::Relaxed))
        {
            tokio::time::sleep(SLOW).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

pub(crate) fn measure(runtime: &Runtime, upstream: &Arc<Upstream>, figures: &mut Figures) {
    let name = "a query that asks its upstream, with Redis";
    if !figures.wants(name) {
        return;
    }
    let alone = Measured::of(runtime, upstream, None, || {});
    let Some(redis) = Redis::start() else {
        println!("no redis-server on this machine: what Redis adds is not measured");
        return;
    };
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let well = Measured::of(runtime, upstream, Some(&url), || {});
    let gate = runtime.block_on(Gate::start(redis.port));
    let through = format!("redis://{}", gate.address);
    let slow = Measured::of(runtime, upstream, Some(&through), || {
        gate.slow.store(true, Ordering::Relaxed);
    });
    let full = Measured::of(runtime, upstream, Some(&url), || redis.fill());
    drop(redis);
    let hung = Redis::start().expect("Redis starts");
    let url = format!("redis://127.0.0.1:{}", hung.port);
    let stopped = Measured::of(runtime, upstream, Some(&url), || hung.hang());
    drop(hung);
    let killed = Redis::start().expect("Redis starts");
    let url = format!("redis://127.0.0.1:{}", killed.port);
    let gone = Measured::of(runtime, upstream, Some(&url), move || drop(killed));
    let rows = [
        ("none", alone),
        ("well", well),
        ("2 s for an answer", slow),
        ("full", full),
        ("hung", stopped),
        ("gone", gone),
    ];
    for (how, measured) in rows {
        // What is asked of a sick Redis waits for it once, and not again.
        let met = measured.longest - alone.median <= 60.0;
        let says = format!(
            "{:+.2} ms, at most {:+.1} ms",
            measured.median - alone.median,
            measured.longest - alone.median
        );
        figures.row(
            &format!("{name}: {how}"),
            "adds 50 ms once at most",
            &says,
            met,
        );
    }
}

/// Milliseconds of a query.
#[derive(Clone, Copy)]
struct Measured {
    median: f64,
    longest: f64,
}

impl Measured {
    /// 400 queries for values that are not known; what befalls Redis does so before the first.
    fn of(
        runtime: &Runtime,
        upstream: &Arc<Upstream>,
        url: Option<&str>,
        befalls: impl FnOnce(),
    ) -> Self {
        let world = runtime.block_on(Linked::start(upstream, Clock::system(), url));
        let mut caller = Caller::open(world.address);
        let mut ask = |at: usize| {
            let query = "query($ref: EntityRef!) { component(ref: $ref) { keptThing { score } } }";
            let variables = json!({ "ref": format!("component-{at:04}") });
            let body = json!({ "query": query, "variables": variables }).to_string();
            let (time, body) = caller.ask(&load::post("/graphql", &body));
            assert!(!body.contains("\"errors\""), "{body}");
            time.as_secs_f64() * 1e3
        };
        for at in 0..100 {
            ask(at);
        }
        befalls();
        let times: Vec<f64> = (100..500).map(&mut ask).collect();
        let longest = times.iter().copied().fold(0.0, f64::max);
        runtime.block_on(world.stop());
        Self {
            median: median(times),
            longest,
        }
    }
}
