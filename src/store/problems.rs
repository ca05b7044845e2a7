//! What is wrong in which file: by stage, so that each stage replaces only what it said itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::change_set::{ProblemsByFile, ProblemsOfFile};
use super::claims::Claim;
use super::tables::problems::{Column, Entity, Model};
use super::write::{self, Counters};
use super::{ROWS, Store, StoreError};
use crate::catalog::EntityRef;
use crate::diagnostic::Severity;
use crate::graph::ProblemRecord;

/// Where a problem was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// In what a file says.
    Read = 0,
    /// In what a file leads to.
    Link = 1,
    /// Between documents that claim one ref.
    Claim = 2,
}

/// Writes the problems of one commit.
pub(super) struct Writer<'a> {
    transaction: &'a DatabaseTransaction,
    source: &'a Arc<str>,
    at: i64,
    /// Files whose problems changed.
    changed: BTreeSet<(Arc<str>, Arc<str>)>,
    rows: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(transaction: &'a DatabaseTransaction, source: &'a Arc<str>, at: i64) -> Self {
        Self {
            transaction,
            source,
            at,
            changed: BTreeSet::new(),
            rows: 0,
        }
    }

    pub(super) async fn read_problems(
        &mut self,
        files: ProblemsByFile,
        counters: &mut Counters,
    ) -> Result<(), DbErr> {
        self.of_files(Stage::Read, files, counters).await
    }

    pub(super) async fn link_problems(
        &mut self,
        files: ProblemsByFile,
        counters: &mut Counters,
    ) -> Result<(), DbErr> {
        self.of_files(Stage::Link, files, counters).await
    }

    async fn of_files(
        &mut self,
        stage: Stage,
        files: ProblemsByFile,
        counters: &mut Counters,
    ) -> Result<(), DbErr> {
        let mut old: HashMap<String, Vec<Model>> = HashMap::new();
        let names: Vec<_> = files.iter().map(|(file, _)| file.to_string()).collect();
        for chunk in names.chunks(ROWS) {
            let rows = Entity::find()
                .filter(Column::Source.eq(&**self.source))
                .filter(Column::File.is_in(chunk))
                .filter(Column::Stage.eq(stage as i16))
                .all(self.transaction)
                .await?;
            for row in rows {
                old.entry(row.file.clone()).or_default().push(row);
            }
        }
        let mut new = Vec::new();
        let mut gone = Vec::new();
        for (file, records) in files {
            let old = old.remove(&*file).unwrap_or_default();
            self.replace(stage, old, records, counters, &mut new, &mut gone);
        }
        self.write(new, &gone).await
    }

    /// Every document that claims a contested ref is told of the others.
    pub(super) async fn claim_problems(
        &mut self,
        contested: Vec<(EntityRef, Vec<Claim>)>,
        counters: &mut Counters,
    ) -> Result<(), DbErr> {
        let mut old: HashMap<String, Vec<Model>> = HashMap::new();
        let refs: Vec<_> = contested.iter().map(|(name, _)| name.to_string()).collect();
        for chunk in refs.chunks(ROWS) {
            let rows = Entity::find()
                .filter(Column::EntityRef.is_in(chunk))
                .filter(Column::Stage.eq(Stage::Claim as i16))
                .all(self.transaction)
                .await?;
            for row in rows {
                let name = row.entity_ref.clone().unwrap_or_default();
                old.entry(name).or_default().push(row);
            }
        }
        let mut new = Vec::new();
        let mut gone = Vec::new();
        for (entity_ref, claims) in contested {
            let old = old.remove(entity_ref.as_str()).unwrap_or_default();
            let records = duplicates(&claims, self.now());
            self.replace(Stage::Claim, old, records, counters, &mut new, &mut gone);
        }
        self.write(new, &gone).await
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.at).unwrap_or_default()
    }

    /// Keeps rows that say the same, and of those that moved the time when they were first seen.
    fn replace(
        &mut self,
        stage: Stage,
        mut old: Vec<Model>,
        records: Vec<ProblemRecord>,
        counters: &mut Counters,
        new: &mut Vec<Model>,
        gone: &mut Vec<i64>,
    ) {
        for record in records {
            let mut row = to_row(stage, record, self.at);
            let same = old.iter().position(|old| identity(old) == identity(&row));
            if let Some(same) = same {
                let before = old.swap_remove(same);
                row.seen_at = before.seen_at;
                row.id = before.id;
                if row == before {
                    continue;
                }
                gone.push(before.id);
            }
            row.id = counters.next_problem();
            self.changed
                .insert((row.source.as_str().into(), row.file.as_str().into()));
            new.push(row);
        }
        for row in old {
            self.changed.insert((row.source.into(), row.file.into()));
            gone.push(row.id);
        }
    }

    async fn write(&mut self, new: Vec<Model>, gone: &[i64]) -> Result<(), DbErr> {
        for chunk in gone.chunks(ROWS) {
            self.rows += Entity::delete_many()
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .exec(self.transaction)
                .await?
                .rows_affected;
        }
        self.rows += write::insert::<Entity>(self.transaction, new).await?;
        Ok(())
    }

    /// How many rows were written, and all problems of the files whose problems changed.
    pub(super) async fn finish(self) -> Result<(u64, Vec<ProblemsOfFile>), DbErr> {
        let mut by_file: HashMap<(Arc<str>, Arc<str>), Vec<Model>> = HashMap::new();
        let files: Vec<_> = self.changed.iter().map(|(_, file)| &**file).collect();
        for chunk in files.chunks(ROWS) {
            let rows = Entity::find()
                .filter(Column::File.is_in(chunk.iter().copied()))
                .all(self.transaction)
                .await?;
            for row in rows {
                let key = (row.source.as_str().into(), row.file.as_str().into());
                by_file.entry(key).or_default().push(row);
            }
        }
        let problems = self.changed.into_iter().map(|key| {
            let mut rows = by_file.remove(&key).unwrap_or_default();
            rows.sort_by_key(|row| (row.line, row.column, row.id));
            (key, rows.into_iter().map(to_record).collect())
        });
        Ok((self.rows, problems.collect()))
    }
}

impl Store {
    /// All problems, by source, file and line.
    pub async fn problems(&self) -> Result<Vec<ProblemRecord>, StoreError> {
        let mut rows = Entity::find()
            .all(&self.database)
            .await
            .map_err(|error| self.error(error))?;
        rows.sort_by(|left, right| {
            let key = |row: &Model| (row.line, row.column, row.id);
            (&left.source, &left.file, key(left)).cmp(&(&right.source, &right.file, key(right)))
        });
        Ok(rows.into_iter().map(to_record).collect())
    }
}

impl Store {
    /// The files of a source that have problems in what they lead to: a full reading finds those anew.
    pub async fn link_files(&self, source: &str) -> Result<Vec<String>, StoreError> {
        Entity::find()
            .select_only()
            .column(Column::File)
            .distinct()
            .filter(Column::Source.eq(source))
            .filter(Column::Stage.eq(Stage::Link as i16))
            .into_tuple()
            .all(&self.database)
            .await
            .map_err(|error| self.error(error))
    }
}

/// What makes two rows the same problem, wherever it stands in the file by now.
fn identity(row: &Model) -> impl PartialEq + '_ {
    // What a claim is told names the place of the other one, which may move.
    let message = (row.stage != Stage::Claim as i16).then_some(&row.message);
    (
        (&row.source, &row.file, row.stage),
        (&row.code, message, &row.field, &row.entity_ref),
    )
}

fn duplicates(claims: &[Claim], at: Timestamp) -> Vec<ProblemRecord> {
    let [winner, losers @ ..] = claims else {
        return Vec::new();
    };
    let Some(first_loser) = losers.first() else {
        return Vec::new();
    };
    let place = |own: &Claim, other: &Claim| match own.source == other.source {
        true => format!("`{}:{}`", other.file, other.line),
        false => format!(
            "`{}:{}` of source `{}`",
            other.file, other.line, other.source
        ),
    };
    let record = |claim: &Claim, severity, message, hint: &str| ProblemRecord {
        severity,
        code: "duplicate-ref".into(),
        message: Arc::from(message),
        hint: Some(hint.into()),
        field: Some("metadata.name".into()),
        source: Arc::clone(&claim.source),
        file: Arc::clone(&claim.file),
        line: u32::try_from(claim.line).ok(),
        // Where the document begins.
        column: Some(1),
        entity_ref: Some(claim.entity_ref.clone()),
        seen_at: at,
    };
    let kept = format!(
        "`{}` is described in {} as well; this document is the one that is served",
        winner.entity_ref,
        place(winner, first_loser)
    );
    let mut records = vec![record(
        winner,
        Severity::Warning,
        kept,
        "remove one of the two, or give one another name or namespace",
    )];
    records.extend(losers.iter().map(|loser| {
        let lost = format!(
            "`{}` is described in {} already, which is served in place of this document",
            loser.entity_ref,
            place(loser, winner)
        );
        record(
            loser,
            Severity::Error,
            lost,
            "give this document another name or namespace, or remove the other one",
        )
    }));
    records
}

fn to_row(stage: Stage, record: ProblemRecord, at: i64) -> Model {
    // PostgreSQL takes no NUL in a text.
    let text = |text: &Arc<str>| text.replace('\0', "\u{FFFD}");
    let number = |number: Option<u32>| number.map(write::signed);
    Model {
        id: 0,
        source: text(&record.source),
        file: text(&record.file),
        stage: stage as i16,
        severity: match record.severity {
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Info => 2,
        },
        code: text(&record.code),
        message: text(&record.message),
        hint: record.hint.as_ref().map(text),
        field: record.field.as_ref().map(text),
        line: number(record.line),
        column: number(record.column),
        entity_ref: record
            .entity_ref
            .map(|entity_ref| entity_ref.as_str().replace('\0', "\u{FFFD}")),
        seen_at: at,
    }
}

fn to_record(row: Model) -> ProblemRecord {
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    ProblemRecord {
        severity: match row.severity {
            0 => Severity::Error,
            1 => Severity::Warning,
            _ => Severity::Info,
        },
        code: row.code.into(),
        message: row.message.into(),
        hint: row.hint.map(Into::into),
        field: row.field.map(Into::into),
        source: row.source.into(),
        file: row.file.into(),
        line: number(row.line),
        column: number(row.column),
        entity_ref: row.entity_ref.map(EntityRef::from_canonical),
        seen_at: Timestamp::from_microsecond(row.seen_at).unwrap_or_default(),
    }
}
