//! What was read of a text, as bytes that can be kept and be told from damaged ones.

use sha2::{Digest as _, Sha256};

use super::definition::Definition;

/// The version of everything that makes a [`Definition`] of a text, and of how it is written here.
///
/// Raise it whenever the same text may come to another [`Definition`] than before: a reader finds more or says it otherwise, a library that parses is newer, a member is added.
/// Else what older versions have read is shown until its text changes.
/// `what_is_read_of_the_examples_belongs_to_this_version` in `tests/it/apis/kept.rs` notices what the examples show of it.
pub const READER: i32 = 1;

/// Bytes of the checksum, which stands before everything else.
const SUM: usize = 8;

/// As it is kept.
pub fn pack(definition: &Definition) -> Vec<u8> {
    // Plain members with texts for keys: nothing that JSON cannot say.
    let json = serde_json::to_vec(definition).unwrap_or_default();
    let packed = lz4_flex::block::compress_prepend_size(&json);
    let mut bytes = Vec::with_capacity(SUM + packed.len());
    bytes.extend_from_slice(&sum(&packed));
    bytes.extend_from_slice(&packed);
    bytes
}

/// What [`pack`] made; `None` where it is damaged.
pub fn unpack(bytes: &[u8]) -> Option<Definition> {
    let (written, packed) = bytes.split_at_checked(SUM)?;
    if written != sum(packed) {
        return None;
    }
    // The size within is believed, because the sum is right.
    let json = lz4_flex::block::decompress_size_prepended(packed).ok()?;
    serde_json::from_slice(&json).ok()
}

fn sum(packed: &[u8]) -> [u8; SUM] {
    let mut own = [0; SUM];
    own.iter_mut()
        .zip(Sha256::digest(packed))
        .for_each(|(own, byte)| *own = byte);
    own
}
