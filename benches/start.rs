//! What a start costs the process that people run: time until it answers, work, and memory as the system sees it.
//!
//! `cargo bench --bench start`; `CALLBOARD_BENCH_SIZES=100000,1000000` says which sizes are started from the database, and `CALLBOARD_BENCH_ROUNDS` how often.
//! The catalog is made up and written as YAML, 500 entities to a file; the binary is a child process that is asked over HTTP until it has all of them.
//! The last figure is in process: a file of one entity changes, and is read, committed, applied and published beside all the others.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

#[path = "support/child.rs"]
mod child;
#[path = "support/company.rs"]
#[expect(dead_code, reason = "the bench of the graph uses all of it")]
mod company;
#[path = "support/yaml.rs"]
mod yaml;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::clock::Clock;
use callboard::config::Config;
use callboard::ingest::{Ingest, IngestOptions};
use callboard::sdl::Model;
use callboard::store::Store;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use child::Served;
use company::Company;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Entities of a file.
const PER_FILE: u32 = 500;
/// From YAML.
const SMALL: u32 = 10_000;

fn main() {
    let sizes = text("CALLBOARD_BENCH_SIZES", "100000");
    let rounds: usize = text("CALLBOARD_BENCH_ROUNDS", "3").parse().unwrap();
    let (model, _) = callboard::sdl::load(&callboard::sdl::core_files());
    let model = Arc::new(model.unwrap());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{cores} cores, other load {}; medians of {rounds} rounds",
        child::load()
    );
    println!(
        "{:<36} {:>8} {:>8} {:>8} {:>8}",
        "", "time", "work", "memory", "held"
    );
    small(&model, rounds);
    for size in sizes.split(',') {
        large(&model, size.trim().parse().unwrap(), rounds);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "benches are steered by the environment"
)]
fn text(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn small(model: &Arc<Model>, rounds: usize) {
    let world = World::new(model, SMALL);
    println!("\n{SMALL} entities");
    let first = |_| {
        world.forget();
        world.serve(SMALL)
    };
    report("YAML to queryable", (0..rounds).map(first).collect());
    let second = (0..rounds).map(|_| world.serve(SMALL)).collect();
    report("second start, from the database", second);
    let check = (0..rounds).map(|_| child::run(&["check".as_ref(), world.catalog().as_ref()]));
    report("check of the same files", check.collect());
}

fn large(model: &Arc<Model>, n: u32, rounds: usize) {
    let world = World::new(model, n);
    println!("\n{n} entities");
    report("YAML to queryable", vec![world.serve(n)]);
    let starts = (0..rounds).map(|_| world.serve(n)).collect();
    report("start, from the database", starts);
    changes(model, &world, n);
}

fn report(name: &str, mut rounds: Vec<Served>) {
    rounds.sort_by_key(|served| served.after);
    let median = &rounds[rounds.len() / 2];
    let highest = rounds.iter().filter_map(|served| served.peak.highest).max();
    let megabytes = |bytes: Option<u64>| match bytes {
        Some(bytes) => format!("{} MB", bytes / 1_000_000),
        None => "unknown".to_owned(),
    };
    let seconds = |time: Option<Duration>| match time {
        Some(time) => format!("{:.2} s", time.as_secs_f64()),
        None => "unknown".to_owned(),
    };
    println!(
        "  {name:<34} {:>8} {:>8} {:>8} {:>8}",
        seconds(Some(median.after)),
        seconds(median.worked),
        megabytes(highest),
        megabytes(median.peak.held)
    );
}

/// A folder with descriptors, a configuration and, after a start, a database.
struct World(TempDir);

impl World {
    fn new(model: &Arc<Model>, n: u32) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        fs::create_dir(world.catalog()).unwrap();
        let company = Company::new(model, n);
        let mut text = String::new();
        for at in 0..n {
            text.push_str("---\n");
            yaml::write(&company.record(at).descriptor, &mut text);
            if (at + 1) % PER_FILE == 0 || at + 1 == n {
                let file = format!("part-{:05}.yaml", at / PER_FILE);
                fs::write(world.catalog().join(file), &text).unwrap();
                text.clear();
            }
        }
        let config = "sources: [{ name: company, type: file, path: catalog/*.yaml }]\n";
        fs::write(world.path().join("callboard.yaml"), config).unwrap();
        world
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn catalog(&self) -> PathBuf {
        self.path().join("catalog")
    }

    fn forget(&self) {
        for file in ["callboard.db", "callboard.db-wal", "callboard.db-shm"] {
            let gone = fs::remove_file(self.path().join(file));
            assert!(gone.is_ok() || !self.path().join(file).exists());
        }
    }

    fn serve(&self, n: u32) -> Served {
        child::serve(&self.path().join("callboard.yaml"), n)
    }
}

/// One entity changes, again and again, beside all that the server left in its database.
fn changes(model: &Arc<Model>, world: &World, n: u32) {
    let file = world.path().join("one.yaml");
    let url = format!("sqlite:{}", world.path().join("callboard.db").display());
    let config = format!(
        "sources: [{{ name: one, type: file, path: one.yaml }}]\ndatabase: {{ url: '{url}' }}\n"
    );
    fs::write(world.path().join("one-source.yaml"), config).unwrap();
    let (config, problems) = Config::load(&world.path().join("one-source.yaml"), &|_| None);
    assert!(config.is_some(), "{problems:?}");
    let config = config.unwrap();
    let options = IngestOptions {
        // The others are of a source that is not configured here.
        orphans: callboard::config::Orphans::Keep,
        ..IngestOptions::default()
    };
    let write = |round: u32| {
        let mut text = String::new();
        write!(
            text,
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: one, description: round {round} }}\nspec: {{ type: service, lifecycle: production, owner: {}, dependsOn: ['component:{}'] }}\n",
            company::team(n, round % 7),
            company::component(round % company::components(n)),
        )
        .unwrap();
        fs::write(&file, text).unwrap();
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut times = runtime.block_on(async {
        write(0);
        let store = Store::open(&url).await.unwrap();
        let clock = Clock::system();
        let opened = Ingest::open(store, Arc::clone(model), &config.sources, options, clock);
        let ingest = opened.await.unwrap();
        let cancel = CancellationToken::new();
        ingest.read_all(&cancel).await.unwrap();
        assert_eq!(ingest.catalog().snapshot().len(), n as usize + 1);
        let mut times: Vec<Duration> = Vec::new();
        for round in 1..=400 {
            write(round);
            let before = ingest.catalog().snapshot().revision();
            let start = Instant::now();
            ingest.read_all(&cancel).await.unwrap();
            times.push(start.elapsed());
            assert!(ingest.catalog().snapshot().revision() > before);
        }
        times
    });
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "  one changed entity until it is visible: p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
