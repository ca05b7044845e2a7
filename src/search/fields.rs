//! What the index has of each document; the same for every schema of the graph.
//!
//! Texts of equal weight share a field, so an index has as many as there are weights; which weight each field stands for is written down with the index.

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::TokenizerManager;

use super::terms::Terms;

/// Another number means another index.
pub(super) const FORMAT: u32 = 3;
/// The slot of what says that a bundle has nothing in it: no entity has it, so it is never found.
pub(super) const NOTHING: u64 = u64::MAX;
/// Fields for texts; more weights share the last.
pub(super) const MOST_WEIGHTS: usize = 8;

const TOKENIZER: &str = "callboard";

/// The fields by what they are for.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    /// Hash of the node's id.
    pub(super) key: Field,
    /// Hash of entity and group: what is replaced together.
    pub(super) bundle: Field,
    pub(super) version: Field,
    pub(super) group: Field,
    /// The number of the entity in this index.
    pub(super) slot: Field,
    /// What scores are multiplied by, in thousandths.
    pub(super) rank: Field,
    /// Name and title as a whole.
    pub(super) exact: Field,
    /// What is shown, where it is no entity.
    pub(super) node: Field,
    /// Heaviest first.
    pub(super) texts: Vec<Field>,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let key = schema.add_u64_field("key", FAST | INDEXED);
        let bundle = schema.add_u64_field("bundle", FAST | INDEXED);
        let version = schema.add_u64_field("version", FAST);
        let group = schema.add_u64_field("group", FAST);
        let slot = schema.add_u64_field("slot", FAST);
        let rank = schema.add_u64_field("rank", FAST);
        let whole = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        let exact = TextOptions::default().set_indexing_options(whole);
        let exact = schema.add_text_field("exact", exact);
        let node = schema.add_bytes_field("node", STORED);
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(TOKENIZER)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let text = TextOptions::default().set_indexing_options(indexing);
        let texts = (0..MOST_WEIGHTS)
            .map(|number| schema.add_text_field(&format!("text{number}"), text.clone()))
            .collect();
        Self {
            schema: schema.build(),
            key,
            bundle,
            version,
            group,
            slot,
            rank,
            exact,
            node,
            texts,
        }
    }

    pub(super) fn tokenizers() -> TokenizerManager {
        let manager = TokenizerManager::default();
        manager.register(TOKENIZER, Terms::default());
        manager
    }
}

/// A name or a title as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Name,
    Title,
}

impl Whole {
    /// The term for a text of which all words are put together.
    pub(super) fn term(self, together: &str) -> String {
        let begin = match self {
            Self::Name => 'n',
            Self::Title => 't',
        };
        format!("{begin}{together}")
    }
}

/// A number for a text that is the same everywhere and always.
pub(super) fn hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash)
}

/// Two numbers to one.
pub(super) fn mix_with(hash: u64, number: u64) -> u64 {
    mix(hash ^ mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
