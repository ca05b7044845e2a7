//! What the providers of a field have, put together into its answer.
//!
//! A connection takes from each provider's list in turn, so that a cursor is a place in each of them.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::ask::nearest;
use super::cursor::{Cursor, Place};
use super::fault;
use super::lineup::Head;
use super::live::LiveObject;
use super::provide::Provided;
use super::routes::{Order, Route, Window};
use super::scope::{Outcome, Scope, State};
use super::seam::{Answer, Fault, Fetched, FetchedPage, Item, Parent};
use crate::config::DEFAULT_INSTANCE;

impl Route {
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
        // One list alone is compared with nothing.
        let order = self.order.as_ref().filter(|_| provided.len() > 1);
        let mut heads: Vec<Head<'_>> = provided
            .iter()
            .enumerate()
            .map(|(position, provided)| Head::new(self.lineup(position, provided), order))
            .collect();
        let has_previous = (0..provided.len()).any(|position| window.place(position).behind > 0);
        let mut items = Vec::with_capacity(window.first.min(64));
        while items.len() < window.first {
            let Some(taken) = next(&mut heads, order) else {
                break;
            };
            let cursor = match self.cursors {
                true => Cursor(heads.iter().map(Head::place).collect()).write(),
                false => Box::default(),
            };
            items.push((Item::Live(taken), cursor));
        }
        let progress = || provided.iter().flat_map(|provided| provided.parts.iter());
        let more_above =
            progress().any(|part| part.progress.next.is_some() || part.progress.further);
        let complete = progress().all(|part| part.progress.is_complete())
            && provided.iter().all(|provided| provided.faults.is_empty())
            && !provided.iter().any(|provided| provided.is_cut);
        FetchedPage {
            has_next: more_above || heads.iter().any(Head::goes_on),
            has_previous,
            total: match self.total && provided.iter().all(|provided| provided.faults.is_empty()) {
                true => total(provided),
                false => None,
            },
            complete: Some(complete),
            items,
        }
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
                (Some(last), _) => last.instance.clone(),
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
                    .map(|last| last.fetched_at),
                code: fault.map(|fault| fault.code),
                retry_at: fault.and_then(|fault| fault::retry_at(fault, now)),
                // With faults kept out of `errors` nothing else says it.
                hint: not
                    .map(|not| not.hint.clone())
                    .or_else(|| fault.map(|fault| fault.message.as_str().into())),
            });
        }
    }
}

/// Takes the object that comes next of all lists.
fn next(heads: &mut [Head<'_>], order: Option<&Order>) -> Option<LiveObject> {
    let mut best: Option<usize> = None;
    for (position, head) in heads.iter().enumerate() {
        let Some(own) = head.by() else {
            continue;
        };
        let before = |best: &usize| match (order, heads[*best].by()) {
            (Some(order), Some(other)) => order.compare(own, other) == Ordering::Less,
            _ => false,
        };
        if best.as_ref().is_none_or(before) {
            best = Some(position);
        }
    }
    heads[best?].take(order)
}

/// How many objects all lists have; `None` if one of them does not say.
fn total(provided: &[Provided]) -> Option<u64> {
    let each = provided.iter().map(|provided| match provided.chosen {
        // What the upstream counts is not what is shown.
        Some(_) => provided.n_chosen.filter(|_| !provided.is_cut),
        None => of_parts(provided),
    });
    each.sum()
}

fn of_parts(provided: &Provided) -> Option<u64> {
    let each = provided.parts.iter().map(|part| {
        let progress = &part.progress;
        let all = progress.is_complete().then(|| part.len() as u64);
        progress.total.or(all)
    });
    each.sum()
}

impl Window {
    /// How many objects of a provider's list are wanted.
    pub(super) fn rows(&self, provider: usize) -> usize {
        self.place(provider).behind as usize + self.first
    }

    pub(super) fn place(&self, provider: usize) -> Place {
        match &self.after {
            Some(Ok(cursor)) => cursor.0.get(provider).copied().unwrap_or_default(),
            Some(Err(())) | None => Place::default(),
        }
    }
}
