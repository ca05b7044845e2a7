//! The values of entities as they are written: one row each, 64 rows packed behind each other.
//!
//! A row holds the ref, the id and every column as finished JSON, so that writing a field is a copy and all fields of an entity lie side by side.
//! What is only referred to has a row with its ref alone.

use std::sync::Arc;

use super::Ix;
use super::layout::{ABSENT, ID_SLOT, KindCode, REF_SLOT};
use super::spine::{Spine, WIDTH};

/// Bytes that come from memory together, and how many such lines of a row [`RowRef::touch`] reads: what most queries select stands there.
const LINE: usize = 64;
const TOUCHED: usize = 4;

/// All rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    chunks: Spine<Chunk>,
}

#[derive(Clone, Debug)]
struct Chunk {
    text: Box<str>,
    /// Where each slot's text ends.
    ends: Box<[u32]>,
    heads: [Head; WIDTH],
}

impl Default for Chunk {
    fn default() -> Self {
        Self {
            text: Box::default(),
            ends: Box::default(),
            heads: [Head::absent(0); WIDTH],
        }
    }
}

/// What is asked first of a row, side by side: reading a row costs mostly what has to come from memory.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where the row's slots end, in `ends`.
    slots: u32,
    kind: KindCode,
}

impl Head {
    /// A row without slots, behind so many.
    fn absent(slots: usize) -> Self {
        Self {
            slots: slots as u32,
            kind: ABSENT,
        }
    }
}

/// One row under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct NewRow {
    pub(super) kind: KindCode,
    text: String,
    ends: Vec<u32>,
}

/// One row, looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowRef<'a> {
    kind: KindCode,
    /// Of the whole chunk.
    text: &'a str,
    /// Where the row's own slots end, and where the first of them begins.
    ends: &'a [u32],
    start: usize,
}

impl NewRow {
    /// A row without anything, for an index that nothing has.
    pub(super) fn absent() -> Self {
        Self {
            kind: ABSENT,
            ..Self::default()
        }
    }

    pub(super) fn start(&mut self, kind: KindCode, entity_ref: &str) {
        self.kind = kind;
        self.text.clear();
        self.ends.clear();
        self.push(entity_ref);
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    /// The text of all slots, and where each of them ends.
    pub(super) fn parts(&self) -> (&str, &[u32]) {
        (&self.text, &self.ends)
    }

    pub(super) fn slot(&self, slot: u16) -> &str {
        let row = RowRef {
            kind: self.kind,
            text: &self.text,
            ends: &self.ends,
            start: 0,
        };
        row.slot(slot)
    }
}

impl Chunk {
    #[inline]
    fn slots_of(&self, place: usize) -> std::ops::Range<usize> {
        let start = match place.checked_sub(1) {
            Some(before) => self.heads[before].slots as usize,
            None => 0,
        };
        start..self.heads[place].slots as usize
    }

    fn text_end(&self, slots: usize) -> usize {
        match slots.checked_sub(1) {
            Some(last) => self.ends[last] as usize,
            None => 0,
        }
    }

    fn with(&self, place: usize, row: &NewRow) -> Self {
        let slots = self.slots_of(place);
        let text = self.text_end(slots.start)..self.text_end(slots.end);
        let mut heads = self.heads;
        heads[place].kind = row.kind;
        for head in &mut heads[place..] {
            head.slots = head.slots - slots.len() as u32 + row.ends.len() as u32;
        }
        let before = self.ends[..slots.start].iter().copied();
        let own = row.ends.iter().map(|end| end + text.start as u32);
        let behind = self.ends[slots.end..].iter();
        let behind = behind.map(|end| end - text.len() as u32 + row.text.len() as u32);
        let parts = [
            self.text.get(..text.start).unwrap_or_default(),
            &row.text,
            self.text.get(text.end..).unwrap_or_default(),
        ];
        Self {
            text: parts.concat().into(),
            ends: before.chain(own).chain(behind).collect(),
            heads,
        }
    }
}

impl Rows {
    pub(super) fn set(&mut self, ix: u32, row: &NewRow) {
        self.chunks
            .replace(ix as usize, |chunk, place| chunk.with(place, row));
    }

    #[inline]
    pub(super) fn row(&self, ix: u32) -> Option<RowRef<'_>> {
        let (chunk, place) = self.chunks.chunk(ix as usize)?;
        let slots = chunk.slots_of(place);
        Some(RowRef {
            kind: chunk.heads[place].kind,
            text: &chunk.text,
            start: chunk.text_end(slots.start),
            ends: &chunk.ends[slots],
        })
    }

    #[inline]
    pub(super) fn kind(&self, ix: u32) -> KindCode {
        let found = self.chunks.chunk(ix as usize);
        found.map_or(ABSENT, |(chunk, place)| chunk.heads[place].kind)
    }

    #[inline]
    pub(super) fn entity_ref(&self, ix: u32) -> &str {
        self.row(ix).map_or("", |row| row.slot(REF_SLOT))
    }

    pub(super) fn id(&self, ix: Ix) -> &str {
        self.row(ix.0).map_or("", |row| row.slot(ID_SLOT))
    }
}

/// Rows on the way: one after the other, in room that is used again for each chunk.
#[derive(Debug, Default)]
pub(super) struct RowFilling {
    chunks: Vec<Arc<Chunk>>,
    text: String,
    ends: Vec<u32>,
    heads: Vec<Head>,
}

impl RowFilling {
    /// Takes a row by its parts, as [`NewRow::parts`] gives them.
    pub(super) fn push(&mut self, kind: KindCode, text: &str, ends: &[u32]) {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.ends.extend(ends.iter().map(|end| end + start));
        self.heads.push(Head {
            slots: self.ends.len() as u32,
            kind,
        });
        if self.heads.len() == WIDTH {
            self.close();
        }
    }

    fn close(&mut self) {
        let mut heads = [Head::absent(self.ends.len()); WIDTH];
        heads[..self.heads.len()].copy_from_slice(&self.heads);
        // Copies are of the right size: to shrink may leave up to half of a block unused, because the allocator keeps it.
        self.chunks.push(Arc::new(Chunk {
            text: self.text.as_str().into(),
            ends: self.ends.as_slice().into(),
            heads,
        }));
        self.text.clear();
        self.ends.clear();
        self.heads.clear();
    }

    pub(super) fn done(mut self) -> Rows {
        if !self.heads.is_empty() {
            self.close();
        }
        Rows {
            chunks: Spine::from_chunks(self.chunks),
        }
    }
}

impl<'a> RowRef<'a> {
    #[inline]
    pub(super) fn kind(self) -> KindCode {
        self.kind
    }

    /// Something of each of the first cache lines of the text.
    pub(super) fn touch(self) -> u32 {
        let text = self.text.as_bytes();
        let lines = (0..TOUCHED).map(|line| text.get(self.start + LINE * line));
        lines.flatten().fold(0, |sum, byte| sum ^ u32::from(*byte))
    }

    /// Empty where there is no value.
    #[inline]
    pub(super) fn slot(self, slot: u16) -> &'a str {
        let slot = usize::from(slot);
        let Some(end) = self.ends.get(slot) else {
            return "";
        };
        let start = match slot.checked_sub(1) {
            Some(before) => self.ends[before] as usize,
            None => self.start,
        };
        self.text.get(start..*end as usize).unwrap_or_default()
    }
}
