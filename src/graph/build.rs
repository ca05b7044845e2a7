//! A whole catalog at once: rows are appended, values sorted, edges counted and laid out.
//!
//! Entities get their indexes in the order in which they come, what is only referred to after them.

use std::collections::HashSet;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashTable;
use roaring::RoaringBitmap;

use super::bulk::sorted_groups;
use super::descriptors::{Descriptors, Dictionary};
use super::edges::{Edges, Ranks, each_index};
use super::index::{ListGroups, Source, Texts, ValueIndex};
use super::kept::Kept;
use super::layout::{ABSENT, ID_SLOT, Layout, REF_SLOT};
use super::order::name_in;
use super::paths::PathIndex;
use super::prepare::{Batch, Preparer, text_of};
use super::problems::Problems;
use super::rows::RowFilling;
use super::spine::{Filling, Slabs};
use super::tree::Tree;
use super::value::{Sort, list_items};
use super::{Delta, Ix, Place, PlaceRest, ProblemRecord, Record, Snapshot, SourceFile};
use crate::sdl::{ColumnId, Model};

/// Records that are taken apart before they are put together, where one thread does both.
const BATCH: usize = 256;

/// No index yet.
const UNSEEN: u32 = u32::MAX;

impl Snapshot {
    /// No entities.
    pub fn empty(model: Arc<Model>) -> Self {
        let layout = Arc::new(Layout::new(&model));
        let columns = (0..model.columns.len()).map(|at| {
            let sort = layout.sorts[at].filter(|_| layout.engine[at].is_none())?;
            let source = Source::Column(ColumnId(at as u16));
            Some(ValueIndex::new(source, sort, model.columns[at].list))
        });
        let strays = layout.paths.iter().map(|(path, _)| PathIndex::new(path));
        Self {
            revision: 0,
            n_indexes: 0,
            free: Arc::default(),
            rows: super::rows::Rows::default(),
            hasher: RandomState::new(),
            by_ref: Tree::default(),
            by_previous: Tree::default(),
            refs: ValueIndex::new(Source::Slot(REF_SLOT), Sort::Raw, false),
            ids: ValueIndex::new(Source::Slot(ID_SLOT), Sort::Raw, false),
            alive: Arc::default(),
            kinds: vec![Arc::default(); model.kinds.len() + 1],
            descriptors: super::descriptors::Descriptors::default(),
            places: super::spine::CowVec::default(),
            edges: super::edges::Edges::default(),
            columns: columns.collect(),
            strays: strays.collect(),
            lineage: Arc::default(),
            generation: 0,
            kept: Kept::default(),
            problems: Problems::default(),
            layout,
            model,
        }
    }

    /// All of `records` at once: faster than one by one.
    ///
    /// Of records with the same ref the last one stands.
    pub fn build(
        model: Arc<Model>,
        revision: u64,
        records: impl Iterator<Item = Record>,
        problems: Vec<ProblemRecord>,
    ) -> Self {
        let (mut preparer, mut builder) = Self::builder(model);
        let mut seen = HashSet::new();
        let mut again = Vec::new();
        for record in records {
            if !seen.insert(record.entity_ref.clone()) {
                again.push(record);
                continue;
            }
            preparer.add(record, None);
            if seen.len() % BATCH == 0 {
                builder.add(preparer.take());
            }
        }
        drop(seen);
        builder.add(preparer.take());
        let mut snapshot = builder.finish(revision, problems);
        if !again.is_empty() {
            snapshot = snapshot.apply(Delta {
                revision,
                upserts: again,
                ..Delta::default()
            });
        }
        snapshot
    }

    /// What takes records apart, and what puts them together: on one thread or on two.
    pub fn builder(model: Arc<Model>) -> (Preparer, Builder) {
        let snapshot = Self::empty(Arc::clone(&model));
        let preparer = Preparer::new(model, Arc::clone(&snapshot.layout));
        (preparer, Builder::new(snapshot))
    }
}

/// Refs as they are met, whether of entities or only referred to.
#[derive(Debug, Default)]
struct Names {
    texts: String,
    /// Where each ends.
    ends: Vec<usize>,
    /// Each with its hash: most texts need not be fetched to see that they are others.
    table: HashTable<(u64, u32)>,
}

impl Names {
    fn text(&self, name: u32) -> &str {
        text_at(&self.texts, &self.ends, name as usize)
    }

    /// A name with this hash; it may be another one's.
    #[inline]
    fn candidate(&self, hash: u64) -> Option<u32> {
        let known = self.table.find(hash, |(own, _)| *own == hash);
        known.map(|(_, name)| *name)
    }

    fn intern(&mut self, hash: u64, text: &str) -> u32 {
        let Self { texts, ends, table } = self;
        let known = table.find(hash, |(own, name)| {
            *own == hash && text_at(texts, ends, *name as usize) == text
        });
        if let Some((_, name)) = known {
            return *name;
        }
        let name = ends.len() as u32;
        texts.push_str(text);
        ends.push(texts.len());
        table.insert_unique(hash, (hash, name), |(hash, _)| *hash);
        name
    }
}

fn text_at<'a>(texts: &'a str, ends: &[usize], at: usize) -> &'a str {
    let start = at.checked_sub(1).map_or(0, |before| ends[before]);
    texts.get(start..ends[at]).unwrap_or_default()
}

/// Puts a snapshot together out of what a [`Preparer`] made.
#[derive(Debug)]
pub struct Builder {
    snapshot: Snapshot,
    names: Names,
    /// By name: the entity's index.
    indexes: Vec<u32>,
    rows: RowFilling,
    blocks: Filling<u8>,
    dictionaries: Vec<Dictionary>,
    /// What each entity states, with names in place of indexes.
    stated: Filling<u32>,
    kinds: Vec<Vec<u32>>,
    previous: Vec<(u32, u32)>,
    /// Of the batch at hand: what its refs are called here.
    called: Vec<u32>,
}

impl Builder {
    fn new(snapshot: Snapshot) -> Self {
        Self {
            names: Names::default(),
            indexes: Vec::new(),
            rows: RowFilling::default(),
            blocks: Filling::default(),
            dictionaries: Vec::new(),
            stated: Filling::default(),
            kinds: vec![Vec::new(); snapshot.kinds.len()],
            previous: Vec::new(),
            called: Vec::new(),
            snapshot,
        }
    }

    /// Takes a batch; batches come in the order in which they were made.
    pub fn add(&mut self, mut batch: Batch) {
        self.dictionaries.append(&mut batch.dictionaries);
        self.call(&batch);
        let mut strays = std::mem::take(&mut batch.strays).into_iter().peekable();
        let parts = std::mem::take(&mut batch.parts);
        let (mut text, mut slots, mut blocks, mut names, mut words) = (0, 0, 0, 0, 0);
        for (number, part) in parts.into_iter().enumerate() {
            let called = &self.called[names..part.names];
            let own = called.first().map_or(0, |own| *own as usize);
            let ix = self.snapshot.n_indexes;
            // Refs are the store's key, so none comes twice.
            let is_new = self.indexes[own] == UNSEEN;
            if is_new {
                self.snapshot.n_indexes += 1;
                self.indexes[own] = ix;
                let last = self.kinds.len() - 1;
                self.kinds[usize::from(part.kind).min(last)].push(ix);
                let row = batch.text.get(text..part.text).unwrap_or_default();
                self.rows
                    .push(part.kind, row, &batch.slots[slots..part.slots]);
                self.blocks.push(&batch.blocks[blocks..part.blocks]);
                let stated = &mut batch.words[words..part.words];
                each_index(stated, |number| *number = called[*number as usize]);
                self.stated.push(stated);
            }
            while let Some((_, at, found)) = strays.next_if(|(of, ..)| *of == number) {
                if is_new {
                    self.snapshot.add_stray(ix, at, &found);
                }
            }
            (text, slots, blocks) = (part.text, part.slots, part.blocks);
            (names, words) = (part.names, part.words);
            if is_new {
                self.place(ix, part.place);
            }
        }
    }

    /// Finds or makes the names of all refs of a batch.
    ///
    /// First they are looked for by their hashes alone: that waits for memory, and nothing in it for what came before, so that the processor waits for many at once.
    fn call(&mut self, batch: &Batch) {
        let Self { names, called, .. } = self;
        called.clear();
        let hashes = batch.name_ends.iter().map(|(hash, _)| *hash);
        called.extend(hashes.map(|hash| names.candidate(hash).unwrap_or(UNSEEN)));
        for (at, called) in called.iter_mut().enumerate() {
            let text = text_of(&batch.names, &batch.name_ends, at);
            if *called == UNSEEN || names.text(*called) != text {
                *called = names.intern(batch.name_ends[at].0, text);
            }
        }
        self.indexes.resize(self.names.ends.len(), UNSEEN);
    }

    fn place(&mut self, ix: u32, place: Place) {
        for previous in place.rest.iter().flat_map(|rest| &rest.previous_refs) {
            self.previous
                .push((self.snapshot.hash(previous.as_str()), ix));
        }
        self.snapshot.places.set(ix as usize, Some(place));
    }

    /// The snapshot of all that was added.
    pub fn finish(self, revision: u64, problems: Vec<ProblemRecord>) -> Snapshot {
        let Self {
            mut snapshot,
            mut rows,
            blocks,
            dictionaries,
            names,
            mut indexes,
            stated,
            kinds,
            mut previous,
            ..
        } = self;
        snapshot.revision = revision;
        snapshot.problems = Problems::build(problems);
        snapshot.descriptors = Descriptors::new(blocks.done(), dictionaries);
        snapshot.alive = Arc::new(ascending(0..snapshot.n_indexes));
        let kinds = kinds.into_iter().map(|kind| Arc::new(ascending(kind)));
        snapshot.kinds = kinds.collect();
        for (name, ix) in indexes.iter_mut().enumerate() {
            if *ix == UNSEEN {
                *ix = snapshot.n_indexes;
                snapshot.n_indexes += 1;
                let text = names.text(name as u32);
                rows.push(ABSENT, text, &[text.len() as u32]);
            }
        }
        drop(names);
        snapshot.rows = rows.done();
        let mut stated = stated.done();
        stated.each_mut(|words| {
            each_index(words, |name| *name = indexes[*name as usize]);
        });
        drop(indexes);
        previous.sort_unstable();
        snapshot.by_previous = Tree::from_sorted(previous);
        snapshot.fill(stated);
        snapshot
    }
}

/// The set of what comes in ascending order.
fn ascending(members: impl IntoIterator<Item = u32>) -> RoaringBitmap {
    RoaringBitmap::from_sorted_iter(members).unwrap_or_default()
}

impl Place {
    pub(super) fn new(record: Record, file: Arc<SourceFile>) -> Self {
        let plain = record.origin.url.is_none()
            && record.origin.claims.is_empty()
            && record.previous_refs.is_empty();
        let rest = (!plain).then(|| {
            Arc::new(PlaceRest {
                url: record.origin.url,
                claims: record.origin.claims,
                previous_refs: record.previous_refs.into(),
            })
        });
        Self {
            file,
            line: record.origin.line,
            revision: record.origin.revision,
            rest,
        }
    }
}

impl Snapshot {
    /// Makes the indexes out of rows and what is stated.
    ///
    /// Most need nothing of each other: a second thread takes its share of them, and is gone at the end.
    fn fill(&mut self, stated: Slabs<u32>) {
        let next = AtomicUsize::new(0);
        let columns = || {
            let mut filled = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                match self.columns.get(at) {
                    Some(Some(index)) => filled.push((at, self.filled_column(index, at))),
                    Some(None) => {}
                    None => return filled,
                }
            }
        };
        let (by_ref, ids, refs, edges, columns) = std::thread::scope(|scope| {
            let beside = scope.spawn(|| {
                let ids = filled(&self.ids, self.texts(), &self.alive);
                (self.hashed_refs(), ids, columns())
            });
            let (refs, ranks) = self.ranked();
            let edges = Edges::filled(&self.model, stated, &ranks);
            drop(ranks);
            let mut own = columns();
            match beside.join() {
                Ok((by_ref, ids, more)) => {
                    own.extend(more);
                    (by_ref, ids, refs, edges, own)
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        (self.by_ref, self.ids, self.refs, self.edges) = (by_ref, ids, refs, edges);
        for (at, index) in columns {
            self.columns[at] = Some(index);
        }
    }

    fn hashed_refs(&self) -> Tree<(u32, u32)> {
        let mut hashes: Vec<(u32, u32)> = (0..self.n_indexes)
            .map(|ix| (self.hash(self.entity_ref(Ix(ix))), ix))
            .collect();
        hashes.sort_unstable();
        Tree::from_sorted(hashes)
    }

    /// All refs in order, and the places of all indexes in the orders that edges need.
    fn ranked(&self) -> (ValueIndex, Ranks) {
        let everything = ascending(0..self.n_indexes);
        let refs = filled(&self.refs, self.texts(), &everything);
        let mut by_ref = vec![0; self.n_indexes as usize];
        let members = refs.values().flat_map(|entry| entry.within(&everything));
        for (at, ix) in (0..).zip(members) {
            by_ref[ix as usize] = at;
        }
        let mut by_name = vec![0; self.n_indexes as usize];
        let name = |ix| name_in(self.entity_ref(Ix(ix)));
        let names = (0..self.n_indexes).map(|ix| (ix, name(ix)));
        let (mut next, mut same) = (0, Vec::new());
        sorted_groups(Sort::Raw, names, name, |members| {
            same.clear();
            same.extend_from_slice(members);
            same.sort_unstable_by_key(|ix| by_ref[*ix as usize]);
            for ix in &same {
                by_name[*ix as usize] = next;
                next += 1;
            }
        });
        (refs, Ranks { by_ref, by_name })
    }

    fn filled_column(&self, index: &ValueIndex, at: usize) -> ValueIndex {
        if index.list {
            self.filled_list(index, ColumnId(at as u16))
        } else {
            filled(index, self.texts(), &self.alive)
        }
    }

    fn filled_list(&self, index: &ValueIndex, column: ColumnId) -> ValueIndex {
        let mut groups = ListGroups::default();
        let mut present = Vec::new();
        for ix in self.alive.iter() {
            let items = list_items(self.texts().stored(Source::Column(column), ix));
            if !items.is_empty() {
                present.push(ix);
            }
            for item in items {
                groups.add(index.sort, ix, &item);
            }
        }
        let mut filled = ValueIndex::new(index.source, index.sort, true);
        let entries = groups.entries(&filled);
        filled.fill(entries, ascending(present));
        filled
    }
}

/// `index` with what all of `among` have.
fn filled(index: &ValueIndex, texts: Texts<'_>, among: &RoaringBitmap) -> ValueIndex {
    let stored = |ix| texts.stored(index.source, ix);
    let mut present = Vec::new();
    let mut entries = Vec::new();
    let items = among.iter().map(|ix| (ix, stored(ix)));
    let items = items
        .filter(|(_, text)| !text.is_empty())
        .inspect(|(ix, _)| present.push(*ix));
    sorted_groups(index.sort, items, stored, |members| {
        let written = || members.first().map_or("", |first| stored(*first));
        entries.push(index.entry(written, members));
    });
    let mut filled = ValueIndex::new(index.source, index.sort, false);
    filled.fill(entries, ascending(present));
    filled
}
