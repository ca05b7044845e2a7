//! The catalog: documents, entities, texts, files, problems, sources, the change log.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait is declared with elided lifetimes, and `async_trait` tells the two apart"
)]

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 9] = [
    "sources",
    "files",
    "documents",
    "entities",
    "texts",
    "problems",
    "commits",
    "changes",
    "counters",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            sources(),
            files(),
            documents(),
            entities(),
            texts(),
            problems(),
            commits(),
            changes(),
            counters(),
        ] {
            manager.create_table(table).await?;
        }
        for (table, columns) in [
            ("documents", &["source", "file"][..]),
            ("documents", &["entity_ref"]),
            ("problems", &["source", "file"]),
            ("problems", &["entity_ref"]),
            ("changes", &["node_id"]),
            ("changes", &["entity_ref"]),
            ("commits", &["at"]),
        ] {
            manager.create_index(index(table, columns)).await?;
        }
        // Sea-query writes no partial indexes; losers and texts are few, and with these nothing else is looked at to find them.
        for index in [
            "CREATE INDEX documents_losers ON documents (entity_ref) WHERE winner = FALSE",
            "CREATE INDEX documents_texts ON documents (texts) WHERE texts IS NOT NULL",
            "CREATE INDEX changes_texts ON changes (texts) WHERE texts IS NOT NULL",
        ] {
            manager.get_connection().execute_unprepared(index).await?;
        }
        let rows = ["revision", "document", "problem", "expired"];
        let mut insert = Query::insert();
        insert.into_table("counters").columns(["name", "value"]);
        for name in rows {
            insert.values_panic([name.into(), 0.into()]);
        }
        manager.get_connection().execute(&insert).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager
                .drop_table(Table::drop().table(table).if_exists().to_owned())
                .await?;
        }
        Ok(())
    }
}

/// Where descriptors come from, in configured order.
fn sources() -> TableCreateStatement {
    Table::create()
        .table("sources")
        .col(ColumnDef::new("name").text().not_null().primary_key())
        .col(ColumnDef::new("position").integer().not_null())
        .col(ColumnDef::new("target").text().not_null())
        .col(ColumnDef::new("cursor").text())
        .col(ColumnDef::new("read_at").big_integer())
        .col(ColumnDef::new("error").text())
        .col(ColumnDef::new("error_at").big_integer())
        .to_owned()
}

/// What is known of each file, so that an unchanged one is not read again.
fn files() -> TableCreateStatement {
    Table::create()
        .table("files")
        .col(ColumnDef::new("source").text().not_null())
        .col(ColumnDef::new("file").text().not_null())
        .col(ColumnDef::new("size").big_integer().not_null())
        .col(ColumnDef::new("modified").big_integer().not_null())
        .col(ColumnDef::new("seen_at").big_integer().not_null())
        .col(ColumnDef::new("hash").text().not_null())
        .col(ColumnDef::new("model").text().not_null())
        .col(ColumnDef::new("links").text())
        .primary_key(Index::create().col("source").col("file"))
        .to_owned()
}

/// Every claim: one row for each document that describes an entity, the winner and the losers.
fn documents() -> TableCreateStatement {
    Table::create()
        .table("documents")
        .col(ColumnDef::new("id").big_integer().not_null().primary_key())
        .col(ColumnDef::new("source").text().not_null())
        .col(ColumnDef::new("file").text().not_null())
        .col(ColumnDef::new("document").integer().not_null())
        .col(ColumnDef::new("line").integer().not_null())
        .col(ColumnDef::new("entity_ref").text().not_null())
        .col(ColumnDef::new("hash").text().not_null())
        .col(ColumnDef::new("first_seen").big_integer().not_null())
        .col(ColumnDef::new("winner").boolean().not_null())
        .col(ColumnDef::new("texts").text())
        .col(ColumnDef::new("descriptor").text().not_null())
        .to_owned()
}

/// What is served: one row for each ref that any document claims.
fn entities() -> TableCreateStatement {
    Table::create()
        .table("entities")
        .col(ColumnDef::new("entity_ref").text().not_null().primary_key())
        .col(ColumnDef::new("node_id").text().not_null().unique_key())
        .col(ColumnDef::new("document_id").big_integer().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("updated_at").big_integer().not_null())
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("previous_refs").text())
        .to_owned()
}

/// Large texts by content hash; bytes, because PostgreSQL's text takes no NUL.
fn texts() -> TableCreateStatement {
    Table::create()
        .table("texts")
        .col(ColumnDef::new("hash").text().not_null().primary_key())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("content").binary().not_null())
        .to_owned()
}

/// What is wrong in which file.
fn problems() -> TableCreateStatement {
    Table::create()
        .table("problems")
        .col(ColumnDef::new("id").big_integer().not_null().primary_key())
        .col(ColumnDef::new("source").text().not_null())
        .col(ColumnDef::new("file").text().not_null())
        .col(ColumnDef::new("stage").small_integer().not_null())
        .col(ColumnDef::new("severity").small_integer().not_null())
        .col(ColumnDef::new("code").text().not_null())
        .col(ColumnDef::new("message").text().not_null())
        .col(ColumnDef::new("hint").text())
        .col(ColumnDef::new("field").text())
        .col(ColumnDef::new("line").integer())
        .col(ColumnDef::new("column").integer())
        .col(ColumnDef::new("entity_ref").text())
        .col(ColumnDef::new("seen_at").big_integer().not_null())
        .to_owned()
}

/// One row for each revision.
fn commits() -> TableCreateStatement {
    Table::create()
        .table("commits")
        .col(
            ColumnDef::new("revision")
                .big_integer()
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new("at").big_integer().not_null())
        .col(ColumnDef::new("actor").text())
        .col(ColumnDef::new("source").text().not_null())
        .to_owned()
}

/// The change log: each row keeps the state before it, so that every version is stored once.
fn changes() -> TableCreateStatement {
    Table::create()
        .table("changes")
        .col(ColumnDef::new("revision").big_integer().not_null())
        .col(ColumnDef::new("position").integer().not_null())
        .col(ColumnDef::new("node_id").text().not_null())
        .col(ColumnDef::new("entity_ref").text().not_null())
        .col(ColumnDef::new("operation").small_integer().not_null())
        .col(ColumnDef::new("texts").text())
        .col(ColumnDef::new("before").text())
        .primary_key(Index::create().col("revision").col("position"))
        .to_owned()
}

/// The last revision and the last row ids; the lock that lets one commit at a time through.
fn counters() -> TableCreateStatement {
    Table::create()
        .table("counters")
        .col(ColumnDef::new("name").text().not_null().primary_key())
        .col(ColumnDef::new("value").big_integer().not_null())
        .to_owned()
}

fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
