//! An upstream's answer to a document, taken apart: the value of each alias, and what went wrong with it.
//!
//! Upstreams word their errors differently, but use few words: they are known by parts of `type`, `extensions.code` and the message.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::document::alias;
use crate::sdl::expr;

/// What came for one alias.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) enum Said {
    /// Nulls that have a reason say so.
    Value(Value),
    /// There is no such thing.
    NotFound,
    Failed(Trouble),
    /// It has another type than was thought, so its selection is not in the answer.
    OtherType,
}

/// What an upstream says is wrong, in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::connect) enum Trouble {
    NotFound,
    RateLimited,
    /// Too much was asked for at once: half of it may be answered.
    TooMuch,
    Timeout,
    Unauthorized,
    /// The document is not one that it understands.
    Invalid,
    Other,
}

/// Parts of words, and what they mean; the first that fits.
const WORDS: [(&str, Trouble); 20] = [
    ("NOT_FOUND", Trouble::NotFound),
    ("RATE_LIMIT", Trouble::RateLimited),
    ("RATELIMIT", Trouble::RateLimited),
    ("THROTTLE", Trouble::RateLimited),
    ("COMPLEXITY", Trouble::TooMuch),
    ("NODE_LIMIT", Trouble::TooMuch),
    ("RESOURCE_LIMIT", Trouble::TooMuch),
    ("COST_LIMIT", Trouble::TooMuch),
    ("TIMEOUT", Trouble::Timeout),
    ("TIMED_OUT", Trouble::Timeout),
    ("FORBIDDEN", Trouble::Unauthorized),
    ("UNAUTHORIZED", Trouble::Unauthorized),
    ("UNAUTHENTICATED", Trouble::Unauthorized),
    ("INSUFFICIENT_SCOPES", Trouble::Unauthorized),
    ("SAML", Trouble::Unauthorized),
    ("UNDEFINEDFIELD", Trouble::Invalid),
    ("ARGUMENTNOTACCEPTED", Trouble::Invalid),
    ("VALIDATION", Trouble::Invalid),
    ("PARSE", Trouble::Invalid),
    ("MISMATCH", Trouble::Invalid),
];

/// The same in messages, where nothing else says it.
const PHRASES: [(&str, Trouble); 8] = [
    ("rate limit", Trouble::RateLimited),
    ("too many requests", Trouble::RateLimited),
    ("complexity", Trouble::TooMuch),
    ("node limit", Trouble::TooMuch),
    ("timeout", Trouble::Timeout),
    ("timed out", Trouble::Timeout),
    ("could not resolve to", Trouble::NotFound),
    ("not authorized", Trouble::Unauthorized),
];

impl Trouble {
    fn of(error: &Value) -> Self {
        let extensions = error.get("extensions");
        let words = [
            error.get("type"),
            extensions.and_then(|extensions| extensions.get("code")),
            extensions.and_then(|extensions| extensions.get("type")),
        ];
        for word in words.into_iter().flatten().filter_map(Value::as_str) {
            let word = word.to_uppercase();
            let known = WORDS.iter().find(|(part, _)| word.contains(part));
            if let Some((_, trouble)) = known {
                return *trouble;
            }
        }
        let message = error.get("message").and_then(Value::as_str);
        let message = message.unwrap_or_default().to_lowercase();
        let known = PHRASES.iter().find(|(phrase, _)| message.contains(phrase));
        known.map_or(Self::Other, |(_, trouble)| *trouble)
    }

    /// `extensions.code`.
    pub(in crate::connect) fn code(self) -> &'static str {
        match self {
            Self::NotFound => "UPSTREAM_NOT_FOUND",
            Self::RateLimited => "UPSTREAM_RATE_LIMITED",
            Self::TooMuch => "BUDGET_EXHAUSTED",
            Self::Timeout => "UPSTREAM_TIMEOUT",
            Self::Unauthorized => "UPSTREAM_UNAUTHORIZED",
            Self::Invalid => "UPSTREAM_BAD_SHAPE",
            Self::Other => "UPSTREAM_UNAVAILABLE",
        }
    }

    /// Behind the name of the connector; what the upstream wrote is not repeated.
    pub(in crate::connect) fn words(self) -> &'static str {
        match self {
            Self::NotFound => "does not know what was asked for",
            Self::RateLimited => "said that there were too many requests",
            Self::TooMuch => "said that this is too much to ask for at once",
            Self::Timeout => "took too long to put its answer together",
            Self::Unauthorized => "does not show this to the credential",
            Self::Invalid => "does not understand what it was asked",
            Self::Other => "could not answer this",
        }
    }
}

/// The whole answer.
pub(in crate::connect) enum Reply {
    /// By alias, in their order.
    Said(Vec<Said>),
    /// Nothing of use, for everybody.
    Failed(Trouble),
    /// It is no answer to a GraphQL request.
    Misshapen,
}

/// Takes an answer apart; `shared` says which aliases had their selection in a fragment on the type `type_name`.
pub(in crate::connect) fn taken_apart(
    body: Value,
    expected: &[Option<&str>],
    fault: &dyn Fn(Trouble) -> Value,
) -> Reply {
    let Value::Object(mut body) = body else {
        return Reply::Misshapen;
    };
    let errors = match body.remove("errors") {
        Some(Value::Array(errors)) => errors,
        _ => Vec::new(),
    };
    let mut data = match body.remove("data") {
        Some(Value::Object(data)) => data,
        Some(Value::Null) | None if !errors.is_empty() => Map::new(),
        _ => return Reply::Misshapen,
    };
    let mut by_alias: HashMap<&str, Vec<&Value>> = HashMap::new();
    let mut common = None;
    for error in &errors {
        let first = error.get("path").and_then(|path| path.get(0));
        match first.and_then(Value::as_str) {
            Some(alias) => by_alias.entry(alias).or_default().push(error),
            None => common = common.or(Some(Trouble::of(error))),
        }
    }
    if data.is_empty()
        && let Some(common) = common
    {
        return Reply::Failed(common);
    }
    let each = expected.iter().enumerate().map(|(position, type_name)| {
        let alias = alias(position);
        let own = by_alias.get(alias.as_str()).map_or(&[][..], Vec::as_slice);
        let value = data.remove(&alias).unwrap_or(Value::Null);
        said(value, own, common, *type_name, fault)
    });
    Reply::Said(each.collect())
}

fn said(
    mut value: Value,
    errors: &[&Value],
    common: Option<Trouble>,
    type_name: Option<&str>,
    fault: &dyn Fn(Trouble) -> Value,
) -> Said {
    if value.is_null() {
        let own = errors.iter().map(|error| Trouble::of(error));
        return match own.chain(common).next() {
            None | Some(Trouble::NotFound) => Said::NotFound,
            Some(trouble) => Said::Failed(trouble),
        };
    }
    if let Some(expected) = type_name
        && value.get("__typename").and_then(Value::as_str) != Some(expected)
    {
        return Said::OtherType;
    }
    for error in errors {
        let Some(Value::Array(path)) = error.get("path") else {
            continue;
        };
        let trouble = Trouble::of(error);
        // What is not found is null, and that is right so.
        if trouble != Trouble::NotFound {
            mark(
                &mut value,
                path.get(1..).unwrap_or_default(),
                &fault(trouble),
            );
        }
    }
    Said::Value(value)
}

/// Says at the null on a path why it is null.
fn mark(value: &mut Value, path: &[Value], reason: &Value) {
    let mut at = value;
    for step in path {
        if at.is_null() {
            break;
        }
        let next = match step {
            Value::String(name) => at.get_mut(name),
            step => {
                let index = step.as_u64().and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| at.get_mut(index))
            }
        };
        match next {
            Some(next) => at = next,
            None => return,
        }
    }
    if at.is_null() {
        *at = expr::fault(reason.clone());
    }
}
