//! What descriptors claim and do not get: annotations that lead nowhere, or where they may not.
//!
//! What can be said without asking is said of every entity whose descriptor changed.
//! What an upstream does not know is found out while it is asked: it is remembered, so much of it and no more, until the descriptor changes or the upstream knows it.
//! Where an annotation stands in a file is not known here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::annotated::annotation;
use super::ask::{Not, Resolved};
use super::chains::{Provider, Step};
use super::routes::{Fetch, Rule, all_reads};
use super::runtime::{Inner, Runtime};
use super::scope::{Scope, State};
use super::seam::{LiveField, Parent};
use super::wish::Wish;
use crate::clock::Budget;
use crate::graph::{Ix, Snapshot};
use crate::sdl::expr::{Expr, Read};
use crate::sdl::{FieldSource, GENERIC_ENTITY};

/// The codes of these problems, with what they mean; `schema/README.md` lists the same.
pub const CLAIM_CODES: &[(&str, &str)] = &[
    (
        "claim-instance",
        "an annotation names an upstream that is not configured",
    ),
    (
        "claim-not-allowed",
        "an annotation leads where `connectors.<name>.allow` does not",
    ),
    (
        "claim-not-found",
        "an annotation names what its upstream does not have",
    ),
    (
        "claim-value",
        "an annotation has a value that cannot stand in the connector's request",
    ),
];

/// So many that are not there are remembered.
const MOST_MISSING: usize = 1_000;

/// A claim that leads to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub entity_ref: Box<str>,
    /// Of the descriptor that claims it; see [`Snapshot::version`].
    pub version: u64,
    /// One of [`CLAIM_CODES`].
    pub code: &'static str,
    /// `None` where no annotation says it.
    pub annotation: Option<Box<str>>,
    pub message: String,
    pub hint: String,
    pub seen_at: Timestamp,
}

/// What upstreams said that they do not have, the latest last.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Whether there ever was one.
    is_any: AtomicBool,
    found: Mutex<IndexMap<(Box<str>, u32), Claimed>>,
    news: Arc<Notify>,
}

impl Runtime {
    /// What can be said without asking, of the entities whose descriptors changed after `since`.
    ///
    /// `None`: of all. It computes, and does not wait.
    pub fn claims(&self, snapshot: &Arc<Snapshot>, since: Option<u64>) -> Vec<Claimed> {
        let scope = Scope::new(Arc::clone(snapshot), Budget::of(Duration::ZERO));
        let mut steps = HashMap::new();
        let mut found = Vec::new();
        for ix in snapshot.all().iter().map(Ix) {
            if since.is_none_or(|since| snapshot.version(ix) > since) {
                self.0.claims_of(&scope, ix, &mut steps, &mut found);
            }
        }
        found
    }

    /// What upstreams said that they do not have, of descriptors as they are in `snapshot`.
    pub fn missing(&self, snapshot: &Snapshot) -> Vec<Claimed> {
        let mut found = self.0.missing.found.lock();
        found.retain(|_, claimed| {
            let ix = snapshot.find(&claimed.entity_ref);
            ix.is_some_and(|ix| snapshot.version(ix) == claimed.version)
        });
        found.values().cloned().collect()
    }

    /// Told when [`Runtime::missing`] changes.
    pub fn news(&self) -> Arc<Notify> {
        Arc::clone(&self.0.missing.news)
    }
}

/// What descriptors of a type are judged by.
type Steps = HashMap<Arc<str>, Judges>;

/// Of all live fields of a type.
#[derive(Default)]
struct Judges {
    /// Their first steps say what is asked.
    providers: Vec<Provider>,
    /// Which items of their lists are shown, by the field.
    rules: Vec<(Arc<str>, Rule)>,
}

impl Inner {
    fn claims_of(&self, scope: &Scope, ix: Ix, steps: &mut Steps, found: &mut Vec<Claimed>) {
        let snapshot = &scope.snapshot;
        let type_name = match snapshot.kind(ix) {
            Some(kind) => &self.routes().model().kind_of(kind).type_name,
            None => &Arc::from(GENERIC_ENTITY),
        };
        let judges = steps
            .entry(Arc::clone(type_name))
            .or_insert_with(|| self.judges(type_name));
        if judges.providers.is_empty() {
            return;
        }
        let descriptor = snapshot.descriptor(ix);
        let annotations = descriptor.pointer("/metadata/annotations");
        let Some(annotations) = annotations.and_then(Value::as_object) else {
            return;
        };
        let start = found.len();
        let first = judges
            .providers
            .iter()
            .filter_map(|provider| provider.steps.first());
        for (fetch, args) in first.filter_map(Step::fetch) {
            if read_by(fetch, None, annotations).is_none() {
                continue;
            }
            if let Resolved::Not(not) = self.resolve(fetch, args, &Parent::Entity(ix), scope)
                && let Some(code) = code(&not)
                && let Some(annotation) = read_by(fetch, Some(code), annotations)
            {
                let message = format!(
                    "`{}` is not asked with what `{annotation}` says",
                    fetch.connector()
                );
                let known = found.iter().skip(start);
                if known.clone().any(|known| known.message == message) {
                    continue;
                }
                found.push(Claimed {
                    entity_ref: snapshot.entity_ref(ix).into(),
                    version: snapshot.version(ix),
                    code,
                    annotation: Some(annotation.into()),
                    message,
                    hint: not.hint.to_string(),
                    seen_at: self.cache().now(),
                });
            }
        }
        for rule in &judges.rules {
            self.unusable(rule, (snapshot, ix), (&descriptor, annotations), found);
        }
    }

    /// Values and globs of an annotation that a list cannot be chosen by.
    fn unusable(
        &self,
        (field, rule): &(Arc<str>, Rule),
        (snapshot, ix): (&Snapshot, Ix),
        (descriptor, annotations): (&Value, &Map<String, Value>),
        found: &mut Vec<Claimed>,
    ) {
        let lets = rule.of.lets.iter().map(|item| &item.value);
        let reads: Vec<Read> = lets
            .chain([&rule.of.wanted])
            .flat_map(Expr::reads)
            .collect();
        let given = reads.iter().filter_map(|read| {
            let (name, value) = annotations.get_key_value(annotation(read)?)?;
            Some((name, value.as_str()?))
        });
        let given: Vec<(&String, &str)> = given.collect();
        if given.is_empty() {
            return;
        }
        let (_, unusable) = Wish::of(&rule.of, &rule.arguments, descriptor);
        // One of them says enough; there may be as many as an annotation has room for.
        if let Some(first) = unusable.into_iter().next() {
            let holds = |(_, text): &&(&String, &str)| text.contains(&*first.text);
            let Some((name, _)) = given.iter().find(holds) else {
                return;
            };
            found.push(Claimed {
                entity_ref: snapshot.entity_ref(ix).into(),
                version: snapshot.version(ix),
                code: "claim-value",
                annotation: Some(name.as_str().into()),
                message: format!(
                    "`{field}` does not go by all of what `{name}` says: {}",
                    first.why
                ),
                hint: first.hint,
                seen_at: self.cache().now(),
            });
        }
    }

    fn judges(&self, type_name: &Arc<str>) -> Judges {
        let Some(ty) = self.routes().model().types.get(type_name) else {
            return Judges::default();
        };
        let fields = ty.fields.values();
        let routes = fields.filter_map(|field| match &field.source {
            FieldSource::Live(binding) => Some(self.routes().route(&LiveField {
                type_name: Arc::clone(type_name),
                name: Arc::clone(&field.name),
                arguments: Arc::new(Map::new()),
                binding: Some(Arc::new(binding.clone())),
                ..LiveField::default()
            })),
            _ => None,
        });
        // Where nothing is configured no claim can be wrong, and no descriptor need be unpacked for it.
        let configured = |provider: &Provider| {
            let first = provider.steps.first().and_then(Step::fetch);
            first.is_some_and(|(fetch, _)| {
                let instances = &self.instances()[fetch.connect.source];
                instances.all().next().is_some()
            })
        };
        let mut judges = Judges::default();
        for route in routes {
            let before = judges.providers.len();
            let providers = route.providers.into_iter();
            judges.providers.extend(providers.filter(configured));
            if judges.providers.len() > before {
                judges
                    .rules
                    .extend(route.rule.map(|rule| (route.field, rule)));
            }
        }
        judges
    }

    /// An upstream was asked what a descriptor claims, and has it or not.
    pub(super) fn heard(&self, fetch: &Fetch, ix: Ix, scope: &Scope, has_it: bool) {
        // Mostly nothing is missed anywhere, and nobody waits for a lock to learn that.
        if has_it && !self.missing.is_any.load(Ordering::Acquire) {
            return;
        }
        let snapshot = &scope.snapshot;
        let key = (Box::from(snapshot.entity_ref(ix)), fetch.id);
        let mut found = self.missing.found.lock();
        if has_it {
            if found.shift_remove(&key).is_some() {
                self.missing.news.notify_one();
            }
            return;
        }
        let descriptor = snapshot.descriptor(ix);
        let annotations = descriptor.pointer("/metadata/annotations");
        let annotations = annotations.and_then(Value::as_object);
        let Some(annotation) = annotations.and_then(|known| read_by(fetch, None, known)) else {
            return;
        };
        let claimed = Claimed {
            version: snapshot.version(ix),
            code: "claim-not-found",
            message: format!(
                "`{}` does not have what `{annotation}` names",
                fetch.connector()
            ),
            hint: "write the name as the upstream shows it, or take the annotation away; a credential that may not read it looks the same".to_owned(),
            annotation: Some(annotation.into()),
            entity_ref: key.0.clone(),
            seen_at: self.cache().now(),
        };
        let before = found.get(&key);
        if before.is_some_and(|before| before.version == claimed.version) {
            return;
        }
        if found.len() == MOST_MISSING {
            found.shift_remove_index(0);
        }
        self.missing.is_any.store(true, Ordering::Release);
        found.insert(key, claimed);
        self.missing.news.notify_one();
    }
}

fn code(not: &Not) -> Option<&'static str> {
    match not.state {
        _ if !not.problem => None,
        State::NotAllowed => Some("claim-not-allowed"),
        State::NotConfigured => Some("claim-instance"),
        _ => Some("claim-value"),
    }
}

/// The first of the annotations that a request reads and that is there; where the instance is in doubt, the one that names it.
fn read_by<'a>(
    fetch: &Fetch,
    code: Option<&str>,
    annotations: &'a Map<String, Value>,
) -> Option<&'a str> {
    let instance = fetch.connect.instance.as_ref();
    let instance = instance.filter(|_| code == Some("claim-instance"));
    let first = instance.map(Expr::reads).unwrap_or_default();
    let mut reads = first.into_iter().chain(all_reads(&fetch.connect));
    reads.find_map(|read| {
        let known = annotations.get_key_value(annotation(&read)?)?;
        Some(known.0.as_str())
    })
}
