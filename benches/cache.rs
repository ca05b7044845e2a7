//! What the cache costs where nothing has to be fetched: a key, a read, and what its bound of memory is worth.
//!
//! `cargo bench --bench cache`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use callboard::cache::{Cache, Content, Key, Life, NewEntry, Prefix, Settings, Terms};
use callboard::clock::Clock;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::CacheMetrics;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MEMORY: u64 = 64 << 20;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let settings = Settings {
        memory: MEMORY,
        redis: None,
        patience: callboard::cache::PATIENCE,
    };
    let tasks = Tasks::new();
    let cache = runtime.block_on(Cache::open(
        settings,
        Clock::system(),
        CacheMetrics::default(),
        &tasks,
    ));
    let prefix = Prefix::new(["pagerduty", "mapping-1", "rest", "default", "credential"]);
    let names: Vec<String> = (0..2_000).map(|n| format!("PSERVICE{n}")).collect();
    let keys: Vec<Key> = names.iter().map(|name| prefix.key([name])).collect();

    memory(&cache, &prefix);
    for key in &keys {
        cache.put(*key, cache.mark(), entry(&cache, 0));
    }
    let time = each(names.len(), || {
        for name in &names {
            black_box(prefix.key([name]));
        }
    });
    println!("a key from its prefix            {time:>6.0} ns");
    let now = cache.now();
    let read = || {
        for key in &keys {
            black_box(cache.get_at(key, now).unwrap());
        }
    };
    println!(
        "a read                           {:>6.0} ns",
        each(keys.len(), read)
    );
    let time = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| each(keys.len(), read)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum::<f64>()
            / 2.0
    });
    println!("a read, on two cores at once     {time:>6.0} ns");
    let time = each(keys.len(), || {
        for key in &keys {
            black_box(cache.get(key).unwrap());
        }
    });
    println!("a read that asks for the time    {time:>6.0} ns");
}

/// Fills the cache several times over; what the process has grown by must be near the bound.
fn memory(cache: &Cache, prefix: &Prefix) {
    let before = resident();
    for n in 0..400_000_u32 {
        let key = prefix.key([n.to_le_bytes()]);
        cache.put(key, cache.mark(), entry(cache, n));
    }
    let grown = resident().saturating_sub(before);
    println!(
        "memory: {} MB by our count, {} MB resident",
        cache.figures().bytes / 1_000_000,
        grown / 1_000_000
    );
}

fn entry(cache: &Cache, n: u32) -> NewEntry {
    let terms = Terms {
        fresh: Duration::from_secs(3600),
        ..Terms::default()
    };
    let content = Content::Json(json!([
        { "id": format!("P{n}"), "escalation_level": 1, "user": { "name": "Jane Doe", "email": "jane@example.org", "id": "U1" },
          "escalation_policy": { "id": "PX", "summary": "Default escalation policy" }, "start": "2026-01-01T00:00:00Z", "end": null },
        { "id": format!("P{n}"), "escalation_level": 2, "user": { "name": "John Doe", "email": "john@example.org", "id": "U2" },
          "escalation_policy": { "id": "PX", "summary": "Default escalation policy" }, "start": "2026-01-01T00:00:00Z", "end": null },
    ]));
    NewEntry::new(content, Life::new(cache.now(), terms))
}

/// Nanoseconds for each of `count` in one call, the best of many.
fn each(count: usize, mut work: impl FnMut()) -> f64 {
    let best = (0..200)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    best.as_secs_f64() * 1e9 / count as f64
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
