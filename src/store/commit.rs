//! One change, one transaction: what is held is compared with what was found, claims are settled, and documents, entities, problems and log are written together.

mod rows;
mod settle;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use super::change_set::{Carry, ChangeSet, Committed, Document, FileChange, ProblemsByFile};
use super::changes::Operation;
use super::claims::{Claim, compare};
use super::tables::{documents, entities, files};
use super::texts::sha256;
use super::write::{self, Counters};
use super::{Store, StoreError, sources};
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
    read_problems: ProblemsByFile,

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
        let documents = files.iter().map(|change| change.documents.len());
        self.added.reserve(documents.sum());
        for change in files {
            let mut old = by_file.remove(&change.file).unwrap_or_default();
            old.sort_by_key(|claim| (claim.document, claim.id));
            self.read_file(change, old);
        }
        self.number_added();
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

    /// What is new lies in the database in the order of refs, in which it will be read.
    fn number_added(&mut self) {
        self.added
            .sort_by(|left, right| left.claim.entity_ref.cmp(&right.claim.entity_ref));
        for stored in &mut self.added {
            let id = self.counters.next_document();
            (stored.claim.id, stored.row.id) = (id, id);
        }
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
                // Given with the others', when all are known.
                None => 0,
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
