//! A text is read once: what was read of it is in memory, then in the database, and goes with it.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use callboard::apis::{self, Place, PlacedText, READER, Shelf, Unread};
use callboard::ingest::IngestOptions;
use callboard::store::{Store, StoreOptions};
use callboard::telemetry::metrics::{DefinitionFrom, DefinitionMetrics};
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::many;
use crate::cli::{self, Running};
use crate::support::catalog::{Catalog, documents};
use crate::support::log::Log;
use crate::support::postgres::Postgres;

const LIMIT: usize = 1_000_000;

fn here(text: &str) -> Place {
    Place {
        field: "definition".into(),
        path: None,
        text: PlacedText::Here(text.into()),
        hint: None,
    }
}

/// A shelf, and how many definitions it had from texts and from the store.
fn shelf(store: &Store) -> (Shelf, impl Fn() -> (u64, u64) + use<>) {
    let metrics = DefinitionMetrics::default();
    let shelf = Shelf::new(store.clone(), LIMIT, metrics.clone());
    let counts = move || {
        let count = |from| metrics.count(from);
        (count(DefinitionFrom::Text), count(DefinitionFrom::Store))
    };
    (shelf, counts)
}

async fn in_memory() -> Store {
    Store::open("sqlite::memory:").await.unwrap()
}

#[tokio::test]
async fn each_text_is_read_once_within_a_limit() {
    let store = in_memory().await;
    let (shelf, counts) = shelf(&store);
    let place = here(&many(100));
    let (first, second) = tokio::join!(shelf.read(&place), shelf.read(&place));
    let first = first.unwrap();
    assert!(Arc::ptr_eq(&first, &second.unwrap()));
    assert!(Arc::ptr_eq(&first, &shelf.read(&place).await.unwrap()));
    assert_eq!(counts(), (1, 0));
    let large = here(&"x".repeat(30_000_000));
    let refused = shelf.read(&large).await.unwrap();
    assert_eq!(
        refused.problems[0].message,
        "the definition has 30000000 bytes, and the limit `limits.definitionSize` is 1000000"
    );
    assert_eq!(counts(), (1, 0));
}

/// Nobody's patience decides whether others get their turn.
#[tokio::test]
async fn who_stops_waiting_keeps_nobody_from_reading() {
    let store = in_memory().await;
    let (shelf, counts) = shelf(&store);
    for number in 0..6 {
        let place = here(&many(300 + number));
        let waiting = tokio::time::timeout(Duration::from_millis(1), shelf.read(&place));
        drop(waiting.await);
    }
    let small = here(&many(1));
    let read = tokio::time::timeout(Duration::from_secs(30), shelf.read(&small));
    assert_eq!(read.await.unwrap().unwrap().operations.len(), 1);
    // What was begun is brought to its end.
    assert_eq!(shelf.close(Duration::from_secs(30)).await, [""; 0]);
    assert_eq!(counts(), (7, 0));
}

async fn on_each_database(case: impl AsyncFn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callboard.db");
    case(&format!("sqlite:{}", path.display())).await;
    let Some(postgres) = Postgres::start() else {
        return;
    };
    case(&postgres.database("definitions").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_shelf_has_it_from_the_database_unless_that_is_damaged_or_older() {
    on_each_database(async |url| {
        let place = here(&many(200));
        let hinted = Place {
            hint: Some("openapi".into()),
            ..here(&many(200))
        };
        let store = Store::open(url).await.unwrap();
        let (first, counts) = shelf(&store);
        let read = first.look(&place).await.unwrap();
        first.look(&hinted).await.unwrap();
        assert_eq!(first.close(Duration::from_secs(30)).await, [""; 0]);
        assert_eq!(counts(), (2, 0));

        let again = async |expected: (u64, u64)| {
            let (own, counts) = shelf(&store);
            assert_eq!(own.look(&place).await.unwrap(), read);
            assert_eq!(own.close(Duration::from_secs(30)).await, [""; 0]);
            assert_eq!(counts(), expected);
        };
        again((0, 1)).await;
        let database = Database::connect(url).await.unwrap();
        let key = place.key();
        let row = store.definition(&key.hash, "").await.unwrap().unwrap();
        assert_eq!((row.reader, row.size), (READER, many(200).len() as u64));
        for damage in [
            "UPDATE definitions SET reader = reader - 1".to_owned(),
            set(&database, &cut(&row.content)),
            set(&database, &flipped(&row.content)),
            set(&database, b""),
        ] {
            database.execute_unprepared(&damage).await.unwrap();
            again((1, 0)).await;
            again((0, 1)).await;
        }

        // Used by nobody, it goes; the other one is of the same text.
        let (own, _) = shelf(&store);
        own.forget(&HashSet::from([key.hash.clone()])).await;
        assert!(store.definition(&key.hash, "").await.unwrap().is_some());
        own.forget(&HashSet::new()).await;
        for hint in ["", "openapi"] {
            assert_eq!(store.definition(&key.hash, hint).await.unwrap(), None);
        }
        database.close().await.unwrap();
        store.close().await.unwrap();
    })
    .await;
}

fn set(database: &impl ConnectionTrait, content: &[u8]) -> String {
    let hex = hex::encode(content);
    let bytes = match database.get_database_backend() {
        sea_orm::DbBackend::Postgres => format!("decode('{hex}', 'hex')"),
        _ => format!("x'{hex}'"),
    };
    format!("UPDATE definitions SET content = {bytes}")
}

fn cut(content: &[u8]) -> Vec<u8> {
    content[..content.len() / 2].to_vec()
}

fn flipped(content: &[u8]) -> Vec<u8> {
    let mut flipped = content.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    flipped
}

/// In the database from the first start on; a large one goes with its text.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_with_its_text() {
    on_each_database(async |url| {
        let folder = tempfile::tempdir().unwrap();
        let options = IngestOptions::default();
        let catalog = Catalog::on(folder, url.to_owned(), &["catalog"], options, &[]).await;
        let text = many(100);
        let api = json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "API",
            "metadata": { "name": "large" },
            "spec": { "type": "openapi", "lifecycle": "production", "owner": "team", "definition": text },
        });
        catalog.write("catalog-info.yaml", &documents(&[api.to_string()]));
        catalog.read().await;
        let hash = hex::encode(Sha256::digest(&text));
        let place = Place {
            text: PlacedText::Stored(hash.as_str().into()),
            ..here("")
        };
        let store = catalog.store();
        let (own, _) = shelf(store);
        assert_eq!(own.look(&place).await.unwrap().operations.len(), 100);
        own.settle().await;
        own.forget(&HashSet::new()).await;
        let is_kept = async || store.definition(&hash, "").await.unwrap().is_some();
        assert!(is_kept().await, "its text is there");
        std::fs::remove_file(catalog.folder.path().join("catalog/catalog-info.yaml")).unwrap();
        catalog.read().await;
        let later = "2100-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(store.expire(later).await.unwrap().texts, 1);
        assert!(!is_kept().await);
        let (own, counts) = shelf(store);
        assert!(matches!(own.look(&place).await, Err(Unread::Gone)));
        assert_eq!(counts(), (0, 0));
        store.clone().close().await.unwrap();
    })
    .await;
}

/// A definition is served although nothing can be written; the log says so once, and again after it could.
#[tokio::test]
async fn a_full_disk_costs_no_definition() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("callboard.db").display());
    let pages = |max_pages| StoreOptions {
        max_pages,
        ..StoreOptions::default()
    };
    drop(Store::open_with(&url, &pages(None)).await.unwrap());
    let log = Log::default();
    let _logging = log.start();
    let full = Store::open_with(&url, &pages(Some(1))).await.unwrap();
    let (shelf, counts) = shelf(&full);
    for n_operations in [2_000, 2_001] {
        let read = shelf.look(&here(&many(n_operations))).await.unwrap();
        assert_eq!(read.operations.len(), n_operations);
        shelf.settle().await;
    }
    assert_eq!(counts(), (2, 0));
    let said = log.take();
    let told = "what was read of API definitions cannot be kept";
    assert_eq!(said.matches(told).count(), 1, "{said}");
    assert!(said.contains("make room"), "{said}");
}

/// What the examples come to is that of this version of the reader.
///
/// Where this fails, the same text is read otherwise than before: raise [`READER`], so that texts which were read are read again, and write the new sum beside it.
#[test]
fn what_is_read_of_the_examples_belongs_to_this_version() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apis");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut sum = Sha256::new();
    for file in files {
        let definition = apis::read(&std::fs::read_to_string(&file).unwrap(), None);
        let bytes = apis::pack(&definition);
        assert_eq!(apis::unpack(&bytes), Some(definition.clone()), "{file:?}");
        sum.update(serde_json::to_vec(&definition).unwrap());
    }
    let sum = hex::encode(&sum.finalize()[..8]);
    assert_eq!((READER, sum.as_str()), (1, "96d274681ee304c9"));
}

const CATALOG: &str = r#"apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: inline }
spec:
  type: openapi
  lifecycle: production
  owner: team
  definition: |
    openapi: 3.1.0
    info: { title: Inline, version: 1.0.0 }
    paths: { /zeppelins: { get: { summary: All zeppelins, responses: {} } } }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: large }
spec: { type: openapi, lifecycle: production, owner: team, definition: { $text: ./large.yaml } }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: same }
spec: { type: openapi, lifecycle: production, owner: team, definition: { $text: ./large.yaml } }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: broken }
spec: { type: graphql, lifecycle: production, owner: team, definition: 'type Query { a: Missing' }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: without-operations }
spec: { type: other, lifecycle: production, owner: team, definition: 'nothing that anybody reads' }
"#;

/// Texts that differ, and definitions of entities.
const N_TEXTS: u64 = 4;
const N_DEFINITIONS: u64 = 5;

#[test]
fn a_start_reads_no_definition_again() {
    restart("sqlite:callboard.db");
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_one_on_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("restart").await;
    tokio::task::block_in_place(|| restart(&url));
}

fn restart(database: &str) {
    let config = json!({
        "database": { "url": database },
        "sources": [{ "type": "file", "path": "./catalog" }],
    });
    let place = cli::Place::with(&[
        ("callboard.yaml", &config.to_string()),
        ("catalog/catalog-info.yaml", CATALOG),
        ("catalog/large.yaml", &many(100)),
    ]);
    for start in 0..3 {
        let serve = ["serve", "--listen", "127.0.0.1:0"];
        let server = Running::start(place.command(&serve), false);
        let asked = r#"{
          search(query: "zeppelins", in: [OPERATIONS]) { totalCount indexState { state documents } }
          problems { nodes { code entityRef } }
        }"#;
        let answer = cli::until(&place, &server.url, asked, |answer| {
            let search = &answer["data"]["search"];
            search["indexState"]["state"] == "READY"
                && search["totalCount"] == 1
                && answer["data"]["problems"]
                    .to_string()
                    .contains("definition-")
        });
        assert!(answer.to_string().contains("api:default/broken"));
        // Five entities, and their operations.
        let n_documents = &answer["data"]["search"]["indexState"]["documents"];
        assert_eq!(n_documents, 5 + 1 + 100 + 100 + 1, "start {start}");
        let n_texts = if start == 0 { N_TEXTS } else { 0 };
        assert_eq!(counted(&server.url).0, n_texts, "start {start}");
        if start > 0 && database.starts_with("sqlite") {
            // Problems are looked for in each of them; the index has them all, and knows in which there are no operations.
            assert_eq!(counted(&server.url).1, N_DEFINITIONS, "start {start}");
        }
        let asked = r#"{ api(ref: "large") { definition { operations { totalCount } } } }"#;
        let answer = cli::until(&place, &server.url, asked, |answer| {
            answer["data"].is_object()
        });
        let definition = &answer["data"]["api"]["definition"];
        assert_eq!(definition["operations"]["totalCount"], 100);
        assert_eq!(counted(&server.url).0, n_texts, "start {start}");
        assert_eq!(server.end("-TERM").0, Some(0));
    }
}

/// How many definitions the server had from texts, and from the store.
fn counted(url: &str) -> (u64, u64) {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let count = |from: &str| {
        let line = format!("callboard_definitions_read_total{{from=\"{from}\"}} ");
        let value = page.lines().find_map(|known| known.strip_prefix(&line));
        value.unwrap_or_else(|| panic!("{page}")).parse().unwrap()
    };
    (count("text"), count("store"))
}
