//! What upstreams tell us by themselves: a delivery that is proven makes tags stale, on every replica.
//!
//! Nothing of a body is read before its signature is known to be right.
//! A delivery counts as seen when its tags are purged, not before: one that was cut off may be sent again.
//! What it is not: it keeps no event, and tells nobody but the cache.

mod seen;
mod signature;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use self::signature::Proof;
use super::json;
use crate::cache::{Cache, Tag};
use crate::config::{ConnectorConfig, DEFAULT_INSTANCE, InstanceConfig, Secret};
use crate::sdl::expr::Scope;
use crate::sdl::{Model, Webhook};
use crate::tasks;
use crate::telemetry::metrics::{Metrics, WebhookOutcome};

pub use seen::Deliveries;
use signature::WINDOW;

/// A body up to this size is judged at once; a longer one where it holds up nobody.
const SHORT: usize = 64 * 1024;

/// The webhooks of one Model and one configuration; cheap to clone.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    model: Arc<Model>,
    cache: Cache,
    metrics: Arc<Metrics>,
    deliveries: Deliveries,
    /// For each connector that has webhooks: its instances.
    keepers: Vec<(Arc<str>, Vec<Keeper>)>,
    /// Connectors without.
    others: Vec<Arc<str>>,
}

/// One instance of a connector, with what proves that a delivery is its own.
struct Keeper {
    instance: Arc<str>,
    config: Value,
    /// Positions in [`Model::webhooks`], each with its secrets: more than one while they are rotated.
    locks: Vec<(usize, Vec<SecretString>)>,
}

/// One webhook of one instance, which a delivery could be proven by.
struct Lock<'d> {
    keeper: &'d Keeper,
    webhook: &'d Webhook,
    secrets: &'d [SecretString],
}

/// Headers of a delivery by their names in lower case, as expressions read them.
pub type Headers = Map<String, Value>;

/// Where the deliveries of one connector, or of one of its instances, come in.
#[derive(Clone)]
pub struct Door {
    webhooks: Webhooks,
    connector: Arc<str>,
    position: usize,
    instance: Option<Box<str>>,
}

/// What became of a delivery that is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many tags are stale from now on.
    Purged { tags: usize },
    /// No webhook of the connector is about such an event.
    Ignored,
    /// It came before.
    Duplicate,
}

/// Why a delivery is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("there is no connector `{connector}`")]
    NoConnector { connector: Box<str> },
    #[error("the connector `{connector}` takes no webhooks")]
    NoWebhook { connector: Arc<str> },
    #[error("the connector `{connector}` has no instance `{instance}`")]
    NoInstance {
        connector: Arc<str>,
        instance: Box<str>,
    },
    #[error("webhooks of `{connector}` are not set up here: there is no secret to check them by")]
    NotConfigured { connector: Arc<str> },
    #[error(
        "the delivery has no header `{header}`; give the webhook a secret where it is sent from"
    )]
    Unsigned { header: Box<str> },
    #[error("the signature in `{header}` is not that of this body by a secret that is known here")]
    Forged { header: Box<str> },
    #[error(
        "the delivery was signed more than {} minutes before or after this server's time", WINDOW.as_secs() / 60
    )]
    OutOfTime,
    #[error("the body is signed, but it is no JSON: {why}")]
    Malformed { why: Box<str> },
    #[error("the delivery could not be looked at")]
    Unread,
}

/// What was found out of a delivery that is proven.
struct Judged {
    instance: Arc<str>,
    /// Empty: no webhook is about it.
    tags: Vec<Tag>,
    about: bool,
    delivery: Option<String>,
}

impl Webhooks {
    /// Those of all connectors of `model`, by the secrets of `configured`.
    pub fn new(
        model: Arc<Model>,
        configured: &[ConnectorConfig],
        cache: Cache,
        metrics: Arc<Metrics>,
        deliveries: Deliveries,
    ) -> Self {
        let mut keepers: Vec<(Arc<str>, Vec<Keeper>)> = Vec::new();
        for webhook in &model.webhooks {
            if !keepers.iter().any(|(name, _)| *name == webhook.connector) {
                let connector = &webhook.connector;
                keepers.push((
                    Arc::clone(connector),
                    keepers_of(&model, connector, configured),
                ));
            }
        }
        let mut others: Vec<Arc<str>> = Vec::new();
        for source in &model.sources {
            let own = keepers.iter().any(|(name, _)| *name == source.connector);
            if !own && !others.contains(&source.connector) {
                others.push(Arc::clone(&source.connector));
            }
        }
        Self(Arc::new(Inner {
            model,
            cache,
            metrics,
            deliveries,
            keepers,
            others,
        }))
    }

    /// The door of a connector, or of one of its instances.
    pub fn door(&self, connector: &str, instance: Option<&str>) -> Result<Door, Rejected> {
        let known = self.0.keepers.iter();
        let found = known
            .enumerate()
            .find(|(_, (name, _))| **name == *connector);
        let Some((position, (connector, keepers))) = found else {
            let other = self.0.others.iter().find(|other| ***other == *connector);
            return Err(match other {
                Some(connector) => Rejected::NoWebhook {
                    connector: Arc::clone(connector),
                },
                None => Rejected::NoConnector {
                    connector: connector.into(),
                },
            });
        };
        let meant = |keeper: &&Keeper| instance.is_none_or(|name| *keeper.instance == *name);
        let connector = Arc::clone(connector);
        if let Some(instance) = instance
            && !keepers.iter().any(|keeper| meant(&keeper))
            && !keepers.is_empty()
        {
            let instance = instance.into();
            return Err(Rejected::NoInstance {
                connector,
                instance,
            });
        }
        let door = Door {
            webhooks: self.clone(),
            connector: Arc::clone(&connector),
            position,
            instance: instance.map(Into::into),
        };
        if door.locks().next().is_none() {
            door.say_what_is_missing();
            self.0
                .metrics
                .webhook(&connector, WebhookOutcome::NotConfigured, Duration::ZERO);
            return Err(Rejected::NotConfigured { connector });
        }
        Ok(door)
    }
}

impl Door {
    pub fn connector(&self) -> &Arc<str> {
        &self.connector
    }

    /// Looks at the headers alone, so that the body of somebody who cannot be the upstream need not be read.
    pub fn admits(&self, headers: &Headers) -> Result<(), Rejected> {
        let admitted = self.proofs(headers).map(drop);
        admitted.inspect_err(|rejected| self.note(rejected, Duration::ZERO))
    }

    /// Checks the signature of `body`, and has its tags purged everywhere.
    pub async fn receive(
        &self,
        headers: Headers,
        body: bytes::Bytes,
    ) -> Result<Received, Rejected> {
        let began = Instant::now();
        let received = self.received(headers, body).await;
        match &received {
            Ok(received) => {
                let outcome = match received {
                    Received::Purged { .. } => WebhookOutcome::Purged,
                    Received::Ignored => WebhookOutcome::Ignored,
                    Received::Duplicate => WebhookOutcome::Duplicate,
                };
                let metrics = &self.webhooks.0.metrics;
                metrics.webhook(&self.connector, outcome, began.elapsed());
            }
            Err(rejected) => self.note(rejected, began.elapsed()),
        }
        received
    }

    async fn received(&self, headers: Headers, body: bytes::Bytes) -> Result<Received, Rejected> {
        let judged = if body.len() <= SHORT {
            self.judge(&headers, &body)?
        } else {
            let door = self.clone();
            let judge = move || door.judge(&headers, &body);
            match tasks::blocking("judging a delivery", judge).await {
                Ok(judged) => judged?,
                Err(error) => {
                    tracing::error!(%error, connector.name = %self.connector, "{error}");
                    return Err(Rejected::Unread);
                }
            }
        };
        if !judged.about {
            return Ok(Received::Ignored);
        }
        let Inner {
            cache, deliveries, ..
        } = &*self.webhooks.0;
        let id = judged.delivery.map(|id| {
            let from = [&*self.connector, &*judged.instance];
            seen::name(from, &id)
        });
        if let Some(id) = &id
            && deliveries.has(cache, id).await
        {
            return Ok(Received::Duplicate);
        }
        cache.purge(&judged.tags).await;
        if let Some(id) = &id {
            deliveries.add(cache, id).await;
        }
        let n_tags = judged.tags.len();
        tracing::debug!(
            connector.name = %self.connector,
            connector.instance = %judged.instance,
            n_tags,
            "a delivery of `{}` made {n_tags} tags stale",
            self.connector
        );
        Ok(Received::Purged { tags: n_tags })
    }

    fn keepers(&self) -> impl Iterator<Item = &Keeper> {
        let all = self.webhooks.0.keepers.get(self.position);
        let all = all.map_or(&[][..], |(_, keepers)| keepers);
        let meant = |keeper: &&Keeper| {
            let name = self.instance.as_deref();
            name.is_none_or(|name| *keeper.instance == *name)
        };
        all.iter().filter(meant)
    }

    /// Everything that a delivery could be proven by.
    fn locks(&self) -> impl Iterator<Item = Lock<'_>> {
        let webhooks = &self.webhooks.0.model.webhooks;
        self.keepers().flat_map(move |keeper| {
            let locks = keeper.locks.iter();
            let with_secrets = locks.filter(|(_, secrets)| !secrets.is_empty());
            with_secrets.filter_map(move |(position, secrets)| {
                Some(Lock {
                    keeper,
                    webhook: webhooks.get(*position)?,
                    secrets,
                })
            })
        })
    }

    /// What the headers claim, for each lock that it could fit; an error if for none.
    fn proofs(&self, headers: &Headers) -> Result<Vec<(Lock<'_>, Proof)>, Rejected> {
        let now = self.webhooks.0.cache.now();
        let mut proofs = Vec::new();
        let mut rejected = None;
        for lock in self.locks() {
            match Proof::read(&lock.webhook.signature, headers, lock.secrets, now) {
                Ok(proof) => proofs.push((lock, proof)),
                Err(why) => rejected = rejected.or(Some(why)),
            }
        }
        match rejected {
            Some(rejected) if proofs.is_empty() => Err(rejected),
            _ => Ok(proofs),
        }
    }

    /// The instance is the first one that has a secret which fits; all its webhooks that are proven count.
    fn prove(&self, headers: &Headers, body: &[u8]) -> Result<Vec<Lock<'_>>, Rejected> {
        let mut proven: Vec<Lock<'_>> = Vec::new();
        let mut rejected = Rejected::Unread;
        for (lock, proof) in self.proofs(headers)? {
            let first = proven.first().map(|first| &first.keeper.instance);
            if first.is_some_and(|instance| *instance != lock.keeper.instance) {
                continue;
            }
            let fits = |secret: &SecretString| proof.holds(secret.expose_secret().as_bytes(), body);
            if lock.secrets.iter().any(fits) {
                proven.push(lock);
            } else {
                let header = lock.webhook.signature.header.clone();
                rejected = Rejected::Forged { header };
            }
        }
        match proven.is_empty() {
            true => Err(rejected),
            false => Ok(proven),
        }
    }

    /// Reads a body that is proven.
    fn judge(&self, headers: &Headers, body: &[u8]) -> Result<Judged, Rejected> {
        let proven = self.prove(headers, body)?;
        let keeper = proven.first().map(|lock| lock.keeper);
        let keeper = keeper.ok_or(Rejected::Unread)?;
        let body: Value = json::read(body).map_err(|error| Rejected::Malformed {
            why: error.to_string().into(),
        })?;
        let headers = Value::Object(headers.clone());
        let names = [
            ("body", &body),
            ("headers", &headers),
            ("config", &keeper.config),
        ];
        let scope = Scope {
            names: &names,
            ..Scope::default()
        };
        let webhooks = proven.iter().map(|lock| lock.webhook);
        let about: Vec<&Webhook> = webhooks
            .filter(|webhook| is_about(webhook, &scope))
            .collect();
        let texts = about.iter().flat_map(|webhook| &webhook.purge);
        let mut tags: Vec<Tag> = texts
            .flat_map(|template| template.tags(&scope))
            .map(|text| Tag::new(&self.connector, &text))
            .collect();
        tags.sort();
        tags.dedup();
        Ok(Judged {
            instance: Arc::clone(&keeper.instance),
            tags,
            about: !about.is_empty(),
            delivery: about.iter().find_map(|webhook| delivery(webhook, &scope)),
        })
    }

    fn note(&self, rejected: &Rejected, took: Duration) {
        let outcome = match rejected {
            Rejected::Malformed { .. } => WebhookOutcome::Malformed,
            _ => WebhookOutcome::Unauthorized,
        };
        self.count(outcome, took);
        self.tell(rejected);
    }

    /// A request that is no delivery of any upstream: of another form, too long, cut off.
    pub fn turn_away(&self, why: &dyn fmt::Display) {
        self.count(WebhookOutcome::Malformed, Duration::ZERO);
        self.tell(why);
    }

    /// The one line that the operator sees of a delivery that was refused.
    pub fn tell(&self, why: &dyn fmt::Display) {
        tracing::warn!(
            connector.name = %self.connector,
            "a delivery of `{}` was refused: {why}",
            self.connector
        );
    }

    fn count(&self, outcome: WebhookOutcome, took: Duration) {
        let metrics = &self.webhooks.0.metrics;
        metrics.webhook(&self.connector, outcome, took);
    }

    fn say_what_is_missing(&self) {
        let webhooks = self.webhooks.0.model.webhooks.iter();
        let own = webhooks.filter(|webhook| webhook.connector == self.connector);
        let reads = own.flat_map(|webhook| webhook.signature.secret.reads());
        let mut settings: Vec<String> = reads
            .filter(|read| &*read.root == "secret")
            .filter_map(|read| {
                let place = match self.instance.as_deref() {
                    None | Some(DEFAULT_INSTANCE) => String::new(),
                    Some(instance) => format!(".instances.{instance}"),
                };
                let name = read.path.first()?;
                Some(format!(
                    "`connectors.{}{place}.secrets.{name}`",
                    self.connector
                ))
            })
            .collect();
        settings.sort();
        settings.dedup();
        let settings = settings.join(" or ");
        tracing::warn!(
            connector.name = %self.connector,
            "a delivery of `{}` was refused, as there is no secret to check it by: set {settings}",
            self.connector
        );
    }
}

fn keepers_of(model: &Model, connector: &str, configured: &[ConnectorConfig]) -> Vec<Keeper> {
    let configured = configured
        .iter()
        .find(|known| *known.name == *connector && known.enabled);
    let instances = configured.map_or(&[][..], |known| &known.instances);
    let keeper = |instance: &InstanceConfig| {
        let config = Value::Object(instance.config.clone());
        let all = model.webhooks.iter().enumerate();
        let own = all.filter(|(_, webhook)| *webhook.connector == *connector);
        let locks = own.map(|(position, webhook)| (position, secrets(webhook, instance, &config)));
        Keeper {
            instance: Arc::clone(&instance.name),
            locks: locks.collect(),
            config,
        }
    };
    instances.iter().map(keeper).collect()
}

/// An empty text is no secret: everybody would have it.
fn secrets(webhook: &Webhook, instance: &InstanceConfig, config: &Value) -> Vec<SecretString> {
    let text = |secret: &SecretString| Value::from(secret.expose_secret());
    let secrets = instance.secrets.iter().map(|(name, secret)| {
        let value = match secret {
            Secret::One(one) => text(one),
            Secret::Many(many) => many.iter().map(text).collect(),
        };
        (name.clone(), value)
    });
    let secrets = Value::Object(secrets.collect());
    let names = [("config", config), ("secret", &secrets)];
    let scope = Scope {
        names: &names,
        ..Scope::default()
    };
    let value = webhook.signature.secret.eval(&scope).into_owned();
    let values = match value {
        Value::Array(values) => values,
        one => vec![one],
    };
    let texts = values.into_iter().filter_map(|value| match value {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    texts.map(SecretString::from).collect()
}

fn is_about(webhook: &Webhook, scope: &Scope<'_, '_>) -> bool {
    let event = webhook.event.eval(scope);
    webhook.on.is_empty()
        || event
            .as_str()
            .is_some_and(|event| webhook.on.iter().any(|on| **on == *event))
}

fn delivery(webhook: &Webhook, scope: &Scope<'_, '_>) -> Option<String> {
    let id = webhook.signature.delivery_id.as_ref()?.eval(scope);
    match &*id {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}
