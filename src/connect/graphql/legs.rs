//! What goes into a document: the objects whose flights are ours, and how many of them travel together.

use std::collections::HashMap;
use std::sync::Arc;

use super::cost::{self, Cost};
use super::held::Held as Holding;
use super::need::{Ages, Field, Need};
use crate::cache::{Entry, Key, Lead, Mark};
use crate::connect::flights::Wanted;
use crate::sdl::BatchStyle;

/// What is wanted of one object of a graph.
#[derive(Clone)]
pub(in crate::connect) struct Part {
    /// The root field, with its arguments.
    pub(in crate::connect) field: Field,
    pub(in crate::connect) ages: Ages,
    /// Others ask the same root field by a `@connect` of their own: what is kept is purged by their tags as well.
    pub(in crate::connect) also: Vec<Wanted>,
}

/// One object whose flight is ours.
pub(super) struct Leg {
    pub(super) wanted: Wanted,
    pub(super) part: Part,
    /// What is fetched now.
    pub(super) missing: Field,
    pub(super) lead: Lead,
    /// What is held of it, as it was when we took off.
    pub(super) base: Option<Arc<Entry>>,
    pub(super) mark: Mark,
    /// What came so far.
    pub(super) came: Option<Holding>,
    pub(super) pages: usize,
    pub(super) no_store: bool,
}

impl Leg {
    pub(super) fn cost(&self) -> Cost {
        let items = self.wanted.ask.instance.connections.items;
        cost::of(&Need::one("".into(), self.missing.clone()), items)
    }

    /// Asks for half as many items at once, where that is possible.
    pub(super) fn halve(&mut self) -> bool {
        let halved = self.missing.halved().zip(self.part.field.halved());
        if let Some((missing, part)) = halved {
            self.missing = missing;
            self.part.field = part;
            return true;
        }
        false
    }

    /// Asks for no more at once than one document may cost; false where it costs more however little that is.
    pub(super) fn is_fitted(&mut self) -> bool {
        let limits = self.wanted.ask.instance.document;
        while !self.cost().fits(&limits) {
            if !self.halve() {
                return false;
            }
        }
        true
    }

    /// How many root fields its document may have.
    fn most(&self) -> usize {
        let batch = self.wanted.fetch.connect.batch.as_ref();
        match batch.filter(|batch| batch.style == BatchStyle::Alias) {
            Some(batch) => batch.max as usize,
            None => 1,
        }
    }
}

/// What is wanted of each object, all needs of it together.
pub(super) fn merged(wanted: Vec<Wanted>) -> Vec<(Wanted, Part)> {
    let mut objects: Vec<(Wanted, Part)> = Vec::with_capacity(wanted.len());
    let mut by_key: HashMap<Key, usize> = HashMap::with_capacity(wanted.len());
    for one in wanted {
        let Some(part) = one.part.clone() else {
            continue;
        };
        let known = by_key.get(&one.ask.key).copied();
        match known.and_then(|at| objects.get_mut(at)) {
            Some((first, known)) => {
                known.merge(&part);
                let is_other = |own: &Wanted| !Arc::ptr_eq(&own.fetch, &one.fetch);
                if is_other(first) && known.also.iter().all(is_other) {
                    known.also.push(one);
                }
            }
            None => {
                by_key.insert(one.ask.key, objects.len());
                objects.push((one, part));
            }
        }
    }
    objects
}

impl Part {
    /// Wants both; each field keeps the age of its own field's policy.
    fn merge(&mut self, other: &Self) {
        self.ages = self.ages.stricter(other.ages);
        self.field.merge(&other.field);
    }
}

/// As many objects in each document as its source allows.
pub(super) fn batches(legs: Vec<Leg>) -> Vec<Vec<Leg>> {
    struct Open {
        legs: Vec<Leg>,
        most: usize,
        cost: Cost,
    }
    let mut open: Vec<Open> = Vec::new();
    for leg in legs {
        let (most, cost) = (leg.most(), leg.cost());
        let fits = |batch: &&mut Open| {
            let same = batch.legs.first().is_some_and(|first| {
                Arc::ptr_eq(&first.wanted.ask.instance, &leg.wanted.ask.instance)
            });
            same && batch.legs.len() < batch.most.min(most)
                && batch.cost.and(cost).fits(&leg.wanted.ask.instance.document)
        };
        match open.iter_mut().find(fits) {
            Some(batch) => {
                batch.most = batch.most.min(most);
                batch.cost = batch.cost.and(cost);
                batch.legs.push(leg);
            }
            None => open.push(Open {
                legs: vec![leg],
                most,
                cost,
            }),
        }
    }
    open.into_iter().map(|batch| batch.legs).collect()
}

/// What messages and traces call a document: its root fields.
pub(super) fn names_of(legs: &[Leg]) -> Arc<str> {
    let mut names: Vec<&str> = Vec::new();
    for leg in legs {
        if !names.contains(&&*leg.missing.name) {
            names.push(&leg.missing.name);
        }
    }
    names.join(" ").into()
}
