//! Descriptors: text in, entities and problems out, judged by the [`Model`](crate::sdl::Model).
//!
//! No I/O: what a substitution (`$text`) needs is asked of the caller through [`Substitutions`].
//! Broken input is data: one bad document costs only itself.

mod bundle;
mod documents;
mod entity_ref;
mod envelope;
mod expect;
mod file_text;
mod format;
mod location;
mod problem;
mod reader;
mod relations;
mod rules;
mod scalar;
mod substitute;
mod text;
pub mod yaml;

use std::sync::Arc;

use serde_json::Value;

pub use bundle::is_bundled;
pub use entity_ref::{EntityRef, RefError};
pub use file_text::{FileText, TextPlace};
pub use problem::{CODES, Problem};
pub use reader::read;
pub use relations::{Stated, relations, stated};
pub use text::{MAX_FILE_BYTES, TOO_LARGE_HINT, too_large};

use crate::diagnostic::Span;
use crate::sdl::{KindId, RelationId};

/// One valid document of a descriptor file.
#[derive(Clone, Debug)]
pub struct Entity {
    pub entity_ref: EntityRef,
    /// `None` for a kind that no SDL declares: served as `GenericEntity`.
    pub kind: Option<KindId>,
    /// The document after substitution, as JSON, keys in the order written.
    pub descriptor: Value,
    /// Counts from 0 within the file, empty documents too.
    pub document: u32,
    /// Where the document starts.
    pub line: u32,
}

/// A reference that an entity makes, or the other direction of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    pub source: EntityRef,
    pub relation: RelationId,
    pub target: EntityRef,
}

/// What one descriptor file holds.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// How many documents there are, broken ones included, empty ones not.
    pub documents: u32,
    pub entities: Vec<Entity>,
    pub problems: Vec<Problem>,
    /// Documents that gave no entity, with the ref that they seem to describe: the last good version of it stays.
    pub failed: Vec<Failed>,
    /// The references that the entities make, where they are written.
    pub references: Vec<Reference>,
    /// The files that Location entities point to.
    pub targets: Vec<LocationTarget>,
    /// Other files whose text went into an entity through a substitution, so that a change of theirs leads here.
    pub includes: Vec<Box<str>>,
}

/// A reference at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub document: u32,
    /// The path in the document (`spec.dependsOn[0]`).
    pub field: Box<str>,
    pub span: Span,
    pub target: EntityRef,
}

/// What a Location entity points to, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationTarget {
    pub document: u32,
    pub location: EntityRef,
    pub field: Box<str>,
    pub span: Span,
    /// `file`, `url`, …; `None`: the type of the location that the file itself came from.
    pub kind: Option<Box<str>>,
    /// As written.
    pub target: Box<str>,
    /// Whether it may be missing.
    pub optional: bool,
}

/// A document that gave no entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub document: u32,
    /// `None`: not even kind and name could be told.
    pub entity_ref: Option<EntityRef>,
}

/// Gives a substitution its text; the file system and the allowed root are the caller's business.
pub trait Substitutions {
    /// The bytes behind `target` (relative to the descriptor), or why there are none, in words for the descriptor's author.
    fn load(&self, target: &str) -> Result<Vec<u8>, String>;
}

/// Refuses every substitution.
#[derive(Clone, Copy, Debug)]
pub struct NoSubstitutions;

impl Substitutions for NoSubstitutions {
    fn load(&self, _target: &str) -> Result<Vec<u8>, String> {
        Err("substitutions are not available here".to_owned())
    }
}

/// A shared name for a descriptor file.
pub type FileName = Arc<str>;
