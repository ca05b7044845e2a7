//! How often each value occurs in a set.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::index::{Entry, Source, ValueIndex};
use super::paths::PathIndex;
use super::value::{Key, fold, unquote};
use super::{FacetValue, Ix, Snapshot};
use crate::sdl::{ColumnId, FieldSource, KindId, RelationBinding, RelationId, Targets};

/// What can be counted although it is neither a column nor a dotted path.
const TOP_LEVEL: &str = "apiVersion";

/// Finding the edges of one entity costs as much as reading so many in a row.
const EDGES_PER_ENTITY: u64 = 12;

/// Values with their counts: the text as first written.
type Counts = Vec<(u64, String)>;

/// Entities, existing or only referred to, with their counts.
type TargetCounts = Vec<(u64, u32)>;

impl Snapshot {
    /// The values that the entities in `set` have at `by` (a field's name or a descriptor path), most frequent first; `None` if there is no such field or path.
    ///
    /// A relation field counts what it can show: the components of a system, not its APIs.
    ///
    /// A path that no descriptor has is no error: it has no values.
    pub fn facet(&self, set: &RoaringBitmap, by: &str, first: usize) -> Option<Vec<FacetValue>> {
        if let Some(relation) = by.strip_prefix("relations.") {
            let relation = self.model.relation_by_name.get(relation)?;
            let counts = self.count_relation(set, *relation, &Targets::Any);
            return Some(self.referred(counts, first));
        }
        let related = self.count_relation_fields(set, by);
        let mut counts = Counts::new();
        let mut sources = 0;
        if let Some(related) = related {
            if !self.model.column_by_name.contains_key(by) {
                return Some(self.referred(related, first));
            }
            // A field of this name is a relation of one kind and a text of another.
            sources = 1;
            let texts = related.into_iter();
            counts.extend(texts.map(|(count, ix)| (count, self.entity_ref(Ix(ix)).to_owned())));
        }
        if let Some(columns) = self.model.column_by_name.get(by) {
            for column in columns {
                sources += 1;
                self.count_column(set, *column, &mut counts);
            }
        } else if let Some((column, stray)) = self.path_column(by) {
            self.count_column(set, column, &mut counts);
            if !stray.is_empty() {
                sources = 2;
                self.count_path(set, stray, &mut counts);
            }
        } else if by.contains('.') || by == TOP_LEVEL {
            sources = 2;
            self.count_path(set, &self.path_index(by), &mut counts);
        } else {
            return None;
        }
        if sources > 1 {
            counts = merged(counts);
        }
        top(&mut counts, first);
        let values = counts.into_iter().map(|(count, value)| FacetValue {
            entity: self.entity_of(&value),
            value: value.into(),
            count,
        });
        Some(values.collect())
    }

    /// The kind that a reference names, whether or not there is such an entity.
    fn kind_of_ref(&self, ix: Ix) -> Option<KindId> {
        let (kind, _) = self.entity_ref(ix).split_once(':')?;
        self.model.kind_by_name.get(kind).copied()
    }

    fn entity_of(&self, value: &str) -> Option<Ix> {
        let is_ref = value.contains(':') && value.contains('/');
        is_ref.then(|| self.find(&fold(value))).flatten()
    }

    fn count_column(&self, set: &RoaringBitmap, column: ColumnId, counts: &mut Counts) {
        let Some(index) = self.column_index(column) else {
            return;
        };
        let texts = self.texts();
        let show = |entry: &Entry| {
            let stored = entry.stored(index.source, texts);
            index.sort.text(stored).into_owned()
        };
        if few(set, index.n_values()) {
            for (key, count) in self.keys_in(set, index, column) {
                counts.extend(index.get(&key, texts).map(|entry| (count, show(entry))));
            }
            return;
        }
        let everything = *set == *self.alive && self.layout.engine[usize::from(column.0)].is_none();
        for entry in index.values() {
            let count = if everything {
                entry.len()
            } else {
                entry.count_in(set)
            };
            if count > 0 {
                counts.push((count, show(entry)));
            }
        }
    }

    /// Counts entity by entity: for a set that is small beside the number of values.
    fn keys_in(
        &self,
        set: &RoaringBitmap,
        index: &ValueIndex,
        column: ColumnId,
    ) -> Vec<(Key, u64)> {
        let mut texts: HashMap<String, u64> = HashMap::new();
        let mut ordinals: HashMap<i128, u64> = HashMap::new();
        let mut add = |stored: &str| match index.sort.key(stored) {
            Key::Text(text) => *texts.entry(text).or_default() += 1,
            Key::Ordinal(ordinal) => *ordinals.entry(ordinal).or_default() += 1,
        };
        for ix in set {
            if index.list {
                let mut items = self.list_of(column, ix);
                items.sort_unstable_by(|left, right| index.sort.compare(left, right));
                items.dedup_by(|left, right| index.sort.compare(left, right).is_eq());
                items.iter().for_each(|item| add(item));
                continue;
            }
            let source = match index.source {
                Source::Slot(slot) => Source::Slot(slot),
                Source::Column(_) | Source::Held => Source::Column(column),
            };
            let stored = self.texts().stored(source, ix);
            if !stored.is_empty() {
                add(stored);
            }
        }
        let texts = texts
            .into_iter()
            .map(|(text, count)| (Key::Text(text), count));
        let ordinals = ordinals.into_iter();
        let ordinals = ordinals.map(|(ordinal, count)| (Key::Ordinal(ordinal), count));
        texts.chain(ordinals).collect()
    }

    fn count_path(&self, set: &RoaringBitmap, index: &PathIndex, counts: &mut Counts) {
        if few(set, index.n_values()) {
            for ix in set {
                let mut own = index.values_of(ix);
                own.sort_unstable_by_key(|text| fold(text));
                own.dedup_by_key(|text| fold(text));
                counts.extend(own.into_iter().map(|text| (1, text)));
            }
            return;
        }
        for entry in index.values() {
            let count = entry.count_in(set);
            if let Some(held) = entry.held().filter(|_| count > 0) {
                counts.push((count, unquote(held).into_owned()));
            }
        }
    }

    /// What the relation fields of this name lead to, kind by kind; `None` if no kind has one.
    fn count_relation_fields(&self, set: &RoaringBitmap, name: &str) -> Option<TargetCounts> {
        let mut fields: Vec<(&RelationBinding, RoaringBitmap)> = Vec::new();
        for (kind, own) in self.model.kinds.iter().zip(&self.kinds) {
            let field = self.model.types.get(&kind.type_name);
            let field = field.and_then(|def| def.fields.get(name));
            let Some(FieldSource::Relation(binding)) = field.map(|field| &field.source) else {
                continue;
            };
            let same = |(known, _): &&mut (&RelationBinding, _)| {
                known.relation == binding.relation && known.targets == binding.targets
            };
            match fields.iter_mut().find(same) {
                Some((_, kinds)) => *kinds |= &**own,
                None => fields.push((binding, (**own).clone())),
            }
        }
        let mut counts: Option<TargetCounts> = None;
        for (binding, kinds) in fields {
            let own = set & kinds;
            let more = self.count_relation(&own, binding.relation, &binding.targets);
            match &mut counts {
                Some(counts) => counts.extend(more),
                None => counts = Some(more),
            }
        }
        let mut counts = counts?;
        counts.sort_unstable_by_key(|(_, target)| *target);
        counts.dedup_by(|more, known| {
            let same = more.1 == known.1;
            known.0 += if same { more.0 } else { 0 };
            same
        });
        Some(counts)
    }

    /// How many entities of `set` each target has.
    fn count_relation(
        &self,
        set: &RoaringBitmap,
        relation: RelationId,
        targets: &Targets,
    ) -> TargetCounts {
        let n_edges = self.edges.count(relation);
        let mut counts = TargetCounts::new();
        if self.edges.sources(relation).is_subset(set) {
            // Every edge counts, so none has to be looked at.
            for target in self.edges.targets(relation) {
                let sources = self.edges.back_along(target, relation);
                counts.push((sources.len() as u64, target));
            }
        } else if set.len().saturating_mul(EDGES_PER_ENTITY) < n_edges {
            let edges = set.iter().flat_map(|ix| self.edges.out_along(ix, relation));
            let mut targets: Vec<u32> = edges.map(|edge| edge.target.0).collect();
            targets.sort_unstable();
            let same = targets.chunk_by(|left, right| left == right);
            counts.extend(same.map(|same| (same.len() as u64, same[0])));
        } else {
            let dense = Dense::new(set, self.n_indexes);
            for target in self.edges.targets(relation) {
                let sources = self.edges.back_along(target, relation);
                let own = sources.iter().filter(|edge| dense.contains(edge.target.0));
                let count = own.count() as u64;
                if count > 0 {
                    counts.push((count, target));
                }
            }
        }
        if let Targets::Kinds(_) = targets {
            counts.retain(|(_, target)| targets.allows(self.kind_of_ref(Ix(*target))));
        }
        counts
    }

    /// The most frequent targets, as values.
    fn referred(&self, mut counts: TargetCounts, first: usize) -> Vec<FacetValue> {
        let order = |left: &(u64, u32), right: &(u64, u32)| {
            let by_ref = || {
                self.entity_ref(Ix(left.1))
                    .cmp(self.entity_ref(Ix(right.1)))
            };
            right.0.cmp(&left.0).then_with(by_ref)
        };
        if first < counts.len() {
            counts.select_nth_unstable_by(first, order);
            counts.truncate(first);
        }
        counts.sort_unstable_by(order);
        let values = counts.into_iter().map(|(count, target)| FacetValue {
            value: self.entity_ref(Ix(target)).into(),
            count,
            entity: Some(Ix(target)).filter(|ix| self.exists(*ix)),
        });
        values.collect()
    }
}

/// A set as plain bits: for asking it about nearly everything.
struct Dense(Vec<u64>);

impl Dense {
    fn new(set: &RoaringBitmap, n: u32) -> Self {
        let mut bits = vec![0; n as usize / 64 + 1];
        for ix in set {
            if let Some(word) = bits.get_mut(ix as usize / 64) {
                *word |= 1 << (ix % 64);
            }
        }
        Self(bits)
    }

    fn contains(&self, ix: u32) -> bool {
        let word = self.0.get(ix as usize / 64);
        word.is_some_and(|word| word >> (ix % 64) & 1 == 1)
    }
}

fn few(set: &RoaringBitmap, n_values: usize) -> bool {
    set.len().saturating_mul(4) < n_values as u64
}

/// One line for values that differ in case only.
fn merged(counts: Counts) -> Counts {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut all = Counts::new();
    for (count, value) in counts {
        let at = *places.entry(fold(&value)).or_insert(all.len());
        match all.get_mut(at) {
            Some(known) => known.0 += count,
            None => all.push((count, value)),
        }
    }
    all
}

fn top(counts: &mut Counts, first: usize) {
    let order = |left: &(u64, String), right: &(u64, String)| {
        right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1))
    };
    if first < counts.len() {
        counts.select_nth_unstable_by(first, order);
        counts.truncate(first);
    }
    counts.sort_unstable_by(order);
}
