//! The values of entities as they are written: one row each, 64 rows packed behind each other.
//!
//! A row holds the ref, the id and every column as finished JSON, so that writing a field is a copy and all fields of an entity lie side by side.
//! What is only referred to has a row with its ref alone.

use std::sync::Arc;

use super::Ix;
use super::layout::{ABSENT, ID_SLOT, KindCode, REF_SLOT};
use super::spine::{Spine, WIDTH};

/// All rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    chunks: Spine<Chunk>,
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    heads: Vec<Head>,
    /// Where each slot's text ends.
    ends: Vec<u32>,
    text: String,
}

/// What is asked first of a row, side by side: reading a row costs mostly what has to come from memory.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where the row's slots end, in `ends`.
    slots: u32,
    kind: KindCode,
}

/// One row under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct NewRow {
    pub(super) kind: KindCode,
    text: String,
    ends: Vec<u32>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowRef<'a> {
    chunk: &'a Chunk,
    place: usize,
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
        slot_text(&self.text, &self.ends, 0, slot)
    }
}

fn slot_text<'a>(text: &'a str, ends: &[u32], first: usize, slot: u16) -> &'a str {
    let at = first + usize::from(slot);
    let end = |at: usize| ends.get(at).map_or(text.len(), |end| *end as usize);
    let start = if at == 0 { 0 } else { end(at - 1) };
    text.get(start..end(at)).unwrap_or_default()
}

impl Chunk {
    #[inline]
    fn slots_of(&self, place: usize) -> std::ops::Range<usize> {
        let end = |place: usize| {
            let end = self.heads.get(place).map(|head| head.slots as usize);
            end.unwrap_or(self.ends.len())
        };
        let start = if place == 0 { 0 } else { end(place - 1) };
        start..end(place)
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
        let mut next = Self {
            heads: self.heads.clone(),
            ends: Vec::with_capacity(self.ends.len() - slots.len() + row.ends.len()),
            text: String::with_capacity(self.text.len() - text.len() + row.text.len()),
        };
        if next.heads.len() <= place {
            let absent = Head {
                slots: self.ends.len() as u32,
                kind: ABSENT,
            };
            next.heads.resize(place + 1, absent);
        }
        next.heads[place].kind = row.kind;
        for head in &mut next.heads[place..] {
            head.slots = head.slots - slots.len() as u32 + row.ends.len() as u32;
        }
        next.ends.extend_from_slice(&self.ends[..slots.start]);
        let moved = row.ends.iter().map(|end| end + text.start as u32);
        next.ends.extend(moved);
        let moved = self.ends[slots.end..].iter();
        next.ends
            .extend(moved.map(|end| end - text.len() as u32 + row.text.len() as u32));
        for part in [
            self.text.get(..text.start),
            Some(row.text.as_str()),
            self.text.get(text.end..),
        ] {
            next.text.push_str(part.unwrap_or_default());
        }
        next
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
        Some(RowRef { chunk, place })
    }

    #[inline]
    pub(super) fn kind(&self, ix: u32) -> KindCode {
        self.row(ix).map_or(ABSENT, RowRef::kind)
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
    open: Chunk,
}

impl RowFilling {
    /// Takes a row by its parts, as [`NewRow::parts`] gives them.
    pub(super) fn push(&mut self, kind: KindCode, text: &str, ends: &[u32]) {
        let open = &mut self.open;
        let start = open.text.len() as u32;
        open.text.push_str(text);
        open.ends.extend(ends.iter().map(|end| end + start));
        open.heads.push(Head {
            slots: open.ends.len() as u32,
            kind,
        });
        if open.heads.len() == WIDTH {
            self.close();
        }
    }

    fn close(&mut self) {
        let open = &mut self.open;
        // Copies are of the right size: to shrink may leave up to half of a block unused, because the allocator keeps it.
        self.chunks.push(Arc::new(Chunk {
            heads: open.heads.as_slice().to_vec(),
            ends: open.ends.as_slice().to_vec(),
            text: open.text.as_str().to_owned(),
        }));
        open.heads.clear();
        open.ends.clear();
        open.text.clear();
    }

    pub(super) fn done(mut self) -> Rows {
        if !self.open.heads.is_empty() {
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
        let head = self.chunk.heads.get(self.place);
        head.map_or(ABSENT, |head| head.kind)
    }

    /// Empty where there is no value.
    #[inline]
    pub(super) fn slot(self, slot: u16) -> &'a str {
        let slots = self.chunk.slots_of(self.place);
        if usize::from(slot) >= slots.len() {
            return "";
        }
        slot_text(&self.chunk.text, &self.chunk.ends, slots.start, slot)
    }
}
