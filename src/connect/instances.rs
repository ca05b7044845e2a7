//! The upstreams as configured: every source of a connector, once for each of its instances.
//!
//! An instance that lacks a setting is not configured and says what is missing; it is never asked.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indexmap::IndexMap;
use parking_lot::Mutex;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::report::CacheReport;
use super::trace::Found;
use crate::config::{ConnectorConfig, DEFAULT_INSTANCE, InstanceConfig, InstanceLimits};
use crate::egress::{
    AppIdentity, AppKey, Credential, Egress, HeaderName, Limits, Upstream, UpstreamSpec, Url,
};
use crate::sdl::expr::{Expr, Scope};
use crate::sdl::{
    self, AuthType, Connections, DocumentLimits, Model, UpstreamAuth, UpstreamSource,
};
use crate::telemetry::metrics::Striped;

/// One source at one instance, ready to be asked.
pub(super) struct Instance {
    pub(super) name: Arc<str>,
    pub(super) upstream: Arc<Upstream>,
    /// What `$config` stands for.
    pub(super) config: Value,
    /// Everything that makes its answers different from those of another.
    pub(super) account: Box<str>,
    /// What documents cost it, if it speaks GraphQL.
    pub(super) document: DocumentLimits,
    /// How it gives the items of its connections.
    pub(super) connections: Connections,
    allow: Option<Vec<String>>,
    n_requests: Arc<AtomicU64>,
    /// Of an installation of an app: whose, and the instance that it is one of.
    pub(super) installed: Option<(Arc<str>, Arc<Self>)>,
}

/// What there is of one source.
#[derive(Default)]
pub(super) struct Instances {
    by_name: IndexMap<Arc<str>, Result<Arc<Instance>, Arc<str>>>,
    connector: Arc<str>,
    counts: Counts,
    /// The instances that are asked as an app, once for each account that the app is asked for.
    installed: Mutex<Installed>,
}

/// By the names of instance and account.
type Installed = HashMap<(Arc<str>, Arc<str>), Arc<Instance>>;

/// How often values of a source were at hand.
#[derive(Default)]
struct Counts {
    hits: Striped,
    stale: Striped,
    misses: Striped,
}

/// So many installations of apps are remembered, and beyond them those that somebody asks.
const MOST_INSTALLED: usize = 1024;

/// Why there is no such instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoInstance {
    /// What is missing in the configuration.
    NotConfigured(Arc<str>),
    /// Others are configured, and the annotation names one that is not.
    Unknown,
}

impl Instances {
    /// `None`: the one that is asked where nothing names one.
    pub(super) fn get(&self, name: Option<&str>) -> Result<&Arc<Instance>, NoInstance> {
        match self.by_name.get(name.unwrap_or(DEFAULT_INSTANCE)) {
            Some(Ok(instance)) => Ok(instance),
            Some(Err(missing)) => Err(NoInstance::NotConfigured(Arc::clone(missing))),
            None if name.is_some() && !self.by_name.is_empty() => Err(NoInstance::Unknown),
            None => {
                let connector = &self.connector;
                let hint = format!("add `connectors.{connector}` to the configuration");
                Err(NoInstance::NotConfigured(hint.into()))
            }
        }
    }
}

impl Instances {
    /// An instance as its app is installed for an account; `None` for what can be no account.
    ///
    /// Everything that requests are put together by compares instances, so nothing of two accounts is ever asked for in one.
    pub(super) fn installed(
        &self,
        instance: &Arc<Instance>,
        account: &str,
    ) -> Option<Arc<Instance>> {
        let account: Arc<str> = account.to_lowercase().into();
        let key = (Arc::clone(&instance.name), account);
        let mut known = self.installed.lock();
        if let Some(own) = known.get(&key) {
            return Some(Arc::clone(own));
        }
        let upstream = instance.upstream.installed(&key.1)?;
        if known.len() >= MOST_INSTALLED {
            known.retain(|_, own| Arc::strong_count(own) > 1);
        }
        let own = Arc::new(Instance {
            name: Arc::clone(&instance.name),
            upstream: Arc::new(upstream),
            config: instance.config.clone(),
            account: instance.account.clone(),
            document: instance.document,
            connections: instance.connections.clone(),
            allow: instance.allow.clone(),
            n_requests: Arc::clone(&instance.n_requests),
            installed: Some((Arc::clone(&key.1), Arc::clone(instance))),
        });
        known.insert(key, Arc::clone(&own));
        Some(own)
    }

    pub(super) fn connector(&self) -> &Arc<str> {
        &self.connector
    }

    /// Each by its name; for those that are not configured in full what is missing.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, Result<&Instance, &Arc<str>>)> {
        let known = self.by_name.iter();
        known.map(|(name, instance)| (name, instance.as_ref().map(|instance| &**instance)))
    }

    /// A value was at hand or not.
    pub(super) fn count(&self, found: Found) {
        let counter = match found {
            Found::Hit(_) => &self.counts.hits,
            Found::Stale(_) => &self.counts.stale,
            Found::Miss => &self.counts.misses,
        };
        counter.add(1);
    }

    pub(super) fn counts(&self) -> CacheReport {
        CacheReport {
            hits: self.counts.hits.sum(),
            stale: self.counts.stale.sum(),
            misses: self.counts.misses.sum(),
        }
    }
}

impl Instance {
    /// A request was sent.
    pub(super) fn count_request(&self) {
        self.n_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn n_requests(&self) -> u64 {
        self.n_requests.load(Ordering::Relaxed)
    }

    /// Whether an annotation may lead to this object through our credential.
    pub(super) fn allows(&self, claimed: &str) -> bool {
        match &self.allow {
            None => true,
            Some(patterns) => patterns.iter().any(|pattern| fits(pattern, claimed)),
        }
    }
}

/// `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.split_once(part) {
            Some((_, behind)) => left = behind,
            None => return false,
        }
    }
    true
}

/// An instance that is configured and cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unasked {
    pub connector: Arc<str>,
    pub instance: Arc<str>,
    /// The one source that is meant, where others of the connector may be asked.
    pub source: Option<Arc<str>>,
    /// What is missing or cannot be understood, by the name of its setting.
    pub why: Arc<str>,
}

impl fmt::Display for Unasked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (instance, connector) = (&self.instance, &self.connector);
        if let Some(source) = &self.source {
            write!(out, "the source `{source}` of ")?;
        }
        write!(
            out,
            "the instance `{instance}` of `{connector}` is not asked: {}",
            self.why
        )
    }
}

/// What is configured and cannot be asked, each reason once, whichever sources have it.
pub fn unasked(model: &Model, configured: &[ConnectorConfig], egress: &Egress) -> Vec<Unasked> {
    unasked_of(model, &opened(model, configured, egress))
}

fn unasked_of(model: &Model, sources: &[Instances]) -> Vec<Unasked> {
    let is_asked = |connector: &Arc<str>, instance: &Arc<str>| {
        let own = sources.iter().filter(|it| it.connector == *connector);
        own.filter_map(|it| it.by_name.get(instance))
            .any(Result::is_ok)
    };
    let mut all = Vec::new();
    for (source, declared) in sources.iter().zip(&model.sources) {
        for (instance, opened) in &source.by_name {
            let Err(why) = opened else {
                continue;
            };
            let unasked = Unasked {
                connector: Arc::clone(&source.connector),
                instance: Arc::clone(instance),
                source: is_asked(&source.connector, instance).then(|| Arc::clone(&declared.name)),
                why: Arc::clone(why),
            };
            if !all.contains(&unasked) {
                all.push(unasked);
            }
        }
    }
    all
}

/// The instances of all sources, in the order of [`Model::sources`]; the log says which cannot be asked.
pub(super) fn open(
    model: &Model,
    configured: &[ConnectorConfig],
    egress: &Egress,
) -> Vec<Instances> {
    let sources = opened(model, configured, egress);
    for unasked in unasked_of(model, &sources) {
        tracing::warn!(
            connector.name = %unasked.connector,
            connector.instance = %unasked.instance,
            "{unasked}",
        );
    }
    sources
}

fn opened(model: &Model, configured: &[ConnectorConfig], egress: &Egress) -> Vec<Instances> {
    let sources = model.sources.iter();
    sources
        .map(|source| {
            let connector = configured
                .iter()
                .find(|known| known.name == source.connector && known.enabled);
            let instances = connector.map_or(&[][..], |connector| &connector.instances);
            let opened = instances.iter().map(|instance| {
                let opened = open_one(source, instance, egress);
                (Arc::clone(&instance.name), opened)
            });
            Instances {
                by_name: opened.collect(),
                connector: Arc::clone(&source.connector),
                counts: Counts::default(),
                installed: Mutex::default(),
            }
        })
        .collect()
}

/// Evaluates what a source reads of the configuration.
struct Settings<'s> {
    config: &'s Value,
    secrets: &'s Value,
    path: String,
}

impl Settings<'_> {
    fn value(&self, expr: &Expr) -> Value {
        let names = [("config", self.config), ("secret", self.secrets)];
        let scope = Scope {
            names: &names,
            ..Scope::default()
        };
        expr.eval(&scope).into_owned()
    }

    /// A text that must be there.
    fn text(&self, expr: Option<&Expr>, what: &str) -> Result<String, Arc<str>> {
        let value = expr.map_or(Value::Null, |expr| self.value(expr));
        match value {
            Value::String(text) if !text.is_empty() => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(self.missing(expr, what)),
        }
    }

    fn secret(&self, expr: Option<&Expr>, what: &str) -> Result<SecretString, Arc<str>> {
        self.text(expr, what).map(Into::into)
    }

    /// Which settings would give a value.
    fn missing(&self, expr: Option<&Expr>, what: &str) -> Arc<str> {
        let settings = self.names(expr);
        match settings.is_empty() {
            true => format!("its {what} has no value").into(),
            false => format!("set {}", settings.join(" or ")).into(),
        }
    }

    /// The settings that an expression reads, as they stand in the configuration.
    fn names(&self, expr: Option<&Expr>) -> Vec<String> {
        let reads = expr.map(Expr::reads).unwrap_or_default();
        let names = reads.iter().filter_map(|read| {
            let section = match &*read.root {
                "config" => "config",
                "secret" => "secrets",
                _ => return None,
            };
            Some(format!("`{}.{section}.{}`", self.path, read.path.first()?))
        });
        names.collect()
    }
}

fn open_one(
    source: &UpstreamSource,
    instance: &InstanceConfig,
    egress: &Egress,
) -> Result<Arc<Instance>, Arc<str>> {
    let config = Value::Object(instance.config.clone());
    let secrets: Map<String, Value> = instance
        .secrets
        .iter()
        .filter_map(|(name, secret)| {
            let current = secret.all().first()?;
            Some((name.clone(), current.expose_secret().into()))
        })
        .collect();
    let secrets = Value::Object(secrets);
    let path = match &*instance.name {
        DEFAULT_INSTANCE => format!("connectors.{}", source.connector),
        name => format!("connectors.{}.instances.{name}", source.connector),
    };
    let settings = Settings {
        config: &config,
        secrets: &secrets,
        path,
    };
    let base = settings.text(Some(&source.url), "URL")?;
    let base = Url::parse(&base).map_err(|_unreadable| -> Arc<str> {
        format!(
            "the URL of the source `{}` cannot be understood",
            source.name
        )
        .into()
    })?;
    let spec = UpstreamSpec {
        connector: Arc::clone(&source.connector),
        source: Arc::clone(&source.name),
        instance: Arc::clone(&instance.name),
        base,
        credential: credential(source.auth.as_ref(), &settings)?,
        headers: headers(source, &settings)?,
        limits: limits(&source.limits, &instance.limits),
        allow_hosts: instance.allow_hosts.clone(),
        share: instance.limits.share.unwrap_or(1.0),
    };
    let account = account(&spec.base, &config, &secrets);
    let upstream = egress
        .upstream(spec)
        .map_err(|error| -> Arc<str> { error.to_string().into() })?;
    Ok(Arc::new(Instance {
        name: Arc::clone(&instance.name),
        upstream,
        config,
        account,
        document: source.limits.document,
        connections: source.connections.clone(),
        allow: instance.allow.clone(),
        n_requests: Arc::default(),
        installed: None,
    }))
}

/// Address and settings, so that what came from another address or with another credential is never met again.
fn account(base: &Url, config: &Value, secrets: &Value) -> Box<str> {
    let mut hash = Sha256::new();
    for part in [base.as_str(), &config.to_string(), &secrets.to_string()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize()).into()
}

fn credential(
    auth: Option<&UpstreamAuth>,
    settings: &Settings<'_>,
) -> Result<Credential, Arc<str>> {
    let Some(auth) = auth else {
        return Ok(Credential::None);
    };
    Ok(match auth.kind {
        AuthType::None => Credential::None,
        AuthType::Bearer => Credential::Bearer {
            token: settings.secret(auth.token.as_ref(), "token")?,
        },
        AuthType::Basic => Credential::Basic {
            user: settings.secret(auth.user.as_ref(), "user")?,
            password: settings.secret(auth.token.as_ref(), "token")?,
        },
        AuthType::Header => Credential::Header {
            name: header_name(auth.header.as_deref().unwrap_or_default())?,
            prefix: auth.prefix.as_deref().unwrap_or_default().to_owned(),
            token: settings.secret(auth.token.as_ref(), "token")?,
        },
        AuthType::Oauth2Client => {
            let token_url = settings.text(auth.token_url.as_ref(), "token URL")?;
            Credential::OAuth2 {
                token_url: Url::parse(&token_url).map_err(|_unreadable| -> Arc<str> {
                    "the token URL cannot be understood".into()
                })?,
                client_id: settings.secret(auth.user.as_ref(), "user")?,
                client_secret: settings.secret(auth.token.as_ref(), "token")?,
                scopes: auth.scopes.iter().map(ToString::to_string).collect(),
            }
        }
        AuthType::Forward => Credential::Forward,
        AuthType::GithubApp => return app(auth, settings),
    })
}

/// A token where there is one, else the app.
fn app(auth: &UpstreamAuth, settings: &Settings<'_>) -> Result<Credential, Arc<str>> {
    if let Some(token) = &auth.token
        && let Ok(token) = settings.secret(Some(token), "token")
    {
        return Ok(Credential::Bearer { token });
    }
    let (id, key) = (auth.app_id.as_ref(), auth.key.as_ref());
    let is_begun = [id, key]
        .into_iter()
        .any(|expr| settings.text(expr, "app").is_ok());
    let id = settings.text(id, "app's id");
    let secret = settings.secret(key, "app's key");
    let (id, secret) = match (id, secret) {
        (Ok(id), Ok(secret)) => (id, secret),
        (id, secret) => {
            let all: Vec<Arc<str>> = [id.err(), secret.err()].into_iter().flatten().collect();
            let app = all.join(", and ");
            let token = settings.missing(auth.token.as_ref(), "token");
            return Err(match (is_begun, &auth.token) {
                (false, Some(_)) => format!("{token}; or, for an app, {app}").into(),
                _ => app.into(),
            });
        }
    };
    let setting = settings.names(key).join(" or ");
    let key = AppKey::read(&secret)
        .map_err(|wrong| -> Arc<str> { format!("{setting} {wrong}").into() })?;
    let api = settings.text(auth.token_url.as_ref(), "token URL")?;
    Ok(Credential::App(AppIdentity {
        api: Url::parse(&api)
            .map_err(|_unreadable| -> Arc<str> { "the token URL cannot be understood".into() })?,
        id: id.into(),
        key,
        setting: setting.replace('`', "").into(),
    }))
}

fn headers(
    source: &UpstreamSource,
    settings: &Settings<'_>,
) -> Result<Vec<(HeaderName, SecretString)>, Arc<str>> {
    let mut headers = Vec::with_capacity(source.headers.len());
    for (name, value) in &source.headers {
        let of_caller = value.reads().iter().any(|read| &*read.root == "viewer");
        // Nobody is known to ask yet: what says who it is has nothing to say.
        if of_caller {
            continue;
        }
        let text = settings.text(Some(value), "header")?;
        headers.push((header_name(name)?, text.into()));
    }
    Ok(headers)
}

fn header_name(name: &str) -> Result<HeaderName, Arc<str>> {
    name.parse()
        .map_err(|_invalid| -> Arc<str> { format!("`{name}` is no name of a header").into() })
}

/// What the configuration says goes before what the folder says, and that before the defaults.
fn limits(folder: &sdl::Limits, set: &InstanceLimits) -> Limits {
    let defaults = Limits::default();
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Limits {
        timeout: set.timeout.or(folder.timeout).unwrap_or(defaults.timeout),
        retries: set.retries.or(folder.retries).unwrap_or(defaults.retries),
        concurrency: set
            .concurrency
            .or(folder.concurrency)
            .map_or(defaults.concurrency, |count| count as usize),
        per_minute: set.per_minute.or(folder.per_minute).or(defaults.per_minute),
        budget_floor: set
            .budget_floor
            .or(folder.budget_floor)
            .unwrap_or(defaults.budget_floor),
        breaker_errors: set
            .breaker_errors
            .or(folder.breaker_errors)
            .unwrap_or(defaults.breaker_errors),
        breaker_sleep: set
            .breaker_sleep
            .or(folder.breaker_sleep)
            .unwrap_or(defaults.breaker_sleep),
        max_bytes: set
            .max_bytes
            .or(folder.max_bytes)
            .map_or(defaults.max_bytes, bytes),
        limit_phrases: folder.limit_phrases.clone(),
        limit_pause: folder.limit_pause.unwrap_or(defaults.limit_pause),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_text() {
        let rows = [
            ("acme/pay", "acme/pay", true),
            ("acme/pay", "acme/pays", false),
            ("acme/*", "acme/pay", true),
            ("acme/*", "acmes/pay", false),
            ("*", "", true),
            ("*/pay", "acme/pay", true),
            ("*/pay", "acme/pay/x", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
