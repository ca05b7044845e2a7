//! What queries cost over HTTP, as shares of a floor: `cargo bench --bench http`.
//!
//! The floor is a bare axum handler in the same process that reads the request and returns the same bytes from memory; it has none of our middleware, so the shares count that as well.
//! Floor and subject are loaded in turn, in short rounds in one run; the median of the ratios counts, so that what else the machine does hits both.
//! Variables differ from request to request, and nothing caches whole responses.
//!
//! `CALLBOARD_BENCH_ENTITIES` and `CALLBOARD_BENCH_ROUNDS` change the size and the patience.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and its tasks end with the process"
)]

#[path = "support/company.rs"]
#[expect(dead_code, reason = "the bench of the graph uses all of it")]
mod company;
#[path = "support/load.rs"]
mod load;
#[path = "support/world.rs"]
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header;
use axum::routing::post;
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
    let (address, serving) = runtime.block_on(start(entities, shutdown.clone()));
    println!(
        "{entities} entities, {CONNECTIONS} connections, {rounds} rounds of {ROUND:?} each; medians"
    );
    println!(
        "{:<44} {:>10} {:>10} {:>7} {:>9}",
        "", "floor/s", "ours/s", "ratio", "bytes"
    );
    for (shape, reach) in shapes(entities) {
        let shape = Arc::new(shape);
        let body = load::once(address, &shape.requests[0]);
        assert!(
            !body.windows(8).any(|window| window == b"\"errors\""),
            "{}",
            String::from_utf8_lossy(&body)
        );
        let floor_address = runtime.block_on(floor(body.clone(), shutdown.clone()));
        let mut pairs = Vec::new();
        for round in 0..=rounds {
            let floor = load::run(floor_address, &shape, CONNECTIONS, ROUND);
            let ours = load::run(address, &shape, CONNECTIONS, ROUND);
            // The first round warms both up.
            if round > 0 {
                pairs.push((floor, ours));
            }
        }
        let (floor, ours) = (
            median(pairs.iter().map(|pair| pair.0)),
            median(pairs.iter().map(|pair| pair.1)),
        );
        let ratio = median(pairs.iter().map(|pair| pair.1 / pair.0));
        println!(
            "{:<44} {floor:>10.0} {ours:>10.0} {ratio:>7.2} {:>9}   reach {reach}",
            shape.name,
            body.len()
        );
    }
    shutdown.cancel();
    runtime.block_on(serving).expect("the server ends");
}

async fn start(
    entities: u32,
    shutdown: CancellationToken,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let world = world::World::new(entities).await;
    let config = world::config();
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
    let serving = tokio::spawn(async move {
        server::run(listener, board, &config.server, shutdown).await;
        drop(world.folder);
    });
    (address, serving)
}

/// Reads the request and answers with `body`.
async fn floor(body: Vec<u8>, shutdown: CancellationToken) -> SocketAddr {
    let body = Bytes::from(body);
    let handler = move |request: Bytes| {
        let body = body.clone();
        async move {
            std::hint::black_box(request);
            (
                [(
                    header::CONTENT_TYPE,
                    "application/graphql-response+json; charset=utf-8",
                )],
                body,
            )
        }
    };
    let router = axum::Router::new().route("/graphql", post(handler));
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

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The four shapes, with what they are to reach.
fn shapes(entities: u32) -> Vec<(Shape, f64)> {
    let by_ref = "query($ref: EntityRef!) { entity(ref: $ref) { id ref kind name namespace title description createdAt ... on Component { type lifecycle } } }";
    let page = "query($type: String!) { components(first: 50, filter: { type: { eq: $type } }, orderBy: [{ field: NAME }]) { nodes { name owner { name } } } }";
    let hops = "query($ref: EntityRef!) { system(ref: $ref) { name components(first: 7) { nodes { name dependsOn(first: 6) { nodes { name relations(first: 6) { nodes { targetRef } } } } } } } }";
    let rows = "query($lifecycle: String!) { components(first: 1000, filter: { lifecycle: { ne: $lifecycle } }) { nodes { name title type lifecycle description } } }";
    let of = |name, query: &str, variables: Vec<serde_json::Value>| Shape {
        name,
        requests: variables
            .into_iter()
            .map(|variables| {
                load::post(
                    "/graphql",
                    &serde_json::json!({ "query": query, "variables": variables }).to_string(),
                )
            })
            .collect(),
    };
    let refs = (0..1000).map(|number| serde_json::json!({ "ref": format!("component:default/{}", company::component(number * 31 % company::components(entities))) })).collect();
    let types = ["service", "library", "website"]
        .map(|word| serde_json::json!({ "type": word }))
        .to_vec();
    let systems = (0..32)
        .map(|number| serde_json::json!({ "ref": format!("system:default/{}", company::system(number)) }))
        .collect();
    let lifecycles = ["experimental", "deprecated", "none"]
        .map(|word| serde_json::json!({ "lifecycle": word }))
        .to_vec();
    vec![
        (of("entity by ref, 10 fields", by_ref, refs), 0.55),
        (of("page of 50 with owner", page, types), 0.6),
        (of("three hops, about 300 objects", hops, systems), 0.3),
        (of("1,000 rows of 5 fields", rows, lifecycles), 0.12),
    ]
}
