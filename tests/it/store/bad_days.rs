//! A full disk, a damaged file, a lock, a newer version: each a clear error, and reads go on.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use callboard::clock::Clock;
use callboard::ingest::{Ingest, IngestOptions};
use callboard::store::{Store, StoreError, StoreOptions};
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::catalog::{Catalog, component, documents, model, source, stored};

fn database() -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callboard.db");
    let url = format!("sqlite:{}", path.display());
    (folder, path, url)
}

async fn reading(folder: &TempDir, store: Store) -> Ingest {
    let sources = [source(folder.path(), "files", "catalog")];
    let clock = Clock::system();
    Ingest::open(store, model(), &sources, IngestOptions::default(), clock)
        .await
        .unwrap()
}

fn write_many(folder: &TempDir, many: usize) {
    let all: Vec<_> = (0..many).map(|n| component(&format!("c{n}"))).collect();
    std::fs::create_dir_all(folder.path().join("catalog")).unwrap();
    std::fs::write(
        folder.path().join("catalog/catalog-info.yaml"),
        documents(&all),
    )
    .unwrap();
}

#[tokio::test]
async fn a_full_disk_keeps_what_was_good() {
    let (folder, _, url) = database();
    let options = StoreOptions {
        max_pages: Some(120),
        ..StoreOptions::default()
    };
    let store = Store::open_with(&url, &options).await.unwrap();
    let ingest = reading(&folder, store).await;
    write_many(&folder, 10);
    ingest.read_all(&CancellationToken::new()).await.unwrap();
    write_many(&folder, 1000);
    let error = ingest
        .read_all(&CancellationToken::new())
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Full { .. }),
        "{}",
        error.chain()
    );
    assert!(error.hint().contains("make room"));
    assert_eq!(stored(ingest.store()).await.len(), 10, "reads go on");
    assert_eq!(ingest.catalog().snapshot().len(), 10);
    let status = ingest.catalog().sources().remove(0);
    assert!(
        status
            .last_error
            .unwrap()
            .starts_with("there is no room left")
    );

    ingest.store().clone().close().await.unwrap();
    let ingest = reading(&folder, Store::open(&url).await.unwrap()).await;
    ingest.read_all(&CancellationToken::new()).await.unwrap();
    assert_eq!(
        ingest.catalog().snapshot().len(),
        1000,
        "what was missing is written"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let (_folder, path, url) = database();
    std::fs::write(
        &path,
        "this is not a database, whatever it may look like".repeat(100),
    )
    .unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Corrupt { .. }),
        "{}",
        error.chain()
    );
    assert!(error.to_string().contains("callboard.db"));
    assert!(error.hint().contains("restore a backup"));
}

#[tokio::test]
async fn a_damaged_database_is_an_error_and_no_panic() {
    let catalog = Catalog::new(&[]).await;
    let all: Vec<_> = (0..500).map(|n| component(&format!("c{n}"))).collect();
    catalog.write("catalog-info.yaml", &documents(&all));
    catalog.read().await;
    catalog.store().clone().close().await.unwrap();
    let path = catalog.folder.path().join("callboard.db");
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in 25..pages {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xA5; 4096]).unwrap();
    }
    drop(file);
    let url = format!("sqlite:{}", path.display());
    let error = match Store::open(&url).await {
        Ok(store) => callboard::ingest::load(&store, model()).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(
        matches!(error, StoreError::Corrupt { .. }),
        "{}",
        error.chain()
    );
}

#[tokio::test]
async fn a_lock_of_another_process_is_named_and_reads_go_on() {
    let (folder, _, url) = database();
    let options = StoreOptions {
        lock_timeout: Duration::from_millis(50),
        ..StoreOptions::default()
    };
    let store = Store::open_with(&url, &options).await.unwrap();
    let ingest = reading(&folder, store).await;
    write_many(&folder, 10);
    ingest.read_all(&CancellationToken::new()).await.unwrap();

    let other = Database::connect(&url).await.unwrap();
    let lock = other.begin().await.unwrap();
    lock.execute_unprepared("UPDATE counters SET value = value")
        .await
        .unwrap();
    write_many(&folder, 20);
    let error = ingest
        .read_all(&CancellationToken::new())
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Locked { .. }),
        "{}",
        error.chain()
    );
    assert!(error.hint().contains("other process"));
    assert_eq!(stored(ingest.store()).await.len(), 10);

    lock.rollback().await.unwrap();
    ingest.read_all(&CancellationToken::new()).await.unwrap();
    assert_eq!(stored(ingest.store()).await.len(), 20);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let (_folder, _, url) = database();
    Store::open(&url).await.unwrap().close().await.unwrap();
    let other = Database::connect(&url).await.unwrap();
    other
        .execute_unprepared("INSERT INTO seaql_migrations VALUES ('m9999_future', 0)")
        .await
        .unwrap();
    other.close().await.unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Newer { step, .. } if step == "m9999_future"),
        "{error}"
    );
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let missing_folder = Store::open("sqlite:/nowhere/at/all.db").await.unwrap_err();
    assert!(
        matches!(missing_folder, StoreError::Open { .. }),
        "{}",
        missing_folder.chain()
    );
    let unknown = Store::open("mysql://localhost/x").await.unwrap_err();
    assert!(
        matches!(unknown, StoreError::Url { .. }),
        "{}",
        unknown.chain()
    );
    let nobody = Store::open("postgres://me:secret@127.0.0.1:1/x")
        .await
        .unwrap_err();
    assert!(
        matches!(nobody, StoreError::Open { .. }),
        "{}",
        nobody.chain()
    );
    assert!(!nobody.chain().contains("secret"), "{}", nobody.chain());
}
