//! Objects that were shown with their ids, so that they can be asked for, and something done to them, by that.
//!
//! An id says nothing of the object, and nobody can make one up: what it stands for is remembered where it was written into an answer, here and, with Redis, for all replicas.
//! What is remembered is the way to it, and what actions read of it; an id that nobody remembers has to be read again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use quick_cache::sync::Cache as Memory;
use serde_json::{Map, Value, json};

use super::live::{LiveObject, Origin, Whole};
use super::scope::Scope;
use super::seam::Sight;
use super::view::At;
use super::way::Way;
use crate::cache::Cache;
use crate::tasks::Tasks;

/// So many objects are remembered by this process.
const REMEMBERED: usize = 20_000;
/// So long by all replicas.
const SHARED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// What was noted so lately is not noted again, unless an action would read something else.
const LATELY: Duration = Duration::from_secs(60);
/// Notes that wait for Redis at most; with more, an object is known to this replica alone.
const WAITING: usize = 20_000;
/// So many of them travel together.
const TOGETHER: usize = 500;
/// Ids are shorter than this.
const LONGEST_ID: usize = 64;

/// What was shown, for the whole life of the process; clones share it.
#[derive(Clone)]
pub(super) struct Shown(Arc<Inner>);

struct Inner {
    subjects: Memory<Box<str>, Arc<Subject>>,
    /// Names and texts of notes that are to be shared.
    waiting: Mutex<Vec<(String, String)>>,
}

/// An object that was shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subject {
    pub(super) connector: Arc<str>,
    pub(super) instance: Arc<str>,
    pub(super) type_name: Arc<str>,
    pub(super) names: Vec<(Box<str>, Value)>,
    /// Of the upstream's object what actions read.
    pub(super) value: Value,
    pub(super) entity_ref: Option<Box<str>>,
    /// `None`: it was come by otherwise, as what an action brought.
    pub(super) way: Option<Arc<Way>>,
    pub(super) noted_at: Timestamp,
}

impl Shown {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            subjects: Memory::new(REMEMBERED),
            waiting: Mutex::default(),
        }))
    }

    /// Whether the object is known under its id as it is now; `members` are those of its JSON that actions read.
    pub(super) fn knows(
        &self,
        sight: &Sight<'_>,
        members: Option<&Members>,
        now: Timestamp,
    ) -> bool {
        self.0.subjects.get(sight.id).is_some_and(|known| {
            let age = now.duration_since(known.noted_at);
            let is_late = age.unsigned_abs() > LATELY || known.way.is_none();
            let same = |name: &str| known.value.get(name) == sight.value.get(name);
            !is_late
                && match members {
                    None => true,
                    Some(Members::Some(members)) => members.iter().all(|name| same(name)),
                    Some(Members::All) => known.value == *sight.value,
                }
        })
    }

    /// From now on it is known.
    pub(super) fn remember(&self, cache: &Cache, tasks: &Tasks, id: &str, mut subject: Subject) {
        if subject.way.is_none() {
            // It may have been come by before.
            let known = self.0.subjects.get(id);
            subject.way = known.and_then(|known| known.way.clone());
        }
        if cache.is_shared() {
            self.share(cache, tasks, (note_name(id), subject.to_text()));
        }
        self.0.subjects.insert(id.into(), Arc::new(subject));
    }

    /// Tells all replicas, behind the answer.
    fn share(&self, cache: &Cache, tasks: &Tasks, note: (String, String)) {
        let is_first = {
            let mut waiting = self.0.waiting.lock();
            if waiting.len() >= WAITING {
                return;
            }
            waiting.push(note);
            waiting.len() == 1
        };
        if !is_first {
            return;
        }
        let (cache, inner) = (cache.clone(), Arc::clone(&self.0));
        tasks.spawn("connect.shown", async move |cancel| {
            loop {
                let notes = {
                    let mut waiting = inner.waiting.lock();
                    let n_notes = waiting.len().min(TOGETHER);
                    waiting.drain(..n_notes).collect::<Vec<_>>()
                };
                if notes.is_empty() {
                    return;
                }
                let noting = cache.note_all(&notes, SHARED_FOR);
                // Without Redis this replica knows them alone.
                if cancel.run_until_cancelled(noting).await.is_none() {
                    return;
                }
            }
        });
    }

    pub(super) async fn find(&self, cache: &Cache, id: &str) -> Option<Arc<Subject>> {
        if let Some(known) = self.0.subjects.get(id) {
            return Some(known);
        }
        let well_formed =
            id.len() < LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !well_formed {
            return None;
        }
        let note = cache.noted(&note_name(id)).await.ok().flatten()?;
        let subject = Arc::new(Subject::of_text(&note)?);
        self.0.subjects.insert(id.into(), Arc::clone(&subject));
        Some(subject)
    }

    /// How an object was reached, if this replica knows.
    pub(super) fn way(&self, id: &str) -> Option<Arc<Way>> {
        self.0.subjects.get(id)?.way.clone()
    }
}

fn note_name(id: &str) -> String {
    format!("object:{id}")
}

/// What actions read of the JSON of objects of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Members {
    All,
    Some(Vec<Box<str>>),
}

impl Members {
    fn of(&self, value: &Value) -> Value {
        let member = |name: &str| Some((name.to_owned(), value.get(name)?.clone()));
        match self {
            Self::Some(members) => {
                Value::Object(members.iter().filter_map(|name| member(name)).collect())
            }
            Self::All => value.clone(),
        }
    }
}

impl Subject {
    /// What is remembered of an object that was shown.
    pub(super) fn new(
        sight: &Sight<'_>,
        members: Option<&Members>,
        way: Option<Way>,
        scope: &Scope,
        now: Timestamp,
    ) -> Self {
        let origin = &sight.object.origin;
        let acted_on = members.is_some();
        Self {
            connector: Arc::clone(&origin.connector),
            instance: Arc::clone(&origin.instance),
            type_name: Arc::clone(sight.type_name),
            names: match acted_on {
                true => origin.names.clone(),
                false => Vec::new(),
            },
            value: members.map_or(Value::Null, |members| members.of(sight.value)),
            entity_ref: sight
                .object
                .entity
                .map(|entity| scope.snapshot.entity_ref(entity).into()),
            way: way.map(Arc::new),
            noted_at: now,
        }
    }

    /// The object again, with what was kept of it.
    pub(super) fn object(&self, scope: &Scope, now: Timestamp) -> LiveObject {
        let entity = self.entity_ref.as_deref();
        LiveObject {
            held: Whole::Value(Arc::new(self.value.clone())),
            position: None,
            origin: Arc::new(Origin {
                connector: Arc::clone(&self.connector),
                instance: Arc::clone(&self.instance),
                type_name: Arc::clone(&self.type_name),
                names: self.names.clone(),
                at: Arc::new(At::whole()),
                is_lasting: false,
            }),
            entity: entity.and_then(|entity| scope.snapshot.find(entity)),
            fetched_at: now,
            stale: false,
        }
    }

    fn to_text(&self) -> String {
        let names: Map<String, Value> = self
            .names
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        json!({
            "connector": &*self.connector,
            "instance": &*self.instance,
            "type": &*self.type_name,
            "names": names,
            "value": self.value,
            "entity": self.entity_ref,
            "way": self.way.as_ref().map(|way| way.to_json()),
            "at": self.noted_at.to_string(),
        })
        .to_string()
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut note: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| note.get(name).and_then(Value::as_str);
        let names = note.get("names").and_then(Value::as_object)?.iter();
        Some(Self {
            connector: text("connector")?.into(),
            instance: text("instance")?.into(),
            type_name: text("type")?.into(),
            names: names
                .map(|(name, value)| (name.as_str().into(), value.clone()))
                .collect(),
            entity_ref: text("entity").map(Into::into),
            way: note.get("way").and_then(Way::of_json).map(Arc::new),
            noted_at: text("at")?.parse().ok()?,
            value: note.get_mut("value")?.take(),
        })
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}
