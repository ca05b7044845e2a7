//! What a descriptor file leads to: texts that it includes, and files that its `Location` entities name.

use std::cell::RefCell;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::place::Place;
use super::stamp::Stamp;
use crate::catalog::{LocationTarget, Substitutions};

/// Kept with the file, so that it need not be read again to know them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Links {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<Include>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
}

/// A file whose text went into an entity, or would if it were there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Include {
    /// Relative to the root of the source.
    pub file: String,
    /// `None`: it is missing, or cannot be read.
    pub stamp: Option<Stamp>,
}

/// One target of a `Location` entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Target {
    /// `file`, `url`, …
    pub kind: String,
    pub target: String,
    #[serde(default)]
    pub optional: bool,
    pub field: String,
    pub line: u32,
    pub column: Option<u32>,
    pub entity_ref: String,
}

impl Links {
    pub(super) fn is_empty(&self) -> bool {
        self.includes.is_empty() && self.targets.is_empty()
    }
}

/// What is said of a target whose type is none that is read, and what to do.
pub(crate) fn unread_type(kind: &str) -> (&'static str, String, &'static str) {
    (
        "location-type",
        format!("targets of type `{kind}` are not read"),
        "`type: file` with a path relative to this file is read",
    )
}

impl Target {
    /// As the descriptor says it; without a type it is that of the file that the descriptor stands in.
    pub(super) fn of(target: &LocationTarget) -> Self {
        let start = target.span.start;
        Self {
            kind: target.kind.as_deref().unwrap_or("file").to_owned(),
            target: target.target.to_string(),
            optional: target.optional,
            field: target.field.to_string(),
            line: start.line,
            column: Some(start.column),
            entity_ref: target.location.to_string(),
        }
    }
}

/// Gives a file's substitutions their texts, and remembers them.
pub(crate) struct Includes<'a> {
    place: &'a Place,
    folder: &'a Path,
    found: RefCell<Vec<Include>>,
}

impl<'a> Includes<'a> {
    pub(crate) fn new(place: &'a Place, folder: &'a Path) -> Self {
        Self {
            place,
            folder,
            found: RefCell::default(),
        }
    }

    /// What was asked for, whether it could be read or not.
    pub(super) fn into_found(self) -> Vec<Include> {
        let mut found = self.found.into_inner();
        found.sort_by(|left, right| left.file.cmp(&right.file));
        found.dedup_by(|left, right| left.file == right.file);
        found
    }
}

impl Substitutions for Includes<'_> {
    fn load(&self, target: &str) -> Result<Vec<u8>, String> {
        if target.contains("://") {
            return Err(format!(
                "`{target}` is no file: name one below the folder that is read"
            ));
        }
        let path = self
            .place
            .target(self.folder, target)
            .map_err(|refusal| refusal.to_string())?;
        let stamp = |stamp| {
            if let Some(file) = self.place.name(&path) {
                self.found.borrow_mut().push(Include { file, stamp });
            }
        };
        match self.place.read(&path, target) {
            Ok((bytes, metadata)) => {
                stamp(Some(Stamp::new(&metadata, hash(&bytes))));
                Ok(bytes)
            }
            Err(refusal) => {
                stamp(None);
                Err(refusal.to_string())
            }
        }
    }
}

/// Of a file's contents, in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    let mut hash = hex::encode(Sha256::digest(bytes));
    hash.truncate(32);
    hash
}
