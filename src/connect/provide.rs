//! What one provider has for one parent, as far as it is at hand: nothing waits here.
//!
//! What is not at hand is noted, so that the caller can fetch it for all parents at once and look again.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use smallvec::SmallVec;

use super::ask::{Ask, Not, Resolved, nearest};
use super::flights::{self, Wanted};
use super::kept::{self, Progress};
use super::live::LiveObject;
use super::routes::{Fetch, Provider, Step};
use super::runtime::Inner;
use super::scope::{Scope, State};
use super::seam::{Fault, Parent};
use super::trace::Found;
use super::view::View;
use crate::cache::{self, Entry, Held, Key};
use crate::graph::Ix;

/// What was fetched for the group that is being answered.
pub(super) type Fetched = HashMap<Key, Result<Held, Fault>>;

/// Looks for what is at hand.
pub(super) struct Look<'l> {
    pub(super) runtime: &'l Arc<Inner>,
    pub(super) scope: &'l Scope,
    pub(super) now: Timestamp,
    pub(super) found: Option<&'l Fetched>,
    pub(super) missing: Vec<Wanted>,
}

/// What a provider has for one parent.
#[derive(Default)]
pub(super) struct Provided {
    pub(super) parts: SmallVec<[Rows; 1]>,
    pub(super) faults: Vec<Fault>,
    /// Why there is nothing at one of its steps.
    pub(super) not: Option<Arc<Not>>,
    /// Something has to be fetched first.
    pub(super) pending: bool,
}

/// Objects of one answer.
pub(super) struct Rows {
    view: View,
    entry: Arc<Entry>,
    state: cache::State,
    pub(super) ask: Arc<Ask>,
    entity: Option<Ix>,
    which: Which,
    progress: Progress,
}

/// Which of what is kept.
enum Which {
    Nothing,
    /// There is something, but not where the field looks.
    Null,
    /// All of it is one object.
    Whole,
    /// It is a list.
    List,
    /// Some of a list.
    Some(Vec<u32>),
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match &self.which {
            Which::Nothing | Which::Null => 0,
            Which::Whole => 1,
            Which::List => self.view.len(),
            Which::Some(positions) => positions.len(),
        }
    }

    pub(super) fn object(&self, position: usize) -> Option<LiveObject> {
        let position = match &self.which {
            Which::Nothing | Which::Null => return None,
            Which::Whole => None,
            Which::List => Some(position),
            Which::Some(positions) => Some(*positions.get(position)? as usize),
        };
        let (held, position) = self.view.place(position)?;
        Some(LiveObject {
            held,
            position,
            origin: Arc::clone(&self.ask.origin),
            entity: self.entity,
            fetched_at: self.entry.life().fetched_at,
            stale: self.is_stale(),
        })
    }

    pub(super) fn is_stale(&self) -> bool {
        self.state != cache::State::Fresh
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// How far the list was read; one object is all there is.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Provided {
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Rows::len).sum()
    }

    pub(super) fn object(&self, mut position: usize) -> Option<LiveObject> {
        for part in &self.parts {
            let len = part.len();
            if position < len {
                return part.object(position);
            }
            position -= len;
        }
        None
    }

    /// Whether the upstream said anything, be it that there is nothing in its list.
    pub(super) fn is_answered(&self) -> bool {
        let said = |part: &Rows| !matches!(part.which, Which::Nothing);
        self.parts.iter().any(said)
    }

    /// In one word, what became of it.
    pub(super) fn state(&self) -> State {
        if !self.faults.is_empty() {
            return State::Failed;
        }
        match (&self.not, self.parts.last()) {
            (_, Some(last)) if self.len() > 0 => match last.is_stale() {
                true => State::Stale,
                false => State::Fresh,
            },
            (Some(not), _) => not.state,
            (None, Some(_)) if self.is_answered() => State::Empty,
            (None, Some(_)) => State::NotFound,
            (None, None) => State::Empty,
        }
    }
}

impl Look<'_> {
    /// Goes along the steps of a provider; of the last list `rows` objects are wanted.
    pub(super) fn provide(
        &mut self,
        provider: &Provider,
        parent: &Parent,
        rows: usize,
    ) -> Provided {
        let mut provided = Provided::default();
        let mut parents: SmallVec<[Parent; 1]> = SmallVec::new();
        let Some((last, before)) = provider.steps.split_last() else {
            return provided;
        };
        parents.push(parent.clone());
        for step in before {
            let mut next: SmallVec<[Parent; 1]> = SmallVec::new();
            for parent in &parents {
                if let Some(rows) = self.step(step, parent, usize::MAX, &mut provided) {
                    let objects = (0..rows.len()).filter_map(|row| rows.object(row));
                    next.extend(objects.map(Parent::Live));
                }
            }
            // What comes next is asked for all at once.
            if provided.pending {
                return provided;
            }
            parents = next;
        }
        for parent in &parents {
            let rows = self.step(last, parent, rows, &mut provided);
            provided.parts.extend(rows);
        }
        provided
    }

    fn step(
        &mut self,
        step: &Step,
        parent: &Parent,
        wanted: usize,
        provided: &mut Provided,
    ) -> Option<Rows> {
        let fetch = &step.fetch;
        let ask = match self.runtime.resolve(step, parent, self.scope) {
            Resolved::Ask(ask) => ask,
            Resolved::Not(not) => {
                provided.not = Some(not);
                return None;
            }
        };
        let held = match self.found.and_then(|found| found.get(&ask.key)) {
            Some(Ok(held)) => held.clone(),
            Some(Err(fault)) => {
                provided.faults.push(fault.clone());
                return None;
            }
            None => {
                let held = self.held(step, &ask);
                match held.filter(|held| flights::suffices(fetch, &held.entry, wanted)) {
                    Some(held) => held,
                    None => {
                        provided.pending = true;
                        self.note(fetch, Found::Miss);
                        self.missing.push(Wanted {
                            fetch: Arc::clone(fetch),
                            args: Arc::clone(&step.args),
                            ask,
                            parent: parent.clone(),
                            rows: wanted,
                        });
                        return None;
                    }
                }
            }
        };
        if held.state != cache::State::Fresh {
            self.runtime.renew(step, &ask, parent, self.scope);
        }
        self.count_age(fetch, &held);
        match self.rows(fetch, ask, held, nearest(parent)) {
            Ok(rows) => Some(rows),
            Err(fault) => {
                provided.faults.push(fault);
                None
            }
        }
    }

    fn rows(
        &self,
        fetch: &Fetch,
        ask: Arc<Ask>,
        held: Held,
        entity: Option<Ix>,
    ) -> Result<Rows, Fault> {
        let view = View::new(fetch, &held.entry)?;
        let which = match (held.entry.json(), &ask.batch) {
            (None, _) => Which::Nothing,
            (Some(_), Some(key)) if fetch.is_collection() => {
                let positions = self
                    .runtime
                    .matching(fetch, &ask.key, &held.entry, &key.text)?;
                Which::of(positions, fetch.rows)
            }
            (Some(_), _) if fetch.rows => Which::List,
            (Some(_), _) if view.whole().is_null() => Which::Null,
            (Some(_), _) => Which::Whole,
        };
        Ok(Rows {
            progress: match which {
                Which::List => kept::progress(fetch, &held.entry),
                _ => Progress::default(),
            },
            view,
            entry: held.entry,
            state: held.state,
            ask,
            entity,
            which,
        })
    }

    fn held(&self, step: &Step, ask: &Ask) -> Option<Held> {
        match step.fetch.policy {
            None => self.scope.own(&ask.key),
            Some(_) => {
                let held = self.runtime.cache().get_at(&ask.key, self.now)?;
                (held.state != cache::State::Expired).then_some(held)
            }
        }
    }

    /// The answer as a whole is as fresh as its oldest part.
    fn count_age(&self, fetch: &Fetch, held: &Held) {
        let life = held.entry.life();
        let left = life.fresh_until.duration_since(self.now);
        self.scope.fresh_for(left.try_into().unwrap_or_default());
        // What was fetched just now was counted when it was missing.
        if self.found.is_none() {
            let age = self
                .now
                .duration_since(life.fetched_at)
                .try_into()
                .unwrap_or_default();
            self.note(
                fetch,
                match held.state {
                    cache::State::Fresh => Found::Hit(age),
                    cache::State::Stale | cache::State::Expired => Found::Stale(age),
                },
            );
        }
    }

    fn note(&self, fetch: &Fetch, found: Found) {
        self.runtime.instances()[fetch.connect.source].count(found);
        if let Some(trace) = self.scope.trace() {
            trace.found(fetch.connector(), found);
        }
    }
}

impl Which {
    fn of(positions: Vec<u32>, rows: bool) -> Self {
        match (positions.first(), rows) {
            (None, false) => Self::Nothing,
            (Some(first), false) => Self::Some(vec![*first]),
            (_, true) => Self::Some(positions),
        }
    }
}
