//! A load generator: a fixed number of keep-alive connections, each of which sends the next request when the answer to the last one is there.
//!
//! One thread with its own event loop and no HTTP library, so that it takes as little as it can of the cores that it shares with the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Requests ready to be sent, one after the other, over and over.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) requests: Vec<Vec<u8>>,
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
                        let next = (number * 7919 + count) % shape.requests.len();
                        connection.exchange(&shape.requests[next]).await;
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
        count as f64 / started.elapsed().as_secs_f64()
    })
}

/// The body of the answer to one request.
pub(crate) fn once(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let request = request.to_vec();
    on_own_thread(move || async move {
        Connection::open(address)
            .await
            .exchange(&request)
            .await
            .to_vec()
    })
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
            buffer: vec![0; 1 << 20],
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
