//! What is not at hand: who fetches it, in how many requests, and what becomes of what they bring.
//!
//! Every key has one flight. Those that are ours to lead are put together into as few requests as the upstream allows; those that somebody else leads are waited for beside them.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _, join, join_all};
use serde_json::{Value, json};

use super::ask::{Ask, Bound, key_text};
use super::fault;
use super::graphql::air::Air;
use super::graphql::legs::Part;
use super::kept::{self, Reading};
use super::pages::{self, Read};
use super::provide::Extent;
use super::request::{self, Asked, Said, Terms, Trouble};
use super::routes::{Args, Fetch};
use super::scope::Scope;
use super::seam::{Fault, Parent};
use super::view::View;
use crate::cache::{
    ByKey, Cache, Claim, Content, Entry, Follow, Held, Key, Landed, Lead, NewEntry, Prefix, State,
    Tag,
};
use crate::clock::Budget;
use crate::egress::Lane;
use crate::sdl::{Batch, BatchStyle};

/// Longer URLs are not sent: the batch is divided.
const LONGEST_URL: usize = 8 * 1024;

/// One object that is to be fetched, and for whom.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) fetch: Arc<Fetch>,
    pub(super) args: Arc<Args>,
    pub(super) ask: Arc<Ask>,
    pub(super) parent: Parent,
    /// Of a list.
    pub(super) extent: Extent,
    /// Of a graph: what is wanted of the object.
    pub(super) part: Option<Part>,
}

impl Wanted {
    /// Whether one request can carry both.
    fn goes_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.fetch, &other.fetch)
            && self.ask.shape == other.ask.shape
            && Arc::ptr_eq(&self.ask.instance, &other.ask.instance)
    }

    fn is_content(&self, entry: &Arc<Entry>) -> bool {
        suffices(&self.fetch, entry, self.extent.rows)
    }
}

/// Whether an entry holds as many objects as are wanted of it, or all there are.
pub(super) fn suffices(fetch: &Fetch, entry: &Arc<Entry>, wanted: usize) -> bool {
    if !fetch.rows || fetch.is_collection() {
        return true;
    }
    match View::new(fetch, entry) {
        Ok(view) => kept::suffices(fetch, entry, view.len(), wanted),
        // What is no list is not read further.
        Err(_misshapen) => true,
    }
}

/// What came for a key.
pub(super) type Landing = (Key, Result<Held, Fault>);

/// All that a flight needs beside what it fetches.
#[derive(Clone)]
pub(super) struct Tower {
    pub(super) cache: Cache,
    pub(super) scope: Arc<Scope>,
    pub(super) lane: Lane,
    pub(super) budget: Budget,
    pub(super) air: Arc<Air>,
}

/// One key whose flight is ours.
struct Ours {
    wanted: Wanted,
    lead: Lead,
}

impl Tower {
    /// Fetches what is wanted, each key once.
    pub(super) async fn fetch(&self, wanted: Vec<Wanted>) -> Vec<Landing> {
        if wanted.iter().all(|one| one.part.is_none()) {
            return self.fetch_whole(wanted).await;
        }
        let (parts, wanted) = wanted.into_iter().partition(|one| one.part.is_some());
        let (mut landed, rest) = join(self.fetch_parts(parts), self.fetch_whole(wanted)).await;
        landed.extend(rest);
        landed
    }

    async fn fetch_whole(&self, wanted: Vec<Wanted>) -> Vec<Landing> {
        let mut keys = Vec::with_capacity(wanted.len());
        let mut unknown = Vec::with_capacity(wanted.len());
        let mut others: Vec<BoxFuture<'_, Landing>> = Vec::new();
        let mut landed = Vec::new();
        for wanted in once_each(wanted) {
            // What is kept for this request alone is read on from where it was left as well.
            match self.own(&wanted) {
                Some(held) if wanted.is_content(&held.entry) => {
                    landed.push((wanted.ask.key, Ok(held)));
                }
                Some(held) => others.push(self.read_further(wanted, held).boxed()),
                None => {
                    keys.push(wanted.ask.key);
                    unknown.push(wanted);
                }
            }
        }
        let claims = self.cache.claim(&keys, self.budget).await;
        let mut ours = Vec::with_capacity(claims.len());
        for (wanted, claim) in unknown.into_iter().zip(claims) {
            match claim {
                Claim::Lead(lead) => ours.push(Ours { wanted, lead }),
                Claim::Follow(follow) => others.push(self.follow(wanted, follow).boxed()),
                Claim::Held(held) if wanted.is_content(&held.entry) => {
                    landed.push((wanted.ask.key, Ok(held)));
                }
                Claim::Held(held) => others.push(self.read_further(wanted, held).boxed()),
            }
        }
        let (mut first, rest) = join(self.lead(ours), join_all(others)).await;
        first.extend(landed);
        first.extend(rest);
        first
    }

    fn own(&self, wanted: &Wanted) -> Option<Held> {
        match wanted.fetch.policy {
            Some(_) => None,
            None => self.scope.own(&wanted.ask.key),
        }
    }

    /// Fetches again what was served stale; another replica may have done it by now.
    pub(super) async fn renew(&self, renewals: Vec<(Wanted, Lead)>) {
        if renewals.iter().any(|(wanted, _)| wanted.part.is_some()) {
            return self.renew_parts(renewals).await;
        }
        let mut by_key: ByKey<Wanted> = ByKey::default();
        let mut leads = Vec::with_capacity(renewals.len());
        for (wanted, lead) in renewals {
            by_key.insert(wanted.ask.key, wanted);
            leads.push(lead);
        }
        let leads = self.cache.settle(leads, self.budget).await;
        let ours = leads.into_iter().filter_map(|lead| {
            let wanted = by_key.remove(&lead.key())?;
            Some(Ours { wanted, lead })
        });
        // What became of it is seen by those who ask next.
        self.lead(ours.collect()).await;
    }

    /// Puts keys together into requests, and sends them side by side.
    async fn lead(&self, ours: Vec<Ours>) -> Vec<Landing> {
        let mut batches: Vec<Vec<Ours>> = Vec::new();
        let mut flights: Vec<BoxFuture<'_, Vec<Landing>>> = Vec::new();
        let mut left = ours.len();
        for one in ours {
            let Some(batch) = list_batch(&one.wanted) else {
                flights.push(async { vec![self.alone(one).await] }.boxed());
                continue;
            };
            let max = batch.max as usize;
            let open = batches.iter_mut().find(|batch| {
                let first = batch.first().map(|first| &first.wanted);
                batch.len() < max && first.is_some_and(|first| first.goes_with(&one.wanted))
            });
            match open {
                Some(open) => open.push(one),
                None => {
                    let mut batch = Vec::with_capacity(left.min(max));
                    batch.push(one);
                    batches.push(batch);
                }
            }
            left -= 1;
        }
        let batches = batches.into_iter().map(|batch| self.together(batch));
        flights.extend(batches);
        let mut landed = join_all(flights).await.into_iter();
        let mut all = landed.next().unwrap_or_default();
        all.extend(landed.flatten());
        all
    }

    /// Somebody else fetches it.
    async fn follow(&self, wanted: Wanted, follow: Follow) -> Landing {
        let key = wanted.ask.key;
        match follow.await {
            Some(Landed::Held(held)) if wanted.is_content(&held.entry) => (key, Ok(held)),
            Some(Landed::Held(held)) => self.read_further(wanted, held).await,
            Some(Landed::Failed(failure)) => (key, Err(fault::of_shared(&failure))),
            Some(Landed::Lead(lead)) => {
                let landed = self.lead(vec![Ours { wanted, lead }]).await;
                let own = landed.into_iter().find(|(own, _)| *own == key);
                own.unwrap_or_else(|| (key, Err(gone())))
            }
            None => (key, Err(gone())),
        }
    }

    /// One request for one key.
    async fn alone(&self, ours: Ours) -> Landing {
        let key = ours.wanted.ask.key;
        let Ours { wanted, lead } = ours;
        let is_paged = wanted.fetch.is_list() || wanted.fetch.is_whole();
        let result = match is_paged {
            true => self.list(&wanted, lead).await,
            false => self.object(&wanted, lead).await,
        };
        (key, result)
    }

    async fn object(&self, wanted: &Wanted, lead: Lead) -> Result<Held, Fault> {
        let fetch = &wanted.fetch;
        let asked = Asked::of_shape(&wanted.ask.shape);
        let known = lead.previous().cloned();
        let said = asked
            .send(
                fetch,
                &wanted.ask.instance,
                self.terms(false),
                known.as_ref(),
            )
            .await;
        let now = self.cache.now();
        match said {
            Ok(Said::Body(body, headers)) => {
                let reading = Reading::whole(body, pages::next_link(&headers));
                let entry = NewEntry {
                    etag: request::header(&headers, "etag"),
                    last_modified: request::header(&headers, "last-modified"),
                    ..self.read(wanted, reading)
                };
                Ok(self.keep(fetch, lead, entry, request::is_no_store(&headers)))
            }
            Ok(Said::Unchanged) => {
                let bodies = known.iter().map(|known| kept::bodies(fetch, known));
                let life = kept::life(fetch, now, bodies.flatten());
                lead.renew(life).ok_or_else(gone)
            }
            Ok(Said::Absent(status)) => {
                let life = kept::absent_life(fetch, now);
                let entry = NewEntry {
                    tags: self.tags(wanted, &[]),
                    ..NewEntry::new(Content::Absent { status }, life)
                };
                Ok(self.keep(fetch, lead, entry, false))
            }
            Err(trouble) => self.failed(lead, trouble),
        }
    }

    /// A list for one key, or a collection for all of them, or a value that is made of all pages.
    async fn list(&self, wanted: &Wanted, lead: Lead) -> Result<Held, Fault> {
        let fetch = &wanted.fetch;
        let asked = Asked::of_shape(&wanted.ask.shape);
        let extent = match fetch.is_collection() {
            true => Extent::of(usize::MAX),
            false => wanted.extent,
        };
        let mut reading = Reading::default();
        let read = pages::read_on(
            fetch,
            &wanted.ask.instance,
            &asked,
            self.terms(false),
            &mut reading,
            extent,
        )
        .await;
        match read {
            Ok(Read::Rows { .. }) if reading.is_misshapen && lead.previous().is_some() => {
                self.failed(lead, Trouble::Fault(pages::misshapen(fetch)))
            }
            Ok(Read::Rows { no_store }) => {
                // Others may find their own part in it, but it is not to be believed for long.
                let transient = no_store || reading.is_misshapen;
                Ok(self.keep(fetch, lead, self.read(wanted, reading), transient))
            }
            Ok(Read::Absent(status)) => {
                let life = kept::absent_life(fetch, self.cache.now());
                let entry = NewEntry {
                    tags: self.tags(wanted, &[]),
                    ..NewEntry::new(Content::Absent { status }, life)
                };
                Ok(self.keep(fetch, lead, entry, false))
            }
            Err(trouble) => self.failed(lead, trouble),
        }
    }

    fn read(&self, wanted: &Wanted, reading: Reading) -> NewEntry {
        let fetch = &wanted.fetch;
        let life = kept::life(fetch, self.cache.now(), &reading.bodies);
        NewEntry {
            tags: self.tags(wanted, &reading.bodies),
            ..NewEntry::new(reading.into_content(fetch), life)
        }
    }

    /// A list of which more is wanted than was read: it is read on from there, and keeps its age.
    async fn read_further(&self, wanted: Wanted, held: Held) -> Landing {
        let key = wanted.ask.key;
        let fetch = &wanted.fetch;
        let n_held = View::new(fetch, &held.entry).map_or(0, |view| view.len());
        let paging = fetch.paging.unwrap_or_default();
        let further = ["further".to_owned(), format!("{key:?}"), paging.to_string()];
        let own = Prefix::new(further).key([n_held.to_string()]);
        let claim = self.cache.claim(&[own], self.budget).await.pop();
        let lead = match claim {
            Some(Claim::Lead(lead)) => lead,
            Some(Claim::Held(further)) => return (key, Ok(further)),
            Some(Claim::Follow(follow)) => match follow.await {
                Some(Landed::Lead(lead)) => lead,
                Some(Landed::Held(further)) => return (key, Ok(further)),
                Some(Landed::Failed(failure)) => return (key, Err(fault::of_shared(&failure))),
                None => return (key, Err(gone())),
            },
            None => return (key, Err(gone())),
        };
        let asked = Asked::of_shape(&wanted.ask.shape);
        let mark = self.cache.mark();
        let mut reading = Reading::of(fetch, &held.entry, n_held);
        let terms = self.terms(false);
        let instance = &wanted.ask.instance;
        let read =
            pages::read_on(fetch, instance, &asked, terms, &mut reading, wanted.extent).await;
        let result = match read {
            Ok(Read::Absent(_)) => Err(gone()),
            Ok(Read::Rows { .. }) if reading.is_misshapen => {
                self.failed(lead, Trouble::Fault(pages::misshapen(fetch)))
            }
            Ok(Read::Rows { no_store }) => {
                let entry = NewEntry {
                    tags: both(held.entry.tags(), self.tags(&wanted, &reading.bodies)),
                    ..NewEntry::new(reading.into_content(fetch), *held.entry.life())
                };
                if fetch.policy.is_some() && !no_store {
                    self.cache.put(key, mark, entry.clone());
                }
                Ok(lead.share(entry))
            }
            // What was read before stays.
            Err(trouble) => self.failed(lead, trouble),
        };
        (key, result)
    }

    /// Several keys in one request; divided where that is too much.
    fn together<'t>(&'t self, mut batch: Vec<Ours>) -> BoxFuture<'t, Vec<Landing>> {
        async move {
            let Some(first) = batch.first() else {
                return Vec::new();
            };
            let wanted = first.wanted.clone();
            let bound = self.bound(&wanted);
            let keys: Vec<Value> = batch
                .iter()
                .filter_map(|one| Some(one.wanted.ask.batch.as_ref()?.value.clone()))
                .collect();
            let keys = json!({ "key": keys });
            let bound = bound.for_keys(Some(&keys));
            let asked = Asked::new(&bound, Some(&keys));
            let divisible = batch.len() > 1;
            if let Ok(asked) = &asked
                && asked.path.len() > LONGEST_URL
                && divisible
            {
                drop(bound);
                let rest = batch.split_off(batch.len() / 2);
                return self.both(batch, rest).await;
            }
            let Ok(asked) = asked else {
                return batch
                    .iter()
                    .map(|one| (one.wanted.ask.key, Err(gone())))
                    .collect();
            };
            let mut reading = Reading::default();
            let terms = self.terms(divisible);
            let instance = &wanted.ask.instance;
            let read = pages::read_on(
                &wanted.fetch,
                instance,
                &asked,
                terms,
                &mut reading,
                Extent::of(usize::MAX),
            );
            let read = match read.await {
                Ok(_) if reading.is_misshapen => {
                    Err(Trouble::Fault(pages::misshapen(&wanted.fetch)))
                }
                read => read,
            };
            match read {
                Ok(Read::Rows { no_store }) => self.share_out(batch, reading, no_store),
                Ok(Read::Absent(status)) => batch
                    .into_iter()
                    .map(|one| {
                        let life = kept::absent_life(&wanted.fetch, self.cache.now());
                        let entry = NewEntry::new(Content::Absent { status }, life);
                        let key = one.wanted.ask.key;
                        (key, Ok(self.keep(&wanted.fetch, one.lead, entry, false)))
                    })
                    .collect(),
                Err(Trouble::TooMuch(_)) if divisible => {
                    drop(bound);
                    let rest = batch.split_off(batch.len() / 2);
                    self.both(batch, rest).await
                }
                Err(trouble) => {
                    let too_late = matches!(trouble, Trouble::TooLate(_));
                    let fault = trouble.into_fault();
                    let failed = |one: Ours| {
                        let trouble = match too_late {
                            true => Trouble::TooLate(fault.clone()),
                            false => Trouble::Fault(fault.clone()),
                        };
                        (one.wanted.ask.key, self.failed(one.lead, trouble))
                    };
                    batch.into_iter().map(failed).collect()
                }
            }
        }
        .boxed()
    }

    async fn both(&self, one: Vec<Ours>, other: Vec<Ours>) -> Vec<Landing> {
        let (mut one, other) = join(self.together(one), self.together(other)).await;
        one.extend(other);
        one
    }

    /// Gives each key its rows, by what they match and never by where they stand.
    fn share_out(&self, batch: Vec<Ours>, reading: Reading, no_store: bool) -> Vec<Landing> {
        let Some(fetch) = batch.first().map(|one| Arc::clone(&one.wanted.fetch)) else {
            return Vec::new();
        };
        let cut = reading.progress.cut;
        let mut rows = by_key(&fetch, reading.bodies);
        let now = self.cache.now();
        let share = |one: Ours| {
            let key = one.wanted.ask.key;
            let text = one.wanted.ask.batch.as_ref().map(|batch| &*batch.text);
            let own = text.and_then(|text| rows.remove(text)).unwrap_or_default();
            if own.is_empty() && cut {
                let fault = pages::cut_off(&fetch);
                return (key, self.failed(one.lead, Trouble::Fault(fault)));
            }
            let body = match fetch.rows {
                true => Some(Value::Array(own)),
                false => own.into_iter().next(),
            };
            let tags = self.tags(&one.wanted, body.as_slice());
            let (content, life) = match body {
                Some(body) => {
                    let life = kept::life(&fetch, now, [&body]);
                    (Reading::whole(body, None).into_content(&fetch), life)
                }
                None => (
                    Content::Absent { status: 404 },
                    kept::absent_life(&fetch, now),
                ),
            };
            let entry = NewEntry {
                tags,
                ..NewEntry::new(content, life)
            };
            (key, Ok(self.keep(&fetch, one.lead, entry, no_store)))
        };
        batch.into_iter().map(share).collect()
    }

    fn keep(&self, fetch: &Fetch, lead: Lead, entry: NewEntry, no_store: bool) -> Held {
        match fetch.policy.is_some() && !no_store {
            true => lead.fill(entry),
            false => lead.share(entry),
        }
    }

    /// What is still of use stands in; those who wait are told.
    fn failed(&self, lead: Lead, trouble: Trouble) -> Result<Held, Fault> {
        let previous = lead.previous().cloned();
        let fault = match trouble {
            // Another one may have more time.
            Trouble::TooLate(fault) => {
                drop(lead);
                fault
            }
            Trouble::Fault(fault) | Trouble::TooMuch(fault) => {
                lead.fail(&fault::shared(&fault));
                fault
            }
        };
        let usable = previous.filter(|entry| entry.life().state(self.cache.now()).is_some());
        match usable {
            Some(entry) => Ok(Held {
                entry,
                state: State::Expired,
            }),
            None => Err(fault),
        }
    }

    /// What it is purged by; most have nothing, and then no descriptor is unpacked for it.
    pub(super) fn tags<'v>(
        &self,
        wanted: &Wanted,
        bodies: impl IntoIterator<Item = &'v Value>,
    ) -> Box<[Tag]> {
        let policy = wanted.fetch.policy.as_ref();
        match policy.is_some_and(|policy| !policy.tags.is_empty()) {
            true => {
                let bodies: Vec<&Value> = bodies.into_iter().collect();
                self.bound(wanted).tags(&bodies)
            }
            false => Box::default(),
        }
    }

    pub(super) fn bound<'w>(&'w self, wanted: &'w Wanted) -> Bound<'w> {
        Bound::new(
            &wanted.fetch,
            &wanted.args.value,
            &wanted.parent,
            &self.scope,
            &wanted.ask.instance.config,
        )
    }

    pub(super) fn terms(&self, divisible: bool) -> Terms<'_> {
        Terms {
            lane: self.lane,
            budget: self.budget,
            trace: self.scope.trace(),
            authorization: self.scope.authorization(),
            started: self.cache.now(),
            divisible,
        }
    }
}

/// Each key once, with the largest extent that anybody wants of it.
fn once_each(wanted: Vec<Wanted>) -> Vec<Wanted> {
    let mut places: ByKey<usize> = ByKey::default();
    places.reserve(wanted.len());
    let mut each: Vec<Wanted> = Vec::with_capacity(wanted.len());
    for one in wanted {
        let place = *places.entry(one.ask.key).or_insert(each.len());
        match each.get_mut(place) {
            Some(known) => known.extent = known.extent.or_more(one.extent),
            None => each.push(one),
        }
    }
    each
}

fn list_batch(wanted: &Wanted) -> Option<&Batch> {
    let batch = wanted.fetch.connect.batch.as_ref()?;
    (batch.style == BatchStyle::List).then_some(batch)
}

type ByText = hashbrown::HashMap<Box<str>, Vec<Value>>;

/// Rows by the text of what they match.
fn by_key(fetch: &Fetch, bodies: Vec<Value>) -> ByText {
    let batch = fetch.connect.batch.as_ref();
    let matches = batch.and_then(|batch| batch.matches.as_ref());
    let mut found = ByText::default();
    for mut body in bodies {
        let Value::Array(rows) = request::take(&fetch.connect.at, &mut body) else {
            continue;
        };
        found.reserve(rows.len());
        for row in rows {
            let key = matches.and_then(|matches| key_text(&request::evaluate(matches, &row)));
            if let Some(key) = key {
                found.entry(key).or_default().push(row);
            }
        }
    }
    found
}

/// What is known of an entry by one answer, and by the next.
pub(super) fn both(known: &[Tag], new: Box<[Tag]>) -> Box<[Tag]> {
    let more = known.iter().filter(|tag| !new.contains(tag));
    let more: Vec<Tag> = more.copied().collect();
    match more.is_empty() {
        true => new,
        false => new.into_vec().into_iter().chain(more).collect(),
    }
}

/// Only while the process shuts down, or the catalog and the request no longer fit.
pub(super) fn gone() -> Fault {
    Fault::new("UPSTREAM_UNAVAILABLE", "the request was given up")
}
