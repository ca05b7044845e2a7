//! What an entry is found by, and what it is purged by.
//!
//! Both are 128 bits of SHA-256: the same on every replica, and nobody who writes annotations can make two of them meet.
//! So a viewer, a credential or a mapping version that is a part of the key can never be passed by.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use sha2::{Digest as _, Sha256};

/// The parts that many keys begin with (connector, mapping version, source, instance, credential), hashed once.
#[derive(Clone, Debug)]
pub struct Prefix(Sha256);

impl Prefix {
    /// Parts are told apart, so `["ab", "c"]` is not `["a", "bc"]`.
    pub fn new<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Self {
        let mut hash = Sha256::new();
        parts
            .into_iter()
            .for_each(|part| add(&mut hash, part.as_ref()));
        Self(hash)
    }

    /// The key with further parts behind these: the resolved holes, and the viewer where the value is his.
    pub fn key<T: AsRef<[u8]>>(&self, parts: impl IntoIterator<Item = T>) -> Key {
        let mut hash = self.0.clone();
        parts
            .into_iter()
            .for_each(|part| add(&mut hash, part.as_ref()));
        Key(shorten(hash))
    }
}

/// Names one entry; made once by whoever asks, and cheap to copy and to compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub(super) u128);

/// What a purge names: all entries that carry it go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(pub(super) u128);

impl Tag {
    /// The tag that a connector calls `text`; connectors do not meet.
    pub fn new(connector: &str, text: &str) -> Self {
        let mut hash = Sha256::new();
        add(&mut hash, connector.as_bytes());
        add(&mut hash, text.as_bytes());
        Self(shorten(hash))
    }
}

fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

fn shorten(hash: Sha256) -> u128 {
    let full: [u8; 32] = hash.finalize().into();
    let (first, _) = full.split_at(16);
    first
        .iter()
        .fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.0);
    }
}

impl Hash for Tag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.0);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({:032x})", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Tag({:032x})", self.0)
    }
}

/// Takes 64 bits of what is a hash already.
#[derive(Clone, Debug, Default)]
pub struct Hashed(u64);

/// For maps by [`Key`] and [`Tag`].
pub(super) type Same = BuildHasherDefault<Hashed>;

/// A map whose keys are not hashed again.
pub type ByKey<V> = HashMap<Key, V, BuildHasherDefault<Hashed>>;

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, bits: u128) {
        self.0 = bits as u64;
    }
}
