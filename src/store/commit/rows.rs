//! The rows of a commit: the log first, because it keeps what the others overwrite.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::{BULK, Commit, Stored};
use crate::store::change_set::{Committed, ProblemsByFile};
use crate::store::tables::{changes, commits, documents, files, texts};
use crate::store::{ROWS, load, problems, write};

impl Commit<'_> {
    pub(super) async fn write(mut self, links: ProblemsByFile) -> Result<Committed, DbErr> {
        let mut rows = self.write_log().await?;
        rows += self.write_documents().await?;
        rows += self.write_entities().await?;
        rows += self.write_files().await?;

        let mut writer = problems::Writer::new(self.transaction, &self.source, self.at);
        writer
            .read_problems(std::mem::take(&mut self.read_problems), &mut self.counters)
            .await?;
        writer.link_problems(links, &mut self.counters).await?;
        writer
            .claim_problems(std::mem::take(&mut self.contested), &mut self.counters)
            .await?;
        let (problem_rows, problems) = writer.finish().await?;
        rows += problem_rows;
        let visible =
            !self.upserts.is_empty() || !self.committed.removals.is_empty() || !problems.is_empty();
        self.committed.problems = problems;
        if visible {
            rows += self.write_revision().await?;
        }
        if rows > 0 {
            self.counters.store(self.transaction).await?;
        }
        self.committed.rows_written = rows;
        self.committed.reload = self.upserts.len() > BULK;
        if !self.committed.reload {
            self.committed.upserts =
                load::entities_by_ref(self.transaction, &self.orders, &self.upserts).await?;
        }
        Ok(self.committed)
    }

    /// The log keeps what was before, so it is written first.
    async fn write_log(&mut self) -> Result<u64, DbErr> {
        let before: Vec<_> = self.log.iter().filter_map(|line| line.before).collect();
        let mut descriptors = write::descriptors(self.transaction, &before).await?;
        let revision = self.counters.revision();
        let rows: Vec<_> = std::mem::take(&mut self.log)
            .into_iter()
            .zip(0..)
            .map(|(line, position)| {
                let (before, texts) = line
                    .before
                    .and_then(|document| descriptors.remove(&document))
                    .map_or((None, None), |(json, texts)| (Some(json), texts));
                changes::Model {
                    revision,
                    position,
                    node_id: line.node_id,
                    entity_ref: line.entity_ref.to_string(),
                    operation: line.operation.to_sql(),
                    texts,
                    before,
                }
            })
            .collect();
        write::insert::<changes::Entity>(self.transaction, rows).await
    }

    async fn write_documents(&mut self) -> Result<u64, DbErr> {
        let transaction = self.transaction;
        let created_at = self.at;
        let texts: Vec<_> = std::mem::take(&mut self.texts)
            .into_iter()
            .map(|(hash, content)| texts::Model {
                hash,
                created_at,
                content: content.into_bytes(),
            })
            .collect();
        let mut rows = write::insert_new_texts(transaction, texts).await?;
        let dropped: Vec<_> = self.dropped.iter().map(|claim| claim.id).collect();
        rows += write::delete_documents(transaction, &dropped).await?;
        let mark: HashMap<i64, bool> = self.winners.iter().copied().collect();
        let row = |stored: Stored| {
            let winner = mark.get(&stored.row.id).copied();
            documents::Model {
                winner: winner.unwrap_or(stored.row.winner),
                ..stored.row
            }
        };
        let added: Vec<_> = std::mem::take(&mut self.added)
            .into_iter()
            .map(row)
            .collect();
        let changed: Vec<_> = std::mem::take(&mut self.changed)
            .into_iter()
            .map(row)
            .collect();
        let written: HashSet<i64> = added.iter().chain(&changed).map(|row| row.id).collect();
        rows += write::insert::<documents::Entity>(transaction, added).await?;
        rows += write::upsert_documents(transaction, changed).await?;
        rows += write::move_documents(transaction, &self.moved).await?;
        self.winners
            .retain(|(id, _)| !written.contains(id) && !dropped.contains(id));
        rows += write::mark_winners(transaction, &self.winners).await?;
        Ok(rows)
    }

    async fn write_entities(&mut self) -> Result<u64, DbErr> {
        let gone = std::mem::take(&mut self.gone_entities);
        let new = std::mem::take(&mut self.new_entities);
        let mut rows = write::delete_entities(self.transaction, &gone).await?;
        rows += write::upsert_entities(self.transaction, new).await?;
        Ok(rows)
    }

    async fn write_files(&mut self) -> Result<u64, DbErr> {
        let states = std::mem::take(&mut self.states);
        let mut rows = write::upsert_files(self.transaction, states).await?;
        for chunk in self.vanished.chunks(ROWS) {
            rows += files::Entity::delete_many()
                .filter(files::Column::Source.eq(&*self.source))
                .filter(files::Column::File.is_in(chunk))
                .exec(self.transaction)
                .await?
                .rows_affected;
        }
        Ok(rows)
    }

    async fn write_revision(&mut self) -> Result<u64, DbErr> {
        let revision = self.counters.take_revision();
        self.committed.revision = Some(u64::try_from(revision).unwrap_or_default());
        let row = commits::Model {
            revision,
            at: self.at,
            actor: self.actor.as_deref().map(str::to_owned),
            source: self.source.to_string(),
        };
        write::insert::<commits::Entity>(self.transaction, vec![row]).await
    }
}
