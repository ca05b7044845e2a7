//! `callboard.yaml` as plain data; modules take their section by value.
//!
//! Two steps: as written (a tree with places), then checked ([`Config`]).
//! The compiled-in `config.default.yaml` lies under every file, so it is default, sample and reference at once, and a default cannot be documented wrongly.
//! Read by hand and not through serde, because all problems of a file are told in one run, each with its line and column.
//!
//! Architecture invariant: the environment is read here only.

mod connectors;
mod print;
mod redis_url;
mod section;
mod tree;
pub(crate) mod units;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

pub use self::connectors::{
    ConnectorConfig, DEFAULT_INSTANCE, InstanceConfig, InstanceLimits, Secret, SettingNames,
};
use self::section::{Problems, Section};
use self::tree::Node;
use crate::diagnostic::Diagnostic;

pub use self::redis_url::{RedisConfig, RedisTopology};

/// The file with all defaults and their explanation.
pub const DEFAULTS: &str = include_str!("config/config.default.yaml");

/// The file that `serve` looks for when none is named.
pub const FILE_NAME: &str = "callboard.yaml";

/// Every code that a configuration's problems have, with what it means, sorted; `schema/README.md` lists the same.
pub const CODES: &[(&str, &str)] = &[
    (
        "config-connector",
        "an upstream that cannot be asked as it is configured",
    ),
    (
        "config-egress",
        "what all requests to upstreams go by cannot be used",
    ),
    (
        "config-file",
        "a file, or the file of a secret, cannot be read",
    ),
    ("config-key", "a key that is not known here"),
    (
        "config-listen",
        "an address beyond loopback, and nobody said that this is meant",
    ),
    ("config-missing", "a setting that must be there is not"),
    ("config-source", "a source reads where there is nothing"),
    (
        "config-syntax",
        "the file is no YAML, or more than one document",
    ),
    (
        "config-type",
        "a value of another type than the setting has",
    ),
    ("config-value", "a value that the setting cannot have"),
    (
        "config-variable",
        "an environment variable that is not set, or its name is wrong",
    ),
];

/// Gives an environment variable its value.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub cache: CacheConfig,
    /// SDL files, folders or globs, absolute, with what was written.
    pub schema: Vec<SchemaPath>,
    /// Connector folders, folders of such folders or globs.
    pub connector_folders: Vec<SchemaPath>,
    /// In the order written.
    pub connectors: Vec<ConnectorConfig>,
    /// Files that secrets of connectors were read from.
    pub secret_files: Vec<PathBuf>,
    pub egress: EgressConfig,
    pub sources: Vec<SourceConfig>,
    pub catalog: CatalogConfig,
    pub limits: LimitsConfig,
    pub telemetry: TelemetryConfig,
    /// What paths in the file are relative to.
    pub folder: PathBuf,
    effective: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// Whether to listen beyond loopback without authentication.
    pub allow_anonymous: bool,
    pub shutdown_grace: Duration,
    pub header_timeout: Duration,
    pub connections: usize,
}

#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `sqlite:` with an absolute path, or another scheme as written.
    pub url: SecretString,
}

/// Where answers of upstreams are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheConfig {
    /// Bytes in this process.
    pub memory: u64,
    /// What the replicas have in common.
    pub redis: Option<RedisConfig>,
    /// How long somebody waits for Redis before it counts as away.
    pub redis_patience: Duration,
}

/// One entry of `schema` or `connectorFolders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaPath {
    pub path: PathBuf,
    pub written: String,
}

/// One entry of `sources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// Default: `<type>-<position>`, counted from 1.
    pub name: String,
    pub kind: SourceKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A file, a folder or a glob, made absolute against the configuration file's folder.
    File {
        path: PathBuf,
        /* as written */ written: String,
    },
}

/// How upstreams are reached.
#[derive(Clone, Debug, Default)]
pub struct EgressConfig {
    /// Certificate authorities in PEM form, besides those that the machine trusts.
    pub ca_file: Option<PathBuf>,
    pub proxies: ProxyConfig,
}

/// The environment's `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, also in lower case; the first two may hold a password.
#[derive(Clone, Debug, Default)]
pub struct ProxyConfig {
    pub http: Option<SecretString>,
    pub https: Option<SecretString>,
    pub none: Option<String>,
}

impl ProxyConfig {
    /// What the environment says.
    pub fn of(environment: Environment<'_>) -> Self {
        let read = |lower: &str, upper: &str| {
            let value = environment(lower).or_else(|| environment(upper));
            value.filter(|value| !value.is_empty())
        };
        Self {
            http: read("http_proxy", "HTTP_PROXY").map(Into::into),
            https: read("https_proxy", "HTTPS_PROXY").map(Into::into),
            none: read("no_proxy", "NO_PROXY"),
        }
    }
}

/// How the catalog follows its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogConfig {
    pub orphans: Orphans,
    /// Watchers lose events: after this time everything is looked at again.
    pub rescan: Duration,
    /// How long changes are kept.
    pub history: Duration,
    /// How long the audit of actions is kept.
    pub audit: Duration,
}

/// What becomes of entities whose file or source is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphans {
    /// They are removed, with a tombstone in the change log.
    #[default]
    Delete,
    /// They stay until a file describes them again.
    Keep,
}

/// What one request may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    pub body_size: u64,
    pub webhook_size: u64,
    pub request_time: Duration,
    pub concurrency: usize,
    pub batch: usize,
    pub document_size: u64,
    pub tokens: usize,
    pub nesting: usize,
    pub depth: usize,
    pub aliases: usize,
    pub root_fields: usize,
    pub fields: usize,
    pub response_size: u64,
    pub definition_size: u64,
    pub introspection: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryConfig {
    pub log_format: LogFormat,
    /// A level, or targets with levels.
    pub log_level: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The process's own environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Config {
    /// The defaults, with paths relative to `folder`.
    pub fn defaults(
        folder: &Path,
        environment: Environment<'_>,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        Self::parse(None, folder, environment)
    }

    /// Reads the file at `path`; all its problems in one run, and a configuration only if there are none.
    pub fn load(path: &Path, environment: Environment<'_>) -> (Option<Self>, Vec<Diagnostic>) {
        let name: Arc<str> = path.display().to_string().into();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let hint = match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        "`callboard config print --defaults` writes a file to start from"
                    }
                    std::io::ErrorKind::InvalidData => "save the file as UTF-8",
                    _ => "name a file that the user of `callboard` may read",
                };
                let problem =
                    Diagnostic::error("config-file", name, format!("cannot be read: {error}"))
                        .hint(hint);
                return (None, vec![problem]);
            }
        };
        let folder = match std::path::absolute(path) {
            Ok(absolute) => absolute.parent().map(Path::to_path_buf).unwrap_or_default(),
            Err(_no_current_folder) => PathBuf::new(),
        };
        Self::parse(Some((&name, &text)), &folder, environment)
    }

    /// The same for a text; `folder` is what its paths are relative to.
    pub fn parse(
        file: Option<(&Arc<str>, &str)>,
        folder: &Path,
        environment: Environment<'_>,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let defaults: Arc<str> = "config.default.yaml".into();
        let below = tree::parse(&defaults, DEFAULTS, &|_| None, &mut problems);
        let above = file.map(|(name, text)| tree::parse(name, text, environment, &mut problems));
        let root = match (below, above) {
            (Some(below), None) => below,
            (Some(below), Some(Some(above))) => above.over(below),
            _ => return (None, problems),
        };
        let problems = RefCell::new(problems);
        let mut config = check(&root, folder, &problems);
        config.egress.proxies = ProxyConfig::of(environment);
        let mut problems = problems.into_inner();
        problems.sort_by_key(|problem| problem.span.map(|span| span.start));
        (problems.is_empty().then_some(config), problems)
    }

    /// All settings as YAML, secrets masked.
    pub fn print(&self) -> &str {
        &self.effective
    }
}

fn check(root: &Node, folder: &Path, problems: &Problems) -> Config {
    let mut file = Section::of(root, "", problems);
    let server = server(file.section("server"));
    let database = database(file.section("database"), folder);
    let cache = cache(file.section("cache"), folder);
    let schema = paths(&mut file, "schema", folder);
    let connector_folders = paths(&mut file, "connectorFolders", folder);
    let connectors = connectors::read(&mut file, folder, problems);
    let egress = egress(file.section("egress"), folder);
    let sources = sources(&mut file, folder, problems);
    let catalog = catalog(file.section("catalog"));
    let limits = limits(file.section("limits"));
    let telemetry = telemetry(file.section("telemetry"));
    file.finish();
    Config {
        server,
        database,
        cache,
        schema,
        connector_folders,
        connectors: connectors.connectors,
        secret_files: connectors.files,
        egress,
        sources,
        catalog,
        limits,
        telemetry,
        folder: folder.to_path_buf(),
        effective: print::print(root).into(),
    }
}

fn server(mut section: Section<'_>) -> ServerConfig {
    let config = ServerConfig {
        listen: section
            .parsed("listen", "an address such as `127.0.0.1:4000`", |text| {
                text.parse().ok().map(Some)
            })
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 4000))),
        allow_anonymous: section.flag("allowAnonymous"),
        shutdown_grace: section.duration("shutdownGrace"),
        header_timeout: section.duration("headerTimeout"),
        connections: section.count("connections", 1),
    };
    section.finish();
    config
}

fn database(mut section: Section<'_>, folder: &Path) -> DatabaseConfig {
    let (url, place) = section.secret("url", folder);
    let checked = match url.split_once(':') {
        Some(("sqlite", path)) => sqlite_url(path, folder),
        Some(("postgres" | "postgresql", _)) => Some(url.clone()),
        _ => None,
    };
    if checked.is_none() && !url.is_empty() {
        section.problem(
            place,
            "config-value",
            "`database.url` must be `sqlite:` with the path of a file, or begin with `postgres://`"
                .to_owned(),
            Some("for example `sqlite:callboard.db`".to_owned()),
        );
    }
    section.finish();
    DatabaseConfig {
        url: checked.unwrap_or_default().into(),
    }
}

fn cache(mut section: Section<'_>, folder: &Path) -> CacheConfig {
    let memory = section.size("memory");
    let redis = section
        .optional_secret("redis", folder)
        .and_then(|(url, place)| {
            let parsed = redis_url::parse(&url);
            if parsed.is_none() {
                let message = format!("`cache.redis` must be {}", redis_url::EXPECTED);
                let hint = Some(redis_url::HINT.to_owned());
                section.problem(place, "config-value", message, hint);
            }
            parsed
        });
    let redis_patience = section.duration("redisPatience");
    section.finish();
    CacheConfig {
        memory,
        redis,
        redis_patience,
    }
}

/// The URL with an absolute path, options kept; `None` without a path.
fn sqlite_url(written: &str, folder: &Path) -> Option<String> {
    let written = written.strip_prefix("//").unwrap_or(written);
    let (path, options) = match written.split_once('?') {
        Some((path, options)) => (path, format!("?{options}")),
        None => (written, String::new()),
    };
    if path.is_empty() || path == ":memory:" {
        return None;
    }
    Some(format!("sqlite:{}{options}", folder.join(path).display()))
}

fn paths(file: &mut Section<'_>, key: &'static str, folder: &Path) -> Vec<SchemaPath> {
    let path = |written: String| SchemaPath {
        path: absolute(folder, &written),
        written,
    };
    file.texts(key).into_iter().map(path).collect()
}

fn egress(mut section: Section<'_>, folder: &Path) -> EgressConfig {
    let ca_file = section.optional_text("caFile");
    let config = EgressConfig {
        ca_file: ca_file.map(|(path, _)| absolute(folder, path)),
        proxies: ProxyConfig::default(),
    };
    section.finish();
    config
}

fn sources(file: &mut Section<'_>, folder: &Path, problems: &Problems) -> Vec<SourceConfig> {
    let mut sources: Vec<SourceConfig> = Vec::new();
    for (index, node) in file.list("sources").iter().enumerate() {
        let mut section = Section::of(node, format!("sources[{index}]"), problems);
        section.choice("type", &[("file", ())]);
        let (path, path_place) = section.text("path");
        if path.is_empty() {
            let message = format!("`{}` is empty", section.path_of("path"));
            section.problem(path_place, "config-value", message, None);
        }
        let (name, name_place) = match section.optional_text("name") {
            Some((name, place)) => (name.to_owned(), place),
            None => (format!("file-{}", index + 1), &node.place),
        };
        if sources.iter().any(|other| other.name == name) {
            let message = format!("there are two sources with the name `{name}`");
            let hint = Some("give one of them another `name`".to_owned());
            section.problem(name_place, "config-value", message, hint);
        }
        section.finish();
        sources.push(SourceConfig {
            name,
            kind: SourceKind::File {
                path: absolute(folder, path),
                written: path.to_owned(),
            },
        });
    }
    sources
}

fn catalog(mut section: Section<'_>) -> CatalogConfig {
    let config = CatalogConfig {
        orphans: section.choice(
            "orphans",
            &[("delete", Orphans::Delete), ("keep", Orphans::Keep)],
        ),
        rescan: section.duration("rescan"),
        history: section.duration("history"),
        audit: section.duration("audit"),
    };
    section.finish();
    config
}

fn limits(mut section: Section<'_>) -> LimitsConfig {
    let config = LimitsConfig {
        body_size: section.size("bodySize"),
        webhook_size: section.size("webhookSize"),
        request_time: section.duration("requestTime"),
        concurrency: section.count("concurrency", 1),
        batch: section.count("batch", 1),
        document_size: section.size("documentSize"),
        tokens: section.count("tokens", 1),
        nesting: section.count("nesting", 1),
        depth: section.count("depth", 1),
        aliases: section.count("aliases", 0),
        root_fields: section.count("rootFields", 1),
        fields: section.count("fields", 1),
        response_size: section.size("responseSize"),
        definition_size: section.size("definitionSize"),
        introspection: section.flag("introspection"),
    };
    section.finish();
    config
}

fn telemetry(mut section: Section<'_>) -> TelemetryConfig {
    let mut log = section.section("log");
    let config = TelemetryConfig {
        log_format: log.choice(
            "format",
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
        ),
        log_level: log.parsed(
            "level",
            "a level (`error`, `warn`, `info`, `debug`, `trace`) or a list such as `info,callboard::ingest=debug`",
            log_levels,
        ),
    };
    log.finish();
    section.finish();
    config
}

/// The text if each of its parts is a level or gives one to a target.
fn log_levels(text: &str) -> Option<String> {
    let is_level = |word: &str| {
        let known = ["off", "error", "warn", "info", "debug", "trace"];
        known.contains(&word.trim())
    };
    let all = text.split(',').all(|part| match part.split_once('=') {
        Some((target, level)) => !target.trim().is_empty() && is_level(level),
        None => is_level(part),
    });
    all.then(|| text.to_owned())
}

/// `./a/b` below `folder`, without the `./` that would show in messages.
fn absolute(folder: &Path, written: &str) -> PathBuf {
    folder.join(written.trim_start_matches("./"))
}
