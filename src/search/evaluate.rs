//! Documents for a compiled query: condition by condition over arrays with a place for each document.
//!
//! Why not the library's own scorers: what a document counts is the best of many ways per word, times what the document itself counts, and totals must be exact, so nothing can be skipped; plain arrays do that faster, and add up in the same order whatever the segments are.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use roaring::RoaringBitmap;
use tantivy::columnar::ColumnValues;
use tantivy::query::{EnableScoring, PhraseQuery, Query as _};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet, Searcher, SegmentReader, TERMINATED, Term};

use super::compile::{Compiled, Way};
use super::document::Group;
use super::fields::{Fields, Whole};

/// What an exact name, and an exact title, counts above everything else.
const NAMED: f32 = 200.0;
const TITLED: f32 = 100.0;
/// Words of a text of middle length, by whether it is a name.
const LENGTHS: (f32, f32) = (4.0, 25.0);
/// Bits of a score that do not count: sums may differ in them.
const NOISE: u32 = 0x3ff;
/// A document that must not be found.
const OUT: u8 = u8::MAX;
/// There is no such entity any more.
pub(super) const GONE: u32 = u32::MAX;

/// Where a document stands in an answer: by score, then by what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standing {
    pub(super) score: f32,
    pub(super) key: u64,
}

impl Eq for Standing {}

impl Ord for Standing {
    /// The smaller stands before.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(self.key.cmp(&other.key))
    }
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A document that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) standing: Standing,
    pub(super) at: DocAddress,
    pub(super) entity: u32,
    pub(super) group: Option<Group>,
}

/// What is wanted of the documents.
pub(super) struct Terms<'a> {
    pub(super) searcher: &'a Searcher,
    pub(super) fields: &'a Fields,
    pub(super) compiled: &'a Compiled,
    /// By number, as the compiled query names them.
    pub(super) sets: &'a [RoaringBitmap],
    /// The index of each entity in the snapshot, by its number in the index.
    pub(super) entities: &'a [u32],
    /// Only documents of these.
    pub(super) allowed: Option<&'a RoaringBitmap>,
    pub(super) groups: &'a [Group],
    /// How many conditions must hold, of those that should.
    pub(super) need: usize,
    pub(super) after: Option<Standing>,
    pub(super) most: usize,
    /// Whether anybody asks which entities they belong to.
    pub(super) wants_entities: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) hits: Vec<Hit>,
    pub(super) total: u64,
    /// Whether the same is found in other groups.
    pub(super) elsewhere: bool,
    pub(super) entities: RoaringBitmap,
}

/// Room to work in, used again.
#[derive(Debug, Default)]
pub(super) struct Room {
    level: Vec<u8>,
    total: Vec<f32>,
    best: Vec<f32>,
}

impl Terms<'_> {
    pub(super) fn run(&self, room: &mut Room) -> tantivy::Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut heap = BinaryHeap::new();
        let mut seen = Vec::new();
        for (number, segment) in (0..).zip(self.searcher.segment_readers()) {
            let mut run = Run {
                terms: self,
                segment,
                number,
                heap: &mut heap,
                total: 0,
                elsewhere: false,
                seen: &mut seen,
            };
            run.segment(room)?;
            outcome.total += run.total;
            outcome.elsewhere |= run.elsewhere;
        }
        outcome.hits = heap.into_sorted_vec();
        outcome.entities = RoaringBitmap::from_sorted_iter(bits(&seen)).unwrap_or_default();
        Ok(outcome)
    }
}

/// The numbers of the bits that are set.
fn bits(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    (0_u32..).zip(words).flat_map(|(at, word)| {
        let word = *word;
        (0..64)
            .filter(move |bit| word >> bit & 1 == 1)
            .map(move |bit| at * 64 + bit)
    })
}

struct Run<'r, 'a> {
    terms: &'r Terms<'a>,
    segment: &'r SegmentReader,
    number: u32,
    /// The best so far, the worst of them on top.
    heap: &'r mut BinaryHeap<Hit>,
    total: u64,
    elsewhere: bool,
    /// Entities of what was found, a bit each.
    seen: &'r mut Vec<u64>,
}

impl Run<'_, '_> {
    fn segment(&mut self, room: &mut Room) -> tantivy::Result<()> {
        let n_docs = self.segment.max_doc() as usize;
        if room.level.len() < n_docs {
            room.level.resize(n_docs, 0);
            room.total.resize(n_docs, 0.0);
            room.best.resize(n_docs, 0.0);
        }
        let compiled = self.terms.compiled;
        let mut touched = Vec::new();
        for ways in &compiled.not {
            for way in ways {
                self.visit(way, &mut |doc, _| {
                    touched.push(doc);
                    room.level[doc as usize] = OUT;
                })?;
            }
        }
        let n_required = compiled.n_required();
        let loose = self.terms.need < n_required;
        let mut found: Vec<u32> = Vec::new();
        let mut level = 0_u8;
        for condition in compiled
            .conditions
            .iter()
            .filter(|condition| condition.required)
        {
            let mut own = Vec::new();
            for way in &condition.ways {
                self.visit(way, &mut |doc, score| {
                    let at = doc as usize;
                    if room.level[at] == level || (loose && room.level[at] != OUT) {
                        if room.best[at] == 0.0 {
                            own.push(doc);
                        }
                        room.best[at] = room.best[at].max(score);
                    }
                })?;
            }
            for doc in &own {
                let at = *doc as usize;
                if loose && room.level[at] == 0 {
                    found.push(*doc);
                }
                room.total[at] += room.best[at] * condition.factor;
                room.best[at] = 0.0;
                room.level[at] = room.level[at].saturating_add(1).min(OUT - 1);
            }
            level = level.saturating_add(1);
            if !loose {
                if level == 1 {
                    touched.extend(&own);
                }
                found = own;
            }
        }
        if n_required == 0 {
            found = (0..self.segment.max_doc())
                .filter(|doc| room.level[*doc as usize] != OUT)
                .collect();
            touched.extend(&found);
        } else if loose {
            touched.extend(&found);
            found.retain(|doc| usize::from(room.level[*doc as usize]) >= self.terms.need);
        }
        self.extras(room, &found, level)?;
        let kept = self.keep(room, &found);
        for doc in touched {
            room.level[doc as usize] = 0;
            room.total[doc as usize] = 0.0;
        }
        kept
    }

    /// What adds to the score of what was found, and finds nothing by itself.
    fn extras(&self, room: &mut Room, found: &[u32], level: u8) -> tantivy::Result<()> {
        if found.is_empty() {
            return Ok(());
        }
        let need = u8::try_from(self.terms.need).unwrap_or(OUT - 1).min(level);
        let counts = |room: &Room, at: usize| {
            room.level[at] >= need && room.level[at] != OUT && room.level[at] > 0
        };
        let compiled = self.terms.compiled;
        for condition in compiled
            .conditions
            .iter()
            .filter(|condition| !condition.required)
        {
            let mut own = Vec::new();
            for way in &condition.ways {
                self.visit(way, &mut |doc, score| {
                    let at = doc as usize;
                    if counts(room, at) {
                        own.push(doc);
                        room.best[at] = room.best[at].max(score);
                    }
                })?;
            }
            for doc in own {
                let at = doc as usize;
                // Small words break ties.
                room.total[at] += room.best[at] * 0.1;
                room.best[at] = 0.0;
            }
        }
        if !compiled.whole.is_empty() {
            for (whole, bonus) in [(Whole::Title, TITLED), (Whole::Name, NAMED)] {
                let term =
                    Term::from_field_text(self.terms.fields.exact, &whole.term(&compiled.whole));
                let inverted = self.segment.inverted_index(self.terms.fields.exact)?;
                if let Some(info) = inverted.get_term_info(&term)? {
                    let mut block = inverted
                        .read_block_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
                    while !block.docs().is_empty() {
                        for doc in block.docs() {
                            if counts(room, *doc as usize) {
                                room.total[*doc as usize] += bonus;
                            }
                        }
                        block.advance();
                    }
                }
            }
        }
        Ok(())
    }

    /// Every document for which `way` holds, once or more, with its score.
    fn visit(&self, way: &Way, visit: &mut dyn FnMut(u32, f32)) -> tantivy::Result<()> {
        let fields = self.terms.fields;
        match way {
            Way::Term { field, term, score } => {
                let own = fields.texts[*field];
                let inverted = self.segment.inverted_index(own)?;
                let Some(info) = inverted.get_term_info(&Term::from_field_text(own, term))? else {
                    return Ok(());
                };
                let lengths = self.segment.get_fieldnorms_reader(own)?;
                let middle = if *score > 2.5 { LENGTHS.0 } else { LENGTHS.1 };
                let mut block = inverted
                    .read_block_postings_from_terminfo(&info, IndexRecordOption::WithFreqs)?;
                while !block.docs().is_empty() {
                    for (doc, often) in block.docs().iter().zip(block.freqs()) {
                        let often = *often as f32;
                        let length = lengths.fieldnorm(*doc) as f32;
                        let part = often / (often + 0.5 + 0.5 * length / middle);
                        visit(*doc, score * (0.7 + 0.6 * part));
                    }
                    block.advance();
                }
            }
            Way::Begin {
                field,
                begin,
                score,
            } => {
                let own = fields.texts[*field];
                let inverted = self.segment.inverted_index(own)?;
                let mut stream = inverted.terms().range().ge(begin).into_stream()?;
                while stream.advance() && stream.key().starts_with(begin.as_bytes()) {
                    let mut block = inverted.read_block_postings_from_terminfo(
                        stream.value(),
                        IndexRecordOption::Basic,
                    )?;
                    while !block.docs().is_empty() {
                        block.docs().iter().for_each(|doc| visit(*doc, *score));
                        block.advance();
                    }
                }
            }
            Way::Phrase {
                field,
                terms,
                score,
            } => {
                let own = fields.texts[*field];
                let terms = terms.iter().map(|term| Term::from_field_text(own, term));
                let phrase = PhraseQuery::new(terms.collect());
                let scoring = EnableScoring::disabled_from_searcher(self.terms.searcher);
                let mut scorer = phrase.weight(scoring)?.scorer(self.segment, 1.0)?;
                let mut doc = scorer.doc();
                while doc != TERMINATED {
                    visit(doc, *score);
                    doc = scorer.advance();
                }
            }
            Way::Set(number) => {
                let Some(set) = self.terms.sets.get(*number) else {
                    return Ok(());
                };
                let slots = self.column("slot")?;
                for doc in 0..self.segment.max_doc() {
                    if set.contains(self.entity(slots.get_val(doc))) {
                        visit(doc, 1.0);
                    }
                }
            }
        }
        Ok(())
    }

    fn column(&self, name: &str) -> tantivy::Result<std::sync::Arc<dyn ColumnValues<u64>>> {
        self.segment.fast_fields().column_first_or_default(name)
    }

    fn entity(&self, slot: u64) -> u32 {
        let slot = usize::try_from(slot).unwrap_or(usize::MAX);
        self.terms.entities.get(slot).copied().unwrap_or(GONE)
    }

    /// Counts what passes, and keeps the best.
    fn keep(&mut self, room: &Room, found: &[u32]) -> tantivy::Result<()> {
        if found.is_empty() {
            return Ok(());
        }
        let (keys, slots) = (self.column("key")?, self.column("slot")?);
        let (groups, ranks) = (self.column("group")?, self.column("rank")?);
        let alive = self.segment.alive_bitset();
        let all_groups = self.terms.groups.len() == Group::ALL.len();
        for doc in found {
            let doc = *doc;
            if alive.is_some_and(|alive| alive.is_deleted(doc)) {
                continue;
            }
            let entity = self.entity(slots.get_val(doc));
            if entity == GONE
                || self
                    .terms
                    .allowed
                    .is_some_and(|allowed| !allowed.contains(entity))
            {
                continue;
            }
            let mut group = None;
            if !all_groups {
                group = Group::numbered(groups.get_val(doc));
                if group.is_none_or(|group| !self.terms.groups.contains(&group)) {
                    self.elsewhere = true;
                    continue;
                }
            }
            self.total += 1;
            if self.terms.wants_entities {
                let at = entity as usize / 64;
                if self.seen.len() <= at {
                    self.seen.resize(at + 1, 0);
                }
                self.seen[at] |= 1 << (entity % 64);
            }
            let score = room.total[doc as usize].max(0.01) * ranks.get_val(doc) as f32 / 1000.0;
            let score = f32::from_bits(score.to_bits() & !NOISE);
            let full = self.heap.len() >= self.terms.most;
            if full
                && self
                    .heap
                    .peek()
                    .is_none_or(|worst| worst.standing.score > score)
            {
                continue;
            }
            let standing = Standing {
                score,
                key: keys.get_val(doc),
            };
            if self.terms.after.is_some_and(|after| standing <= after)
                || (full
                    && self
                        .heap
                        .peek()
                        .is_some_and(|worst| worst.standing < standing))
            {
                continue;
            }
            self.heap.push(Hit {
                standing,
                at: DocAddress::new(self.number, doc),
                entity,
                group: group.or_else(|| Group::numbered(groups.get_val(doc))),
            });
            if self.heap.len() > self.terms.most {
                self.heap.pop();
            }
        }
        Ok(())
    }
}
