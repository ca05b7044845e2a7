//! What live fields cost, in time and in requests to upstreams: `cargo bench --bench live`.
//!
//! A server with the built-in connectors is asked over sockets, and asks an upstream of the bench's own over sockets, which counts; all of it runs on the same cores, the load generator as well.
//! Counts are exact and hold on any machine. Times stand beside floors of the same run, which take turns with what is measured in short rounds; the median counts.
//!
//! `CALLBOARD_BENCH_ROUNDS` is the patience; `CALLBOARD_BENCH_SHAPE` is a part of the name of the figures to measure.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and its tasks end with the process"
)]

#[path = "support/figures.rs"]
mod figures;
#[path = "support/instant.rs"]
mod instant;
#[path = "support/linked.rs"]
mod linked;
#[path = "support/load.rs"]
mod load;
#[path = "support/redis.rs"]
mod redis;
#[path = "support/upstream.rs"]
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use callboard::clock::Clock;
use figures::{Figures, median};
use linked::Linked;
use load::{Caller, Shape};
use serde_json::json;
use tokio::runtime::Runtime;
use upstream::Upstream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 16;
/// Pages by turns where everything is known: as many as a team that looks at its own things may have.
const WARM: usize = 4;
const ROUND: Duration = Duration::from_millis(700);
/// What the slow upstream takes.
const SLOW: Duration = Duration::from_millis(50);

const PAGE: &str = "query($set: String!) { components(first: 50, filter: { type: { eq: $set } }) { nodes { name owner { name } LIVE } } }";
const ON_CALL: &str = "onCall { nodes { level name user { name } } }";
const ASKED: &str =
    "askedQuality { score grade } askedCost { score grade } askedTraffic { score grade }";
const KEPT: &str =
    "keptQuality { score grade } keptCost { score grade } keptTraffic { score grade }";

struct Bench {
    runtime: Runtime,
    world: Linked,
    upstream: Arc<Upstream>,
}

fn main() {
    // Two worker threads, as `serve` would have on two cores.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let upstream = Arc::new(Upstream::start());
    let world = runtime.block_on(Linked::start(&upstream, Clock::system(), None));
    let bench = Bench {
        runtime,
        world,
        upstream,
    };
    let mut figures = Figures::new();
    bench.on_call(&mut figures);
    bench.burst(&mut figures);
    bench.providers(&mut figures);
    bench.levels(&mut figures);
    bench.joins(&mut figures);
    bench.kept_joins(&mut figures);
    bench.expiry(&mut figures);
    bench.overhead(&mut figures);
    bench.down(&mut figures);
    instant::measure(&bench.runtime, &bench.world, &mut figures);
    redis::measure(&bench.runtime, &bench.upstream, &mut figures);
    bench.runtime.block_on(bench.world.stop());
}

/// The page of one set with these live fields.
fn page(live: &str, set: usize) -> Vec<u8> {
    let query = PAGE.replace("LIVE", live);
    let body = json!({ "query": query, "variables": { "set": format!("set-{set}") } });
    load::post("/graphql", &body.to_string())
}

/// Pages of some sets.
fn pages(live: &str, sets: usize, apart: bool) -> Arc<Shape> {
    Arc::new(Shape {
        requests: (0..sets).map(|set| page(live, set)).collect(),
        apart,
    })
}

/// Asks each once; none may have errors.
fn warm(address: SocketAddr, shape: &Shape) {
    let mut caller = Caller::open(address);
    for request in &shape.requests {
        let (_, body) = caller.ask(request);
        assert!(!body.contains("\"errors\""), "{body}");
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Bench {
    fn forget(&self) {
        self.runtime.block_on(self.world.cache.purge_all());
    }

    /// Median and longest of what is asked while nothing is known.
    fn cold(&self, request: &[u8], rounds: usize) -> (f64, f64) {
        let mut caller = Caller::open(self.world.address);
        let mut times = Vec::new();
        for _ in 0..=rounds {
            self.forget();
            let (time, body) = caller.ask(request);
            assert!(!body.contains("\"errors\""), "{body}");
            times.push(millis(time));
        }
        // The first makes the plan and the connections.
        times.remove(0);
        let longest = times.iter().copied().fold(0.0, f64::max);
        (median(times), longest)
    }

    fn on_call(&self, figures: &mut Figures) {
        let name = "50 components with on-call, 12 services, 3 policies";
        if !figures.wants(name) {
            return;
        }
        let address = self.world.address;
        self.upstream.take();
        let mut caller = Caller::open(address);
        let (_, body) = caller.ask(&page(ON_CALL, 0));
        assert_eq!(body.matches("\"level\":").count(), 100, "{body}");
        let cold = self.upstream.take();
        let says = format!("{cold} requests");
        figures.row(
            &format!("{name}, cold"),
            "12 + 1 requests",
            &says,
            cold == 13,
        );

        let (plain, live) = (pages("", WARM, false), pages(ON_CALL, WARM, false));
        warm(address, &live);
        self.upstream.take();
        let rounds = figures.rounds();
        let mut measured = Vec::new();
        for round in 0..=rounds {
            let plain = load::run(address, &plain, CONNECTIONS, ROUND);
            let live = load::run(address, &live, CONNECTIONS, ROUND);
            if round > 0 {
                measured.push((plain, live));
            }
        }
        let asked = self.upstream.take();
        let plain = median(measured.iter().map(|round| round.0));
        let live = median(measured.iter().map(|round| round.1));
        let share = median(measured.iter().map(|round| round.1 / round.0));
        let says = format!(
            "{asked} requests; {share:.2} ({live:.0}/s of {plain:.0}/s; in process {:.1} us, without {:.1} us)",
            self.in_process(ON_CALL),
            self.in_process("")
        );
        let name = "the same, warm, as a share of the page without `onCall`";
        figures.row(
            name,
            "0 requests; >= 0.25",
            &says,
            asked == 0 && share >= 0.25,
        );
    }

    fn burst(&self, figures: &mut Figures) {
        let name = "1,000 concurrent identical cold queries";
        if !figures.wants(name) {
            return;
        }
        self.upstream.wait(SLOW);
        self.forget();
        self.upstream.take();
        self.upstream.watch_keys();
        let took = load::burst(self.world.address, &page(ON_CALL, 1), 1_000);
        let (keys, most) = self.upstream.keys();
        let asked = self.upstream.take();
        self.upstream.wait(Duration::ZERO);
        let says = format!(
            "{keys} keys, at most {most} each, {asked} requests, {:.0} ms",
            millis(took)
        );
        figures.row(name, "1 request per key", &says, most == 1 && keys == 15);
    }

    fn providers(&self, figures: &mut Figures) {
        let name = "upstream at 50 ms, 5 independent providers in one query";
        if !figures.wants(name) {
            return;
        }
        let query = "{ component(ref: \"component-0007\") { ciRuns(first: 10) { nodes { createdAt provider } } } }";
        let request = load::post("/graphql", &json!({ "query": query }).to_string());
        self.upstream.wait(SLOW);
        let (time, longest) = self.cold(&request, 20);
        self.upstream.wait(Duration::ZERO);
        let says = format!("{time:.1} ms (longest {longest:.1} ms)");
        figures.row(name, "<= 65 ms", &says, time <= 65.0);
    }

    fn levels(&self, figures: &mut Figures) {
        let name = "two dependent levels at 50 ms each";
        if !figures.wants(name) {
            return;
        }
        self.upstream.wait(SLOW);
        let (time, longest) = self.cold(&page(ON_CALL, 2), 20);
        self.upstream.wait(Duration::ZERO);
        let says = format!("{time:.1} ms (longest {longest:.1} ms)");
        figures.row(name, "<= 115 ms", &says, time <= 115.0);
    }

    fn joins(&self, figures: &mut Figures) {
        let name = "50 items x 3 live joins, upstream at 50 ms, no cache";
        if !figures.wants(name) {
            return;
        }
        let shape = pages(ASKED, CONNECTIONS, true);
        warm(self.world.address, &shape);
        self.upstream.wait(SLOW);
        load::run(self.world.address, &shape, CONNECTIONS, ROUND);
        let mut rates = Vec::new();
        let mut calls = Vec::new();
        for _ in 0..figures.rounds() {
            self.upstream.take();
            let time = Duration::from_secs(1);
            let (rate, answered) = load::counted(self.world.address, &shape, CONNECTIONS, time);
            rates.push(rate);
            calls.push(self.upstream.take() as f64 / answered as f64);
        }
        self.upstream.wait(Duration::ZERO);
        let (rate, most) = (median(rates), calls.iter().copied().fold(0.0, f64::max));
        let exact = calls.iter().all(|calls| *calls == 3.0);
        let says = format!("{rate:.0}/s, {most} upstream calls a query");
        figures.row(name, ">= 270/s; 3 calls", &says, exact && rate >= 270.0);
    }

    fn kept_joins(&self, figures: &mut Figures) {
        let name = "50 items x 3 live joins, warm";
        if !figures.wants(name) {
            return;
        }
        let (shape, plain) = (pages(KEPT, WARM, false), pages("", WARM, false));
        warm(self.world.address, &shape);
        self.upstream.take();
        let mut measured = Vec::new();
        for round in 0..=figures.rounds() {
            let plain = load::run(self.world.address, &plain, CONNECTIONS, ROUND);
            let live = load::run(self.world.address, &shape, CONNECTIONS, ROUND);
            if round > 0 {
                measured.push((plain, live));
            }
        }
        let asked = self.upstream.take();
        let rate = median(measured.iter().map(|round| round.1));
        let share = median(measured.iter().map(|round| round.1 / round.0));
        let says = format!(
            "{rate:.0}/s, {asked} requests; {share:.2} of the page without them; in process {:.1} us",
            self.in_process(KEPT)
        );
        figures.row(name, ">= 20,000/s", &says, asked == 0 && rate >= 20_000.0);
    }

    /// Microseconds of a page that is warm, in process.
    fn in_process(&self, live: &str) -> f64 {
        let query = PAGE.replace("LIVE", live);
        let measured = instant::in_process(&self.world.engine, &query);
        self.runtime.block_on(measured)
    }

    /// One moment at which everything expires, in the middle of a load.
    fn expiry(&self, figures: &mut Figures) {
        let name = "entries expire under 64 connections";
        if !figures.wants(name) {
            return;
        }
        for (live, what, away, keys) in [
            (KEPT, "nothing stale", Duration::from_secs(7200), 150),
            (ON_CALL, "stale meanwhile", Duration::from_secs(90), 3),
        ] {
            let upstream = Arc::new(Upstream::start());
            let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
            let started = Linked::start(&upstream, clock, None);
            let world = self.runtime.block_on(started);
            let shape = Arc::new(Shape {
                requests: vec![page(live, 3)],
                apart: false,
            });
            warm(world.address, &shape);
            upstream.wait(SLOW);
            upstream.take();
            upstream.watch_keys();
            std::thread::scope(|scope| {
                scope.spawn(|| load::run(world.address, &shape, 64, ROUND));
                std::thread::sleep(ROUND / 3);
                world.pass(away);
            });
            let (asked, most) = upstream.keys();
            let says = format!(
                "{asked} keys, at most {most} each, {} requests",
                upstream.take()
            );
            let met = asked == keys && most == 1;
            figures.row(&format!("{name}, {what}"), "1 request per key", &says, met);
            self.runtime.block_on(world.stop());
        }
    }

    fn overhead(&self, figures: &mut Figures) {
        let name = "our overhead per upstream request, 1 item, upstream at 0 ms";
        if !figures.wants(name) {
            return;
        }
        let query =
            "query($ref: EntityRef!) { component(ref: $ref) { askedThing { score grade } } }";
        let body = |at: usize| {
            let variables = json!({ "ref": format!("component-{at:04}") });
            json!({ "query": query, "variables": variables }).to_string()
        };
        let shape = |path: &str| {
            Arc::new(Shape {
                requests: (0..320).map(|at| load::post(path, &body(at))).collect(),
                apart: true,
            })
        };
        let bare = self.runtime.block_on(proxy(&self.upstream));
        let (proxied, ours) = (shape("/proxy"), shape("/graphql"));
        warm(self.world.address, &ours);
        let mut measured = Vec::new();
        for round in 0..=figures.rounds() {
            let proxied = load::run(bare, &proxied, CONNECTIONS, ROUND);
            let ours = load::run(self.world.address, &ours, CONNECTIONS, ROUND);
            if round > 0 {
                measured.push((proxied, ours));
            }
        }
        let proxied = median(measured.iter().map(|round| round.0));
        let ours = median(measured.iter().map(|round| round.1));
        let ratio = median(measured.iter().map(|round| round.0 / round.1));
        let says = format!("{ratio:.2} ({ours:.0}/s, the proxy {proxied:.0}/s)");
        figures.row(name, "<= 1.5 of a proxy's time", &says, ratio <= 1.5);
    }

    fn down(&self, figures: &mut Figures) {
        let name = "upstream down, entries stale";
        if !figures.wants(name) {
            return;
        }
        let upstream = Arc::new(Upstream::start());
        let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let started = Linked::start(&upstream, clock, None);
        let world = self.runtime.block_on(started);
        let shape = pages(ON_CALL, WARM, false);
        warm(world.address, &shape);
        warm(self.world.address, &shape);
        upstream.fail(true);
        // Services are fresh for ten minutes and stale for hours; who is on call is stale for ten minutes after one.
        world.pass(Duration::from_secs(630));
        upstream.take();
        let mut shares = Vec::new();
        for round in 0..=figures.rounds() {
            let fresh = load::run(self.world.address, &shape, CONNECTIONS, ROUND);
            let stale = load::run(world.address, &shape, CONNECTIONS, ROUND);
            if round > 0 {
                shares.push(stale / fresh);
            }
        }
        let (share, asked) = (median(shares), upstream.take());
        let says = format!("{share:.2} of warm; {asked} requests failed");
        let met = share >= 0.9 && asked <= 20;
        figures.row(name, "as warm; <= 20 requests", &says, met);
        self.runtime.block_on(world.stop());
    }
}

/// A server of axum and reqwest that asks the upstream once for every request, and passes the answer on.
async fn proxy(upstream: &Upstream) -> SocketAddr {
    let client = reqwest::Client::builder().no_proxy().build();
    let url = format!("http://{}/one/r7", upstream.address);
    let state = (client.expect("a client"), url);
    let router = Router::new()
        .route("/proxy", post(pass_on))
        .with_state(Arc::new(state));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn pass_on(State(state): State<Arc<(reqwest::Client, String)>>, request: Bytes) -> Bytes {
    std::hint::black_box(request);
    let answer = state.0.get(&state.1).send().await.expect("an answer");
    answer.bytes().await.expect("a body")
}
