//! What a snapshot is asked, and what it answers with.

use std::sync::Arc;

use serde_json::Value;

use super::Ix;
use crate::catalog::EntityRef;
use crate::sdl::{ColumnId, KindId, RelationId};

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
    /// The same of targets whose refs begin with one of these (`group:`) alone.
    RelationTo {
        relation: RelationId,
        begin: Box<[String]>,
        predicate: Predicate,
    },
    /// `relation: { type, to }`; `None` is any type, or any target.
    AnyRelation {
        relation: Option<Box<str>>,
        to: Option<EntityRef>,
    },
    /// In the closure from an entity ([`Snapshot::closure`](super::Snapshot::closure)).
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
#[error(
    "the cursor does not belong to this connection: take one from a page of the same field in the same order"
)]
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

/// Which way [`Snapshot::impact`](super::Snapshot::impact) walks the relations it is given: along them, or against them.
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

/// What [`Snapshot::impact`](super::Snapshot::impact) found.
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
