//! The executor's own share of a page with a live field, in process: its upstream is a source that has every answer at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::clock::Budget;
use callboard::connect::{Answer, Fetched, Group, LiveField, LiveSource, Parent, Scope};
use callboard::graphql::{Engine, Request};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::figures::{Figures, median};
use crate::linked::Linked;

/// Gives every parent the same object.
struct Immediate;

impl Immediate {
    fn answers(n: usize) -> Vec<Answer> {
        let answer = || Fetched::Value(json!({ "score": 7, "grade": "B" })).into();
        std::iter::repeat_with(answer).take(n).collect()
    }
}

impl LiveSource for Immediate {
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let answers = groups
            .iter()
            .map(|group| Self::answers(group.parents.len()));
        answers
            .map(|answers| std::future::ready(answers).boxed())
            .collect()
    }
}

pub(crate) fn measure(runtime: &Runtime, world: &Linked, figures: &mut Figures) {
    let name = "50 items with one live field, upstream at 0 ms, in process";
    if !figures.wants(name) {
        return;
    }
    let source = Arc::new(Immediate);
    let engine = world.engine_with(Arc::clone(&source) as Arc<dyn LiveSource>);
    let query = |live: &str| {
        format!("query($first: Int!) {{ components(first: $first) {{ nodes {{ name {live} }} }} }}")
    };
    let (with, without) = (query("askedQuality { score grade }"), query(""));
    let rounds: Vec<[f64; 3]> = (0..figures.rounds())
        .map(|_| {
            let whole = runtime.block_on(in_process(&engine, &with));
            let plain = runtime.block_on(in_process(&engine, &without));
            [whole, plain, alone(runtime, world, &source)]
        })
        .collect();
    let [whole, plain, upstream] = [0, 1, 2].map(|of| median(rounds.iter().map(|round| round[of])));
    let over = median(rounds.iter().map(|[whole, _, upstream]| whole - upstream));
    let says = format!(
        "{over:.1} us ({whole:.1} us, its upstream {upstream:.1} us, the page alone {plain:.1} us)"
    );
    let met = over <= 10.0;
    figures.row(name, "<= 10 us over the upstream", &says, met);
}

/// Microseconds from the request's text to the answer's bytes.
pub(crate) async fn in_process(engine: &Engine, query: &str) -> f64 {
    let deadline = Budget::of(Duration::from_secs(600));
    let mut times = Vec::new();
    for round in 0..6_000 {
        let variables = json!({ "set": format!("set-{}", round % 4), "first": 50 });
        let body = json!({ "query": query, "variables": variables }).to_string();
        let started = Instant::now();
        let request: Request<'_> = serde_json::from_str(&body).expect("a request");
        let response = engine.execute(&request, deadline).await;
        times.push(started.elapsed().as_secs_f64() * 1e6);
        assert!(response.body.len() > 1_000);
    }
    median(times.into_iter().skip(1_000))
}

/// Microseconds that the source takes by itself.
fn alone(runtime: &Runtime, world: &Linked, source: &Immediate) -> f64 {
    let budget = Budget::of(Duration::from_secs(600));
    let scope = Arc::new(Scope::new(world.catalog.snapshot(), budget));
    let field = Arc::new(LiveField::default());
    let times = (0..2_000).map(|_| {
        let group = Group {
            field: Arc::clone(&field),
            parents: vec![Parent::Root; 50],
            scope: Arc::clone(&scope),
        };
        let started = Instant::now();
        for future in source.fetch(vec![group]) {
            std::hint::black_box(runtime.block_on(future));
        }
        started.elapsed().as_secs_f64() * 1e6
    });
    median(times)
}
