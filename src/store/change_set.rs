//! What a source's reading hands to the store, and what it gets back.

use std::sync::Arc;

use jiff::Timestamp;

use super::stored::StoredEntities;
use crate::catalog::EntityRef;
use crate::graph::ProblemRecord;

/// Problems of files of one source, in full for each file that is named.
pub type ProblemsByFile = Vec<(Arc<str>, Vec<ProblemRecord>)>;

/// What one reading of a source found; committed at once.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    pub source: Arc<str>,
    /// Who, where the change came through the API.
    pub actor: Option<Arc<str>>,
    pub at: Timestamp,
    /// The time of claims that are new: of two claims the one that was seen first wins.
    pub first_seen: Timestamp,
    pub files: Vec<FileChange>,
    /// Problems that are not in what a file says but in what it leads to, in full for each file that is named.
    pub links: ProblemsByFile,
    /// Whether the reading ends with this: then documents that were not found again are dropped, here and in the parts before it.
    ///
    /// A large reading comes in several parts; were documents dropped at once, one that moved between files of different parts would be gone in between.
    pub last: bool,
}

/// What a file holds now.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// As people know it, unique within the source.
    pub file: Arc<str>,
    /// `None`: the file is gone, and all that it held.
    pub state: Option<FileState>,
    /// In the order of the file.
    pub documents: Vec<Document>,
    /// Documents that gave no entity: what was good before stays.
    pub failed: Vec<(u32, Option<EntityRef>)>,
    pub problems: Vec<ProblemRecord>,
}

/// What tells an unchanged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileState {
    pub size: u64,
    /// Microseconds since 1970.
    pub modified: i64,
    /// When it was read; a file that was written in the same moment may have changed since without showing it.
    pub seen_at: Timestamp,
    pub hash: Arc<str>,
    /// Fingerprint of the rules that it was judged by.
    pub model: Arc<str>,
    /// What the file leads to, in the words of the source.
    pub links: Option<Arc<str>>,
}

/// A valid document.
#[derive(Clone, Debug)]
pub struct Document {
    pub entity_ref: EntityRef,
    pub document: u32,
    pub line: u32,
    pub packed: Packed,
}

/// A descriptor as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Large texts replaced by their markers.
    pub json: String,
    /// Of `json`, and so of the texts too.
    pub hash: String,
    /// Large texts by hash.
    pub texts: Vec<(String, String)>,
}

/// Parts of a reading that wait for its end; the same one is handed to each commit of a reading.
#[derive(Debug, Default)]
pub struct Carry {
    pub(super) dropped: Vec<i64>,
    pub(super) states: Vec<(Arc<str>, FileState)>,
}

/// All problems of a file, by source and file.
pub type ProblemsOfFile = ((Arc<str>, Arc<str>), Vec<ProblemRecord>);

/// What a commit did.
#[derive(Debug, Default)]
pub struct Committed {
    /// `None`: nothing that queries can see has changed.
    pub revision: Option<u64>,
    /// Too much for a delta: the snapshot is better loaded anew, and `upserts` is empty.
    pub reload: bool,
    pub upserts: StoredEntities,
    pub removals: Vec<EntityRef>,
    /// Of the files whose problems changed, all that they have now.
    pub problems: Vec<ProblemsOfFile>,
    pub created: u64,
    pub updated: u64,
    pub renamed: u64,
    pub removed: u64,
    /// How many rows were written, of all tables.
    pub rows_written: u64,
}
