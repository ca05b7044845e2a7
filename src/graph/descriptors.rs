//! Descriptors as compressed JSON: lz4 blocks against a dictionary of the first few descriptors of the same kind.
//!
//! A quarter of the text's size; unpacking one takes about half a microsecond before parsing.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::layout::KindCode;
use super::pack::Packer;
use super::spine::Slabs;

/// Descriptors that make a dictionary.
const SAMPLES: usize = 12;
/// Bytes of a dictionary, at most.
const DICTIONARY: usize = 12 * 1024;
/// The most dictionaries: their numbers must fit a byte.
const DICTIONARIES: usize = u8::MAX as usize;

/// The kind whose descriptors it fits, and the text.
pub(super) type Dictionary = (KindCode, Arc<[u8]>);

/// All descriptors.
///
/// A block begins with its dictionary's number plus one (nought: none) and the size of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Descriptors {
    blocks: Slabs<u8>,
    dictionaries: Arc<Vec<Dictionary>>,
}

impl Descriptors {
    pub(super) fn new(blocks: Slabs<u8>, dictionaries: Vec<Dictionary>) -> Self {
        Self {
            blocks,
            dictionaries: Arc::new(dictionaries),
        }
    }

    /// The JSON text; empty if there is none.
    pub(super) fn json(&self, ix: u32) -> Vec<u8> {
        let block = self.blocks.get(ix as usize);
        let [number, a, b, c, d, packed @ ..] = block else {
            return Vec::new();
        };
        let size = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let dictionary = usize::from(*number)
            .checked_sub(1)
            .and_then(|at| self.dictionaries.get(at));
        let text = match dictionary {
            Some((_, dictionary)) => {
                lz4_flex::block::decompress_with_dict(packed, size, dictionary)
            }
            None => lz4_flex::block::decompress(packed, size),
        };
        text.unwrap_or_default()
    }

    pub(super) fn value(&self, ix: u32) -> Value {
        serde_json::from_slice(&self.json(ix)).unwrap_or_default()
    }

    pub(super) fn set(&mut self, ix: u32, kind: KindCode, descriptor: &Value) {
        let json = descriptor.to_string();
        let known = self.dictionaries.iter().position(|(own, _)| *own == kind);
        let block = match known.and_then(|at| Some((at, self.dictionaries.get(at)?))) {
            Some((at, (_, dictionary))) => {
                let packed = lz4_flex::block::compress_with_dict(json.as_bytes(), dictionary);
                let mut block = head(at + 1, json.len()).to_vec();
                block.extend_from_slice(&packed);
                block
            }
            None => plain(json.as_bytes()),
        };
        self.blocks.set(ix as usize, &block);
    }

    pub(super) fn clear(&mut self, ix: u32) {
        self.blocks.set(ix as usize, &[]);
    }

    /// Makes a dictionary for `kind` out of `descriptors`, if it has none and they are enough.
    pub(super) fn prepare<'a>(
        &mut self,
        kind: KindCode,
        descriptors: impl Iterator<Item = &'a Value>,
    ) {
        let has = self.dictionaries.iter().any(|(own, _)| *own == kind);
        if has || self.dictionaries.len() >= DICTIONARIES {
            return;
        }
        let mut samples = Samples::default();
        for descriptor in descriptors.take(SAMPLES) {
            samples.add(descriptor.to_string().as_bytes());
        }
        if samples.are_enough() {
            let dictionary = (kind, samples.text.into());
            Arc::make_mut(&mut self.dictionaries).push(dictionary);
        }
    }
}

/// The first descriptors of a kind.
#[derive(Debug, Default)]
struct Samples {
    count: usize,
    text: Vec<u8>,
}

impl Samples {
    fn add(&mut self, json: &[u8]) {
        self.count += 1;
        let room = DICTIONARY - self.text.len();
        // A long one would leave no room for the variety of the others.
        let part = json.len().min(room).min(DICTIONARY / 4);
        self.text.extend_from_slice(&json[..part]);
    }

    fn are_enough(&self) -> bool {
        self.count == SAMPLES
    }
}

/// Packs the descriptors of a whole catalog, and learns the dictionaries from it.
#[derive(Debug, Default)]
pub(super) struct Press {
    samples: HashMap<KindCode, Samples>,
    packers: HashMap<KindCode, (usize, Packer)>,
    n_dictionaries: usize,
}

impl Press {
    /// Appends the block of a descriptor; gives the dictionary that was made with it.
    pub(super) fn pack(
        &mut self,
        kind: KindCode,
        json: &[u8],
        blocks: &mut Vec<u8>,
    ) -> Option<Dictionary> {
        if let Some((number, packer)) = self.packers.get_mut(&kind) {
            blocks.extend_from_slice(&head(*number, json.len()));
            packer.pack(json, blocks);
            return None;
        }
        blocks.extend_from_slice(&plain(json));
        let samples = self.samples.entry(kind).or_default();
        samples.add(json);
        if !samples.are_enough() || self.n_dictionaries >= DICTIONARIES {
            return None;
        }
        let dictionary: Arc<[u8]> = self.samples.remove(&kind)?.text.into();
        self.n_dictionaries += 1;
        let packer = (self.n_dictionaries, Packer::new(&dictionary));
        self.packers.insert(kind, packer);
        Some((kind, dictionary))
    }
}

fn head(number: usize, size: usize) -> [u8; 5] {
    let [a, b, c, d] = (size as u32).to_le_bytes();
    [number as u8, a, b, c, d]
}

fn plain(json: &[u8]) -> Vec<u8> {
    let mut block = head(0, json.len()).to_vec();
    block.extend_from_slice(&lz4_flex::block::compress(json));
    block
}
