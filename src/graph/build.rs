//! A whole catalog at once: rows are appended, values sorted, edges counted and laid out.
//!
//! Entities get their indexes in the order in which they come, what is only referred to after them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use roaring::RoaringBitmap;

use super::bulk::sorted_groups;
use super::descriptors::Samples;
use super::edges::{Triple, pack};
use super::extract::extract;
use super::index::{ListGroups, Source, ValueIndex};
use super::layout::{ABSENT, ID_SLOT, Layout, REF_SLOT, kind_code};
use super::paths::PathIndex;
use super::problems::Problems;
use super::rows::NewRow;
use super::spine::Slabs;
use super::tree::Tree;
use super::value::{Sort, list_items};
use super::{Delta, Ix, Place, PlaceRest, ProblemRecord, Record, Snapshot, SourceFile};
use crate::catalog::EntityRef;
use crate::sdl::{ColumnId, Model};

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
        let mut builder = Builder::new(Self::empty(model));
        for record in records {
            builder.add(record);
        }
        let (mut snapshot, again) = builder.finish();
        snapshot.problems = Problems::build(problems);
        if !again.is_empty() {
            snapshot = snapshot.apply(Delta {
                revision,
                upserts: again,
                ..Delta::default()
            });
        }
        snapshot.revision = revision;
        snapshot
    }
}

/// Refs as they are met, whether of entities or only referred to.
#[derive(Debug, Default)]
struct Names {
    texts: String,
    ends: Vec<usize>,
    table: HashTable<u32>,
}

impl Names {
    fn text(&self, name: u32) -> &str {
        let name = name as usize;
        let start = if name == 0 { 0 } else { self.ends[name - 1] };
        self.texts.get(start..self.ends[name]).unwrap_or_default()
    }

    fn intern(&mut self, hasher: &RandomState, text: &str) -> u32 {
        let hash = hasher.hash_one(text);
        let known = self.table.find(hash, |name| self.text(*name) == text);
        if let Some(name) = known {
            return *name;
        }
        let name = self.ends.len() as u32;
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
        let Self { texts, ends, table } = self;
        let of = |name: &u32| {
            let name = *name as usize;
            let start = if name == 0 { 0 } else { ends[name - 1] };
            hasher.hash_one(texts.get(start..ends[name]).unwrap_or_default())
        };
        table.insert_unique(hash, name, of);
        name
    }
}

struct Builder {
    snapshot: Snapshot,
    row: NewRow,
    samples: Samples,
    names: Names,
    /// By name: the entity's index.
    indexes: Vec<u32>,
    /// What each entity states, with names in place of indexes.
    stated: Slabs<u32>,
    triples: Vec<Triple>,
    words: Vec<u32>,
    files: HashMap<SourceFile, Arc<SourceFile>>,
    kinds: Vec<RoaringBitmap>,
    previous: Vec<(u32, u32)>,
    again: Vec<Record>,
}

impl Builder {
    fn new(snapshot: Snapshot) -> Self {
        Self {
            row: NewRow::default(),
            samples: Samples::default(),
            names: Names::default(),
            indexes: Vec::new(),
            stated: Slabs::default(),
            triples: Vec::new(),
            words: Vec::new(),
            files: HashMap::new(),
            kinds: vec![RoaringBitmap::new(); snapshot.kinds.len()],
            previous: Vec::new(),
            again: Vec::new(),
            snapshot,
        }
    }

    fn name(&mut self, entity_ref: &EntityRef) -> u32 {
        let name = self
            .names
            .intern(&self.snapshot.hasher, entity_ref.as_str());
        if self.indexes.len() <= name as usize {
            self.indexes.push(UNSEEN);
        }
        name
    }

    fn add(&mut self, record: Record) {
        let name = self.name(&record.entity_ref);
        if self.indexes[name as usize] != UNSEEN {
            self.again.push(record);
            return;
        }
        let ix = self.snapshot.n_indexes;
        self.snapshot.n_indexes += 1;
        self.indexes[name as usize] = ix;
        let kind = kind_code(record.kind);
        let at = usize::from(kind).min(self.kinds.len() - 1);
        self.kinds[at].insert(ix);
        let snapshot = &mut self.snapshot;
        extract(&snapshot.model, &snapshot.layout, &record, &mut self.row);
        snapshot.rows.append(ix, &self.row);
        snapshot
            .descriptors
            .append(ix, kind, &record.descriptor, &mut self.samples);
        snapshot.add_strays(ix, kind, &record.descriptor);
        self.state(name, ix, &record);
        self.place(ix, record);
    }

    fn state(&mut self, own: u32, ix: u32, record: &Record) {
        self.triples.clear();
        for relation in &record.relations {
            let triple = (
                self.name(&relation.source),
                relation.relation.0,
                self.name(&relation.target),
            );
            self.triples.push(triple);
        }
        self.triples.sort_unstable();
        self.triples.dedup();
        pack(&self.snapshot.model, own, &self.triples, &mut self.words);
        self.stated.append(ix as usize, &self.words);
    }

    fn place(&mut self, ix: u32, record: Record) {
        let key = (record.origin.source.clone(), record.origin.file.clone());
        let file = self
            .files
            .entry(key)
            .or_insert_with_key(|key| Arc::new(key.clone()));
        let file = Arc::clone(file);
        for previous in &record.previous_refs {
            self.previous
                .push((self.snapshot.hash(previous.as_str()), ix));
        }
        let place = Place::new(record, file);
        self.snapshot.places.set(ix as usize, Some(place));
    }

    fn finish(self) -> (Snapshot, Vec<Record>) {
        let Self {
            mut snapshot,
            mut row,
            samples,
            names,
            mut indexes,
            stated,
            kinds,
            mut previous,
            again,
            files,
            ..
        } = self;
        drop(files);
        snapshot.descriptors.settle(samples);
        snapshot.alive = Arc::new((0..snapshot.n_indexes).collect());
        snapshot.kinds = kinds.into_iter().map(Arc::new).collect();
        for (name, ix) in indexes.iter_mut().enumerate() {
            if *ix == UNSEEN {
                *ix = snapshot.n_indexes;
                snapshot.n_indexes += 1;
                row.start(ABSENT, names.text(name as u32));
                snapshot.rows.append(*ix, &row);
            }
        }
        drop(names);
        let stated = renamed(stated, snapshot.alive.len() as u32, &indexes);
        drop(indexes);
        previous.sort_unstable();
        snapshot.by_previous = Tree::from_sorted(previous);
        let rank = snapshot.fill_refs();
        let n = snapshot.n_indexes;
        snapshot.edges.fill(&snapshot.model, stated, n, &rank);
        drop(rank);
        snapshot.fill_columns();
        (snapshot, again)
    }
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

/// Puts indexes in place of names.
fn renamed(stated: Slabs<u32>, n: u32, indexes: &[u32]) -> Slabs<u32> {
    let mut done = Slabs::default();
    let mut words = Vec::new();
    for ix in 0..n {
        words.clear();
        words.extend_from_slice(stated.get(ix as usize));
        super::edges::each_index(&mut words, |name| *name = indexes[*name as usize]);
        done.append(ix as usize, &words);
    }
    drop(stated);
    done.shrink();
    done
}

impl Snapshot {
    /// The place of each index in the order of refs.
    fn fill_refs(&mut self) -> Vec<u32> {
        let mut hashes: Vec<(u32, u32)> = (0..self.n_indexes)
            .map(|ix| (self.hash(self.entity_ref(Ix(ix))), ix))
            .collect();
        hashes.sort_unstable();
        self.by_ref = Tree::from_sorted(hashes);
        let everything: RoaringBitmap = (0..self.n_indexes).collect();
        let refs = self.filled(&self.refs, &everything);
        let mut rank = vec![0; self.n_indexes as usize];
        let mut at = 0;
        for entry in refs.values() {
            for ix in entry.within(&everything) {
                rank[ix as usize] = at;
                at += 1;
            }
        }
        self.refs = refs;
        self.ids = self.filled(&self.ids, &self.alive);
        rank
    }

    fn fill_columns(&mut self) {
        for at in 0..self.columns.len() {
            let Some(index) = &self.columns[at] else {
                continue;
            };
            let index = if index.list {
                self.filled_list(index, ColumnId(at as u16))
            } else {
                self.filled(index, &self.alive)
            };
            self.columns[at] = Some(index);
        }
    }

    fn filled(&self, index: &ValueIndex, among: &RoaringBitmap) -> ValueIndex {
        let texts = self.texts();
        let stored = |ix| texts.stored(index.source, ix);
        let mut present = Vec::new();
        let mut entries = Vec::new();
        let items = among.iter().map(|ix| (ix, stored(ix)));
        let items = items
            .filter(|(_, text)| !text.is_empty())
            .inspect(|(ix, _)| present.push(*ix));
        sorted_groups(index.sort, items, stored, |members| {
            let written = members.first().map_or("", |first| stored(*first));
            entries.push(index.entry(written, members));
        });
        let mut filled = ValueIndex::new(index.source, index.sort, false);
        filled.fill(entries, present.into_iter().collect());
        filled
    }

    fn filled_list(&self, index: &ValueIndex, column: ColumnId) -> ValueIndex {
        let mut groups = ListGroups::default();
        let mut present = RoaringBitmap::new();
        for ix in self.alive.iter() {
            for item in list_items(self.texts().stored(Source::Column(column), ix)) {
                groups.add(index.sort, ix, &item);
                present.insert(ix);
            }
        }
        let mut filled = ValueIndex::new(index.source, index.sort, true);
        let entries = groups.entries(&filled);
        filled.fill(entries, present);
        filled
    }
}
