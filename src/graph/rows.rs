//! The values of entities as they are written: one row each, 64 rows packed behind each other.
//!
//! A row holds the ref, the id and every column as finished JSON, so that writing a field is a copy and all fields of an entity lie side by side.
//! What is only referred to has a row with its ref alone.

use super::Ix;
use super::layout::{ABSENT, ID_SLOT, KindCode, REF_SLOT};
use super::spine::{Spine, WIDTH, tighten};

/// All rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    chunks: Spine<Chunk>,
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    kinds: Vec<KindCode>,
    /// Where the slots of each row end, in `ends`.
    slots: Vec<u32>,
    /// Where each slot's text ends.
    ends: Vec<u32>,
    text: String,
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
            let end = self.slots.get(place).map(|end| *end as usize);
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
            kinds: self.kinds.clone(),
            slots: self.slots.clone(),
            ends: Vec::with_capacity(self.ends.len() - slots.len() + row.ends.len()),
            text: String::with_capacity(self.text.len() - text.len() + row.text.len()),
        };
        if next.kinds.len() <= place {
            next.kinds.resize(place + 1, ABSENT);
            next.slots.resize(place + 1, self.ends.len() as u32);
        }
        next.kinds[place] = row.kind;
        for end in &mut next.slots[place..] {
            *end = *end - slots.len() as u32 + row.ends.len() as u32;
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

    /// For rows in ascending order, without gaps.
    pub(super) fn append(&mut self, ix: u32, row: &NewRow) {
        let (chunk, _) = self.chunks.chunk_mut(ix as usize);
        let start = chunk.text.len() as u32;
        chunk.kinds.push(row.kind);
        chunk.text.push_str(&row.text);
        chunk.ends.extend(row.ends.iter().map(|end| end + start));
        chunk.slots.push(chunk.ends.len() as u32);
        if chunk.kinds.len() == WIDTH {
            chunk.shrink();
        }
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

    pub(super) fn entity_ref(&self, ix: u32) -> &str {
        self.row(ix).map_or("", |row| row.slot(REF_SLOT))
    }

    pub(super) fn id(&self, ix: Ix) -> &str {
        self.row(ix.0).map_or("", |row| row.slot(ID_SLOT))
    }
}

impl Chunk {
    fn shrink(&mut self) {
        tighten(&mut self.kinds);
        tighten(&mut self.slots);
        tighten(&mut self.ends);
        self.text = self.text.as_str().to_owned();
    }
}

impl<'a> RowRef<'a> {
    #[inline]
    pub(super) fn kind(self) -> KindCode {
        self.chunk.kinds.get(self.place).copied().unwrap_or(ABSENT)
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
