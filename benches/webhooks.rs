//! From a delivery to every replica: two servers on one Redis, the time from sending a delivery to one until the other no longer serves what it is about.
//!
//! `cargo bench --bench webhooks`; needs `redis-server`. `CALLBOARD_BENCH_ROUNDS` says how many deliveries, by default 2,000.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark prints, runs on a runtime of its own, and ends where it cannot go on"
)]

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::cache::{Cache, Content, Key, Life, NewEntry, Prefix, Settings, Tag, Terms};
use callboard::clock::Clock;
use callboard::config::{Config, ConnectorConfig, InstanceConfig, Secret};
use callboard::connect::{Deliveries, Webhooks};
use callboard::graph::Snapshot;
use callboard::graphql::{Engine, Limits};
use callboard::ingest::Catalog;
use callboard::sdl::{self, SdlFile};
use callboard::server::{self, Board};
use callboard::store::Store;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SDL: &str = r#"
extend schema
  @source(name: "rest", url: "'https://mill.example'")
  @webhook(source: "rest", event: "$body.kind", purge: ["mill:{$body.mill}"],
    signature: { scheme: HMAC_SHA256_HEX, header: "x-signature", secret: "$secret.hook", deliveryId: "$body.id" })
"#;
const SECRET: &str = "a secret of usual length";

/// One server with the cache behind it.
struct Replica {
    address: SocketAddr,
    cache: Cache,
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut redis, url) = start_redis();
    let rounds = std::env::var("CALLBOARD_BENCH_ROUNDS").ok();
    let rounds = rounds.map_or(2_000, |rounds| rounds.parse().unwrap());
    let shutdown = CancellationToken::new();
    let tasks = Tasks::new();
    let first = runtime.block_on(replica(&url, &tasks, &shutdown));
    let second = runtime.block_on(replica(&url, &tasks, &shutdown));
    println!(
        "from sending a delivery to one replica until the other serves the old value no longer"
    );
    for at_once in [1, 16] {
        let mut times = runtime.block_on(measure(&first, &second, rounds, at_once));
        times.sort();
        let at = |part: usize| times[(times.len() * part / 1000).min(times.len() - 1)];
        println!(
            "{at_once:>2} at once, {} deliveries: p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, worst {:.2?}   reach p99 ≤ 50 ms",
            times.len(),
            at(500),
            at(990),
            at(999),
            at(1000),
        );
    }
    shutdown.cancel();
    runtime.block_on(tasks.shutdown(Duration::from_secs(5)));
    redis.kill().unwrap();
    redis.wait().unwrap();
}

async fn replica(url: &str, tasks: &Tasks, shutdown: &CancellationToken) -> Replica {
    let metrics = Arc::new(Metrics::default());
    let config = configured(url);
    let settings = Settings::from(&config.cache);
    let clock = Clock::system();
    let cache = Cache::open(settings, clock, metrics.cache().clone(), tasks).await;
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: "connectors/mill/mill.graphql".into(),
        text: SDL.to_owned(),
        connector: Some("mill".into()),
    });
    let (model, problems) = sdl::load(&files);
    assert_eq!(problems, []);
    let secrets = [("hook".to_owned(), Secret::One(SECRET.into()))];
    let instance = InstanceConfig::made("default".into(), serde_json::Map::new(), secrets.into());
    let model = Arc::new(model.unwrap());
    let webhooks = Webhooks::new(
        Arc::clone(&model),
        &[ConnectorConfig::made("mill".into(), vec![instance])],
        cache.clone(),
        metrics,
        Deliveries::default(),
    );
    let catalog = Arc::new(Catalog::new(Snapshot::empty(Arc::clone(&model))));
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("bench.db").display());
    let store = Store::open(&database).await.unwrap();
    let engine = Engine::new(model, Arc::clone(&catalog), store, Limits::default());
    let board = Board::new(engine, catalog, config.limits.clone());
    let board = Arc::new(board.with_webhooks(webhooks));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        server::run(listener, board, &config.server, shutdown).await;
        drop(folder);
    });
    Replica { address, cache }
}

fn configured(redis: &str) -> Config {
    let text = format!("cache: {{ redis: '{redis}' }}");
    let folder = std::path::Path::new("/");
    let name = "callboard.yaml".into();
    let (config, problems) = Config::parse(Some((&name, &text)), folder, &|_| None);
    assert_eq!(problems, []);
    config.unwrap()
}

async fn measure(first: &Replica, second: &Replica, rounds: u32, at_once: u32) -> Vec<Duration> {
    let senders = (0..at_once).map(|sender| {
        let (address, cache) = (first.address, second.cache.clone());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut times = Vec::new();
            for round in 0..rounds / at_once {
                let name = format!("{at_once}-{sender}-{round}");
                let key = keep(&cache, &name);
                let began = Instant::now();
                deliver(&mut stream, &name).await;
                while cache.get(&key).is_some() {
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
                times.push(began.elapsed());
            }
            times
        })
    });
    let senders: Vec<_> = senders.collect();
    let mut times = Vec::new();
    for sender in senders {
        times.extend(sender.await.unwrap());
    }
    times
}

fn keep(cache: &Cache, name: &str) -> Key {
    let key = Prefix::new(["bench"]).key([name]);
    let terms = Terms {
        fresh: Duration::from_secs(3600),
        ..Terms::default()
    };
    let entry = NewEntry {
        tags: [Tag::new("mill", &format!("mill:{name}"))].into(),
        ..NewEntry::new(Content::Json(json!(name)), Life::new(cache.now(), terms))
    };
    cache.put(key, cache.mark(), entry);
    key
}

/// Sends one delivery of about 8 kB, and reads the answer.
async fn deliver(stream: &mut TcpStream, name: &str) {
    let body =
        json!({ "id": name, "kind": "ground", "mill": name, "padding": "x".repeat(8 << 10) });
    let body = body.to_string();
    let mut code = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    code.update(body.as_bytes());
    let code = hex::encode(code.finalize().into_bytes());
    let request = format!(
        "POST /webhooks/mill HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-signature: {code}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let mut length = 0;
    let end = br#"{"outcome":"purged","tags":1}"#;
    while !answer[..length].ends_with(end) {
        let read = stream.read(&mut answer[length..]).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer[..length]));
        length += read;
    }
}

fn start_redis() -> (Child, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let number = port.local_addr().unwrap().port();
    drop(port);
    let redis = Command::new("redis-server")
        .args([
            "--port",
            &number.to_string(),
            "--save",
            "",
            "--bind",
            "127.0.0.1",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", number)).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "Redis does not start"
        );
    }
    (redis, format!("redis://127.0.0.1:{number}"))
}
