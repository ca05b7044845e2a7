//! What the snapshot costs: build, memory, queries, one change.
//!
//! `cargo bench --bench graph`; `CALLBOARD_BENCH_SIZES=100000,1000000` says how many entities.
//! The catalog is made up as it is read, so that memory is the snapshot's own.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

#[path = "support/company.rs"]
mod company;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::graph::{Delta, Direction, Filter, Ix, Order, Predicate, Snapshot, Window};
use callboard::sdl::{ColumnId, Model, RelationId};
use roaring::RoaringBitmap;

use company::{Company, Dice};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the size is asked for on the command line"
    )]
    let sizes = std::env::var("CALLBOARD_BENCH_SIZES").unwrap_or_else(|_| "100000".to_owned());
    let (model, problems) = callboard::sdl::load(&callboard::sdl::core_files());
    assert!(
        problems.iter().all(|problem| !problem.is_error()),
        "{problems:?}"
    );
    let model = Arc::new(model.unwrap());
    for size in sizes.split(',') {
        measure(&model, size.trim().parse().unwrap());
    }
}

fn measure(model: &Arc<Model>, n: u32) {
    println!("\n{n} entities");
    let company = Company::new(model, n);
    let start = Instant::now();
    let mut relations = 0;
    for record in company.records() {
        relations += black_box(record).relations.len();
    }
    let making = start.elapsed();
    let before = resident();
    let start = Instant::now();
    let snapshot = Snapshot::build(Arc::clone(model), 1, company.records(), Vec::new());
    let built = start.elapsed();
    let bytes = resident() - before;
    println!(
        "  build {:.2} s (and {:.2} s to make the records), {} relations, {} MB, {} bytes each, process {} MB",
        (built.saturating_sub(making)).as_secs_f64(),
        making.as_secs_f64(),
        relations,
        bytes / 1_000_000,
        bytes / n as usize,
        resident() / 1_000_000
    );
    queries(model, &snapshot, n);
    walks(model, &snapshot);
    changes(&company, &snapshot, n);
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!(
        "  {name:<58} p50 {:>9.1} µs   p99 {:>9.1} µs   worst {:>9.1} µs",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn timed(name: &str, rounds: usize, mut work: impl FnMut(usize)) {
    (0..rounds / 10).for_each(&mut work);
    let time = |round| {
        let start = Instant::now();
        work(round);
        start.elapsed()
    };
    report(name, (0..rounds).map(time).collect());
}

fn first(n: usize) -> Window<'static> {
    Window {
        first: Some(n),
        ..Window::default()
    }
}

fn queries(model: &Model, snapshot: &Snapshot, n: u32) {
    let column = |name: &str| model.column_by_name[name][0];
    let relation = |name: &str| model.relation_by_name[name];
    let eq =
        |name: &str, value: &str| Filter::Column(vec![column(name)], Predicate::Eq(value.into()));
    let component = Filter::Kind(vec![model.kind("component")]);
    let by_name = [Order {
        column: column("name"),
        descending: false,
    }];
    let mut dice = Dice::new(7);

    let columns: Vec<ColumnId> = [
        "name",
        "title",
        "description",
        "kind",
        "namespace",
        "type",
        "lifecycle",
        "tags",
        "id",
        "ref",
    ]
    .map(column)
    .into();
    let mut out = Vec::new();
    timed("by ref, write 10 columns", 20_000, |_| {
        out.clear();
        let name = company::component(dice.below(company::components(n)));
        let ix = snapshot.find(&format!("component:default/{name}")).unwrap();
        let row = snapshot.row(ix);
        for column in &columns {
            black_box(row.write(*column, &mut out));
        }
    });
    timed("descriptor", 5_000, |_| {
        black_box(snapshot.descriptor(Ix(dice.below(n))));
    });
    timed("1,000 rows of 5 columns", 500, |_| {
        out.clear();
        let page = snapshot.page(snapshot.all(), &[], &first(1_000)).unwrap();
        for ix in page.items {
            let row = snapshot.row(ix);
            for column in &columns[..5] {
                black_box(row.write(*column, &mut out));
            }
        }
    });

    let types = [
        "service",
        "library",
        "website",
        "data-pipeline",
        "mobile-app",
    ];
    let orders: Vec<[Order; 1]> = ["name", "title", "type", "description", "updatedAt"]
        .iter()
        .flat_map(|name| {
            [false, true].map(|descending| {
                [Order {
                    column: column(name),
                    descending,
                }]
            })
        })
        .collect();
    let facets = [
        "spec.type",
        "tags",
        "lifecycle",
        "relations.ownedBy",
        "kind",
    ];
    let mixed = |dice: &mut Dice| match dice.below(5) {
        0 => eq("lifecycle", "production"),
        1 => Filter::Relation(
            relation("ownedBy"),
            Predicate::Eq(format!("group:default/{}", company::group(20 + dice.below(50))).into()),
        ),
        2 => Filter::Column(
            vec![column("name")],
            Predicate::StartsWith(
                ["pay", "b", "zz", "risk-gateway"][dice.below(4) as usize].to_owned(),
            ),
        ),
        3 => Filter::Column(
            vec![column("tags")],
            Predicate::In(vec!["java".into(), "tier1".into(), "pci".into()]),
        ),
        _ => Filter::Not(Box::new(eq("lifecycle", "deprecated"))),
    };
    timed("filter + order + page of 20 + facet, mixed", 2_000, |_| {
        let filter = Filter::And(vec![
            component.clone(),
            eq("type", types[dice.below(5) as usize]),
            mixed(&mut dice),
        ]);
        let set = snapshot.select(&filter);
        let order = &orders[dice.below(orders.len() as u32) as usize];
        black_box(snapshot.page(&set, order, &first(20)).unwrap());
        black_box(snapshot.facet(&set, facets[dice.below(5) as usize], 100));
    });
    timed("page of 20 by name, all", 2_000, |_| {
        black_box(snapshot.page(snapshot.all(), &by_name, &first(20)).unwrap());
    });
    timed(
        "page of 20 by name from a cursor, kind component",
        2_000,
        |_| {
            let set = snapshot.select(&component);
            let cursor = snapshot.cursor(Ix(dice.below(n)), &by_name);
            let window = Window {
                after: Some(&cursor),
                ..first(20)
            };
            black_box(snapshot.page(&set, &by_name, &window).unwrap());
        },
    );
    timed("count of kind and type", 2_000, |_| {
        let filter = Filter::And(vec![
            component.clone(),
            eq("type", types[dice.below(5) as usize]),
        ]);
        black_box(snapshot.count(&filter));
    });
    for by in ["spec.type", "kind", "metadata.tags", "relations.ownedBy"] {
        timed(&format!("facet `{by}`, all"), 200, |_| {
            black_box(snapshot.facet(snapshot.all(), by, 100));
        });
        let production = snapshot.select(&eq("lifecycle", "production"));
        timed(&format!("facet `{by}`, those in production"), 200, |_| {
            black_box(snapshot.facet(&production, by, 100));
        });
    }
    timed("any of two relations, by name, 2,000", 200, |round| {
        let system = format!("system:default/{}", company::system(round as u32 % 4));
        let team = format!("group:default/{}", company::team(n, round as u32 % 4));
        let filter = Filter::Or(vec![
            Filter::Relation(relation("partOf"), Predicate::Eq(system.into())),
            Filter::Relation(relation("ownedBy"), Predicate::Eq(team.into())),
        ]);
        let set = snapshot.select(&filter);
        black_box(snapshot.page(&set, &by_name, &first(2_000)).unwrap());
    });
    timed("`contains` on the name, page of 20", 100, |round| {
        let part = ["gateway", "ion-p", "77", "zzz"][round % 4];
        let set = snapshot.select(&Filter::Column(
            vec![column("name")],
            Predicate::Contains(part.to_owned()),
        ));
        black_box(snapshot.page(&set, &by_name, &first(20)).unwrap());
    });
    let path = || {
        Filter::Path(
            "metadata.annotations.jenkins.io/job-full-name".into(),
            Predicate::Exists(true),
        )
    };
    let start = Instant::now();
    black_box(snapshot.select(&path()));
    println!(
        "  first filter on a path that is no column: {:.2} s",
        start.elapsed().as_secs_f64()
    );
    timed("filter on that path again", 1_000, |_| {
        black_box(snapshot.count(&path()));
    });
}

fn walks(model: &Model, snapshot: &Snapshot) {
    let ids = |names: &[&str]| -> Vec<RelationId> {
        names
            .iter()
            .map(|name| model.relation_by_name[*name])
            .collect()
    };
    let root = snapshot
        .find(&format!("group:default/{}", company::group(0)))
        .unwrap();
    let owns = ids(&["parentOf", "ownerOf"]);
    timed("closure: all that the organisation owns", 20, |_| {
        black_box(snapshot.closure(root, &owns));
    });
    let domains = ids(&["dependencyOf", "apiConsumedBy", "hasPart", "providesApi"]);
    let system = snapshot
        .find(&format!("system:default/{}", company::system(0)))
        .unwrap();
    timed("impact of a system, 5 steps, at most 1,000", 50, |_| {
        black_box(snapshot.impact(&[system], Direction::Out, &domains, 5, 1_000));
    });
    let all: Vec<_> = (0..model.relations.len())
        .map(|at| RelationId(at as u16))
        .collect();
    let mut dice = Dice::new(3);
    timed("path between two, any types, 10 steps", 200, |_| {
        let (from, to) = (
            dice.below(snapshot.len() as u32),
            dice.below(snapshot.len() as u32),
        );
        black_box(snapshot.path(Ix(from), Ix(to), &all, 10));
    });
}

fn changes(company: &Company, snapshot: &Snapshot, n: u32) {
    let mut dice = Dice::new(11);
    let mut state = snapshot.clone();
    let mut revision = 2;
    let mut apply = |name: &str, make: &mut dyn FnMut(&mut Dice, u64) -> Delta| {
        let mut times = Vec::new();
        for _ in 0..500 {
            revision += 1;
            let delta = make(&mut dice, revision);
            // The old state lives on, as requests hold it.
            let held = state.clone();
            let start = Instant::now();
            state = held.apply(delta);
            times.push(start.elapsed());
        }
        report(name, times);
    };
    apply(
        "one entity changed: description, tags, updatedAt",
        &mut |dice, revision| {
            let mut record = company.record(dice.below(n));
            let metadata = &mut record.descriptor["metadata"];
            metadata["description"] = format!("Changed in {revision}").into();
            metadata["tags"] = serde_json::json!(["go", "changed"]);
            record.updated_at =
                jiff::Timestamp::from_second(1_800_000_000 + revision as i64).unwrap();
            Delta {
                revision,
                upserts: vec![record],
                ..Delta::default()
            }
        },
    );
    apply("one entity changed: owner", &mut |dice, revision| {
        let at = dice.below(n);
        Delta {
            revision,
            upserts: vec![company.moved(at, dice.below(n))],
            ..Delta::default()
        }
    });
    apply("one entity added", &mut |_, revision| Delta {
        revision,
        upserts: vec![company.record(n + revision as u32)],
        ..Delta::default()
    });
    apply("one entity removed", &mut |dice, revision| Delta {
        revision,
        removals: vec![company.record(dice.below(n)).entity_ref],
        ..Delta::default()
    });
    let upserts: Vec<_> = (0..1_000)
        .map(|_| company.moved(dice.below(n), dice.below(n)))
        .collect();
    let start = Instant::now();
    let next = state.apply(Delta {
        upserts,
        ..Delta::default()
    });
    println!(
        "  1,000 entities changed in one delta: {:.1} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    black_box::<RoaringBitmap>(next.all().clone());
}
