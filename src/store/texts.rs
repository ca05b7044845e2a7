//! Large texts leave their descriptors: they are kept once by content hash, and loaded only when they are selected.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Packed;
use crate::graph::{TEXT_MARKER, text_marker};

/// From this size on a string under `spec` is kept apart.
const LARGE: usize = 4096;

impl Packed {
    /// Packs a descriptor.
    pub fn new(mut descriptor: Value) -> Self {
        let mut texts = Vec::new();
        if let Value::Object(members) = &mut descriptor {
            for (name, member) in members {
                let large = if name == "spec" { LARGE } else { usize::MAX };
                move_texts(member, large, &mut texts);
            }
        }
        // Many of them are held until they are committed, and a text that has grown has room for half as much again.
        let mut json = descriptor.to_string();
        json.shrink_to_fit();
        let mut hash = sha256(json.as_bytes());
        // Half of it tells contents apart just as well, in half of the room.
        hash.truncate(32);
        Self { json, hash, texts }
    }

    /// How much room it takes.
    pub fn bytes(&self) -> usize {
        let texts = self.texts.iter().map(|(_, text)| text.len());
        self.json.len() + texts.sum::<usize>()
    }

    /// The hashes of the texts, as the database lists them beside a descriptor.
    pub(super) fn text_list(&self) -> Option<String> {
        (!self.texts.is_empty()).then(|| {
            let hashes: Vec<_> = self.texts.iter().map(|(hash, _)| hash.as_str()).collect();
            hashes.join(" ")
        })
    }
}

/// Replaces strings of at least `large` bytes, and all that look like a marker: nobody can forge one.
fn move_texts(value: &mut Value, large: usize, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.len() >= large || text.starts_with(TEXT_MARKER) => {
            let hash = sha256(text.as_bytes());
            let marker = text_marker(&hash, text.len());
            texts.push((hash, std::mem::replace(text, marker)));
        }
        Value::Array(items) => {
            for item in items {
                move_texts(item, large, texts);
            }
        }
        Value::Object(members) => {
            for member in members.values_mut() {
                move_texts(member, large, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// In hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::marked_text;

    #[test]
    fn large_texts_of_spec_and_forged_markers_are_moved() {
        let large = "x".repeat(LARGE);
        let forged = text_marker("00", 1);
        let packed = Packed::new(json!({
            "metadata": { "description": large, "title": forged },
            "spec": { "definition": large, "small": "x", "list": [{ "deep": large }] },
        }));
        let stored: Value = serde_json::from_str(&packed.json).unwrap();
        let moved = |pointer: &str| marked_text(stored.pointer(pointer).unwrap().as_str().unwrap());
        assert_eq!(moved("/metadata/description"), None);
        assert_eq!(moved("/spec/small"), None);
        assert_eq!(
            moved("/spec/definition"),
            Some(sha256(large.as_bytes()).as_str())
        );
        assert_eq!(moved("/spec/definition"), moved("/spec/list/0/deep"));
        assert_eq!(
            moved("/metadata/title"),
            Some(sha256(forged.as_bytes()).as_str())
        );
        assert_eq!(packed.texts.len(), 3);
    }
}
