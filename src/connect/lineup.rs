//! One provider's objects in the order in which they are shown, and where to go on among them.

use std::cell::Cell;
use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::cursor::{Place, anchor};
use super::live::LiveObject;
use super::provide::Provided;
use super::routes::{Order, Route};
use crate::sdl::expr::Expr;

/// The objects of a provider in their order.
pub(super) struct Lineup<'l> {
    provided: &'l Provided,
    identity: Option<&'l Expr>,
    place: Place,
    /// The order in which they are taken, if it is not the upstream's.
    sorted: Option<Vec<usize>>,
    /// The first one behind the place.
    pub(super) start: usize,
}

impl Route {
    pub(super) fn lineup<'l>(&'l self, provider: usize, provided: &'l Provided) -> Lineup<'l> {
        let last = self.providers.get(provider);
        let last = last.and_then(|provider| provider.steps.last());
        let window = self.page.as_ref();
        let mut lineup = Lineup {
            provided,
            identity: last.and_then(|step| step.identity.as_ref()),
            place: window.map_or(Place::default(), |window| window.place(provider)),
            sorted: self.order.as_ref().and_then(|order| order.sort(provided)),
            start: 0,
        };
        lineup.start = lineup.find();
        lineup
    }
}

impl Lineup<'_> {
    /// Where to go on: behind the object that was shown last, wherever it stands now.
    fn find(&self) -> usize {
        let behind = self.place.behind as usize;
        if self.place.anchor == 0 {
            return behind;
        }
        let is_it = |position: &usize| self.anchor(*position) == self.place.anchor;
        let near = behind.checked_sub(1).filter(is_it);
        let len = self.provided.len();
        match near.or_else(|| (0..len).find(is_it)) {
            Some(position) => position + 1,
            None => behind.min(len),
        }
    }

    /// Where an object of this order stands in the provider's own.
    pub(super) fn own(&self, position: usize) -> Option<usize> {
        let own = match &self.sorted {
            Some(sorted) => *sorted.get(position)?,
            None => position,
        };
        (own < self.provided.len()).then_some(own)
    }

    fn object(&self, position: usize) -> Option<LiveObject> {
        self.provided.object(self.own(position)?)
    }

    fn anchor(&self, position: usize) -> u32 {
        let Some(object) = self.object(position) else {
            return 0;
        };
        let mismatches = Cell::new(0);
        match self.identity {
            Some(identity) => anchor(&object.evaluate(identity, object.value(), None, &mismatches)),
            None => anchor(object.value()),
        }
    }

    /// Whether an object is shown; `None` where nobody looked, since there were enough before.
    fn is_shown(&self, own: usize) -> Option<bool> {
        match &self.provided.chosen {
            Some(chosen) => chosen.get(&own).copied(),
            None => Some(true),
        }
    }
}

/// A list, and how far it was taken.
pub(super) struct Head<'h> {
    lineup: Lineup<'h>,
    next: usize,
    place: Place,
    /// The object that would be taken, with what it is compared by.
    head: Option<(LiveObject, Value)>,
    /// Nobody has looked at what comes next.
    is_open: bool,
}

impl<'h> Head<'h> {
    pub(super) fn new(lineup: Lineup<'h>, order: Option<&Order>) -> Self {
        let mut head = Self {
            next: lineup.start,
            place: lineup.place,
            lineup,
            head: None,
            is_open: false,
        };
        head.look(order);
        head
    }

    fn look(&mut self, order: Option<&Order>) {
        self.head = None;
        while let Some(own) = self.lineup.own(self.next) {
            match self.lineup.is_shown(own) {
                Some(true) => break,
                Some(false) => self.next += 1,
                None => {
                    self.is_open = true;
                    return;
                }
            }
        }
        self.head = self.lineup.object(self.next).map(|object| {
            let by = order.map_or(Value::Null, |order| order.key(&object));
            (object, by)
        });
    }

    /// What the next object is compared by.
    pub(super) fn by(&self) -> Option<&Value> {
        self.head.as_ref().map(|(_, by)| by)
    }

    /// Whether there is, or may be, one more.
    pub(super) fn goes_on(&self) -> bool {
        self.head.is_some() || self.is_open
    }

    pub(super) fn take(&mut self, order: Option<&Order>) -> Option<LiveObject> {
        let (object, _) = self.head.take()?;
        self.place = Place {
            behind: u32::try_from(self.next + 1).unwrap_or(u32::MAX),
            anchor: 0,
        };
        self.next += 1;
        self.look(order);
        Some(object)
    }

    /// The place behind what was taken; what nobody took stays where it was.
    pub(super) fn place(&self) -> Place {
        match self.place {
            Place { behind, anchor: 0 } if behind > 0 => Place {
                behind,
                anchor: self.lineup.anchor(behind as usize - 1),
            },
            place => place,
        }
    }
}

impl Order {
    /// A list that is there as a whole can be put in order; of others the upstream's order has to do.
    fn sort(&self, provided: &Provided) -> Option<Vec<usize>> {
        let mut parts = provided.parts.iter();
        if !parts.all(|part| part.progress.is_complete()) {
            return None;
        }
        let mut keyed: Vec<(usize, Value)> = (0..provided.len())
            .filter_map(|position| Some((position, self.key(&provided.object(position)?))))
            .collect();
        keyed.sort_by(|(_, one), (_, other)| self.compare(one, other));
        Some(keyed.into_iter().map(|(position, _)| position).collect())
    }

    fn key(&self, object: &LiveObject) -> Value {
        let Some(binding) = self.by_type.get(&object.origin.type_name) else {
            return Value::Null;
        };
        let mismatches = Cell::new(0);
        let found = object.evaluate(&binding.at, object.value(), None, &mismatches);
        found.into_owned()
    }

    /// What has no value comes last.
    pub(super) fn compare(&self, one: &Value, other: &Value) -> Ordering {
        match (one.is_null(), other.is_null()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        let ascending = compare(one, other);
        match self.descending {
            true => ascending.reverse(),
            false => ascending,
        }
    }
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            one.partial_cmp(&other).unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => {
            match (one.parse::<Timestamp>(), other.parse::<Timestamp>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                _ => one.cmp(other),
            }
        }
        (one, other) => one.to_string().cmp(&other.to_string()),
    }
}
