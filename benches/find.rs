//! What finding costs: making the index, its size and memory, queries in process, one change.
//!
//! `cargo bench --bench find`; `CALLBOARD_BENCH_SIZES=100000` says how many entities, half as many sections come with them.
//! The catalog is made up as it is read.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

#[expect(dead_code, reason = "what others measure of the company")]
#[path = "support/company.rs"]
mod company;

use std::path::Path;
use std::time::{Duration, Instant};

use callboard::graph::Record;
use callboard::search::{
    Ask, Bundle, Document, Entities, Group, Meaning, Place, Search, Text, Writing,
};
use roaring::RoaringBitmap;
use serde_json::json;

use company::{Company, Dice};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WEIGHTS: [f32; 5] = [8.0, 6.0, 3.0, 2.0, 1.0];

fn main() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the size is asked for on the command line"
    )]
    let sizes = std::env::var("CALLBOARD_BENCH_SIZES").unwrap_or_else(|_| "100000".to_owned());
    let (model, _) = callboard::sdl::load(&callboard::sdl::core_files());
    let model = std::sync::Arc::new(model.unwrap());
    for size in sizes.split(',') {
        let n: u32 = size.trim().parse().unwrap();
        let records: Vec<Record> = Company::new(&model, n).records().collect();
        measure(&records);
    }
}

/// All entities, in their order.
struct Known<'r>(&'r [Record]);

impl Entities for Known<'_> {
    fn lineage(&self) -> u64 {
        1
    }

    fn each(&self, visit: &mut dyn FnMut(u32, &str)) {
        (0..)
            .zip(self.0)
            .for_each(|(at, record)| visit(at, &record.id));
    }

    fn id(&self, entity: u32) -> Option<&str> {
        self.0.get(entity as usize).map(|record| &*record.id)
    }
}

/// No fields: all is words.
struct Words;

impl Meaning for Words {
    fn is_field(&self, _name: &str) -> bool {
        false
    }

    fn entities(&self, _name: &str, _value: &str) -> RoaringBitmap {
        RoaringBitmap::new()
    }
}

fn text(field: &str, weight: f32, text: &str) -> Text {
    Text {
        field: field.into(),
        weight,
        text: text.to_owned(),
    }
}

fn entity(record: &Record) -> Document {
    let member = |name: &str| {
        record.descriptor["metadata"][name]
            .as_str()
            .unwrap_or_default()
    };
    let mut texts = vec![
        text("name", 8.0, member("name")),
        text("title", 6.0, member("title")),
        text("description", 2.0, member("description")),
        text(
            "type",
            1.0,
            record.descriptor["spec"]["type"]
                .as_str()
                .unwrap_or_default(),
        ),
    ];
    let tags = record.descriptor["metadata"]["tags"].as_array();
    let tags = tags.into_iter().flatten().filter_map(|tag| tag.as_str());
    texts.extend(tags.map(|tag| text("tags", 3.0, tag)));
    texts.retain(|text| !text.text.is_empty());
    Document {
        id: record.id.to_string().into(),
        name: member("name").into(),
        title: None,
        texts,
        rank: 1.0,
        node: None,
    }
}

/// A section of about 120 words, the frequent ones far more often.
fn section(number: u32, words: &[String]) -> Document {
    let mut dice = Dice::new(u64::from(number) + 7);
    let mut word = || {
        let all = words.len() as u32;
        let at = dice.below(all).min(dice.below(all)).min(dice.below(all));
        words[at as usize].as_str()
    };
    let title = [word(), word(), word()].join(" ");
    let body: Vec<&str> = (0..120).map(|_| word()).collect();
    let body = body.join(" ");
    Document {
        id: format!("section-{number}").into(),
        name: title.as_str().into(),
        title: Some(title.as_str().into()),
        node: Some(json!({ "__typename": "DocsSection", "id": number, "title": title })),
        texts: vec![text("title", 6.0, &title), text("text", 2.0, &body)],
        rank: 1.0,
    }
}

fn name(record: &Record) -> String {
    record.entity_ref.name().to_owned()
}

/// One of the words that a name is made of.
fn part(record: &Record, at: usize) -> String {
    let name = name(record);
    name.split('-').nth(at).unwrap_or("ledger").to_owned()
}

/// What somebody asks who has an entity in mind.
type Query = Box<dyn Fn(&Record) -> String>;

fn measure(records: &[Record]) {
    let n = records.len();
    println!("\n{n} entities and {} sections", n / 2);
    let words = words();
    let folder = tempfile::tempdir().unwrap();
    let search = Search::new(Place::Folder(folder.path().to_path_buf()));
    let before = resident();
    let start = Instant::now();
    let mut writing = Writing::open(&search, "bench", &WEIGHTS).unwrap();
    writing.expect(n + n / 2);
    writing.begin_lineage(1);
    for (at, record) in (0_u32..).zip(records) {
        writing.place(&record.id, at);
        writing
            .put(&bundle(record, Group::Entities, vec![entity(record)]))
            .unwrap();
        if at % 2 == 0 {
            writing
                .put(&bundle(record, Group::Docs, vec![section(at, &words)]))
                .unwrap();
        }
    }
    writing.commit(Some(1)).unwrap();
    let made = start.elapsed();
    let most = peak().saturating_sub(before);
    writing.settle().unwrap();
    println!(
        "  made in {:.2} s, put together after {:.2} s; {} MB on disk, {} MB more memory at the most",
        made.as_secs_f64(),
        start.elapsed().as_secs_f64(),
        size(folder.path()) / 1_000_000,
        most / 1_000_000,
    );
    let known = Known(records);
    let mut dice = Dice::new(5);
    let mut some = || &records[dice.below(n as u32) as usize];
    let mut all = Vec::new();
    let cases: [(&str, Query); 6] = [
        ("a term", Box::new(|record| format!("{} ", part(record, 0)))),
        (
            "two terms",
            Box::new(|record| format!("{} {} ", part(record, 0), part(record, 1))),
        ),
        ("a whole name", Box::new(name)),
        (
            "three letters of a word",
            Box::new(|record| part(record, 1).chars().take(3).collect()),
        ),
        (
            "a slip",
            Box::new(|record| {
                let mut word: Vec<char> = part(record, 0).chars().collect();
                word.swap(1, 2);
                format!("{} ", word.into_iter().collect::<String>())
            }),
        ),
        (
            "a phrase",
            Box::new(|record| format!("\"{} {}\"", part(record, 0), part(record, 1))),
        ),
    ];
    for (label, query) in &cases {
        let mut times = Vec::new();
        let mut found = 0;
        for round in 0..1_100 {
            let query = query(some());
            let start = Instant::now();
            let answer = search
                .find(&Ask {
                    query: &query,
                    groups: &Group::ALL,
                    allowed: None,
                    meaning: &Words,
                    first: 20,
                    after: None,
                    wants_entities: true,
                    names_only: false,
                    catalog: &known,
                })
                .unwrap();
            let mut highlighter = search.highlighter(&answer.reading);
            for item in &answer.items {
                for (_, text) in &item.texts {
                    std::hint::black_box(highlighter.mark(text));
                }
                if item.node.is_none() {
                    let record = &records[item.entity as usize];
                    std::hint::black_box(highlighter.mark(record.entity_ref.name()));
                }
            }
            if round >= 100 {
                times.push(start.elapsed());
                found += answer.total;
            }
        }
        all.extend(times.iter().copied());
        report(&format!("{label} ({} found)", found / 1_000), times);
    }
    report("all of them", all);
    let mut times = Vec::new();
    for round in 0..100_u64 {
        let record = some();
        let start = Instant::now();
        let mut own = bundle(record, Group::Entities, vec![entity(record)]);
        own.version = 2 + round;
        writing.put(&own).unwrap();
        writing.commit(Some(2 + round)).unwrap();
        times.push(start.elapsed());
    }
    report("one change, until it is found", times);
}

fn bundle(record: &Record, group: Group, documents: Vec<Document>) -> Bundle {
    Bundle {
        entity: record.id.to_string().into(),
        group,
        version: 1,
        documents,
    }
}

/// Words that no other language has.
fn words() -> Vec<String> {
    let heads = ["ro", "ke", "pa", "lo", "mi", "tra", "ve", "su", "ne", "gri"];
    let tails = [
        "tate", "ying", "ment", "ger", "nal", "sport", "rity", "rvice", "twork", "dded",
    ];
    let mut words = Vec::new();
    for middle in heads {
        for head in heads {
            words.extend(tails.iter().map(|tail| format!("{head}{middle}{tail}")));
        }
    }
    words
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.path().is_dir() {
            true => size(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}

fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

/// Memory of its own: files that are mapped do not count.
fn resident() -> usize {
    status("RssAnon:")
}

fn peak() -> usize {
    status("VmHWM:").saturating_sub(status("RssFile:"))
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "  {name:<40} p50 {:>7.3} ms   p99 {:>7.3} ms   worst {:>7.3} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
