//! The database schema, one file per step.
//!
//! A step that has been released is never edited: what it should have done differently is the next step.
//! README.md says how steps stay compatible with the version before them.

use sea_orm_migration::prelude::*;

pub use sea_orm_migration::MigratorTrait;

mod m0001_catalog;
mod m0002_audit;
mod m0003_definitions;

/// All steps, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_catalog::Migration),
            Box::new(m0002_audit::Migration),
            Box::new(m0003_definitions::Migration),
        ]
    }
}
