//! Records taken apart: all that a snapshot keeps of them, made without looking at the snapshot.
//!
//! It is half of the work of building one, so it can be done on another thread than [`Builder`](super::Builder)'s, batch by batch.
//! A batch is a handful of flat buffers, because what one thread allocates and another one frees costs more than to copy it.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::apply::strays;
use super::descriptors::{Dictionary, Press};
use super::edges::{Triple, pack};
use super::extract::{Scratch, extract};
use super::layout::{KindCode, Layout, kind_code};
use super::paths::Found;
use super::rows::NewRow;
use super::{Place, Record, SourceFile};
use crate::catalog::EntityRef;
use crate::sdl::Model;

/// Takes records apart.
#[derive(Debug)]
pub struct Preparer {
    model: Arc<Model>,
    layout: Arc<Layout>,
    hasher: DefaultHashBuilder,
    press: Press,
    files: HashMap<SourceFile, Arc<SourceFile>>,
    row: NewRow,
    scratch: Scratch,
    /// The refs that a record names, by their number in it.
    names: HashTable<u32>,
    triples: Vec<Triple>,
    words: Vec<u32>,
    batch: Batch,
}

/// Records that were taken apart, in their order.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) parts: Vec<Part>,
    /// Of all rows.
    pub(super) text: String,
    pub(super) slots: Vec<u32>,
    pub(super) blocks: Vec<u8>,
    /// Each record's own ref and those that its relations name: the texts, and for each its hash and its end.
    pub(super) names: String,
    pub(super) name_ends: Vec<(u64, usize)>,
    /// What is stated, by the numbers of refs among those of the record; nought is its own.
    pub(super) words: Vec<u32>,
    /// By number of the record: what stands at the path of that number.
    pub(super) strays: Vec<(usize, usize, Found)>,
    /// Those that were made meanwhile.
    pub(super) dictionaries: Vec<Dictionary>,
}

/// A record's share of a [`Batch`]: where it ends in each buffer.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: KindCode,
    pub(super) text: usize,
    pub(super) slots: usize,
    pub(super) blocks: usize,
    pub(super) names: usize,
    pub(super) words: usize,
    pub(super) place: Place,
}

impl Preparer {
    pub(super) fn new(model: Arc<Model>, layout: Arc<Layout>) -> Self {
        Self {
            model,
            layout,
            hasher: DefaultHashBuilder::default(),
            press: Press::default(),
            files: HashMap::new(),
            row: NewRow::default(),
            scratch: Scratch::default(),
            names: HashTable::new(),
            triples: Vec::new(),
            words: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// Takes `record`; `json` is the text of its descriptor, where there is one already.
    pub fn add(&mut self, record: Record, json: Option<&str>) {
        let kind = kind_code(record.kind);
        extract(
            &self.model,
            &self.layout,
            &record,
            &mut self.scratch,
            &mut self.row,
        );
        let (text, ends) = self.row.parts();
        self.batch.text.push_str(text);
        self.batch.slots.extend_from_slice(ends);
        let made = match json {
            Some(json) => self
                .press
                .pack(kind, json.as_bytes(), &mut self.batch.blocks),
            None => {
                let json = record.descriptor.to_string();
                self.press
                    .pack(kind, json.as_bytes(), &mut self.batch.blocks)
            }
        };
        self.batch.dictionaries.extend(made);
        let number = self.batch.parts.len();
        let strays = strays(&self.layout, kind, &record.descriptor);
        self.batch
            .strays
            .extend(strays.map(|(at, found)| (number, at, found)));
        self.state(&record);
        let place = self.place(record);
        let batch = &mut self.batch;
        batch.parts.push(Part {
            kind,
            text: batch.text.len(),
            slots: batch.slots.len(),
            blocks: batch.blocks.len(),
            names: batch.name_ends.len(),
            words: batch.words.len(),
            place,
        });
    }

    /// What was taken since the last time.
    pub fn take(&mut self) -> Batch {
        let next = Batch {
            // The next one is as large, or nearly.
            parts: Vec::with_capacity(self.batch.parts.len()),
            text: String::with_capacity(self.batch.text.len()),
            slots: Vec::with_capacity(self.batch.slots.len()),
            blocks: Vec::with_capacity(self.batch.blocks.len()),
            names: String::with_capacity(self.batch.names.len()),
            name_ends: Vec::with_capacity(self.batch.name_ends.len()),
            words: Vec::with_capacity(self.batch.words.len()),
            ..Batch::default()
        };
        std::mem::replace(&mut self.batch, next)
    }

    fn state(&mut self, record: &Record) {
        self.names.clear();
        self.triples.clear();
        let first = self.batch.name_ends.len();
        self.name(first, &record.entity_ref);
        for relation in &record.relations {
            let triple = (
                self.name(first, &relation.source),
                relation.relation.0,
                self.name(first, &relation.target),
            );
            self.triples.push(triple);
        }
        self.triples.sort_unstable();
        self.triples.dedup();
        pack(&self.model, 0, &self.triples, &mut self.words);
        self.batch.words.extend_from_slice(&self.words);
    }

    /// The number of a ref among those that the record names; `first`: where they begin in the batch.
    fn name(&mut self, first: usize, entity_ref: &EntityRef) -> u32 {
        let Batch {
            names, name_ends, ..
        } = &mut self.batch;
        let text = entity_ref.as_str();
        // One of two is mostly the record's own.
        if name_ends.len() > first && text_of(names, name_ends, first) == text {
            return 0;
        }
        let hash = self.hasher.hash_one(text);
        let known = self.names.find(hash, |number| {
            let at = first + *number as usize;
            name_ends[at].0 == hash && text_of(names, name_ends, at) == text
        });
        if let Some(number) = known {
            return *number;
        }
        let number = (name_ends.len() - first) as u32;
        names.push_str(text);
        name_ends.push((hash, names.len()));
        self.names
            .insert_unique(hash, number, |number| name_ends[first + *number as usize].0);
        number
    }

    fn place(&mut self, record: Record) -> Place {
        let key = (record.origin.source.clone(), record.origin.file.clone());
        let file = self
            .files
            .entry(key)
            .or_insert_with_key(|key| Arc::new(key.clone()));
        let file = Arc::clone(file);
        Place::new(record, file)
    }
}

/// The name at a place of [`Batch::name_ends`].
pub(super) fn text_of<'a>(names: &'a str, ends: &[(u64, usize)], at: usize) -> &'a str {
    let start = match at.checked_sub(1) {
        Some(before) => ends[before].1,
        None => 0,
    };
    names.get(start..ends[at].1).unwrap_or_default()
}
