//! Orders: how two entities compare by some criteria, and the cursors that stand for places among them.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::cursor::Position;
use super::index::{Source, ValueIndex};
use super::{BadCursor, Ix, Order, Snapshot};
use crate::sdl::{ColumnId, EngineValue};

impl Snapshot {
    /// The cursor of an entity in `order`: its keys, so it holds its place while entities come and go.
    pub fn cursor(&self, ix: Ix, order: &[Order]) -> String {
        let ordering = self.ordering(order);
        ordering.position(ix.0).encode(&ordering.name())
    }

    /// What a cursor of `order` stands for.
    pub(super) fn position_of(&self, cursor: &str, order: &[Order]) -> Result<Position, BadCursor> {
        let ordering = self.ordering(order);
        Position::decode(cursor, &ordering.name(), ordering.levels.len())
    }

    pub(super) fn ordering(&self, order: &[Order]) -> Criteria<'_> {
        let default = self.layout.name.map(|column| Order {
            column,
            descending: false,
        });
        let criteria = if order.is_empty() {
            default.as_slice()
        } else {
            order
        };
        let mut levels: SmallVec<[Level<'_>; 2]> = SmallVec::new();
        for criterion in criteria {
            let index = self
                .column_index(criterion.column)
                .filter(|index| !index.list);
            let known = levels.iter().any(|level| level.column == criterion.column);
            if let Some(index) = index.filter(|_| !known) {
                levels.push(Level {
                    column: criterion.column,
                    index,
                    descending: criterion.descending,
                    always: self.layout.engine[usize::from(criterion.column.0)]
                        == Some(EngineValue::Ref),
                });
            }
        }
        Criteria {
            snapshot: self,
            levels,
        }
    }
}

/// The name in a ref.
#[inline]
pub(super) fn name_in(entity_ref: &str) -> &str {
    entity_ref
        .split_once('/')
        .map_or(entity_ref, |(_, name)| name)
}

/// Refs by the names in them, then as a whole: the default order of pages, told from the refs alone.
pub(super) fn by_name(left: &str, right: &str) -> Ordering {
    let names = name_in(left).cmp(name_in(right));
    names.then_with(|| left.cmp(right))
}

/// One criterion.
pub(super) struct Level<'a> {
    pub(super) column: ColumnId,
    pub(super) index: &'a ValueIndex,
    pub(super) descending: bool,
    /// Every entity has a value: it is the ref.
    pub(super) always: bool,
}

/// An order with its indexes at hand.
pub(super) struct Criteria<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) levels: SmallVec<[Level<'a>; 2]>,
}

impl Level<'_> {
    fn source(&self) -> Source {
        match self.index.source {
            Source::Slot(slot) => Source::Slot(slot),
            Source::Column(_) | Source::Held => Source::Column(self.column),
        }
    }
}

impl<'a> Criteria<'a> {
    /// Tells one order from another, in cursors.
    pub(super) fn name(&self) -> String {
        let mut name = String::new();
        for level in &self.levels {
            name.push_str(&self.snapshot.model.column(level.column).name);
            name.push(if level.descending { '-' } else { '+' });
        }
        name
    }

    pub(super) fn stored(&self, level: usize, ix: u32) -> &'a str {
        self.snapshot
            .texts()
            .stored(self.levels[level].source(), ix)
    }

    pub(super) fn position(&self, ix: u32) -> Position {
        let keys = self.levels.iter().enumerate().map(|(at, level)| {
            let stored = self.stored(at, ix);
            (!stored.is_empty()).then(|| level.index.sort.key(stored))
        });
        Position {
            keys: keys.collect(),
            entity_ref: self.snapshot.entity_ref(Ix(ix)).to_owned(),
        }
    }

    /// The order of two entities by the criteria from `level` on.
    pub(super) fn compare(&self, level: usize, left: u32, right: u32) -> Ordering {
        for at in level..self.levels.len() {
            let own = &self.levels[at];
            let (a, b) = (self.stored(at, left), self.stored(at, right));
            let order = match (a.is_empty(), b.is_empty()) {
                (false, false) if own.descending => own.index.sort.compare(b, a),
                (false, false) => own.index.sort.compare(a, b),
                (missing, other) => missing.cmp(&other),
            };
            if order.is_ne() {
                return order;
            }
        }
        let entity_ref = |ix| self.snapshot.entity_ref(Ix(ix));
        entity_ref(left).cmp(entity_ref(right))
    }

    pub(super) fn compare_position(&self, ix: u32, position: &Position) -> Ordering {
        for (at, (own, key)) in self.levels.iter().zip(&position.keys).enumerate() {
            let stored = self.stored(at, ix);
            let order = match (stored.is_empty(), key) {
                (false, Some(key)) => {
                    let order = own.index.sort.compare_key(stored, key);
                    if own.descending {
                        order.reverse()
                    } else {
                        order
                    }
                }
                (missing, key) => missing.cmp(&key.is_none()),
            };
            if order.is_ne() {
                return order;
            }
        }
        self.snapshot.entity_ref(Ix(ix)).cmp(&position.entity_ref)
    }
}
