//! What enters a snapshot.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::catalog::{EntityRef, Relation};
use crate::diagnostic::Severity;
use crate::sdl::KindId;

/// A string in a stored descriptor that begins with this character is not the text but its [`text_marker`].
///
/// Large texts (API definitions) are kept in the store by content hash, and loaded only when selected.
pub const TEXT_MARKER: char = '\u{E000}';

/// Its first byte.
const MARKER_LEAD: u8 = {
    let mut bytes = [0; 4];
    TEXT_MARKER.encode_utf8(&mut bytes);
    bytes[0]
};

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

/// The same where the text stands as JSON.
#[inline]
pub(super) fn marked_json(json: &str) -> Option<&str> {
    // The writer asks of each value, and nearly every one ends here.
    match json.as_bytes() {
        [b'"', MARKER_LEAD, ..] => json.strip_prefix('"').and_then(marked_text),
        _ => None,
    }
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

/// The name of a source and a file of it, as in [`Origin`].
pub type SourceFile = (Arc<str>, Arc<str>);

/// What one commit changes.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    pub revision: u64,
    pub upserts: Vec<Record>,
    pub removals: Vec<EntityRef>,
    /// The problems of one file of one source, in full: they replace what was known of that file.
    pub problems: Vec<(SourceFile, Vec<ProblemRecord>)>,
}
