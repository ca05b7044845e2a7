//! `examples/*.yaml` of connectors, parsed and checked: documentation, contract test and simulated upstream in one.
//!
//! An example says what is asked, of which entities, what comes back, and what the upstream holds.
//! Broken input is data: what could be understood comes together with all problems, each at its place.
//! What an example does is the business of `simulate`, which serves its upstream, and of `connector test`, which asks its query.

mod fields;
mod place;
mod read;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use place::Place;

use crate::config::{ConnectorConfig, DEFAULT_INSTANCE, InstanceConfig, Secret};
use crate::diagnostic::{Diagnostic, Span};
use crate::sdl::expr::Expr;
use crate::sdl::{Method, PageStyle};

/// The codes of all problems of examples, with what they mean; `schema/README.md` lists the same.
pub const CODES: &[(&str, &str)] = &[
    (
        "example-key",
        "a key that an example, or a part of one, does not have",
    ),
    (
        "example-missing",
        "a part that an example must have is not there",
    ),
    ("example-syntax", "an example is no YAML, or not one object"),
    ("example-type", "a value of another type than the part has"),
    ("example-value", "a value that the part cannot have"),
];

/// One file of a connector's `examples/`.
#[derive(Clone, Debug)]
pub struct Example {
    /// As the user named it.
    pub file: Arc<str>,
    /// The GraphQL operation that is asked.
    pub query: Box<str>,
    pub query_span: Span,
    /// When the bodies were so; their times are moved by what lies between this and the start of the upstream.
    pub clock: Option<Timestamp>,
    pub variables: Map<String, Value>,
    /// Descriptors of the catalog that it is asked of.
    pub entities: Vec<Value>,
    pub settings: Settings,
    /// The response: `data`, and `errors` where they are expected.
    pub expect: Value,
    /// Where each part of it stands, by its path: `data.component.runs[0]`; what is not among them is within its nearest.
    pub expect_spans: HashMap<Box<str>, Span>,
    pub expect_span: Span,
    /// What the upstream holds.
    pub upstream: Vec<Reply>,
}

/// How the connector is configured for an example.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of the instance `default`.
    pub config: Map<String, Value>,
    pub secrets: BTreeMap<String, String>,
    /// Further instances.
    pub instances: BTreeMap<String, Settings>,
}

impl Settings {
    /// What stands under `connectors.<name>` with these settings.
    pub fn configuration(&self, name: &Arc<str>) -> ConnectorConfig {
        let others = self.instances.iter();
        let others = others.map(|(name, settings)| (name.as_str(), settings));
        let all = std::iter::once((DEFAULT_INSTANCE, self)).chain(others);
        let instances = all.map(|(name, settings)| {
            let secrets = settings.secrets.iter().map(|(key, secret)| {
                let secret = Secret::One(secret.clone().into());
                (key.clone(), secret)
            });
            InstanceConfig::made(name.into(), settings.config.clone(), secrets.collect())
        });
        ConnectorConfig::made(Arc::clone(name), instances.collect())
    }

    /// Adds what `other` says and this does not.
    pub fn merge(&mut self, other: &Self) {
        for (key, value) in &other.config {
            self.config
                .entry(key.clone())
                .or_insert_with(|| value.clone());
        }
        for (key, secret) in &other.secrets {
            self.secrets
                .entry(key.clone())
                .or_insert_with(|| secret.clone());
        }
        for (name, settings) in &other.instances {
            self.instances
                .entry(name.clone())
                .or_default()
                .merge(settings);
        }
    }
}

/// One entry of `upstream`: what is asked, and what comes back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub file: Arc<str>,
    pub span: Span,
    pub asked: Asked,
    pub when: When,
    pub rows: Option<Rows>,
    pub status: u16,
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// JSON, or text that is sent as it is.
    pub body: Value,
    /// In place of `body`: one of those that another reply lists.
    pub item: Option<Item>,
    pub steps: Vec<Step>,
    pub effects: Vec<Effect>,
}

/// What a reply answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Rest {
        method: Method,
        /// As in the connector's templates, holes filled: without the query and without the source's own path.
        /// A whole segment `{name}` stands for any, and the name for what stood there.
        path: Box<str>,
    },
    /// A root field of the upstream's graph.
    Graphql { field: Box<str> },
}

/// Which requests are meant; what is left out may be anything.
#[derive(Clone, Debug, Default)]
pub struct When {
    pub query: Vec<Parameter>,
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Must be contained in the body.
    pub body: Option<Value>,
    /// Of a root field of a graph: the arguments, by their names in the upstream; a text `{name}` stands for any.
    pub arguments: Option<Map<String, Value>>,
}

/// What `when` says of a query parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: Box<str>,
    /// Each must be among its values; `None`: it must not be there.
    pub values: Option<Vec<Box<str>>>,
}

/// The body holds a list of which a request gets the part that it asks for.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Where the list is.
    pub at: Place,
    /// What of a row is compared with the keys.
    pub matches: Option<Expr>,
    /// The query parameter, or the member of the body, that carries the keys.
    pub param: Option<Box<str>>,
    pub page: Option<Paging>,
}

/// How the upstream cuts the rows into pages; names that are `None` are those of the connector's `page`.
#[derive(Clone, Debug)]
pub struct Paging {
    pub style: PageStyle,
    /// Query parameters of the page's size and of its beginning.
    pub size: Option<Box<str>>,
    pub cursor: Option<Box<str>>,
    /// Where the body says how it goes on.
    pub next: Option<Place>,
    pub more: Option<Place>,
    pub total: Option<Place>,
    /// Rows of a page for which no size is asked.
    pub page_size: usize,
}

/// The body changes with time.
#[derive(Clone, Debug)]
pub struct Step {
    /// Since the upstream was started.
    pub after: Duration,
    pub set: Vec<(Place, Value)>,
}

/// An object that a list shows, asked for alone.
#[derive(Clone, Debug)]
pub struct Item {
    /// What gives the list.
    pub of: Asked,
    /// Where the object stands there.
    pub at: Place,
    /// Where it stands in the answer; the body itself if nothing is said.
    pub to: Option<Place>,
}

/// What a write changes in what is read afterwards; a `{name}` in any text is what stood there in the path or the arguments of the write, `{now}` its time, `{new}` an id of its own.
#[derive(Clone, Debug)]
pub struct Effect {
    /// How long after the write.
    pub after: Duration,
    /// What answers otherwise from then on.
    pub on: Asked,
    /// Of a root field of a graph: only where it is asked with these.
    pub arguments: Option<Map<String, Value>>,
    /// What stands there is there once more, before all else of its list, and `set` is of that one.
    pub copy: Option<Place>,
    pub set: Vec<(Place, Value)>,
}

impl Example {
    /// Reads the text of a file; an example only if it can be used.
    pub fn parse(file: &Arc<str>, text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        read::example(file, text)
    }

    /// The file's name without folders and extension.
    pub fn name(&self) -> &str {
        let name = self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }
}

/// `GET`
pub fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}
