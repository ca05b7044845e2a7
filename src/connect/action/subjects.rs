//! Objects that were shown with their ids, so that something can be done to them by that.
//!
//! An id says nothing of the object, and nobody can make one up: what it stands for is remembered where it was written into an answer, here and, with Redis, for all replicas.
//! Only what the actions read of an object is kept; an id that nobody remembers has to be read again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use quick_cache::sync::Cache as Memory;
use serde_json::{Map, Value, json};

use super::live_field;
use crate::cache::Cache;
use crate::connect::live::{LiveObject, Origin, Whole};
use crate::connect::routes::all_reads;
use crate::connect::scope::Scope;
use crate::connect::view::At;
use crate::sdl::Model;
use crate::store::Store;
use crate::tasks::Tasks;

/// So many objects are remembered by this process.
const REMEMBERED: usize = 20_000;
/// So long by all replicas.
const SHARED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What actions need, for the whole life of the process; clones share it.
#[derive(Clone)]
pub struct Actions(Arc<Inner>);

struct Inner {
    store: Store,
    subjects: Memory<Box<str>, Arc<Subject>>,
}

/// An object that was shown.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) struct Subject {
    pub(super) connector: Arc<str>,
    pub(super) instance: Arc<str>,
    pub(super) type_name: Arc<str>,
    pub(super) names: Vec<(Box<str>, Value)>,
    /// Of the upstream's object what actions read.
    pub(super) value: Value,
    pub(super) entity_ref: Option<Box<str>>,
}

impl Actions {
    /// With the audit in `store`.
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Inner {
            store,
            subjects: Memory::new(REMEMBERED),
        }))
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Whether the object is known under its id as it is now.
    pub(in crate::connect) fn knows(
        &self,
        id: &str,
        object: &LiveObject,
        members: Option<&[Box<str>]>,
    ) -> bool {
        self.0.subjects.get(id).is_some_and(|known| {
            let value = object.value();
            let same = |name: &str| known.value.get(name) == value.get(name);
            match members {
                Some(members) => members.iter().all(|name| same(name)),
                None => known.value == *value,
            }
        })
    }

    pub(in crate::connect) fn remember(
        &self,
        cache: &Cache,
        tasks: &Tasks,
        id: &str,
        subject: Subject,
    ) {
        if cache.is_shared() {
            let (cache, name, note) = (cache.clone(), note_name(id), subject.to_text());
            tasks.spawn("connect.subject", async move |cancel| {
                let noting = cache.note(&name, &note, SHARED_FOR);
                // Without Redis this replica knows it alone.
                match cancel.run_until_cancelled(noting).await {
                    None | Some(Ok(()) | Err(_)) => {}
                }
            });
        }
        self.0.subjects.insert(id.into(), Arc::new(subject));
    }

    pub(super) async fn find(&self, cache: &Cache, id: &str) -> Option<Arc<Subject>> {
        if let Some(known) = self.0.subjects.get(id) {
            return Some(known);
        }
        let well_formed = id.len() < 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !well_formed {
            return None;
        }
        let note = cache.noted(&note_name(id)).await.ok().flatten()?;
        Subject::of_text(&note).map(Arc::new)
    }
}

fn note_name(id: &str) -> String {
    format!("object:{id}")
}

impl Subject {
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
            value: note.get_mut("value")?.take(),
        })
    }
}

/// What actions read of objects of each type: `None` is all of them.
pub(in crate::connect) fn read_of(model: &Model) -> HashMap<Arc<str>, Option<Vec<Box<str>>>> {
    let mut read: HashMap<Arc<str>, Option<Vec<Box<str>>>> = HashMap::new();
    for action in &model.actions {
        let members = read
            .entry(Arc::clone(&action.subject))
            .or_insert_with(|| Some(Vec::new()));
        let connect = match action.along.first() {
            None => model
                .types
                .get(&action.payload)
                .and_then(|payload| payload.connect.clone()),
            Some(first) => live_field(model, &action.subject, first)
                .and_then(|field| field.binding?.connect.clone()),
        };
        let reads = connect.iter().flat_map(|connect| {
            let purge = connect.purge.iter().flat_map(|tag| tag.reads());
            all_reads(connect).into_iter().chain(purge)
        });
        for of_this in reads.filter(|read| &*read.root == "this") {
            match (of_this.path.first(), &mut *members) {
                (Some(name), Some(members)) if !members.contains(name) => {
                    members.push(name.clone())
                }
                (Some(_), _) => {}
                (None, members) => *members = None,
            }
        }
    }
    read
}

/// What is remembered of an object that was shown.
pub(in crate::connect) fn remembered(
    object: &LiveObject,
    members: Option<&[Box<str>]>,
    scope: &Scope,
) -> Subject {
    let value = object.value();
    let member = |name: &str| Some((name.to_owned(), value.get(name)?.clone()));
    let value = match members {
        Some(members) => Value::Object(members.iter().filter_map(|name| member(name)).collect()),
        None => value.clone(),
    };
    Subject {
        connector: Arc::clone(&object.origin.connector),
        instance: Arc::clone(&object.origin.instance),
        type_name: Arc::clone(&object.origin.type_name),
        names: object.origin.names.clone(),
        value,
        entity_ref: object
            .entity
            .map(|entity| scope.snapshot.entity_ref(entity).into()),
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions").finish_non_exhaustive()
    }
}
