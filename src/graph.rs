//! The immutable snapshot of the catalog: what every query reads.
//!
//! Architecture invariant: no I/O and no clock; a [`Snapshot`] never changes, [`Snapshot::apply`] makes the next one and shares with it all that stayed.
//! Every entity has a small index ([`Ix`]) that stays its own as long as anything refers to it; a ref that is only referred to (a dangling relation) has one as well.

mod apply;
mod build;
mod bulk;
mod cursor;
mod descriptors;
mod edge_list;
mod edges;
mod extract;
mod facet;
mod index;
mod layout;
mod members;
mod page;
mod paths;
mod problems;
mod rows;
mod select;
mod spine;
mod tree;
mod value;
mod walk;

use std::borrow::Cow;
use std::hash::RandomState;
use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use serde_json::Value;

pub use self::edge_list::{EdgeFilter, EdgePage};

use self::descriptors::Descriptors;
use self::edges::Edges;
use self::index::{Source, Texts, ValueIndex};
use self::layout::{ABSENT, GENERIC, ID_SLOT, JSON_SLOT, Layout, NO_SLOT, REF_SLOT};
use self::paths::{Generation, Lineage, PathIndex};
use self::problems::Problems;
use self::rows::Rows;
use self::spine::CowVec;
use self::tree::Tree;
use self::value::{list_items, unquote};
use crate::catalog::{EntityRef, Relation};
use crate::diagnostic::Severity;
use crate::sdl::{ColumnId, ColumnSource, KindId, Model, RelationId};

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
    layout: Arc<Layout>,
    /// Entities and what is only referred to; free indexes are below this as well.
    n_indexes: u32,
    free: Arc<Vec<u32>>,
    rows: Rows,
    hasher: RandomState,
    /// Hash of the ref with the index.
    by_ref: Tree<(u32, u32)>,
    /// The same for refs that entities had before.
    by_previous: Tree<(u32, u32)>,
    /// All refs in order, those of what is only referred to as well.
    refs: ValueIndex,
    ids: ValueIndex,
    alive: Arc<RoaringBitmap>,
    /// By kind; the last are those of undeclared kinds.
    kinds: Vec<Arc<RoaringBitmap>>,
    descriptors: Descriptors,
    places: CowVec<Option<Place>>,
    edges: Edges,
    /// By column; `None` for JSON and for what `refs` and `ids` hold.
    columns: Vec<Option<ValueIndex>>,
    /// Values at the paths of columns, of entities whose kind has no such column.
    strays: Vec<PathIndex>,
    lineage: Arc<Lineage>,
    generation: Generation,
    problems: Problems,
}

/// Where an entity was read, packed.
#[derive(Clone, Debug)]
struct Place {
    /// Source and file; shared by all that was read there.
    file: Arc<(Arc<str>, Arc<str>)>,
    line: u32,
    revision: u64,
    rest: Option<Arc<PlaceRest>>,
}

/// What few entities have.
#[derive(Debug)]
struct PlaceRest {
    url: Option<Arc<str>>,
    claims: Vec<Claim>,
    previous_refs: Box<[EntityRef]>,
}

/// One entity, looked up once; reading several columns through it is faster than asking the snapshot for each.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    snapshot: &'a Snapshot,
    ix: Ix,
    row: Option<rows::RowRef<'a>>,
}

impl<'a> Row<'a> {
    /// As [`Snapshot::write_column`].
    #[inline]
    pub fn write(&self, column: ColumnId, out: &mut Vec<u8>) -> Written<'a> {
        let Some(row) = self.row else {
            out.extend_from_slice(b"null");
            return Written::Null;
        };
        let slot = self.snapshot.layout.slot(row.kind(), column);
        if slot == JSON_SLOT {
            return self.snapshot.write_json_column(self.ix, column, out);
        }
        let text = row.slot(slot);
        if text.is_empty() {
            out.extend_from_slice(b"null");
            return Written::Null;
        }
        if slot <= ID_SLOT {
            value::push_json_string(out, text);
            return Written::Value;
        }
        if let Some(hash) = text.strip_prefix('"').and_then(marked_text) {
            return Written::Text(hash);
        }
        out.extend_from_slice(text.as_bytes());
        Written::Value
    }
}

impl Snapshot {
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The last change that is in this state.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.alive.len() as usize
    }

    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// All entities.
    pub fn all(&self) -> &RoaringBitmap {
        &self.alive
    }

    /// The entity with this canonical ref, or that had it once.
    pub fn find(&self, entity_ref: &str) -> Option<Ix> {
        let current = self.lookup_ref(entity_ref).filter(|ix| self.exists(*ix));
        current.or_else(|| self.find_previous(entity_ref))
    }

    /// The index of a canonical ref, also where it is only referred to.
    pub fn lookup_ref(&self, entity_ref: &str) -> Option<Ix> {
        let hash = self.hash(entity_ref);
        self.by_ref
            .from(|(own, _)| *own < hash)
            .take_while(|(own, _)| *own == hash)
            .map(|(_, ix)| Ix(*ix))
            .find(|ix| self.entity_ref(*ix) == entity_ref)
    }

    fn find_previous(&self, entity_ref: &str) -> Option<Ix> {
        let hash = self.hash(entity_ref);
        self.by_previous
            .from(|(own, _)| *own < hash)
            .take_while(|(own, _)| *own == hash)
            .map(|(_, ix)| Ix(*ix))
            .find(|ix| {
                let mut previous = self.previous_refs(*ix).iter();
                previous.any(|previous| previous.as_str() == entity_ref)
            })
    }

    fn hash(&self, entity_ref: &str) -> u32 {
        use std::hash::BuildHasher;
        self.hasher.hash_one(entity_ref) as u32
    }

    /// The entity with this id.
    pub fn find_id(&self, id: &str) -> Option<Ix> {
        let key = self.ids.sort.key(id);
        let entry = self.ids.get(&key, self.texts())?;
        let mut own = entry.within(&self.alive).into_iter().map(Ix);
        own.find(|ix| self.id(*ix) == id)
    }

    /// Whether there is an entity, and not only references to it.
    pub fn exists(&self, ix: Ix) -> bool {
        self.rows.kind(ix.0) != ABSENT
    }

    /// The canonical ref; also of what is only referred to.
    pub fn entity_ref(&self, ix: Ix) -> &str {
        self.rows.entity_ref(ix.0)
    }

    pub fn id(&self, ix: Ix) -> &str {
        self.rows.id(ix)
    }

    /// `None` for an undeclared kind.
    pub fn kind(&self, ix: Ix) -> Option<KindId> {
        match self.rows.kind(ix.0) {
            GENERIC | ABSENT => None,
            kind => Some(KindId(kind)),
        }
    }

    /// How a person would call it: the title, else the name.
    pub fn label(&self, ix: Ix) -> Cow<'_, str> {
        let texts = self.texts();
        let columns = [self.layout.title, self.layout.name];
        let mut written = columns
            .into_iter()
            .flatten()
            .map(|column| texts.stored(Source::Column(column), ix.0));
        match written.find(|text| !text.is_empty()) {
            Some(text) => unquote(text),
            None => {
                let entity_ref = self.entity_ref(ix);
                Cow::Borrowed(
                    entity_ref
                        .split_once('/')
                        .map_or(entity_ref, |(_, name)| name),
                )
            }
        }
    }

    /// For reading several columns of one entity.
    #[inline]
    pub fn row(&self, ix: Ix) -> Row<'_> {
        Row {
            snapshot: self,
            ix,
            row: self.rows.row(ix.0),
        }
    }

    /// Appends the value of a column as JSON.
    #[inline]
    pub fn write_column<'a>(&'a self, ix: Ix, column: ColumnId, out: &mut Vec<u8>) -> Written<'a> {
        self.row(ix).write(column, out)
    }

    fn write_json_column<'a>(&'a self, ix: Ix, column: ColumnId, out: &mut Vec<u8>) -> Written<'a> {
        let value = self.json_column(ix, column);
        out.extend_from_slice(value.to_string().as_bytes());
        if value.is_null() {
            Written::Null
        } else {
            Written::Value
        }
    }

    fn json_column(&self, ix: Ix, column: ColumnId) -> Value {
        let columns = match self.rows.kind(ix.0) {
            ABSENT => return Value::Null,
            GENERIC => &self.model.generic_columns,
            kind => &self.model.kind_of(KindId(kind)).columns,
        };
        let source = columns.iter().find(|(own, _)| *own == column);
        match source {
            Some((_, ColumnSource::Value(binding))) => {
                extract::json_value(binding, &self.descriptor(ix))
            }
            _ => Value::Null,
        }
    }

    /// The value of a column; [`Value::Null`] where there is none, a [`text_marker`] for a large text.
    pub fn column(&self, ix: Ix, column: ColumnId) -> Value {
        let Some(row) = self.rows.row(ix.0) else {
            return Value::Null;
        };
        match self.layout.slot(row.kind(), column) {
            JSON_SLOT => self.json_column(ix, column),
            NO_SLOT => Value::Null,
            slot @ (REF_SLOT | ID_SLOT) => row.slot(slot).into(),
            slot => serde_json::from_str(row.slot(slot)).unwrap_or_default(),
        }
    }

    /// The descriptor, unpacked anew at each call (microseconds); large texts are [`text_marker`]s.
    pub fn descriptor(&self, ix: Ix) -> Value {
        self.descriptors.value(ix.0)
    }

    /// The descriptor as JSON text, `null` if there is none.
    pub fn write_descriptor(&self, ix: Ix, out: &mut Vec<u8>) {
        let json = self.descriptors.json(ix.0);
        out.extend_from_slice(if json.is_empty() { b"null" } else { &json });
    }

    pub fn origin(&self, ix: Ix) -> Option<Origin> {
        let place = self.places.get(ix.0 as usize)?.as_ref()?;
        let rest = place.rest.as_ref();
        Some(Origin {
            source: Arc::clone(&place.file.0),
            file: Arc::clone(&place.file.1),
            line: place.line,
            revision: place.revision,
            url: rest.and_then(|rest| rest.url.clone()),
            claims: rest.map(|rest| rest.claims.clone()).unwrap_or_default(),
        })
    }

    pub fn previous_refs(&self, ix: Ix) -> &[EntityRef] {
        let place = self.places.get(ix.0 as usize).and_then(Option::as_ref);
        match place.and_then(|place| place.rest.as_deref()) {
            Some(rest) => &rest.previous_refs,
            None => &[],
        }
    }

    /// All edges from an entity, sorted by relation type, then by the target's ref; targets may not exist.
    pub fn edges(&self, ix: Ix) -> &[Edge] {
        self.edges.out(ix.0)
    }

    /// All edges that lead to an entity, each with its source as `target`; sorted by relation type, then by the source's ref.
    pub fn edges_back(&self, ix: Ix) -> &[Edge] {
        self.edges.back(ix.0)
    }

    /// The entities of these kinds.
    pub fn of_kinds(&self, kinds: &[Option<KindId>]) -> RoaringBitmap {
        let mut found: Option<RoaringBitmap> = None;
        for kind in kinds {
            let at = kind.map_or(self.model.kinds.len(), |kind| usize::from(kind.0));
            match (&mut found, self.kinds.get(at)) {
                (Some(found), Some(own)) => *found |= &**own,
                (None, Some(own)) => found = Some((**own).clone()),
                (_, None) => {}
            }
        }
        found.unwrap_or_default()
    }

    /// All problems, by source, file and line.
    pub fn problems(&self) -> impl Iterator<Item = &ProblemRecord> {
        self.problems.iter()
    }

    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// The problems of one entity.
    pub fn problems_of(&self, entity_ref: &str) -> Vec<&ProblemRecord> {
        self.problems.of(entity_ref)
    }

    fn texts(&self) -> Texts<'_> {
        Texts {
            rows: &self.rows,
            layout: &self.layout,
        }
    }

    /// The ordered index behind a column, and whether it holds refs that are no entities.
    fn column_index(&self, column: ColumnId) -> Option<&ValueIndex> {
        let at = usize::from(column.0);
        match self.layout.engine.get(at)? {
            Some(crate::sdl::EngineValue::Ref) => Some(&self.refs),
            Some(_) => Some(&self.ids),
            None => self.columns.get(at)?.as_ref(),
        }
    }

    /// The texts that a list column, or one like it, has for an entity.
    fn list_of(&self, column: ColumnId, ix: u32) -> Vec<Box<str>> {
        list_items(self.texts().stored(Source::Column(column), ix))
    }
}
