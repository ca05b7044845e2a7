//! What is not at hand of graphs: who fetches it, in how many documents, and what becomes of what they bring.
//!
//! An object of which nothing is held has one flight, like every other key. Of an object that is held in part, each missing part has a flight of its own, unless one that is under way brings it as well.
//! All that is ready together for one upstream travels in as few documents as it allows, whatever fields it is for.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _, join, join_all};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::air::UnderWay;
use super::cost::Cost;
use super::dialect;
use super::document::{Document, Operation, Root};
use super::held::{self, Held as Holding};
use super::legs::{Leg, Part, batches, merged, names_of};
use super::need::{Field, Need};
use super::reply::{self, Reply, Said, Trouble};
use super::send::{self, Sent};
use crate::cache::{
    Claim, Content, Entry, Follow, Held, Key, Landed, Lead, Life, NewEntry, Prefix, State, Terms,
};
use crate::connect::fault;
use crate::connect::flights::{Landing, Tower, Wanted, gone};
use crate::connect::kept;
use crate::connect::seam::Fault;

/// A list is read on so often for one request.
const MOST_PAGES: usize = 10;
/// What was ever asked of objects is remembered up to so many fields.
const MOST_KNOWN: usize = 2_000;

/// What one document brought of an object.
enum Came {
    All,
    /// This of its lists is still to be read.
    Some(Field),
    /// A list could not be read on.
    Stopped(Fault),
}

impl Tower {
    /// Fetches what is wanted of one source, each object once.
    pub(in crate::connect) async fn fetch_parts(&self, wanted: Vec<Wanted>) -> Vec<Landing> {
        let mut landed = Vec::new();
        let mut objects: Vec<(Wanted, Part)> = Vec::new();
        for (wanted, part) in merged(wanted) {
            match self.held(&wanted) {
                Some(held) if self.missing(&wanted, &part, Some(&held.entry)).is_none() => {
                    landed.push((wanted.ask.key, Ok(held)));
                }
                _ => objects.push((wanted, part)),
            }
        }
        let mut flights = Vec::with_capacity(objects.len());
        let mut missings = Vec::with_capacity(objects.len());
        for (wanted, part) in &objects {
            let entry = self.held(wanted).map(|held| held.entry);
            let missing = self
                .missing(wanted, part, entry.as_ref())
                .unwrap_or_else(|| part.field.clone());
            flights.push(self.flight_for(wanted, &missing, entry.is_some()));
            missings.push((missing, entry));
        }
        let claims = self.cache.claim(&flights, self.budget).await;
        let mut legs = Vec::new();
        let mut others: Vec<BoxFuture<'_, Landing>> = Vec::new();
        let each = objects.into_iter().zip(missings).zip(claims);
        for (((wanted, part), (missing, base)), claim) in each {
            match claim {
                Claim::Lead(lead) => legs.push(self.leg(wanted, part, missing, lead, base)),
                Claim::Follow(follow) => {
                    others.push(self.follow_part(wanted, part, follow).boxed())
                }
                Claim::Held(held) => others.push(self.more(wanted, part, held).boxed()),
            }
        }
        let (first, rest) = join(self.fly(legs), join_all(others)).await;
        landed.extend(first);
        landed.extend(rest);
        landed
    }

    /// Fetches again what was served stale.
    pub(in crate::connect) async fn renew_parts(&self, renewals: Vec<(Wanted, Lead)>) {
        let mut by_key: HashMap<Key, Wanted> = HashMap::with_capacity(renewals.len());
        let mut leads = Vec::with_capacity(renewals.len());
        for (wanted, lead) in renewals {
            by_key.insert(lead.key(), wanted);
            leads.push(lead);
        }
        let leads = self.cache.settle(leads, self.budget).await;
        let legs = leads.into_iter().filter_map(|lead| {
            let wanted = by_key.remove(&lead.key())?;
            let part = wanted.part.clone()?;
            let base = self.held(&wanted).map(|held| held.entry);
            let missing = part.field.clone();
            Some(self.leg(wanted, part, missing, lead, base))
        });
        // What became of it is seen by those who ask next.
        self.fly(legs.collect()).await;
    }

    /// What is held of an object in this process, or was fetched for this request alone.
    pub(super) fn held(&self, wanted: &Wanted) -> Option<Held> {
        let key = &wanted.ask.key;
        match wanted.fetch.policy {
            None => self.scope.own(key),
            Some(_) => self.cache.get(key).filter(|held| {
                let is_absent = held.entry.json().is_none();
                held.state != State::Expired && !(is_absent && held.state != State::Fresh)
            }),
        }
    }

    /// What is to be fetched of an object, if anything.
    fn missing(&self, wanted: &Wanted, part: &Part, entry: Option<&Arc<Entry>>) -> Option<Field> {
        let Some(entry) = entry else {
            return Some(part.field.clone());
        };
        // There is no such object, and so nothing of it.
        entry.json()?;
        let root = &wanted.ask.shape;
        let look = held::look(root, &part.field, entry, part.ages, self.cache.now());
        let mut missing = look.missing;
        {
            let known = wanted.fetch.known.lock();
            Holding::of(entry).complete(&mut missing, root, &known);
        }
        missing.fields.pop().map(|(_, field)| field)
    }

    /// The key of the flight that brings what is missing.
    fn flight_for(&self, wanted: &Wanted, missing: &Field, in_part: bool) -> Key {
        let key = wanted.ask.key;
        let need = Need::one((&*wanted.ask.shape).into(), missing.clone());
        let (covering, under_way) = self.air.find(&key, &need, in_part);
        match (covering, in_part || under_way) {
            (Some(flight), _) => flight,
            (None, false) => key,
            (None, true) => Prefix::new(["part", &format!("{key:?}")]).key([need.text()]),
        }
    }

    fn leg(
        &self,
        wanted: Wanted,
        part: Part,
        missing: Field,
        lead: Lead,
        base: Option<Arc<Entry>>,
    ) -> Leg {
        {
            let mut known = wanted.fetch.known.lock();
            if known.size() >= MOST_KNOWN {
                // Arguments that are new for every object would fill it for good.
                *known = Need::default();
            }
            known.merge(&part.field.below);
        }
        let mut leg = Leg {
            wanted,
            part,
            missing,
            lead,
            base,
            mark: self.cache.mark(),
            came: None,
            pages: 0,
            no_store: false,
        };
        self.ask_for_tags(&mut leg);
        leg
    }

    /// Somebody else fetches it, or some of it.
    async fn follow_part(&self, wanted: Wanted, part: Part, follow: Follow) -> Landing {
        let key = wanted.ask.key;
        match follow.await {
            Some(Landed::Held(held)) => self.more(wanted, part, held).await,
            Some(Landed::Failed(failure)) => (key, Err(fault::of_shared(&failure))),
            Some(Landed::Lead(lead)) => {
                let base = self.held(&wanted).map(|held| held.entry);
                let missing = self.missing(&wanted, &part, base.as_ref());
                let missing = missing.unwrap_or_else(|| part.field.clone());
                let leg = self.leg(wanted, part, missing, lead, base);
                self.only(leg).await
            }
            None => (key, Err(gone())),
        }
    }

    /// What came of somebody else's flight, and what it did not bring.
    async fn more(&self, wanted: Wanted, part: Part, held: Held) -> Landing {
        let key = wanted.ask.key;
        let missing = match self.missing(&wanted, &part, Some(&held.entry)) {
            Some(missing) if !held.entry.json().is_some_and(held::has_fault) => missing,
            _ => return (key, Ok(held)),
        };
        let flight = self.flight_for(&wanted, &missing, true);
        match self.cache.claim(&[flight], self.budget).await.pop() {
            Some(Claim::Lead(lead)) => {
                let leg = self.leg(wanted, part, missing, lead, Some(held.entry));
                self.only(leg).await
            }
            Some(Claim::Held(held)) => (key, Ok(held)),
            Some(Claim::Follow(follow)) => match follow.await {
                Some(Landed::Held(held)) => (key, Ok(held)),
                Some(Landed::Failed(failure)) => (key, Err(fault::of_shared(&failure))),
                Some(Landed::Lead(lead)) => {
                    let leg = self.leg(wanted, part, missing, lead, Some(held.entry));
                    self.only(leg).await
                }
                None => (key, Err(gone())),
            },
            None => (key, Err(gone())),
        }
    }

    async fn only(&self, leg: Leg) -> Landing {
        let key = leg.wanted.ask.key;
        let landed = self.fly(vec![leg]).await.pop();
        landed.unwrap_or_else(|| (key, Err(gone())))
    }

    /// Puts what is missing into documents, and sends them side by side.
    fn fly(&self, legs: Vec<Leg>) -> BoxFuture<'_, Vec<Landing>> {
        async move {
            let air = Arc::clone(&self.air);
            let _under_way: Vec<UnderWay<'_>> = legs
                .iter()
                .map(|leg| {
                    let need = Need::one((&*leg.wanted.ask.shape).into(), leg.missing.clone());
                    air.take_off(leg.wanted.ask.key, leg.lead.key(), need)
                })
                .collect();
            self.documents(legs).await
        }
        .boxed()
    }

    /// As few documents as its limits allow; what is too much for one by itself is not sent.
    async fn documents(&self, legs: Vec<Leg>) -> Vec<Landing> {
        let mut landed = Vec::new();
        let mut fitting = Vec::with_capacity(legs.len());
        for mut leg in legs {
            match leg.is_fitted() {
                true => fitting.push(leg),
                false => landed.push(self.too_much(leg)),
            }
        }
        let documents = batches(fitting).into_iter();
        let documents = documents.map(|legs| self.document(legs, true));
        let sent = join_all(documents).await;
        landed.extend(sent.into_iter().flatten());
        landed
    }

    fn too_much(&self, leg: Leg) -> Landing {
        let fetch = &leg.wanted.fetch;
        let fault = send::fault(fetch, &leg.wanted.ask.instance, Trouble::TooMuch);
        self.fail_part(leg, &fault, false)
    }

    /// One document; divided where that is too much.
    fn document(&self, mut legs: Vec<Leg>, share: bool) -> BoxFuture<'_, Vec<Landing>> {
        async move {
            let Some(first) = legs.first() else {
                return Vec::new();
            };
            let instance = Arc::clone(&first.wanted.ask.instance);
            let source = first.wanted.fetch.connect.source;
            let types: Vec<Option<Arc<str>>> = legs
                .iter()
                .map(|leg| match share {
                    true => self.air.type_of(source, &leg.missing.name),
                    false => None,
                })
                .collect();
            let roots: Vec<Root<'_>> = legs
                .iter()
                .zip(&types)
                .map(|(leg, type_name)| Root {
                    field: &leg.missing,
                    type_name: type_name.as_deref(),
                })
                .collect();
            let document = Document::new(Operation::Query, &roots, &instance.connections);
            let cost = legs.iter().map(Leg::cost).fold(Cost::default(), Cost::and);
            let divisible = legs.len() > 1;
            let fetch = Arc::clone(&first.wanted.fetch);
            let names = names_of(&legs);
            let terms = self.terms(divisible);
            let sent = send::send(&fetch, &instance, &names, &document, cost, terms).await;
            let reply = match sent {
                Ok(Sent { body, no_store }) => {
                    legs.iter_mut().for_each(|leg| leg.no_store |= no_store);
                    let expected: Vec<Option<&str>> = types
                        .iter()
                        .zip(&document.shared)
                        .map(|(type_name, shared)| type_name.as_deref().filter(|_| *shared))
                        .collect();
                    let reason = |trouble: Trouble| send::reason(&fetch, &instance, trouble);
                    Ok(reply::taken_apart(body, &expected, &reason))
                }
                Err(trouble) => Err(trouble),
            };
            match reply {
                Ok(Reply::Said(said)) => self.said(legs, said).await,
                Ok(Reply::Failed(Trouble::TooMuch | Trouble::Timeout)) if divisible => {
                    self.halves(legs, share).await
                }
                // Of one object less is asked at once.
                Ok(Reply::Failed(Trouble::TooMuch)) if legs.iter_mut().all(Leg::halve) => {
                    self.document(legs, share).await
                }
                Err(trouble) if trouble.is_too_much() && divisible => {
                    self.halves(legs, share).await
                }
                Ok(Reply::Failed(trouble)) => {
                    let fault = send::fault(&fetch, &instance, trouble);
                    self.fail_all(legs, &fault, false)
                }
                Ok(Reply::Misshapen) => {
                    let fault = fault::bad_shape(
                        fetch.connector(),
                        &fetch.template,
                        "gave no answer to a GraphQL request",
                    );
                    self.fail_all(legs, &fault, false)
                }
                Err(trouble) => {
                    let late = trouble.is_too_late();
                    self.fail_all(legs, &trouble.into_fault(), late)
                }
            }
        }
        .boxed()
    }

    async fn halves(&self, mut legs: Vec<Leg>, share: bool) -> Vec<Landing> {
        let rest = legs.split_off(legs.len() / 2);
        let (mut one, other) = join(self.document(legs, share), self.document(rest, share)).await;
        one.extend(other);
        one
    }

    /// Gives each object its part of an answer.
    async fn said(&self, legs: Vec<Leg>, said: Vec<Said>) -> Vec<Landing> {
        let mut landed = Vec::with_capacity(legs.len());
        let (mut onward, mut again) = (Vec::new(), Vec::new());
        for (mut leg, said) in legs.into_iter().zip(said) {
            let fetch = Arc::clone(&leg.wanted.fetch);
            match said {
                Said::Value(mut value) => {
                    let connections = &leg.wanted.ask.instance.connections;
                    dialect::unwrap(&leg.missing, connections, &mut value);
                    let type_name = value.get("__typename").and_then(Value::as_str);
                    let source = fetch.connect.source;
                    self.air.learn(source, &leg.missing.name, type_name);
                    match self.came(&mut leg, value) {
                        Came::Some(rest) if leg.pages < MOST_PAGES => {
                            leg.missing = rest;
                            onward.push(leg);
                        }
                        Came::All | Came::Some(_) => landed.push(self.keep_part(leg)),
                        Came::Stopped(fault) => landed.push(self.fail_part(leg, &fault, false)),
                    }
                }
                Said::NotFound => landed.push(self.absent(leg)),
                Said::OtherType => {
                    let source = fetch.connect.source;
                    // No type is called so: from now on selections are written out.
                    self.air.learn(source, &leg.missing.name, Some(""));
                    again.push(leg);
                }
                Said::Failed(trouble) => {
                    let fault = send::fault(&fetch, &leg.wanted.ask.instance, trouble);
                    landed.push(self.fail_part(leg, &fault, false));
                }
            }
        }
        let (further, again) = join(self.documents(onward), self.document(again, false)).await;
        landed.extend(further);
        landed.extend(again);
        landed
    }

    /// Adds what came.
    fn came(&self, leg: &mut Leg, value: Value) -> Came {
        let root = &leg.wanted.ask.shape;
        let now = self.cache.now();
        let mut holding = leg.came.take().unwrap_or_else(|| {
            // Others may have added to it meanwhile.
            let current = self.held(&leg.wanted).map(|held| held.entry);
            let base = current.as_ref().or(leg.base.as_ref());
            base.map(|entry| Holding::of(entry)).unwrap_or_default()
        });
        let need = Need::one((&**root).into(), leg.missing.clone());
        let fetched = Map::from_iter([(root.to_string(), value)]);
        let stopped = holding.add(&need, fetched, now);
        leg.pages += 1;
        let mut look = holding.look(root, &leg.part.field, leg.part.ages, now);
        leg.came = Some(holding);
        if let Some(reason) = stopped {
            return Came::Stopped(send::fault_in(&reason));
        }
        match look.missing.fields.pop() {
            // Anything else that is missing did not come, and would not come again.
            Some((_, rest)) if rest.is_onward() => Came::Some(rest),
            _ => Came::All,
        }
    }

    fn keep_part(&self, mut leg: Leg) -> Landing {
        let key = leg.wanted.ask.key;
        let now = self.cache.now();
        let mut holding = leg.came.take().unwrap_or_default();
        let oldest = leg.part.field.longest(leg.part.ages);
        holding.forget(now.as_microsecond().saturating_sub(oldest));
        let kept = holding.clone().without_faults();
        let life = self.life(&leg, &holding);
        let tags = self.tags_of(&leg, Some(&holding.tree));
        let entry = |holding: Holding| NewEntry {
            tags: tags.clone(),
            ..NewEntry::new(holding.into_content(), life)
        };
        let is_kept = leg.wanted.fetch.policy.is_some() && !leg.no_store;
        if !is_kept {
            return (key, Ok(leg.lead.share(entry(holding))));
        }
        if leg.lead.key() == key && kept.is_none() {
            return (key, Ok(leg.lead.fill(entry(holding))));
        }
        let served = entry(holding.clone());
        let kept = entry(kept.unwrap_or(holding));
        let mark = leg.mark;
        match leg.lead.key() == key {
            // To share is to forget, so it is kept behind that.
            true => {
                let held = leg.lead.share(served);
                self.cache.put(key, mark, kept);
                (key, Ok(held))
            }
            false => {
                self.cache.put(key, mark, kept);
                (key, Ok(leg.lead.share(served)))
            }
        }
    }

    /// As long as any part of it may be told; from when the first is old on it is looked after.
    fn life(&self, leg: &Leg, holding: &Holding) -> Life {
        let now = self.cache.now();
        let (shortest, longest) = leg.part.field.terms(leg.part.ages);
        let life = Life::new(
            now,
            Terms {
                fresh: shortest,
                stale: longest.saturating_sub(shortest),
                ..Terms::default()
            },
        );
        let known = self.held(&leg.wanted).map(|held| *held.entry.life());
        match known {
            None => life,
            Some(known) => Life {
                // What is no longer fresh may be what came now; what still is says for how long.
                fresh_until: match known.fresh_until > now {
                    true => life.fresh_until.min(known.fresh_until),
                    false => self.fresh_until(leg, holding).unwrap_or(life.fresh_until),
                },
                stale_until: life.stale_until.max(known.stale_until),
                usable_until: life.usable_until.max(known.usable_until),
                ..life
            },
        }
    }

    /// Until when everything is fresh that is held of an object and can be asked for.
    fn fresh_until(&self, leg: &Leg, holding: &Holding) -> Option<Timestamp> {
        let now = self.cache.now();
        let known = leg.wanted.fetch.known.lock();
        let (root, part) = (&leg.wanted.ask.shape, &leg.part);
        let left = holding.fresh_for(root, &part.field, &known, part.ages, now)?;
        now.checked_add(left).ok()
    }

    /// There is no such object.
    fn absent(&self, leg: Leg) -> Landing {
        let key = leg.wanted.ask.key;
        let entry = NewEntry {
            tags: self.tags_of(&leg, None),
            ..NewEntry::new(
                Content::Absent { status: 404 },
                kept::absent_life(&leg.wanted.fetch, self.cache.now()),
            )
        };
        let is_kept = leg.wanted.fetch.policy.is_some() && !leg.no_store;
        let held = match (is_kept, leg.lead.key() == key) {
            (true, true) => leg.lead.fill(entry),
            (true, false) => {
                self.cache.put(key, leg.mark, entry.clone());
                leg.lead.share(entry)
            }
            (false, _) => leg.lead.share(entry),
        };
        (key, Ok(held))
    }

    fn fail_all(&self, legs: Vec<Leg>, fault: &Fault, late: bool) -> Vec<Landing> {
        let each = legs.into_iter();
        each.map(|leg| self.fail_part(leg, fault, late)).collect()
    }

    /// What is held stays; what was to be fetched is null, and why is said at its place.
    fn fail_part(&self, mut leg: Leg, fault: &Fault, late: bool) -> Landing {
        let key = leg.wanted.ask.key;
        let current = self.held(&leg.wanted).map(|held| held.entry);
        let base = current.or_else(|| leg.base.clone());
        let holding = leg.came.take().or_else(|| {
            let base = base.filter(|base| base.json().is_some())?;
            Some(Holding::of(&base))
        });
        let Some(mut holding) = holding else {
            // Another one may have more time.
            match late {
                true => drop(leg.lead),
                false => leg.lead.fail(&fault::shared(fault)),
            }
            return (key, Err(fault.clone()));
        };
        let root = &leg.wanted.ask.shape;
        let life = self.life(&leg, &holding);
        let look = holding.look(root, &leg.part.field, leg.part.ages, self.cache.now());
        holding.fail(&look.missing, &send::reason_of(fault));
        let entry = NewEntry {
            tags: self.tags_of(&leg, Some(&holding.tree)),
            ..NewEntry::new(holding.into_content(), life)
        };
        if leg.lead.key() == key {
            leg.lead.fail(&fault::shared(fault));
            // Only this request is given what is left.
            let entry = Arc::new(Entry::apart(entry, leg.mark));
            return (
                key,
                Ok(Held {
                    entry,
                    state: State::Stale,
                }),
            );
        }
        (key, Ok(leg.lead.share(entry)))
    }
}
