//! The immutable snapshot of the catalog: what every query reads.
//!
//! Architecture invariant: no I/O and no clock; a [`Snapshot`] never changes, [`Snapshot::apply`] makes the next one and shares with it all that stayed.
//! Every entity has a small index ([`Ix`]) that stays its own as long as anything refers to it; a ref that is only referred to (a dangling relation) has one as well.

use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use serde_json::Value;

use crate::catalog::{EntityRef, Relation};
use crate::diagnostic::Severity;
use crate::sdl::{ColumnId, KindId, Model, RelationId};

/// Position of an entity, real or only referred to, in one lineage of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ix(pub u32);

/// A string in a stored descriptor that begins with this character is not the text but its [`text_marker`].
///
/// Large texts (API definitions) are kept in the store by content hash, and loaded only when selected.
pub const TEXT_MARKER: char = '\u{E000}';

/// What stands in a descriptor in place of a large text: the marker, its SHA-256 in hex, `:`, its length in bytes.
pub fn text_marker(hash: &str, bytes: usize) -> String {
    format!("{TEXT_MARKER}{hash}:{bytes}")
}

/// The hash inside a [`text_marker`].
pub fn marked_text(text: &str) -> Option<&str> {
    text.strip_prefix(TEXT_MARKER)?
        .split_once(':')
        .map(|(hash, _)| hash)
}

/// One entity, ready to enter a snapshot.
#[derive(Clone, Debug)]
pub struct Record {
    /// Opaque, made from the first ref it was seen under, kept for ever.
    pub id: Arc<str>,
    pub entity_ref: EntityRef,
    pub kind: Option<KindId>,
    /// Large texts replaced by [`text_marker`]s.
    pub descriptor: Value,
    pub relations: Vec<Relation>,
    pub origin: Origin,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub previous_refs: Vec<EntityRef>,
}

/// Where an entity was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Name of the source.
    pub source: Arc<str>,
    /// As people know it: a path, for a `file` source relative to the source's root.
    pub file: Arc<str>,
    pub line: u32,
    /// The change that brought this version.
    pub revision: u64,
    pub url: Option<Arc<str>>,
    /// Other documents that claim the same ref, in the order in which they would be promoted.
    pub claims: Vec<Claim>,
}

/// A document that claims a ref which another one holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub source: Arc<str>,
    pub file: Arc<str>,
    pub line: u32,
}

/// A problem as the graph shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemRecord {
    pub severity: Severity,
    pub code: Arc<str>,
    pub message: Arc<str>,
    pub hint: Option<Arc<str>>,
    pub field: Option<Arc<str>>,
    pub source: Arc<str>,
    pub file: Arc<str>,
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub entity_ref: Option<EntityRef>,
    pub seen_at: Timestamp,
}

/// What one commit changes.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    pub revision: u64,
    pub upserts: Vec<Record>,
    pub removals: Vec<EntityRef>,
    /// The problems of one file of one source, in full: they replace what was known of that file.
    pub problems: Vec<((Arc<str>, Arc<str>), Vec<ProblemRecord>)>,
}

/// What a query asks of entities.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All,
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `None` is every undeclared kind.
    Kind(Vec<Option<KindId>>),
    /// Any of the columns matches.
    Column(Vec<ColumnId>, Predicate),
    /// A descriptor path (`spec.type`, `metadata.annotations.a.b/c`, `relations.ownedBy`).
    Path(Box<str>, Predicate),
    /// The canonical ref of a target of this relation matches.
    Relation(RelationId, Predicate),
    /// `relation: { type, to }`; `None` is any type, or any target.
    AnyRelation {
        relation: Option<Box<str>>,
        to: Option<EntityRef>,
    },
    /// In the closure from an entity ([`Snapshot::closure`]).
    Within {
        of: EntityRef,
        via: Box<[RelationId]>,
    },
}

/// How a value is compared; strings ignore case, `Contains` is membership on lists and substring on strings.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    Eq(Value),
    Ne(Value),
    In(Vec<Value>),
    StartsWith(String),
    Contains(String),
    /// `Exists(false)`: missing or null.
    Exists(bool),
    Lt(Value),
    Gt(Value),
}

/// One criterion of an order; nulls come last in either direction, the canonical ref breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    pub column: ColumnId,
    pub descending: bool,
}

/// Which part of an ordered set is wanted; at most one of `first` and `last`.
#[derive(Clone, Debug, Default)]
pub struct Window<'a> {
    pub first: Option<usize>,
    pub after: Option<&'a str>,
    pub last: Option<usize>,
    pub before: Option<&'a str>,
}

/// A page of entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub items: Vec<Ix>,
    pub has_next: bool,
    pub has_previous: bool,
}

/// A cursor that this server did not make, or made for another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor does not belong to this connection")]
pub struct BadCursor;

/// An edge as seen from its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    pub relation: RelationId,
    pub target: Ix,
}

/// One value of a facet with the number of entities that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct FacetValue {
    /// The value as first written.
    pub value: Arc<str>,
    pub count: u64,
    /// The entity, where the value is a ref of one.
    pub entity: Option<Ix>,
}

/// Which way [`Snapshot::impact`] walks the relations it is given: along them, or against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Out,
    In,
}

/// A reached entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub entity: Ix,
    /// Number of steps.
    pub degree: u32,
    /// The edge through which it was first reached: previous entity and relation type; follow it back for a shortest path.
    pub via: (Ix, RelationId),
}

/// What [`Snapshot::impact`] found.
#[derive(Clone, Debug, Default)]
pub struct Impact {
    /// In order of degree, then ref.
    pub reached: Vec<Reached>,
    /// All edges of the asked types among start and reached entities.
    pub edges: Vec<(Ix, Edge)>,
    /// Whether more would have been reached.
    pub truncated: bool,
}

/// How the value of a column was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'a> {
    /// `null` was written.
    Null,
    Value,
    /// Nothing was written: the text with this hash is to be loaded from the store.
    Text(&'a str),
}

/// One state of the catalog.
#[derive(Clone, Debug)]
pub struct Snapshot {
    model: Arc<Model>,
    revision: u64,
}

impl Snapshot {
    /// No entities.
    pub fn empty(model: Arc<Model>) -> Self {
        Self { model, revision: 0 }
    }

    /// All of `records` at once: faster than one by one.
    pub fn build(
        model: Arc<Model>,
        revision: u64,
        _records: impl Iterator<Item = Record>,
        _problems: Vec<ProblemRecord>,
    ) -> Self {
        Self { model, revision }
    }

    /// The next state; costs what the change costs, not what the catalog holds.
    #[must_use]
    pub fn apply(&self, delta: Delta) -> Self {
        Self {
            model: Arc::clone(&self.model),
            revision: delta.revision,
        }
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The last change that is in this state.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        0
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entity with this canonical ref, or that had it once.
    pub fn find(&self, _entity_ref: &str) -> Option<Ix> {
        None
    }

    /// The entity with this id.
    pub fn find_id(&self, _id: &str) -> Option<Ix> {
        None
    }

    /// Whether there is an entity, and not only references to it.
    pub fn exists(&self, _ix: Ix) -> bool {
        false
    }

    /// The canonical ref; also of what is only referred to.
    pub fn entity_ref(&self, _ix: Ix) -> &str {
        ""
    }

    pub fn id(&self, _ix: Ix) -> &str {
        ""
    }

    /// `None` for an undeclared kind.
    pub fn kind(&self, _ix: Ix) -> Option<KindId> {
        None
    }

    /// Appends the value of a column as JSON.
    pub fn write_column<'a>(
        &'a self,
        _ix: Ix,
        _column: ColumnId,
        out: &mut Vec<u8>,
    ) -> Written<'a> {
        out.extend_from_slice(b"null");
        Written::Null
    }

    /// The value of a column; [`Value::Null`] where there is none, a [`text_marker`] for a large text.
    pub fn column(&self, _ix: Ix, _column: ColumnId) -> Value {
        Value::Null
    }

    /// The descriptor, unpacked anew at each call (microseconds); large texts are [`text_marker`]s.
    pub fn descriptor(&self, _ix: Ix) -> Value {
        Value::Null
    }

    pub fn origin(&self, _ix: Ix) -> Option<Origin> {
        None
    }

    pub fn previous_refs(&self, _ix: Ix) -> &[EntityRef] {
        &[]
    }

    /// All edges from an entity, sorted by relation type, then by the target's ref; targets may not exist.
    pub fn edges(&self, _ix: Ix) -> &[Edge] {
        &[]
    }

    /// The entities of these kinds.
    pub fn of_kinds(&self, _kinds: &[Option<KindId>]) -> RoaringBitmap {
        RoaringBitmap::new()
    }

    /// Existing entities that an entity has this relation to.
    pub fn targets(&self, _ix: Ix, _relation: RelationId) -> RoaringBitmap {
        RoaringBitmap::new()
    }

    /// The entities for which `filter` holds.
    pub fn select(&self, _filter: &Filter) -> RoaringBitmap {
        RoaringBitmap::new()
    }

    /// A page of `set` in `order`; an empty order is by name, then ref.
    pub fn page(
        &self,
        _set: &RoaringBitmap,
        _order: &[Order],
        _window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        Ok(Page::default())
    }

    /// The cursor of an entity in `order`: its keys, so it holds its place while entities come and go.
    pub fn cursor(&self, _ix: Ix, _order: &[Order]) -> String {
        String::new()
    }

    /// The values that the entities in `set` have at `by` (a column's name or a descriptor path), most frequent first; `None` if there is no such field or path.
    pub fn facet(&self, _set: &RoaringBitmap, _by: &str, _first: usize) -> Option<Vec<FacetValue>> {
        None
    }

    /// Entities with this value at a descriptor path, ignoring case.
    pub fn lookup(&self, _path: &str, _value: &str) -> RoaringBitmap {
        RoaringBitmap::new()
    }

    /// Existing entities reached from `start` by any number of steps along the first types of `via`, in any mix, and one last step along its last type.
    pub fn closure(&self, _start: Ix, _via: &[RelationId]) -> RoaringBitmap {
        RoaringBitmap::new()
    }

    /// Existing entities within `max_depth` steps along `types`, breadth first; at most `limit` of them.
    pub fn impact(
        &self,
        _start: &[Ix],
        _direction: Direction,
        _types: &[RelationId],
        _max_depth: u32,
        _limit: usize,
    ) -> Impact {
        Impact::default()
    }

    /// A shortest path along `types` (either way counts as the type in that direction), without the start.
    pub fn path(
        &self,
        _from: Ix,
        _to: Ix,
        _types: &[RelationId],
        _max_depth: u32,
    ) -> Option<Vec<Edge>> {
        None
    }

    /// All problems, by source, file and line.
    pub fn problems(&self) -> impl Iterator<Item = &ProblemRecord> {
        std::iter::empty()
    }

    /// The problems of one entity.
    pub fn problems_of(&self, _entity_ref: &str) -> Vec<&ProblemRecord> {
        Vec::new()
    }
}
