//! What egress adds to a request: `cargo bench --bench egress`.
//!
//! The same 1 kB is fetched from a server on loopback that answers at once, by reqwest alone and through an `Upstream` with its slot, breaker, budget, span and metrics.
//! Both take turns in short rounds of one run; the median of the ratios counts.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and its tasks end with the process"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::clock::Budget;
use callboard::egress::{Call, Credential, Egress, Limits, Settings, Upstream, UpstreamSpec, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 11;
const ROUND: Duration = Duration::from_millis(500);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(serve(listener));
        let url = format!("http://{address}/api/things/7");
        let upstream = upstream(&format!("http://{address}/api"));
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let mut ratios = Vec::new();
        let mut best = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            let bare = round(async || bare(&client, &url).await).await;
            let ours = round(async || through(&upstream).await).await;
            best = (best.0.max(bare), best.1.max(ours));
            ratios.push(bare / ours);
        }
        ratios.sort_by(f64::total_cmp);
        println!(
            "reqwest alone {:.0}/s, through an upstream {:.0}/s (best); time per request {:.2} times that of reqwest alone (median of {ROUNDS} rounds, {CONNECTIONS} at a time)",
            best.0,
            best.1,
            ratios[ROUNDS / 2]
        );
    });
}

/// Requests per second of as many askers as there are connections.
async fn round(ask: impl AsyncFn()) -> f64 {
    let started = Instant::now();
    let asker = async || {
        let mut count = 0_u64;
        while started.elapsed() < ROUND {
            ask().await;
            count += 1;
        }
        count
    };
    let counts = futures_util::future::join_all((0..CONNECTIONS).map(|_| asker())).await;
    counts.iter().sum::<u64>() as f64 / started.elapsed().as_secs_f64()
}

async fn bare(client: &reqwest::Client, url: &str) {
    let response = client.get(url).bearer_auth("token").send().await;
    let body = response.expect("an answer").bytes().await.expect("a body");
    assert_eq!(body.len(), 1024);
}

async fn through(upstream: &Upstream) {
    let budget = Budget::of(Duration::from_secs(30));
    let call = Call::get("/things/7", "/things/{id}".into(), budget);
    let reply = upstream.send(call).await.expect("a reply");
    assert_eq!(reply.bytes(), 1024);
}

fn upstream(base: &str) -> Arc<Upstream> {
    let spec = UpstreamSpec {
        connector: "bench".into(),
        source: "rest".into(),
        instance: "default".into(),
        base: Url::parse(base).expect("a URL"),
        credential: Credential::Bearer {
            token: "token".into(),
        },
        headers: Vec::new(),
        limits: Limits::default(),
        allow_hosts: Vec::new(),
        share: 1.0,
    };
    let egress = Egress::new(Settings::default()).expect("an egress");
    egress.upstream(spec).expect("an upstream")
}

async fn serve(listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(answer(stream));
    }
}

/// One answer for each read: a request comes in one piece.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let body = "x".repeat(1024);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n{body}"
    );
    let mut request = [0; 4096];
    while stream.read(&mut request).await? > 0 {
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
