//! One change: what a delta touches is copied, the rest is shared with the state before.
//!
//! Index entries of single entities are only indexes into the rows, so a value is taken out of its index while the old row stands, and entered after the new one does.

use std::sync::Arc;

use serde_json::Value;

use super::edges::Triple;
use super::extract::{Scratch, extract};
use super::index::{Source, Texts};
use super::kept::Kept;
use super::layout::{ABSENT, ID_SLOT, KindCode, Layout, NO_SLOT, REF_SLOT, kind_code};
use super::paths::{Found, find};
use super::rows::{NewRow, Rows};
use super::{Delta, Ix, Place, Record, Snapshot};
use crate::sdl::ColumnId;

impl Snapshot {
    /// The next state; costs what the change costs, not what the catalog holds.
    ///
    /// Removals come first, so that an entity which is removed and put in again stays.
    #[must_use]
    pub fn apply(&self, delta: Delta) -> Self {
        if self.n_indexes == 0 && delta.upserts.len() > 1 {
            return self.first(delta);
        }
        let mut next = self.clone();
        next.kept = Kept::default();
        next.revision = delta.revision;
        let mut changed = Vec::new();
        for entity_ref in &delta.removals {
            changed.extend(next.remove(entity_ref.as_str()));
        }
        next.prepare_dictionaries(&delta.upserts);
        for record in delta.upserts {
            changed.push(next.upsert(record));
        }
        for ((source, file), problems) in delta.problems {
            next.problems.replace(&source, &file, problems);
        }
        if !changed.is_empty() {
            next.generation = self.lineage.step(self.generation, changed);
        }
        next
    }

    /// Into an empty catalog: all at once.
    fn first(&self, delta: Delta) -> Self {
        let model = Arc::clone(&self.model);
        let records = delta.upserts.into_iter();
        let mut next = Self::build(model, delta.revision, records, Vec::new());
        next.problems = self.problems.clone();
        for ((source, file), problems) in delta.problems {
            next.problems.replace(&source, &file, problems);
        }
        next
    }

    fn prepare_dictionaries(&mut self, upserts: &[Record]) {
        if let [_, _, ..] = upserts {
            let mut kinds: Vec<_> = upserts
                .iter()
                .map(|record| kind_code(record.kind))
                .collect();
            kinds.sort_unstable();
            kinds.dedup();
            for kind in kinds {
                let own = upserts
                    .iter()
                    .filter(|record| kind_code(record.kind) == kind);
                self.descriptors
                    .prepare(kind, own.map(|record| &record.descriptor));
            }
        }
    }

    /// The index that changed.
    fn upsert(&mut self, record: Record) -> u32 {
        let ix = self.intern(record.entity_ref.as_str());
        let kind = kind_code(record.kind);
        let mut row = NewRow::default();
        let mut scratch = Scratch::default();
        extract(&self.model, &self.layout, &record, &mut scratch, &mut row);
        self.replace_row(ix, &row);
        self.descriptors.set(ix, kind, &record.descriptor);
        self.clear_strays(ix);
        self.add_strays(ix, kind, &record.descriptor);
        let triples = self.triples(&record);
        self.restate(ix, &triples);
        self.replace_place(ix, record);
        ix
    }

    fn remove(&mut self, entity_ref: &str) -> Option<u32> {
        let ix = self.lookup_ref(entity_ref).filter(|ix| self.exists(*ix))?.0;
        let mut row = NewRow::default();
        row.start(ABSENT, entity_ref);
        self.replace_row(ix, &row);
        self.descriptors.clear(ix);
        self.clear_strays(ix);
        self.clear_previous(ix);
        self.places.set(ix as usize, None);
        self.restate(ix, &[]);
        self.release(ix);
        Some(ix)
    }

    /// The index of a ref; a new one if it has none.
    fn intern(&mut self, entity_ref: &str) -> u32 {
        if let Some(ix) = self.lookup_ref(entity_ref) {
            return ix.0;
        }
        let ix = match Arc::make_mut(&mut self.free).pop() {
            Some(ix) => ix,
            None => {
                self.n_indexes += 1;
                self.n_indexes - 1
            }
        };
        let mut row = NewRow::default();
        row.start(ABSENT, entity_ref);
        self.rows.set(ix, &row);
        let key = (self.hash(entity_ref), ix);
        self.by_ref.insert(key, |other| other.cmp(&key));
        let texts = texts_of(&self.rows, &self.layout);
        self.refs.add(ix, entity_ref, texts);
        ix
    }

    /// Gives the index back if nothing refers to it any more.
    fn release(&mut self, ix: u32) {
        let referred = !self.edges.out(ix).is_empty() || !self.edges.back(ix).is_empty();
        let entity_ref = self.rows.entity_ref(ix);
        if referred || self.exists(Ix(ix)) || entity_ref.is_empty() {
            return;
        }
        let entity_ref = entity_ref.to_owned();
        let key = (self.hash(&entity_ref), ix);
        self.by_ref.remove(|other| other.cmp(&key));
        let texts = texts_of(&self.rows, &self.layout);
        self.refs.remove(ix, &entity_ref, texts, REF);
        self.rows.set(ix, &NewRow::absent());
        Arc::make_mut(&mut self.free).push(ix);
    }

    fn triples(&mut self, record: &Record) -> Vec<Triple> {
        let mut triples: Vec<Triple> = Vec::with_capacity(record.relations.len());
        for relation in &record.relations {
            let source = self.intern(relation.source.as_str());
            let target = self.intern(relation.target.as_str());
            triples.push((source, relation.relation.0, target));
        }
        triples.sort_unstable();
        triples.dedup();
        triples
    }

    fn restate(&mut self, ix: u32, triples: &[Triple]) {
        let loosened = self.edges.restate(&self.model, &self.rows, ix, triples);
        for other in loosened {
            if other != ix {
                self.release(other);
            }
        }
    }

    /// Moves `ix` from its old row to `row` in every index.
    fn replace_row(&mut self, ix: u32, row: &NewRow) {
        let before = self.rows.kind(ix);
        let mut changed = Vec::new();
        for at in 0..self.columns.len() {
            let column = ColumnId(at as u16);
            let old = texts_of(&self.rows, &self.layout).stored(Source::Column(column), ix);
            let new = match self.layout.slot(row.kind, column) {
                NO_SLOT => "",
                slot => row.slot(slot),
            };
            if old == new {
                continue;
            }
            let texts = texts_of(&self.rows, &self.layout);
            if let Some(index) = &mut self.columns[at] {
                index.remove(ix, old, texts, Source::Column(column));
                changed.push(column);
            }
        }
        let new_id = row.slot(ID_SLOT);
        let id_changed = self.rows.id(Ix(ix)) != new_id;
        if id_changed {
            let texts = texts_of(&self.rows, &self.layout);
            self.ids.remove(ix, self.rows.id(Ix(ix)), texts, ID);
        }
        self.rows.set(ix, row);
        let texts = texts_of(&self.rows, &self.layout);
        if id_changed {
            self.ids.add(ix, new_id, texts);
        }
        for column in changed {
            if let Some(index) = &mut self.columns[usize::from(column.0)] {
                index.add(ix, texts.stored(Source::Column(column), ix), texts);
            }
        }
        self.change_kind(ix, before, row.kind);
    }

    fn change_kind(&mut self, ix: u32, before: KindCode, after: KindCode) {
        if before == after {
            return;
        }
        let last = self.kinds.len() - 1;
        if before != ABSENT {
            Arc::make_mut(&mut self.kinds[usize::from(before).min(last)]).remove(ix);
        }
        if after == ABSENT {
            Arc::make_mut(&mut self.alive).remove(ix);
        } else {
            Arc::make_mut(&mut self.kinds[usize::from(after).min(last)]).insert(ix);
            Arc::make_mut(&mut self.alive).insert(ix);
        }
    }

    fn replace_place(&mut self, ix: u32, record: Record) {
        self.clear_previous(ix);
        for previous in &record.previous_refs {
            let key = (self.hash(previous.as_str()), ix);
            self.by_previous.insert(key, |other| other.cmp(&key));
        }
        let old = self.places.get(ix as usize).and_then(Option::as_ref);
        let same = old
            .filter(|old| old.file.0 == record.origin.source && old.file.1 == record.origin.file);
        let file = match same {
            Some(old) => Arc::clone(&old.file),
            None => Arc::new((record.origin.source.clone(), record.origin.file.clone())),
        };
        self.places.set(ix as usize, Some(Place::new(record, file)));
    }

    fn clear_previous(&mut self, ix: u32) {
        for previous in self.previous_refs(Ix(ix)).to_vec() {
            let key = (self.hash(previous.as_str()), ix);
            self.by_previous.remove(|other| other.cmp(&key));
        }
    }

    /// Enters what stands at the paths of columns that the kind does not have.
    fn add_strays(&mut self, ix: u32, kind: KindCode, descriptor: &Value) {
        let layout = Arc::clone(&self.layout);
        for (at, found) in strays(&layout, kind, descriptor) {
            self.add_stray(ix, at, &found);
        }
    }

    pub(super) fn add_stray(&mut self, ix: u32, at: usize, found: &Found) {
        let texts = texts_of(&self.rows, &self.layout);
        self.strays[at].add(ix, found, texts);
    }

    fn clear_strays(&mut self, ix: u32) {
        let texts = texts_of(&self.rows, &self.layout);
        for stray in &mut self.strays {
            stray.set(ix, None, texts);
        }
    }
}

const REF: Source = Source::Slot(REF_SLOT);
const ID: Source = Source::Slot(ID_SLOT);

/// As [`Snapshot::texts`], but leaves the indexes free to be changed.
fn texts_of<'a>(rows: &'a Rows, layout: &'a Layout) -> Texts<'a> {
    Texts { rows, layout }
}

/// What stands at the paths of columns that the kind does not have, by the number of the path.
pub(super) fn strays<'a>(
    layout: &'a Layout,
    kind: KindCode,
    descriptor: &'a Value,
) -> impl Iterator<Item = (usize, Found)> + 'a {
    let paths = layout.paths.iter().enumerate();
    let foreign = paths.filter(move |(_, (_, column))| layout.slot(kind, *column) == NO_SLOT);
    let there = foreign.filter(|(_, (path, _))| reaches(descriptor, path));
    there.map(|(at, (path, _))| {
        let mut found = Found::default();
        find(descriptor, path, false, &mut found);
        (at, found)
    })
}

/// Whether there is anything at a plain path: a quick look, most descriptors have nothing there.
fn reaches(descriptor: &Value, path: &str) -> bool {
    match descriptor {
        // One after the other: they are few, and hashing the path would take longer.
        Value::Object(object) => object.iter().any(|(key, below)| {
            let Some(rest) = path.strip_prefix(key.as_str()) else {
                return false;
            };
            match rest.strip_prefix('.') {
                Some(rest) => reaches(below, rest),
                None => rest.is_empty(),
            }
        }),
        Value::Array(_) => true,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
