//! What queries cost over HTTP, as shares of a floor: `cargo bench --bench http`.
//!
//! The floor is a handler of the same server, behind the same connection handling and the same edge, that reads the same request and returns the same bytes and headers from memory.
//! Beside it stands a bare axum server that does the same with none of our code: what is between the two is the price of the edge.
//! All three are loaded in turn, in short rounds in one run; the median of the ratios counts, so that what else the machine does hits all of them.
//! Variables differ from request to request, and nothing caches whole responses.
//!
//! `CALLBOARD_BENCH_ENTITIES` and `CALLBOARD_BENCH_ROUNDS` change the size and the patience; without rounds only the engine is measured, in process.
//! `CALLBOARD_BENCH_SHAPE` is a part of the name of the one shape to measure.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and its tasks end with the process"
)]

#[path = "support/company.rs"]
#[expect(dead_code, reason = "the bench of the graph uses all of it")]
mod company;
#[path = "support/load.rs"]
#[expect(dead_code, reason = "the bench of live fields uses all of it")]
mod load;
#[path = "support/world.rs"]
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::post;
use callboard::clock::Budget;
use callboard::graphql::{Engine, Request};
use callboard::server::{self, Board};
use load::Shape;
use tokio_util::sync::CancellationToken;

const CONNECTIONS: usize = 16;
const ROUND: Duration = Duration::from_millis(700);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let entities = world::number("CALLBOARD_BENCH_ENTITIES", 100_000);
    let rounds = world::number("CALLBOARD_BENCH_ROUNDS", 9);
    // Two worker threads, as `serve` would have on two cores.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let shutdown = CancellationToken::new();
    let memory = Memory::default();
    let (address, engine, serving) =
        runtime.block_on(start(entities, memory.clone(), shutdown.clone()));
    let bare = runtime.block_on(bare(memory.clone(), shutdown.clone()));
    println!(
        "{entities} entities, {CONNECTIONS} connections, {rounds} rounds of {ROUND:?} each; medians\n\
         floor: a handler of the same server that answers from memory; bare: the same on plain axum, for comparison"
    );
    println!(
        "{:<44} {:>9} {:>9} {:>9} {:>6} {:>8} {:>11}",
        "", "bare/s", "floor/s", "ours/s", "ratio", "bytes", "in process"
    );
    let only = world::text("CALLBOARD_BENCH_SHAPE").unwrap_or_default();
    for (asked, reach) in shapes(entities) {
        if !asked.name.contains(&only) {
            continue;
        }
        let alone = runtime.block_on(in_process(&engine, &asked));
        if rounds == 0 {
            println!("{:<44} {alone:>67.1} µs", asked.name);
            continue;
        }
        let (shape, from_memory) = (Arc::new(asked.to("/graphql")), Arc::new(asked.to("/floor")));
        let (_, body) = load::Caller::open(address).ask(&shape.requests[0]);
        assert!(!body.contains("\"errors\""), "{body}");
        let bytes = body.len();
        *memory.lock() = Bytes::from(body);
        let mut measured = Vec::new();
        for round in 0..=rounds {
            let bare = load::run(bare, &from_memory, CONNECTIONS, ROUND);
            let floor = load::run(address, &from_memory, CONNECTIONS, ROUND);
            let ours = load::run(address, &shape, CONNECTIONS, ROUND);
            // The first round warms all up.
            if round > 0 {
                measured.push((bare, floor, ours));
            }
        }
        let (bare, floor, ours) = (
            median(measured.iter().map(|round| round.0)),
            median(measured.iter().map(|round| round.1)),
            median(measured.iter().map(|round| round.2)),
        );
        let ratio = median(measured.iter().map(|round| round.2 / round.1));
        println!(
            "{:<44} {bare:>9.0} {floor:>9.0} {ours:>9.0} {ratio:>6.2} {bytes:>8} {alone:>8.1} µs   reach {reach}",
            asked.name,
        );
    }
    shutdown.cancel();
    runtime.block_on(serving).expect("the server ends");
}

async fn start(
    entities: u32,
    memory: Memory,
    shutdown: CancellationToken,
) -> (SocketAddr, Engine, tokio::task::JoinHandle<()>) {
    let world = world::World::new(entities).await;
    let config = world::config();
    let engine = world.engine.clone();
    let board = Arc::new(Board::new(
        world.engine,
        world.catalog,
        config.limits.clone(),
    ));
    board.set_ready();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let floor = Router::new().route("/floor", post(move |request| answer(memory, request)));
    let serving = tokio::spawn(async move {
        server::run_with(listener, board, floor, &config.server, shutdown).await;
        drop(world.folder);
    });
    (address, engine, serving)
}

/// What the floor answers with.
type Memory = Arc<parking_lot::Mutex<Bytes>>;

/// Takes the whole request and gives back what is in memory, with the headers that an answer has.
async fn answer(memory: Memory, request: Bytes) -> impl IntoResponse {
    std::hint::black_box(request);
    let body = memory.lock().clone();
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/graphql-response+json; charset=utf-8",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept"),
    ];
    (headers, body)
}

/// The same without our server around it.
async fn bare(memory: Memory, shutdown: CancellationToken) -> SocketAddr {
    let router = Router::new().route("/floor", post(move |request| answer(memory, request)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
    });
    address
}

/// Microseconds that the engine alone takes for an answer, from the body's bytes to the answer's.
async fn in_process(engine: &Engine, asked: &Asked) -> f64 {
    let mut times = Vec::new();
    let deadline = Budget::of(Duration::from_secs(600));
    for round in 0..4_000 {
        let body = &asked.bodies[round % asked.bodies.len()];
        let started = Instant::now();
        let request: Request<'_> = serde_json::from_str(body).expect("a request");
        std::hint::black_box(engine.execute(&request, deadline).await);
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    median(times.into_iter().skip(1_000))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One query with many variables, as bodies of requests.
struct Asked {
    name: &'static str,
    bodies: Vec<String>,
}

impl Asked {
    fn new(name: &'static str, query: &str, variables: Vec<serde_json::Value>) -> Self {
        let body = |variables| serde_json::json!({ "query": query, "variables": variables });
        let bodies = variables
            .into_iter()
            .map(|variables| body(variables).to_string());
        Self {
            name,
            bodies: bodies.collect(),
        }
    }

    fn to(&self, path: &str) -> Shape {
        let requests = self.bodies.iter().map(|body| load::post(path, body));
        Shape {
            requests: requests.collect(),
            apart: false,
        }
    }
}

/// The shapes, with what they are to reach.
fn shapes(entities: u32) -> Vec<(Asked, f64)> {
    let by_ref = "query($ref: EntityRef!) { entity(ref: $ref) { id ref kind name namespace title description createdAt ... on Component { type lifecycle } } }";
    let page = "query($type: String!) { components(first: 50, filter: { type: { eq: $type } }, orderBy: [{ field: NAME }]) { nodes { name owner { name } } } }";
    let hops = "query($ref: EntityRef!) { system(ref: $ref) { name components(first: 50) { nodes { name dependsOn(first: 10) { nodes { name ... on Component { consumesApis(first: 10) { nodes { name } } } } } } } } }";
    let edges = "query($ref: EntityRef!) { system(ref: $ref) { name components(first: 7) { nodes { name dependsOn(first: 6) { nodes { name relations(first: 6) { nodes { targetRef } } } } } } } }";
    let rows = "query($lifecycle: String!) { components(first: 1000, filter: { lifecycle: { ne: $lifecycle } }) { nodes { name title type lifecycle description } } }";
    let refs = (0..1000).map(|number| serde_json::json!({ "ref": format!("component:default/{}", company::component(number * 31 % company::components(entities))) })).collect();
    let types = ["service", "library", "website"]
        .map(|word| serde_json::json!({ "type": word }))
        .to_vec();
    let systems: Vec<_> = (0..32)
        .map(|number| serde_json::json!({ "ref": format!("system:default/{}", company::system(number)) }))
        .collect();
    let lifecycles = ["experimental", "deprecated", "none"]
        .map(|word| serde_json::json!({ "lifecycle": word }))
        .to_vec();
    vec![
        (Asked::new("entity by ref, 10 fields", by_ref, refs), 0.55),
        (Asked::new("page of 50 with owner", page, types), 0.6),
        (
            Asked::new("three hops, about 300 objects", hops, systems.clone()),
            0.3,
        ),
        (
            Asked::new("three hops, the last over `relations`", edges, systems),
            0.3,
        ),
        (Asked::new("1,000 rows of 5 fields", rows, lifecycles), 0.12),
    ]
}
