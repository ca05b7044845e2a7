//! Where each kind keeps its columns in a row: made once per [`Model`].

use std::sync::Arc;

use super::value::Sort;
use crate::sdl::{ColumnId, ColumnSource, EngineValue, KindId, Leaf, Model};

/// A kind in a row: a [`KindId`], or one of the codes below.
pub(super) type KindCode = u16;

/// Entities of kinds that no SDL declares.
pub(super) const GENERIC: KindCode = KindCode::MAX - 1;
/// No entity: only referred to, or free.
pub(super) const ABSENT: KindCode = KindCode::MAX;

/// Slots that every row has, raw text without quotes.
pub(super) const REF_SLOT: u16 = 0;
pub(super) const ID_SLOT: u16 = 1;
const FIRST_SLOT: u16 = 2;

/// The column is not one of the kind's.
pub(super) const NO_SLOT: u16 = u16::MAX;
/// The column is JSON, which is read from the descriptor when asked for.
pub(super) const JSON_SLOT: u16 = u16::MAX - 1;

/// Slots of all kinds, and the columns that have a meaning for the snapshot itself.
#[derive(Debug)]
pub(super) struct Layout {
    n_columns: usize,
    /// By kind, then column; the last kind is [`GENERIC`].
    slots: Vec<u16>,
    /// Columns that have a slot of their own, in the order of slots; by kind.
    kept: Vec<Vec<(ColumnId, ColumnSource)>>,
    /// What is compared in each column; `None` for JSON.
    pub(super) sorts: Vec<Option<Sort>>,
    /// Columns that are one of the engine's own texts.
    pub(super) engine: Vec<Option<EngineValue>>,
    /// What an empty order means.
    pub(super) name: Option<ColumnId>,
    pub(super) title: Option<ColumnId>,
    /// Columns that stand for a descriptor path.
    pub(super) paths: Vec<(Arc<str>, ColumnId)>,
}

impl Layout {
    pub(super) fn new(model: &Model) -> Self {
        let n_columns = model.columns.len();
        let by_path = |path: &str| {
            let at = model
                .columns
                .iter()
                .position(|column| column.path.as_deref() == Some(path) && !column.list)?;
            Some(ColumnId(at as u16))
        };
        let mut layout = Self {
            n_columns,
            slots: vec![NO_SLOT; n_columns * (model.kinds.len() + 1)],
            kept: Vec::new(),
            sorts: model
                .columns
                .iter()
                .map(|column| Sort::of(column.leaf))
                .collect(),
            engine: vec![None; n_columns],
            name: by_path("metadata.name"),
            title: by_path("metadata.title"),
            paths: Vec::new(),
        };
        let kinds = model.kinds.iter().map(|kind| &kind.columns);
        for (kind, columns) in kinds.chain([&model.generic_columns]).enumerate() {
            layout.add_kind(model, kind, columns);
        }
        layout.paths = (0..n_columns)
            .filter(|at| layout.sorts[*at].is_some())
            .filter_map(|at| {
                let path = model.columns[at].path.as_deref()?;
                Some((path.into(), ColumnId(at as u16)))
            })
            .collect();
        layout
    }

    fn add_kind(&mut self, model: &Model, kind: usize, columns: &[(ColumnId, ColumnSource)]) {
        let mut kept = Vec::new();
        for (id, source) in columns {
            let column = usize::from(id.0);
            let slot = match source {
                ColumnSource::Engine(EngineValue::Id) => ID_SLOT,
                ColumnSource::Engine(EngineValue::Ref) => REF_SLOT,
                _ if model.columns[column].leaf == Leaf::Json => JSON_SLOT,
                _ => {
                    kept.push((*id, source.clone()));
                    FIRST_SLOT + kept.len() as u16 - 1
                }
            };
            if let ColumnSource::Engine(value @ (EngineValue::Id | EngineValue::Ref)) = source {
                self.engine[column] = Some(*value);
                self.sorts[column] = Some(Sort::Raw);
            }
            self.slots[kind * self.n_columns + column] = slot;
        }
        self.kept.push(kept);
    }

    /// The slot of a column in rows of a kind.
    #[inline]
    pub(super) fn slot(&self, kind: KindCode, column: ColumnId) -> u16 {
        let column = usize::from(column.0);
        let at = self.line(kind) * self.n_columns + column;
        match self.slots.get(at) {
            Some(slot) if kind != ABSENT && column < self.n_columns => *slot,
            _ => NO_SLOT,
        }
    }

    /// The columns of a kind that have slots of their own, in the order of those.
    pub(super) fn kept(&self, kind: KindCode) -> &[(ColumnId, ColumnSource)] {
        self.kept.get(self.line(kind)).map_or(&[], Vec::as_slice)
    }

    /// The column that stands for a descriptor path.
    pub(super) fn column_at(&self, path: &str) -> Option<ColumnId> {
        let (_, column) = self.paths.iter().find(|(known, _)| **known == *path)?;
        Some(*column)
    }

    #[inline]
    fn line(&self, kind: KindCode) -> usize {
        usize::from(kind).min(self.kept.len().saturating_sub(1))
    }
}

/// As rows keep it.
pub(super) fn kind_code(kind: Option<KindId>) -> KindCode {
    kind.map_or(GENERIC, |kind| kind.0)
}
