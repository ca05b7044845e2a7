//! The settings with which a connector asks a simulated upstream, or another one, instead of the real one.

use serde_json::{Map, Value};
use url::Url;

use crate::connect::example::Settings;
use crate::sdl::expr::Scope;
use crate::sdl::{Model, UpstreamSource};

/// Why a connector cannot be led elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source `{source_name}` cannot be led to another address")]
pub struct NotLed {
    pub source_name: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// `settings` with the addresses of the connector's sources moved to `origin` (scheme, host and port), and those added that the connector has by itself.
pub fn lead(
    model: &Model,
    connector: &str,
    settings: &Settings,
    origin: &Url,
) -> Result<Settings, NotLed> {
    let mut led = Settings {
        config: settings.config.clone(),
        secrets: settings.secrets.clone(),
        instances: Default::default(),
    };
    let sources = model.sources.iter();
    for source in sources.filter(|source| *source.connector == *connector) {
        for name in settings_of(source) {
            if let Some(value) = led.config.get_mut(&*name)
                && let Some(moved) = moved(value, origin)
            {
                *value = moved;
            }
        }
        lead_source(source, &mut led.config, origin)?;
    }
    for (name, instance) in &settings.instances {
        let instance = lead(model, connector, instance, origin)?;
        led.instances.insert(name.clone(), instance);
    }
    Ok(led)
}

/// The address of a source under `config`, if it has one.
pub(super) fn base(source: &UpstreamSource, config: &Map<String, Value>) -> Option<Url> {
    let config = Value::Object(config.clone());
    let names = [("config", &config)];
    let scope = Scope {
        names: &names,
        ..Scope::default()
    };
    let address = source.url.eval(&scope);
    Url::parse(address.as_str()?).ok()
}

fn lead_source(
    source: &UpstreamSource,
    config: &mut Map<String, Value>,
    origin: &Url,
) -> Result<(), NotLed> {
    let is_there = |config: &Map<String, Value>| {
        base(source, config).is_some_and(|base| base.origin() == origin.origin())
    };
    if is_there(config) {
        return Ok(());
    }
    // Without an address of its own the connector can be anywhere.
    let own = base(source, config).unwrap_or_else(|| origin.clone());
    for name in settings_of(source) {
        let mut tried = config.clone();
        let address = moved(&Value::from(own.as_str()), origin);
        tried.insert(name.to_string(), address.unwrap_or_default());
        if is_there(&tried) {
            *config = tried;
            return Ok(());
        }
    }
    Err(NotLed {
        source_name: source.name.to_string(),
        hint: "its `url` must be a setting, for example `$config.url ?? 'https://api.example.com'`",
    })
}

/// The settings that the address of a source is made from.
fn settings_of(source: &UpstreamSource) -> Vec<Box<str>> {
    let reads = source.url.reads().into_iter();
    reads
        .filter(|read| &*read.root == "config")
        .filter_map(|read| read.path.into_iter().next())
        .collect()
}

/// The same path at another origin; `None` for what is no address.
fn moved(value: &Value, origin: &Url) -> Option<Value> {
    let mut url = Url::parse(value.as_str()?).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_scheme(origin.scheme()).ok()?;
    url.set_host(origin.host_str()).ok()?;
    url.set_port(origin.port()).ok()?;
    let address = url.as_str();
    // `https://host` is written `https://host/` by the library, and templates begin with `/`.
    Some(Value::from(address.strip_suffix('/').unwrap_or(address)))
}
