//! What is read beside the catalog costs, at a real server: words over HTTP, a tree of docs, a page of it, a large definition.
//!
//! `cargo bench --bench read`; `CALLBOARD_BENCH_SHAPE` is a part of the name of the one figure to measure, `CALLBOARD_BENCH_DEFINITION` a file with an API definition that is read beside the made-up one.
//! Times are from the request to its whole answer, and from the start of a server where the figure says so.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark prints, is steered by the environment, and ends where it cannot go on"
)]

#[path = "support/child.rs"]
#[expect(dead_code, reason = "the bench of starts uses all of it")]
mod child;
#[path = "support/company.rs"]
#[expect(dead_code, reason = "the bench of the graph uses all of it")]
mod company;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/load.rs"]
#[expect(dead_code, reason = "the bench of live fields uses all of it")]
mod load;
#[path = "support/yaml.rs"]
mod yaml;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use company::{Company, Dice};
use figures::{Figures, median};
use load::{Caller, Shape};

const ENTITIES: u32 = 10_000;
const CONNECTIONS: usize = 16;
const ROUND: Duration = Duration::from_millis(700);
const PAGES: u32 = 500;
const OPERATIONS: u32 = 10_000;

fn main() {
    let mut figures = Figures::new();
    words(&mut figures);
    docs(&mut figures);
    definitions(&mut figures);
}

/// A folder with a configuration and one file of descriptors.
struct World(tempfile::TempDir);

impl World {
    fn new(descriptors: &str) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        fs::write(world.path().join("catalog-info.yaml"), descriptors).unwrap();
        let config = "sources: [{ name: company, type: file, path: catalog-info.yaml }]\n";
        fs::write(world.path().join("callboard.yaml"), config).unwrap();
        world
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn start(&self) -> Server {
        let child = child::Server::start(&self.path().join("callboard.yaml"));
        let address = child.address.parse().unwrap();
        Server {
            _child: child,
            address,
        }
    }
}

struct Server {
    _child: child::Server,
    address: SocketAddr,
}

impl Server {
    fn ask(&self, query: &str) -> (Duration, Value) {
        let request = load::post("/graphql", &json!({ "query": query }).to_string());
        let (time, body) = Caller::open(self.address).ask(&request);
        let answer: Value = serde_json::from_str(&body).unwrap();
        // A server that has just started says so.
        let waits = answer["errors"][0]["extensions"]["code"] == "NOT_READY";
        assert!(waits || answer.get("errors").is_none(), "{answer}");
        (time, answer)
    }

    /// Waits until the search index has all of a catalog of `n` entities.
    fn wait_for_index(&self, n: u32) {
        loop {
            let (_, answer) = self.ask(
                "{ entities(first: 1) { totalCount } search(query: \"\", first: 1) { indexState { state } } }",
            );
            let data = &answer["data"];
            if data["entities"]["totalCount"] == n
                && data["search"]["indexState"]["state"] == "READY"
            {
                return;
            }
            sleep(Duration::from_millis(5));
        }
    }
}

/// What is asked for of each search.
const ASKED: [(&str, &str, &str); 2] = [
    (
        "`search` over HTTP, 10,000 entities, 16 connections",
        "25 results with highlights, as Backstage's API gives them",
        "query($words: String!) { search(query: $words, first: 25) { totalCount pageInfo { hasNextPage endCursor } edges { node { id ... on Entity { ref title description } } highlights { field html } } } }",
    ),
    (
        "the same with 3 facets, over HTTP",
        "20 results with highlights and ranges, and 3 facets",
        "query($words: String!) { search(query: $words, first: 20) { totalCount facets(by: [\"kind\", \"spec.type\", \"metadata.tags\"]) { values { value count } } edges { score node { id ... on Entity { ref title } } highlights { field html ranges { start end } } } } }",
    ),
];

fn words(figures: &mut Figures) {
    if !ASKED.iter().any(|(name, ..)| figures.wants(name)) {
        return;
    }
    let (model, _) = callboard::sdl::load(&callboard::sdl::core_files());
    let company = Company::new(&Arc::new(model.unwrap()), ENTITIES);
    let mut text = String::new();
    let mut asked = Vec::new();
    for (at, record) in company.records().enumerate() {
        text.push_str("---\n");
        yaml::write(&record.descriptor, &mut text);
        if at % 11 == 0 {
            let name = record.entity_ref.name().to_owned();
            let parts: Vec<&str> = name.split('-').collect();
            asked.extend([
                name.clone(),
                parts[0].to_owned(),
                parts[..2].join(" "),
                parts[1].chars().take(3).collect(),
                format!("\"{}\" kind:component", parts[..2].join(" ")),
            ]);
        }
    }
    let world = World::new(&text);
    let server = world.start();
    server.wait_for_index(ENTITIES);
    // Until its parts are put together: from then on nothing else is done there.
    sleep(Duration::from_secs(4));
    for (name, what, query) in ASKED {
        if !figures.wants(name) {
            continue;
        }
        let requests = asked.iter().map(|words| {
            let body = json!({ "query": query, "variables": { "words": words } });
            load::post("/graphql", &body.to_string())
        });
        let shape = Arc::new(Shape {
            requests: requests.collect(),
            apart: false,
        });
        let (_, first) = Caller::open(server.address).ask(&shape.requests[0]);
        assert!(!first.contains("\"errors\""), "{first}");
        let rounds =
            (0..figures.rounds()).map(|_| load::run(server.address, &shape, CONNECTIONS, ROUND));
        let measured = median(rounds.collect::<Vec<_>>());
        figures.row(
            name,
            ">= 2,890/s",
            &format!("{measured:.0}/s, {what}"),
            measured >= 2_890.0,
        );
    }
}

fn docs(figures: &mut Figures) {
    let name = "500 pages of docs, from the start of a server until all are found";
    if !figures.wants(name) {
        return;
    }
    let world = World::new(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: manual\n  annotations: { backstage.io/techdocs-ref: 'dir:.' }\nspec: { type: documentation, lifecycle: production, owner: nobody }\n",
    );
    fs::write(world.path().join("mkdocs.yml"), "site_name: Manual\n").unwrap();
    fs::create_dir(world.path().join("docs")).unwrap();
    fs::write(world.path().join("docs/index.md"), "# Manual\n").unwrap();
    let mut bytes = 0;
    for number in 1..PAGES {
        let text = page(number);
        bytes += text.len();
        let file = format!("docs/chapter-{number:03}.md");
        fs::write(world.path().join(file), text).unwrap();
    }
    let started = Instant::now();
    let server = world.start();
    let sections = PAGES - 1;
    loop {
        // Each page has one section of this name.
        let (_, answer) =
            server.ask("{ search(query: \"whereabouts\", in: [DOCS], first: 1) { totalCount } }");
        if answer["data"]["search"]["totalCount"].as_u64() >= Some(u64::from(sections)) {
            break;
        }
        sleep(Duration::from_millis(5));
    }
    let took = started.elapsed();
    figures.row(
        name,
        "<= 2 s",
        &format!("{:.2} s, {} kB", took.as_secs_f64(), bytes / 1_000),
        took <= Duration::from_secs(2),
    );
    let times = |path: &dyn Fn(u32) -> String| {
        let mut caller = Caller::open(server.address);
        let mut times: Vec<f64> = (1..PAGES)
            .map(|number| {
                let get = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", path(number));
                let (time, body) = caller.ask(get.as_bytes());
                assert!(
                    body.contains("whereabouts") || body.contains("Whereabouts"),
                    "{body}"
                );
                time.as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times[times.len() * 99 / 100])
    };
    let base = "/docs/component/default/manual";
    let (first, first_p99) = times(&|number| format!("{base}/chapter-{number:03}/"));
    let (again, again_p99) = times(&|_| format!("{base}/chapter-007/"));
    figures.row(
        "a page of docs served",
        "<= 5 ms",
        &format!(
            "p50 {first:.2} ms, p99 {first_p99:.2} ms; again {again:.2} and {again_p99:.2} ms"
        ),
        first_p99 <= 5.0,
    );
}

/// About 900 words with what pages have: headings, lists, code, a table, a note, links.
fn page(number: u32) -> String {
    let mut dice = Dice::new(u64::from(number));
    let words = [
        "the", "queue", "keeps", "orders", "until", "a", "worker", "takes", "them", "and", "every",
        "retry", "waits", "longer", "than", "before", "so", "that", "nothing", "is", "lost",
    ];
    let mut text = format!("# Chapter {number}\n\n");
    for section in 0..6 {
        let heading = if section == 3 { "Whereabouts" } else { "Part" };
        write!(text, "## {heading} {section}\n\n").unwrap();
        for _ in 0..3 {
            for _ in 0..45 {
                text.push_str(words[dice.below(words.len() as u32) as usize]);
                text.push(' ');
            }
            write!(
                text,
                "[more](chapter-{:03}.md).\n\n",
                dice.below(PAGES - 2) + 1
            )
            .unwrap();
        }
        text.push_str(
            "- one\n- two\n    - three\n\n| key | value |\n| --- | --- |\n| a | `b` |\n\n",
        );
        text.push_str("```python\ndef take(order):\n    return order.id\n```\n\n!!! note\n    It is kept.\n\n");
    }
    text
}

fn definitions(figures: &mut Figures) {
    let mut known = vec![(
        "an OpenAPI definition of 10,000 operations, read once",
        "openapi".to_owned(),
        openapi(),
    )];
    if let Ok(path) = std::env::var("CALLBOARD_BENCH_DEFINITION") {
        known.push((
            "the definition that was given, read once",
            "openapi".to_owned(),
            fs::read_to_string(path).unwrap(),
        ));
    }
    for (name, format, text) in known {
        if !figures.wants(name) {
            continue;
        }
        let world = World::new(&format!(
            "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{ name: large }}\nspec:\n  type: {format}\n  lifecycle: production\n  owner: nobody\n  definition: {{ $text: ./definition.txt }}\n"
        ));
        fs::write(world.path().join("definition.txt"), &text).unwrap();
        let server = world.start();
        while server.ask("{ entities(first: 1) { totalCount } }").1["data"]["entities"]["totalCount"]
            != 1
        {
            sleep(Duration::from_millis(5));
        }
        let query = "{ api(ref: \"api:default/large\") { definition { title problems { message } operations(first: 1) { totalCount } } } }";
        let (first, answer) = server.ask(query);
        let (again, _) = server.ask(query);
        let count = &answer["data"]["api"]["definition"]["operations"]["totalCount"];
        figures.row(
            name,
            "<= 1 s",
            &format!(
                "{:.2} s for {} kB, {count} operations; again {:.2} ms",
                first.as_secs_f64(),
                text.len() / 1_000,
                again.as_secs_f64() * 1e3
            ),
            first <= Duration::from_secs(1),
        );
    }
}

fn openapi() -> String {
    let mut text = String::from(
        "openapi: 3.1.0\ninfo: { title: Large, version: '1' }\ncomponents:\n  schemas:\n    Order: { type: object, properties: { id: { type: string } } }\npaths:\n",
    );
    for number in 0..OPERATIONS {
        write!(
            text,
            "  /things/{number}/{{id}}:\n    get:\n      operationId: thing{number}\n      summary: Reads thing {number}\n      tags: [things]\n      parameters: [{{ name: id, in: path, required: true, schema: {{ type: string }} }}]\n      responses: {{ '200': {{ description: ok, content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Order' }} }} }} }} }}\n"
        )
        .unwrap();
    }
    text
}
