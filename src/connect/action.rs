//! Actions: `Mutation` fields, each one request that changes something at an upstream.
//!
//! Who may act is asked first; then the object is looked up by the id that it was shown with, and what is to be sent is made.
//! From there on it goes on behind the caller, who may go away: the audit has a row before anything is sent, and says afterwards what became of it.
//! What the action makes stale is purged before the payload is read.
//!
//! What it is not: nothing is kept, nothing is sent twice, and nothing travels together.

mod audit;
mod deeds;
mod input;
mod refused;
mod send;
mod subjects;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use self::audit::{new_action, not_written};
use self::deeds::Deed;
use self::refused::{NOT_SUPPORTED, Refused};
use self::send::{Sent, Target, Terms};
use super::ask::{self, Bound, Resolved};
use super::graphql::change::{Change, OWN};
use super::live::{LiveObject, Origin, Whole};
use super::renewals::REFRESH;
use super::routes::{Args, Fetch};
use super::runtime::Inner;
use super::scope::{Scope, State};
use super::seam::{Answer, Fault, Fetched, Group, Item, LiveField, LiveSource, Parent};
use super::view::At;
use crate::cache::Tag;
use crate::clock::Budget;
use crate::sdl::{FieldSource, Model};
use crate::store::{ActionOutcome, Begun, NewAction, StoredAction};

pub use subjects::Actions;
pub(super) use subjects::read_of;

/// What is kept of an upstream's answer for those who ask again with the same key.
const LONGEST_PAYLOAD: usize = 64 * 1024;
/// Of a path of live fields at most so many objects are acted on.
const TARGETS: usize = 50;

/// What goes on behind the caller.
struct Work {
    new: NewAction,
    fetch: Arc<Fetch>,
    targets: Vec<Target>,
    tags: Vec<Tag>,
    names: Vec<(Box<str>, Value)>,
    scope: Arc<Scope>,
}

/// What becomes a payload.
struct Done {
    id: i64,
    instance: Arc<str>,
    /// What fields of the payload may read besides what the upstream said.
    names: Vec<(Box<str>, Value)>,
    value: Value,
    errors: Vec<Value>,
}

impl Inner {
    /// The payload of an action, whatever became of it.
    pub(super) async fn act(self: &Arc<Self>, field: &LiveField, scope: &Arc<Scope>) -> Answer {
        let acted = self.try_act(field, scope).await;
        // What this request read before may be otherwise now.
        scope.forget_own();
        match acted {
            Ok(payload) => Fetched::Live(payload).into(),
            Err(refused) => self.refusal(field, &refused),
        }
    }

    async fn try_act(
        self: &Arc<Self>,
        field: &LiveField,
        scope: &Arc<Scope>,
    ) -> Result<LiveObject, Refused> {
        let actions = self.actions().ok_or_else(|| {
            Refused::new("NOT_CONFIGURED", "nothing is done at upstreams from here")
        })?;
        if !scope.may_act {
            let message = "callers are not known here yet, so that things are done for those on this machine only: let the server listen on loopback, without `server.allowAnonymous`";
            return Err(Refused::new("FORBIDDEN", message));
        }
        let input = field.arguments.get("input").unwrap_or(&Value::Null);
        input::check(&field.arguments)?;
        let deeds = self.deeds(field, input, scope).await?;
        let new = new_action(field, input, scope, &deeds, self.cache().now());
        let known = actions.store().action_by_key(&new).await;
        if let Some(known) = known.map_err(|error| not_written(&error))? {
            return self.again(&known, &new, &deeds);
        }
        let args = Arc::new(Args::of_action(field));
        let (deed, fetch, targets) = self.chosen(&deeds, &args, scope).await?;
        let tags = self.tags(&fetch, &args, &targets, scope);
        let work = Work {
            names: names(&targets, deed),
            new: NewAction {
                instance: instance_of(&targets).to_owned(),
                ..new.clone()
            },
            fetch,
            targets,
            tags,
            scope: Arc::clone(scope),
        };
        match self.carry_out(work).await? {
            Ok(done) => self.payload(deed, done),
            Err(known) => self.again(&known, &new, &deeds),
        }
    }

    /// The objects that it is done to, each with its request; an error if it applies to none.
    async fn targets(
        self: &Arc<Self>,
        deed: &Deed,
        fetch: &Arc<Fetch>,
        args: &Arc<Args>,
        scope: &Arc<Scope>,
    ) -> Result<Vec<Target>, Refused> {
        let parents = match &deed.subject {
            None => vec![Parent::Root],
            Some(subject) => self.along(subject, &deed.along, scope).await?,
        };
        let instances = &self.instances()[deed.connect.source];
        let mut targets = Vec::new();
        let mut why = None;
        for parent in parents {
            match ask::resolve(fetch, instances, &args.value, &parent, scope) {
                Resolved::Ask(ask) => {
                    let bound =
                        Bound::new(fetch, &args.value, &parent, scope, &ask.instance.config);
                    if let Ok((path, body)) = bound.fill(None) {
                        let names = &ask.origin.names;
                        let change = ask.call.as_ref().and_then(|call| {
                            Change::new(self.routes().model(), fetch, call, names)
                        });
                        targets.push(Target {
                            parent,
                            ask,
                            path,
                            body,
                            change,
                        });
                    }
                }
                Resolved::Not(not) => why = Some(not),
            }
        }
        if !targets.is_empty() {
            return Ok(targets);
        }
        let connector = fetch.connector();
        Err(match why {
            Some(not) if not.state != State::NoAnnotation => {
                let code = not.state.as_str();
                Refused::new(code, format!("`{connector}` cannot do this: {}", not.hint))
            }
            _ => {
                let message = format!(
                    "`{connector}` cannot do this to it, or not in this way: its README says what it can"
                );
                Refused::new(NOT_SUPPORTED, message)
            }
        })
    }

    /// Goes along a path of live fields, and reads each anew.
    async fn along(
        self: &Arc<Self>,
        subject: &LiveObject,
        along: &[Arc<str>],
        scope: &Arc<Scope>,
    ) -> Result<Vec<Parent>, Refused> {
        let model = Arc::clone(self.routes().model());
        let mut parents = vec![Parent::Live(subject.clone())];
        let mut type_name = Arc::clone(&subject.origin.type_name);
        for name in along {
            let field = live_field(&model, &type_name, name);
            let Some(field) = field else { break };
            let field = Arc::new(field);
            for parent in &parents {
                self.forget(&field, parent, scope).await;
            }
            let group = Group {
                field,
                parents: std::mem::take(&mut parents),
                scope: Arc::clone(scope),
            };
            let fetching = super::Runtime::of(Arc::clone(self)).fetch(vec![group]);
            for answer in futures_util::future::join_all(fetching)
                .await
                .into_iter()
                .flatten()
            {
                if let Some(fault) = answer.faults.first() {
                    return Err(Refused::of_fault(fault));
                }
                parents.extend(objects(answer.fetched).into_iter().map(Parent::Live));
            }
            parents.truncate(TARGETS);
            if let Some(Parent::Live(object)) = parents.first() {
                type_name = Arc::clone(&object.origin.type_name);
            }
        }
        // Names of the first object are seen by what comes along from there.
        for parent in &mut parents {
            if let Parent::Live(object) = parent {
                object.origin = Arc::new(with_names(&object.origin, &subject.origin));
            }
        }
        Ok(parents)
    }

    /// What is kept of a field of an object is not good enough to act on.
    async fn forget(&self, field: &LiveField, parent: &Parent, scope: &Scope) {
        let route = self.routes().route(field);
        let steps = route.providers.iter().flat_map(|provider| &provider.steps);
        let mut tags = Vec::new();
        for (fetch, args) in steps.filter_map(|step| step.fetch()).take(1) {
            let instances = &self.instances()[fetch.connect.source];
            let resolved = ask::resolve(fetch, instances, &args.value, parent, scope);
            if let Resolved::Ask(ask) = resolved {
                let config = &ask.instance.config;
                let bound = Bound::new(fetch, &args.value, parent, scope, config);
                tags.extend(bound.tags(&[]));
            }
        }
        self.cache().purge(&tags).await;
    }

    /// What the action makes stale.
    fn tags(&self, fetch: &Fetch, args: &Args, targets: &[Target], scope: &Scope) -> Vec<Tag> {
        let mut tags = Vec::new();
        for target in targets {
            let config = &target.ask.instance.config;
            let bound = Bound::new(fetch, &args.value, &target.parent, scope, config);
            let texts = fetch.connect.purge.iter();
            let texts = texts.flat_map(|tag| bound.with(None, |names| tag.tags(names)));
            tags.extend(texts.map(|text| Tag::new(fetch.connector(), &text)));
        }
        tags.sort();
        tags.dedup();
        tags
    }

    /// Does it, also when nobody waits any more. The inner error is an action that was begun with the same key meanwhile.
    async fn carry_out(
        self: &Arc<Self>,
        work: Work,
    ) -> Result<Result<Done, StoredAction>, Refused> {
        let (tell, told) = oneshot::channel();
        let inner = Arc::clone(self);
        self.tasks().spawn("connect.action", async move |_cancel| {
            // Nobody may be listening any more.
            drop(tell.send(inner.do_it(work).await));
        });
        let lost = |_stopped| {
            let message = "the server stops, and what becomes of the action is not known";
            Refused::new("UNKNOWN_OUTCOME", message)
        };
        told.await.map_err(lost)?
    }

    async fn do_it(self: Arc<Self>, work: Work) -> Result<Result<Done, StoredAction>, Refused> {
        let Some(actions) = self.actions() else {
            return Err(Refused::new("NOT_CONFIGURED", "there is no audit"));
        };
        let store = actions.store();
        let begun = store.begin_action(&work.new).await;
        let id = match begun.map_err(|error| not_written(&error))? {
            Begun::New(id) => id,
            Begun::Known(known) => return Ok(Err(known)),
        };
        let mut all: Vec<Sent> = Vec::with_capacity(work.targets.len());
        let terms = Terms {
            budget: Budget::of(REFRESH),
            authorization: work.scope.authorization(),
            started: self.cache().now(),
        };
        for target in &work.targets {
            all.push(send::send(&work.fetch, target, &terms).await);
        }
        // Also where it failed: the upstream may have done it all the same.
        self.cache().purge(&work.tags).await;
        let outcome = send::outcome(&all);
        let faults = all.iter().filter_map(|sent| sent.as_ref().err());
        let errors: Vec<Value> = faults
            .clone()
            .map(|(fault, _)| Refused::of_fault(fault).to_json())
            .collect();
        let code = faults.map(|(fault, _)| fault.code).next();
        let value = all.into_iter().find_map(Result::ok).unwrap_or_default();
        let names = work.names.iter();
        let names: Map<String, Value> = names
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        let instance = &work.new.instance;
        let mut kept = json!({ "value": value, "errors": errors, "instance": instance, "names": names, "payload": *work.fetch.type_name });
        if kept.to_string().len() > LONGEST_PAYLOAD {
            kept["value"] = Value::Null;
        }
        let now = self.cache().now();
        if let Err(error) = store.end_action(id, now, outcome, code, &kept).await {
            tracing::error!(
                %error,
                audit.id = id,
                "what became of action {id} (`{}`) could not be written: {error}",
                outcome.as_str()
            );
        }
        tracing::info!(
            audit.id = id,
            connector.name = %work.new.connector,
            outcome = outcome.as_str(),
            "`{}` at `{}`: {}",
            work.new.action,
            work.new.connector,
            outcome.as_str()
        );
        Ok(Ok(Done {
            id,
            instance: work.new.instance.as_str().into(),
            names: work.names,
            value,
            errors,
        }))
    }

    /// The payload of an action that was carried out before with the same key.
    fn again(
        &self,
        known: &StoredAction,
        new: &NewAction,
        deeds: &[Deed],
    ) -> Result<LiveObject, Refused> {
        if known.arguments != new.arguments {
            let message = "this key was used for something else: take another one";
            return Err(Refused::new("IDEMPOTENCY_KEY_REUSED", message).at("idempotencyKey"));
        }
        let (Some(kept), true) = (&known.payload, known.outcome != ActionOutcome::Pending) else {
            let message = "an action with this key was begun, and it is not known whether it was done: look at the object, and take another key to do it again";
            return Err(Refused::new("UNKNOWN_OUTCOME", message).at("idempotencyKey"));
        };
        let payload = kept.get("payload").and_then(Value::as_str);
        let mut all = deeds.iter();
        let deed = all.find(|deed| payload.is_none_or(|payload| *deed.payload == *payload));
        let deed = deed.ok_or_else(|| {
            let message = "what became of the action with this key is not known any more: look at the object, and take another key to do it again";
            Refused::new("UNKNOWN_OUTCOME", message).at("idempotencyKey")
        })?;
        let errors = kept.get("errors").and_then(Value::as_array);
        let instance = kept.get("instance").and_then(Value::as_str);
        let names = kept.get("names").and_then(Value::as_object);
        let done = Done {
            id: known.id,
            instance: instance.unwrap_or_default().into(),
            names: names
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.as_str().into(), value.clone()))
                .collect(),
            value: kept.get("value").cloned().unwrap_or_default(),
            errors: errors.cloned().unwrap_or_default(),
        };
        self.payload(deed, done)
    }

    /// What went wrong stands in it; an error where its type has no place for that.
    fn payload(&self, deed: &Deed, done: Done) -> Result<LiveObject, Refused> {
        if let Some(error) = done.errors.first()
            && !self.tells_errors(&deed.payload)
        {
            return Err(Refused::of_json(error));
        }
        let mut members = match done.value {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let own = [done.errors.into(), Value::from(done.id.to_string())];
        members.extend(OWN.map(str::to_owned).into_iter().zip(own));
        Ok(LiveObject {
            held: Whole::Value(Arc::new(Value::Object(members))),
            position: None,
            origin: Arc::new(Origin {
                connector: Arc::clone(&deed.connect.connector),
                instance: done.instance,
                type_name: Arc::clone(&deed.payload),
                names: done.names,
                at: Arc::new(At::whole()),
                is_lasting: false,
            }),
            entity: deed.subject.as_ref().and_then(|subject| subject.entity),
            fetched_at: self.cache().now(),
            stale: false,
        })
    }

    /// Whether a payload of this type says what went wrong.
    fn tells_errors(&self, type_name: &str) -> bool {
        let ty = self.routes().model().types.get(type_name);
        ty.is_some_and(|ty| ty.fields.contains_key("userErrors"))
    }

    /// A payload that says why nothing was done; an error where the type of the field has no place for that.
    fn refusal(&self, field: &LiveField, refused: &Refused) -> Answer {
        let model = self.routes().model();
        let promised = named_type(model, field);
        let concrete = model.types.get(&promised).map(|ty| &ty.concrete);
        let mut concrete = concrete.into_iter().flatten();
        let payloads: HashSet<&str> = model.actions.iter().map(|act| &*act.payload).collect();
        let plain = concrete.find(|name| !payloads.contains(&***name) && self.tells_errors(name));
        let Some(plain) = plain else {
            return Fault::new(refused.code, refused.message.clone()).into();
        };
        let value = json!({ "userErrors": [refused.to_json()] });
        Fetched::Live(LiveObject {
            held: Whole::Value(Arc::new(value)),
            position: None,
            origin: Arc::new(Origin {
                connector: "callboard".into(),
                instance: crate::config::DEFAULT_INSTANCE.into(),
                type_name: Arc::clone(plain),
                names: Vec::new(),
                at: Arc::new(At::whole()),
                is_lasting: false,
            }),
            entity: None,
            fetched_at: self.cache().now(),
            stale: false,
        })
        .into()
    }
}

fn instance_of(targets: &[Target]) -> &str {
    let first = targets.first();
    first.map_or(crate::config::DEFAULT_INSTANCE, |target| {
        &target.ask.instance.name
    })
}

/// Names of the request, and of what it is done to.
fn names(targets: &[Target], deed: &Deed) -> Vec<(Box<str>, Value)> {
    let Some(first) = targets.first() else {
        return Vec::new();
    };
    let other = match (&first.parent, &deed.subject) {
        (Parent::Live(object), _) | (_, Some(object)) => &object.origin,
        (_, None) => return first.ask.origin.names.clone(),
    };
    with_names(&first.ask.origin, other).names
}

fn named_type(model: &Model, field: &LiveField) -> Arc<str> {
    let owner = model.types.get(&field.type_name);
    let declared = owner.and_then(|owner| owner.fields.get(&field.name));
    declared.map_or_else(|| "".into(), |field| Arc::clone(&field.ty.named))
}

/// A field as if somebody had selected it.
fn live_field(model: &Model, type_name: &Arc<str>, name: &Arc<str>) -> Option<LiveField> {
    let field = model.types.get(type_name)?.fields.get(name)?;
    let FieldSource::Live(binding) = &field.source else {
        return None;
    };
    let mut arguments = Map::new();
    arguments.insert("first".to_owned(), TARGETS.into());
    Some(LiveField {
        type_name: Arc::clone(type_name),
        name: Arc::clone(name),
        arguments: Arc::new(arguments),
        binding: Some(Arc::new(binding.clone())),
        ..LiveField::default()
    })
}

fn objects(fetched: Fetched) -> Vec<LiveObject> {
    match fetched {
        Fetched::Live(object) => vec![object],
        Fetched::Page(page) => {
            let items = page.items.into_iter();
            let live = items.filter_map(|(item, _)| match item {
                Item::Live(object) => Some(object),
                Item::Value(_) => None,
            });
            live.collect()
        }
        Fetched::Value(_) => Vec::new(),
    }
}

/// An origin that knows the names of another one as well; its own go before them.
fn with_names(own: &Origin, other: &Origin) -> Origin {
    let mut names = own.names.clone();
    for (name, value) in &other.names {
        if !names.iter().any(|(known, _)| known == name) {
            names.push((name.clone(), value.clone()));
        }
    }
    Origin {
        connector: Arc::clone(&own.connector),
        instance: Arc::clone(&own.instance),
        type_name: Arc::clone(&own.type_name),
        names,
        at: Arc::clone(&own.at),
        is_lasting: false,
    }
}
