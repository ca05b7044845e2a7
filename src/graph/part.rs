//! Ids of things that belong to an entity and are not in the snapshot: an operation of its API, a section of its docs.
//!
//! Made of the entity's id and a hash of what tells the thing apart within it, so an id is the same after every restart and in every replica, and nobody has to remember it.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// What sort of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Of an API.
    Operation,
    /// Of docs.
    Section,
}

const PARTS: &[(Part, char)] = &[(Part::Operation, 'o'), (Part::Section, 's')];

/// 10 bytes tell apart all that one entity may have.
const HASH_BYTES: usize = 10;

/// The id of a thing, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartId<'i> {
    pub part: Part,
    /// Of the entity that it belongs to.
    pub entity_id: &'i str,
    /// What [`PartId::hash`] makes of its key.
    pub hash: &'i str,
}

impl<'i> PartId<'i> {
    /// Of a text that looks like such an id.
    pub fn read(id: &'i str) -> Option<Self> {
        let (entity_id, part) = id.rsplit_once('.')?;
        let sort = part.chars().next()?;
        let (part_of, _) = PARTS.iter().find(|(_, letter)| *letter == sort)?;
        let hash = part.get(sort.len_utf8()..)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let fits = hash.len() == 2 * HASH_BYTES && hash.bytes().all(is_digit);
        (fits && !entity_id.is_empty()).then_some(Self {
            part: *part_of,
            entity_id,
            hash,
        })
    }

    /// Of what tells a thing apart within its entity.
    pub fn hash(key: &str) -> String {
        let digest = Sha256::digest(key);
        hex::encode(digest.get(..HASH_BYTES).unwrap_or_default())
    }

    /// The id of the thing with this key.
    pub fn of(part: Part, entity_id: &str, key: &str) -> String {
        let hash = Self::hash(key);
        PartId {
            part,
            entity_id,
            hash: &hash,
        }
        .to_string()
    }
}

impl fmt::Display for PartId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = PARTS.iter().find(|(part, _)| *part == self.part);
        let letter = letter.map_or('?', |(_, letter)| *letter);
        write!(f, "{}.{letter}{}", self.entity_id, self.hash)
    }
}
