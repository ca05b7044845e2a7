//! A process is killed while it ingests, again and again; each time the database is whole and has all that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use callboard::clock::Clock;
use callboard::config::process_environment;
use callboard::graph::marked_text;
use callboard::ingest::{Ingest, IngestOptions};
use callboard::store::{ChangeQuery, Operation, Store};
use tokio_util::sync::CancellationToken;

use crate::support::catalog::{component_of, documents, model, source, stored};

/// Names the folder of the process that is to be killed.
const CHILD: &str = "CALLBOARD_TEST_KILLED_IN";

/// How often.
const KILLS: u64 = 15;

const FILES: usize = 20;

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut largest = 0;
    for kill in 0..KILLS {
        let (mut child, mut lines) = start(folder.path());
        // Let it come to work, and then strike at another moment each time.
        let mut acknowledged = next(&mut lines);
        std::thread::sleep(Duration::from_millis(kill * 37 % 250));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said by then.
        while let Some(revision) = next(&mut lines) {
            acknowledged = Some(revision);
        }
        let acknowledged = acknowledged.unwrap();
        assert!(acknowledged >= largest);
        largest = check(folder.path(), acknowledged).await;
    }
}

/// The process that is killed: not a test of its own, and done at once unless it is started by the one above.
#[tokio::test]
async fn killed() {
    let Some(folder) = process_environment(CHILD) else {
        return;
    };
    let folder = Path::new(&folder);
    let store = open(folder).await;
    let mut round = store.revision().await.unwrap();
    let ingest = ingest(folder, store).await;
    loop {
        round += 1;
        write_round(folder, round);
        ingest.read_all(&CancellationToken::new()).await.unwrap();
        let revision = ingest.store().revision().await.unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "acknowledged {revision}").unwrap();
        out.flush().unwrap();
    }
}

/// Every entity carries the round; some come and go, some contest a ref.
fn write_round(folder: &Path, round: u64) {
    for file in 0..FILES {
        let kind = format!("round-{round}");
        let mut entities = vec![component_of(&format!("stays-{file}"), &kind)];
        if (round + file as u64).is_multiple_of(2) {
            entities.push(component_of(&format!("comes-{}", file / 2), &kind));
        }
        entities.push(api(file, round));
        let path = folder.join("catalog").join(file.to_string());
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("catalog-info.yaml"), documents(&entities)).unwrap();
    }
}

fn api(file: usize, round: u64) -> String {
    let definition = format!("round-{round} ").repeat(600);
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: a{file}\nspec:\n  type: round-{round}\n  lifecycle: production\n  owner: team\n  definition: {definition}\n"
    )
}

/// Checks the database, and returns its revision.
async fn check(folder: &Path, acknowledged: u64) -> u64 {
    let store = open(folder).await;
    let revision = store.revision().await.unwrap();
    assert!(revision >= acknowledged, "{revision} of {acknowledged}");
    let entities = stored(&store).await;

    let mut rounds = BTreeSet::new();
    let mut served = BTreeMap::new();
    for entity in entities {
        let descriptor: serde_json::Value = serde_json::from_str(&entity.descriptor).unwrap();
        rounds.insert(descriptor["spec"]["type"].as_str().unwrap().to_owned());
        if let Some(definition) = descriptor["spec"]["definition"].as_str() {
            let hash = marked_text(definition).unwrap().to_owned();
            let texts = store.texts(std::slice::from_ref(&hash)).await.unwrap();
            assert!(texts.contains_key(&hash), "a text is missing");
        }
        assert!(served.insert(entity.entity_ref, descriptor).is_none());
    }
    assert_eq!(
        rounds.len(),
        1,
        "a round is stored in full or not at all: {rounds:?}"
    );

    // The log, told again from its beginning, leads to what is served.
    let all = ChangeQuery {
        limit: u32::MAX,
        ..ChangeQuery::default()
    };
    let mut told = BTreeMap::new();
    for (_, change) in store.changes(&all).await.unwrap() {
        assert!(change.revision <= revision);
        let before = match change.operation {
            Operation::Removed => told.remove(&change.entity_ref),
            Operation::Created | Operation::Updated | Operation::Renamed => {
                told.insert(change.entity_ref, change.after.unwrap())
            }
        };
        assert_eq!(before, change.before);
    }
    assert_eq!(told, served);
    store.close().await.unwrap();
    revision
}

async fn open(folder: &Path) -> Store {
    let path = folder.join("callboard.db");
    Store::open(&format!("sqlite:{}", path.display()))
        .await
        .unwrap()
}

async fn ingest(folder: &Path, store: Store) -> Ingest {
    std::fs::create_dir_all(folder.join("catalog")).unwrap();
    let sources = [source(folder, "files", "catalog")];
    Ingest::open(
        store,
        model(),
        &sources,
        IngestOptions::default(),
        Clock::system(),
    )
    .await
    .unwrap()
}

fn start(folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::kill::killed", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// The next acknowledged revision.
fn next(lines: &mut BufReader<ChildStdout>) -> Option<u64> {
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if let Some(revision) = line.trim().strip_prefix("acknowledged ") {
            return Some(revision.parse().unwrap());
        }
        line.clear();
    }
    None
}
