//! What one provider has for one parent, as far as it is at hand: nothing waits here.
//!
//! What is not at hand is noted, so that the caller can fetch it for all parents at once and look again.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use smallvec::SmallVec;

use super::ask::{Ask, Not, Resolved, nearest};
use super::chains::{Step, What};
use super::filter::{Chosen, Filter};
use super::flights::{self, Wanted};
use super::kept::{self, Progress};
use super::live::{LiveObject, Whole};
use super::routes::{Args, Fetch, Route};
use super::rows::{Objects, Rows, Which, members};
use super::runtime::Inner;
use super::scope::{Scope, State};
use super::seam::{Fault, Parent};
use super::trace::Found;
use super::view::{View, body};
use super::wish::Wish;
use crate::cache::{self, ByKey, Held};
use crate::graph::Ix;

/// What was fetched for the group that is being answered.
pub(super) type Fetched = ByKey<Result<Held, Fault>>;

/// Looks for what is at hand.
pub(super) struct Look<'l> {
    pub(super) runtime: &'l Arc<Inner>,
    pub(super) scope: &'l Scope,
    pub(super) now: Timestamp,
    pub(super) found: Option<&'l Fetched>,
    /// It is only asked what is at hand: what is missing is asked for later, and counted then.
    pub(super) is_first: bool,
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
    /// There is more than was looked at.
    pub(super) is_cut: bool,
    /// An object on the way says that there is nothing behind it.
    pub(super) is_over: bool,
    /// Where there is a filter: whether the object at a place is shown, as far as it was looked at.
    pub(super) chosen: Option<HashMap<usize, bool>>,
    /// The same: how many are shown, where it was wanted and all of them were looked at.
    pub(super) n_chosen: Option<u64>,
    /// What `@where` wants of the objects.
    pub(super) wish: Option<Arc<Wish>>,
}

/// How much of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// So many objects, if there are.
    pub(super) rows: usize,
    /// So many on a page, if the upstream gives them.
    pub(super) size: usize,
}

impl Extent {
    /// One page, as large as it may be.
    const PAGE: Self = Self {
        rows: 1,
        size: usize::MAX,
    };

    pub(super) fn of(rows: usize) -> Self {
        Self { rows, size: rows }
    }

    pub(super) fn or_more(self, other: Self) -> Self {
        Self {
            rows: self.rows.max(other.rows),
            size: self.size.max(other.size),
        }
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
        self.is_over || self.parts.iter().any(Rows::is_said)
    }

    /// Nothing is read on from here.
    fn leave_it_at_that(&mut self) {
        for part in &mut self.parts {
            self.is_cut |= !part.progress.is_complete();
            if part.progress.next.take().is_some() {
                part.progress.cut = true;
            }
        }
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

/// So many objects are looked at in search of those that a filter shows, where each has to be asked for.
const MOST_TESTED: usize = 100;
/// The same where a graph gives them: as many as ten of its largest pages hold.
const MOST_OF_GRAPH: usize = 1_000;
/// So many more are asked of a graph at once.
const LARGEST_STEP: usize = 100;

/// What a filter says to what is there.
enum Choice {
    Enough,
    /// More of the list has to be read.
    More,
}

impl Look<'_> {
    /// The object of a request that brings one, if it is fresh: the short way for what is asked most.
    ///
    /// `None` says nothing of why; whoever wants to know goes along the steps.
    pub(super) fn fresh(
        &mut self,
        fetch: &Fetch,
        args: &Args,
        parent: &Parent,
    ) -> Option<LiveObject> {
        if self.scope.is_watched() || fetch.policy.is_none() {
            return None;
        }
        let mut made = None;
        let Resolved::Ask(ask) = self.resolved(fetch, args, parent, &mut made) else {
            return None;
        };
        let held = self.held(fetch, ask)?;
        if held.state != cache::State::Fresh || fetch.at.find(body(&held.entry, 0)).is_null() {
            return None;
        }
        self.count_age(fetch, &held);
        let fetched_at = held.entry.life().fetched_at;
        Some(LiveObject {
            held: Whole::Entry(held.entry, 0),
            position: None,
            origin: Arc::clone(&ask.origin),
            entity: nearest(parent),
            fetched_at,
            stale: false,
        })
    }

    /// Whether there is no way around asking: of what is not kept nothing is at hand before this request has fetched it.
    pub(super) fn is_to_fetch(&self, fetch: &Fetch, args: &Args, parent: &Parent) -> bool {
        if fetch.policy.is_some() {
            return false;
        }
        match self.resolved(fetch, args, parent, &mut None) {
            Resolved::Ask(ask) => self.scope.own(&ask.key).is_none(),
            Resolved::Not(_) => false,
        }
    }

    /// What is asked of a parent: as it is known, or as it is made for this look.
    fn resolved<'r>(
        &'r self,
        fetch: &Fetch,
        args: &Args,
        parent: &Parent,
        made: &'r mut Option<Resolved>,
    ) -> &'r Resolved {
        match self.runtime.known(fetch, args, parent, self.scope) {
            Some(known) => known,
            None => made.insert(self.runtime.resolve(fetch, args, parent, self.scope)),
        }
    }

    /// What a provider of a route has for a parent.
    pub(super) fn provide(&mut self, route: &Route, position: usize, parent: &Parent) -> Provided {
        let mut provided = Provided {
            wish: self.wish(route, parent),
            ..Provided::default()
        };
        let Some(provider) = route.providers.get(position) else {
            return provided;
        };
        let Some((last, before)) = provider.steps.split_last() else {
            return provided;
        };
        let mut parents: SmallVec<[Parent; 1]> = SmallVec::new();
        parents.push(parent.clone());
        for step in before {
            parents = self.go_on(step, &parents, &mut provided);
            // What comes next is asked for all at once.
            if provided.pending {
                return provided;
            }
        }
        let mut extent = match (&route.page, provider.is_spread) {
            (None, false) => Extent::of(1),
            (_, true) => Extent::PAGE,
            (Some(window), false) => {
                Extent::of(window.place(position).behind as usize + window.first)
            }
        };
        let n_faults = provided.faults.len();
        loop {
            provided.parts.clear();
            provided.faults.truncate(n_faults);
            for parent in &parents {
                let rows = self.step(last, parent, extent, &mut provided);
                provided.parts.extend(rows);
            }
            if provider.is_spread {
                provided.leave_it_at_that();
            }
            if provided.pending {
                return provided;
            }
            match self.choose(route, position, &mut provided) {
                Choice::Enough => return provided,
                Choice::More => match further(last, provided.len()) {
                    Some(rows) => extent.rows = rows,
                    None => {
                        provided.leave_it_at_that();
                        return provided;
                    }
                },
            }
        }
    }

    /// What `@where` wants for the nearest entity.
    fn wish(&self, route: &Route, parent: &Parent) -> Option<Arc<Wish>> {
        let rule = route.rule.as_ref()?;
        self.runtime.wish(rule, nearest(parent)?, self.scope)
    }

    /// From the objects of one step to those of the next.
    fn go_on(
        &mut self,
        step: &Step,
        parents: &[Parent],
        provided: &mut Provided,
    ) -> SmallVec<[Parent; 1]> {
        let mut next = SmallVec::new();
        let mut is_said = !parents.is_empty();
        for parent in parents {
            let rows = self.step(step, parent, Extent::PAGE, provided);
            is_said &= rows.as_ref().is_some_and(Rows::is_in_place);
            if let Some(rows) = rows {
                provided.is_cut |= !rows.progress.is_complete();
                let objects = (0..rows.len()).filter_map(|row| rows.object(row));
                next.extend(objects.map(Parent::Live));
            }
        }
        provided.is_over |= is_said && next.is_empty();
        next
    }

    /// Which objects are shown: as many as are wanted, if there are.
    fn choose(&mut self, route: &Route, position: usize, provided: &mut Provided) -> Choice {
        let wish = provided.wish.clone();
        let chosen_by = &Chosen {
            wish: wish.as_deref(),
            globs: self.runtime.globs(),
        };
        let filter = route
            .filters
            .get(position)
            .filter(|filter| !filter.is_open(chosen_by));
        let (Some(filter), Some(window)) = (filter, &route.page) else {
            return Choice::Enough;
        };
        let is_fetched = filter.fetched(chosen_by).next().is_some();
        // One more says whether there is one more; that is not worth a request.
        let enough = window.first + usize::from(!is_fetched);
        let mut chosen = HashMap::new();
        let mut faults = Vec::new();
        let (mut n_shown, mut is_pending) = (0, false);
        let lineup = route.lineup(position, provided);
        let mut next = lineup.start;
        while let Some(own) = lineup.own(next).filter(|_| n_shown < enough) {
            if is_fetched && chosen.len() >= MOST_TESTED {
                break;
            }
            let object = provided.object(own);
            let shown = object.map(|object| self.test(filter, chosen_by, object, &mut faults));
            match shown.unwrap_or(Some(false)) {
                Some(shown) => {
                    n_shown += usize::from(shown);
                    chosen.insert(own, shown);
                }
                // It may be shown: as many are asked for at once as may be needed.
                None => {
                    is_pending = true;
                    n_shown += 1;
                }
            }
            next += 1;
        }
        let is_read = lineup.own(next).is_none();
        let is_whole = provided
            .parts
            .iter()
            .all(|part| part.progress.is_complete());
        if route.total && is_whole && !is_pending && faults.is_empty() {
            provided.n_chosen = match is_fetched {
                // Whatever was not looked at would cost requests.
                true => (chosen.len() == provided.len()).then(|| n_shown_of(&chosen)),
                false => Some(self.n_let_through(filter, chosen_by, provided)),
            };
        }
        provided.pending |= is_pending;
        provided.chosen = Some(chosen);
        provided.is_cut |= !is_read && n_shown < enough || !faults.is_empty();
        // A list that could not be read on will not be.
        let goes_on = provided.faults.is_empty()
            && provided
                .parts
                .iter()
                .any(|part| part.progress.next.is_some());
        provided.faults.extend(faults.into_iter().next());
        match n_shown < window.first && is_read && goes_on && !is_pending {
            true => Choice::More,
            false => Choice::Enough,
        }
    }

    /// How many of all objects are shown, where nothing has to be fetched for it.
    fn n_let_through(&self, filter: &Filter, chosen: &Chosen<'_>, provided: &Provided) -> u64 {
        let objects = (0..provided.len()).filter_map(|own| provided.object(own));
        objects
            .filter(|object| filter.lets_through(object, chosen))
            .count() as u64
    }

    /// Whether an object is shown; `None` while what that depends on is to be fetched.
    fn test(
        &mut self,
        filter: &Filter,
        chosen: &Chosen<'_>,
        object: LiveObject,
        faults: &mut Vec<Fault>,
    ) -> Option<bool> {
        if !filter.lets_through(&object, chosen) {
            return Some(false);
        }
        let parent = Parent::Live(object);
        let mut is_pending = false;
        for test in filter.fetched(chosen) {
            let mut is_right = false;
            for position in 0..test.route.providers.len() {
                let found = self.provide(&test.route, position, &parent);
                is_pending |= found.pending;
                let is_unknown = found.len() == 0 && found.faults.is_empty();
                is_right |= is_unknown && test.passes_unknown();
                let objects = (0..found.len()).filter_map(|row| found.object(row));
                is_right |= objects
                    .into_iter()
                    .any(|object| test.holds(object.value(), chosen));
                faults.extend(found.faults);
            }
            if !is_right && !is_pending {
                return Some(false);
            }
        }
        (!is_pending).then_some(true)
    }

    fn step(
        &mut self,
        step: &Step,
        parent: &Parent,
        extent: Extent,
        provided: &mut Provided,
    ) -> Option<Rows> {
        let (fetch, args) = match &step.what {
            What::Fetch { fetch, args } => (fetch, args),
            What::Graph(graph) => return self.graph(graph, parent, extent.rows, provided),
            What::Member(member) => {
                let rows = members(step, member, parent);
                return rows.unwrap_or_else(|fault| {
                    provided.faults.push(fault);
                    None
                });
            }
        };
        let ask = match self.runtime.resolve(fetch, args, parent, self.scope) {
            Resolved::Ask(ask) => ask,
            Resolved::Not(not) => {
                provided.not = Some(not);
                return None;
            }
        };
        let asked_now = self.found.and_then(|found| found.get(&ask.key));
        let mut known = None;
        let held = match asked_now {
            Some(Ok(held)) if flights::suffices(fetch, &held.entry, extent.rows) => held.clone(),
            Some(Err(fault)) => {
                provided.faults.push(fault.clone());
                // What was read before stays, where more of it could not be read.
                self.held(fetch, &ask).filter(|_| fetch.rows)?
            }
            Some(Ok(_)) | None => {
                let held = self.held(fetch, &ask).filter(|held| {
                    let rows = self.rows(fetch, &ask, held, nearest(parent));
                    let is_enough = rows.as_ref().map_or(true, |rows| rows.suffice(extent.rows));
                    known = Some(rows).filter(|_| is_enough);
                    is_enough
                });
                match held {
                    Some(held) => held,
                    None => {
                        provided.pending = true;
                        if self.is_first {
                            return None;
                        }
                        self.note(fetch, Found::Miss);
                        self.missing.push(Wanted {
                            fetch: Arc::clone(fetch),
                            args: Arc::clone(args),
                            ask,
                            parent: parent.clone(),
                            extent,
                            part: None,
                        });
                        return None;
                    }
                }
            }
        };
        if held.state != cache::State::Fresh {
            let of = (&ask, parent);
            self.runtime.renew(fetch, args, of, None, self.scope);
        }
        self.count_age(fetch, &held);
        let rows = known.unwrap_or_else(|| self.rows(fetch, &ask, &held, nearest(parent)));
        match rows {
            Ok(rows) => {
                if let (Some(Ok(_)), Parent::Entity(ix)) = (asked_now, parent) {
                    let has_it = rows.is_said();
                    self.runtime.heard(fetch, *ix, self.scope, has_it);
                }
                Some(rows)
            }
            Err(fault) => {
                provided.faults.push(fault);
                None
            }
        }
    }

    fn rows(
        &self,
        fetch: &Fetch,
        ask: &Ask,
        held: &Held,
        entity: Option<Ix>,
    ) -> Result<Rows, Fault> {
        let view = View::new(fetch, &held.entry)?;
        self.runtime.cache().count(&ask.key, &held.entry);
        let which = match (held.entry.json(), &ask.batch) {
            (None, _) => Which::Nothing,
            (Some(_), Some(key)) if fetch.is_collection() => {
                let positions =
                    self.runtime
                        .collections()
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
            state: held.state,
            fetched_at: held.entry.life().fetched_at,
            instance: Arc::clone(&ask.instance.name),
            objects: Objects::Kept {
                view,
                origin: Arc::clone(&ask.origin),
                entity,
                which,
            },
        })
    }

    pub(super) fn held(&self, fetch: &Fetch, ask: &Ask) -> Option<Held> {
        match fetch.policy {
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
        self.scope.fresh_until(life.fresh_until, self.now);
        // What was fetched just now was counted when it was missing.
        if self.found.is_none() {
            // Only a trace tells of it.
            let age = self
                .scope
                .trace()
                .map(|_| self.now.duration_since(life.fetched_at));
            let age = age.unwrap_or_default().try_into().unwrap_or_default();
            self.note(
                fetch,
                match held.state {
                    cache::State::Fresh => Found::Hit(age),
                    cache::State::Stale | cache::State::Expired => Found::Stale(age),
                },
            );
        }
    }

    pub(super) fn note(&self, fetch: &Fetch, found: Found) {
        self.runtime.instances()[fetch.connect.source].count(found);
        if let Some(trace) = self.scope.trace() {
            trace.found(fetch.connector(), found);
        }
    }
}

/// How many objects to have next, where none of those at hand are left; `None` where that is enough looking.
fn further(step: &Step, n_known: usize) -> Option<usize> {
    match step.what {
        // A graph gives as many as it is asked for: each time twice as many, so that few requests find what is rare.
        What::Graph(_) if n_known >= MOST_OF_GRAPH => None,
        What::Graph(_) => Some(n_known + n_known.clamp(1, LARGEST_STEP)),
        What::Fetch { .. } | What::Member(_) => Some(n_known + 1),
    }
}

fn n_shown_of(chosen: &HashMap<usize, bool>) -> u64 {
    chosen.values().filter(|shown| **shown).count() as u64
}
