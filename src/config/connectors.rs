//! `connectors`: how each connector reaches its upstreams.
//!
//! Which keys of `config` and `secrets` there are is said by the connector's folder, which is read later: they are kept with their places, and [`Config::check_connectors`] judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::Config;
use super::section::{Problems, Section, secret_of};
use super::tree::{Data, Key, Node, Place};
use crate::diagnostic::{Diagnostic, closest};

/// The instance that is asked when `@connect(instance:)` names none.
pub const DEFAULT_INSTANCE: &str = "default";

/// One entry of `connectors`.
#[derive(Clone, Debug)]
pub struct ConnectorConfig {
    /// The name of its folder.
    pub name: Arc<str>,
    /// `false` takes its types out of the graph.
    pub enabled: bool,
    /// The upstreams of this kind, `default` first if there is one.
    pub instances: Vec<InstanceConfig>,
    place: Place,
}

/// One upstream of a connector.
#[derive(Clone, Debug)]
pub struct InstanceConfig {
    pub name: Arc<str>,
    /// What the folder reads as `$config`.
    pub config: Map<String, Value>,
    /// What the folder reads as `$secret`.
    pub secrets: BTreeMap<String, Secret>,
    pub limits: InstanceLimits,
    /// What annotations may lead to, as patterns in which `*` stands for any text; `None`: the connector's default.
    pub allow: Option<Vec<String>>,
    /// Hosts that redirects may lead to, lower-case.
    pub allow_hosts: Vec<String>,
    /// Where the keys of `config` and `secrets` were written.
    places: Vec<(SettingKind, Key)>,
}

/// A secret; more than one while it is being rotated.
#[derive(Clone, Debug)]
pub enum Secret {
    One(SecretString),
    Many(Vec<SecretString>),
}

/// What is set of the limits of a source; `None` leaves what its folder says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceLimits {
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub concurrency: Option<u32>,
    pub per_minute: Option<u32>,
    pub budget_floor: Option<f64>,
    pub breaker_errors: Option<u32>,
    pub breaker_sleep: Option<Duration>,
    pub max_bytes: Option<u64>,
    /// Which part of the upstream's own budget is ours, above 0 and at most 1.
    pub share: Option<f64>,
}

/// What the folder of a connector reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingNames {
    pub config: BTreeSet<Box<str>>,
    pub secrets: BTreeSet<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SettingKind {
    Config,
    Secret,
}

impl Secret {
    /// All of it, the current one first.
    pub fn all(&self) -> &[SecretString] {
        match self {
            Self::One(secret) => std::slice::from_ref(secret),
            Self::Many(secrets) => secrets,
        }
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let exposed = |secret: &Self| -> Vec<String> {
            let all = secret.all().iter();
            all.map(|one| one.expose_secret().to_owned()).collect()
        };
        matches!(self, Self::One(_)) == matches!(other, Self::One(_))
            && exposed(self) == exposed(other)
    }
}

/// Places are left out: a comment above an entry changes nothing.
impl PartialEq for ConnectorConfig {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.enabled, &self.instances)
            == (&other.name, other.enabled, &other.instances)
    }
}

impl PartialEq for InstanceConfig {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.config == other.config
            && self.secrets == other.secrets
            && self.limits == other.limits
            && self.allow == other.allow
            && self.allow_hosts == other.allow_hosts
    }
}

impl ConnectorConfig {
    /// A connector that no file configures.
    pub fn made(name: Arc<str>, instances: Vec<InstanceConfig>) -> Self {
        Self {
            name,
            enabled: true,
            instances,
            place: Place::default(),
        }
    }

    /// The upstream of this name.
    pub fn instance(&self, name: &str) -> Option<&InstanceConfig> {
        self.instances
            .iter()
            .find(|instance| *instance.name == *name)
    }
}

impl Config {
    /// What is said of the connector of this name.
    pub fn connector(&self, name: &str) -> Option<&ConnectorConfig> {
        self.connectors
            .iter()
            .find(|connector| *connector.name == *name)
    }

    /// Connectors that there are not, and keys that their folders do not read; `None` in `known`: a folder that could not be read, and is not judged.
    pub fn check_connectors(
        &self,
        known: &BTreeMap<Arc<str>, Option<SettingNames>>,
    ) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for connector in &self.connectors {
            match known.get(&connector.name) {
                Some(Some(names)) => {
                    for instance in &connector.instances {
                        check_keys(&connector.name, instance, names, &mut problems);
                    }
                }
                Some(None) => {}
                None => problems.push(unknown(
                    &connector.place,
                    format!("there is no connector `{}`", connector.name),
                    &connector.name,
                    known.keys().map(|name| &**name),
                )),
            }
        }
        problems
    }
}

fn check_keys(
    connector: &str,
    instance: &InstanceConfig,
    names: &SettingNames,
    problems: &mut Vec<Diagnostic>,
) {
    for (kind, key) in &instance.places {
        let (section, known) = match kind {
            SettingKind::Config => ("config", &names.config),
            SettingKind::Secret => ("secrets", &names.secrets),
        };
        if !known.contains(key.name.as_str()) {
            problems.push(unknown(
                &key.place,
                format!(
                    "the connector `{connector}` reads no `{}` in `{section}`",
                    key.name
                ),
                &key.name,
                known.iter().map(|name| &**name),
            ));
        }
    }
}

fn unknown<'a>(
    place: &Place,
    message: String,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let hint = match closest(name, known.clone()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => match known.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "nothing is known here: remove it".to_owned(),
            known => format!("known here: {known}"),
        },
    };
    Diagnostic::error("config-key", place.file.clone(), message)
        .at(place.span)
        .hint(hint)
}

/// What is read of `connectors`.
#[derive(Default)]
pub(super) struct Connectors {
    pub(super) connectors: Vec<ConnectorConfig>,
    /// Files that secrets were read from.
    pub(super) files: Vec<PathBuf>,
}

pub(super) fn read(file: &mut Section<'_>, folder: &Path, problems: &Problems) -> Connectors {
    let mut read = Connectors::default();
    for (key, node) in file.map("connectors") {
        let section = Section::of(node, format!("connectors.{}", key.name), problems);
        let mut reader = Reader {
            folder,
            problems,
            files: &mut read.files,
        };
        let connector = reader.connector(section, key);
        read.connectors.push(connector);
    }
    read
}

struct Reader<'a> {
    folder: &'a Path,
    problems: &'a Problems,
    files: &'a mut Vec<PathBuf>,
}

impl Reader<'_> {
    fn connector(&mut self, mut section: Section<'_>, key: &Key) -> ConnectorConfig {
        let enabled = section.optional("enabled", |section| section.flag("enabled"));
        let outer = self.instance(&mut section, DEFAULT_INSTANCE);
        let mut instances = Vec::new();
        for (name, node) in section.map("instances") {
            let path = format!("connectors.{}.instances.{}", key.name, name.name);
            let mut inner = Section::of(node, path, self.problems);
            let mut instance = self.instance(&mut inner, &name.name);
            inner.finish();
            instance.take_over(&outer);
            if &*instance.name == DEFAULT_INSTANCE && !outer.places.is_empty() {
                section.problem(
                    &name.place,
                    "config-value",
                    format!("the instance `default` of `{}` is described twice", key.name),
                    Some("put its `config` and `secrets` either here, or directly below the connector".to_owned()),
                );
            }
            instances.push(instance);
        }
        section.finish();
        // With instances and nothing beside them, no upstream is the default.
        if instances.is_empty() || !outer.places.is_empty() {
            instances.push(outer);
        }
        instances.sort_by_key(|instance| &*instance.name != DEFAULT_INSTANCE);
        ConnectorConfig {
            name: key.name.as_str().into(),
            enabled: enabled.unwrap_or(true),
            instances,
            place: key.place.clone(),
        }
    }

    fn instance(&mut self, section: &mut Section<'_>, name: &str) -> InstanceConfig {
        let mut places = Vec::new();
        let mut config = Map::new();
        for (key, node) in section.map("config") {
            places.push((SettingKind::Config, key.clone()));
            config.insert(key.name.clone(), json(node));
        }
        let mut secrets = BTreeMap::new();
        let path = section.path_of("secrets");
        for (key, node) in section.map("secrets") {
            places.push((SettingKind::Secret, key.clone()));
            let path = format!("{path}.{}", key.name);
            secrets.insert(key.name.clone(), self.secret(node, &path));
        }
        let limits = section.section("limits");
        InstanceConfig {
            name: name.into(),
            config,
            secrets,
            limits: instance_limits(limits),
            allow: section.optional("allow", |section| section.texts("allow")),
            allow_hosts: section
                .texts("allowHosts")
                .into_iter()
                .map(|host| host.to_lowercase())
                .collect(),
            places,
        }
    }

    fn secret(&mut self, node: &Node, path: &str) -> Secret {
        let mut one = |node: &Node| -> SecretString {
            let (text, _, file) = secret_of(node, path, self.folder, self.problems);
            self.files.extend(file);
            text.into()
        };
        match &node.data {
            Data::List(items) => Secret::Many(items.iter().map(one).collect()),
            _ => Secret::One(one(node)),
        }
    }
}

impl InstanceConfig {
    /// An upstream that no file configures.
    pub fn made(
        name: Arc<str>,
        config: Map<String, Value>,
        secrets: BTreeMap<String, Secret>,
    ) -> Self {
        Self {
            name,
            config,
            secrets,
            limits: InstanceLimits::default(),
            allow: None,
            allow_hosts: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Restrictions hold for every instance that does not say otherwise; settings and secrets never pass from one upstream to another.
    fn take_over(&mut self, outer: &Self) {
        let own = std::mem::take(&mut self.limits);
        let below = outer.limits.clone();
        self.limits = InstanceLimits {
            timeout: own.timeout.or(below.timeout),
            retries: own.retries.or(below.retries),
            concurrency: own.concurrency.or(below.concurrency),
            per_minute: own.per_minute.or(below.per_minute),
            budget_floor: own.budget_floor.or(below.budget_floor),
            breaker_errors: own.breaker_errors.or(below.breaker_errors),
            breaker_sleep: own.breaker_sleep.or(below.breaker_sleep),
            max_bytes: own.max_bytes.or(below.max_bytes),
            share: own.share.or(below.share),
        };
        if self.allow.is_none() {
            self.allow.clone_from(&outer.allow);
        }
        if self.allow_hosts.is_empty() {
            self.allow_hosts.clone_from(&outer.allow_hosts);
        }
    }
}

fn instance_limits(mut section: Section<'_>) -> InstanceLimits {
    let mut number = |key, least| {
        section.optional(key, |section| {
            u32::try_from(section.count(key, least)).unwrap_or(u32::MAX)
        })
    };
    let retries = number("retries", 0);
    let concurrency = number("concurrency", 1);
    let per_minute = number("perMinute", 1);
    let breaker_errors = number("breakerErrors", 1);
    let limits = InstanceLimits {
        retries,
        concurrency,
        per_minute,
        breaker_errors,
        timeout: section.optional("timeout", |section| section.duration("timeout")),
        breaker_sleep: section.optional("breakerSleep", |section| section.duration("breakerSleep")),
        max_bytes: section.optional("maxBytes", |section| section.size("maxBytes")),
        budget_floor: section.optional("budgetFloor", |section| {
            section.part("budgetFloor", "from 0 to below 1", |part| {
                (0.0..1.0).contains(&part)
            })
        }),
        share: section.optional("share", |section| {
            section.part("share", "above 0 and at most 1", |part| {
                part > 0.0 && part <= 1.0
            })
        }),
    };
    section.finish();
    limits
}

/// A setting as expressions read it.
fn json(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Bool(value) => Value::from(*value),
        Data::Integer(value) => Value::from(*value),
        Data::Float(value) => Value::from(*value),
        Data::Text(text) => Value::from(text.value.as_str()),
        Data::List(items) => items.iter().map(json).collect(),
        Data::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.name.clone(), json(value)))
            .collect(),
    }
}
