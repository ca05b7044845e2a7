//! Walking an order: the first of a set beyond a place, in either direction.
//!
//! A dense set is read off the ordered indexes until there are enough; a sparse one is sorted by itself.
//! Which of them is cheaper is found out by trying: the walk over an index gives up when it has cost about as much as sorting would.

use std::cmp::Ordering;

use roaring::RoaringBitmap;

use super::Ix;
use super::bulk::part;
use super::cursor::Position;
use super::index::Entry;
use super::order::Criteria;
use super::value::Key;

/// Sets up to this size are sorted at once; in tests nearly none, so that small catalogs take every way.
pub(super) const SMALL: u64 = if cfg!(test) { 3 } else { 256 };
/// Steps that a walk over an index may take in any case.
const STEPS: i64 = if cfg!(test) { 4 } else { 1_000 };

/// Where to begin.
pub(super) struct Bound {
    pub(super) position: Position,
    /// Whether what stands there belongs to what is sought.
    pub(super) inclusive: bool,
}

/// An order walked in one direction.
#[derive(Clone, Copy)]
pub(super) struct Side<'o, 'a> {
    pub(super) ordering: &'o Criteria<'a>,
    pub(super) backward: bool,
}

impl Side<'_, '_> {
    pub(super) fn reversed(self) -> Self {
        Self {
            backward: !self.backward,
            ..self
        }
    }

    pub(super) fn compare_position(&self, ix: u32, position: &Position) -> Ordering {
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
    pub(super) fn beyond(&self, set: &RoaringBitmap, position: &Position, inclusive: bool) -> bool {
        let bound = Bound {
            position: position.clone(),
            inclusive,
        };
        !self.collect(set, Some(&bound), 1).is_empty()
    }

    /// The first `n` of `set` beyond `bound`.
    pub(super) fn collect(&self, set: &RoaringBitmap, bound: Option<&Bound>, n: usize) -> Vec<u32> {
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
