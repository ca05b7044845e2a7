//! What a descriptor file leads to: texts that it includes, and files that its `Location` entities name.

use std::cell::RefCell;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::place::Place;
use super::stamp::Stamp;
use crate::catalog::{Entity, Substitutions};

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

/// The kind whose targets are followed; the format's rule, not a schema's.
const LOCATION: &str = "location";

/// The targets of the `Location` entities in `text`.
pub(super) fn targets(entities: &[Entity], text: &[u8]) -> Vec<Target> {
    let locations = entities
        .iter()
        .filter(|entity| entity.entity_ref.kind() == LOCATION);
    let mut targets = Vec::new();
    for location in locations {
        let Some(spec) = location.descriptor.get("spec") else {
            continue;
        };
        let word = |key| spec.get(key).and_then(Value::as_str);
        let mut push = |target: &str, field: String| {
            let (line, column) = position(text, location.line, target);
            targets.push(Target {
                kind: word("type").unwrap_or("file").to_owned(),
                target: target.to_owned(),
                optional: word("presence") == Some("optional"),
                field,
                line,
                column,
                entity_ref: location.entity_ref.to_string(),
            });
        };
        if let Some(target) = word("target") {
            push(target, "spec.target".to_owned());
        }
        let list = spec.get("targets").and_then(Value::as_array);
        for (position, target) in list.into_iter().flatten().enumerate() {
            if let Some(target) = target.as_str() {
                push(target, format!("spec.targets[{position}]"));
            }
        }
    }
    targets
}

/// Where `target` is written: the first line of the document that has it.
fn position(text: &[u8], document_line: u32, target: &str) -> (u32, Option<u32>) {
    let start = usize::try_from(document_line.saturating_sub(1)).unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n').enumerate().skip(start);
    for (number, line) in
        lines.take_while(|(number, line)| *number == start || !line.starts_with(b"---"))
    {
        if let Some(offset) = memchr::memmem::find(line, target.as_bytes()) {
            let before = String::from_utf8_lossy(line.get(..offset).unwrap_or_default());
            let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
            let column = u32::try_from(before.chars().count() + 1).ok();
            return (number, column);
        }
    }
    (document_line, None)
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
