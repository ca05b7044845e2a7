//! Opening a database: options of the connection, then the migrations that it lacks.

use std::sync::Arc;
use std::time::Duration;

use migrations::{Migrator, MigratorTrait as _};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{Connection, PgConnection};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use url::Url;

use super::{Store, StoreError};

/// What is not part of the URL.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// How long a statement waits for a lock that another process holds.
    pub lock_timeout: Duration,
    /// The most pages (4 KiB each) that a SQLite file may have; then it counts as a full disk.
    pub max_pages: Option<u32>,
    pub connections: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(5),
            max_pages: None,
            connections: 4,
        }
    }
}

impl Store {
    /// Opens `sqlite:PATH`, `postgres://…` or the path of a SQLite file, which is made if it is missing, and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, &StoreOptions::default()).await
    }

    /// [`Store::open`] with options.
    pub async fn open_with(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let (connect, shown) = connect_options(url, options)?;
        if connect.get_url().starts_with("postgres") {
            knock(connect.get_url())
                .await
                .map_err(|error| StoreError::of(&shown, error))?;
        }
        let database = Database::connect(connect).await.map_err(|error| {
            match StoreError::of(&shown, error) {
                StoreError::Statement { url, source } => StoreError::Open { url, source },
                known => known,
            }
        })?;
        migrate(&database, &shown).await?;
        Ok(Self {
            database,
            url: shown.into(),
            writer: Arc::default(),
        })
    }

    /// Closes all connections; SQLite then folds its write-ahead log into the file.
    pub async fn close(self) -> Result<(), StoreError> {
        let url = self.url;
        self.database
            .close()
            .await
            .map_err(|error| StoreError::of(&url, error))
    }
}

/// Connects once without a pool: a pool tries again until its time is up, and then no longer knows why it failed.
async fn knock(url: &str) -> Result<(), DbErr> {
    let error = |error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)));
    let connection = PgConnection::connect(url).await.map_err(error)?;
    connection.close().await.map_err(error)
}

/// The options for `url`, and the URL as it may be shown.
fn connect_options(
    url: &str,
    options: &StoreOptions,
) -> Result<(ConnectOptions, String), StoreError> {
    let full = full_url(url).ok_or_else(|| StoreError::Url { url: shown(url) })?;
    let mut connect = ConnectOptions::new(&full);
    connect
        .sqlx_logging(false)
        .max_connections(options.connections)
        .acquire_timeout(Duration::from_secs(10));
    if full.starts_with("sqlite:") {
        if full.contains(":memory:") {
            // Each connection would have a database of its own, gone with it.
            connect
                .max_connections(1)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None);
        }
        let (lock_timeout, max_pages) = (options.lock_timeout, options.max_pages);
        connect.map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // A commit is synced before it is acknowledged: it outlives a killed process, and a power cut on disks that keep what they say they have synced.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(lock_timeout)
                // A whole catalog is streamed at a start: with few rows between the two threads they wake each other all the time.
                .row_buffer_size(256)
                .statement_cache_capacity(64);
            match max_pages {
                Some(pages) => sqlite.pragma("max_page_count", pages.to_string()),
                None => sqlite,
            }
        });
    }
    Ok((connect, shown(&full)))
}

/// `url` with its scheme, which a path may lack; `None` if it is that of another database.
pub(super) fn full_url(url: &str) -> Option<String> {
    match url.split_once(':') {
        Some(("sqlite" | "postgres" | "postgresql", _)) => Some(url.to_owned()),
        // One letter before the colon is a drive.
        Some((scheme, _)) if scheme.len() > 1 && !scheme.contains(['/', '.']) => None,
        _ if url.is_empty() => None,
        _ => Some(format!("sqlite:{url}")),
    }
}

/// `url` without password.
pub(super) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => match parsed.set_password(Some("***")) {
            Ok(()) => parsed.to_string(),
            Err(()) => parsed.scheme().to_owned(),
        },
        _ => url.to_owned(),
    }
}

async fn migrate(database: &DatabaseConnection, url: &str) -> Result<(), StoreError> {
    let error = |error| StoreError::of(url, error);
    let known = Migrator::migrations();
    let applied = Migrator::get_migration_models(database)
        .await
        .map_err(error)?;
    if let Some(newer) = applied
        .iter()
        .find(|applied| known.iter().all(|step| step.name() != applied.version))
    {
        return Err(StoreError::Newer {
            url: url.to_owned(),
            step: newer.version.clone(),
        });
    }
    if applied.len() < known.len() {
        Migrator::up(database, None).await.map_err(error)?;
    }
    Ok(())
}
