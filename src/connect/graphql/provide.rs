//! What is at hand of a graph for one parent: everything that is wanted of the object, or nothing yet.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::held;
use super::legs::Part;
use super::need::{Field, Need};
use super::route::{Graph, Inner, Place};
use super::send::fault_in;
use crate::cache::{self, Entry};
use crate::connect::ask::{Ask, Resolved, nearest};
use crate::connect::flights::Wanted;
use crate::connect::kept::Progress;
use crate::connect::live::{LiveObject, Origin, Whole};
use crate::connect::pages;
use crate::connect::provide::{Extent, Look, Provided};
use crate::connect::rows::{Objects, Rows, Which};
use crate::connect::seam::{Fault, Parent};
use crate::connect::trace::Found;
use crate::connect::view::{self, At, View};
use crate::graph::Ix;
use crate::sdl::expr::{self, Expr};

static NULL: Value = Value::Null;

impl Look<'_> {
    /// The objects of a step that asks a graph.
    pub(in crate::connect) fn graph(
        &mut self,
        graph: &Graph,
        parent: &Parent,
        rows: usize,
        provided: &mut Provided,
    ) -> Option<Rows> {
        let fetch = &graph.fetch;
        let ask = match self.runtime.resolve(fetch, &graph.args, parent, self.scope) {
            Resolved::Ask(ask) => ask,
            Resolved::Not(not) => {
                provided.not = Some(not);
                return None;
            }
        };
        let call = ask.call.as_ref()?;
        let shape = graph.shape(&ask.origin.names, rows, provided.wish.is_some());
        let (held, is_landed) = match self.found.and_then(|found| found.get(&ask.key)) {
            Some(Ok(held)) => (Some(held.clone()), true),
            Some(Err(fault)) => {
                provided.faults.push(fault.clone());
                return None;
            }
            None => (self.held(fetch, &ask), false),
        };
        let now = self.now;
        let looked = held.as_ref().map(|held| {
            let look = held::look(&call.key, &shape.field, &held.entry, graph.ages, now);
            let is_absent = held.entry.json().is_none();
            let at_hand = match is_absent {
                true => held.state == cache::State::Fresh,
                false => look.missing.is_empty(),
            };
            // What came is all there is, but for lists that can be read on.
            let more = look.missing.fields.values().any(Field::is_onward);
            (look, is_absent, at_hand || (is_landed && !more))
        });
        let (Some(held), Some((look, is_absent, true))) = (held, looked) else {
            provided.pending = true;
            if self.is_first {
                return None;
            }
            self.note(fetch, Found::Miss);
            let part = Part {
                field: call.field(&shape.field),
                ages: graph.ages,
                also: Vec::new(),
            };
            self.missing.push(Wanted {
                fetch: Arc::clone(fetch),
                args: Arc::clone(&graph.args),
                ask: Arc::clone(&ask),
                parent: parent.clone(),
                extent: Extent::of(0),
                part: Some(part),
            });
            return None;
        };
        if !is_landed && !look.stale.is_empty() {
            self.renew_part(graph, (&ask, parent), look.stale);
        }
        let fetched_at = look
            .oldest
            .and_then(|at| Timestamp::from_microsecond(at).ok());
        let fetched_at = fetched_at.unwrap_or(held.entry.life().fetched_at);
        let is_stale = look.left.is_some_and(|left| left.is_zero());
        let left = match fetch.policy {
            None => Duration::ZERO,
            Some(_) => look.left.unwrap_or_else(|| {
                let left = held.entry.life().fresh_until.duration_since(now);
                left.try_into().unwrap_or_default()
            }),
        };
        self.scope.fresh_for(left);
        if !is_landed {
            let age = now
                .duration_since(fetched_at)
                .try_into()
                .unwrap_or_default();
            self.note(
                fetch,
                match is_stale {
                    false => Found::Hit(age),
                    true => Found::Stale(age),
                },
            );
        }
        let objects = Finder {
            graph,
            ask: &ask,
            entry: &held.entry,
            entity: nearest(parent),
            fetched_at,
            is_stale,
        };
        let found = match is_absent {
            true => Ok((objects.nothing(), None)),
            false => objects.at(&shape.place, shape.within.as_ref()),
        };
        match found {
            Ok((rows, stopped)) => {
                provided.faults.extend(stopped);
                if let (true, Parent::Entity(ix)) = (is_landed, parent) {
                    self.runtime.heard(fetch, *ix, self.scope, rows.is_said());
                }
                Some(rows)
            }
            Err(fault) => {
                provided.faults.push(fault);
                None
            }
        }
    }

    fn renew_part(&self, graph: &Graph, (ask, parent): (&Arc<Ask>, &Parent), mut stale: Need) {
        let Some((_, field)) = stale.fields.pop() else {
            return;
        };
        let Some(call) = &ask.call else {
            return;
        };
        let part = Part {
            field: call.field(&field),
            ages: graph.ages,
            also: Vec::new(),
        };
        let (runtime, scope) = (self.runtime, self.scope);
        runtime.renew(&graph.fetch, &graph.args, (ask, parent), Some(part), scope);
    }
}

/// The objects at a place, and why the list could not be read further.
type Stretch = (Rows, Option<Fault>);

/// The objects in an entry.
struct Finder<'o> {
    graph: &'o Graph,
    ask: &'o Arc<Ask>,
    entry: &'o Arc<Entry>,
    entity: Option<Ix>,
    fetched_at: Timestamp,
    is_stale: bool,
}

impl Finder<'_> {
    fn at(&self, place: &Place, within: Option<&Inner>) -> Result<Stretch, Fault> {
        let mut names: Vec<Box<str>> = Vec::with_capacity(place.names.len() + 2);
        names.push((&*self.ask.shape).into());
        names.extend(place.names.iter().cloned());
        let made = self.graph.fetch.root.as_ref();
        let made = made.and_then(|root| root.made.as_ref());
        match (made, within) {
            (None, None) => self.found(names, place),
            (None, Some(Inner::Place(inner))) => {
                names.extend(inner.names.iter().cloned());
                self.found(names, inner)
            }
            (made, _) => self.made(names, made).map(|rows| (rows, None)),
        }
    }

    /// What stands at a path of names.
    fn found(&self, mut names: Vec<Box<str>>, place: &Place) -> Result<Stretch, Fault> {
        let mut value = view::body(self.entry, 0);
        for name in &names {
            value = value.get(&**name).unwrap_or(&NULL);
            if let Some(reason) = expr::fault_of(value) {
                return Err(fault_in(reason));
            }
        }
        let mut progress = Progress::default();
        let mut stopped = None;
        if place.connection {
            stopped = value.as_object().and_then(held::stopped).map(fault_in);
            progress = self.progress(value, place.onward);
            names.push("nodes".into());
            value = value.get("nodes").unwrap_or(&NULL);
        }
        let which = match (place.list, value) {
            (_, Value::Null) => Which::Null,
            (true, Value::Array(_)) => Which::List,
            (true, _) => return Err(pages::misshapen(&self.graph.fetch)),
            (false, _) => Which::Whole,
        };
        let len = value.as_array().map_or(0, Vec::len);
        let at = Arc::new(At::Place {
            names: names.into(),
            each: false,
        });
        let view = View::of(self.entry, Arc::clone(&at), place.list.then_some(len));
        Ok((self.rows(view, self.origin(at), which, progress), stopped))
    }

    /// What `at` makes of the object, and the list within of that.
    fn made(&self, names: Vec<Box<str>>, made: Option<&Expr>) -> Result<Rows, Fault> {
        let at = Arc::new(At::Place {
            names: names.into(),
            each: false,
        });
        let around = LiveObject {
            held: Whole::Entry(Arc::clone(self.entry), 0),
            position: None,
            origin: self.origin(Arc::clone(&at)),
            entity: self.entity,
            fetched_at: self.fetched_at,
            stale: self.is_stale,
        };
        let mismatches = Cell::new(0);
        let within = self.graph.within.as_ref().map(|within| &within.at);
        let args = Some(&self.graph.args.value);
        let mut found = Cow::Borrowed(around.value());
        for expr in made.into_iter().chain(within) {
            let next = around
                .evaluate(expr, &found, args, &mismatches)
                .into_owned();
            if let Some(reason) = expr::fault_of(&next) {
                return Err(fault_in(reason));
            }
            found = Cow::Owned(next);
        }
        let mut found = found.into_owned();
        let is_list = self.graph.fetch.rows || within.is_some();
        let which = match (&mut found, is_list) {
            (Value::Null, _) => Which::Null,
            (Value::Array(items), true) => {
                // What is not there is no item.
                items.retain(|item| !item.is_null());
                Which::List
            }
            (_, true) => return Err(pages::misshapen(&self.graph.fetch)),
            (_, false) => Which::Whole,
        };
        let view = View::of_made(found, is_list);
        Ok(self.rows(view, self.origin(at), which, Progress::default()))
    }

    fn nothing(&self) -> Rows {
        let at = Arc::new(At::whole());
        let view = View::of(self.entry, Arc::clone(&at), None);
        self.rows(view, self.origin(at), Which::Nothing, Progress::default())
    }

    /// How far a connection was read, as it says itself.
    fn progress(&self, connection: &Value, onward: bool) -> Progress {
        let info = connection.get("pageInfo");
        let more = info.and_then(|info| info.get("hasNextPage"));
        let more = more.and_then(Value::as_bool) == Some(true);
        let cursor = info.and_then(|info| info.get("endCursor"));
        let cursor = cursor
            .and_then(Value::as_str)
            .filter(|_| onward)
            .map(str::to_owned);
        Progress {
            pages: 1,
            size: 0,
            total: connection.get("totalCount").and_then(Value::as_u64),
            cut: more && cursor.is_none(),
            further: false,
            next: cursor.filter(|_| more),
        }
    }

    fn origin(&self, at: Arc<At>) -> Arc<Origin> {
        let known = &self.ask.origin;
        Arc::new(Origin {
            connector: Arc::clone(&known.connector),
            instance: Arc::clone(&known.instance),
            type_name: Arc::clone(&self.graph.type_name),
            names: known.names.clone(),
            at,
            is_lasting: false,
        })
    }

    fn rows(&self, view: View, origin: Arc<Origin>, which: Which, progress: Progress) -> Rows {
        Rows {
            objects: Objects::Kept {
                view,
                origin,
                entity: self.entity,
                which,
            },
            state: match self.is_stale {
                true => cache::State::Stale,
                false => cache::State::Fresh,
            },
            fetched_at: self.fetched_at,
            instance: Arc::clone(&self.ask.instance.name),
            progress,
        }
    }
}
