//! An upstream on a real socket that does what the test says, byte by byte, and remembers what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use callboard::clock::Budget;
use callboard::egress::{
    Call, Credential, Egress, Failure, Limits, Reply, Settings, Upstream, UpstreamSpec, Url,
};
use callboard::tasks::Tasks;

/// One request as it came in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
    /// Counted from 0 over all connections.
    pub(crate) number: usize,
}

/// What is done with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// These bytes, and the connection stays open.
    Say(String),
    /// The same for what is no text.
    Bytes(Vec<u8>),
    /// These bytes, then the connection is closed in order.
    SayAndClose(String),
    /// These bytes, then the connection is reset.
    SayAndReset(String),
    /// The head, then bytes without end.
    Endless,
    /// The head, then one byte after the other, without end.
    Drip,
    /// Nothing, for ever.
    Silence,
    /// Something, later.
    Late(Duration, Box<Act>),
}

/// A whole answer with a JSON body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Act {
    let length = body.len();
    let lines: String = headers.lines().map(|line| format!("{line}\r\n")).collect();
    Act::Say(format!(
        "HTTP/1.1 {status} x\r\n{lines}content-length: {length}\r\n\r\n{body}"
    ))
}

pub(crate) fn ok() -> Act {
    answer(200, "content-type: application/json", "{\"ok\":true}")
}

type Behaviour = dyn Fn(&Asked) -> Act + Send + Sync;

/// The upstream; it ends with its test.
pub(crate) struct Probe {
    pub(crate) address: SocketAddr,
    behaviour: Arc<Mutex<Arc<Behaviour>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
    pub(crate) tasks: Tasks,
}

impl Probe {
    pub(crate) async fn start(behaviour: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let probe = Self {
            address: listener.local_addr().unwrap(),
            behaviour: Arc::new(Mutex::new(Arc::new(behaviour))),
            asked: Arc::default(),
            connections: Arc::default(),
            tasks: Tasks::new(),
        };
        let behaviour = Arc::clone(&probe.behaviour);
        let asked = Arc::clone(&probe.asked);
        let connections = Arc::clone(&probe.connections);
        let tasks = probe.tasks.clone();
        probe.tasks.spawn("probe", async move |_cancel| {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                connections.fetch_add(1, Ordering::Relaxed);
                let behaviour = Arc::clone(&behaviour);
                let asked = Arc::clone(&asked);
                tasks.spawn("connection", async move |_cancel| {
                    drop(serve(stream, behaviour, asked).await);
                });
            }
        });
        probe
    }

    pub(crate) fn now(&self, behaviour: impl Fn(&Asked) -> Act + Send + Sync + 'static) {
        *self.behaviour.lock() = Arc::new(behaviour);
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().len()
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }

    pub(crate) fn spec(&self) -> UpstreamSpec {
        spec(&format!("http://{}/api", self.address))
    }
}

async fn serve(
    mut stream: TcpStream,
    behaviour: Arc<Mutex<Arc<Behaviour>>>,
    all: Arc<Mutex<Vec<Asked>>>,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(mut asked) = read(&mut stream, &mut buffer).await? {
        {
            let mut all = all.lock();
            asked.number = all.len();
            all.push(asked.clone());
        }
        let current = Arc::clone(&*behaviour.lock());
        let mut act = current(&asked);
        if let Act::Late(time, next) = act {
            tokio::time::sleep(time).await;
            act = *next;
        }
        match act {
            Act::Say(text) => stream.write_all(text.as_bytes()).await?,
            Act::Bytes(bytes) => stream.write_all(&bytes).await?,
            Act::SayAndClose(text) => {
                stream.write_all(text.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Act::SayAndReset(text) => {
                stream.write_all(text.as_bytes()).await?;
                // What was written arrives before the reset.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return stream.set_zero_linger();
            }
            Act::Endless => {
                let head = "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
                loop {
                    stream.write_all(chunk.as_bytes()).await?;
                }
            }
            Act::Drip => {
                let head = "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                loop {
                    stream.write_all(b"1\r\n \r\n").await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Act::Silence | Act::Late(..) => std::future::pending().await,
        }
    }
    Ok(())
}

/// The next request of a connection; `None` at its end.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Asked>> {
    loop {
        if let Some((asked, length)) = parse(buffer) {
            buffer.drain(..length);
            return Ok(Some(asked));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(buffer: &[u8]) -> Option<(Asked, usize)> {
    // What is no text, such as the first bytes of TLS, is a request without words.
    let Ok(text) = std::str::from_utf8(buffer) else {
        return Some((Asked::default(), buffer.len()));
    };
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |l| l.parse().unwrap());
    let body = rest.get(..length)?.to_owned();
    let asked = Asked {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers,
        body,
        number: 0,
    };
    Some((asked, head.len() + 4 + length))
}

/// A source that is given little time, so that tests are short.
pub(crate) fn spec(base: &str) -> UpstreamSpec {
    UpstreamSpec {
        connector: "probe".into(),
        source: "rest".into(),
        instance: "default".into(),
        base: Url::parse(base).unwrap(),
        credential: Credential::Bearer {
            token: "s3cret".into(),
        },
        headers: Vec::new(),
        limits: Limits {
            timeout: Duration::from_millis(300),
            retries: 0,
            breaker_sleep: Duration::from_millis(200),
            ..Limits::default()
        },
        allow_hosts: Vec::new(),
        share: 1.0,
    }
}

pub(crate) fn egress() -> Egress {
    Egress::new(Settings::default()).unwrap()
}

pub(crate) fn upstream(spec: UpstreamSpec) -> Arc<Upstream> {
    egress().upstream(spec).unwrap()
}

/// A `GET` that may take five seconds.
pub(crate) fn get(path: &str) -> Call {
    let template = "/things/{id}".into();
    Call::get(path, template, Budget::of(Duration::from_secs(5)))
}

pub(crate) async fn ask(upstream: &Upstream) -> Result<Reply, Failure> {
    upstream.send(get("/things/7")).await
}

/// The code of a failure, or the status of a reply.
pub(crate) fn code(result: &Result<Reply, Failure>) -> String {
    match result {
        Ok(reply) => reply.status.to_string(),
        Err(failure) => failure.code().to_owned(),
    }
}
