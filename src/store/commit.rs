//! One change, one transaction: what is held is compared with what was found, claims are settled, and documents, entities, problems and log are written together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use super::change_set::{Carry, ChangeSet, Committed, Document, FileChange};
use super::changes::Operation;
use super::claims::{Claim, compare, rank};
use super::tables::{changes, commits, documents, entities, files, texts};
use super::texts::sha256;
use super::write::{self, Counters};
use super::{Store, StoreError, problems, sources};
use crate::catalog::EntityRef;

/// From this many entities on a delta costs more than loading the snapshot anew.
const BULK: usize = 2_000;

impl Store {
    /// Commits what a reading found.
    ///
    /// After an error nothing of this part is stored, and `carry` must not be used again.
    pub async fn commit(&self, set: ChangeSet, carry: &mut Carry) -> Result<Committed, StoreError> {
        let _writer = self.writer.lock().await;
        self.try_commit(set, carry)
            .await
            .map_err(|error| self.error(error))
    }

    async fn try_commit(&self, set: ChangeSet, carry: &mut Carry) -> Result<Committed, DbErr> {
        let transaction = self.begin().await?;
        let mut commit = Commit::new(&transaction, &set, carry).await?;
        commit.read(set.files).await?;
        commit.settle().await?;
        let committed = commit.write(set.links).await?;
        if committed.rows_written == 0 {
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        Ok(committed)
    }

    /// A transaction that holds the right to write from its start.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.database.begin_with_options(options).await
    }
}

/// A document that is stored anew or again, with the claim that it makes.
struct Stored {
    claim: Claim,
    row: documents::Model,
}

/// What is gone and what is new at the same place of a file.
struct Rename {
    gone: Claim,
    added: Stored,
}

/// How a ref is served, before and after.
#[derive(Default)]
struct Served {
    entity: Option<entities::Model>,
    before: Vec<Claim>,
    after: Vec<Claim>,
}

struct Commit<'a> {
    transaction: &'a DatabaseTransaction,
    carry: &'a mut Carry,
    counters: Counters,
    /// Positions of the sources by name.
    orders: HashMap<String, i32>,
    source: Arc<str>,
    actor: Option<Arc<str>>,
    at: i64,
    first_seen: i64,
    last: bool,

    added: Vec<Stored>,
    changed: Vec<Stored>,
    /// Same content, another place.
    moved: Vec<Claim>,
    dropped: Vec<Claim>,
    renames: Vec<Rename>,
    texts: BTreeMap<String, String>,
    states: Vec<files::Model>,
    vanished: Vec<String>,
    read_problems: Vec<(Arc<str>, Vec<crate::graph::ProblemRecord>)>,

    served: BTreeMap<EntityRef, Served>,
    new_entities: Vec<entities::Model>,
    gone_entities: Vec<String>,
    log: Vec<LogLine>,
    upserts: Vec<EntityRef>,
    /// New value of the winner mark by document.
    winners: Vec<(i64, bool)>,
    /// Refs whose claims have changed, with all of them.
    contested: Vec<(EntityRef, Vec<Claim>)>,
    committed: Committed,
}

struct LogLine {
    node_id: String,
    entity_ref: EntityRef,
    operation: Operation,
    /// The document that was served before.
    before: Option<i64>,
}

impl<'a> Commit<'a> {
    async fn new(
        transaction: &'a DatabaseTransaction,
        set: &ChangeSet,
        carry: &'a mut Carry,
    ) -> Result<Self, DbErr> {
        Ok(Self {
            transaction,
            carry,
            counters: Counters::lock(transaction).await?,
            orders: sources::orders(transaction).await?,
            source: Arc::clone(&set.source),
            actor: set.actor.clone(),
            at: set.at.as_microsecond(),
            first_seen: set.first_seen.as_microsecond(),
            last: set.last,
            added: Vec::new(),
            changed: Vec::new(),
            moved: Vec::new(),
            dropped: Vec::new(),
            renames: Vec::new(),
            texts: BTreeMap::new(),
            states: Vec::new(),
            vanished: Vec::new(),
            read_problems: Vec::new(),
            served: BTreeMap::new(),
            new_entities: Vec::new(),
            gone_entities: Vec::new(),
            log: Vec::new(),
            upserts: Vec::new(),
            winners: Vec::new(),
            contested: Vec::new(),
            committed: Committed::default(),
        })
    }

    /// Compares each file with what is held of it.
    async fn read(&mut self, files: Vec<FileChange>) -> Result<(), DbErr> {
        let names: Vec<_> = files.iter().map(|change| change.file.to_string()).collect();
        let condition = |names: &[String]| {
            documents::Column::Source
                .eq(&*self.source)
                .and(documents::Column::File.is_in(names))
        };
        let held = write::claims(self.transaction, &self.orders, &names, condition).await?;
        let mut by_file: HashMap<Arc<str>, Vec<Claim>> = HashMap::new();
        for claim in held {
            by_file
                .entry(Arc::clone(&claim.file))
                .or_default()
                .push(claim);
        }
        for change in files {
            let mut old = by_file.remove(&change.file).unwrap_or_default();
            old.sort_by_key(|claim| (claim.document, claim.id));
            self.read_file(change, old);
        }
        if self.last {
            let carried = std::mem::take(&mut self.carry.dropped);
            let condition = |ids: &[i64]| documents::Column::Id.is_in(ids.iter().copied());
            let late = write::claims(self.transaction, &self.orders, &carried, condition).await?;
            self.dropped.extend(late);
            for (file, state) in std::mem::take(&mut self.carry.states) {
                self.states
                    .push(write::file_row(&self.source, &file, state));
            }
        }
        Ok(())
    }

    fn read_file(&mut self, change: FileChange, old: Vec<Claim>) {
        self.read_problems
            .push((Arc::clone(&change.file), change.problems));
        let Some(state) = change.state else {
            self.vanished.push(change.file.to_string());
            self.dropped.extend(old);
            return;
        };
        let comparison = compare(&old, &change.documents, &change.failed);
        let mut old: Vec<_> = old.into_iter().map(Some).collect();
        let mut new: Vec<_> = change.documents.into_iter().map(Some).collect();
        if let Some((gone, added)) = comparison.rename
            && let (Some(gone), Some(added)) = (old[gone].take(), new[added].take())
        {
            let added = self.stored(&change.file, added, Some(&gone));
            self.renames.push(Rename { gone, added });
        }
        for (before, after) in comparison.pairs {
            if let (Some(before), Some(after)) = (old[before].take(), new[after].take()) {
                self.keep(&change.file, before, after);
            }
        }
        for position in comparison.new {
            if let Some(document) = new[position].take() {
                let stored = self.stored(&change.file, document, None);
                self.added.push(stored);
            }
        }
        let gone: Vec<_> = comparison
            .gone
            .into_iter()
            .filter_map(|position| old[position].take())
            .collect();
        if !self.last && !gone.is_empty() {
            // Were the state stored now, a crash before the end of the reading would make the file look done.
            self.carry.dropped.extend(gone.iter().map(|claim| claim.id));
            self.carry.states.push((change.file, state));
            return;
        }
        self.dropped.extend(gone);
        self.states
            .push(write::file_row(&self.source, &change.file, state));
    }

    fn keep(&mut self, file: &Arc<str>, before: Claim, after: Document) {
        let place = (write::signed(after.document), write::signed(after.line));
        if before.hash != after.packed.hash {
            let stored = self.stored(file, after, Some(&before));
            self.changed.push(stored);
        } else if (before.document, before.line) != place {
            let (document, line) = place;
            self.moved.push(Claim {
                document,
                line,
                ..before
            });
        }
    }

    /// The row of a document; `before` is the one whose place it takes.
    fn stored(&mut self, file: &Arc<str>, document: Document, before: Option<&Claim>) -> Stored {
        let claim = Claim {
            id: match before {
                Some(before) => before.id,
                None => self.counters.next_document(),
            },
            source: Arc::clone(&self.source),
            order: sources::order(&self.orders, &self.source),
            file: Arc::clone(file),
            document: write::signed(document.document),
            line: write::signed(document.line),
            entity_ref: document.entity_ref,
            hash: document.packed.hash.clone(),
            first_seen: before.map_or(self.first_seen, |before| before.first_seen),
            winner: before.is_some_and(|before| before.winner),
        };
        let row = write::document_row(&claim, &mut self.texts, document.packed);
        Stored { claim, row }
    }

    /// Decides who speaks for each ref that is touched.
    async fn settle(&mut self) -> Result<(), DbErr> {
        self.read_served().await?;
        self.settle_renames().await?;
        self.apply_to_claims();
        let mut served = std::mem::take(&mut self.served);
        let new: Vec<_> = served
            .iter()
            .filter(|(_, served)| served.entity.is_none() && !served.after.is_empty())
            .map(|(entity_ref, _)| entity_ref.clone())
            .collect();
        let mut ids = write::new_node_ids(self.transaction, new).await?;
        for (entity_ref, served) in &mut served {
            rank(&mut served.after);
            let id = ids.remove(entity_ref);
            self.settle_ref(entity_ref, served, id);
        }
        Ok(())
    }

    /// Reads entities and claims of all touched refs.
    async fn read_served(&mut self) -> Result<(), DbErr> {
        let stored = self
            .added
            .iter()
            .chain(&self.changed)
            .map(|stored| &stored.claim);
        let renamed = self
            .renames
            .iter()
            .flat_map(|rename| [&rename.gone, &rename.added.claim]);
        let touched: BTreeSet<EntityRef> = stored
            .chain(&self.moved)
            .chain(&self.dropped)
            .chain(renamed)
            .map(|claim| claim.entity_ref.clone())
            .collect();
        let refs: Vec<_> = touched.iter().map(ToString::to_string).collect();
        self.served = touched
            .into_iter()
            .map(|entity_ref| (entity_ref, Served::default()))
            .collect();
        for entity in write::entities(self.transaction, &refs).await? {
            if let Some(served) = self.served.get_mut(entity.entity_ref.as_str()) {
                served.entity = Some(entity);
            }
        }
        let condition = |refs: &[String]| documents::Column::EntityRef.is_in(refs);
        for claim in write::claims(self.transaction, &self.orders, &refs, condition).await? {
            if let Some(served) = self.served.get_mut(&claim.entity_ref) {
                served.before.push(claim.clone());
                served.after.push(claim);
            }
        }
        Ok(())
    }

    /// An entity goes on under another name if nobody else claims either name and nothing else of it has changed.
    async fn settle_renames(&mut self) -> Result<(), DbErr> {
        for Rename { gone, mut added } in std::mem::take(&mut self.renames) {
            let alone = |served: Option<&Served>, claims| {
                served.is_some_and(|served| served.before.len() == claims)
            };
            let contested = self
                .added
                .iter()
                .any(|other| other.claim.entity_ref == added.claim.entity_ref);
            if gone.winner
                && !contested
                && alone(self.served.get(&gone.entity_ref), 1)
                && alone(self.served.get(&added.claim.entity_ref), 0)
                && write::same_but_name(self.transaction, gone.id, &added.row.descriptor).await?
            {
                self.rename(&gone, added);
                continue;
            }
            let id = self.counters.next_document();
            (added.claim.id, added.row.id) = (id, id);
            (added.claim.first_seen, added.row.first_seen) = (self.first_seen, self.first_seen);
            (added.claim.winner, added.row.winner) = (false, false);
            self.added.push(added);
            if self.last {
                self.dropped.push(gone);
            } else {
                self.carry.dropped.push(gone.id);
            }
        }
        Ok(())
    }

    fn rename(&mut self, gone: &Claim, added: Stored) {
        let Some(mut entity) = self
            .served
            .remove(&gone.entity_ref)
            .and_then(|served| served.entity)
        else {
            return;
        };
        self.served.remove(&added.claim.entity_ref);
        self.gone_entities.push(gone.entity_ref.to_string());
        self.committed.removals.push(gone.entity_ref.clone());
        self.committed.renamed += 1;
        self.log.push(LogLine {
            node_id: entity.node_id.clone(),
            entity_ref: added.claim.entity_ref.clone(),
            operation: Operation::Renamed,
            before: Some(gone.id),
        });
        entity.entity_ref = added.claim.entity_ref.to_string();
        entity.previous_refs = Some(match entity.previous_refs {
            Some(earlier) => format!("{earlier}\n{}", gone.entity_ref),
            None => gone.entity_ref.to_string(),
        });
        entity.updated_at = self.at;
        entity.revision = self.counters.next_revision();
        self.new_entities.push(entity);
        self.upserts.push(added.claim.entity_ref.clone());
        self.changed.push(added);
    }

    fn apply_to_claims(&mut self) {
        let dropped: HashSet<i64> = self.dropped.iter().map(|claim| claim.id).collect();
        for claim in &self.dropped {
            if let Some(served) = self.served.get_mut(&claim.entity_ref) {
                served.after.retain(|claim| !dropped.contains(&claim.id));
            }
        }
        let stored = self.changed.iter().map(|stored| &stored.claim);
        for claim in stored.chain(&self.moved) {
            if let Some(served) = self.served.get_mut(&claim.entity_ref)
                && let Some(before) = served.after.iter_mut().find(|other| other.id == claim.id)
            {
                *before = claim.clone();
            }
        }
        for stored in &self.added {
            if let Some(served) = self.served.get_mut(&stored.claim.entity_ref) {
                served.after.push(stored.claim.clone());
            }
        }
    }

    fn settle_ref(&mut self, entity_ref: &EntityRef, served: &mut Served, id: Option<String>) {
        for (position, claim) in served.after.iter_mut().enumerate() {
            if claim.winner != (position == 0) {
                claim.winner = position == 0;
                self.winners.push((claim.id, claim.winner));
            }
        }
        if served.before.len() > 1 || served.after.len() > 1 {
            self.contested
                .push((entity_ref.clone(), served.after.clone()));
        }
        match (served.entity.take(), served.after.first()) {
            (None, None) => {}
            (None, Some(winner)) => self.create(winner, id),
            (Some(entity), None) => self.remove(entity_ref, entity),
            (Some(entity), Some(winner)) => {
                let before = served
                    .before
                    .iter()
                    .find(|claim| claim.id == entity.document_id);
                if before.is_none_or(|before| before.hash != winner.hash) {
                    self.update(entity, winner);
                } else if served.before != served.after {
                    self.touch(entity, winner);
                }
            }
        }
    }

    fn create(&mut self, winner: &Claim, id: Option<String>) {
        let node_id = id.unwrap_or_default();
        self.committed.created += 1;
        self.log.push(LogLine {
            node_id: node_id.clone(),
            entity_ref: winner.entity_ref.clone(),
            operation: Operation::Created,
            before: None,
        });
        self.new_entities.push(entities::Model {
            entity_ref: winner.entity_ref.to_string(),
            node_id,
            document_id: winner.id,
            created_at: self.at,
            updated_at: self.at,
            revision: self.counters.next_revision(),
            previous_refs: None,
        });
        self.upserts.push(winner.entity_ref.clone());
    }

    fn update(&mut self, entity: entities::Model, winner: &Claim) {
        self.committed.updated += 1;
        self.log.push(LogLine {
            node_id: entity.node_id.clone(),
            entity_ref: winner.entity_ref.clone(),
            operation: Operation::Updated,
            before: Some(entity.document_id),
        });
        self.new_entities.push(entities::Model {
            document_id: winner.id,
            updated_at: self.at,
            revision: self.counters.next_revision(),
            ..entity
        });
        self.upserts.push(winner.entity_ref.clone());
    }

    /// The same content from another place.
    fn touch(&mut self, entity: entities::Model, winner: &Claim) {
        if entity.document_id != winner.id {
            self.new_entities.push(entities::Model {
                document_id: winner.id,
                ..entity
            });
        }
        self.upserts.push(winner.entity_ref.clone());
    }

    fn remove(&mut self, entity_ref: &EntityRef, entity: entities::Model) {
        self.committed.removed += 1;
        self.committed.removals.push(entity_ref.clone());
        self.log.push(LogLine {
            node_id: entity.node_id,
            entity_ref: entity_ref.clone(),
            operation: Operation::Removed,
            before: Some(entity.document_id),
        });
        self.gone_entities.push(entity.entity_ref);
    }

    async fn write(
        mut self,
        links: Vec<(Arc<str>, Vec<crate::graph::ProblemRecord>)>,
    ) -> Result<Committed, DbErr> {
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
                super::load::entities_by_ref(self.transaction, &self.orders, &self.upserts).await?;
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
        for chunk in self.vanished.chunks(super::ROWS) {
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

/// The id of an entity that was first seen under `entity_ref`; `round` counts ids that are taken.
pub(super) fn node_id(entity_ref: &str, round: u32) -> String {
    let mut hash = match round {
        0 => sha256(entity_ref.as_bytes()),
        _ => sha256(format!("{entity_ref}#{round}").as_bytes()),
    };
    hash.truncate(20);
    hash
}
