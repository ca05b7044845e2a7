//! A load generator: a fixed number of keep-alive connections, each of which sends the next request when the answer to the last one is there.
//!
//! One thread with its own event loop and no HTTP library, so that it takes as little as it can of the cores that it shares with the server.
//! Beside it stand [`burst`], many who ask once at the same moment, and [`Caller`], one who is timed.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Requests ready to be sent, one after the other, over and over.
pub(crate) struct Shape {
    pub(crate) requests: Vec<Vec<u8>>,
    /// Each connection sends requests of its own, so that no two are under way at a time that are alike.
    pub(crate) apart: bool,
}

impl Shape {
    fn next(&self, connection: usize, connections: usize, count: usize) -> &[u8] {
        let all = self.requests.len();
        let next = match self.apart {
            true => connection + count % (all / connections) * connections,
            false => (connection * 7919 + count) % all,
        };
        &self.requests[next]
    }
}

/// A POST with this path and JSON body.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/graphql-response+json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Requests answered per second while `address` is loaded with `shape` over `connections` for `time`.
pub(crate) fn run(
    address: SocketAddr,
    shape: &Arc<Shape>,
    connections: usize,
    time: Duration,
) -> f64 {
    counted(address, shape, connections, time).0
}

/// The same, with how many were answered in all: nothing is under way when it ends.
pub(crate) fn counted(
    address: SocketAddr,
    shape: &Arc<Shape>,
    connections: usize,
    time: Duration,
) -> (f64, usize) {
    let shape = Arc::clone(shape);
    on_own_thread(move || async move {
        let started = Instant::now();
        let tasks: Vec<_> = (0..connections)
            .map(|number| {
                let shape = Arc::clone(&shape);
                tokio::task::spawn_local(async move {
                    let mut connection = Connection::open(address).await;
                    let mut count = 0_usize;
                    while started.elapsed() < time {
                        let next = shape.next(number, connections, count);
                        connection.exchange(next).await;
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut count = 0;
        for task in tasks {
            count += task.await.expect("a connection's task died");
        }
        (count as f64 / started.elapsed().as_secs_f64(), count)
    })
}

/// How long it takes until all of `n` who ask the same at the same moment have their answers, which must be alike.
pub(crate) fn burst(address: SocketAddr, request: &[u8], n: usize) -> Duration {
    let request: Arc<[u8]> = request.into();
    on_own_thread(move || async move {
        let mut connections = Vec::with_capacity(n);
        for _ in 0..n {
            connections.push(Connection::open(address).await);
        }
        let started = Instant::now();
        let asks = connections.into_iter().map(|mut connection| {
            let request = Arc::clone(&request);
            tokio::task::spawn_local(async move { connection.exchange(&request).await.to_vec() })
        });
        let asks: Vec<_> = asks.collect();
        let mut first: Option<Vec<u8>> = None;
        for ask in asks {
            let body = ask.await.expect("a connection's task died");
            assert!(
                *first.get_or_insert_with(|| body.clone()) == body,
                "answers differ"
            );
        }
        started.elapsed()
    })
}

/// One connection, on the thread that asks.
pub(crate) struct Caller {
    stream: std::net::TcpStream,
    buffer: Vec<u8>,
}

impl Caller {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = std::net::TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self {
            stream,
            buffer: vec![0; 1 << 16],
        }
    }

    /// How long an answer takes, and its body.
    pub(crate) fn ask(&mut self, request: &[u8]) -> (Duration, String) {
        let started = Instant::now();
        self.stream
            .write_all(request)
            .expect("the request is taken");
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]);
            let read = read.expect("an answer comes");
            assert!(read > 0, "the server closed the connection");
            filled += read;
            if let Some(body) = whole(&self.buffer[..filled]) {
                return (
                    started.elapsed(),
                    String::from_utf8_lossy(body).into_owned(),
                );
            }
        }
    }
}

/// The body, if all of it is there.
fn whole(read: &[u8]) -> Option<&[u8]> {
    let head = memchr::memmem::find(read, b"\r\n\r\n")?;
    let end = head + 4 + content_length(&read[..head]);
    (read.len() >= end).then(|| &read[head + 4..end])
}

fn on_own_thread<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> T {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        LocalSet::new().block_on(&runtime, async move { work().await })
    });
    thread.join().expect("the load thread died")
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server accepts");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self {
            stream,
            buffer: vec![0; 1 << 16],
        }
    }

    /// Sends, reads the whole answer, and gives its body.
    async fn exchange(&mut self, request: &[u8]) -> &[u8] {
        self.stream
            .write_all(request)
            .await
            .expect("the request is taken");
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self
                .stream
                .read(&mut self.buffer[filled..])
                .await
                .expect("an answer comes");
            assert!(read > 0, "the server closed the connection");
            filled += read;
            let Some(head) = memchr::memmem::find(&self.buffer[..filled], b"\r\n\r\n") else {
                continue;
            };
            let end = head + 4 + content_length(&self.buffer[..head]);
            if end > self.buffer.len() {
                self.buffer.resize(end, 0);
            }
            if filled >= end {
                assert!(
                    self.buffer.starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&self.buffer[..filled])
                );
                return &self.buffer[head + 4..end];
            }
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let at = memchr::memmem::find(head, b"content-length: ").expect("a length") + 16;
    head[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
}
