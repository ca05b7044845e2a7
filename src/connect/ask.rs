//! Applicability: does a request apply to an object, and which one is it then?
//!
//! A request applies if every hole that is not optional has a value; the annotation is the switch.
//! Nothing is sent here, and nothing here knows what is kept.

use std::borrow::Cow;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde_json::Value;
use smallvec::SmallVec;

use super::annotated;
use super::encode::{Keys, Unfit};
use super::graphql::root::Call;
use super::instances::{Instance, Instances, NoInstance};
use super::live::Origin;
use super::routes::Fetch;
use super::scope::{Scope, State};
use super::seam::Parent;
use crate::cache::{Key, Tag};
use crate::config::DEFAULT_INSTANCE;
use crate::graph::Ix;
use crate::sdl::BatchStyle;
use crate::sdl::expr::{Expr, Scope as Names, Template};

/// What becomes of asking for one object.
#[derive(Clone)]
pub(super) enum Resolved {
    Ask(Arc<Ask>),
    Not(Arc<Not>),
}

/// A request that applies.
pub(super) struct Ask {
    /// Of what is kept; of a collection the key of all of it.
    pub(super) key: Key,
    pub(super) instance: Arc<Instance>,
    /// What all keys of one batch have in common; without a batch the request itself.
    pub(super) shape: Arc<str>,
    /// The key within a batch.
    pub(super) batch: Option<BatchKey>,
    pub(super) origin: Arc<Origin>,
    /// Of a graph: the root field.
    pub(super) call: Option<Call>,
}

pub(super) struct BatchKey {
    pub(super) value: Value,
    pub(super) text: Box<str>,
}

/// Why a request does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Not {
    pub(super) state: State,
    pub(super) instance: Arc<str>,
    pub(super) hint: Arc<str>,
    /// Somebody wrote something that should be otherwise.
    pub(super) problem: bool,
}

/// Everything that the expressions of a request read.
pub(super) struct Bound<'b> {
    fetch: &'b Fetch,
    args: &'b Value,
    viewer: Option<&'b Value>,
    this: Option<&'b Value>,
    entity: Option<Cow<'b, Value>>,
    config: &'b Value,
    lets: Vec<(Box<str>, Value)>,
    /// Names that came with the parent; a `let` of the same name goes before one.
    given: &'b [(Box<str>, Value)],
}

static NULL: Value = Value::Null;

/// Among the names that an object came with: whose installation of an app it was asked of. No expression can read it.
const INSTALLATION: &str = "@installation";

impl<'b> Bound<'b> {
    /// Reads what the request reads of its surroundings, and evaluates its `let`s.
    pub(super) fn new(
        fetch: &'b Fetch,
        args: &'b Value,
        parent: &'b Parent,
        scope: &'b Scope,
        config: &'b Value,
    ) -> Self {
        let nearest = nearest(parent);
        let wanted = fetch.reads_entity || matches!(parent, Parent::Entity(_));
        let entity = nearest
            .filter(|_| wanted)
            .map(|ix| Cow::Owned(scope.snapshot.descriptor(ix)));
        let this = match parent {
            Parent::Live(object) => Some(object.value()),
            Parent::Object(value) | Parent::Within(_, value) => Some(&**value),
            Parent::Root | Parent::Entity(_) | Parent::Texts(_) => None,
        };
        let mut bound = Self {
            fetch,
            args,
            viewer: scope.viewer.as_deref(),
            this,
            entity,
            config,
            given: match parent {
                Parent::Live(object) => &object.origin.names,
                _ => &[],
            },
            lets: Vec::with_capacity(fetch.connect.lets.len()),
        };
        bound.evaluate_lets(None);
        bound
    }

    fn evaluate_lets(&mut self, batch: Option<&Value>) {
        self.lets.clear();
        for item in &self.fetch.connect.lets {
            let value = self.with(batch, |names| item.value.eval(names).into_owned());
            self.lets.push((item.name.clone(), value));
        }
    }

    /// With the keys of a request in sight.
    pub(super) fn for_keys(mut self, batch: Option<&Value>) -> Self {
        let reads_keys = |expr: &Expr| expr.reads().iter().any(|read| &*read.root == "batch");
        if batch.is_some()
            && self
                .fetch
                .connect
                .lets
                .iter()
                .any(|item| reads_keys(&item.value))
        {
            self.evaluate_lets(batch);
        }
        self
    }

    /// Evaluates with everything that has a name here.
    pub(super) fn with<R>(
        &self,
        batch: Option<&Value>,
        evaluate: impl FnOnce(&Names<'_, '_>) -> R,
    ) -> R {
        self.with_body(batch, None, evaluate)
    }

    fn with_body<R>(
        &self,
        batch: Option<&Value>,
        body: Option<&Value>,
        evaluate: impl FnOnce(&Names<'_, '_>) -> R,
    ) -> R {
        let mut names: SmallVec<[(&str, &Value); 8]> = SmallVec::new();
        names.push(("args", self.args));
        names.push(("config", self.config));
        names.extend(self.viewer.map(|viewer| ("viewer", viewer)));
        names.extend(batch.map(|batch| ("batch", batch)));
        names.extend(self.lets.iter().map(|(name, value)| (&**name, value)));
        names.extend(self.given.iter().map(|(name, value)| (&**name, value)));
        let entity = self.entity.as_deref();
        evaluate(&Names {
            this: self.this.or(entity),
            body,
            entity,
            names: &names,
            ..Names::default()
        })
    }

    /// What a variable in the arguments of an upstream's field stands for.
    pub(super) fn variable(&self, root: &str, members: &[Box<str>]) -> Option<Value> {
        self.with(None, |names| {
            let known = names.names.iter().find(|(known, _)| *known == root);
            let mut value = match root {
                "this" => names.this?,
                "entity" => names.entity?,
                _ => known.map(|(_, value)| *value)?,
            };
            for member in members {
                value = value.get(&**member)?;
            }
            Some(value.clone())
        })
    }

    /// The upstream's type of a `let`.
    pub(super) fn let_type(&self, name: &str) -> Option<&str> {
        let mut lets = self.fetch.connect.lets.iter();
        let own = lets.find(|item| *item.name == *name)?;
        own.upstream_type.as_deref()
    }

    /// Path, query and body, as one text.
    pub(super) fn fill(&self, batch: Option<&Value>) -> Result<(String, Option<Value>), Unfit> {
        let keys = match batch {
            Some(_) => Keys::Given,
            None => Keys::LeftOut,
        };
        self.with(batch, |names| {
            let path = self.fetch.address.fill(names, keys)?;
            let body = self.fetch.connect.body.as_ref();
            let body = body.map(|body| body.eval(names).into_owned());
            Ok((path, body))
        })
    }

    /// The tags of what is kept for this request, `$` in them being what came: a page each, or nothing.
    pub(super) fn tags(&self, bodies: &[&Value]) -> Box<[Tag]> {
        let Some(policy) = &self.fetch.policy else {
            return Box::default();
        };
        let connector = self.fetch.connector();
        let mut found = Vec::with_capacity(policy.tags.len());
        let mut add = |body: Option<&Value>, tags: &[Template]| {
            self.with_body(None, body, |names| {
                let texts = tags.iter().flat_map(|tag| tag.tags(names));
                found.extend(texts.map(|text| Tag::new(connector, &text)));
            });
        };
        add(None, &policy.tags);
        if let Some(told) = &self.fetch.told {
            bodies.iter().for_each(|body| add(Some(body), &told.tags));
        }
        // Most items of a list say the same.
        found.sort_unstable();
        found.dedup();
        found.into()
    }
}

/// The nearest entity of a parent.
pub(super) fn nearest(parent: &Parent) -> Option<Ix> {
    match parent {
        Parent::Entity(ix) | Parent::Within(ix, _) => Some(*ix),
        Parent::Live(object) => object.entity,
        Parent::Root | Parent::Object(_) | Parent::Texts(_) => None,
    }
}

/// Where nothing names an instance, a field of a live object is asked where the object came from.
fn instance_of(parent: &Parent, connector: &str) -> Option<String> {
    match parent {
        Parent::Live(object) if *object.origin.connector == *connector => {
            let instance = &*object.origin.instance;
            (instance != DEFAULT_INSTANCE).then(|| instance.to_owned())
        }
        _ => None,
    }
}

/// Asks for nothing, only says what would be asked.
pub(super) fn resolve(
    fetch: &Fetch,
    instances: &Instances,
    args: &Value,
    parent: &Parent,
    scope: &Scope,
) -> Resolved {
    match ask(fetch, instances, args, parent, scope) {
        Ok(ask) => Resolved::Ask(Arc::new(ask)),
        Err(not) => Resolved::Not(Arc::new(not)),
    }
}

fn ask(
    fetch: &Fetch,
    instances: &Instances,
    args: &Value,
    parent: &Parent,
    scope: &Scope,
) -> Result<Ask, Not> {
    let connect = &fetch.connect;
    let default = instances.get(None).ok();
    let config = default.map_or(&NULL, |instance| &instance.config);
    let mut bound = Bound::new(fetch, args, parent, scope, config);
    let named = match &connect.instance {
        None => instance_of(parent, fetch.connector()),
        Some(expr) => bound.with(None, |names| match &*expr.eval(names) {
            Value::String(name) => Some(name.clone()),
            _ => None,
        }),
    };
    let instance = instances.get(named.as_deref());
    if let Ok(instance) = &instance
        && instance.config != *config
    {
        bound.config = &instance.config;
        bound.evaluate_lets(None);
    }
    let at = Place {
        fetch,
        connector: fetch.connector(),
        instance: named.as_deref().unwrap_or(DEFAULT_INSTANCE),
        is_viewer_known: scope.viewer.is_some(),
    };
    let (path, body) = bound.fill(None).map_err(|unfit| at.unfit(unfit))?;
    if body.as_ref().is_some_and(Value::is_null) {
        return Err(at.no(State::NoAnnotation, "there is nothing to ask with"));
    }
    let batch = match connect.batch.as_ref().and_then(|batch| batch.key.as_ref()) {
        None => None,
        Some(key) => Some(bound.with(None, |names| batch_key(&key.eval(names), key, &at))?),
    };
    let instance = instance.map_err(|why| at.no_instance(why))?;
    if fetch.is_forwarded && scope.authorization().is_none() {
        let hint = "it is asked in the caller's name: send an `Authorization` header";
        return Err(at.no(State::NotAllowed, hint));
    }
    let claims = claims(&bound, parent);
    for claim in &claims {
        if !instance.allows(claim) {
            let hint = format!(
                "`connectors.{}.allow` does not name `{claim}`",
                fetch.connector()
            );
            return Err(Not {
                problem: true,
                ..at.no(State::NotAllowed, &hint)
            });
        }
    }
    let (instance, account) = match instance.upstream.is_app() {
        true => {
            let (own, account) = at.installation(&bound, instances, instance)?;
            (own, Some(account))
        }
        false => (Arc::clone(instance), None),
    };
    let instance = &instance;
    let call = match &fetch.root {
        None => None,
        Some(root) => Some(root.call(&bound).map_err(|unfit| at.unfit(unfit))?),
    };
    let shape = match (body, &call) {
        (_, Some(call)) => call.key.to_string(),
        (None, None) => path,
        (Some(body), None) => format!("{path}\n{body}"),
    };
    Ok(Ask {
        key: key(fetch, instance, &shape, batch.as_ref(), scope),
        origin: Arc::new(Origin {
            connector: Arc::clone(fetch.connector()),
            instance: Arc::clone(&instance.name),
            type_name: Arc::clone(&fetch.type_name),
            names: {
                let own = account.map(|account| (INSTALLATION.into(), account.into()));
                bound.lets.into_iter().chain(own).collect()
            },
            at: Arc::clone(&fetch.at),
            is_lasting: true,
        }),
        instance: Arc::clone(instance),
        shape: shape.into(),
        batch,
        call,
    })
}

fn key(
    fetch: &Fetch,
    instance: &Instance,
    shape: &str,
    batch: Option<&BatchKey>,
    scope: &Scope,
) -> Key {
    let style = fetch.connect.batch.as_ref().map(|batch| batch.style);
    let own = match (batch, style) {
        (Some(batch), Some(BatchStyle::List)) => &*batch.text,
        _ => "",
    };
    // Whatever makes one caller's answer another's: who he is, and what he proves it with.
    let viewer = match (fetch.reads_viewer, &scope.viewer) {
        (false, _) => String::new(),
        (true, None) => "-".to_owned(),
        (true, Some(viewer)) => viewer.to_string(),
    };
    let proof = scope.authorization().filter(|_| fetch.is_forwarded);
    let proof = proof.map_or("", |proof| proof.expose_secret());
    let account = instance.installed.as_ref();
    let account = account.map_or("", |(account, _)| account);
    let prefix = fetch.prefix(instance);
    prefix.key([shape, own, &viewer, proof, account])
}

/// Who says no.
struct Place<'p> {
    fetch: &'p Fetch,
    connector: &'p str,
    instance: &'p str,
    is_viewer_known: bool,
}

impl Place<'_> {
    fn no(&self, state: State, hint: &str) -> Not {
        Not {
            state,
            instance: self.instance.into(),
            hint: hint.into(),
            problem: false,
        }
    }

    fn unfit(&self, unfit: Unfit) -> Not {
        match unfit {
            Unfit::Missing { hole } => {
                if hole.contains("$viewer") && !self.is_viewer_known {
                    let hint = "it depends on who asks, and nobody is signed in";
                    return self.no(State::NotAllowed, hint);
                }
                let configured = hole.contains("$config");
                let state = match configured {
                    true => State::NotConfigured,
                    false => State::NoAnnotation,
                };
                let read = match configured {
                    true => String::new(),
                    false => annotated::told(&self.fetch.connect, &hole),
                };
                self.no(state, &format!("`{hole}` has no value{read}"))
            }
            Unfit::Bad { hole, why } => {
                let read = annotated::told(&self.fetch.connect, &hole);
                Not {
                    problem: true,
                    ..self.no(State::NoAnnotation, &format!("`{hole}` is {why}{read}"))
                }
            }
        }
    }

    /// The instance for the account that the request is about; where nothing says which, that of the object before.
    fn installation(
        &self,
        bound: &Bound<'_>,
        instances: &Instances,
        instance: &Arc<Instance>,
    ) -> Result<(Arc<Instance>, String), Not> {
        let expr = self.fetch.installation.as_ref();
        let said = expr.map(|expr| bound.with(None, |names| expr.eval(names).into_owned()));
        let said = match said {
            Some(Value::String(name)) if !name.is_empty() => Some(name),
            Some(Value::Number(number)) => Some(format!("#{number}")),
            _ => None,
        };
        let before = || {
            let mut given = bound.given.iter();
            let (_, account) = given.find(|(name, _)| **name == *INSTALLATION)?;
            account.as_str().map(str::to_owned)
        };
        let written = expr.map_or("installation", |expr| expr.source());
        let Some(account) = said.or_else(before) else {
            return Err(self.unfit(Unfit::Missing {
                hole: written.into(),
            }));
        };
        match instances.installed(instance, &account) {
            Some(own) => Ok((own, account)),
            None => Err(self.unfit(Unfit::Bad {
                hole: written.into(),
                why: "no name of an account",
            })),
        }
    }

    fn no_instance(&self, why: NoInstance) -> Not {
        match why {
            NoInstance::NotConfigured(hint) => self.no(State::NotConfigured, &hint),
            NoInstance::Unknown => {
                let hint = format!(
                    "there is no `connectors.{}.instances.{}`",
                    self.connector, self.instance
                );
                Not {
                    problem: true,
                    ..self.no(State::NotConfigured, &hint)
                }
            }
        }
    }
}

fn batch_key(value: &Value, key: &Expr, at: &Place<'_>) -> Result<BatchKey, Not> {
    match key_text(value) {
        Some(text) if !text.is_empty() => Ok(BatchKey {
            value: value.clone(),
            text,
        }),
        _ => Err(at.unfit(Unfit::Missing {
            hole: key.source().into(),
        })),
    }
}

/// Keys and what they are matched with are compared as texts: upstreams are not of one mind about numbers.
pub(super) fn key_text(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(truth) => Some(truth.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What annotations lead to: one text of all holes, and each item of a list for itself.
///
/// At the root it is arguments that lead somewhere, by their texts: a number is one of what is there.
fn claims(bound: &Bound<'_>, parent: &Parent) -> Vec<String> {
    let mut single: Vec<Box<str>> = Vec::new();
    let mut listed: Vec<String> = Vec::new();
    if matches!(parent, Parent::Root) {
        for chosen in &bound.fetch.chosen {
            bound.with(None, |names| match &*chosen.eval(names) {
                Value::Array(items) => listed.extend(items.iter().filter_map(text_in)),
                value => single.extend(text_in(value).map(Into::into)),
            });
        }
    }
    for claim in &bound.fetch.claims {
        bound.with(None, |names| match &*claim.eval(names) {
            Value::Array(items) => {
                listed.extend(items.iter().filter_map(key_text).map(String::from));
            }
            value => single.extend(key_text(value)),
        });
    }
    if !single.is_empty() {
        listed.push(single.join("/"));
    }
    listed
}

fn text_in(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
