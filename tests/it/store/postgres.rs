//! The same cases on PostgreSQL.

use crate::store::log::CASES;
use crate::support::postgres::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    for case in CASES {
        let url = postgres.database(&format!("{case:?}").to_lowercase()).await;
        case.run(tempfile::tempdir().unwrap(), url).await;
    }
}
