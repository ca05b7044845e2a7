//! What the providers of a field have, put together into its answer.
//!
//! A connection takes from each provider's list in turn, so that a cursor is a place in each of them.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::ask::nearest;
use super::cursor::{Cursor, Place, anchor};
use super::fault;
use super::filter::Filter;
use super::live::LiveObject;
use super::provide::Provided;
use super::routes::{Order, Provider, Route, Window};
use super::scope::{Outcome, Scope, State};
use super::seam::{Answer, Fault, Fetched, FetchedPage, Item, Parent};
use crate::config::DEFAULT_INSTANCE;
use crate::sdl::expr::Expr;

impl Route {
    /// How many objects of a provider's list are wanted.
    pub(super) fn wanted(&self, provider: usize) -> usize {
        match &self.page {
            None => 1,
            Some(window) => window.place(provider).behind as usize + window.first,
        }
    }

    /// The answer for one parent.
    pub(super) fn answer(&self, provided: &[Provided]) -> Answer {
        let faults: Vec<Fault> = provided
            .iter()
            .flat_map(|provided| provided.faults.iter().cloned())
            .collect();
        let fetched = match &self.page {
            None => provided
                .iter()
                .find_map(|provided| provided.object(0))
                .map(Fetched::Live),
            Some(Window {
                after: Some(Err(())),
                ..
            }) => {
                let message = "`after` is no cursor of this list";
                return Fault::new("BAD_USER_INPUT", message).into();
            }
            Some(window) => match provided.iter().any(Provided::is_answered) {
                true => Some(Fetched::Page(self.page(window, provided))),
                false => None,
            },
        };
        Answer {
            fetched: fetched.unwrap_or(Fetched::Value(Value::Null)),
            faults,
        }
    }

    fn page(&self, window: &Window, provided: &[Provided]) -> FetchedPage {
        let mut heads: Vec<Head<'_>> = provided
            .iter()
            .zip(&self.providers)
            .zip(&self.filters)
            .enumerate()
            .map(|(position, ((provided, provider), filter))| {
                Head::new(
                    provided,
                    provider,
                    window.place(position),
                    self.order.as_ref(),
                    filter,
                )
            })
            .collect();
        let has_previous = heads.iter().any(|head| head.place.behind > 0);
        let mut items = Vec::with_capacity(window.first.min(64));
        while items.len() < window.first {
            let Some(taken) = self.next(&mut heads) else {
                break;
            };
            let cursor = match self.cursors {
                true => Cursor(heads.iter().map(Head::place).collect()).write(),
                false => Box::default(),
            };
            items.push((Item::Live(taken), cursor));
        }
        let progress = || heads.iter().flat_map(|head| head.provided.parts.iter());
        let more_above = progress().any(|part| part.progress().next.is_some());
        let complete = progress().all(|part| part.progress().is_complete())
            && provided.iter().all(|provided| provided.faults.is_empty())
            && !self.filters.iter().any(Filter::is_blind);
        FetchedPage {
            has_next: more_above || heads.iter().any(|head| head.head.is_some()),
            has_previous,
            total: match self.total
                && self.filters.iter().all(Filter::is_open)
                && provided.iter().all(|provided| provided.faults.is_empty())
            {
                true => total(provided),
                false => None,
            },
            complete: Some(complete),
            items,
        }
    }

    /// Takes the object that comes next of all lists.
    fn next(&self, heads: &mut [Head<'_>]) -> Option<LiveObject> {
        let mut best: Option<usize> = None;
        for (position, head) in heads.iter().enumerate() {
            let Some((_, own)) = &head.head else {
                continue;
            };
            let before = |best: &usize| match (&self.order, &heads[*best].head) {
                (Some(order), Some((_, other))) => order.compare(own, other) == Ordering::Less,
                _ => false,
            };
            if best.as_ref().is_none_or(before) {
                best = Some(position);
            }
        }
        heads[best?].take(self.order.as_ref())
    }

    /// Notes what became of each provider.
    pub(super) fn record(
        &self,
        parent: &Parent,
        provided: &[Provided],
        scope: &Scope,
        now: Timestamp,
    ) {
        if !scope.is_watched() {
            return;
        }
        for (provided, provider) in provided.iter().zip(&self.providers) {
            let state = provided.state();
            let last = provided.parts.last();
            let not = provided.not.as_ref().filter(|not| not.state == state);
            let instance = match (last, not) {
                (Some(last), _) => last.ask.instance.name.clone(),
                (None, Some(not)) => not.instance.clone(),
                (None, None) => DEFAULT_INSTANCE.into(),
            };
            let fault = provided.faults.first();
            scope.record(|| Outcome {
                entity: nearest(parent),
                field: self.field.clone(),
                connector: provider.connector.clone(),
                instance,
                state,
                fetched_at: last
                    .filter(|_| state != State::Failed)
                    .map(|last| last.entry().life().fetched_at),
                code: fault.map(|fault| fault.code),
                retry_at: fault.and_then(|fault| fault::retry_at(fault, now)),
                hint: not.map(|not| not.hint.clone()),
            });
        }
    }
}

/// How many objects all lists have; `None` if one of them does not say.
fn total(provided: &[Provided]) -> Option<u64> {
    let parts = provided.iter().flat_map(|provided| &provided.parts);
    let each = parts.map(|part| {
        let progress = part.progress();
        let all = progress.is_complete().then(|| part.len() as u64);
        progress.total.or(all)
    });
    each.sum()
}

impl Window {
    fn place(&self, provider: usize) -> Place {
        match &self.after {
            Some(Ok(cursor)) => cursor.0.get(provider).copied().unwrap_or_default(),
            Some(Err(())) | None => Place::default(),
        }
    }
}

/// One provider's list, and how far it was taken.
struct Head<'h> {
    provided: &'h Provided,
    identity: Option<&'h Expr>,
    filter: &'h Filter,
    next: usize,
    place: Place,
    /// The order in which they are taken, if it is not the upstream's.
    sorted: Option<Vec<usize>>,
    /// The object that would be taken, with what it is compared by.
    head: Option<(LiveObject, Value)>,
}

impl<'h> Head<'h> {
    fn new(
        provided: &'h Provided,
        provider: &'h Provider,
        place: Place,
        order: Option<&Order>,
        filter: &'h Filter,
    ) -> Self {
        let identity = provider
            .steps
            .last()
            .and_then(|step| step.fetch.identity.as_ref());
        let mut head = Self {
            provided,
            identity,
            filter,
            next: 0,
            place,
            sorted: order.and_then(|order| order.sort(provided)),
            head: None,
        };
        head.next = head.find(place);
        head.look(order);
        head
    }

    /// Where to go on: behind the object that was shown last, wherever it stands now.
    fn find(&self, place: Place) -> usize {
        let behind = place.behind as usize;
        if place.anchor == 0 {
            return behind;
        }
        let is_it = |position: &usize| self.anchor(*position) == place.anchor;
        let near = behind.checked_sub(1).filter(is_it);
        let len = self.provided.len();
        match near.or_else(|| (0..len).find(is_it)) {
            Some(position) => position + 1,
            None => behind.min(len),
        }
    }

    fn object(&self, position: usize) -> Option<LiveObject> {
        match &self.sorted {
            Some(sorted) => self.provided.object(*sorted.get(position)?),
            None => self.provided.object(position),
        }
    }

    fn anchor(&self, position: usize) -> u32 {
        let Some(object) = self.object(position) else {
            return 0;
        };
        let mismatches = std::cell::Cell::new(0);
        match self.identity {
            Some(identity) => anchor(&object.evaluate(identity, object.value(), None, &mismatches)),
            None => anchor(object.value()),
        }
    }

    fn look(&mut self, order: Option<&Order>) {
        let mut object = self.object(self.next);
        while let Some(other) = &object
            && !self.filter.lets_through(other)
        {
            self.next += 1;
            object = self.object(self.next);
        }
        self.head = object.map(|object| {
            let by = order.map_or(Value::Null, |order| order.key(&object));
            (object, by)
        });
    }

    fn take(&mut self, order: Option<&Order>) -> Option<LiveObject> {
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
    fn place(&self) -> Place {
        match self.place {
            Place { behind, anchor: 0 } if behind > 0 => Place {
                behind,
                anchor: self.anchor(behind as usize - 1),
            },
            place => place,
        }
    }
}

impl Order {
    /// A list that is there as a whole can be put in order; of others the upstream's order has to do.
    fn sort(&self, provided: &Provided) -> Option<Vec<usize>> {
        let mut parts = provided.parts.iter();
        if !parts.all(|part| part.progress().is_complete()) {
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
        let mismatches = std::cell::Cell::new(0);
        let found = object.evaluate(&binding.at, object.value(), None, &mismatches);
        found.into_owned()
    }

    /// What has no value comes last.
    fn compare(&self, one: &Value, other: &Value) -> Ordering {
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
