//! The values of entities as they are written: one row each, 64 rows packed behind each other.
//!
//! A row holds the ref, the id and every column as finished JSON, so that writing a field is a copy and all fields of an entity lie side by side, behind the places where they end.
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
    /// Row after row: where each of its slots ends ([`write_end`]), then their texts. In one place, because what reads the one reads the other.
    text: Box<str>,
    heads: [Head; WIDTH],
}

impl Default for Chunk {
    fn default() -> Self {
        Self {
            text: Box::default(),
            heads: [Head::absent(0); WIDTH],
        }
    }
}

/// What is asked first of a row, side by side: reading a row costs mostly what has to come from memory.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where the row begins in the text; it goes to where the next one begins.
    start: u32,
    slots: u16,
    kind: KindCode,
}

impl Head {
    /// A row without slots, at this place of the text.
    fn absent(start: usize) -> Self {
        Self {
            start: start as u32,
            slots: 0,
            kind: ABSENT,
        }
    }
}

/// Bytes of an end: seven bits in each, so that they may stand in a text. No row is longer than a file that is read, which is far below.
const END: usize = 4;

fn write_end(end: u32, text: &mut String) {
    for digit in 0..END {
        text.push(char::from((end >> (7 * digit)) as u8 & 0x7f));
    }
}

#[inline]
fn read_end(digits: [u8; END]) -> usize {
    let digits = u32::from_le_bytes(digits);
    let end = digits & 0x7f
        | digits >> 1 & 0x7f << 7
        | digits >> 2 & 0x7f << 14
        | digits >> 3 & 0x7f << 21;
    end as usize
}

/// Appends a row.
fn write_row(text: &mut String, slots: &str, ends: &[u32]) {
    ends.iter().for_each(|end| write_end(*end, text));
    text.push_str(slots);
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
    /// Of the whole chunk.
    text: &'a str,
    head: Head,
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
        let slot = usize::from(slot);
        let Some(end) = self.ends.get(slot) else {
            return "";
        };
        let start = slot.checked_sub(1).map_or(0, |before| self.ends[before]);
        let own = start as usize..*end as usize;
        self.text.get(own).unwrap_or_default()
    }
}

impl Chunk {
    fn with(&self, place: usize, row: &NewRow) -> Self {
        let start = self.heads[place].start as usize;
        let next = self.heads.get(place + 1);
        let end = next.map_or(self.text.len(), |next| next.start as usize);
        let mut text =
            String::with_capacity(self.text.len() + row.text.len() + END * row.ends.len());
        text.push_str(self.text.get(..start).unwrap_or_default());
        write_row(&mut text, &row.text, &row.ends);
        let own = text.len() - start;
        text.push_str(self.text.get(end..).unwrap_or_default());
        let mut heads = self.heads;
        heads[place].kind = row.kind;
        heads[place].slots = row.ends.len() as u16;
        for head in &mut heads[place + 1..] {
            head.start = head.start - (end - start) as u32 + own as u32;
        }
        Self {
            // A copy is of the right size.
            text: text.as_str().into(),
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
        Some(RowRef {
            text: &chunk.text,
            head: chunk.heads[place],
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
    heads: Vec<Head>,
}

impl RowFilling {
    /// Takes a row by its parts, as [`NewRow::parts`] gives them.
    pub(super) fn push(&mut self, kind: KindCode, text: &str, ends: &[u32]) {
        self.heads.push(Head {
            start: self.text.len() as u32,
            slots: ends.len() as u16,
            kind,
        });
        write_row(&mut self.text, text, ends);
        if self.heads.len() == WIDTH {
            self.close();
        }
    }

    fn close(&mut self) {
        let mut heads = [Head::absent(self.text.len()); WIDTH];
        heads[..self.heads.len()].copy_from_slice(&self.heads);
        // Copies are of the right size: to shrink may leave up to half of a block unused, because the allocator keeps it.
        self.chunks.push(Arc::new(Chunk {
            text: self.text.as_str().into(),
            heads,
        }));
        self.text.clear();
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
        self.head.kind
    }

    /// Something of each of the first cache lines of the row.
    #[inline]
    pub(super) fn touch(self) -> u32 {
        let row = self.text.as_bytes().get(self.head.start as usize..);
        let row = row.unwrap_or_default();
        let lines = (0..TOUCHED).map(|line| row.get(LINE * line));
        lines.flatten().fold(0, |sum, byte| sum ^ u32::from(*byte))
    }

    /// Empty where there is no value.
    #[inline]
    pub(super) fn slot(self, slot: u16) -> &'a str {
        if slot >= self.head.slots {
            return "";
        }
        let first = self.head.start as usize + END * usize::from(self.head.slots);
        let start = slot.checked_sub(1).map_or(0, |before| self.end(before));
        let own = first + start..first + self.end(slot);
        self.text.get(own).unwrap_or_default()
    }

    /// Where a slot's text ends, from where that of the first begins.
    #[inline]
    fn end(self, slot: u16) -> usize {
        let at = self.head.start as usize + END * usize::from(slot);
        let digits = self.text.as_bytes().get(at..).and_then(<[u8]>::first_chunk);
        digits.map_or(0, |digits| read_end(*digits))
    }
}
