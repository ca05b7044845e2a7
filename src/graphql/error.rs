//! What a client is told when something is not answered.
//!
//! | code | means |
//! | --- | --- |
//! | `GRAPHQL_PARSE_FAILED` | the document is no GraphQL |
//! | `GRAPHQL_VALIDATION_FAILED` | the document does not fit the schema |
//! | `BAD_USER_INPUT` | a variable or an argument has a value that it must not have |
//! | `LIMIT_EXCEEDED` | a limit of the server; the message names it and its value |
//! | `OPERATION_NOT_FOUND` | `operationName` names no operation, or is needed |
//! | `METHOD_NOT_ALLOWED` | a mutation came where only queries may |
//! | `TIMEOUT` | the request's time was over |
//! | `HISTORY_EXPIRED` | changes were asked for that are no longer kept |
//! | `NOT_CONFIGURED` | a field that must have a value has nothing that could answer it; elsewhere that is null without an error |
//! | `UNKNOWN_ID` | `node` was asked for a live object that nobody remembers to have shown |
//! | `UPSTREAM_…`, `CIRCUIT_OPEN`, `BUDGET_EXHAUSTED` | an upstream did not answer a live field, or not in the promised shape |
//! | `BAD_VALUE` | the catalog holds a value that the field's type does not allow |
//! | `INTERNAL_SERVER_ERROR` | our fault; the log says more |
//!
//! A request error refuses the whole request and leaves no `data`; a field error makes one field null.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::connect::Fault;

/// `extensions.code` of an error; see the table of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    ParseFailed,
    ValidationFailed,
    BadUserInput,
    LimitExceeded,
    OperationNotFound,
    MethodNotAllowed,
    Timeout,
    HistoryExpired,
    NotConfigured,
    BadValue,
    Internal,
    /// A code of a live source (`UPSTREAM_TIMEOUT`).
    Live(&'static str),
}

impl Code {
    /// As clients see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::OperationNotFound => "OPERATION_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Timeout => "TIMEOUT",
            Self::HistoryExpired => "HISTORY_EXPIRED",
            Self::NotConfigured => "NOT_CONFIGURED",
            Self::BadValue => "BAD_VALUE",
            Self::Internal => "INTERNAL_SERVER_ERROR",
            Self::Live(code) => code,
        }
    }
}

/// How a request ended, for the transport's status and for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Executed: there is `data`, and no error.
    Ok,
    /// Executed: there is `data` (maybe null), and errors.
    Partial,
    /// A request error: there is no `data`; under `application/graphql-response+json` a 4xx.
    Refused(Code),
}

/// A line and a column in a document, both counted from 1.
pub(crate) type Location = (u32, u32);

/// Why a field is null; its path and its locations are known where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub code: Code,
    pub message: String,
    /// More members of `extensions`, beside `code`.
    pub extensions: Map<String, Value>,
}

impl FieldError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            extensions: Map::new(),
        }
    }

    /// An argument has a value that it must not have.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(key.to_owned(), value.into());
        self
    }
}

impl From<&Fault> for FieldError {
    fn from(fault: &Fault) -> Self {
        Self {
            code: Code::Live(fault.code),
            message: fault.message.clone(),
            extensions: fault.extensions.clone(),
        }
    }
}

impl From<FieldError> for Fault {
    fn from(error: FieldError) -> Self {
        Self {
            code: error.code.as_str(),
            message: error.message,
            extensions: error.extensions,
        }
    }
}

/// Why a request is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestError {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) locations: Vec<Location>,
}

impl RequestError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            locations: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn at(mut self, location: Option<Location>) -> Self {
        self.locations.extend(location);
        self
    }
}

/// One step of a path into `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Key(&'a str),
    Index(u32),
}

/// The errors of one response, as JSON from the start.
///
/// They are kept without their ends, because each ends with the id of the request.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    json: Vec<u8>,
    /// Where each error stops in `json`, short of what closes it.
    ends: Vec<usize>,
    count: usize,
    /// Those of connectors are left out.
    no_faults: bool,
    /// How many each connector has.
    of_connectors: Vec<(Box<str>, usize)>,
}

/// More errors than this are counted, not listed.
const LISTED: usize = 1_000;
/// Bytes of the beginning and of the end of a message that are told.
const BEGINNING: usize = 600;
const END: usize = 300;
/// The same for the errors of one connector.
const LISTED_OF_CONNECTOR: usize = 20;

impl Errors {
    /// With `no_faults` what connectors failed at is left out: the graph tells it elsewhere.
    pub(crate) fn new(no_faults: bool) -> Self {
        Self {
            no_faults,
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A field error at `path`.
    pub(crate) fn field(&mut self, error: &FieldError, locations: &[Location], path: &[Step<'_>]) {
        if !self.is_listed(error) {
            return;
        }
        self.push(
            &error.message,
            locations,
            Some(path),
            error.code,
            &error.extensions,
        );
    }

    /// Counts an error by its connector, if it has one: a few tell as much as all.
    fn is_listed(&mut self, error: &FieldError) -> bool {
        let connector = error.extensions.get("connector").and_then(Value::as_str);
        let Some(connector) = connector else {
            return true;
        };
        if self.no_faults {
            return false;
        }
        let known = self
            .of_connectors
            .iter()
            .position(|(name, _)| **name == *connector);
        let known = known.unwrap_or_else(|| {
            self.of_connectors.push((connector.into(), 0));
            self.of_connectors.len() - 1
        });
        let count = &mut self.of_connectors[known].1;
        *count += 1;
        *count <= LISTED_OF_CONNECTOR
    }

    /// Says for each connector how many errors were only counted.
    fn count_rest(&mut self) {
        for (connector, count) in std::mem::take(&mut self.of_connectors) {
            let more = count.saturating_sub(LISTED_OF_CONNECTOR);
            if more > 0 {
                let message = format!("{more} more errors of `{connector}`");
                let extensions = Map::from_iter([
                    ("connector".to_owned(), Value::from(&*connector)),
                    ("count".to_owned(), more.into()),
                ]);
                self.push(&message, &[], None, Code::LimitExceeded, &extensions);
            }
        }
    }

    /// An error of the whole answer.
    pub(crate) fn whole(&mut self, error: &FieldError) {
        self.push(&error.message, &[], None, error.code, &error.extensions);
    }

    /// A request error.
    pub(crate) fn request(&mut self, error: &RequestError) {
        self.push(
            &error.message,
            &error.locations,
            None,
            error.code,
            &Map::new(),
        );
    }

    fn push(
        &mut self,
        message: &str,
        locations: &[Location],
        path: Option<&[Step<'_>]>,
        code: Code,
        extensions: &Map<String, Value>,
    ) {
        self.count += 1;
        if self.count > LISTED {
            return;
        }
        let out = &mut self.json;
        out.extend_from_slice(b"{\"message\":");
        string(&shortened(message), out);
        if !locations.is_empty() {
            out.extend_from_slice(b",\"locations\":[");
            for (position, (line, column)) in locations.iter().enumerate() {
                let comma = if position == 0 { "" } else { "," };
                out.extend_from_slice(
                    format!("{comma}{{\"line\":{line},\"column\":{column}}}").as_bytes(),
                );
            }
            out.push(b']');
        }
        if let Some(path) = path {
            out.extend_from_slice(b",\"path\":[");
            for (position, step) in path.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                match step {
                    Step::Key(key) => string(key, out),
                    Step::Index(index) => {
                        out.extend_from_slice(itoa::Buffer::new().format(*index).as_bytes());
                    }
                }
            }
            out.push(b']');
        }
        out.extend_from_slice(b",\"extensions\":{\"code\":");
        string(code.as_str(), out);
        for (key, extension) in extensions {
            out.push(b',');
            string(key, out);
            out.push(b':');
            value(extension, out);
        }
        self.ends.push(out.len());
    }

    /// Appends the list, brackets included.
    pub(crate) fn write(&mut self, request_id: Option<&str>, out: &mut Vec<u8>) {
        self.count_rest();
        let mut close = Vec::new();
        if let Some(id) = request_id {
            close.extend_from_slice(b",\"requestId\":");
            string(id, &mut close);
        }
        close.extend_from_slice(b"}}");
        out.push(b'[');
        let mut start = 0;
        for end in &self.ends {
            if start > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.json.get(start..*end).unwrap_or_default());
            out.extend_from_slice(&close);
            start = *end;
        }
        if self.count > LISTED {
            let more = self.count - LISTED;
            out.extend_from_slice(
                format!(
                    ",{{\"message\":\"{more} more errors\",\"extensions\":{{\"code\":\"LIMIT_EXCEEDED\""
                )
                .as_bytes(),
            );
            out.extend_from_slice(&close);
        }
        out.push(b']');
    }
}

/// Messages repeat what was asked, which may be a megabyte: of a long one the beginning and the end are told, where the reason stands.
fn shortened(message: &str) -> Cow<'_, str> {
    if message.len() <= BEGINNING + END {
        return Cow::Borrowed(message);
    }
    let begin = message.floor_char_boundary(BEGINNING);
    let end = message.ceil_char_boundary(message.len() - END);
    let (begin, end) = (message.get(..begin), message.get(end..));
    Cow::Owned(format!(
        "{} … {}",
        begin.unwrap_or_default(),
        end.unwrap_or_default()
    ))
}

/// Appends a JSON string.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    value(&text, out);
}

/// Appends anything as JSON.
pub(crate) fn value(value: &impl serde::Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    // Writing JSON into memory fails for maps with keys that are no strings alone, and there are none.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}
