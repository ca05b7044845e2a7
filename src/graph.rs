//! The immutable snapshot of the catalog: what every query reads.
//!
//! Architecture invariant: no I/O and no clock; a [`Snapshot`] never changes, [`Snapshot::apply`] makes the next one and shares with it all that stayed.
//! Every entity has a small index ([`Ix`]) that stays its own as long as anything refers to it; a ref that is only referred to (a dangling relation) has one as well.

mod apply;
mod build;
mod bulk;
mod cursor;
mod dangling;
mod descriptors;
mod edge_list;
mod edges;
mod extract;
mod facet;
mod index;
mod kept;
mod layout;
mod members;
mod order;
mod pack;
mod page;
mod part;
mod paths;
mod prepare;
mod problems;
mod query;
mod read;
mod record;
mod rows;
mod scan;
mod seek;
mod select;
mod spine;
mod targets;
mod tree;
mod value;
mod walk;

use std::hash::RandomState;
use std::sync::Arc;

use roaring::RoaringBitmap;

pub use self::build::Builder;
pub use self::dangling::DANGLING;
pub use self::edge_list::{EdgeFilter, EdgePage};
pub use self::part::{Part, PartId};
pub use self::prepare::{Batch, Preparer};
pub use self::query::*;
pub use self::read::Row;
pub use self::record::*;
pub use self::targets::Wanted;

use self::descriptors::Descriptors;
use self::edges::Edges;
use self::index::ValueIndex;
use self::kept::Kept;
use self::layout::Layout;
use self::paths::{Generation, Lineage, PathIndex};
use self::problems::Problems;
use self::rows::Rows;
use self::spine::CowVec;
use self::tree::Tree;
use crate::catalog::EntityRef;
use crate::sdl::Model;

/// Position of an entity, real or only referred to, in one lineage of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ix(pub u32);

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
    kept: Kept,
    problems: Problems,
}

/// Where an entity was read, packed.
#[derive(Clone, Debug)]
struct Place {
    /// Source and file; shared by all that was read there.
    file: Arc<SourceFile>,
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

#[cfg(test)]
mod tests;
