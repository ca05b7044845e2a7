//! Writing: bundles into the index, commits, and what is there from the last run.
//!
//! A commit is whole or not there, so a killed process leaves the state before it; what the index lacks is found by comparing versions, and made again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tantivy::columnar::ColumnValues;
use tantivy::index::SegmentId;
use tantivy::indexer::IndexWriterOptions;
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, SegmentReader, TantivyDocument, Term,
};

use super::document::{Bundle, Document, Group};
use super::evaluate::GONE;
use super::fields::{FORMAT, Fields, MOST_WEIGHTS, NOTHING, Whole, hash, mix_with};
use super::folder::Folder;
use super::way::{Entered, Way};
use super::words::{self, together};
use super::{Reading, Search, SearchError};

/// Memory of a thread that makes an index of few documents, and of each of two that make one of many.
const SMALL: usize = 16 * 1024 * 1024;
const LARGE: usize = 24 * 1024 * 1024;
/// From so many documents on two threads work.
const MANY: usize = 20_000;
/// Documents of a version that is not served any more, but are there until they are replaced.
const STALE: u64 = u64::MAX;

/// What is written down with each commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Label {
    format: u32,
    /// Of the rules by which documents were made.
    pub(super) signature: String,
    /// The last change of the catalog that is in it; 0 while it is being made.
    pub(super) revision: u64,
    /// By field for texts, heaviest first.
    pub(super) weights: Vec<f32>,
}

/// What the index has of an entity.
#[derive(Clone, Copy, Debug)]
struct Held {
    slot: u32,
    /// By group; 0 is nothing, `STALE` is of no version.
    versions: [u64; Group::ALL.len()],
}

/// The one that writes.
pub struct Writing {
    search: Search,
    index: Index,
    reader: IndexReader,
    writer: Option<IndexWriter<Entered>>,
    way: Way,
    /// What the documents of now are made by.
    label: Label,
    /// By the hash of the entity's id.
    held: HashMap<u64, Held>,
    /// By slot: where the entity is in the snapshot, and which one it is.
    entities: Vec<u32>,
    keys: Vec<u64>,
    /// Bundles that have nothing in them.
    nothing: HashSet<u64>,
    /// Which snapshots `entities` is about.
    lineage: u64,
    changed: bool,
    n_expected: usize,
}

impl Writing {
    /// Opens the index of `search`, and makes a new one if there is none that can be used.
    ///
    /// Documents made by other rules than `signature` names are served until they are replaced.
    pub fn open(search: &Search, signature: &str, weights: &[f32]) -> Result<Self, SearchError> {
        let weights = distinct(weights);
        let wanted = Label {
            format: FORMAT,
            signature: signature.to_owned(),
            revision: 0,
            weights,
        };
        let folder = search.folder()?;
        let (index, label) = match existing(folder) {
            Ok(Some(known)) => known,
            Ok(None) => (create(folder)?, None),
            Err(error) => {
                tracing::warn!(%error, "the search index cannot be used, and is made anew: {error}");
                (create(folder)?, None)
            }
        };
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let mut writing = Self {
            search: search.clone(),
            index,
            reader,
            writer: None,
            way: Way::new(),
            label: label.clone().unwrap_or_else(|| wanted.clone()),
            held: HashMap::new(),
            entities: Vec::new(),
            keys: Vec::new(),
            nothing: HashSet::new(),
            lineage: 0,
            changed: false,
            n_expected: 0,
        };
        writing.read_held()?;
        writing.publish();
        let current = label.as_ref().is_some_and(|label| {
            label.signature == wanted.signature && label.weights == wanted.weights
        });
        if !current {
            // Nothing that is there counts as made.
            for held in writing.held.values_mut() {
                let there = held.versions.iter_mut().filter(|version| **version != 0);
                there.for_each(|version| *version = STALE);
            }
            writing.changed = true;
        }
        writing.label = Label {
            revision: writing.label.revision,
            ..wanted
        };
        Ok(writing)
    }

    /// The last change of the catalog that is in the index.
    pub fn revision(&self) -> u64 {
        self.label.revision
    }

    /// How much is to come, for choosing how to work.
    pub fn expect(&mut self, documents: usize) {
        self.n_expected = documents;
    }

    /// From now on entities are placed in other snapshots.
    pub fn begin_lineage(&mut self, lineage: u64) {
        self.lineage = lineage;
        self.entities.fill(GONE);
        self.changed = true;
    }

    /// Whether the documents of an entity are there in this version.
    pub fn holds(&self, entity: &str, group: Group, version: u64) -> bool {
        let held = self.held.get(&hash(entity));
        held.is_some_and(|held| held.versions[group.number() as usize] == version)
    }

    /// Whether there are documents of an entity, in whatever version.
    pub fn has(&self, entity: &str, group: Group) -> bool {
        let held = self.held.get(&hash(entity));
        held.is_some_and(|held| held.versions[group.number() as usize] != 0)
    }

    /// Says where an entity is in the snapshots.
    pub fn place(&mut self, entity: &str, at: u32) {
        let slot = self.slot(entity) as usize;
        if self.entities[slot] != at {
            self.entities[slot] = at;
            self.changed = true;
        }
    }

    fn slot(&mut self, entity: &str) -> u32 {
        let key = hash(entity);
        let next = u32::try_from(self.keys.len()).unwrap_or(GONE);
        let held = self.held.entry(key).or_insert(Held {
            slot: next,
            versions: [0; Group::ALL.len()],
        });
        if held.slot == next {
            self.keys.push(key);
            self.entities.push(GONE);
        }
        held.slot
    }

    /// Replaces what there is of a bundle; its entity was placed before.
    ///
    /// That there is nothing in this version is remembered as well; version 0 is of nothing that anybody looks at again.
    pub fn put(&mut self, bundle: &Bundle) -> Result<(), SearchError> {
        let slot = self.slot(&bundle.entity);
        let key = hash(&bundle.entity);
        let own = mix_with(key, bundle.group.number());
        self.start_writer()?;
        let fields = &self.search.0.fields;
        let Some(writer) = &self.writer else {
            return Ok(());
        };
        if self.has(&bundle.entity, bundle.group) {
            writer.delete_term(Term::from_field_u64(fields.bundle, own));
        }
        for document in &bundle.documents {
            let mut made = self.document(document);
            made.add_u64(fields.bundle, own);
            made.add_u64(fields.version, bundle.version);
            made.add_u64(fields.group, bundle.group.number());
            made.add_u64(fields.slot, u64::from(slot));
            writer.add_document(self.way.enter(made))?;
        }
        self.nothing.remove(&own);
        if bundle.documents.is_empty() && bundle.version != 0 {
            self.nothing.insert(own);
            let mut nothing = TantivyDocument::default();
            nothing.add_u64(fields.key, key);
            nothing.add_u64(fields.bundle, own);
            nothing.add_u64(fields.version, bundle.version);
            nothing.add_u64(fields.group, bundle.group.number());
            nothing.add_u64(fields.slot, NOTHING);
            writer.add_document(self.way.enter(nothing))?;
        }
        if let Some(held) = self.held.get_mut(&key) {
            held.versions[bundle.group.number() as usize] = bundle.version;
        }
        self.changed = true;
        Ok(())
    }

    fn document(&self, document: &Document) -> TantivyDocument {
        let fields = &self.search.0.fields;
        let mut made = TantivyDocument::default();
        made.add_u64(fields.key, hash(&document.id));
        made.add_u64(
            fields.rank,
            (document.rank.clamp(0.001, 10.0) * 1000.0) as u64,
        );
        let wholes = [
            (Whole::Name, Some(&document.name)),
            (Whole::Title, document.title.as_ref()),
        ];
        for (whole, text) in wholes {
            let all = text.map(|text| together(text)).unwrap_or_default();
            if !all.is_empty() {
                made.add_text(fields.exact, whole.term(&all));
            }
        }
        for text in &document.texts {
            let field = fields.texts[field_of(&self.label.weights, text.weight)];
            made.add_text(field, words::start(&text.text, words::MOST));
        }
        if let Some(node) = &document.node {
            let shown = Stored {
                node: node.clone(),
                texts: document
                    .texts
                    .iter()
                    .map(|text| (text.field.to_string(), text.text.clone()))
                    .collect(),
                label: document
                    .title
                    .as_ref()
                    .unwrap_or(&document.name)
                    .to_string(),
            };
            made.add_bytes(fields.node, &shown.to_bytes());
        }
        made
    }

    /// Takes an entity out, with all that belongs to it.
    pub fn remove(&mut self, entity: &str) -> Result<(), SearchError> {
        self.remove_key(hash(entity))
    }

    /// Takes out every entity that was not placed in snapshots of this lineage.
    pub fn remove_others(&mut self) -> Result<u64, SearchError> {
        let gone: Vec<u64> = self
            .held
            .iter()
            .filter(|(_, held)| self.entities.get(held.slot as usize).copied() == Some(GONE))
            .map(|(key, _)| *key)
            .collect();
        let count = gone.len() as u64;
        for key in gone {
            self.remove_key(key)?;
        }
        Ok(count)
    }

    fn remove_key(&mut self, key: u64) -> Result<(), SearchError> {
        let Some(held) = self.held.remove(&key) else {
            return Ok(());
        };
        self.entities[held.slot as usize] = GONE;
        self.start_writer()?;
        if let Some(writer) = &self.writer {
            for group in Group::ALL {
                let own = mix_with(key, group.number());
                writer.delete_term(Term::from_field_u64(self.search.0.fields.bundle, own));
                self.nothing.remove(&own);
            }
        }
        self.changed = true;
        Ok(())
    }

    /// Makes what was written searchable, and durable. `revision`: all changes up to this one are in it.
    pub fn commit(&mut self, revision: Option<u64>) -> Result<(), SearchError> {
        let revision = revision.unwrap_or(self.label.revision);
        if !self.changed && revision == self.label.revision {
            return Ok(());
        }
        self.label.revision = revision;
        self.start_writer()?;
        if let Some(writer) = &mut self.writer {
            let mut prepared = writer.prepare_commit()?;
            let label = serde_json::to_string(&self.label).map_err(SearchError::Label)?;
            prepared.set_payload(&label);
            prepared.commit()?;
        }
        self.reader.reload()?;
        self.changed = false;
        self.publish();
        Ok(())
    }

    /// Puts segments together while there is nothing else to do: the fewer there are, the less a query has to look at.
    pub fn settle(&mut self) -> Result<(), SearchError> {
        if let Some(writer) = self.writer.take() {
            writer.wait_merging_threads()?;
        }
        self.reader.reload()?;
        let scattered = scattered(self.reader.searcher().segment_readers());
        if !scattered.is_empty() {
            self.start_writer()?;
            if let Some(mut writer) = self.writer.take() {
                writer.merge(&scattered).wait()?;
                writer.wait_merging_threads()?;
            }
            self.reader.reload()?;
        }
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        self.search.0.current.store(Some(Arc::new(Reading {
            searcher: self.reader.searcher(),
            weights: self.label.weights.clone(),
            lineage: self.lineage,
            entities: self.entities.clone().into(),
            keys: self.keys.clone().into(),
            n_nothing: self.nothing.len() as u64,
            others: parking_lot::Mutex::default(),
        })));
    }

    fn start_writer(&mut self) -> Result<(), SearchError> {
        if self.writer.is_some() {
            return Ok(());
        }
        let (threads, memory) = match self.n_expected {
            0..MANY => (1, SMALL),
            _ => (2, LARGE),
        };
        let options = IndexWriterOptions::builder()
            .num_worker_threads(threads)
            .memory_budget_per_thread(memory)
            .num_merge_threads(1)
            .build();
        self.writer = Some(self.index.writer_with_options(options)?);
        Ok(())
    }

    /// Reads what the last run left.
    fn read_held(&mut self) -> Result<(), SearchError> {
        let mut by_slot: HashMap<u64, (u64, [u64; Group::ALL.len()])> = HashMap::new();
        let mut nothing: Vec<(u64, usize, u64)> = Vec::new();
        for segment in self.reader.searcher().segment_readers() {
            let (keys, slots) = (column(segment, "key")?, column(segment, "slot")?);
            let (versions, groups) = (column(segment, "version")?, column(segment, "group")?);
            for doc in segment.doc_ids_alive() {
                let (slot, group) = (slots.get_val(doc), groups.get_val(doc));
                if slot == NOTHING {
                    nothing.push((keys.get_val(doc), group as usize, versions.get_val(doc)));
                    continue;
                }
                let entry = by_slot.entry(slot).or_default();
                if let Some(version) = entry.1.get_mut(group as usize) {
                    *version = versions.get_val(doc);
                }
                if group == Group::Entities.number() {
                    entry.0 = keys.get_val(doc);
                }
            }
        }
        for (slot, (key, versions)) in by_slot {
            let Ok(at) = usize::try_from(slot) else {
                continue;
            };
            if self.keys.len() <= at {
                self.keys.resize(at + 1, 0);
                self.entities.resize(at + 1, GONE);
            }
            if let (Some(own), Ok(slot)) = (self.keys.get_mut(at), u32::try_from(slot))
                && key != 0
            {
                *own = key;
                self.held.insert(key, Held { slot, versions });
            }
        }
        for (key, group, version) in nothing {
            let held = self.held.get_mut(&key);
            if let Some(own) = held.and_then(|held| held.versions.get_mut(group)) {
                *own = version;
                self.nothing.insert(mix_with(key, group as u64));
            }
        }
        Ok(())
    }
}

/// The segments that are better one; none if they are well as they are.
///
/// Small ones are put together first, and a large one is written again only once the others have a quarter as much, or a fifth of it is gone: so what a change costs does not grow with the index.
fn scattered(segments: &[SegmentReader]) -> Vec<SegmentId> {
    let mut segments: Vec<&SegmentReader> = segments.iter().collect();
    segments.sort_by_key(|segment| segment.num_docs());
    let (mut count, mut smaller) = (0, 0_u64);
    for (at, segment) in segments.iter().enumerate() {
        let (there, gone) = (segment.num_docs(), segment.num_deleted_docs());
        if u64::from(there) <= 4 * smaller || u64::from(gone) * 4 > u64::from(there) {
            count = at + 1;
        }
        smaller += u64::from(there);
    }
    let scattered = segments.iter().take(count);
    scattered.map(|segment| segment.segment_id()).collect()
}

/// What is kept of a document that is no entity, to be shown.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) node: serde_json::Value,
    pub(super) texts: Vec<(String, String)>,
    pub(super) label: String,
}

impl Stored {
    fn to_bytes(&self) -> Vec<u8> {
        // Strings and plain JSON cannot fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

pub(super) fn column(
    segment: &SegmentReader,
    name: &str,
) -> tantivy::Result<Arc<dyn ColumnValues<u64>>> {
    segment.fast_fields().column_first_or_default(name)
}

/// The index that is there, unless it is damaged or of another format.
fn existing(folder: &Folder) -> Result<Option<(Index, Option<Label>)>, SearchError> {
    let path = folder.index();
    if !path.join("meta.json").exists() {
        return Ok(None);
    }
    let mut index = Index::open_in_dir(&path)?;
    let label = index.load_metas()?.payload;
    let label: Option<Label> = label.and_then(|label| serde_json::from_str(&label).ok());
    if label.as_ref().is_some_and(|label| label.format != FORMAT)
        || index.schema() != Fields::new().schema
    {
        tracing::info!("the search index is of another version of this program, and is made anew");
        return Ok(None);
    }
    let damaged = index.validate_checksum()?;
    if let Some(file) = damaged.iter().next() {
        return Err(SearchError::Damaged {
            file: file.display().to_string(),
        });
    }
    let segments = index.searchable_segment_metas()?;
    let used = segments.iter().map(|segment| segment.id().uuid_string());
    let used = used.collect();
    if let Err(error) = folder.sweep(&used) {
        tracing::warn!(%error, "what is left of an earlier search index cannot be removed: {error}");
    }
    index.set_tokenizers(Fields::tokenizers());
    Ok(Some((index, label)))
}

fn create(folder: &Folder) -> Result<Index, SearchError> {
    folder.clear().map_err(|source| SearchError::Folder {
        folder: folder.index().display().to_string(),
        source,
    })?;
    let mut index = Index::create_in_dir(folder.index(), Fields::new().schema)?;
    index.set_tokenizers(Fields::tokenizers());
    Ok(index)
}

/// Weights, heaviest first, each once; the lightest ones share the last field where there are too many.
fn distinct(weights: &[f32]) -> Vec<f32> {
    let mut weights: Vec<f32> = weights
        .iter()
        .copied()
        .filter(|weight| weight.is_finite() && *weight > 0.0)
        .collect();
    weights.sort_by(|one, other| other.total_cmp(one));
    weights.dedup();
    weights.truncate(MOST_WEIGHTS);
    if weights.is_empty() {
        weights.push(1.0);
    }
    weights
}

/// The field for texts of this weight.
fn field_of(weights: &[f32], weight: f32) -> usize {
    let own = weights.iter().position(|known| *known <= weight);
    own.unwrap_or(weights.len().saturating_sub(1))
}
