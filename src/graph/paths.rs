//! Values at descriptor paths that are no column: indexed when first asked for, then kept up to date by what has changed since.
//!
//! The indexes belong to a lineage of snapshots: each remembers the state it is of, and the lineage remembers which entities changed between states.
//! So a change costs nothing for indexes that nobody uses, and an index that fell too far behind is made anew.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use parking_lot::Mutex;
use roaring::RoaringBitmap;
use serde_json::Value;

use super::Predicate;
use super::index::{Entry, Source, Texts, ValueIndex};
use super::tree::Tree;
use super::value::{Sort, compare_folded, list_items, push_json_string, unquote};

/// Indexes that a lineage keeps.
const INDEXES: usize = 16;
/// Changed entities that a lineage remembers.
const CHANGES: usize = 1 << 16;

/// What a descriptor has at a path.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Scalars, as text.
    pub(super) single: Vec<String>,
    /// Scalars in lists, as text.
    pub(super) items: Vec<String>,
    /// An object, or a list.
    pub(super) nested: bool,
}

impl Found {
    fn is_nothing(&self) -> bool {
        self.single.is_empty() && self.items.is_empty() && !self.nested
    }
}

/// Walks `path` from `value`; keys may have dots in them, lists are walked into.
pub(super) fn find(value: &Value, path: &str, in_list: bool, found: &mut Found) {
    match value {
        Value::Object(object) => {
            if let Some(below) = object.get(path) {
                take(below, in_list, found);
            }
            for (dot, _) in path.match_indices('.') {
                let (key, rest) = path.split_at(dot);
                if let Some(below) = object.get(key) {
                    find(below, rest.get(1..).unwrap_or_default(), in_list, found);
                }
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| find(item, path, true, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn take(value: &Value, in_list: bool, found: &mut Found) {
    let text = match value {
        Value::Null => return,
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Object(_) => {
            found.nested = true;
            return;
        }
        Value::Array(items) => {
            found.nested |= !items.is_empty();
            items.iter().for_each(|item| take(item, true, found));
            return;
        }
    };
    if in_list {
        found.items.push(text);
    } else {
        found.single.push(text);
    }
}

/// The values at one path.
#[derive(Clone, Debug)]
pub(super) struct PathIndex {
    path: Box<str>,
    single: ValueIndex,
    items: ValueIndex,
    /// Entities that have anything there.
    present: Arc<RoaringBitmap>,
    /// What each of them has, as two JSON lists.
    held: Tree<(u32, Arc<(String, String)>)>,
}

impl PathIndex {
    pub(super) fn new(path: &str) -> Self {
        Self {
            path: path.into(),
            single: ValueIndex::new(Source::Held, Sort::Text, true),
            items: ValueIndex::new(Source::Held, Sort::Text, true),
            present: Arc::default(),
            held: Tree::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// Replaces what is known of `ix`.
    pub(super) fn set(&mut self, ix: u32, descriptor: Option<&Value>, texts: Texts<'_>) {
        if self.present.contains(ix) {
            Arc::make_mut(&mut self.present).remove(ix);
            if let Some((_, held)) = self.held.remove(|other| other.0.cmp(&ix)) {
                self.single.remove(ix, &held.0, texts, Source::Held);
                self.items.remove(ix, &held.1, texts, Source::Held);
            }
        }
        let mut found = Found::default();
        if let Some(descriptor) = descriptor {
            find(descriptor, &self.path, false, &mut found);
        }
        self.add(ix, &found, texts);
    }

    /// Enters what was found for `ix`, of which nothing is known yet.
    pub(super) fn add(&mut self, ix: u32, found: &Found, texts: Texts<'_>) {
        if found.is_nothing() {
            return;
        }
        Arc::make_mut(&mut self.present).insert(ix);
        if found.single.is_empty() && found.items.is_empty() {
            return;
        }
        let held = Arc::new((json_list(&found.single), json_list(&found.items)));
        self.single.add(ix, &held.0, texts);
        self.items.add(ix, &held.1, texts);
        self.held.insert((ix, held), |other| other.0.cmp(&ix));
    }

    /// The entities for which `predicate` holds, compared as texts; as numbers where both are numbers.
    pub(super) fn select(
        &self,
        predicate: &Predicate,
        all: &RoaringBitmap,
        texts: Texts<'_>,
    ) -> RoaringBitmap {
        let both = |predicate: &Predicate| {
            self.single.select(predicate, all, texts) | self.items.select(predicate, all, texts)
        };
        match predicate {
            Predicate::Exists(true) => (*self.present).clone(),
            Predicate::Exists(false) => all - &*self.present,
            Predicate::Ne(value) => all - both(&Predicate::Eq(value.clone())),
            Predicate::Contains(part) => {
                let finder = super::value::Finder::new(part);
                let substring = self.matching(&self.single, |text| finder.is_in(text));
                substring | self.items.select(predicate, all, texts)
            }
            Predicate::Lt(value) => self.ordered(value, Ordering::Less),
            Predicate::Gt(value) => self.ordered(value, Ordering::Greater),
            Predicate::Eq(_) | Predicate::In(_) | Predicate::StartsWith(_) => both(predicate),
        }
    }

    fn ordered(&self, value: &Value, wanted: Ordering) -> RoaringBitmap {
        let operand = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let number: Option<f64> = operand.parse().ok();
        let matches = |text: &str| {
            let order = match (number, text.parse::<f64>().ok()) {
                (Some(operand), Some(own)) => own.partial_cmp(&operand),
                _ => Some(compare_folded(text, &operand)),
            };
            order == Some(wanted)
        };
        self.matching(&self.single, matches) | self.matching(&self.items, matches)
    }

    fn matching(&self, index: &ValueIndex, matches: impl Fn(&str) -> bool) -> RoaringBitmap {
        let mut union = super::index::Union::default();
        for entry in index.values() {
            if entry.held().is_some_and(|json| matches(&unquote(json))) {
                union.add(entry);
            }
        }
        union.done()
    }

    /// All values, those in lists too.
    pub(super) fn values(&self) -> impl Iterator<Item = &Entry> {
        self.single.values().chain(self.items.values())
    }

    pub(super) fn n_values(&self) -> usize {
        self.single.n_values() + self.items.n_values()
    }

    /// The values of one entity, as text.
    pub(super) fn values_of(&self, ix: u32) -> Vec<String> {
        let Some((_, held)) = self.held.get(|other| other.0.cmp(&ix)) else {
            return Vec::new();
        };
        let items = [&held.0, &held.1]
            .into_iter()
            .flat_map(|list| list_items(list));
        items.map(|item| unquote(&item).into_owned()).collect()
    }
}

fn json_list(texts: &[String]) -> String {
    let mut json = vec![b'['];
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        push_json_string(&mut json, text);
    }
    json.push(b']');
    String::from_utf8(json).unwrap_or_default()
}

/// Which state of a lineage a snapshot is; every applied change makes a new one.
pub(super) type Generation = u64;

/// An index with the state it is of; nothing while it is made for the first time.
type Cell = Arc<Mutex<Option<(Generation, Arc<PathIndex>)>>>;

/// The path indexes of a lineage.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    last: AtomicU64,
    /// Last used last.
    indexes: Mutex<Vec<(Box<str>, Cell)>>,
    changes: Mutex<Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    /// State, the state before it, entities that differ.
    steps: VecDeque<(Generation, Generation, Box<[u32]>)>,
    n_entities: usize,
}

impl Lineage {
    /// A new state after `before`, in which `changed` entities differ.
    pub(super) fn step(&self, before: Generation, changed: Vec<u32>) -> Generation {
        let next = self.last.fetch_add(1, Atomic::Relaxed) + 1;
        let mut changes = self.changes.lock();
        changes.n_entities += changed.len() + 1;
        changes.steps.push_back((next, before, changed.into()));
        while changes.n_entities > CHANGES {
            let Some((_, _, gone)) = changes.steps.pop_front() else {
                break;
            };
            changes.n_entities -= gone.len() + 1;
        }
        next
    }

    /// The index of `path` for the state `at`; `descriptor` reads that state.
    pub(super) fn index(
        &self,
        path: &str,
        at: Generation,
        all: &RoaringBitmap,
        texts: Texts<'_>,
        descriptor: impl Fn(u32) -> Option<Value>,
    ) -> Arc<PathIndex> {
        let cell = self.cell(path);
        let mut known = cell.lock();
        if let Some((generation, index)) = &*known
            && let Some(changed) = self.between(*generation, at)
        {
            if changed.is_empty() {
                return Arc::clone(index);
            }
            let mut next = (**index).clone();
            for ix in changed {
                next.set(ix, descriptor(ix).as_ref(), texts);
            }
            let next = Arc::new(next);
            if *generation < at {
                *known = Some((at, Arc::clone(&next)));
            }
            return next;
        }
        let mut index = PathIndex::new(path);
        for ix in all {
            index.set(ix, descriptor(ix).as_ref(), texts);
        }
        let index = Arc::new(index);
        *known = Some((at, Arc::clone(&index)));
        index
    }

    fn cell(&self, path: &str) -> Cell {
        let mut indexes = self.indexes.lock();
        let known = indexes.iter().position(|(known, _)| **known == *path);
        let own = known.map_or_else(|| (path.into(), Cell::default()), |at| indexes.remove(at));
        let cell = Arc::clone(&own.1);
        indexes.push(own);
        if indexes.len() > INDEXES {
            indexes.remove(0);
        }
        cell
    }

    /// The entities that differ between two states; `None` if it is not known any more.
    fn between(&self, one: Generation, other: Generation) -> Option<Vec<u32>> {
        let (old, mut at) = (one.min(other), one.max(other));
        let changes = self.changes.lock();
        let mut changed = Vec::new();
        for (generation, before, entities) in changes.steps.iter().rev() {
            if at == old {
                break;
            }
            if *generation == at {
                changed.extend_from_slice(entities);
                at = *before;
            }
        }
        changed.sort_unstable();
        changed.dedup();
        (at == old).then_some(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_dots_and_lists_on_the_way() {
        let value = serde_json::json!({
            "metadata": {
                "annotations": { "a.b/c": "x", "a": { "b/c": 5 } },
                "links": [{ "url": "u1" }, { "url": "u2" }],
                "tags": ["t", true],
            },
            "spec": { "nothing": null, "empty": [] },
        });
        let check = |path: &str, expected: &str| {
            let mut found = Found::default();
            find(&value, path, false, &mut found);
            let Found {
                single,
                items,
                nested,
            } = found;
            assert_eq!(format!("{single:?} {items:?} {nested}"), expected, "{path}");
        };
        check("metadata.annotations.a.b/c", r#"["x", "5"] [] false"#);
        check("metadata.links.url", r#"[] ["u1", "u2"] false"#);
        check("metadata.tags", r#"[] ["t", "true"] true"#);
        check("metadata.links", "[] [] true");
        check("spec", "[] [] true");
        check("spec.nothing", "[] [] false");
        check("spec.empty", "[] [] false");
        check("spec.none.at.all", "[] [] false");
    }
}
