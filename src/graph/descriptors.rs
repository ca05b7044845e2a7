//! Descriptors as compressed JSON: lz4 blocks against a dictionary of the first few descriptors of the same kind.
//!
//! A quarter of the text's size; unpacking one takes about half a microsecond before parsing.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::layout::KindCode;
use super::spine::Slabs;

/// Descriptors that make a dictionary.
const SAMPLES: usize = 12;
/// Bytes of a dictionary, at most.
const DICTIONARY: usize = 12 * 1024;
/// Bytes before each block: the dictionary's number plus one, and the size of the text.
const HEAD: usize = 5;

/// All descriptors.
#[derive(Clone, Debug, Default)]
pub(super) struct Descriptors {
    blocks: Slabs<u8>,
    dictionaries: Arc<Vec<(KindCode, Box<[u8]>)>>,
}

/// Descriptors that wait for enough of their kind to make a dictionary of.
#[derive(Debug, Default)]
pub(super) struct Samples {
    waiting: HashMap<KindCode, Vec<(u32, Vec<u8>)>>,
}

impl Descriptors {
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
        self.blocks
            .set(ix as usize, &self.pack(kind, json.as_bytes()));
    }

    pub(super) fn clear(&mut self, ix: u32) {
        self.blocks.set(ix as usize, &[]);
    }

    /// For descriptors in ascending order; [`Descriptors::settle`] ends it.
    pub(super) fn append(
        &mut self,
        ix: u32,
        kind: KindCode,
        descriptor: &Value,
        samples: &mut Samples,
    ) {
        let json = descriptor.to_string();
        if self.dictionary(kind).is_none() {
            let waiting = samples.waiting.entry(kind).or_default();
            waiting.push((ix, json.into_bytes()));
            if waiting.len() == SAMPLES {
                self.learn(kind, waiting);
            }
            return;
        }
        let packed = self.pack(kind, json.as_bytes());
        self.blocks.append(ix as usize, &packed);
    }

    pub(super) fn settle(&mut self, samples: Samples) {
        for (kind, mut waiting) in samples.waiting {
            if waiting.len() > 1 {
                self.learn(kind, &mut waiting);
            }
            for (ix, json) in waiting {
                self.blocks.set(ix as usize, &self.pack(kind, &json));
            }
        }
        self.blocks.shrink();
    }

    /// Makes a dictionary for `kind` out of `descriptors`, if it has none.
    pub(super) fn prepare<'a>(
        &mut self,
        kind: KindCode,
        descriptors: impl Iterator<Item = &'a Value>,
    ) {
        if self.dictionary(kind).is_none() {
            let samples = descriptors.take(SAMPLES);
            let samples: Vec<_> = samples
                .map(|value| value.to_string().into_bytes())
                .collect();
            if samples.len() == SAMPLES {
                self.add_dictionary(kind, samples.iter().map(Vec::as_slice));
            }
        }
    }

    fn learn(&mut self, kind: KindCode, waiting: &mut Vec<(u32, Vec<u8>)>) {
        self.add_dictionary(kind, waiting.iter().map(|(_, json)| json.as_slice()));
        for (ix, json) in std::mem::take(waiting) {
            self.blocks.set(ix as usize, &self.pack(kind, &json));
        }
    }

    fn add_dictionary<'a>(&mut self, kind: KindCode, samples: impl Iterator<Item = &'a [u8]>) {
        // The number must fit its byte.
        if self.dictionaries.len() >= usize::from(u8::MAX) {
            return;
        }
        let mut dictionary = Vec::with_capacity(DICTIONARY);
        for sample in samples {
            let room = DICTIONARY - dictionary.len();
            // A long one would leave no room for the variety of the others.
            let part = sample.len().min(room).min(DICTIONARY / 4);
            dictionary.extend_from_slice(&sample[..part]);
        }
        Arc::make_mut(&mut self.dictionaries).push((kind, dictionary.into()));
    }

    fn dictionary(&self, kind: KindCode) -> Option<(usize, &[u8])> {
        let at = self.dictionaries.iter().position(|(own, _)| *own == kind)?;
        Some((at, &self.dictionaries[at].1))
    }

    fn pack(&self, kind: KindCode, json: &[u8]) -> Vec<u8> {
        let (number, packed) = match self.dictionary(kind) {
            Some((at, dictionary)) => (
                at as u8 + 1,
                lz4_flex::block::compress_with_dict(json, dictionary),
            ),
            None => (0, lz4_flex::block::compress(json)),
        };
        let mut block = Vec::with_capacity(HEAD + packed.len());
        block.push(number);
        block.extend_from_slice(&(json.len() as u32).to_le_bytes());
        block.extend_from_slice(&packed);
        block
    }
}
