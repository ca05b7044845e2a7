//! What one simulated upstream holds, and what it answers.

mod trees;

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

use super::etag::{Etags, etags};
use super::fault::Fault;
use super::request::{Received, weight};
use super::roots::writes;
use super::route::{Route, path_segments, routes};
use super::shift::Shift;
use super::written::{Words, Written, hole};
use super::{Options, limit, rows, settings};
use crate::connect::example::{Asked, Example, Item, Reply, method_name};
use crate::sdl::{AuthType, Method, Model, Page, Request, connects};

/// How many requests are remembered.
const MAX_SEEN: usize = 4096;
/// How many effects of writes are remembered; beyond that the oldest are undone.
const MAX_EFFECTS: usize = 4096;

/// The examples of one connector, merged.
#[derive(Debug)]
pub(super) struct Upstream {
    connector: Box<str>,
    entries: Vec<Entry>,
    /// Trees of graphs.
    trees: Vec<Reply>,
    /// Root fields that change something.
    writes: Vec<Box<str>>,
    /// What connections call the number of their items.
    totals: Vec<Box<str>>,
    /// Paths of the sources' addresses: `/api/v4`.
    bases: Vec<Vec<String>>,
    routes: Vec<Route>,
    /// One of these headers must be there; empty: nobody is kept out.
    credentials: Vec<String>,
    options: Options,
    started: Instant,
    /// The same by the clock.
    born: Timestamp,
    etags: Option<Etags>,
    state: Mutex<State>,
}

/// One reply with what is known of it beforehand.
#[derive(Debug)]
struct Entry {
    reply: Reply,
    method: Method,
    path: Vec<String>,
    /// How the connector pages this path.
    page: Option<Page>,
}

#[derive(Debug)]
struct State {
    fault: Option<Fault>,
    latency: Option<Duration>,
    /// How much time was let pass.
    ahead: Duration,
    /// What writes have changed, in their order.
    effects: Vec<Written>,
    n_writes: u64,
    counts: BTreeMap<String, u64>,
    seen: VecDeque<Seen>,
    /// Requests in the window of rate limits.
    window: (i64, u64),
}

/// A request that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: &'static str,
    /// Path and query as they came.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null if it is no JSON.
    pub json: Value,
}

/// What goes back.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Upstream {
    pub(super) fn new(
        model: &Model,
        connector: &str,
        examples: &[Example],
        options: Options,
    ) -> Self {
        let born = options.clock.now();
        let replies = examples.iter().flat_map(|example| {
            let shift = Shift::of(example, born);
            example.upstream.iter().map(move |reply| (reply, shift))
        });
        let replies = replies.map(|(reply, shift)| moved(reply, shift));
        let (trees, replies): (Vec<Reply>, Vec<Reply>) =
            replies.partition(|reply| matches!(reply.asked, Asked::Graphql { .. }));
        let entries = replies
            .into_iter()
            .filter_map(|reply| entry(model, connector, reply));
        let mut bases: Vec<Vec<String>> = vec![Vec::new()];
        let mut credentials = Vec::new();
        let with_secrets = examples
            .iter()
            .any(|example| !example.settings.secrets.is_empty());
        let mut sources = 0;
        for source in model.sources.iter().filter(|s| *s.connector == *connector) {
            sources += 1;
            for example in examples {
                let instances = example.settings.instances.values();
                for settings in std::iter::once(&example.settings).chain(instances) {
                    let base = settings::base(source, &settings.config);
                    bases.extend(base.map(|base| path_segments(base.path())));
                }
            }
            credentials.extend(source.auth.as_ref().and_then(|auth| match auth.kind {
                AuthType::None | AuthType::Forward => None,
                AuthType::Header => auth.header.as_ref().map(|name| name.to_lowercase()),
                AuthType::Bearer
                | AuthType::Basic
                | AuthType::Oauth2Client
                | AuthType::GithubApp => Some("authorization".to_owned()),
            }));
        }
        if !with_secrets || credentials.len() < sources {
            credentials.clear();
        }
        bases.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        bases.dedup();
        Self {
            connector: connector.into(),
            entries: entries.collect(),
            trees,
            writes: writes(model, connector),
            totals: totals(model, connector),
            bases,
            routes: routes(model, connector),
            credentials,
            options,
            started: Instant::now(),
            born,
            etags: etags(examples),
            state: Mutex::new(State {
                fault: None,
                latency: None,
                ahead: Duration::ZERO,
                effects: Vec::new(),
                n_writes: 0,
                counts: BTreeMap::new(),
                seen: VecDeque::new(),
                window: (0, 0),
            }),
        }
    }

    pub(super) fn connector(&self) -> &str {
        &self.connector
    }

    /// By how much the times of an example are moved here.
    pub(super) fn shift(&self, example: &Example) -> Option<Shift> {
        Shift::of(example, self.born)
    }

    /// Counts a request and remembers it; what is wrong now, and how long the answer takes.
    pub(super) fn receive(&self, request: &Received, target: &str) -> (Option<Fault>, Duration) {
        let label = self.label(request);
        let now = limit::window(self.options.clock.now());
        let mut state = self.state.lock();
        *state.counts.entry(label).or_default() += 1;
        if state.window.0 != now {
            state.window = (now, 0);
        }
        state.window.1 += 1;
        if state.seen.len() == MAX_SEEN {
            state.seen.pop_front();
        }
        state.seen.push_back(Seen {
            method: method_name(request.method),
            target: target.to_owned(),
            headers: request.headers.clone(),
            json: request.json.clone(),
        });
        let latency = state
            .latency
            .unwrap_or_else(|| limit::latency(self.options.latency, &request.path));
        (state.fault.clone(), latency)
    }

    /// What comes back when nothing is wrong.
    pub(super) fn answer(&self, request: &Received, leaf: Option<usize>) -> Answered {
        let known = |name: &String| request.header(name).is_some();
        if !self.credentials.is_empty() && !self.credentials.iter().any(known) {
            return Answered::message(401, "no credentials");
        }
        if let Some(query) = self.query(request) {
            return self.answer_query(request, query, leaf);
        }
        let meant = self.meant(request);
        let Some(entry) = meant.first() else {
            return Answered::message(404, "there is nothing here");
        };
        let reply = &entry.reply;
        let words = self.words(entry, &request.segments).unwrap_or_default();
        let Some(mut body) = self.body(entry, &words) else {
            return Answered::message(404, "there is no such thing here");
        };
        let mut links = Vec::new();
        if let Some(rows) = &reply.rows {
            let others = meant.iter().skip(1).filter_map(|entry| {
                let rows = entry.reply.rows.as_ref()?;
                Some((rows, self.body(entry, &words)?))
            });
            body = rows::united(std::iter::once((rows, body)).chain(others));
            let page = entry.page.as_ref();
            links = rows::reduce(&mut body, rows, page, request).links;
        }
        self.write(reply, words);
        if let Some(leaf) = leaf {
            super::wrong_type(&mut body, leaf);
        }
        self.finish(request, reply, &body, &links)
    }

    /// The replies that answer; only those with rows have company, of others that say as much of the request.
    fn meant(&self, request: &Received) -> Vec<&Entry> {
        let here = |entry: &&Entry| {
            entry.method == request.method
                && self.words(entry, &request.segments).is_some()
                && request.is_meant(&entry.reply.when, entry.param())
        };
        let mut meant: Vec<&Entry> = self.entries.iter().filter(here).collect();
        // One that is of this path alone goes before one of many.
        let said = |entry: &Entry| {
            let n_holes = entry.path.iter().filter(|s| hole(s).is_some()).count();
            let weight = weight(&entry.reply.when, entry.param());
            (std::cmp::Reverse(n_holes), weight)
        };
        meant.sort_by_key(|entry| std::cmp::Reverse(said(entry)));
        match meant.first() {
            Some(first) if first.reply.rows.is_some() => {
                // A reply to `?state=open` is not filled up with the rows of one that answers everything.
                let most = said(first);
                meant.retain(|entry| entry.reply.rows.is_some() && said(entry) == most);
            }
            _ => meant.truncate(1),
        }
        meant
    }

    /// What makes the path of an entry this path of a request, below any of the sources' own paths.
    fn words(&self, entry: &Entry, asked: &[String]) -> Option<Words> {
        self.bases
            .iter()
            .find_map(|base| Words::of(&entry.path, asked.strip_prefix(base.as_slice())?))
    }

    /// The body as it is now; `None`: what it shows is not there.
    fn body(&self, entry: &Entry, words: &Words) -> Option<Value> {
        let path: Vec<String> = entry.path.iter().map(|s| words.fill(s)).collect();
        let changed = |written: &Written| written.is_on(entry.method, &path);
        match &entry.reply.item {
            None => {
                let mut body = self.now(&entry.reply, changed);
                words.value(&mut body);
                Some(body)
            }
            Some(item) => {
                let mut body = self.shown(item, words)?;
                self.change(&entry.reply, &mut body, changed);
                Some(body)
            }
        }
    }

    /// An object as the list that it is in shows it now.
    fn shown(&self, item: &Item, words: &Words) -> Option<Value> {
        let Asked::Rest { method, path } = &item.of else {
            return None;
        };
        let (path, at) = (words.path(path), words.place(&item.at));
        let lists = self.entries.iter().filter(|entry| {
            let is_there = Words::of(&path, &entry.path).is_some();
            is_there && entry.method == *method && entry.reply.item.is_none()
        });
        let found = lists.into_iter().find_map(|list| {
            let body = self.body(list, &Words::default())?;
            at.get(&body).cloned()
        })?;
        Some(within(item, found))
    }

    /// The body of a reply as it is now; `changed` says which writes have changed it.
    fn now(&self, reply: &Reply, changed: impl Fn(&Written) -> bool) -> Value {
        let mut body = reply.body.clone();
        self.change(reply, &mut body, changed);
        body
    }

    fn change(&self, reply: &Reply, body: &mut Value, changed: impl Fn(&Written) -> bool) {
        let state = self.state.lock();
        let elapsed = self.started.elapsed() + state.ahead;
        let steps = reply.steps.iter().filter(|step| step.after <= elapsed);
        let effects = state.effects.iter();
        let effects = effects.filter(|written| written.at <= elapsed && changed(written));
        let steps = steps.map(|step| (&None, &step.set));
        let effects = effects.map(|Written { effect, .. }| (&effect.copy, &effect.set));
        for (copy, changes) in steps.chain(effects) {
            match copy {
                Some(copy) => copy.copy(body, changes),
                None => changes.iter().for_each(|(place, new)| place.set(body, new)),
            }
        }
    }

    /// What a request does; gives the words of its answer.
    fn write(&self, reply: &Reply, words: Words) -> Words {
        if reply.effects.is_empty() {
            return words;
        }
        let now = self.options.clock.now();
        let mut state = self.state.lock();
        state.n_writes += 1;
        let words = words.with_new(new_id(&self.connector, state.n_writes));
        let elapsed = self.started.elapsed() + state.ahead;
        let effects = reply.effects.iter().map(|effect| Written {
            at: elapsed + effect.after,
            effect: words.at(now + effect.after).effect(effect),
        });
        state.effects.extend(effects);
        // In the order in which they happen, of the same time in that of the writes.
        state.effects.sort_by_key(|written| written.at);
        let n_over = state.effects.len().saturating_sub(MAX_EFFECTS);
        state.effects.drain(..n_over);
        words
    }

    fn finish(
        &self,
        request: &Received,
        reply: &Reply,
        body: &Value,
        links: &[(&str, String)],
    ) -> Answered {
        let (kind, bytes) = match body {
            Value::String(text) => ("text/plain; charset=utf-8", Bytes::from(text.clone())),
            Value::Null => ("application/json", Bytes::new()),
            body => ("application/json", Bytes::from(body.to_string())),
        };
        let now = self.options.clock.now();
        let n_requests = self.state.lock().window.1;
        let mut headers: Vec<(String, String)> = reply
            .headers
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("etag"))
            .map(|(name, written)| {
                let value = limit::header(name, written, n_requests, now);
                (name.to_lowercase(), value)
            })
            .collect();
        let has = |headers: &[(String, String)], name: &str| {
            headers.iter().any(|(known, _)| known == name)
        };
        if !has(&headers, "content-type") && !bytes.is_empty() {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        if !links.is_empty() {
            let host = request.header("host").unwrap_or("127.0.0.1");
            let link = |(rel, query): &(&str, String)| {
                format!("<http://{host}{}?{query}>; rel=\"{rel}\"", request.path)
            };
            let links: Vec<String> = links.iter().map(link).collect();
            headers.push(("link".to_owned(), links.join(", ")));
        }
        let mut answered = Answered {
            status: reply.status,
            headers,
            body: bytes,
        };
        if let Some(etags) = &self.etags
            && request.method == Method::Get
            && reply.status == 200
        {
            let tag = etags.tag(&answered.body);
            let unchanged = request
                .header("if-none-match")
                .is_some_and(|known| known.split(',').any(|known| known.trim() == tag));
            answered.headers.push(("etag".to_owned(), tag));
            if unchanged {
                answered.status = 304;
                answered.body = Bytes::new();
            }
        }
        answered
    }

    fn label(&self, request: &Received) -> String {
        if let Some(Ok(query)) = self.query(request) {
            return format!("{} {}", query.kind(), query.roots().join(" "));
        }
        let below = |base: &Vec<String>| request.segments.strip_prefix(base.as_slice());
        let paths: Vec<&[String]> = self.bases.iter().filter_map(below).collect();
        let route = self
            .routes
            .iter()
            .find(|route| paths.iter().any(|path| route.fits(request.method, path)));
        match route {
            Some(route) => route.label.to_string(),
            None => format!("{} {}", method_name(request.method), request.path),
        }
    }

    pub(super) fn requests(&self) -> BTreeMap<String, u64> {
        self.state.lock().counts.clone()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state.lock().seen.iter().cloned().collect()
    }

    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        state.counts.clear();
        state.seen.clear();
    }

    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        self.state.lock().fault = fault;
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.state.lock().latency = Some(latency);
    }

    pub(super) fn advance(&self, time: Duration) {
        self.state.lock().ahead += time;
    }
}

impl Entry {
    /// What is judged row by row.
    fn param(&self) -> Option<&str> {
        self.reply.rows.as_ref()?.param.as_deref()
    }
}

impl Answered {
    pub(super) fn message(status: u16, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "message": message }))
    }

    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Bytes::from(body.to_string()),
        }
    }
}

/// An object of a list, as an answer of its own.
fn within(item: &Item, found: Value) -> Value {
    match &item.to {
        None => found,
        Some(to) => {
            let mut body = Value::Null;
            to.set(&mut body, &found);
            body
        }
    }
}

/// An id that no other write has, the same from start to start.
fn new_id(connector: &str, n_writes: u64) -> String {
    let mut hasher = DefaultHasher::new();
    (connector, n_writes).hash(&mut hasher);
    format!("00000000-0000-4000-8000-{:012x}", hasher.finish() >> 16)
}

/// A reply with its times, and those of what happens to it, as they are for an upstream that starts now.
fn moved(reply: &Reply, shift: Option<Shift>) -> Reply {
    let mut reply = reply.clone();
    let Some(shift) = shift else {
        return reply;
    };
    shift.apply(&mut reply.body);
    let steps = reply.steps.iter_mut().flat_map(|step| &mut step.set);
    let effects = reply.effects.iter_mut().flat_map(|effect| &mut effect.set);
    for (_, value) in steps.chain(effects) {
        shift.apply(value);
    }
    reply
}

fn totals(model: &Model, connector: &str) -> Vec<Box<str>> {
    let own = model.sources.iter();
    let own = own.filter(|source| *source.connector == *connector);
    own.map(|source| source.connections.total.clone()).collect()
}

fn entry(model: &Model, connector: &str, reply: Reply) -> Option<Entry> {
    let Asked::Rest { method, path } = &reply.asked else {
        return None;
    };
    let path = path_segments(path);
    let page = page_of(model, connector, *method, &path);
    let method = *method;
    Some(Entry {
        method,
        path,
        page,
        reply,
    })
}

/// How the connector pages what it asks at this path.
fn page_of(model: &Model, connector: &str, method: Method, path: &[String]) -> Option<Page> {
    let route = routes(model, connector)
        .into_iter()
        .find(|route| route.fits(method, path))?;
    connects(model)
        .filter(|connect| *connect.connector == *connector && connect.page.is_some())
        .find(|connect| match &connect.request {
            Request::Rest { method, template } => Route::new(*method, template) == route,
            Request::Graphql { .. } => false,
        })?
        .page
        .clone()
}
