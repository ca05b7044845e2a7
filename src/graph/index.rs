//! The values of one column in order, each with the entities that have it.
//!
//! A value that one entity has is kept as that entity's index alone, its text is in the row: a column of names costs 20 bytes an entity.
//! Values that differ in case only are one value; it is shown as the entity with the lowest index writes it.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::Predicate;
use super::layout::{Layout, NO_SLOT};
use super::members::Members;
use super::rows::Rows;
use super::scan::Scan;
use super::tree::{BackWalk, Tree, Walk};
use super::value::{Finder, Key, Sort, fold, list_items, starts_with_folded};
use crate::sdl::ColumnId;

/// An ordered index.
#[derive(Clone, Debug)]
pub(super) struct ValueIndex {
    pub(super) source: Source,
    pub(super) sort: Sort,
    pub(super) list: bool,
    tree: Tree<Entry>,
    present: Arc<RoaringBitmap>,
    scan: Scan,
}

/// Where the text of a value is that only one entity has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Slot(u16),
    Column(ColumnId),
    /// In the index itself, as with lists.
    Held,
}

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    One(u32),
    Shared(Arc<Shared>),
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    written: Box<str>,
    members: Members,
}

/// The rows, and where a column is in them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    pub(super) rows: &'a Rows,
    pub(super) layout: &'a Layout,
}

impl<'a> Texts<'a> {
    /// Empty where there is no value.
    #[inline]
    pub(super) fn stored(self, source: Source, ix: u32) -> &'a str {
        let Some(row) = self.rows.row(ix) else {
            return "";
        };
        let slot = match source {
            Source::Slot(slot) => slot,
            Source::Column(column) => self.layout.slot(row.kind(), column),
            Source::Held => NO_SLOT,
        };
        row.slot(slot)
    }
}

impl Shared {
    /// The members, ascending, if they are few.
    pub(super) fn few(&self) -> Option<&[u32]> {
        match &self.members {
            Members::Few(few) => Some(few),
            Members::Many(_) => None,
        }
    }
}

impl Entry {
    /// The value as first written.
    #[inline]
    pub(super) fn stored<'a>(&'a self, source: Source, texts: Texts<'a>) -> &'a str {
        match self {
            Self::One(ix) => texts.stored(source, *ix),
            Self::Shared(shared) => &shared.written,
        }
    }

    /// The value, where the index itself holds it.
    pub(super) fn held(&self) -> Option<&str> {
        match self {
            Self::One(_) => None,
            Self::Shared(shared) => Some(&shared.written),
        }
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Shared(shared) => shared.members.len(),
        }
    }

    pub(super) fn count_in(&self, set: &RoaringBitmap) -> u64 {
        match self {
            Self::One(ix) => u64::from(set.contains(*ix)),
            Self::Shared(shared) => shared.members.count_in(set),
        }
    }

    pub(super) fn within(&self, set: &RoaringBitmap) -> RoaringBitmap {
        match self {
            Self::One(ix) => RoaringBitmap::from_iter(set.contains(*ix).then_some(*ix)),
            Self::Shared(shared) => shared.members.within(set),
        }
    }
}

impl ValueIndex {
    pub(super) fn new(source: Source, sort: Sort, list: bool) -> Self {
        Self {
            source: if list { Source::Held } else { source },
            sort,
            list,
            tree: Tree::default(),
            present: Arc::default(),
            scan: Scan::default(),
        }
    }

    /// Takes groups of entities (ascending) with one value each, in the order of the values.
    pub(super) fn fill(&mut self, entries: Vec<Entry>, present: RoaringBitmap) {
        self.tree = Tree::from_sorted(entries);
        self.present = Arc::new(present);
        if let Some(last) = self.present.max().filter(|_| !self.list) {
            self.scan.prepare(last);
        }
    }

    /// One group for [`ValueIndex::fill`]; only one that holds its text itself asks what it is.
    pub(super) fn entry<'a>(&self, written: impl FnOnce() -> &'a str, members: &[u32]) -> Entry {
        match members {
            [one] if self.source != Source::Held => Entry::One(*one),
            _ => Entry::Shared(Arc::new(Shared {
                written: written().into(),
                members: Members::from_sorted(members),
            })),
        }
    }

    /// Entities that have a value; for a list: at least one.
    pub(super) fn present(&self) -> &RoaringBitmap {
        &self.present
    }

    /// How many different values there are.
    pub(super) fn n_values(&self) -> usize {
        self.tree.len()
    }

    pub(super) fn values(&self) -> Walk<'_, Entry> {
        self.tree.iter()
    }

    /// Values from `key` on, ascending.
    pub(super) fn ascending<'a>(&'a self, key: Option<&Key>, texts: Texts<'a>) -> Walk<'a, Entry> {
        self.tree
            .from(|entry| key.is_some_and(|key| self.compare(entry, key, texts).is_lt()))
    }

    /// Values from `key` on, descending.
    pub(super) fn descending<'a>(
        &'a self,
        key: Option<&Key>,
        texts: Texts<'a>,
    ) -> BackWalk<'a, Entry> {
        self.tree
            .back_from(|entry| key.is_none_or(|key| self.compare(entry, key, texts).is_le()))
    }

    pub(super) fn get(&self, key: &Key, texts: Texts<'_>) -> Option<&Entry> {
        self.tree.get(|entry| self.compare(entry, key, texts))
    }

    #[inline]
    pub(super) fn compare(&self, entry: &Entry, key: &Key, texts: Texts<'_>) -> Ordering {
        self.sort.compare_key(entry.stored(self.source, texts), key)
    }

    /// Enters what the row of `ix` has: the row must stand already.
    pub(super) fn add(&mut self, ix: u32, stored: &str, texts: Texts<'_>) {
        if stored.is_empty() {
            return;
        }
        if !self.list {
            self.scan.forget(ix);
            Arc::make_mut(&mut self.present).insert(ix);
            self.add_value(ix, stored, texts);
            return;
        }
        for item in list_items(stored) {
            Arc::make_mut(&mut self.present).insert(ix);
            self.add_value(ix, &item, texts);
        }
    }

    fn add_value(&mut self, ix: u32, stored: &str, texts: Texts<'_>) {
        let (sort, source) = (self.sort, self.source);
        let key = sort.key(stored);
        self.tree.alter(
            |entry| sort.compare_key(entry.stored(source, texts), &key),
            |entry| {
                Some(match entry {
                    None if source != Source::Held => Entry::One(ix),
                    None => shared(stored, &[ix]),
                    Some(Entry::One(other)) if other == ix => Entry::One(ix),
                    Some(Entry::One(other)) if other < ix => {
                        shared(texts.stored(source, other), &[other, ix])
                    }
                    Some(Entry::One(other)) => shared(stored, &[ix, other]),
                    Some(Entry::Shared(mut group)) => {
                        let own = Arc::make_mut(&mut group);
                        own.members.insert(ix);
                        if own.members.min() == Some(ix) && *own.written != *stored {
                            own.written = stored.into();
                        }
                        Entry::Shared(group)
                    }
                })
            },
        );
    }

    /// Takes out what the row of `ix` has: the row must stand still, and so must all others.
    pub(super) fn remove(&mut self, ix: u32, stored: &str, texts: Texts<'_>, column: Source) {
        if stored.is_empty() {
            return;
        }
        if self.present.contains(ix) {
            Arc::make_mut(&mut self.present).remove(ix);
        }
        if !self.list {
            self.scan.forget(ix);
            self.remove_value(ix, stored, texts, column);
            return;
        }
        for item in list_items(stored) {
            self.remove_value(ix, &item, texts, column);
        }
    }

    /// `column`: where the other members have the value written, also if the index holds its own texts.
    fn remove_value(&mut self, ix: u32, stored: &str, texts: Texts<'_>, column: Source) {
        let (sort, source, list) = (self.sort, self.source, self.list);
        let key = sort.key(stored);
        self.tree.alter(
            |entry| sort.compare_key(entry.stored(source, texts), &key),
            |entry| match entry? {
                Entry::One(one) => (one != ix).then_some(Entry::One(one)),
                Entry::Shared(mut group) => {
                    let own = Arc::make_mut(&mut group);
                    let was_first = own.members.min() == Some(ix);
                    own.members.remove(ix);
                    let first = own.members.min()?;
                    if own.members.len() == 1 && source != Source::Held {
                        return Some(Entry::One(first));
                    }
                    if was_first {
                        let written = texts.stored(column, first);
                        let written = if list {
                            let items = list_items(written);
                            items
                                .into_iter()
                                .find(|item| sort.compare_key(item, &key).is_eq())
                        } else {
                            Some(written.into())
                        };
                        if let Some(written) = written.filter(|written| !written.is_empty()) {
                            own.written = written;
                        }
                    }
                    Some(Entry::Shared(group))
                }
            },
        );
    }

    /// The entities that have `value`, if there are so many that they are kept as a set.
    pub(super) fn held(
        &self,
        value: &serde_json::Value,
        texts: Texts<'_>,
    ) -> Option<&RoaringBitmap> {
        match self.get(&self.sort.operand(value)?, texts)? {
            Entry::Shared(shared) => match &shared.members {
                Members::Many(many) => Some(many),
                Members::Few(_) => None,
            },
            Entry::One(_) => None,
        }
    }

    /// The entities for which `predicate` holds; `all` are those that there are.
    pub(super) fn select(
        &self,
        predicate: &Predicate,
        all: &RoaringBitmap,
        texts: Texts<'_>,
    ) -> RoaringBitmap {
        let mut found = Union::default();
        let exact = |found: &mut Union, value| {
            if let Some(key) = self.sort.operand(value)
                && let Some(entry) = self.get(&key, texts)
            {
                found.add(entry);
            }
        };
        match predicate {
            Predicate::Eq(value) => exact(&mut found, value),
            Predicate::Ne(value) => {
                exact(&mut found, value);
                return all - found.done();
            }
            Predicate::In(values) => values.iter().for_each(|value| exact(&mut found, value)),
            Predicate::Contains(part) if self.list => exact(&mut found, &part.as_str().into()),
            Predicate::Contains(part) if self.source != Source::Held && self.is_sparse() => {
                let text = |ix| self.sort.text(texts.stored(self.source, ix));
                return self.scan.select(part, &self.present, text);
            }
            Predicate::Contains(part) => {
                let finder = Finder::new(part);
                let has = |entry: &&Entry| {
                    finder.is_in(&self.sort.text(entry.stored(self.source, texts)))
                };
                self.values().filter(has).for_each(|entry| found.add(entry));
            }
            Predicate::StartsWith(prefix) => self.add_prefix(prefix, texts, &mut found),
            Predicate::Exists(true) => return (*self.present).clone(),
            Predicate::Exists(false) => return all - &*self.present,
            Predicate::Lt(value) => {
                if let Some(key) = self.sort.operand(value) {
                    let entries = self.values();
                    entries
                        .take_while(|entry| self.compare(entry, &key, texts).is_lt())
                        .for_each(|entry| found.add(entry));
                }
            }
            Predicate::Gt(value) => {
                if let Some(key) = self.sort.operand(value) {
                    self.ascending(Some(&key), texts)
                        .skip_while(|entry| self.compare(entry, &key, texts).is_le())
                        .for_each(|entry| found.add(entry));
                }
            }
        }
        found.done()
    }

    /// Whether most values belong to one entity.
    fn is_sparse(&self) -> bool {
        self.n_values() as u64 * 2 > self.present.len()
    }

    fn add_prefix(&self, prefix: &str, texts: Texts<'_>, found: &mut Union) {
        let prefix = fold(prefix);
        let begins = |entry: &&Entry| {
            starts_with_folded(&self.sort.text(entry.stored(self.source, texts)), &prefix)
        };
        if self.sort.is_text() {
            let key = Key::Text(prefix.clone());
            self.ascending(Some(&key), texts)
                .take_while(begins)
                .for_each(|entry| found.add(entry));
        } else {
            self.values()
                .filter(begins)
                .for_each(|entry| found.add(entry));
        }
    }
}

fn shared(written: &str, members: &[u32]) -> Entry {
    Entry::Shared(Arc::new(Shared {
        written: written.into(),
        members: Members::from_sorted(members),
    }))
}

/// Collects the members of many entries: single ones are sorted once at the end.
#[derive(Default)]
pub(super) struct Union {
    singles: Vec<u32>,
    set: RoaringBitmap,
}

impl Union {
    pub(super) fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::One(ix) => self.singles.push(*ix),
            Entry::Shared(shared) => match &shared.members {
                Members::Few(few) => self.singles.extend_from_slice(few),
                Members::Many(many) if self.set.is_empty() => self.set = many.clone(),
                Members::Many(many) => self.set |= many,
            },
        }
    }

    pub(super) fn done(mut self) -> RoaringBitmap {
        self.singles.sort_unstable();
        self.singles.dedup();
        match RoaringBitmap::from_sorted_iter(self.singles) {
            Ok(singles) if self.set.is_empty() => singles,
            Ok(singles) => self.set | singles,
            Err(_) => self.set,
        }
    }
}

/// Values of a list column by key, for filling an index at once.
#[derive(Debug, Default)]
pub(super) struct ListGroups {
    groups: HashMap<String, (Box<str>, Vec<u32>)>,
    ordinals: HashMap<i128, (Box<str>, Vec<u32>)>,
}

impl ListGroups {
    /// Entities must come in ascending order.
    pub(super) fn add(&mut self, sort: Sort, ix: u32, item: &str) {
        let group = match sort.key(item) {
            Key::Text(text) => self.groups.entry(text).or_default(),
            Key::Ordinal(ordinal) => self.ordinals.entry(ordinal).or_default(),
        };
        if group.1.is_empty() {
            group.0 = item.into();
        }
        if group.1.last() != Some(&ix) {
            group.1.push(ix);
        }
    }

    pub(super) fn entries(self, index: &ValueIndex) -> Vec<Entry> {
        let mut texts: Vec<_> = self.groups.into_iter().collect();
        texts.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let mut ordinals: Vec<_> = self.ordinals.into_iter().collect();
        ordinals.sort_unstable_by_key(|(ordinal, _)| *ordinal);
        let texts = texts.iter().map(|(_, group)| group);
        let ordinals = ordinals.iter().map(|(_, group)| group);
        texts
            .chain(ordinals)
            .map(|(written, members)| index.entry(|| written, members))
            .collect()
    }
}
