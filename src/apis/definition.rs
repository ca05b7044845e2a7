//! What a definition comes to, whatever format it is in.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::diagnostic::{Position, Severity};

/// A definition as read; small beside its text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// `None`: in no format that is known here.
    pub format: Option<Format>,
    /// The version of the format, as the text says it: `3.1.0`.
    pub format_version: Option<Box<str>>,
    /// The version of the API.
    pub version: Option<Box<str>>,
    pub title: Option<Box<str>>,
    pub description: Option<Box<str>>,
    pub servers: Vec<Server>,
    /// In the order of the text.
    pub operations: Vec<Operation>,
    /// In the order of the text.
    pub schemas: Vec<Schema>,
    /// By their place in the text.
    pub problems: Vec<Problem>,
    /// Whether the text was put together of several files: its lines are those of no file.
    pub is_bundled: bool,
}

/// What a definition is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    OpenApi,
    AsyncApi,
    Graphql,
    Protobuf,
}

impl Format {
    /// As the graph names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenApi => "OPENAPI",
            Self::AsyncApi => "ASYNCAPI",
            Self::Graphql => "GRAPHQL",
            Self::Protobuf => "PROTOBUF",
        }
    }
}

/// Where an API is reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// With its variables as they are written.
    pub url: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub description: Option<Box<str>>,
    pub protocol: Option<Box<str>>,
}

/// A type that a definition names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    pub name: Box<str>,
    /// In the words of the format: `object`, `input`, `message`.
    pub kind: Option<Box<str>>,
    pub description: Option<Box<str>>,
}

/// What sort of operation it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OperationKind {
    /// A method at a path.
    #[default]
    Http,
    /// A request that the API makes.
    Webhook,
    /// Messages of a channel.
    Message,
    Query,
    Mutation,
    Subscription,
    Rpc,
}

impl OperationKind {
    /// As the graph names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Webhook => "WEBHOOK",
            Self::Message => "MESSAGE",
            Self::Query => "QUERY",
            Self::Mutation => "MUTATION",
            Self::Subscription => "SUBSCRIPTION",
            Self::Rpc => "RPC",
        }
    }
}

/// What the application does with the messages of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    Send,
    Receive,
}

impl Action {
    /// As the graph names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "SEND",
            Self::Receive => "RECEIVE",
        }
    }
}

/// Types by name, in the notation of GraphQL: `Payment`, `[Payment!]`; types without a name are left out.
pub type TypeNames = Vec<Box<str>>;

/// One thing that can be done with an API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// What tells it apart from the others of its definition: `GET /payments/{id}`, `Query.payments`.
    pub key: Box<str>,
    pub kind: OperationKind,
    /// In upper case.
    pub method: Option<Box<str>>,
    pub path: Option<Box<str>>,
    pub channel: Option<Box<str>>,
    pub action: Option<Action>,
    /// `package.Service/Method`
    pub rpc: Option<Box<str>>,
    /// `Query.payments`
    pub field: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub summary: Option<Box<str>>,
    pub description: Option<Box<str>>,
    pub tags: Vec<Box<str>>,
    pub deprecated: bool,
    pub request: TypeNames,
    pub response: TypeNames,
}

/// A name of its own, because `serde` would borrow a plain reference from what it reads.
pub(super) type Code = &'static str;

/// Something that the author of a definition should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// One of [`CODES`](super::CODES).
    #[serde(deserialize_with = "known_code")]
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub hint: Option<String>,
    /// Within the definition; `None`: all of it is meant.
    pub at: Option<Position>,
}

/// A code as it is in this program; any other is of another version of it.
fn known_code<'de, D: Deserializer<'de>>(from: D) -> Result<Code, D::Error> {
    let written = String::deserialize(from)?;
    let known = super::CODES.iter().find(|(code, _)| *code == written);
    known
        .map(|(code, _)| *code)
        .ok_or_else(|| serde::de::Error::custom("a code that is not known"))
}

impl Problem {
    pub(super) fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            hint: None,
            at: None,
        }
    }

    pub(super) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    pub(super) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    #[must_use]
    pub(super) fn at(mut self, at: Position) -> Self {
        self.at = Some(at);
        self
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// How many problems of one definition are told: nobody mends more at a time.
const MOST_PROBLEMS: usize = 100;

impl Definition {
    /// A text in no format that is known here, and what its author calls it.
    pub(super) fn unknown(hint: Option<&str>) -> Self {
        let known = hint.is_some_and(super::sniff::is_known);
        let mut definition = Self::default();
        let problem = match (known, hint) {
            (true, Some(hint)) => Problem::error(
                "definition-format",
                format!("the definition is said to be `{hint}`, and does not begin like one"),
            ),
            _ => Problem::new(
                "definition-format",
                Severity::Info,
                "the definition is in no format that is known here",
            ),
        };
        let known = "known are OpenAPI, AsyncAPI, GraphQL SDL and protobuf";
        definition.problems.push(problem.hint(known));
        definition
    }

    /// Brings what was read into shape: keys differ, problems stand in order and are not too many.
    pub(super) fn settled(mut self) -> Self {
        let mut seen: HashMap<Box<str>, usize> = HashMap::new();
        for operation in &mut self.operations {
            let n_before = seen.entry(operation.key.clone()).or_default();
            *n_before += 1;
            if *n_before > 1 {
                operation.key = format!("{} #{n_before}", operation.key).into();
            }
        }
        self.problems
            .sort_by_key(|problem| (problem.at, problem.severity));
        self.problems
            .dedup_by(|one, other| one.at == other.at && one.message == other.message);
        if self.problems.len() > MOST_PROBLEMS {
            let n_more = self.problems.len() - MOST_PROBLEMS;
            self.problems.truncate(MOST_PROBLEMS);
            let message = format!("{n_more} further problems are not told");
            let last = Problem::new("definition-limit", Severity::Info, message);
            self.problems.push(last.hint("mend the first ones"));
        }
        self
    }

    /// About how much memory it takes, in bytes.
    pub fn weight(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let names =
            |names: &[Box<str>]| -> usize { names.iter().map(|name| name.len() + 16).sum() };
        let operations = self.operations.iter().map(|operation| {
            size_of::<Operation>()
                + operation.key.len()
                + text(&operation.method)
                + text(&operation.path)
                + text(&operation.channel)
                + text(&operation.rpc)
                + text(&operation.field)
                + text(&operation.name)
                + text(&operation.summary)
                + text(&operation.description)
                + names(&operation.tags)
                + names(&operation.request)
                + names(&operation.response)
        });
        let schemas = self.schemas.iter().map(|schema| {
            size_of::<Schema>() + schema.name.len() + text(&schema.kind) + text(&schema.description)
        });
        let servers = self.servers.iter().map(|server| {
            size_of::<Server>()
                + text(&server.url)
                + text(&server.name)
                + text(&server.description)
                + text(&server.protocol)
        });
        let problems = self
            .problems
            .iter()
            .map(|problem| size_of::<Problem>() + problem.message.len() + 64);
        size_of::<Self>()
            + text(&self.description)
            + operations.sum::<usize>()
            + schemas.sum::<usize>()
            + servers.sum::<usize>()
            + problems.sum::<usize>()
    }
}
