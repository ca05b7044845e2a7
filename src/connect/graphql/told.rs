//! What tags read of an object: asked for with whatever is fetched of it, so that they always say what the upstream calls it now.
//!
//! It is no part of what anybody wants: an object that is held without it is complete, and nothing is fetched for a tag alone.

use serde_json::{Map, Value};

use super::legs::Leg;
use super::need::{Field, Need};
use super::root::RootField;
use crate::cache::Tag;
use crate::connect::flights::{Tower, Wanted, both};
use crate::connect::routes::Fetch;
use crate::sdl::expr::{Lookup, Step, response_key};

/// The items of a connection, as paths call them: they are read if somebody wants them, and never for a tag.
const ITEMS: &str = "nodes";

/// So many tags of an object that is fetched part by part are kept beside those that its newest part says; the newest stand first.
const OLD_TAGS: usize = 256;

impl RootField {
    /// From the root field's value to the object that `$` is: the names of the further steps of `query`.
    fn object(&self, lookup: Lookup<'_>) -> Option<Vec<Box<str>>> {
        let mut names = Vec::with_capacity(self.n_steps);
        let mut condition = None;
        for (position, step) in self.rest.iter().take(self.n_steps).enumerate() {
            let Step::Name(name, args) = step else {
                return None;
            };
            if let Some(of) = step.condition() {
                condition = Some(of);
                continue;
            }
            let last = position + 1 == self.rest.len();
            names.push((*response_key(condition.take(), name, args, last, lookup)).into());
        }
        Some(names)
    }
}

impl Fetch {
    /// Adds what tags read of the object to what is asked of its root field.
    pub(super) fn ask_for_tags(&self, field: &mut Field, lookup: Lookup<'_>) {
        let (Some(told), Some(root)) = (&self.told, &self.root) else {
            return;
        };
        let Some(place) = root.object(lookup) else {
            return;
        };
        // Of another part of the root field's value it may be that is missing.
        let mut at = Some(field);
        for name in &place {
            at = at.and_then(|field| field.below.fields.get_mut(name));
        }
        let Some(object) = at.filter(|object| !object.is_leaf()) else {
            return;
        };
        for path in &told.paths {
            add(&mut object.below, path);
        }
    }
}

impl Tower {
    /// The same for an object whose flight is ours.
    pub(super) fn ask_for_tags(&self, leg: &mut Leg) {
        for wanted in [&leg.wanted].into_iter().chain(&leg.part.also) {
            if wanted.fetch.told.is_none() {
                continue;
            }
            let bound = self.bound(wanted);
            let lookup = |root: &str, members: &[Box<str>]| bound.variable(root, members);
            wanted.fetch.ask_for_tags(&mut leg.missing, &lookup);
        }
    }

    /// What the object is purged by; what it was called before counts as well, as long as it is held.
    pub(super) fn tags_of(&self, leg: &Leg, tree: Option<&Map<String, Value>>) -> Box<[Tag]> {
        let each = [&leg.wanted].into_iter().chain(&leg.part.also);
        let own = each.fold(Box::default(), |own: Box<[Tag]>, wanted| {
            both(&own, self.tags_by(wanted, tree))
        });
        let held = self.held(&leg.wanted);
        let held = held.as_ref().map_or(&[][..], |held| held.entry.tags());
        both(held.get(..OLD_TAGS).unwrap_or(held), own)
    }

    fn tags_by(&self, wanted: &Wanted, tree: Option<&Map<String, Value>>) -> Box<[Tag]> {
        let bound = self.bound(wanted);
        let fetch = &wanted.fetch;
        let lookup = |root: &str, members: &[Box<str>]| bound.variable(root, members);
        let place = match (&fetch.told, &fetch.root) {
            (Some(_), Some(root)) => root.object(&lookup),
            _ => None,
        };
        let object = place.and_then(|place| {
            let root = tree?.get(&*wanted.ask.shape)?;
            place.iter().try_fold(root, |at, name| at.get(&**name))
        });
        bound.tags(object.as_slice())
    }
}

/// Adds a path of plain fields.
fn add(need: &mut Need, path: &[Box<str>]) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    if **name == *ITEMS && !need.fields.contains_key(name) {
        return;
    }
    let field = need.fields.entry(name.clone()).or_insert_with(|| Field {
        name: name.clone(),
        ..Field::default()
    });
    add(&mut field.below, rest);
}
