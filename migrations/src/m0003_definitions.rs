//! What was read of API definitions, so that each text is read once.

#![expect(
    elided_lifetimes_in_paths,
    reason = "the trait is declared with elided lifetimes, and `async_trait` tells the two apart"
)]

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(definitions()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::drop().table("definitions").if_exists().to_owned();
        manager.drop_table(drop).await
    }
}

/// One row for each text that was read, by its hash and by what its author calls the format.
fn definitions() -> TableCreateStatement {
    Table::create()
        .table("definitions")
        .col(ColumnDef::new("hash").text().not_null())
        .col(ColumnDef::new("hint").text().not_null())
        .col(ColumnDef::new("reader").integer().not_null())
        .col(ColumnDef::new("size").big_integer().not_null())
        .col(ColumnDef::new("content").binary().not_null())
        .primary_key(Index::create().col("hash").col("hint"))
        .to_owned()
}
