//! Pages of an ordered set.
//!
//! A dense set is read off the ordered indexes until the page is full; a sparse one is sorted by itself.
//! Which of them is cheaper is found out by trying: the walk over an index gives up when it has cost about as much as sorting would.

use std::cmp::Ordering;

use roaring::RoaringBitmap;
use smallvec::SmallVec;

use super::bulk::part;
use super::cursor::Position;
use super::index::{Entry, Source, ValueIndex};
use super::value::Key;
use super::{BadCursor, Ix, Order, Page, Snapshot, Window};
use crate::sdl::{ColumnId, EngineValue};

/// Sets up to this size are sorted at once; in tests nearly none, so that small catalogs take every way.
const SMALL: u64 = if cfg!(test) { 3 } else { 256 };
/// Steps over an index that are worth trying before a set is made.
const NEAR: usize = if cfg!(test) { 4 } else { 64 };
/// Steps that a walk over an index may take in any case.
const STEPS: i64 = if cfg!(test) { 4 } else { 1_000 };

impl Snapshot {
    /// A page of `set` in `order`; an empty order is by name, then ref.
    pub fn page(
        &self,
        set: &RoaringBitmap,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        let ordering = self.ordering(order);
        let decode = |cursor: Option<&str>| {
            let decoded = cursor
                .map(|cursor| Position::decode(cursor, &ordering.name(), ordering.levels.len()));
            decoded.transpose()
        };
        let (after, before) = (decode(window.after)?, decode(window.before)?);
        let backward = window.first.is_none() && window.last.is_some();
        let (near, far, n) = if backward {
            (before, after, window.last)
        } else {
            (after, before, window.first)
        };
        let n = n.unwrap_or(usize::MAX);
        let side = Side {
            ordering: &ordering,
            backward,
        };
        let near = near.map(|position| Bound {
            position,
            inclusive: false,
        });
        let mut items = side.collect(set, near.as_ref(), n.saturating_add(1));
        let mut more = items.len() > n;
        items.truncate(n);
        if let Some(far) = far {
            let within = items.partition_point(|ix| side.compare_position(*ix, &far).is_lt());
            more |= within < items.len();
            items.truncate(within);
            more = more || (items.len() < n && side.beyond(set, &far, true));
        }
        let behind = match (items.first(), near) {
            (_, None) => false,
            (Some(first), Some(_)) => {
                side.reversed()
                    .beyond(set, &ordering.position(*first), false)
            }
            (None, Some(near)) => side.reversed().beyond(set, &near.position, true),
        };
        let mut items: Vec<Ix> = items.into_iter().map(Ix).collect();
        if backward {
            items.reverse();
        }
        let (has_next, has_previous) = if backward {
            (behind, more)
        } else {
            (more, behind)
        };
        Ok(Page {
            items,
            has_next,
            has_previous,
        })
    }

    /// [`Snapshot::page`] of what is in both sets, which is not put together where the page is near: few entities are met before it is full.
    pub fn page_of_both(
        &self,
        left: &RoaringBitmap,
        right: &RoaringBitmap,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        match self.near_page(left, right, order, window) {
            Some(page) => Ok(page),
            None => self.page(&(left & right), order, window),
        }
    }

    /// The first page, if it comes soon in the order.
    fn near_page(
        &self,
        left: &RoaringBitmap,
        right: &RoaringBitmap,
        order: &[Order],
        window: &Window<'_>,
    ) -> Option<Page> {
        let (Some(n), None, None) = (window.first, window.after, window.before) else {
            return None;
        };
        let ordering = self.ordering(order);
        let own = ordering.levels.first()?;
        let mut items = Vec::with_capacity(n + 1);
        let mut step = |entry: &Entry| match entry {
            Entry::One(ix) => {
                if right.contains(*ix) && left.contains(*ix) {
                    items.push(Ix(*ix));
                }
                Some(items.len() > n)
            }
            Entry::Shared(shared) => {
                let mut both: SmallVec<[u32; 16]> = shared.few()?.into();
                both.retain(|ix| right.contains(*ix) && left.contains(*ix));
                both.sort_unstable_by(|one, other| ordering.compare(1, *one, *other));
                items.extend(both.into_iter().map(Ix));
                Some(items.len() > n)
            }
        };
        let texts = self.texts();
        let steps = NEAR + 8 * n;
        let full = if own.descending {
            let entries = own.index.descending(None, texts);
            entries
                .take(steps)
                .map(&mut step)
                .find(|full| *full != Some(false))
        } else {
            let entries = own.index.ascending(None, texts);
            entries
                .take(steps)
                .map(&mut step)
                .find(|full| *full != Some(false))
        };
        // The end of the index is not the end of the order: what has no value comes behind it.
        if full != Some(Some(true)) {
            return None;
        }
        items.truncate(n);
        Some(Page {
            items,
            has_next: true,
            has_previous: false,
        })
    }

    /// [`Snapshot::page`] of entities given in any order, each once: no set is made of a few of them unless a cursor needs one.
    pub(super) fn page_of(
        &self,
        mut items: Vec<Ix>,
        order: &[Order],
        window: &Window<'_>,
    ) -> Result<Page, BadCursor> {
        if items.len() as u64 > SMALL || window.after.is_some() || window.before.is_some() {
            let set = items.iter().map(|ix| ix.0).collect();
            return self.page(&set, order, window);
        }
        if items.len() > 1 {
            let ordering = self.ordering(order);
            items.sort_unstable_by(|left, right| ordering.compare(0, left.0, right.0));
        }
        let n_all = items.len();
        let more = |n: usize| n_all > n;
        let (has_next, has_previous) = match (window.first, window.last) {
            (Some(first), _) => {
                items.truncate(first);
                (more(first), false)
            }
            (None, Some(last)) => {
                items.drain(..n_all.saturating_sub(last));
                (false, more(last))
            }
            (None, None) => (false, false),
        };
        Ok(Page {
            items,
            has_next,
            has_previous,
        })
    }

    /// The cursor of an entity in `order`: its keys, so it holds its place while entities come and go.
    pub fn cursor(&self, ix: Ix, order: &[Order]) -> String {
        let ordering = self.ordering(order);
        ordering.position(ix.0).encode(&ordering.name())
    }

    /// What a cursor of `order` stands for.
    pub(super) fn position_of(&self, cursor: &str, order: &[Order]) -> Result<Position, BadCursor> {
        let ordering = self.ordering(order);
        Position::decode(cursor, &ordering.name(), ordering.levels.len())
    }

    fn ordering(&self, order: &[Order]) -> Criteria<'_> {
        let default = self.layout.name.map(|column| Order {
            column,
            descending: false,
        });
        let criteria = if order.is_empty() {
            default.as_slice()
        } else {
            order
        };
        let mut levels: SmallVec<[Level<'_>; 2]> = SmallVec::new();
        for criterion in criteria {
            let index = self
                .column_index(criterion.column)
                .filter(|index| !index.list);
            let known = levels.iter().any(|level| level.column == criterion.column);
            if let Some(index) = index.filter(|_| !known) {
                levels.push(Level {
                    column: criterion.column,
                    index,
                    descending: criterion.descending,
                    always: self.layout.engine[usize::from(criterion.column.0)]
                        == Some(EngineValue::Ref),
                });
            }
        }
        Criteria {
            snapshot: self,
            levels,
        }
    }
}

/// One criterion.
struct Level<'a> {
    column: ColumnId,
    index: &'a ValueIndex,
    descending: bool,
    /// Every entity has a value: it is the ref.
    always: bool,
}

/// An order with its indexes at hand.
struct Criteria<'a> {
    snapshot: &'a Snapshot,
    levels: SmallVec<[Level<'a>; 2]>,
}

/// Where to begin.
struct Bound {
    position: Position,
    /// Whether what stands there belongs to what is sought.
    inclusive: bool,
}

/// An order walked in one direction.
#[derive(Clone, Copy)]
struct Side<'o, 'a> {
    ordering: &'o Criteria<'a>,
    backward: bool,
}

impl Level<'_> {
    fn source(&self) -> Source {
        match self.index.source {
            Source::Slot(slot) => Source::Slot(slot),
            Source::Column(_) | Source::Held => Source::Column(self.column),
        }
    }
}

impl<'a> Criteria<'a> {
    /// Tells one order from another, in cursors.
    fn name(&self) -> String {
        let mut name = String::new();
        for level in &self.levels {
            name.push_str(&self.snapshot.model.column(level.column).name);
            name.push(if level.descending { '-' } else { '+' });
        }
        name
    }

    fn stored(&self, level: usize, ix: u32) -> &'a str {
        self.snapshot
            .texts()
            .stored(self.levels[level].source(), ix)
    }

    fn position(&self, ix: u32) -> Position {
        let keys = self.levels.iter().enumerate().map(|(at, level)| {
            let stored = self.stored(at, ix);
            (!stored.is_empty()).then(|| level.index.sort.key(stored))
        });
        Position {
            keys: keys.collect(),
            entity_ref: self.snapshot.entity_ref(Ix(ix)).to_owned(),
        }
    }

    /// The order of two entities by the criteria from `level` on.
    fn compare(&self, level: usize, left: u32, right: u32) -> Ordering {
        for at in level..self.levels.len() {
            let own = &self.levels[at];
            let (a, b) = (self.stored(at, left), self.stored(at, right));
            let order = match (a.is_empty(), b.is_empty()) {
                (false, false) if own.descending => own.index.sort.compare(b, a),
                (false, false) => own.index.sort.compare(a, b),
                (missing, other) => missing.cmp(&other),
            };
            if order.is_ne() {
                return order;
            }
        }
        let entity_ref = |ix| self.snapshot.entity_ref(Ix(ix));
        entity_ref(left).cmp(entity_ref(right))
    }

    fn compare_position(&self, ix: u32, position: &Position) -> Ordering {
        for (at, (own, key)) in self.levels.iter().zip(&position.keys).enumerate() {
            let stored = self.stored(at, ix);
            let order = match (stored.is_empty(), key) {
                (false, Some(key)) => {
                    let order = own.index.sort.compare_key(stored, key);
                    if own.descending {
                        order.reverse()
                    } else {
                        order
                    }
                }
                (missing, key) => missing.cmp(&key.is_none()),
            };
            if order.is_ne() {
                return order;
            }
        }
        self.snapshot.entity_ref(Ix(ix)).cmp(&position.entity_ref)
    }
}

impl Side<'_, '_> {
    fn reversed(self) -> Self {
        Self {
            backward: !self.backward,
            ..self
        }
    }

    fn compare_position(&self, ix: u32, position: &Position) -> Ordering {
        let order = self.ordering.compare_position(ix, position);
        if self.backward {
            order.reverse()
        } else {
            order
        }
    }

    fn is_beyond(&self, ix: u32, bound: Option<&Bound>) -> bool {
        bound.is_none_or(|bound| match self.compare_position(ix, &bound.position) {
            Ordering::Greater => true,
            Ordering::Equal => bound.inclusive,
            Ordering::Less => false,
        })
    }

    /// Whether anything of `set` is beyond `position`.
    fn beyond(&self, set: &RoaringBitmap, position: &Position, inclusive: bool) -> bool {
        let bound = Bound {
            position: position.clone(),
            inclusive,
        };
        !self.collect(set, Some(&bound), 1).is_empty()
    }

    /// The first `n` of `set` beyond `bound`.
    fn collect(&self, set: &RoaringBitmap, bound: Option<&Bound>, n: usize) -> Vec<u32> {
        let mut found = Found {
            items: Vec::new(),
            n,
        };
        self.gather(0, set, bound, &mut found);
        found.items
    }

    fn gather(&self, level: usize, set: &RoaringBitmap, bound: Option<&Bound>, found: &mut Found) {
        if set.len() <= SMALL {
            return self.sort(level, set, bound, found);
        }
        let start = found.items.len();
        // A step costs less than half of what an entity costs to be sorted.
        let mut budget = 2 * set.len() as i64 + STEPS;
        if !self.walk(level, set, bound, found, &mut budget) {
            found.items.truncate(start);
            self.sort(level, set, bound, found);
        }
    }

    fn sort(&self, level: usize, set: &RoaringBitmap, bound: Option<&Bound>, found: &mut Found) {
        let room = found.n - found.items.len();
        let beyond = set.iter().filter(|ix| self.is_beyond(*ix, bound));
        let shared = self.shared_prefix(level, set);
        let key = |ix| self.sort_key(level, ix, shared);
        let mut items: Vec<(u128, u32)> = beyond.map(|ix| (key(ix), ix)).collect();
        // What is no text is all in its key, and reading it anew is dear.
        let own = self.ordering.levels.get(level);
        let rest = level + usize::from(own.is_some_and(|own| !own.index.sort.is_text()));
        let order = |left: &(u128, u32), right: &(u128, u32)| {
            let order = left.0.cmp(&right.0);
            let order = order.then_with(|| self.ordering.compare(rest, left.1, right.1));
            if self.backward {
                order.reverse()
            } else {
                order
            }
        };
        if room < items.len() {
            items.select_nth_unstable_by(room, order);
            items.truncate(room);
        }
        items.sort_unstable_by(order);
        found.items.extend(items.iter().map(|item| item.1));
    }

    /// With how many bytes all refs of `set` begin alike, where they are what decides: the kind and the namespace would fill the sort keys.
    fn shared_prefix(&self, level: usize, set: &RoaringBitmap) -> usize {
        let entity_ref = |ix| self.ordering.snapshot.entity_ref(Ix(ix));
        let (None, Some(first)) = (self.ordering.levels.get(level), set.min()) else {
            return 0;
        };
        let first = entity_ref(first);
        let namespace = first.find('/').map_or(0, |slash| slash + 1);
        let prefix = first.as_bytes().get(..namespace).unwrap_or_default();
        let alike = |ix| entity_ref(ix).as_bytes().starts_with(prefix);
        if set.iter().all(alike) { namespace } else { 0 }
    }

    /// Between which refs all of `set` are, if they are of one kind.
    fn span(&self, set: &RoaringBitmap) -> Option<(Key, Key)> {
        let snapshot = self.ordering.snapshot;
        let first = Ix(set.min()?);
        let own = snapshot.kinds.get(usize::from(snapshot.kind(first)?.0))?;
        let (kind, _) = snapshot.entity_ref(first).split_once(':')?;
        let key = |end: char| Key::Text(format!("{kind}{end}"));
        // The character after `:`.
        set.is_subset(own).then(|| (key(':'), key(';')))
    }

    /// Orders most entities without looking at their texts again.
    fn sort_key(&self, level: usize, ix: u32, shared: usize) -> u128 {
        let Some(own) = self.ordering.levels.get(level) else {
            let entity_ref = self.ordering.snapshot.entity_ref(Ix(ix));
            return part(entity_ref.get(shared..).unwrap_or_default(), 0) >> 8;
        };
        let stored = self.ordering.stored(level, ix);
        if stored.is_empty() {
            return u128::MAX;
        }
        let key = if own.index.sort.is_text() {
            part(&own.index.sort.text(stored), 0) >> 8
        } else {
            // Ordinals are far smaller than 127 bits.
            ((own.index.sort.ordinal(stored) + (1 << 100)).max(0) as u128).min(u128::MAX >> 2)
        };
        if own.descending {
            (u128::MAX >> 1) - key
        } else {
            key
        }
    }

    /// False if it became too expensive.
    fn walk(
        &self,
        level: usize,
        set: &RoaringBitmap,
        bound: Option<&Bound>,
        found: &mut Found,
        budget: &mut i64,
    ) -> bool {
        let Some(own) = self.ordering.levels.get(level) else {
            return self.walk_refs(set, bound, found, budget);
        };
        let key = bound.map(|bound| bound.position.keys[level].as_ref());
        // Nulls come last: they are the first to be met on the way back.
        let (values, nulls) = match key {
            None => (Some(None), Some(None)),
            Some(Some(_)) if self.backward => (Some(bound), None),
            Some(Some(_)) => (Some(bound), Some(None)),
            Some(None) if self.backward => (Some(None), Some(bound)),
            Some(None) => (None, Some(bound)),
        };
        let walk_nulls = |found: &mut Found| {
            if let Some(bound) = nulls
                && !own.always
                && !found.is_full()
            {
                let without = set - own.index.present();
                if !without.is_empty() {
                    self.gather(level + 1, &without, bound, found);
                }
            }
        };
        if self.backward {
            walk_nulls(found);
        }
        if let Some(bound) = values
            && !self.walk_values(level, set, bound, found, budget)
        {
            return false;
        }
        if !self.backward {
            walk_nulls(found);
        }
        true
    }

    fn walk_values(
        &self,
        level: usize,
        set: &RoaringBitmap,
        bound: Option<&Bound>,
        found: &mut Found,
        budget: &mut i64,
    ) -> bool {
        let texts = self.ordering.snapshot.texts();
        let own = &self.ordering.levels[level];
        let key = bound.and_then(|bound| bound.position.keys[level].as_ref());
        let mut step = |entry: &Entry, at_bound: bool| {
            if found.is_full() {
                return Some(true);
            }
            *budget -= 1;
            let bound = bound.filter(|_| at_bound);
            match entry {
                Entry::One(ix) => {
                    if set.contains(*ix) && self.is_beyond(*ix, bound) {
                        found.items.push(*ix);
                    }
                }
                Entry::Shared(_) => {
                    let members = entry.within(set);
                    if !members.is_empty() {
                        self.gather(level + 1, &members, bound, found);
                    }
                    *budget -= 3;
                }
            }
            (*budget < 0 && !found.is_full()).then_some(false)
        };
        let is_key =
            |entry: &Entry| key.is_some_and(|key| own.index.compare(entry, key, texts).is_eq());
        let mut first = true;
        let mut each = |entry: &Entry| {
            let at_bound = std::mem::take(&mut first) && is_key(entry);
            step(entry, at_bound)
        };
        let outcome = if own.descending == self.backward {
            own.index.ascending(key, texts).find_map(&mut each)
        } else {
            own.index.descending(key, texts).find_map(&mut each)
        };
        outcome.unwrap_or(true)
    }

    fn walk_refs(
        &self,
        set: &RoaringBitmap,
        bound: Option<&Bound>,
        found: &mut Found,
        budget: &mut i64,
    ) -> bool {
        let snapshot = self.ordering.snapshot;
        let key = match bound {
            Some(bound) => Some(Key::Text(bound.position.entity_ref.clone())),
            None => self
                .span(set)
                .map(|(from, to)| if self.backward { to } else { from }),
        };
        let mut each = |entry: &Entry| {
            if found.is_full() {
                return Some(true);
            }
            *budget -= 1;
            let mut own: Vec<u32> = match entry {
                Entry::One(ix) if !set.contains(*ix) => Vec::new(),
                Entry::One(ix) => vec![*ix],
                Entry::Shared(_) => entry.within(set).into_iter().collect(),
            };
            own.sort_unstable_by_key(|ix| snapshot.entity_ref(Ix(*ix)));
            if self.backward {
                own.reverse();
            }
            for ix in own {
                // All criteria but the ref are equal here, so the whole comparison is one of refs.
                if !found.is_full() && self.is_beyond(ix, bound) {
                    found.items.push(ix);
                }
            }
            (*budget < 0 && !found.is_full()).then_some(false)
        };
        let texts = snapshot.texts();
        let outcome = if self.backward {
            snapshot
                .refs
                .descending(key.as_ref(), texts)
                .find_map(&mut each)
        } else {
            snapshot
                .refs
                .ascending(key.as_ref(), texts)
                .find_map(&mut each)
        };
        outcome.unwrap_or(true)
    }
}

/// What was found so far, and how much is wanted.
struct Found {
    items: Vec<u32>,
    n: usize,
}

impl Found {
    fn is_full(&self) -> bool {
        self.items.len() >= self.n
    }
}
