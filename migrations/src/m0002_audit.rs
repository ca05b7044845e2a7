//! The audit: what was done at upstreams, by whom, and what became of it.

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
        manager.create_table(audit()).await?;
        // Rows without a key differ from all others, as NULL does in both databases.
        let key = Index::create()
            .name("audit_key")
            .table("audit")
            .col("viewer")
            .col("action")
            .col("idempotency_key")
            .unique()
            .to_owned();
        manager.create_index(key).await?;
        let at = Index::create()
            .name("audit_at")
            .table("audit")
            .col("at")
            .to_owned();
        manager.create_index(at).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::drop().table("audit").if_exists().to_owned();
        manager.drop_table(drop).await
    }
}

/// One row for each action, written before its request is sent, and again when it has ended.
fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(
            ColumnDef::new("id")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .col(ColumnDef::new("at").big_integer().not_null())
        .col(ColumnDef::new("viewer").text().not_null())
        .col(ColumnDef::new("action").text().not_null())
        .col(ColumnDef::new("arguments").text().not_null())
        .col(ColumnDef::new("connector").text().not_null())
        .col(ColumnDef::new("instance").text().not_null())
        .col(ColumnDef::new("subject").text())
        .col(ColumnDef::new("entity_ref").text())
        .col(ColumnDef::new("idempotency_key").text())
        .col(ColumnDef::new("outcome").text().not_null())
        .col(ColumnDef::new("code").text())
        .col(ColumnDef::new("ended_at").big_integer())
        .col(ColumnDef::new("payload").text())
        .to_owned()
}
