//! The directives of connectors: upstreams, webhooks, and what live fields and types fetch.
//!
//! They are read and checked here; the connector runtime runs them.

mod action;
mod cache;
mod chosen;
mod connect;
mod page;
mod supply;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::Node;
use apollo_compiler::ast::{Directive, Value};
use apollo_compiler::parser::SourceSpan;

use super::Composer;
use super::scope::{Names, RESERVED};
use crate::config::units;
use crate::diagnostic::closest;
use crate::sdl::directive::Args;
use crate::sdl::expr::Expr;
use crate::sdl::model::{
    Action, AuthType, Connect, ConnectionItems, Connections, DocumentLimits, Limits, Signature,
    SignatureScheme, SourceType, UpstreamAuth, UpstreamSource, Webhook,
};
use connect::INSTALLATION_NAMES;

pub(super) use supply::Suppliers;

/// What was read of the connectors.
#[derive(Default)]
pub(super) struct Live {
    pub(super) upstreams: Vec<UpstreamSource>,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) suppliers: Suppliers,
    pub(super) actions: Vec<Action>,
    /// By the place of the directive: what is inherited is read once.
    connects: HashMap<SourceSpan, Option<Arc<Connect>>>,
}

impl Composer<'_> {
    /// Reads everything that stands on the schema, and who supplies what.
    pub(super) fn read_connectors(&mut self) {
        let directives = self.declared.schema.directives.clone();
        for directive in directives
            .0
            .iter()
            .filter(|directive| directive.name == "source")
        {
            if let Some(upstream) = self.upstream(directive) {
                self.add_upstream(upstream, directive);
            }
        }
        for directive in directives
            .0
            .iter()
            .filter(|directive| directive.name == "webhook")
        {
            if let Some(webhook) = self.webhook(directive) {
                self.live.webhooks.push(webhook);
            }
        }
        self.read_suppliers();
    }

    fn add_upstream(&mut self, upstream: UpstreamSource, directive: &Node<Directive>) {
        let same = |known: &&UpstreamSource| {
            known.connector == upstream.connector && known.name == upstream.name
        };
        if self.live.upstreams.iter().any(|known| same(&known)) {
            let message = format!("the source `{}` is declared twice", upstream.name);
            self.sources
                .report("duplicate", directive.name.location(), message, None);
            return;
        }
        self.live.upstreams.push(upstream);
    }

    /// The connector folder of a directive; outside of one it is a problem.
    pub(super) fn connector_of(
        &mut self,
        directive: &str,
        at: Option<SourceSpan>,
    ) -> Option<Arc<str>> {
        let connector = self.sources.connector(at).cloned();
        if connector.is_none() {
            let message = format!("`@{directive}` stands outside a connector folder");
            let hint = "move it into a folder of its own, whose name is the connector's".to_owned();
            self.sources
                .report("outside-connector", at, message, Some(hint));
        }
        connector
    }

    fn upstream(&mut self, directive: &Node<Directive>) -> Option<UpstreamSource> {
        let at = directive.name.location();
        let connector = self.connector_of("source", at)?;
        let args = Args::new(directive);
        let kind = match args.word("type") {
            Some("GRAPHQL") => SourceType::Graphql,
            Some("SUBGRAPH") => {
                let message = "sources of type `SUBGRAPH` are not asked by this version";
                let hint = "write `REST`, or `GRAPHQL` for a graph without `_entities`".to_owned();
                let at = args.value("type").and_then(|value| value.location());
                self.sources
                    .report("unsupported-source", at, message, Some(hint));
                SourceType::Subgraph
            }
            _ => SourceType::Rest,
        };
        let url = self.scoped(args, "url", &Names::of(&["config"]));
        let auth_at = args.value("auth").and_then(|value| value.location());
        let auth = args
            .object("auth")
            .and_then(|args| self.upstream_auth(args, auth_at));
        let secret = Names::of(&["config", "secret", "viewer"]);
        let mut headers = Vec::new();
        for header in args.objects("headers") {
            let value = self.scoped(header, "value", &secret);
            self.check_header(header);
            headers.extend(header.text("name").map(Into::into).zip(value));
        }
        Some(UpstreamSource {
            connector,
            name: args.text("name")?.into(),
            kind,
            url: url?,
            auth,
            headers,
            limits: self.limits(args.object("limits"), kind),
            connections: self.connections(args.object("connections"), kind),
            span: self.sources.place(at?)?,
        })
    }

    fn check_header(&mut self, header: Args<'_>) {
        let (Some(name), Some(value)) = (header.text("name"), header.value("name")) else {
            return;
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            let message = format!("`{name}` is no name of a header");
            self.sources
                .report("bad-argument", value.location(), message, None);
        }
    }

    /// An expression that may only read `names`.
    pub(super) fn scoped(&mut self, args: Args<'_>, name: &str, names: &Names) -> Option<Expr> {
        let expr = args.expr(name, self.sources)?;
        names.check(args.value(name)?, &expr.reads(), self.sources);
        Some(expr)
    }

    fn upstream_auth(&mut self, args: Args<'_>, at: Option<SourceSpan>) -> Option<UpstreamAuth> {
        let (kind, needed): (_, &[&str]) = match args.word("type")? {
            "BEARER" => (AuthType::Bearer, &["token"]),
            "BASIC" => (AuthType::Basic, &["user", "token"]),
            "HEADER" => (AuthType::Header, &["header", "token"]),
            "OAUTH2_CLIENT" => (AuthType::Oauth2Client, &["tokenUrl", "user", "token"]),
            "GITHUB_APP" => (
                AuthType::GithubApp,
                &["appId", "key", "installation", "tokenUrl"],
            ),
            "FORWARD" => (AuthType::Forward, &[]),
            _ => (AuthType::None, &[]),
        };
        for name in needed {
            if args.value(name).is_none() {
                let message = format!("`auth` of type `{}` needs `{name}`", args.word("type")?);
                self.sources.report("incomplete-auth", at, message, None);
            }
        }
        let names = Names::of(&["config", "secret", "viewer"]);
        Some(UpstreamAuth {
            kind,
            token: self.scoped(args, "token", &names),
            user: self.scoped(args, "user", &names),
            header: args.text("header").map(Into::into),
            prefix: args.text("prefix").map(Into::into),
            app_id: self.scoped(args, "appId", &names),
            installation: self.installation(args),
            key: self.scoped(args, "key", &names),
            token_url: self.scoped(args, "tokenUrl", &Names::of(&["config"])),
            scopes: args.texts("scopes").map(Into::into).collect(),
        })
    }

    /// It is read for each request, so it may name what some request of the source gives; whether one can have a value is asked there.
    fn installation(&mut self, args: Args<'_>) -> Option<Expr> {
        let expr = args.expr("installation", self.sources)?;
        let reads = expr.reads();
        let of = |wanted: bool| {
            let all = reads
                .iter()
                .filter(move |read| (&*read.root == "args") == wanted);
            all.filter(move |read| wanted || !RESERVED.contains(&&*read.root))
        };
        let names = Names {
            args: vec![
                of(true)
                    .filter_map(|read| Some(read.path.first()?.to_string()))
                    .collect(),
            ],
            lets: of(false).map(|read| read.root.to_string()).collect(),
            ..Names::of(&INSTALLATION_NAMES)
        };
        names.check(args.value("installation")?, &reads, self.sources);
        Some(expr)
    }

    fn limits(&mut self, args: Option<Args<'_>>, kind: SourceType) -> Limits {
        let Some(args) = args else {
            return Limits::default();
        };
        let floor = args.float("budgetFloor");
        if let Some(value) = args.value("budgetFloor")
            && floor.is_some_and(|floor| !(0.0..1.0).contains(&floor))
        {
            let message = "`budgetFloor` is a part of the budget, from 0 to below 1";
            self.sources
                .report("bad-argument", value.location(), message, None);
        }
        for phrase in args.list("limitPhrases") {
            // A word as short as this stands in refusals of every kind.
            if phrase.as_str().is_some_and(|text| text.trim().len() < 5) {
                let message = "a phrase of `limitPhrases` has at least five characters";
                self.sources
                    .report("bad-argument", phrase.location(), message, None);
            }
        }
        let of_documents = [
            "maxItems",
            "maxObjects",
            "connectionsPerPoint",
            "objectsPerPoint",
        ];
        for value in of_documents.iter().filter_map(|name| args.value(name)) {
            self.only_of_graphs("what documents cost", value, kind);
        }
        let mut number = |name: &str, least: u32| self.number(args, name, least);
        Limits {
            document: DocumentLimits {
                max_items: number("maxItems", 1),
                max_objects: number("maxObjects", 1),
                connections_per_point: number("connectionsPerPoint", 1),
                objects_per_point: number("objectsPerPoint", 1),
            },
            retries: number("retries", 0),
            concurrency: number("concurrency", 1),
            per_minute: number("perMinute", 1),
            breaker_errors: number("breakerErrors", 1),
            max_bytes: number("maxBytes", 1).map(u64::from),
            timeout: duration(args, "timeout"),
            budget_floor: floor,
            breaker_sleep: duration(args, "breakerSleep"),
            limit_phrases: args.texts("limitPhrases").map(Into::into).collect(),
            limit_pause: duration(args, "limitPause"),
        }
    }

    fn connections(&mut self, args: Option<Args<'_>>, kind: SourceType) -> Connections {
        let Some(args) = args else {
            return Connections::default();
        };
        if let Some(value) = args.value("items").or(args.value("total")) {
            self.only_of_graphs("how connections look", value, kind);
        }
        let known = Connections::default();
        let total = args.value("total");
        if let Some(value) = total
            && !value.as_str().is_some_and(is_name)
        {
            let message = "`total` is the name of a field of the upstream's connections";
            self.sources
                .report("bad-argument", value.location(), message, None);
        }
        Connections {
            items: match args.word("items") {
                Some("EDGES") => ConnectionItems::Edges,
                _ => ConnectionItems::Nodes,
            },
            total: args.text("total").map_or(known.total, Into::into),
        }
    }

    /// Says that a source of another type has no such thing.
    fn only_of_graphs(&mut self, what: &str, value: &Node<Value>, kind: SourceType) {
        if kind == SourceType::Graphql {
            return;
        }
        let message = format!("{what} is said of sources of type `GRAPHQL` alone");
        self.sources
            .report("bad-argument", value.location(), message, None);
    }

    /// A whole number of at least `least`.
    fn number(&mut self, args: Args<'_>, name: &str, least: u32) -> Option<u32> {
        let value = args.value(name)?;
        let number = value.to_i32().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| *number >= least);
        if number.is_none() {
            let message = format!("`{name}` is a whole number of at least {least}");
            self.sources
                .report("bad-argument", value.location(), message, None);
        }
        number
    }

    fn webhook(&mut self, directive: &Node<Directive>) -> Option<Webhook> {
        let at = directive.name.location();
        let connector = self.connector_of("webhook", at)?;
        let args = Args::new(directive);
        let source = self.source_named(args, &connector);
        let names = Names::of(&["body", "headers", "config"]);
        let event = self.scoped(args, "event", &names);
        let purge = args.templates("purge", self.sources);
        for (value, template) in args.list("purge").zip(&purge) {
            names.check(value, &template.reads(), self.sources);
        }
        let signature = args.object("signature")?;
        let secret = self.scoped(signature, "secret", &Names::of(&["secret", "config"]));
        let delivery_id = self.scoped(signature, "deliveryId", &names);
        Some(Webhook {
            connector,
            source: source?,
            event: event?,
            on: args.texts("on").map(Into::into).collect(),
            signature: Signature {
                scheme: match signature.word("scheme")? {
                    "HMAC_SHA256_TIMESTAMPED" => SignatureScheme::HmacSha256Timestamped,
                    "SHARED_TOKEN" => SignatureScheme::SharedToken,
                    _ => SignatureScheme::HmacSha256Hex,
                },
                header: signature.text("header")?.into(),
                secret: secret?,
                prefix: signature.text("prefix").map(Into::into),
                delivery_id,
            },
            purge,
        })
    }

    /// The source that a directive of a connector names.
    pub(super) fn source_named(&mut self, args: Args<'_>, connector: &Arc<str>) -> Option<usize> {
        let value = args.value("source")?;
        let name = value.as_str()?;
        let own = |source: &&UpstreamSource| source.connector == *connector;
        let position = self
            .live
            .upstreams
            .iter()
            .position(|source| own(&source) && &*source.name == name);
        if position.is_none() {
            let known = self.live.upstreams.iter().filter(own);
            let names: Vec<&str> = known.map(|source| &*source.name).collect();
            let hint = match (closest(name, names.iter().copied()), names.is_empty()) {
                (Some(candidate), _) => format!("did you mean `{candidate}`?"),
                (None, true) => {
                    format!("declare it: `extend schema @source(name: \"{name}\", url: …)`")
                }
                (None, false) => format!("the connector has {}", names.join(", ")),
            };
            let message = format!("unknown source `{name}`");
            self.sources
                .report("unknown-source", value.location(), message, Some(hint));
        }
        position
    }
}

/// Whether a text can stand for a field of a graph.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// A duration; bad ones were reported with the directive.
fn duration(args: Args<'_>, name: &str) -> Option<Duration> {
    units::duration(args.text(name)?)
}
