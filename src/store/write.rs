//! The statements of a commit, many rows at a time.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::{CaseStatement, Expr, OnConflict, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    Iterable, QueryFilter, QuerySelect,
};
use serde_json::Value;

use super::change_set::{FileState, Packed};
use super::claims::Claim;
use super::commit::node_id;
use super::tables::{counters, documents, entities, files, sources as sources_table, texts};
use super::{ROWS, sources};
use crate::catalog::EntityRef;

/// The last revision and the last row ids, locked for the length of a transaction.
#[derive(Debug)]
pub(super) struct Counters {
    revision: i64,
    document: i64,
    problem: i64,
    stored: [i64; 3],
}

impl Counters {
    pub(super) async fn lock(transaction: &DatabaseTransaction) -> Result<Self, DbErr> {
        let rows = counters::Entity::find()
            .lock_exclusive()
            .all(transaction)
            .await?;
        let value = |name: &str| {
            let row = rows.iter().find(|row| row.name == name);
            row.map_or(0, |row| row.value)
        };
        let (revision, document, problem) =
            (value("revision"), value("document"), value("problem"));
        Ok(Self {
            revision,
            document,
            problem,
            stored: [revision, document, problem],
        })
    }

    /// The revision of this commit, should it get one.
    pub(super) fn revision(&self) -> i64 {
        self.stored[0] + 1
    }

    /// The same, said where a row is made that needs it.
    pub(super) fn next_revision(&self) -> i64 {
        self.revision()
    }

    /// Uses up the revision.
    pub(super) fn take_revision(&mut self) -> i64 {
        self.revision = self.revision();
        self.revision
    }

    pub(super) fn next_document(&mut self) -> i64 {
        self.document += 1;
        self.document
    }

    pub(super) fn next_problem(&mut self) -> i64 {
        self.problem += 1;
        self.problem
    }

    pub(super) async fn store(&self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        let now = [
            ("revision", self.revision),
            ("document", self.document),
            ("problem", self.problem),
        ];
        for ((name, value), stored) in now.into_iter().zip(self.stored) {
            if value != stored {
                counters::Entity::update_many()
                    .col_expr(counters::Column::Value, Expr::value(value))
                    .filter(counters::Column::Name.eq(name))
                    .exec(transaction)
                    .await?;
            }
        }
        Ok(())
    }
}

/// SQL has no unsigned numbers.
pub(super) fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The claims for which `condition` holds, without descriptors.
pub(super) async fn claims<T>(
    connection: &impl ConnectionTrait,
    orders: &HashMap<String, i32>,
    keys: &[T],
    condition: impl Fn(&[T]) -> SimpleExpr,
) -> Result<Vec<Claim>, DbErr> {
    type Row = (i64, String, String, i32, i32, String, String, i64, bool);
    use documents::Column;
    let mut claims = Vec::new();
    for chunk in keys.chunks(ROWS) {
        let rows: Vec<Row> = documents::Entity::find()
            .select_only()
            .columns([
                Column::Id,
                Column::Source,
                Column::File,
                Column::Document,
                Column::Line,
                Column::EntityRef,
                Column::Hash,
                Column::FirstSeen,
                Column::Winner,
            ])
            .filter(condition(chunk))
            .into_tuple()
            .all(connection)
            .await?;
        claims.extend(rows.into_iter().map(|row| {
            let (id, source, file, document, line, entity_ref, hash, first_seen, winner) = row;
            Claim {
                id,
                order: sources::order(orders, &source),
                source: source.into(),
                file: file.into(),
                document,
                line,
                entity_ref: EntityRef::from_canonical(entity_ref),
                hash,
                first_seen,
                winner,
            }
        }));
    }
    Ok(claims)
}

pub(super) async fn entities(
    connection: &impl ConnectionTrait,
    refs: &[String],
) -> Result<Vec<entities::Model>, DbErr> {
    let mut rows = Vec::new();
    for chunk in refs.chunks(ROWS) {
        rows.extend(
            entities::Entity::find()
                .filter(entities::Column::EntityRef.is_in(chunk))
                .all(connection)
                .await?,
        );
    }
    Ok(rows)
}

/// Descriptors with their lists of texts, by document.
pub(super) async fn descriptors(
    connection: &impl ConnectionTrait,
    ids: &[i64],
) -> Result<HashMap<i64, (String, Option<String>)>, DbErr> {
    use documents::Column;
    let mut descriptors = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(ROWS) {
        let rows: Vec<(i64, String, Option<String>)> = documents::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Descriptor, Column::Texts])
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .into_tuple()
            .all(connection)
            .await?;
        descriptors.extend(
            rows.into_iter()
                .map(|(id, json, texts)| (id, (json, texts))),
        );
    }
    Ok(descriptors)
}

/// Whether the stored document and `descriptor` differ in name and namespace at most.
pub(super) async fn same_but_name(
    connection: &impl ConnectionTrait,
    document: i64,
    descriptor: &str,
) -> Result<bool, DbErr> {
    let stored = descriptors(connection, &[document]).await?;
    let nameless = |json: &str| {
        let mut value: Value = serde_json::from_str(json).ok()?;
        let metadata = value.get_mut("metadata")?.as_object_mut()?;
        metadata.shift_remove("name");
        metadata.shift_remove("namespace");
        Some(value)
    };
    let before = stored.get(&document).and_then(|(json, _)| nameless(json));
    Ok(before.is_some() && before == nameless(descriptor))
}

/// Ids for new entities; one that is taken (by an entity that was renamed) gives way to the next.
pub(super) async fn new_node_ids(
    connection: &impl ConnectionTrait,
    mut refs: Vec<EntityRef>,
) -> Result<HashMap<EntityRef, String>, DbErr> {
    let mut ids = HashMap::with_capacity(refs.len());
    for round in 0.. {
        let candidates: Vec<_> = refs
            .drain(..)
            .map(|entity_ref| (node_id(entity_ref.as_str(), round), entity_ref))
            .collect();
        for chunk in candidates.chunks(ROWS) {
            let taken: Vec<String> = entities::Entity::find()
                .select_only()
                .column(entities::Column::NodeId)
                .filter(entities::Column::NodeId.is_in(chunk.iter().map(|(id, _)| id.as_str())))
                .into_tuple()
                .all(connection)
                .await?;
            for (id, entity_ref) in chunk {
                if taken.contains(id) {
                    refs.push(entity_ref.clone());
                } else {
                    ids.insert(entity_ref.clone(), id.clone());
                }
            }
        }
        if refs.is_empty() {
            break;
        }
    }
    Ok(ids)
}

pub(super) fn document_row(
    claim: &Claim,
    texts: &mut BTreeMap<String, String>,
    packed: Packed,
) -> documents::Model {
    let list = packed.text_list();
    texts.extend(packed.texts);
    documents::Model {
        id: claim.id,
        source: claim.source.to_string(),
        file: claim.file.to_string(),
        document: claim.document,
        line: claim.line,
        entity_ref: claim.entity_ref.to_string(),
        hash: packed.hash,
        first_seen: claim.first_seen,
        winner: claim.winner,
        texts: list,
        descriptor: packed.json,
    }
}

pub(super) fn file_row(source: &str, file: &str, state: FileState) -> files::Model {
    files::Model {
        source: source.to_owned(),
        file: file.to_owned(),
        size: i64::try_from(state.size).unwrap_or(i64::MAX),
        modified: state.modified,
        seen_at: state.seen_at.as_microsecond(),
        hash: state.hash.to_string(),
        model: state.model.to_string(),
        links: state.links.map(|links| links.to_string()),
    }
}

/// Inserts `rows`; how many.
pub(super) async fn insert<E>(
    connection: &impl ConnectionTrait,
    rows: Vec<E::Model>,
) -> Result<u64, DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    upsert::<E>(connection, rows, None).await
}

async fn upsert<E>(
    connection: &impl ConnectionTrait,
    rows: Vec<E::Model>,
    conflict: Option<OnConflict>,
) -> Result<u64, DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let mut written = 0;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut insert = E::insert_many(
            rows.by_ref()
                .take(ROWS)
                .map(IntoActiveModel::into_active_model),
        );
        if let Some(conflict) = &conflict {
            insert = insert.on_conflict(conflict.clone());
        }
        written += insert.exec_without_returning(connection).await?;
    }
    Ok(written)
}

/// On a row with the same key all other columns are set.
fn overwrite<E: EntityTrait>(key: impl IntoIterator<Item = E::Column>) -> OnConflict
where
    E::Column: Iterable,
{
    OnConflict::columns(key)
        .update_columns(E::Column::iter())
        .to_owned()
}

pub(super) async fn insert_new_texts(
    connection: &impl ConnectionTrait,
    rows: Vec<texts::Model>,
) -> Result<u64, DbErr> {
    let conflict = OnConflict::column(texts::Column::Hash)
        .do_nothing()
        .to_owned();
    // Texts are large: fewer in one statement.
    let mut written = 0;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        written += texts::Entity::insert_many(
            rows.by_ref()
                .take(32)
                .map(IntoActiveModel::into_active_model),
        )
        .on_conflict(conflict.clone())
        .exec_without_returning(connection)
        .await?;
    }
    Ok(written)
}

pub(super) async fn upsert_documents(
    connection: &impl ConnectionTrait,
    rows: Vec<documents::Model>,
) -> Result<u64, DbErr> {
    let conflict = overwrite::<documents::Entity>([documents::Column::Id]);
    upsert::<documents::Entity>(connection, rows, Some(conflict)).await
}

pub(super) async fn upsert_entities(
    connection: &impl ConnectionTrait,
    rows: Vec<entities::Model>,
) -> Result<u64, DbErr> {
    let conflict = overwrite::<entities::Entity>([entities::Column::EntityRef]);
    upsert::<entities::Entity>(connection, rows, Some(conflict)).await
}

pub(super) async fn upsert_files(
    connection: &impl ConnectionTrait,
    rows: Vec<files::Model>,
) -> Result<u64, DbErr> {
    let conflict = overwrite::<files::Entity>([files::Column::Source, files::Column::File]);
    upsert::<files::Entity>(connection, rows, Some(conflict)).await
}

pub(super) async fn delete_documents(
    connection: &impl ConnectionTrait,
    ids: &[i64],
) -> Result<u64, DbErr> {
    let mut written = 0;
    for chunk in ids.chunks(ROWS) {
        written += documents::Entity::delete_many()
            .filter(documents::Column::Id.is_in(chunk.iter().copied()))
            .exec(connection)
            .await?
            .rows_affected;
    }
    Ok(written)
}

pub(super) async fn delete_entities(
    connection: &impl ConnectionTrait,
    refs: &[String],
) -> Result<u64, DbErr> {
    let mut written = 0;
    for chunk in refs.chunks(ROWS) {
        written += entities::Entity::delete_many()
            .filter(entities::Column::EntityRef.is_in(chunk))
            .exec(connection)
            .await?
            .rows_affected;
    }
    Ok(written)
}

/// Lines added at the top of a file move all of its documents: one statement for many.
pub(super) async fn move_documents(
    connection: &impl ConnectionTrait,
    moved: &[Claim],
) -> Result<u64, DbErr> {
    use documents::Column;
    let mut written = 0;
    for chunk in moved.chunks(ROWS) {
        let column = |value: fn(&Claim) -> i32| {
            let case = |case: CaseStatement, claim: &Claim| {
                case.case(Column::Id.eq(claim.id), value(claim))
            };
            chunk.iter().fold(CaseStatement::new(), case)
        };
        written += documents::Entity::update_many()
            .col_expr(Column::Document, column(|claim| claim.document).into())
            .col_expr(Column::Line, column(|claim| claim.line).into())
            .filter(Column::Id.is_in(chunk.iter().map(|claim| claim.id)))
            .exec(connection)
            .await?
            .rows_affected;
    }
    Ok(written)
}

pub(super) async fn mark_winners(
    connection: &impl ConnectionTrait,
    marks: &[(i64, bool)],
) -> Result<u64, DbErr> {
    let mut written = 0;
    for mark in [false, true] {
        let ids = marks.iter().filter(|(_, winner)| *winner == mark);
        let ids: Vec<_> = ids.map(|(id, _)| *id).collect();
        for chunk in ids.chunks(ROWS) {
            written += documents::Entity::update_many()
                .col_expr(documents::Column::Winner, Expr::value(mark))
                .filter(documents::Column::Id.is_in(chunk.iter().copied()))
                .exec(connection)
                .await?
                .rows_affected;
        }
    }
    Ok(written)
}

pub(super) async fn upsert_source(
    connection: &impl ConnectionTrait,
    row: sources_table::Model,
) -> Result<(), DbErr> {
    let conflict = overwrite::<sources_table::Entity>([sources_table::Column::Name]);
    upsert::<sources_table::Entity>(connection, vec![row], Some(conflict)).await?;
    Ok(())
}
